"""What a call made from outside came to."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from bprocsim.errnos import Errno
from bprocsim.faces.errors import explanation, make_error
from bprocsim.manual import Errors, Kind, Placed, Row


@frozen(eq=False, repr=False, slots=False)  # frozen slots are filled slowly
class Outcome:
    """What happened when a call was made from a process of the harness.

    `failed` it came back and has failed, mostly with -1; `returned` it came back at all; `value` what it returned, None
    when the caller became a new image; `errno` when failed; `late_errno` when the exec succeeded
    and the process then ended with an errno as its exit status; `cause` the row in both cases;
    `exit_status` or `signal` how the process ended, when it did; `stdout`, `stderr` what it wrote;
    `pid`, `node` who it was and where it ended; `elapsed_ns` how long it took; `exception` what its
    program raised; `row` and `errors` the row met and its table; `subject` what the call named;
    `system` whose numbers its errors have. On AIX, of a call that became a new image: `rset` its
    effective resource set, `sradid` its home SRAD. Of a call for several nodes: `pids` what it told of
    each, `causes` the row that was against each; `cause` is then the first of those.
    """

    call: str
    value: Any = None
    row: Row | None = None
    errors: Errors | None = None
    late: bool = False
    exit_status: int | None = None
    signal: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    pid: int = 0
    node: int = -1
    elapsed_ns: int = 0
    exception: BaseException | None = None
    returned: bool = False
    subject: bytes | str = field(default=b"", repr=False)
    system: str = field(default="linux", repr=False)
    rset: Any = None
    sradid: int | None = None
    placed: Placed | None = field(default=None, repr=False)

    @property
    def failed(self) -> bool:
        """Tell whether the call failed: it came back with -1, or what else its page says."""
        return self.row is not None and not self.late and self.row.kind is not Kind.SLOT

    @property
    def errno(self) -> Errno | None:
        """Give the errno that the call returned, None if it did not fail."""
        return self.row.errno if self.row is not None and self.failed else None

    @property
    def pids(self) -> tuple[int, ...]:
        """Give what a call for several nodes told of each: a pid, an errno's negative number, 0 if it was not tried."""
        return () if self.placed is None else self.placed.pids

    @property
    def causes(self) -> tuple[str | None, ...]:
        """Give the id of the row that was against each of several nodes, None where nothing was."""
        return () if self.placed is None else tuple(None if row is None else row.cause for row in self.placed.rows)

    @property
    def late_errno(self) -> Errno | None:
        """Give the errno by which the process ended after its exec, None if it did not."""
        return self.row.errno if self.row is not None and self.late else None

    @property
    def cause(self) -> str | None:
        """Give the id of the row that was met."""
        return self.row.cause if self.row is not None else None

    @property
    def text(self) -> str:
        """Give stdout as text."""
        return self.stdout.decode("utf-8", "replace")

    def explain(self) -> str:
        """Write the page's ERRORS section: each row ok, FAIL or not reached."""
        if self.errors is None:
            raise ValueError(f"{self.call} has no table of errors")
        return explanation(self.errors, self.row)

    def check(self) -> Outcome:
        """Give itself back, or raise the CallError that a program would have met."""
        if self.row is not None and self.errors is not None and self.failed:
            raise make_error(self.errors, self.row, self.subject, self.system)
        return self

    def __repr__(self) -> str:
        return f"<{self.call}: {self.told()}; pid {self.pid}; {self.elapsed_ns / 1e6:.3f} ms>"

    def told(self) -> str:
        """Say what it came to: `exit 0`, `-1 ENOENT cmd_absent`."""
        if self.row is not None and self.late:
            last = "exec" if self.row.status is None else "move"
            return f"exit {self.exit_status} AFTER the {last}: {self.row.errno.name} {self.row.cause}"
        if self.row is not None:
            at = "" if self.placed is None else f", slot {self.placed.rows.index(self.row)}"
            return f"{self.value}{at}{':' if at else ''} {self.row.errno.name} {self.row.cause}"
        if self.returned:
            return f"{self.value!r}"
        if self.signal is not None:
            return f"killed by signal {self.signal}"
        return f"exit {self.exit_status}"
