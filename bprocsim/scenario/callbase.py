"""What every [[call]] has: its name, who makes it, and what it is expected to come to."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import attrs
from attrs import frozen

from bprocsim.errnos import Errno
from bprocsim.scenario.aixkinds import PROCESSORS, FilledValue, ReturnedText
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
_RETURNED = Either({int: Integer(), str: ReturnedText()}, "a whole number, logical ids such as '0-3,6', or a text")


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
    filled: Any = key(FilledValue(), "what it filled: a set, a text, a list, fields of a record", None)
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


@frozen(kw_only=True)
class MethodTable(Expecting):
    """A call whose own keys are the parameters of a method of `made_of`.

    `fills` what a call of a name fills, so that it may be left out and be expected: `filled` of expect.
    """

    made_of: ClassVar[type]
    fills: ClassVar[Mapping[str, str]]

    caller: str | None = key(NAME, "the idle_process that makes the call; left out: a fresh one", None)


def parameters_of(table: type[MethodTable], name: str) -> list[inspect.Parameter]:
    """Give the parameters of a call's method, without those that say who calls."""
    found = inspect.signature(getattr(table.made_of, name)).parameters.values()
    return [each for each in found if each.name != "self" and each.kind is not inspect.Parameter.VAR_KEYWORD]


class MethodTables(Mapping[str, type]):
    """The class of each call's table by its name; one is made when a scenario first has it.

    `names` the calls; `base` gives what a call's table begins with, `keys` what a parameter takes and means, by
    its call and its own name; `more` keys that are no parameters.
    """

    def __init__(
        self, names: tuple[str, ...], base: Callable[[str], type[MethodTable]],
        keys: Callable[[str, str], tuple[Kind, str]], more: Mapping[str, Mapping[str, Any]],
    ) -> None:  # fmt: skip
        self._names, self._base, self._keys, self._more = names, base, keys, more
        self._made: dict[str, type] = {}

    def __getitem__(self, name: str) -> type:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._table_of(name)
        return self._made[name]

    def __iter__(self) -> Any:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _table_of(self, name: str) -> type:
        """Make the class of a call's table: its parameters; None for what may be left out."""
        base, keys = self._base(name), dict[str, Any]()
        for parameter in parameters_of(base, name):
            kind, doc = self._keys(name, parameter.name)
            several = parameter.kind is inspect.Parameter.VAR_POSITIONAL
            may_be_left_out = several or parameter.default is not inspect.Parameter.empty
            may_be_left_out = may_be_left_out or base.fills.get(name) == parameter.name
            keys[parameter.name] = key(kind, doc, None if may_be_left_out else attrs.NOTHING)
        keys |= self._more.get(name, {})
        title = "".join(part.capitalize() or "_" for part in name.split("_"))
        made = attrs.make_class(f"{title}Table", keys, bases=(base,), frozen=True, kw_only=True)
        made.__doc__ = (getattr(base.made_of, name).__doc__ or "").partition("\n")[0].partition(" Errors:")[0]
        return made
