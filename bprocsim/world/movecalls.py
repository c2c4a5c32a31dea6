"""The calls that move a process, made from outside: each under its own name, each giving an Outcome.

Who calls is said as for bproc_execmove: `user`, `from_node`, `caller`, `input`, `cwd`, `timeout_ns`;
in the forms with a port, or a list for I/O, the harness listens there, unless `listen` is False.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.faces.arguments import child_function, integer, numbers
from bprocsim.faces.pointers import BAD_ADDRESS
from bprocsim.world.directcalls import LEFT_OUT, Request, caller_of, io_argument, listens, maker, vectors_of
from bprocsim.world.nodecalls import NodeCalls
from bprocsim.world.outcome import Outcome

if TYPE_CHECKING:
    from typing import Unpack

    from bprocsim.bproc.editions import VectorCalls
    from bprocsim.faces.iolists import Io, IoArgument
    from bprocsim.manual import Errors


class By(TypedDict, total=False):
    """Who makes a call, where and how: what is left out is root, on the master, in /, with no stdin, for ever."""

    user: Any
    from_node: int
    caller: Any
    input: bytes
    cwd: Any
    timeout_ns: int | None


class ByPort(By, total=False):
    """The same for a call with a port: whether the harness listens there."""

    listen: bool


class MovingCalls(NodeCalls):
    """What moves a process of a cluster to another node, made from outside."""

    def bproc_move(self, node: int, **by: Unpack[By]) -> Outcome:
        """Move the calling process to `node`; I/O as with port 0. Errors: bproc_move, as an Outcome.

        An idle `caller` goes on waiting there; a fresh process ends. Source: scyld-bproc_move.
        """
        return _move(self, "bproc_move", node, None, 0, by)

    def bproc_move_io(self, node: int, port: IoArgument, **by: Unpack[ByPort]) -> Outcome:
        """Do what bproc_move does, with I/O forwarding to `port` of the calling node. Errors: bproc_move."""
        return _move(self, "bproc_move_io", node, None, port, by)

    def _bproc_move(self, node: int, flags: int, **by: Unpack[By]) -> Outcome:
        """Do what bproc_move does; bp.BPROC_DUMP_* flags say what is sent and not named. Errors: bproc_move."""
        return _move(self, "_bproc_move", node, integer(flags, "flags"), 0, by)

    def _bproc_move_io(self, node: int, flags: int, port: IoArgument, **by: Unpack[ByPort]) -> Outcome:
        """Do what bproc_move does, with flags, and I/O forwarding to `port`. Errors: bproc_move."""
        return _move(self, "_bproc_move_io", node, integer(flags, "flags"), port, by)

    def bproc_rexec(
        self, node: int, cmd: Any, argv: Any = LEFT_OUT, envp: Any = (), **by: Unpack[By]
    ) -> Outcome:  # fmt: skip
        """Move to `node` and become an image that is there; I/O as with port 0. Errors: bproc_rexec.

        `cmd`, `argv`, `envp` as for bproc_execmove; all names are looked up on that node. Source:
        scyld-bproc_rexec.
        """
        return _rexec(self, "bproc_rexec", node, 0, (cmd, argv, envp), by)

    def bproc_rexec_io(
        self, node: int, port: IoArgument, cmd: Any, argv: Any = LEFT_OUT, envp: Any = (), **by: Unpack[ByPort]
    ) -> Outcome:
        """Do what bproc_rexec does, with I/O forwarding to `port` of the calling node. Errors: bproc_rexec."""
        return _rexec(self, "bproc_rexec_io", node, port, (cmd, argv, envp), by)

    _bproc_rexec_io = bproc_rexec_io

    def bproc_rfork(self, node: int, child: Callable[..., Any], *args: Any, **by: Unpack[By]) -> Outcome:
        """Make a child that runs `child(proc, *args)` on `node`, and wait for its end; the value is its pid.

        I/O as with port 0. Errors: bproc_rfork, as an Outcome. Source: scyld-bproc_rfork.
        """
        return _rfork(self, "bproc_rfork", (node, None, 0), child, args, by)

    def bproc_rfork_io(
        self, node: int, port: IoArgument, child: Callable[..., Any], *args: Any, **by: Unpack[ByPort]
    ) -> Outcome:
        """Do what bproc_rfork does, with I/O forwarding to `port` of the calling node. Errors: bproc_rfork."""
        return _rfork(self, "bproc_rfork_io", (node, None, port), child, args, by)

    def _bproc_rfork(
        self, node: int, flags: int, child: Callable[..., Any], *args: Any, **by: Unpack[By]
    ) -> Outcome:  # fmt: skip
        """Do what bproc_rfork does, with bp.BPROC_DUMP_* flags. Errors: bproc_rfork."""
        return _rfork(self, "_bproc_rfork", (node, integer(flags, "flags"), 0), child, args, by)

    def _bproc_rfork_io(
        self, node: int, flags: int, port: IoArgument, child: Callable[..., Any], *args: Any, **by: Unpack[ByPort]
    ) -> Outcome:
        """Do what bproc_rfork does, with flags, and I/O forwarding to `port`. Errors: bproc_rfork."""
        return _rfork(self, "_bproc_rfork_io", (node, integer(flags, "flags"), port), child, args, by)

    def bproc_vexecmove(
        self, nodes: Any, cmd: Any, argv: Any = LEFT_OUT, envp: Any = (), **by: Unpack[By]
    ) -> Outcome:  # fmt: skip
        """Load an image on the calling node and start it on `nodes`; wait for all. Errors: bproc_vexecmove.

        `nodes` a list of numbers; `cmd`, `argv`, `envp` as for bproc_execmove. The value is how many
        nodes there are, `pids` of the Outcome what became of each. AttributeError: the edition lacks it.
        Source: bproc-4.0.0pre8-interface.
        """
        return _vexecmove(self, "bproc_vexecmove", nodes, 0, (cmd, argv, envp), by)

    def bproc_vexecmove_io(
        self, nodes: Any, port: IoArgument, cmd: Any, argv: Any = LEFT_OUT, envp: Any = (), **by: Unpack[ByPort]
    ) -> Outcome:
        """Do what bproc_vexecmove does, with I/O forwarding of each child to `port`. Errors: bproc_vexecmove.

        The harness listens for one child of each node. ValueError: a node is there twice, and `listen` not False.
        """
        return _vexecmove(self, "bproc_vexecmove_io", nodes, port, (cmd, argv, envp), by)

    def bproc_vrfork(self, nodes: Any, child: Callable[..., Any], *args: Any, **by: Unpack[By]) -> Outcome:
        """Make a child on each of `nodes`, which runs `child(proc, index, *args)`; wait for all. Errors: bproc_vrfork.

        The value is how many nodes there are, `pids` of the Outcome what became of each. AttributeError:
        the edition lacks it. Source: bproc-4.0.0pre8-interface.
        """
        return _vrfork(self, "bproc_vrfork", nodes, (None, 0), child, args, by)

    def bproc_vrfork_io(
        self, nodes: Any, port: IoArgument, child: Callable[..., Any], *args: Any, **by: Unpack[ByPort]
    ) -> Outcome:
        """Do what bproc_vrfork does, with I/O forwarding of each child to `port`. Errors: bproc_vrfork."""
        return _vrfork(self, "bproc_vrfork_io", nodes, (None, port), child, args, by)

    def _bproc_vrfork(
        self, nodes: Any, flags: int, child: Callable[..., Any], *args: Any, **by: Unpack[By]
    ) -> Outcome:  # fmt: skip
        """Do what bproc_vrfork does, with bp.BPROC_DUMP_* flags, which bproc4 drops. Errors: bproc_vrfork."""
        sent = integer(flags, "flags")
        dropped = _vectors(self, "_bproc_vrfork").flags_dropped
        return _vrfork(self, "_bproc_vrfork", nodes, (None if dropped else sent, 0), child, args, by)

    def _bproc_vrfork_io(
        self, nodes: Any, port: IoArgument, flags: int, child: Callable[..., Any], *args: Any, **by: Unpack[ByPort]
    ) -> Outcome:
        """Do what bproc_vrfork does, with flags, and I/O forwarding of each child. Errors: bproc_vrfork."""
        return _vrfork(self, "_bproc_vrfork_io", nodes, (integer(flags, "flags"), port), child, args, by)


def _vectors(cluster: Any, name: str) -> VectorCalls:
    """Give how the edition's calls for many nodes are. AttributeError: it has none."""
    found: VectorCalls | None = cluster.edition.vector_calls
    if found is None:
        raise AttributeError(f"cluster.{name}(...): edition {cluster.edition.name} has no {name}")
    return found


