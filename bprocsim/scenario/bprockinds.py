"""What keys of BProc's calls take: states, what is known of nodes, addresses, sets, flags, and what is filled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from bprocsim.bproc import nodes, rights, vmadump
from bprocsim.bproc.nodes import WORD_MAX, NodeState
from bprocsim.bproc.records import BprocAddress, BprocNodeInfo, BprocNodeSet
from bprocsim.errnos import Errno
from bprocsim.scenario.aixkinds import Constant, Named, WorkValue, inner, parts
from bprocsim.scenario.kinds import POINTER, Choice, Integer, Listed, Text, small
from bprocsim.scenario.problems import refused
from bprocsim.scenario.values import bytes_of, c_value

_INTEGER = Integer()
# The states by the names of their numbers.
STATES = tuple(name for name in vars(nodes) if name.startswith("bproc_node_"))


@frozen
class StatusValue:
    """A state: its number, the name of that number, or a word, as the edition has it."""

    expected: str = f"a state: a number, one of {', '.join(STATES)}, or in BProc 4.0 a word"

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, bool) or not isinstance(value, str | Mapping):
            raise refused(self.expected, value)
        return Text(pointer=True).take(value)

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return {"anyOf": [{"type": "integer"}, *Text(pointer=True).schema()["anyOf"]]}

    def means(self, value: Any, _named: Named, _key: str) -> Any:
        """Give the number, the word, None (NULL) or BAD_ADDRESS."""
        return getattr(nodes, value) if value in STATES else c_value(value)


class StateWord:
    """A state of a node as the builder sets it: one of those that all know, or in BProc 4.0 any word."""

    expected = f"a state: one of {', '.join(each.value for each in NodeState)}; in BProc 4.0 any word"

    def take(self, value: Any) -> str:
        """Give it back, if it is one. WrongValue."""
        if not (isinstance(value, str) and value.isascii() and value.isalnum() and len(value) <= WORD_MAX):
            raise refused(self.expected, value)
        return value

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return {"type": "string", "pattern": f"^[A-Za-z0-9]{{1,{WORD_MAX}}}$"}


# What of a running process is sent, what bproc_access asks for, and the bits of a node's mode, as C names them.
_BITS = {
    "BPROC_DUMP_LIBS": vmadump.DUMP_LIBS, "BPROC_DUMP_EXEC": vmadump.DUMP_EXEC,
    "BPROC_DUMP_OTHER": vmadump.DUMP_OTHER, "BPROC_DUMP_ALL": vmadump.DUMP_ALL,
    "BPROC_X_OK": rights.X_OK,
    "S_IXUSR": 0o100, "S_IXGRP": 0o010, "S_IXOTH": 0o001,
}  # fmt: skip


@frozen
class Bits(Constant):
    """A number, or the names of its bits."""

    def means(self, value: Any, _named: Named, _key: str) -> int:
        """Give the number."""
        if isinstance(value, int):
            return value
        number = 0
        for name in parts(value):
            number |= _BITS[name]
        return number


DUMP_FLAGS = Bits(("BPROC_DUMP_LIBS", "BPROC_DUMP_EXEC", "BPROC_DUMP_OTHER", "BPROC_DUMP_ALL"), "flag")
ACCESS_MODE = Bits(("BPROC_X_OK",), "mode")
NODE_MODE = Bits(("S_IXUSR", "S_IXGRP", "S_IXOTH"), "mode")


@frozen
class ErrnoValue:
    """The number of an errno: itself, negative as well, or the errno's name."""

    expected: str = "a number, or the name of an errno such as ENOENT or BE_NODEDOWN"

    def take(self, value: Any) -> int | str:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if not isinstance(value, str):
            raise refused(self.expected, value)
        return Choice(Errno.__members__, "errno").take(value)

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return {"anyOf": [{"type": "integer"}, {"enum": list(Errno.__members__)}]}

    def means(self, value: Any, _named: Named, _key: str) -> int:
        """Give the number."""
        return Errno[value].number() if isinstance(value, str) else int(value)


@frozen
class PidValue(WorkValue):
    """A process: its pid, or the name of one that waits."""

    expected: str = "a pid, or the name of an idle_process"

    def means(self, value: Any, named: Named, key: str) -> int:
        """Give the pid."""
        return value if isinstance(value, int) else int(named.process(value, key).pid)


@frozen
class BytesValue(Text):
    """Bytes: a text or a table for one, or a pointer."""

    def means(self, value: Any, _named: Named, _key: str) -> Any:
        """Give the bytes, None (NULL) or BAD_ADDRESS."""
        return c_value(value) if isinstance(value, Mapping) and "pointer" in value else bytes_of(value)


class _Record:
    """A table of a record's fields, or a pointer; `fields` what each takes."""

    fields: Mapping[str, Any]

    @property
    def expected(self) -> str:
        """Say what is taken."""
        return f"a table of {', '.join(self.fields)}, or {{ pointer }}"

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, Mapping) and set(value) == {"pointer"}:
            return {"pointer": inner(POINTER, value, "pointer")}
        if not isinstance(value, Mapping) or not set(value) <= set(self.fields):
            raise refused(self.expected, value)
        return {name: inner(self.fields[name], value, name) for name in value}

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        fields = {name: kind.schema() for name, kind in self.fields.items()}
        whole = {"type": "object", "properties": fields, "additionalProperties": False}
        return {"anyOf": [whole, small({"pointer": POINTER.schema()})]}

    def means(self, value: Any, named: Named, key: str) -> Any:
        """Give the record, None (NULL) or BAD_ADDRESS."""
        if "pointer" in value:
            return c_value(value)
        meant = {
            name: self.fields[name].means(given, named, key) if hasattr(self.fields[name], "means") else given
            for name, given in value.items()
        }
        return self.made(**meant)

    def made(self, **fields: Any) -> Any:
        """Make the record."""
        raise NotImplementedError


class InfoValue(_Record):
    """What is known of a node."""

    fields: Mapping[str, Any] = {
        "node": _INTEGER, "status": StatusValue(), "mode": _INTEGER, "user": _INTEGER, "group": _INTEGER
    }  # fmt: skip

    def made(self, **fields: Any) -> BprocNodeInfo:
        """Make the record."""
        return BprocNodeInfo(**fields)


class AddressValue(_Record):
    """An address."""

    fields: Mapping[str, Any] = {"host": Text(), "port": _INTEGER}

    def made(self, **fields: Any) -> BprocAddress:
        """Make the record."""
        return BprocAddress(**fields)


class SetValue:
    """A set of nodes: a list of what is known of each, or a pointer."""

    expected = "a list of tables of node, status, mode, user, group, or { pointer }"
    _list = Listed(InfoValue(), "nodes")

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        return InfoValue().take(value) if isinstance(value, Mapping) and "pointer" in value else self._list.take(value)

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return {"anyOf": [self._list.schema(), small({"pointer": POINTER.schema()})]}

    def means(self, value: Any, named: Named, key: str) -> Any:
        """Give the set, None (NULL) or BAD_ADDRESS."""
        if isinstance(value, Mapping):
            return c_value(value)
        return BprocNodeSet([InfoValue().means(each, named, key) for each in value])


class Pointer:
    """Only a pointer, in place of what a call fills."""

    expected = "{ pointer }"

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        if not isinstance(value, Mapping) or set(value) != {"pointer"}:
            raise refused(self.expected, value)
        return {"pointer": inner(POINTER, value, "pointer")}

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return small({"pointer": POINTER.schema()})

    def means(self, value: Any, _named: Named, _key: str) -> Any:
        """Give None (NULL) or BAD_ADDRESS."""
        return c_value(value)
