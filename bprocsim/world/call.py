"""A direct call as data: made in any world that is given to it."""

from __future__ import annotations

from copy import copy
from typing import Any

from attrs import frozen

from bprocsim.notation import Notated, call_text


@frozen(init=False, repr=False, hash=False)
class Call(Notated):
    """A call as data: `Call("bproc_execmove", 2, "/bin/sh", user=alice)` is made by `call(world)`.

    `name` of a method, of a cluster or a partition or whatever else it is to be called with; then its
    arguments, as there. Lists and resource sets among them are copied for each call, which may change
    them. Two calls are equal if their names and arguments are.
    TypeError, ValueError: the name is none.
    """

    name: str
    args: tuple[Any, ...]
    keywords: dict[str, Any]

    def __init__(self, name: str, /, *args: Any, **keywords: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name: expected the name of a call such as 'bproc_execmove', got {name!r}")
        if not name.isidentifier():
            raise ValueError(f"name: expected the name of a call such as 'bproc_execmove', got {name!r}")
        self.__attrs_init__(name, args, keywords)

    def __call__(self, world: Any) -> Any:
        """Make the call in a world: an Outcome, where the call gives one. TypeError: the world has no such call."""
        method = getattr(world, self.name, None)
        if not callable(method):
            raise TypeError(f"{self.name}: there is no such call on {world!r}")
        return method(*map(_own, self.args), **{name: _own(value) for name, value in self.keywords.items()})

    def __hash__(self) -> int:
        return hash((self.name, len(self.args), tuple(self.keywords)))

    def notation(self) -> str:
        """Write it as Python."""
        return call_text("bp.Call", (self.name, *self.args), self.keywords)


def _own(value: Any) -> Any:
    """Give an argument that the call may change."""
    changes = isinstance(value, list | bytearray | dict) or getattr(value, "changes_later", False)
    return copy(value) if changes else value
