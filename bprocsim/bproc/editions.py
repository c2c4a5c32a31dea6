"""The editions of BProc as records: what differs between them is data, never an `if`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from attrs import Attribute, field, frozen

from bprocsim.bproc import late
from bprocsim.errnos import Errno
from bprocsim.manual import Row
from bprocsim.units import s

if TYPE_CHECKING:
    from bprocsim.bproc.late import IoRows
    from bprocsim.bproc.service import Service
    from bprocsim.bproc.tools import Tools


def _check_timeout(_edition: Any, _attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"ping_timeout_ns: expected an int, got {value!r}")
    if value < 2:  # the master looks every half of it
        raise ValueError(f"ping_timeout_ns: expected at least 2, got {value}")


def _check_late_failure(_edition: Edition, attribute: Attribute[str], value: str) -> None:
    if value not in ("exit", "return"):
        raise ValueError(f"{attribute.name}: expected 'exit' or 'return', got {value!r}")


@cache  # each call about nodes asks
def _scyld_calls() -> Mapping[str, Service]:
    from bprocsim.bproc.scyldcalls import SCYLD_CALLS  # most worlds never ask about nodes

    return SCYLD_CALLS


@cache
def _lanl_calls() -> Mapping[str, Service]:
    from bprocsim.bproc.lanlcalls import LANL_CALLS

    return LANL_CALLS


def _no_lists() -> IoRows:
    return late.IoRows()


def _lists() -> IoRows:
    from bprocsim.bproc.iosetup import io_rows  # most worlds have no lists

    return io_rows()


@cache
def _bproc4_calls() -> Mapping[str, Service]:
    from bprocsim.bproc.bproc4calls import BPROC4_CALLS

    return BPROC4_CALLS


def _check_bpfs(edition: Edition, _attribute: Any, value: bool) -> None:
    if value and edition.calls in (_scyld_calls, _lanl_calls):
        raise ValueError("bpfs: calls that tell states by numbers have no files of nodes; give it those of bproc4, too")


def _no_calls() -> Mapping[str, Service]:
    return {}


@frozen
class VectorCalls:
    """How an edition's calls for many nodes at once are.

    `flags_dropped` _bproc_vrfork ignores its flags. Source: bproc-4.0.0pre8-interface.
    """

    flags_dropped: bool = False


def _scyld_tools() -> Tools:
    from bprocsim.bproc.tools import SCYLD_TOOLS  # most worlds run no command

    return SCYLD_TOOLS


def _lanl_tools() -> Tools:
    from bprocsim.bproc.tools import LANL_TOOLS

    return LANL_TOOLS


def _bproc4_tools() -> Tools:
    from bprocsim.bproc.tools import BPROC4_TOOLS

    return BPROC4_TOOLS


@frozen(eq=False)
class Edition:
    """One edition of BProc.

    `no_master` the errno of a call without a master daemon, `no_master_source` where that stands, "" on the call's
    own page;
    `late_rows` what can go wrong after the exec; `calls()` the calls about nodes and processes, by
    name: another is lacking; `version` what bproc_version tells; `late_failure` "exit" (the process exits with the
    errno as its status) or "return" (the page's "returns -1" taken to the letter, a choice of ours);
    `ping_timeout_ns` when a silent node is given up; `library_list` paths that are sent by name
    only. `stays_put` the library takes a move to the node where the process is for one that
    succeeded, and a fork there is an ordinary one; else they are refused. `rexec_status` with which
    a process exits whose exec is refused on the other node, None where that is returned;
    `rfork_negative` a child that did not arrive is told by the errno's negative number, not by -1;
    `io_lists` calls take a list of what the descriptors shall be, and `list_rows()` what can be wrong
    with it; `bpfs` nodes are files: their states are words that mean nothing but what their
    administrator means by them, and a slave sees only its own file and the master's;
    `libraries_unless_up` a running process takes libraries of the list along to a node that is not up;
    `node_name` what a node calls itself, its number for `{}`; `groups_max` how many supplementary groups a
    request to move has room for, None for any number: who is in more counts as in none; `tools()` what
    BProc's commands do;
    `vector_calls` how its calls for many nodes at once are, None where it has none.
    """

    name: str
    no_master: Errno
    no_master_source: str
    late_rows: tuple[Row, ...] = field(repr=False)
    calls: Callable[[], Mapping[str, Service]] = field(default=_no_calls, repr=False)
    version: str = ""
    late_failure: str = field(default="exit", validator=_check_late_failure)
    ping_timeout_ns: int = field(default=30 * s, validator=_check_timeout)
    library_list: tuple[str, ...] = ()
    stays_put: bool = False
    rexec_status: int | None = 1
    rfork_negative: bool = False
    io_lists: bool = False
    list_rows: Callable[[], IoRows] = field(default=_no_lists, repr=False)
    bpfs: bool = field(default=False, validator=_check_bpfs)
    libraries_unless_up: bool = False
    node_name: str = "n{}"
    groups_max: int | None = None
    tools: Callable[[], Tools] = field(default=_lanl_tools, repr=False)
    vector_calls: VectorCalls | None = None

    def after_exec(self) -> tuple[Row, ...]:
        """Give all rows of what can go wrong after the exec."""
        return (*self.late_rows, *self.list_rows().late)

    def rfork_value(self, errno: Errno) -> int | None:
        """Give what bproc_rfork returns if its child did not arrive, None for what its table says."""
        return -errno.number("linux") if self.rfork_negative else None

    def lacking(self, call: str) -> str:
        """Say that a call about nodes is not to be had."""
        return f"edition {self.name} has no {call}"


EDITIONS: dict[str, Edition] = {
    edition.name: edition
    for edition in (
        Edition(
            "scyld",
            Errno.EBUSY,
            "",
            late.SCYLD,
            _scyld_calls,
            "3.1.9",
            libraries_unless_up=True,
            node_name=".{}",
            tools=_scyld_tools,
        ),
        Edition(
            "lanl32",
            Errno.EBUSY,
            "sf-bproc_move",
            late.LANL,
            _lanl_calls,
            "3.2.0",
            stays_put=True,
            rexec_status=None,
            groups_max=32,
            io_lists=True,
            list_rows=_lists,
            tools=_lanl_tools,
            vector_calls=VectorCalls(),
        ),
        Edition(
            "bproc4",
            Errno.ENOSYS,
            "bproc-4.0.0pre8-interface",
            late.BPROC4,
            _bproc4_calls,
            "4.0.0pre8",
            stays_put=True,
            rexec_status=None,
            rfork_negative=True,
            groups_max=32,
            io_lists=True,
            list_rows=_lists,
            bpfs=True,
            tools=_bproc4_tools,
            vector_calls=VectorCalls(flags_dropped=True),
        ),
    )
}
