"""The process as a program on a BProc cluster sees it: the calls that every Unix has, and BProc's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from bprocsim.faces.arguments import child_function, filled, integer, numbers
from bprocsim.faces.calls import Call
from bprocsim.faces.nodes import NodeProc
from bprocsim.faces.pointers import pointer, vector

if TYPE_CHECKING:
    from bprocsim.faces.iolists import Io, IoArgument


class BprocProc(NodeProc):
    """A simulated process of a cluster, seen from inside: bp.Proc, and BProc's own calls.

    What a call fills in C it fills here too: a list, a bp.BprocNodeInfo; None is NULL, bp.BAD_ADDRESS
    a pointer to nowhere. AttributeError: the edition lacks a call.

    `port` is an int or, where the edition has such, a list of bp.BprocIo, one for each descriptor
    that the process is to have; `libc` has those calls with the list and its length.
    """

    __slots__ = ()

    def _io(self, port: Any) -> Io:
        """Take a port, or a list where the edition has such."""
        if port.__class__ is int:
            return int(port)
        from bprocsim.faces.iolists import io_of  # most worlds have no lists

        edition = self.thread.process.machine.master.edition
        return io_of(port, "port", "" if edition.io_lists else f"edition {edition.name}")

    def _in_c(self, name: str) -> Any:
        """Give a call as C has it: with the size of an address; in an edition with lists, with one and its length."""
        if name.endswith(("_io", "addr", "number")):
            from bprocsim.faces.cforms import ADDRESS_FORMS, LIST_FORMS

            lists = self.thread.process.machine.master.edition.io_lists
            form = ADDRESS_FORMS.get(name) or (LIST_FORMS.get(name) if lists else None)
            if form is not None:
                return partial(form, self)
        return super()._in_c(name)

    # ---- moving ----

    def bproc_execmove(self, node: int, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        """Load an image here and run it on a node, I/O as with port 0. Errors: bproc_execmove."""
        return self._execmove(node, 0, cmd, argv, envp)

    def bproc_execmove_io(self, node: int, port: IoArgument, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        """Load an image here and run it on a node, with I/O forwarding to `port`. Errors: bproc_execmove."""
        return self._execmove(node, port, cmd, argv, envp)

    def _bproc_execmove_io(self, node: int, port: IoArgument, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        """Do what bproc_execmove_io does, under the page's own name. Errors: bproc_execmove."""
        return self._execmove(node, port, cmd, argv, envp)

    def _execmove(self, node: int, port: IoArgument, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        where, arguments, environment = pointer(cmd, "cmd"), vector(argv, "argv"), vector(envp, "envp")
        numbers = integer(node, "node"), self._io(port)
        return self._call("_bproc_execmove_io", *numbers, where, arguments, environment)

    def bproc_move(self, node: int) -> Call[int]:
        """Go on running on a node, I/O as with port 0; returns 0 there. Errors: bproc_move."""
        return self._move(node, None, 0)

    def bproc_move_io(self, node: int, port: IoArgument) -> Call[int]:
        """Go on running on a node, with I/O forwarding to `port`; returns 0 there. Errors: bproc_move."""
        return self._move(node, None, port)

    def _bproc_move(self, node: int, flags: int) -> Call[int]:
        """Go on running on a node; bp.BPROC_DUMP_* flags say what is sent and not named. Errors: bproc_move."""
        return self._move(node, integer(flags, "flags"), 0)

    def _bproc_move_io(self, node: int, flags: int, port: IoArgument) -> Call[int]:
        """Go on running on a node, with flags, and I/O forwarding to `port`. Errors: bproc_move."""
        return self._move(node, integer(flags, "flags"), port)

    def _move(self, node: int, flags: int | None, port: IoArgument) -> Call[int]:
        return self._call("_bproc_move_io", integer(node, "node"), flags, self._io(port))

    def bproc_rexec(self, node: int, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        """Become an image that is on a node, I/O as with port 0. Errors: bproc_rexec."""
        return self._rexec(node, 0, cmd, argv, envp)

    def bproc_rexec_io(self, node: int, port: IoArgument, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        """Become an image that is on a node, with I/O forwarding to `port`. Errors: bproc_rexec."""
        return self._rexec(node, port, cmd, argv, envp)

    def _bproc_rexec_io(self, node: int, port: IoArgument, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        """Do what bproc_rexec_io does, under the page's own name. Errors: bproc_rexec."""
        return self._rexec(node, port, cmd, argv, envp)

    def _rexec(self, node: int, port: IoArgument, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        where, arguments, environment = pointer(cmd, "cmd"), vector(argv, "argv"), vector(envp, "envp")
        numbers = integer(node, "node"), self._io(port)
        return self._call("_bproc_rexec_io", *numbers, where, arguments, environment)

    def bproc_rfork(self, node: int, child: Callable[..., Any], *args: Any) -> Call[int]:
        """Make a child that runs `child(proc, *args)` on a node, I/O as with port 0; returns its pid.

        Errors: bproc_rfork.
        """
        return self._rfork("bproc_rfork", node, None, 0, child, args)

    def bproc_rfork_io(self, node: int, port: IoArgument, child: Callable[..., Any], *args: Any) -> Call[int]:
        """Make a child that runs `child(proc, *args)` on a node, with I/O forwarding to `port`. Errors: bproc_rfork."""
        return self._rfork("bproc_rfork_io", node, None, port, child, args)

    def _bproc_rfork(self, node: int, flags: int, child: Callable[..., Any], *args: Any) -> Call[int]:
        """Make a child that runs `child(proc, *args)` on a node, with bp.BPROC_DUMP_* flags. Errors: bproc_rfork."""
        return self._rfork("_bproc_rfork", node, integer(flags, "flags"), 0, child, args)

    def _bproc_rfork_io(
        self, node: int, flags: int, port: IoArgument, child: Callable[..., Any], *args: Any
    ) -> Call[int]:
        """Make a child on a node, with flags, and I/O forwarding to `port`. Errors: bproc_rfork."""
        return self._rfork("_bproc_rfork_io", node, integer(flags, "flags"), port, child, args)

    def _rfork(
        self,
        name: str,
        node: int,
        flags: int | None,
        port: IoArgument,
        child: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> Call[int]:
        numbers = integer(node, "node"), flags, self._io(port)
        return self._call("_bproc_rfork_io", *numbers, child_function(child, name, args), args)

    # ---- on many nodes at once ----

    def bproc_vexecmove(self, n: int, nodes: Any, pids: Any, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        """Load an image here and start it on `n` nodes; fills the list `pids`, returns n. Errors: bproc_vexecmove.

        Each node of the list `nodes` has a slot in `pids`: a pid, an errno's negative number, or 0 for
        one that was never tried. The children begin when all have been placed.
        """
        return self._vexecmove("bproc_vexecmove", (n, nodes, pids), 0, (cmd, argv, envp))

    def bproc_vexecmove_io(
        self, n: int, nodes: Any, pids: Any, port: IoArgument, cmd: Any, argv: Any, envp: Any
    ) -> Call[int]:  # fmt: skip
        """Do what bproc_vexecmove does, with I/O forwarding of each child to `port`. Errors: bproc_vexecmove."""
        return self._vexecmove("bproc_vexecmove_io", (n, nodes, pids), port, (cmd, argv, envp))

    def _vexecmove(
        self, name: str, arrays: tuple[int, Any, Any], port: IoArgument, words: tuple[Any, Any, Any]
    ) -> Call[int]:  # fmt: skip
        self._only_with_vectors(name)
        cmd, argv, envp = words
        where, arguments, environment = pointer(cmd, "cmd"), vector(argv, "argv"), vector(envp, "envp")
        return self._call(
            "bproc_vexecmove_io", *_arrays(*arrays), self._io(port), where, arguments, environment
        )  # fmt: skip

    def bproc_vrfork(self, n: int, nodes: Any, pids: Any, child: Callable[..., Any], *args: Any) -> Call[int]:
        """Make a child on each of `n` nodes that runs `child(proc, index, *args)`. Errors: bproc_vrfork.

        `nodes` and `pids` as for bproc_vexecmove; returns n.
        """
        return self._vrfork("bproc_vrfork", (n, nodes, pids), (None, 0), child, args)

    def bproc_vrfork_io(
        self, n: int, nodes: Any, pids: Any, port: IoArgument, child: Callable[..., Any], *args: Any
    ) -> Call[int]:  # fmt: skip
        """Do what bproc_vrfork does, with I/O forwarding of each child to `port`. Errors: bproc_vrfork."""
        return self._vrfork("bproc_vrfork_io", (n, nodes, pids), (None, port), child, args)

    def _bproc_vrfork(
        self, n: int, nodes: Any, pids: Any, flags: int, child: Callable[..., Any], *args: Any
    ) -> Call[int]:  # fmt: skip
        """Make children with bp.BPROC_DUMP_* flags, which the library of bproc4 drops. Errors: bproc_vrfork."""
        calls = self._only_with_vectors("_bproc_vrfork")
        sent = integer(flags, "flags")
        return self._vrfork("_bproc_vrfork", (n, nodes, pids), (None if calls.flags_dropped else sent, 0), child, args)

    def _bproc_vrfork_io(
        self, n: int, nodes: Any, pids: Any, port: IoArgument, flags: int, child: Callable[..., Any], *args: Any
    ) -> Call[int]:  # fmt: skip
        """Make children with flags, and I/O forwarding of each to `port`. Errors: bproc_vrfork."""
        return self._vrfork("_bproc_vrfork_io", (n, nodes, pids), (integer(flags, "flags"), port), child, args)

    def _vrfork(
        self, name: str, arrays: tuple[int, Any, Any], how: tuple[int | None, IoArgument], child: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> Call[int]:  # fmt: skip
        self._only_with_vectors(name)
        flags, port = how
        body = child_function(child, name, args, "index")
        return self._call("_bproc_vrfork_io", *_arrays(*arrays), flags, self._io(port), body, args)

    def _only_with_vectors(self, name: str) -> Any:
        """Give how the edition's calls for many nodes are. AttributeError: it has none."""
        edition = self.thread.process.machine.master.edition
        if edition.vector_calls is None:
            raise AttributeError(f"proc.{name}(...): edition {edition.name} has no {name}")
        return edition.vector_calls


def _arrays(n: int, nodes: Any, pids: Any) -> tuple[int, Any, Any]:
    """Take the two arrays of a vector call, and their length."""
    return integer(n, "n"), numbers(nodes, "nodes"), filled(pids, "pids")