def _arrays(nodes: Any) -> tuple[int, Any, list[int]]:
    """Give both arrays of a vector call, and their length."""
    given = numbers(nodes, "nodes")
    return (1 if given is BAD_ADDRESS else len(given)), given, []


def _vexecmove(
    cluster: Any, name: str, nodes: Any, port: Any, words: tuple[Any, Any, Any], by: Mapping[str, Any]
) -> Outcome:
    from bprocsim.bproc.vector import vexecmove_errors

    _vectors(cluster, name)
    count, array, pids = _arrays(nodes)
    io = io_argument(cluster, port)
    _one_each(array, io, by)
    args = (count, array, pids, io, *vectors_of(*words))
    errors = cluster.bpmaster.tables.get("bproc_vexecmove") or vexecmove_errors(cluster.edition, cluster.kernel)
    return _made(cluster, name, "bproc_vexecmove_io", args, io, errors, by)


def _vrfork(
    cluster: Any, name: str, nodes: Any, how: tuple[int | None, Any], child: Callable[..., Any],
    words: tuple[Any, ...], by: Mapping[str, Any],
) -> Outcome:  # fmt: skip
    from bprocsim.bproc.vector import vrfork_errors

    _vectors(cluster, name)
    count, array, pids = _arrays(nodes)
    flags, io = how[0], io_argument(cluster, how[1])
    _one_each(array, io, by)
    args = (count, array, pids, flags, io, child_function(child, name, words, "index"), words)
    errors = cluster.bpmaster.tables.get("bproc_vrfork") or vrfork_errors(cluster.edition)
    return _made(cluster, name, "_bproc_vrfork_io", args, io, errors, by)


