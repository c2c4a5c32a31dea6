"""What a world is built from: nodes as they are asked for, users, and checks of what is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.notation import Notated
from bprocsim.posix.arch import Arch, arch
from bprocsim.posix.credentials import ROOT, Credentials
from bprocsim.units import MiB

# How events of one instant follow each other: as they were planned, or as the seed has it.
ORDERS = ("fifo", "random")


@frozen
class NodeSpec:
    """What a node is made of.

    `cores` processors from 1 on; `memory_bytes` from 64 KiB on; `arch` a name of bp.ARCHES, or a
    machine number; `open_files` how many files may be open on the whole node; `module` BProc's kernel
    module is loaded: without it a slave never connects, and on the master no daemon runs.
    TypeError, ValueError: name the argument.
    """

    cores: int = 1
    memory_bytes: int = 512 * MiB
    arch: str | int | Arch = "x86-64"
    open_files: int = 8192
    module: bool = True

    def __attrs_post_init__(self) -> None:
        at_least("cores", self.cores, 1)
        at_least("memory_bytes", self.memory_bytes, 65536)
        at_least("open_files", self.open_files, 0)
        truth("module", self.module)
        arch(self.arch)


def at_least(argument: str, value: Any, least: int) -> int:
    """Take an int from `least` on; TypeError or ValueError names the argument."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{argument}: expected an int, got {value!r}")
    if value < least:
        raise ValueError(f"{argument}: expected at least {least}, got {value}")
    return value


def truth(argument: str, value: Any) -> bool:
    """Take True or False, and nothing that merely counts as such; TypeError names the argument."""
    if not isinstance(value, bool):
        raise TypeError(f"{argument}: expected True or False, got {value!r}")
    return value


def label(argument: str, value: Any) -> str:
    """Take a name: a str that is not empty; TypeError or ValueError names the argument."""
    if not isinstance(value, str):
        raise TypeError(f"{argument}: expected a str, got {value!r}")
    if not value:
        raise ValueError(f"{argument}: expected a name, got an empty one")
    return value


def named_record(value: Any, known: Mapping[str, Any], kind: type, argument: str) -> Any:
    """Take a record or its name; ValueError or TypeError names the argument and what there is."""
    if isinstance(value, kind):
        return value
    if isinstance(value, str):
        if value in known:
            return known[value]
        raise ValueError(f"{argument}: there is no {value!r}; expected one of {', '.join(known)}")
    raise TypeError(f"{argument}: expected one of {', '.join(known)}, or a record of that kind, got {value!r}")


def listed(argument: str, value: Any, of: str) -> list[Any]:
    """Take a list, a tuple or the like, and never a text; TypeError names the argument."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{argument}: expected a list of {of}, got {value!r}")
    return list(value)


def node_specs(nodes: Any) -> tuple[int, tuple[NodeSpec, ...]]:
    """Take `nodes` of a Cluster: how many there are, and the kinds they take turns in (one: all alike)."""
    if isinstance(nodes, int):
        return at_least("nodes", nodes, 0), (NodeSpec(),)
    if isinstance(nodes, str | bytes) or not isinstance(nodes, Sequence):
        raise TypeError(f"nodes: expected a number or a list of bp.NodeSpec, got {nodes!r}")
    for each in nodes:
        if not isinstance(each, NodeSpec):
            raise TypeError(f"nodes: expected bp.NodeSpec in the list, got {each!r}")
    return len(nodes), tuple(nodes)


@frozen(repr=False)
class User(Notated):
    """Somebody who has an account: `name` and `credentials`."""

    name: str
    credentials: Credentials

    @property
    def uid(self) -> int:
        """Give the user id."""
        return self.credentials.uid

    @property
    def gid(self) -> int:
        """Give the group id."""
        return self.credentials.gid


def credentials_of(user: Any) -> Credentials:
    """Take `user=`: a User, Credentials, or None for root; TypeError says what was expected."""
    if user is None:
        return ROOT
    if isinstance(user, User):
        return user.credentials
    if isinstance(user, Credentials):
        return user
    raise TypeError(f"user: expected what cluster.user() gives, bp.Credentials or None (root), got {user!r}")


def node_numbers(on: Any, count: int) -> tuple[int, ...]:
    """Take a node specification: "master", "0-2,5", "3-", "all", a number, or a list of such.

    ValueError: a number that no node has, or a text that is none. Source: bproc-nodespec.
    """
    if isinstance(on, int) and not isinstance(on, bool):
        if on != NODE_MASTER and not 0 <= on < count:
            raise ValueError(f"on: there is no node {on}; nodes are 0 to {count - 1}, and -1 is the master")
        return (on,)
    if isinstance(on, str):
        return tuple(number for part in on.split(",") for number in _part(part.strip(), count))
    if isinstance(on, Iterable) and not isinstance(on, bytes):
        return tuple(number for each in on for number in node_numbers(each, count))
    raise TypeError(f"on: expected a node specification such as 'master', '0-2,5' or 'all', got {on!r}")


def _part(text: str, count: int) -> Iterable[int]:
    if text == "master":
        return (NODE_MASTER,)
    from bprocsim.bproc.nodespec import InState, Numbers, parse  # most worlds name no node in words

    match parse(text):
        case (InState(state=""),):
            return range(count)
        case (Numbers(low=low, high=high),):
            last = count - 1 if high is None else high
            if last >= count or not 0 <= low <= last:
                raise ValueError(f"on: {text!r} names nodes that are not there; nodes are 0 to {count - 1}")
            return range(low, last + 1)
        case _:
            raise ValueError(f"on: {text!r} is no node specification; write 'master', 'all', '3', '0-2' or '4-'")
