"""The calls that a slave's daemon carries out, as the editions have them: under which name, with which errnos."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from bprocsim.bproc import administration, errands, information, slaves
from bprocsim.bproc import reconnect as anew
from bprocsim.bproc.errands import ANSWER, THERE, Errand
from bprocsim.bproc.service import errors_of
from bprocsim.errnos import Errno as E
from bprocsim.manual import Kind, Row
from bprocsim.posix.directory import CHDIR_ERRORS

_SCYLD, _OLDER, _NUMBERS = "scyld-bproc_nodes", "sf-bproc_nodes", "bproc-common"
_FILES, _INTERFACE, _CHOICE = "bproc-bpfs", "bproc-4.0.0pre8-interface", "choice-node-calls"

_UNKNOWN, _DOWN = "there is no node of that number", "the node is down"
_FROM_SLAVE, _NOT_ROOT = "the caller is on a slave", "the caller is not root"
_NO_MASTER = "there is no master daemon"

# What the daemon, which is root's and whose names are shorter than a page, never meets.
_NOT_MET = frozenset({"path_too_long", "search_denied", "entry_denied"})


def _there() -> Iterable[Row]:
    """Give what the slave answers: chdir's rows, in its order."""
    for row in CHDIR_ERRORS.rows:
        if row.cause not in _NOT_MET:
            yield evolve(row, kind=Kind.BEYOND, step=THERE, source=row.source or CHDIR_ERRORS.page)


def _answer(lost: E, lost_source: str) -> tuple[Row, ...]:
    """Give what the caller learns if the slave does not answer."""
    return (
        Row(lost, errands.slave_lost, "the slave was lost before it answered", step=ANSWER, source=lost_source),
        Row(E.EIO, errands.master_lost, "the master's daemon ended before there was an answer", step=ANSWER),
        Row(
            E.EINTR,
            errands.interrupted,
            "a signal was caught before there was an answer",
            kind=Kind.BEYOND,
            step=ANSWER,
            source=_INTERFACE,
        ),
    )


def _unreadable() -> Row:
    return Row(
        E.EFAULT,
        errands.directory_unreadable,
        "path points to memory that the program cannot read",
        kind=Kind.BEYOND,
        source=_CHOICE,
    )


_TOO_LONG = "path does not fit into a page"
_NO_MEMORY = Row(E.ENOMEM, information.out_of_memory, "there is not a page of memory left for the message")


def _call(name: str, page: str, rows: Iterable[Row], lost: E, lost_source: str) -> Errand:
    table = errors_of(name, page, (*rows, *_there(), *_answer(lost, lost_source)))
    return Errand(
        table, errands.survey_chroot, errands.change_root, information.subject_of, travels=True, message="NODE_CHROOT"
    )


SLAVE_CHROOT = _call(
    "bproc_slave_chroot",
    _SCYLD,
    (
        Row(E.EIO, information.no_master, _NO_MASTER),
        Row(E.EPERM, slaves.from_slave, _FROM_SLAVE, kind=Kind.BEYOND, source=_FILES),
        Row(E.EPERM, administration.not_administrator, _NOT_ROOT),
        _unreadable(),
        Row(E.E2BIG, errands.directory_too_long, _TOO_LONG),
        _NO_MEMORY,
        Row(E.EIO, slaves.slave_unknown, _UNKNOWN),
        Row(E.EIO, slaves.node_down, _DOWN),
    ),
    E.EIO,
    _SCYLD,
)

NODECHROOT_3 = _call(
    "bproc_nodechroot",
    _OLDER,
    (
        Row(E.EBUSY, information.no_master, _NO_MASTER),
        Row(E.ENOSYS, slaves.from_slave, _FROM_SLAVE, kind=Kind.BEYOND, source=_INTERFACE),
        Row(E.EPERM, administration.not_administrator, _NOT_ROOT),
        _unreadable(),
        Row(E.ENAMETOOLONG, errands.directory_too_long, _TOO_LONG, kind=Kind.BEYOND, source=_CHOICE),
        evolve(_NO_MEMORY, kind=Kind.BEYOND, source=_CHOICE),
        Row(E.BE_INVALIDNODE, slaves.slave_unknown, _UNKNOWN, source=_NUMBERS),
        Row(E.BE_NODEDOWN, slaves.node_down, _DOWN, source=_NUMBERS),
    ),
    E.BE_SLAVEDIED,
    _NUMBERS,
)

NODECHROOT_4 = _call(
    "bproc_nodechroot",
    _INTERFACE,
    (
        Row(E.ENOSYS, slaves.from_slave, _FROM_SLAVE),
        Row(E.EPERM, administration.not_administrator, _NOT_ROOT),
        _unreadable(),
        Row(E.ENAMETOOLONG, errands.directory_too_long, _TOO_LONG, kind=Kind.BEYOND, source=_CHOICE),
        evolve(_NO_MEMORY, kind=Kind.BEYOND, source=_CHOICE),
        Row(E.BE_INVALIDNODE, slaves.slave_unknown, _UNKNOWN, source=_NUMBERS),
        Row(E.BE_NODEDOWN, slaves.node_down, _DOWN, source=_NUMBERS),
        Row(E.EIO, information.no_master, _NO_MASTER),
    ),
    E.BE_SLAVEDIED,
    _NUMBERS,
)

# ---- connecting anew --------------------------------------------------------------------------------

_NO_QUAD = "an address is not one of IPv4, or has fewer than 16 bytes"


def _reconnect(page: str, before: Iterable[Row], behind: Iterable[Row] = ()) -> Errand:
    """Make the call; where the lack of a master is decided differs."""
    asked = (
        Row(E.ENOSYS, slaves.from_slave, _FROM_SLAVE, kind=Kind.BEYOND, source=_INTERFACE),
        Row(E.EPERM, administration.not_administrator, _NOT_ROOT),
        Row(
            E.EFAULT,
            anew.address_unreadable,
            "rem or loc points to memory that the program cannot read",
            kind=Kind.BEYOND,
            source=_CHOICE,
        ),
        Row(E.EINVAL, anew.address_not_inet, _NO_QUAD, source=_INTERFACE),
        Row(E.BE_INVALIDNODE, slaves.slave_unknown, _UNKNOWN, source=_NUMBERS),
        Row(E.BE_NODEDOWN, slaves.node_down, _DOWN, source=_NUMBERS),
    )
    there = (
        Row(E.EADDRNOTAVAIL, anew.address_not_its_own, "loc is not an address of the slave", source="posix-bind"),
        Row(E.EHOSTUNREACH, anew.master_unreachable, "no machine has the address rem", source="posix-connect"),
        Row(E.ECONNREFUSED, anew.master_not_there, "the master's daemon is not at rem", source="posix-connect"),
    )
    rows = (
        *before,
        *asked,
        *behind,
        *(evolve(row, kind=Kind.BEYOND, step=THERE) for row in there),
        *_answer(E.BE_SLAVEDIED, _NUMBERS),
    )
    return Errand(
        errors_of("bproc_nodereconnect", page, rows),
        anew.survey_reconnect,
        anew.reconnect,
        information.subject_of,
        travels=True,
        message="NODE_RECONNECT",
        lasts_ns=anew.connecting_ns,
    )


RECONNECT_3 = _reconnect(_OLDER, (Row(E.EBUSY, information.no_master, _NO_MASTER),))
RECONNECT_4 = _reconnect(_INTERFACE, (), (Row(E.EIO, information.no_master, _NO_MASTER),))