def _one_each(nodes: Any, io: Io, by: Mapping[str, Any]) -> None:
    """Refuse to listen for two children of one node: nobody could tell their connections apart. ValueError."""
    if io != 0 and by.get("listen", True) and nodes is not BAD_ADDRESS and len(set(nodes)) < len(nodes):
        twice = next(each for place, each in enumerate(nodes) if each in nodes[:place])
        raise ValueError(f"nodes: {twice} is there twice, whose connections cannot be told apart; write listen=False")


def _move(cluster: Any, name: str, node: Any, flags: int | None, port: Any, by: Mapping[str, Any]) -> Outcome:
    from bprocsim.bproc.move import move_errors

    args = (integer(node, "node"), flags, io_argument(cluster, port))
    errors = cluster.bpmaster.tables.get("bproc_move") or move_errors(cluster.edition)
    return _made(cluster, name, "_bproc_move_io", args, args[2], errors, by)


def _rexec(
    cluster: Any, name: str, node: Any, port: Any, words: tuple[Any, Any, Any], by: Mapping[str, Any]
) -> Outcome:  # fmt: skip
    from bprocsim.bproc.rexec import rexec_errors

    args = (integer(node, "node"), io_argument(cluster, port), *vectors_of(*words))
    errors = cluster.bpmaster.tables.get("bproc_rexec") or rexec_errors(cluster.edition, cluster.kernel)
    return _made(cluster, name, "_bproc_rexec_io", args, args[1], errors, by)


def _rfork(
    cluster: Any, name: str, where: tuple[Any, int | None, Any], child: Callable[..., Any], words: tuple[Any, ...],
    by: Mapping[str, Any],
) -> Outcome:  # fmt: skip
    from bprocsim.bproc.rfork import rfork_errors

    node, flags, port = where
    args = (integer(node, "node"), flags, io_argument(cluster, port), child_function(child, name, words), words)
    errors = cluster.bpmaster.tables.get("bproc_rfork") or rfork_errors(cluster.edition)
    return _made(cluster, name, "_bproc_rfork_io", args, args[2], errors, by)


def _made(
    cluster: Any, name: str, traced: str, args: tuple[Any, ...], io: Io, errors: Errors, by: Mapping[str, Any]
) -> Outcome:
    """Make a call, and wait for all that came of it."""
    request = _request(name, **by)
    cluster.sim.ready(name)
    caller = caller_of(cluster, request)
    listens(caller, request, io)
    return maker()(cluster.sim, caller, name, traced, args, errors, with_children=True)


def _request(
    name: str, user: Any = None, from_node: int = NODE_MASTER, caller: Any = None, input: bytes = b"", cwd: Any = None,
    timeout_ns: Any = None, listen: bool = True, **unknown: Any,
) -> Request:  # fmt: skip
    """Take the keys of ByPort. TypeError names one that is none."""
    if unknown:
        known = "user, from_node, caller, input, cwd, timeout_ns and listen"
        raise TypeError(f"{name}: there is no argument {sorted(unknown)[0]!r}; who calls, and how, is said by {known}")
    return Request(user, from_node, caller, input, cwd, timeout_ns, listen)
