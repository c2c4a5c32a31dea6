"""What keys of AIX's calls take: resource sets, processes by name, constants by their C names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen

from bprocsim.aix import constants
from bprocsim.aix.levels import LEVELS
from bprocsim.aix.rset import RS_DEFAULT, Rset, listed
from bprocsim.aix.work import tid_of
from bprocsim.faces.pointers import BAD_ADDRESS
from bprocsim.scenario.commonkinds import ID, MODE
from bprocsim.scenario.kinds import POINTER, Integer, Word, small
from bprocsim.scenario.problems import WrongValue, choices, refused, shown

MYSELF = "RS_MYSELF"
DEFAULT = "RS_DEFAULT"
IDS_MAX = max(level.processors_max for level in LEVELS.values())


@define
class Named:
    """What calls have made that later ones name: `processes` that wait, `sets` that live on; `lpar` where."""

    lpar: Any = None
    processes: dict[str, Any] = field(factory=dict)
    sets: dict[str, Any] = field(factory=dict)

    def process(self, name: str, key: str) -> Any:
        """Give the process of a name. ValueError: nobody has made one yet."""
        return _found(self.processes, name, key, "idle_process")

    def set(self, name: str, key: str) -> Any:
        """Give the set of a name. ValueError: nobody has made one yet."""
        return _found(self.sets, name, key, "rset or rs_alloc")


def _found(known: dict[str, Any], name: str, key: str, maker: str) -> Any:
    if name not in known:
        raise ValueError(f"{key}: no call of {maker} before this one has made {shown(name)}")
    return known[name]


@frozen
class Constant:
    """A number, or names of constants of C with | between them; `names` those that make sense here."""

    names: tuple[str, ...]
    what: str

    @property
    def expected(self) -> str:
        """Say what is taken."""
        return f"{self.what}: a number, or {' | '.join(self.names)}"

    def take(self, value: Any) -> int | str:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if not isinstance(value, str):
            raise refused(self.expected, value)
        for name in parts(value):
            if name not in self.names:
                raise WrongValue(f"there is no {self.what} {shown(name)}{choices(self.names, name)}")
        return value

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        one = "|".join(self.names)
        return {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": rf"^\s*({one})(\s*\|\s*({one}))*\s*$"}]}

    def means(self, value: Any, named: Named, key: str) -> int:
        """Give the number."""
        if isinstance(value, int):
            return value
        number = 0
        for name in parts(value):
            number |= getattr(constants, name)
        return number


def parts(text: str) -> list[str]:
    """Give the names of constants with | between them."""
    return [part.strip() for part in text.split("|")]


@frozen
class Processors:
    """Logical ids, as in "0-3,6"; what it means is the text itself."""

    what: str = "a list of logical ids such as '0-3,6'"

    @property
    def expected(self) -> str:
        """Say what is taken."""
        return self.what

    def take(self, value: Any) -> str:
        """Give it back, if it is one. WrongValue."""
        if not isinstance(value, str):
            raise refused(self.expected, value)
        try:
            listed(value, "ids", IDS_MAX - 1)
        except ValueError as error:
            raise WrongValue(str(error).partition(": ")[2]) from None
        return value

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return {"type": "string", "pattern": r"^\s*(\d+\s*(-\s*\d+)?\s*(,\s*\d+\s*(-\s*\d+)?\s*)*)?$"}


PROCESSORS = Processors()


@frozen
class RsetValue:
    """A set: its ids, which make a fresh one, the name of one that a call has made, or a pointer.

    `default` whether RS_DEFAULT may stand there, too; `numbers` whether a plain number may: an SRADID.
    """

    default: bool = False
    numbers: bool = False

    @property
    def expected(self) -> str:
        """Say what is taken."""
        first = "an SRADID, or a set" if self.numbers else "a set"
        last = f", or {DEFAULT}" if self.default else ""
        return f"{first}: logical ids such as '0-3,6', {{ name }} or {{ pointer }}{last}"

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        if self.numbers and isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str):
            return value if self.default and value == DEFAULT else PROCESSORS.take(value)
        if isinstance(value, Mapping) and set(value) == {"name"}:
            return {"name": inner(Word("the name of a set"), value, "name")}
        if isinstance(value, Mapping) and set(value) == {"pointer"}:
            return {"pointer": inner(POINTER, value, "pointer")}
        raise refused(self.expected, value)

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        forms = [
            PROCESSORS.schema(), small({"name": {"type": "string", "minLength": 1}}),
            small({"pointer": POINTER.schema()}), *([{"const": DEFAULT}] if self.default else []),
            *([{"type": "integer"}] if self.numbers else []),
        ]  # fmt: skip
        return {"anyOf": forms}

    def means(self, value: Any, named: Named, key: str) -> Any:
        """Give the set, None (NULL), BAD_ADDRESS, or a number."""
        if isinstance(value, int):
            return value
        if value == DEFAULT:
            return RS_DEFAULT
        if isinstance(value, str):
            partition = named.lpar.partition  # a set may hold ids behind which there is no processor
            return Rset(listed(value, key, partition.level.processors_max - 1), partition.topology.memory_pools)
        if "name" in value:
            return named.set(value["name"], key)
        return None if value["pointer"] == "null" else BAD_ADDRESS


def inner(kind: Any, value: Mapping[str, Any], key: str) -> Any:
    """Give what a key of a small table has, if its kind takes it. WrongValue: with the way to it."""
    try:
        return kind.take(value[key])
    except WrongValue as wrong:
        raise WrongValue(wrong.what, (key, *wrong.at)) from None


@frozen
class WorkValue:
    """A process or a thread: its id, the name of a process that waits, or RS_MYSELF."""

    expected: str = f"a pid, a thread's id, the name of an idle_process, or {MYSELF}"

    def take(self, value: Any) -> int | str:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            raise refused(self.expected, value)
        return value

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return {"anyOf": [{"type": "integer"}, {"type": "string", "minLength": 1}]}

    def means(self, value: Any, named: Named, key: str) -> int:
        """Give the pid; `thread_of` gives the id of its first thread."""
        if isinstance(value, int):
            return value
        pid: int = constants.RS_MYSELF if value == MYSELF else named.process(value, key).pid
        return pid


def thread_of(value: Any, named: Named, key: str) -> int:
    """Give the id of the first thread of a process that a file names; a number stays what it is."""
    if isinstance(value, int) or value == MYSELF:
        return WorkValue().means(value, named, key)
    return tid_of(named.process(value, key).process.threads[0])


@frozen
class AttributesValue:
    """The owner, group and mode of a name, or a pointer."""

    expected: str = "a table of owner, group and mode, or { pointer }"

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        if not isinstance(value, Mapping) or not set(value) <= {"owner", "group", "mode", "pointer"}:
            raise refused(self.expected, value)
        if "pointer" in value and len(value) > 1:
            raise refused(self.expected, value)
        kinds = {"owner": ID, "group": ID, "mode": MODE, "pointer": POINTER}
        return {key: inner(kinds[key], value, key) for key in value}

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        kinds = {"owner": ID.schema(), "group": ID.schema(), "mode": MODE.schema()}
        whole = {"type": "object", "properties": kinds, "additionalProperties": False}
        return {"anyOf": [whole, small({"pointer": POINTER.schema()})]}

    def means(self, value: Any, named: Named, key: str) -> Any:
        """Give the record, None (NULL) or BAD_ADDRESS."""
        if "pointer" in value:
            return None if value["pointer"] == "null" else BAD_ADDRESS
        from bprocsim.aix.records import RsetAttributes

        return RsetAttributes(**value)


class FilledValue:
    """What a call has filled: a set, a text, a list, or fields of a record; of a record those that are given."""

    expected: str = "logical ids such as '0-3,6', a text, a list, or a table"

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, str):
            return ReturnedText().take(value)
        if isinstance(value, list | tuple):
            return tuple(self._plain(each, number) for number, each in enumerate(value))
        if isinstance(value, Mapping):
            return {name: self._plain(each, name) for name, each in value.items()}
        raise refused(self.expected, value)

    def _plain(self, value: Any, step: str | int) -> Any:
        try:
            if isinstance(value, list | tuple | Mapping):
                return self.take(value)
            return value if isinstance(value, str) else Integer().take(value)
        except WrongValue as wrong:
            raise WrongValue(wrong.what, (step, *wrong.at)) from None

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return {"type": ["string", "array", "object"]}


class ReturnedText:
    """Logical ids, or any other text that has a letter in it."""

    expected = "logical ids such as '0-3,6', or a text"

    def take(self, value: Any) -> str:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, str) and any(each.isalpha() for each in value):
            return value
        return PROCESSORS.take(value)

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return {"type": "string"}
