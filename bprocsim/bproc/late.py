"""What can go wrong after the exec has succeeded: the late rows of execmove, per edition.

By then the caller's image is gone, so nothing can be returned: the process exits with the errno's
low eight bits as its status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, evolve, frozen, setters

from bprocsim.bproc import vmadump
from bprocsim.bproc.nodes import NODE_MASTER, NodeState
from bprocsim.errnos import Errno
from bprocsim.manual import Kind, Row
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.network import Answer

if TYPE_CHECKING:
    from bprocsim.bproc.transit import Move

_DOWN = NodeState.DOWN  # looking a member up in an Enum is slow
QUEUE, ROUTE, IN_TRANSIT, THAW, IO_SETUP = "QUEUE", "ROUTE", "IN_TRANSIT", "THAW", "IO_SETUP"


# ---- what the caller's node asks when it queues the request ----------------------------------------


def queue_closed(f: Move) -> bool:
    return f.unqueued


# ---- what the master asks when the request reaches it ---------------------------------------------


def node_unknown(f: Move) -> bool:
    return f.node is None and f.destination != NODE_MASTER


def node_down(f: Move) -> bool:
    return f.node is not None and f.node.state is _DOWN


def same_node(f: Move) -> bool:
    return bool(f.destination == f.source.number)


def node_not_permitted(f: Move) -> bool:
    # A move to the master is never checked. Onto most nodes everybody may move.
    node = f.node
    return node is not None and node.mode & 0o111 != 0o111 and not node.permits(_as_carried(f))


def _as_carried(f: Move) -> Credentials:
    """Give a caller as his request tells of him: who is in more groups than it has room for counts as in none."""
    most, who = f.source.master.edition.groups_max, f.caller
    if most is None or len(who.groups) <= most:
        return who
    return Credentials(who.uid, who.gid, who.euid, who.egid, (), who.capabilities)


def other_node_not_permitted(f: Move) -> bool:
    return node_not_permitted(f) and not same_node(f)


# ---- on the way -----------------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class TransitFacts:
    """Whether the target was lost while the process was on its way, or the node that passed it on."""

    lost: bool
    sender_lost: bool = False


def slave_lost(f: TransitFacts) -> bool:
    return f.lost


def sender_lost(f: TransitFacts) -> bool:
    return f.sender_lost


# ---- what the target asks of a frozen process -----------------------------------------------------


def script_misread(f: Move) -> bool:
    """Its body is in the stream although no entries were announced, so the target takes it for the image's header.

    Port 0 stands for no list.
    """
    image = f.process.image
    return isinstance(f.io, int) and f.io == 0 and image is not None and image.script is not None


def undump_refused(f: Move) -> bool:
    return not vmadump.understands(f.target, f.frozen)


def loader_absent(f: Move) -> bool:
    """It is sent by name alone."""
    return bool(f.frozen.by_name) and not vmadump.finds(f.target, f.process, f.frozen, f.root)


def undump_out_of_memory(f: Move) -> bool:
    return bool(f.frozen.memory_bytes > f.target.memory.free_bytes)


# ---- the connections back -------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class ConnectFacts:
    """How the connection for one of stdout, stderr, stdin ended."""

    answer: Any


def connect_refused(f: ConnectFacts) -> bool:
    return f.answer is Answer.REFUSED


def connect_timed_out(f: ConnectFacts) -> bool:
    return f.answer is Answer.SILENCE


@frozen(eq=False)
class IoRows:
    """What an edition with lists may say of one: on `entry`, and `late`, on the target."""

    entry: tuple[Row, ...] = ()
    late: tuple[Row, ...] = ()


_SENTENCES = (
    (queue_closed, QUEUE, "the master's daemon had ended before the request was queued"),
    (node_unknown, ROUTE, "there is no node of that number"),
    (node_down, ROUTE, "the node is down"),
    (same_node, ROUTE, "the process is on that node already"),
    (node_not_permitted, ROUTE, "the caller may not move processes to that node"),
    (slave_lost, IN_TRANSIT, "the slave was lost while the process was on its way"),
    (undump_refused, THAW, "the node cannot rebuild the image that was sent"),
    (loader_absent, THAW, "a loader on the library list is not sent, and the node has none"),
    (undump_out_of_memory, THAW, "the node has not enough memory for the image"),
    (connect_refused, IO_SETUP, "nobody listens on the port for I/O forwarding"),
    (connect_timed_out, IO_SETUP, "a connection back to the caller's node was not answered in time"),
)

_COMMON = {
    "queue_closed": Errno.EIO,
    "node_not_permitted": Errno.EPERM,
    "undump_refused": Errno.EINVAL,
    "loader_absent": Errno.ENOENT,
    "undump_out_of_memory": Errno.ENOMEM,
    "connect_refused": Errno.ECONNREFUSED,
    "connect_timed_out": Errno.ETIMEDOUT,
}

# Where the ones that do not speak of nodes come from.
_OTHER_SOURCES = dict.fromkeys(
    (
        "queue_closed", "undump_refused", "loader_absent", "undump_out_of_memory", "connect_refused",
        "connect_timed_out",
    ),
    "bproc-4.0.0pre8-move",
)  # fmt: skip


def late_rows(errnos: dict[str, Errno], source: str) -> tuple[Row, ...]:
    """Give the late rows with an edition's own errnos for what it says differently."""
    named = _COMMON | errnos
    return tuple(
        Row(
            named[condition.__name__],
            condition,
            sentence,
            kind=Kind.LATE,
            source=_OTHER_SOURCES.get(condition.__name__, source),
            step=step,
        )
        for condition, step, sentence in _SENTENCES
    )


# What Scyld's pages of the calls that move a running process list; another errno is no page's.
_LISTED = frozenset({("slave_lost", Errno.EIO), ("undump_out_of_memory", Errno.ENOMEM)})


def returned(rows: tuple[Row, ...], page: str) -> tuple[Row, ...]:
    """Give late rows as those of a call whose process is still there to be told.

    `page` the id of the page that lists some of them; the others are in real kernels only. The body of a
    script travels with an exec alone.
    """

    def told(row: Row) -> Row:
        if row.condition is loader_absent:
            sentence = "a file that is sent by its name alone is not on the node"
            row = evolve(row, sentence=sentence, name="mapped_file_absent")
        if (row.cause, row.errno) in _LISTED:
            return evolve(row, kind=Kind.PAGE, source=page)
        return evolve(row, kind=Kind.BEYOND)

    return tuple(told(row) for row in rows if row.condition is not script_misread)


SCYLD = late_rows(
    {
        "node_unknown": Errno.EINVAL,
        "node_down": Errno.EINVAL,
        "same_node": Errno.ELOOP,
        "slave_lost": Errno.EIO,
    },
    "sf-bproc_move",
)
LANL = late_rows(
    {
        "node_unknown": Errno.BE_INVALIDNODE,
        "node_down": Errno.BE_NODEDOWN,
        "same_node": Errno.BE_SAMENODE,
        "slave_lost": Errno.BE_SLAVEDIED,
    },
    "bproc-common",
)

# What goes wrong in 4.0 alone: the first thing that the target reads.
_MISREAD = Row(
    Errno.EINVAL,
    script_misread,
    "a script is sent without an I/O list, and the node takes its body for something else",
    kind=Kind.LATE,
    source="bproc-4.0.0pre8-move",
    step=THAW,
)
_THAWED = next(place for place, row in enumerate(LANL) if row.step == THAW)
BPROC4 = (*LANL[:_THAWED], _MISREAD, *LANL[_THAWED:])
