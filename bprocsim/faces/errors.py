"""The one place where a simulated failure becomes a Python exception."""

from __future__ import annotations

import errno as host_errno
from functools import cache

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
    sources.toml, `.explain()` the page's ERRORS section.
    """

    error: Errno
    number: int
    cause: str
    call: str
    source: str
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


def make_error(errors: Errors, row: Row, subject: bytes | str = b"", system: str = "linux") -> CallError:
    """Make the exception for a reported row; `subject` is the path or thing that the call named."""
    number = row.errno.number(system)
    name = subject.decode("utf-8", "surrogateescape") if isinstance(subject, bytes) else subject
    kind = _class_for(row.errno.name)
    # The host's number when it has one: `except OSError as e: e.errno == errno.ENOENT` then works.
    host = getattr(host_errno, row.errno.name, number)
    error = kind(host, f"{row.errno.message} ({errors.call}: {row.sentence})", name or None)
    error.error, error.number, error.cause = row.errno, number, row.cause
    error.call, error.source = errors.call, errors.source_of(row)
    error._errors, error._row = errors, row
    return error


def raised(failure: Fail, system: str = "linux") -> CallError:
    """Make the exception for a Fail."""
    return make_error(failure.errors, failure.row, failure.subject, system)
