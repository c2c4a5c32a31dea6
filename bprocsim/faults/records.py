"""Faults as data: what goes wrong in a world, where and when."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import attrs
from attrs import field, frozen, validators

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.bproc.steps import Step
from bprocsim.errnos import Errno
from bprocsim.faults.occasions import occasion
from bprocsim.notation import Notated


def _at_least(least: int) -> Any:
    def check(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{attribute.name}: expected an int, got {value!r}")
        if value < least:
            raise ValueError(f"{attribute.name}: expected at least {least}, got {value}")

    return check


def _is_path(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str | bytes | PurePosixPath):
        raise TypeError(f"{attribute.name}: expected str, bytes or a path, got {value!r}")
    if not (value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")).startswith(b"/"):
        raise ValueError(f"{attribute.name}: expected an absolute path, got {value!r}")


def _is_text(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{attribute.name}: expected a str, got {value!r}")


def _is_step(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Step):
        raise TypeError(f"{attribute.name}: expected a member of bp.Step, got {value!r}")


def _is_probability(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{attribute.name}: expected a number, got {value!r}")
    if not 0 <= value < 1:
        raise ValueError(f"{attribute.name}: expected 0 or more and less than 1, got {value!r}")


def _is_errno(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Errno):
        raise TypeError(f"{attribute.name}: expected a member of bp.Errno, got {value!r}")


def _is_occasion(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    _is_text(_fault, attribute, value)
    occasion(value)


def _are_two(fault: Any) -> None:
    if fault.a == fault.b:
        raise ValueError(f"a, b: a link has two ends, got {fault.a} twice")


_is_node = _at_least(NODE_MASTER)
_time = _at_least(0)


@frozen(repr=False)
class Fault(Notated):
    """What goes wrong in a world, and when: `at_ns` nanoseconds after its beginning."""


def _check_window(fault: Any) -> None:
    if fault.until_ns is not None and fault.until_ns <= fault.at_ns:
        raise ValueError(f"until_ns: expected an instant after at_ns={fault.at_ns}, got {fault.until_ns}")


@frozen(repr=False)
class PowerOff(Fault):
    """A node loses power: at `at_ns`, or when a move that it takes part in reaches `step`; never both.

    At 0 the node never connected, so it is down. Later nobody is told: pings find out.
    """

    node: int = field(validator=_is_node)
    at_ns: int | None = field(default=None, validator=validators.optional(_time))
    step: Step | None = field(default=None, validator=validators.optional(_is_step))

    def __attrs_post_init__(self) -> None:
        if self.at_ns is not None and self.step is not None:
            raise ValueError("at_ns, step: PowerOff takes one of them, never both")


@frozen(repr=False)
class PowerOn(Fault):
    """A slave that has no power, or hangs, is switched on at `at_ns`: it connects, boots, and is up."""

    node: int = field(validator=_at_least(0))
    at_ns: int = field(default=0, validator=_time)


@frozen(repr=False)
class Hang(Fault):
    """A node stops at `at_ns` without a word; the ping timeout finds it."""

    node: int = field(validator=_is_node)
    at_ns: int = field(default=0, validator=_time)


@frozen(repr=False)
class NodeUpFails(Fault):
    """The script that sets a node up fails from `at_ns` on: the node boots into "error"."""

    node: int = field(validator=_at_least(0))
    at_ns: int = field(default=0, validator=_time)


@frozen(repr=False)
class LinkCut(Fault):
    """Nothing passes between nodes `a` and `b` from `at_ns` to `until_ns` (None: for ever)."""

    a: int = field(validator=_is_node)
    b: int = field(validator=_is_node)
    at_ns: int = field(default=0, validator=_time)
    until_ns: int | None = field(default=None, validator=validators.optional(_time))

    def __attrs_post_init__(self) -> None:
        _are_two(self)
        _check_window(self)


@frozen(repr=False)
class SlowLink(Fault):
    """What passes between nodes `a` and `b` takes `times` as long."""

    a: int = field(validator=_is_node)
    b: int = field(validator=_is_node)
    times: int = field(default=2, validator=_at_least(1))
    at_ns: int = field(default=0, validator=_time)
    until_ns: int | None = field(default=None, validator=validators.optional(_time))

    def __attrs_post_init__(self) -> None:
        _are_two(self)
        _check_window(self)


@frozen(repr=False)
class Loss(Fault):
    """Each message between nodes `a` and `b` is lost with `probability`, and sent again."""

    a: int = field(validator=_is_node)
    b: int = field(validator=_is_node)
    probability: float = field(default=0.01, validator=_is_probability)
    at_ns: int = field(default=0, validator=_time)
    until_ns: int | None = field(default=None, validator=validators.optional(_time))

    def __attrs_post_init__(self) -> None:
        _are_two(self)
        _check_window(self)


@frozen(repr=False)
class MasterDaemonExit(Fault):
    """The master daemon ends at `at_ns`: ghosts die, slaves kill, and later calls find no master."""

    at_ns: int = field(default=0, validator=_time)


@frozen(repr=False)
class IoError(Fault):
    """The disk of a node cannot read what `path` names: a file's contents, or a directory."""

    node: int = field(validator=_is_node)
    path: str | bytes | PurePosixPath = field(validator=_is_path)
    at_ns: int = field(default=0, validator=_time)


