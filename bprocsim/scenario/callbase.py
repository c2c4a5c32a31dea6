"""What every [[call]] has: its name, who makes it, and what it is expected to come to."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from bprocsim.errnos import Errno
from bprocsim.scenario.aixkinds import PROCESSORS, FilledValue
from bprocsim.scenario.commonkinds import NAME, NODE, NS, TEXT, TRUTH, VECTOR
from bprocsim.scenario.kinds import Choice, Either, Integer, Kind, Listed, Number, Table, Variables, key
from bprocsim.signals import LAST, Signal


class _Environment:
    """envp: a list of NAME=value, a table of values by name, or a pointer, which is a table of one key."""

    expected = "a table of texts by name, a list of NAME=value, or { pointer = ... }"

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, dict) and set(value) != {"pointer"}:
            return Variables(TEXT).take(value)
        return VECTOR.take(value)

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return {"anyOf": [VECTOR.schema(), Variables(TEXT).schema()]}


ENVIRONMENT = _Environment()


RAISES = ("Deadlock", "Runaway", "Timeout")
NONE = "none"


class _OrNone:
    """What a kind takes, or "none" for what Python calls None."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    @property
    def expected(self) -> str:
        """Say what is taken."""
        return f'{self.kind.expected}; or "{NONE}"'

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        return value if value == NONE else self.kind.take(value)

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return {"anyOf": [{"const": NONE}, self.kind.schema()]}


ERRNO = Choice([each.name for each in Errno], "errno")
SIGNAL = Either(
    {str: Choice([each.name for each in Signal], "signal"), int: Integer(1, LAST, "a signal")}, "a signal: SIGKILL, 9"
)
STATUS = Integer(0, 255, "an exit status")
_RETURNED = Either({int: Integer(), str: PROCESSORS}, "a whole number, or logical ids such as '0-3,6'")


@frozen(kw_only=True)
class ExpectTable:
    """What a call is to come to: fields of bp.Outcome, and what is in its texts."""

    failed: bool | None = key(TRUTH, "the call came back with -1", None)
    returned: bool | None = key(TRUTH, "it came back at all", None)
    late: bool | None = key(TRUTH, "it ended by a row that is decided after the exec", None)
    value: Any = key(_OrNone(_RETURNED), "what it returned; none: the caller became a new image", None)
    errno: str | None = key(_OrNone(ERRNO), "the errno that it returned", None)
    late_errno: str | None = key(_OrNone(ERRNO), "the errno by which the process ended after its exec", None)
    cause: str | None = key(_OrNone(NAME), "the row that was met, in both cases", None)
    exit_status: Any = key(_OrNone(STATUS), "the status with which the process ended", None)
    signal: Any = key(_OrNone(SIGNAL), "the signal by which it was killed", None)
    stdout: Any = key(TEXT, "all that it wrote to stdout", None)
    stderr: Any = key(TEXT, "all that it wrote to stderr", None)
    text: str | None = key(TEXT, "stdout as text", None)
    stdout_contains: Any = key(TEXT, "something that stands in stdout", None)
    stderr_contains: Any = key(TEXT, "something that stands in stderr", None)
    pid: int | None = key(Integer(1, what="a pid"), "the process", None)
    node: int | None = key(NODE, "where it ended", None)
    elapsed_ns: int | None = key(NS, "how long the call took, exactly", None)
    pids: Any = key(Listed(Integer(what="a pid or a number of an errno"), "numbers"), "what it told of each node", None)
    causes: Any = key(Listed(NAME, 'rows, or "none"'), "the row that was against each node", None)
    rset: str | None = key(_OrNone(PROCESSORS), 'the resource set of the new image, as in "0-3,6"', None)
    sradid: Any = key(_OrNone(Integer(0, what="an SRADID")), "the home SRAD of the new image", None)
    exception: str | None = key(_OrNone(NAME), "the class of what its program raised", None)
    filled: Any = key(FilledValue(), "what it filled: a set, a list, the fields of a record", None)
    raises: str | None = key(Choice(RAISES, "end"), "the call did not end", None)


@frozen(kw_only=True)
class CallTable:
    """What is done; calls are made one after the other."""

    call: str = key(NAME, "a call by its name, run or sleep")


@frozen(kw_only=True)
class SleepTable(CallTable):
    """Let simulated time pass."""

    seconds: float = key(Number(0), "how long")


@frozen(kw_only=True)
class Expecting(CallTable):
    """A call that comes to something."""

    expect: ExpectTable = key(Table(ExpectTable), "any field of bp.Outcome", None)
    user: str = key(NAME, "who calls: a [[user]], or root", "root")
