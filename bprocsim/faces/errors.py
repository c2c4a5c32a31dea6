"""The one place where a simulated failure becomes a Python exception."""

from __future__ import annotations

import errno as host_errno
from functools import cache, lru_cache

from bprocsim.errnos import Errno
from bprocsim.manual import Errors, Fail, Row

# Python's own subclass of OSError for an errno, by name.
_BUILTINS: dict[str, type[OSError]] = {
    "EPERM": PermissionError,
    "EACCES": PermissionError,
    "ENOENT": FileNotFoundError,
    "EEXIST": FileExistsError,
    "ENOTDIR": NotADirectoryError,
    "EISDIR": IsADirectoryError,
    "EINTR": InterruptedError,
    "ECHILD": ChildProcessError,
    "ESRCH": ProcessLookupError,
    "EAGAIN": BlockingIOError,
    "EPIPE": BrokenPipeError,
    "ECONNRESET": ConnectionResetError,
    "ECONNREFUSED": ConnectionRefusedError,
    "ETIMEDOUT": TimeoutError,
}


class CallError(OSError):
    """A simulated call failed; also the builtin for its errno (FileNotFoundError, ...).

    `.error` the Errno, `.errno` the host's number for it (the simulated one where the host has
    none), `.number` the simulated system's, `.cause` the row, `.call`, `.source` an id of
    sources.toml, `.failed` what C returns, `.silent` whether that tells the errno by itself,
    `.explain()` the page's ERRORS section.
    """

    error: Errno
    number: int
    cause: str
    call: str
    source: str
    failed: int | None
    silent: bool = False
    _errors: Errors
    _row: Row

    def explain(self) -> str:
        """Tell row by row what was decided."""
        return explanation(self._errors, self._row)


def explanation(errors: Errors, reported: Row | None) -> str:
    """Write an ERRORS section with a verdict on each row: ok, FAIL or not reached."""
    lines = [f"{errors.call}: " + ("no error" if reported is None else f"{reported.errno.name} ({reported.cause})")]
    for row, verdict in errors.explain(reported):
        lines.append(f"  {verdict:<11}  {row.errno.name:<14} {row.cause:<28} {row.sentence}")
    lines.append(f"page: {errors.page}; order: {errors.order}")
    if reported is not None:
        lines.append(f"row: {errors.source_of(reported)}")
    return "\n".join(lines) + "\n"


@cache
def _class_for(name: str) -> type[CallError]:
    builtin = _BUILTINS.get(name)
    if builtin is None:
        return CallError
    return type("CallError", (CallError, builtin), {"__module__": __name__, "__doc__": CallError.__doc__})


@lru_cache(maxsize=512)
def _said(errors: Errors, row: Row, system: str) -> tuple[type[CallError], int, str, dict[str, object]]:
    """Give what every error of a row is: its class, the host's number, its text, and what it knows."""
    number = row.errno.number(system)
    # The host's number when it has one: `except OSError as e: e.errno == errno.ENOENT` then works.
    host = getattr(host_errno, row.errno.name, number)
    known = {
        "error": row.errno, "number": number, "cause": row.cause, "call": errors.call,
        "source": errors.source_of(row), "failed": errors.failed, "_errors": errors, "_row": row,
    }  # fmt: skip
    return _class_for(row.errno.name), host, f"{row.errno.message} ({errors.call}: {row.sentence})", known


def make_error(errors: Errors, row: Row, subject: bytes | str = b"", system: str = "linux") -> CallError:
    """Make the exception for a reported row; `subject` is the path or thing that the call named."""
    kind, host, text, known = _said(errors, row, system)
    name = subject.decode("utf-8", "surrogateescape") if isinstance(subject, bytes) else subject
    error = kind(host, text, name or None)
    error.__dict__.update(known)
    return error


def raised(failure: Fail, system: str = "linux") -> CallError:
    """Make the exception for a Fail."""
    error = make_error(failure.errors, failure.row, failure.subject, system)
    if failure.value is not None:
        error.failed, error.silent = failure.value, True
    return error
