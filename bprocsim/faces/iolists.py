"""Lists that say what the descriptors of a process on another node shall be: LANL's bproc_io_t."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from attrs import define, evolve, field, frozen, setters

from bprocsim.faces.arguments import address, integer
from bprocsim.faces.pointers import BAD_ADDRESS, Nowhere, c_string

# What an entry is, its flags, and how many entries a list may have. Source: bproc-common.
IO_FILE, IO_SOCKET, IO_MEMFILE = 0, 1, 2
IO_SEND_INFO, IO_DELAY = 1, 2
IO_MAX_LEN = 16
NAME_BYTES = 256

_TYPES = {IO_FILE: "FILE", IO_SOCKET: "SOCKET", IO_MEMFILE: "MEMFILE"}
_FLAGS = ((IO_SEND_INFO, "SEND_INFO"), (IO_DELAY, "DELAY"))


class _Address(Protocol):
    """What has a host and a port: a bp.Address, or a bp.BprocAddress."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


@frozen
class _At:
    """An address; without more, what a structure of C full of zeros has."""

    host: str = ""
    port: int = 0


def _checked_int(_entry: Any, attribute: Any, value: Any) -> None:
    integer(value, f"BprocIo: {attribute.name}")


def _checked_address(_entry: Any, _attribute: Any, value: Any) -> None:
    address(value, "BprocIo")


def _name(value: Any) -> bytes:
    return c_string(value, "BprocIo: file_name")[: NAME_BYTES - 1]


@frozen
class BprocIo:
    """One entry of an I/O list, bproc_io_t in C: what the descriptor `fd` of the process shall be on the target.

    `type` bp.BPROC_IO_FILE: the file `file_name` of the target, opened with `file_flags` (bp.O_*) and
    `file_mode`; only the first 255 bytes of the name count, and `file_offset` changes nothing, as in
    BProc. bp.BPROC_IO_SOCKET: a connection to `addr`, whose host "" is the node that the process comes
    from. `flags`: bp.BPROC_IO_SEND_INFO writes pid and fd into the connection first, as two integers
    of four bytes; bp.BPROC_IO_DELAY does the entry once the process has arrived, when a failure stops
    nothing. TypeError, ValueError: name the field. Source: bproc-common.
    """

    fd: int = field(validator=_checked_int)
    type: int = field(default=IO_FILE, validator=_checked_int)
    flags: int = field(default=0, validator=_checked_int)
    addr: _Address = field(default=_At(), validator=_checked_address)
    file_name: Any = field(default=b"", converter=_name)
    file_flags: int = field(default=0, validator=_checked_int)
    file_mode: int = field(default=0, validator=_checked_int)
    file_offset: int = field(default=0, validator=_checked_int)

    @property
    def delayed(self) -> bool:
        """Tell whether it is done once the process has arrived."""
        return bool(self.flags & IO_DELAY)

    @property
    def sends_info(self) -> bool:
        """Tell whether pid and fd are written into its connection."""
        return self.type == IO_SOCKET and bool(self.flags & IO_SEND_INFO)

    def shown(self) -> str:
        """Write it as a trace has it."""
        parts = [f"fd={self.fd}", _TYPES.get(self.type, str(self.type))]
        parts += [name for bit, name in _FLAGS if self.flags & bit]
        if self.type == IO_FILE:
            parts += [repr(self.file_name)[1:], oct(self.file_flags)]
        elif self.type == IO_SOCKET:
            parts.append(f"{self.addr.host or '0.0.0.0'}:{self.addr.port}")
        return "{" + ", ".join(parts) + "}"


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class IoList:
    """An I/O list as the kernel gets it: `entries`, and `length`, how many there are said to be.

    `unreadable` some of that many cannot be read.
    """

    entries: tuple[BprocIo, ...] = ()
    length: int = 0
    unreadable: bool = False

    def from_host(self, host: str) -> IoList:
        """Give the list with `host` in the place of the address that means where the process comes from."""
        entries = tuple(
            evolve(each, addr=_At(host, each.addr.port)) if each.addr.host in ("", "0.0.0.0") else each
            for each in self.entries
        )
        return IoList(entries, self.length, self.unreadable)

    def whole(self) -> Any:
        """Give all of it, for a trace that loses nothing."""
        return BAD_ADDRESS if self.unreadable else [each.shown() for each in self.entries]

    def __repr__(self) -> str:
        if self.unreadable:
            return "BAD_ADDRESS"
        return "[" + ", ".join(each.shown() for each in self.entries) + "]"


# How a process gets its descriptors on the target: by a port, 0 for the socket of the migration, or by a list.
Io = int | IoList

# What a program may give for it; None is NULL.
IoArgument = Io | Iterable[BprocIo] | Nowhere | None


def io_of(value: Any, argument: str, lists: str = "") -> Io:
    """Take a port, or a sequence of BprocIo; None is NULL. TypeError names the argument.

    `lists` says who has none, where the edition of BProc has not.
    """
    if isinstance(value, IoList) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if lists:
        kind = value.__class__.__name__
        raise TypeError(f"{argument}: expected a port (an int), got a {kind}: {lists} has no lists of bp.BprocIo")
    return io_list(value, argument)


def io_list(value: Any, argument: str, length: int | None = None) -> Io:
    """Take a sequence of BprocIo, or BAD_ADDRESS, or NULL, as a list; TypeError names the argument.

    `length` how many entries there are said to be, None for all; below 0 there is no list, and the
    descriptors are those of port 0. Source: bproc-4.0.0pre8-interface.
    """
    if value is None or value is BAD_ADDRESS:
        entries: tuple[BprocIo, ...] = ()
        there = -1
    else:
        if not isinstance(value, Iterable) or isinstance(value, str | bytes):
            raise TypeError(f"{argument}: expected a port (an int) or a list of bp.BprocIo, got {value!r}")
        entries = tuple(value)
        for each in entries:
            if not isinstance(each, BprocIo):
                raise TypeError(f"{argument}: expected a list of bp.BprocIo, got one with {each!r}")
        there = len(entries)
    if length is None:
        length = max(there, 0) if there >= 0 else 1
    if length < 0:
        return 0
    return IoList(entries[:length], length, unreadable=length > 0 and there < length)
