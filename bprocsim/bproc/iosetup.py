"""I/O set-up by a list: each entry in turn opens a file of the target, or connects from there.

What is wrong with the list itself is decided when the call is made; what is wrong with an entry, when
its turn comes, on the target, with the caller's rights. Source: bproc-4.0.0pre8-move.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from attrs import define, evolve, setters

from bprocsim.bproc.late import IO_SETUP, ConnectFacts, IoRows
from bprocsim.errnos import Errno as E
from bprocsim.faces.iolists import IO_FILE, IO_MAX_LEN, IO_MEMFILE, IO_SOCKET, BprocIo, Io, IoList
from bprocsim.manual import Errors, Kind, Row
from bprocsim.port import Steps, Waiter, WaitQueue
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.dial import Holder, reach
from bprocsim.posix.machine import Machine, counted
from bprocsim.posix.network import Address, Answer
from bprocsim.posix.openfile import OPEN_ERRORS, OpenFacts, opened
from bprocsim.posix.procs import Process, drop, put
from bprocsim.posix.sockets import is_local, no_route

_INTERFACE, _MOVE = "bproc-4.0.0pre8-interface", "bproc-4.0.0pre8-move"


# ---- the list itself ------------------------------------------------------------------------------


def _list_of(f: Any) -> IoList | None:
    """Give the list that a call was given, if it was given one."""
    io: Io = getattr(f, "io", 0)
    return io if isinstance(io, IoList) else None


def io_list_too_long(io: IoList) -> bool:
    return io.length > IO_MAX_LEN


def io_list_unreadable(io: IoList) -> bool:
    return io.unreadable


def io_type_internal(io: IoList) -> bool:
    return any(each.type == IO_MEMFILE for each in io.entries)


# ---- an entry -------------------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class EntryFacts(ConnectFacts):
    """What an entry asks whose turn has come: `process` whose it is; `who` by whose rights; `opening` what open asks.

    `answer` how its connection ended; `machine` and `address` from where and to where it goes.
    """

    machine: Any
    process: Process
    who: Credentials
    entry: BprocIo
    opening: OpenFacts | None = None
    address: Address | None = None


def _entry_of(f: ConnectFacts) -> EntryFacts | None:
    return f if isinstance(f, EntryFacts) else None


def _opening_of(f: ConnectFacts) -> OpenFacts | None:
    return f.opening if isinstance(f, EntryFacts) else None


def io_type_unknown(f: EntryFacts) -> bool:
    return f.entry.type not in (IO_FILE, IO_SOCKET)


def io_descriptor_impossible(f: EntryFacts) -> bool:
    limit: int = f.process.open_limit
    return not 0 <= f.entry.fd < limit


def io_table_full(f: EntryFacts) -> bool:
    return bool(f.machine.profile.lacks_files(f.machine.files.free, f.who))


# The rows of open that an entry cannot meet: it has a name of at most 255 bytes and a number of its own.
_NOT_MET = frozenset(
    {"path_unreadable", "path_too_long", "component_too_long", "too_many_descriptors", "table_full", "interrupted"}
)


@cache
def io_rows() -> IoRows:
    """Make the rows of an edition that has lists."""
    entry = (
        Row(E.EINVAL, io_list_too_long, "the I/O list has more than 16 entries", about=_list_of, source=_INTERFACE),
        Row(
            E.EFAULT,
            io_list_unreadable,
            "the I/O list is memory that the program cannot read",
            about=_list_of,
            source=_INTERFACE,
        ),
        Row(E.EPERM, io_type_internal, "an entry is of a type for BProc itself", about=_list_of, source=_INTERFACE),
    )
    late = (
        Row(E.EINVAL, io_type_unknown, "an entry of the I/O list is of no type that there is", about=_entry_of),
        Row(E.ENFILE, io_descriptor_impossible, "an entry's descriptor is one that no process has", about=_entry_of),
        Row(E.ENFILE, io_table_full, "the limit on open files has been reached before an entry", about=_entry_of),
        *(
            evolve(
                row,
                name=f"io_{row.cause}",
                sentence=f"of an entry of the I/O list: {row.sentence}",
                about=_opening_of,
                source=row.source or OPEN_ERRORS.page,
            )
            for row in OPEN_ERRORS.rows
            if row.cause not in _NOT_MET
        ),
        Row(E.EHOSTUNREACH, no_route, "no machine has an entry's address", about=_entry_of, name="io_unreachable"),
    )
    return IoRows(
        tuple(evolve(row, kind=Kind.BEYOND) for row in entry),
        tuple(evolve(row, kind=Kind.LATE, step=IO_SETUP, source=row.source or _MOVE) for row in late),
    )


# ---- what is done ---------------------------------------------------------------------------------


def set_up(
    source: Machine, target: Machine, process: Process, who: Credentials, io: IoList, holder: Holder, table: Errors
) -> Steps:  # fmt: skip
    """Give a process on `target` the descriptors of a list that it brought from `source`, but the delayed ones.

    `who` the caller's credentials; `holder` who waits meanwhile. Gives the row that is against it, or
    None: then all was done, or whoever waits has been told to give up.
    """
    for entry in io.from_host(source.address).entries:
        if not entry.delayed:
            row = yield from _enter(target, process, who, entry, holder, table)
            if row is not _DONE:
                return row
    return None


def set_up_delayed(
    source: Machine, target: Machine, process: Process, who: Credentials, io: IoList, holder: Holder, table: Errors
) -> Steps:  # fmt: skip
    """Do the entries that were to wait until the process had arrived; what is wrong with one is only noted."""
    for entry in io.from_host(source.address).entries:
        if entry.delayed:
            row = yield from _enter(target, process, who, entry, holder, table)
            if isinstance(row, Row):
                target.record(process.pid, "io", entry.shown(), row.errno_name, row.cause)


_DONE = object()


def _enter(
    machine: Machine, process: Process, who: Credentials, entry: BprocIo, holder: Holder, table: Errors
) -> Steps:
    """Do one entry; gives _DONE, the row that is against it, or None if nobody waits for it any more."""
    facts = EntryFacts(None, machine, process, who, entry)
    if entry.type == IO_FILE:
        facts.opening = OpenFacts(machine, process, entry.file_name, entry.file_flags, who)
    elif entry.type == IO_SOCKET:
        facts.address = _resolved(machine, entry.addr)
    row = table.first(facts, IO_SETUP)
    if row is not None:
        return row
    if entry.type == IO_SOCKET:
        return (yield from _connect(machine, process, entry, facts, holder, table))

    def stand(queue: WaitQueue, what: str, since_ns: int) -> Steps:
        holder.waiting = waiter = Waiter(what, since_ns)
        why = yield queue.join(machine.port, waiter)
        holder.waiting = None
        return why

    def place(description: Any) -> object:
        _put(machine, process, entry.fd, description)
        return _DONE

    assert facts.opening is not None
    return (yield from opened(facts.opening, entry.file_mode, place, stand))


def _connect(
    machine: Machine, process: Process, entry: BprocIo, facts: EntryFacts, holder: Holder, table: Errors
) -> Steps:
    assert facts.address is not None
    number = facts.address.port
    there = machine.network.machine(facts.address.host)
    what = f"a connection to port {number} of {there.name} for descriptor {entry.fd}"
    facts.answer, end = yield from reach(machine, there, number, holder, what)
    if facts.answer is not Answer.CONNECTED:
        return table.first(facts, IO_SETUP)
    if entry.sends_info:
        order = machine.arch.byteorder
        end.give(machine.port, b"".join(each.to_bytes(4, order, signed=True) for each in (process.pid, entry.fd)))
    _put(machine, process, entry.fd, counted(machine, end))
    return _DONE


def _resolved(machine: Machine, address: Any) -> Address:
    """Give where a connection from a machine to an address ends: it has several names for itself."""
    return Address(machine.address if is_local(machine, address.host) else address.host, address.port)


def _put(machine: Machine, process: Process, number: int, description: Any) -> None:
    if number in process.descriptors:
        drop(process, number, machine.port)
    put(process, description, number)