@frozen(repr=False)
class MemoryFull(Fault):
    """A node has only `free_bytes` of memory left."""

    node: int = field(validator=_is_node)
    free_bytes: int = field(default=0, validator=_time)
    at_ns: int = field(default=0, validator=_time)


@frozen(repr=False)
class OpenFileLimit(Fault):
    """A node lets only `files` more be open, counting all of its processes."""

    node: int = field(validator=_is_node)
    files: int = field(default=0, validator=_time)
    at_ns: int = field(default=0, validator=_time)


@frozen(repr=False)
class ConnectRefused(Fault):
    """A node refuses connections to `port`."""

    node: int = field(validator=_is_node)
    port: int = field(validator=[_time, validators.le(0xFFFF)])
    at_ns: int = field(default=0, validator=_time)


@frozen(repr=False)
class LibraryMissing(Fault):
    """A node's loader does not find the library `name`."""

    node: int = field(validator=_is_node)
    name: str = field(validator=_is_text)
    at_ns: int = field(default=0, validator=_time)


@frozen(repr=False)
class CoreFails(Fault):
    """A core of a partition fails at `at_ns`, with all its hardware threads; nobody is asked or warned."""

    core: int = field(validator=_time)
    at_ns: int = field(default=0, validator=_time)


@frozen(repr=False)
class CallFails(Fault):
    """A call fails with an errno of its page, although nothing in the world is amiss.

    `call` the page's name or one of its calls, which strikes those forms too that the same call makes (ra_execl
    is made by ra_execve); `when` which of the calls that count fail, as strace
    writes it: "3" the third, "2+" from the second on, "1..9+2" every other one of the first nine;
    or, in its place, `probability` of each. `node` whose calls count, None all. `cause` which of the
    rows that report the errno is met, None the first.
    """

    call: str = field(validator=_is_text)
    errno: Errno = field(validator=_is_errno)
    when: str = field(default="1+", validator=_is_occasion)
    node: int | None = field(default=None, validator=validators.optional(_is_node))
    probability: float | None = field(default=None, validator=validators.optional(_is_probability))
    at_ns: int = field(default=0, validator=_time)
    until_ns: int | None = field(default=None, validator=validators.optional(_time))
    cause: str | None = field(default=None, validator=validators.optional(_is_text))

    def __attrs_post_init__(self) -> None:
        _check_window(self)
        if self.probability is not None and self.when != "1+":
            raise ValueError("when, probability: CallFails takes one of them, never both")
