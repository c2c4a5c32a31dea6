"""The forms for I/O as LANL's C library has them: with a list and its length, and flags behind those.

Source: bproc-4.0.0pre8-interface.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bprocsim.faces.arguments import integer
from bprocsim.faces.calls import Call
from bprocsim.faces.iolists import Io, io_list

if TYPE_CHECKING:
    from bprocsim.faces.bproc import BprocProc


def bproc_execmove_io(proc: BprocProc, node: int, io: Any, iolen: int, cmd: Any, argv: Any, envp: Any) -> Call[int]:
    """Load an image here and run it on a node, with descriptors by a list. Errors: bproc_execmove."""
    return proc.bproc_execmove_io(node, _listed(io, iolen), cmd, argv, envp)


def bproc_rexec_io(proc: BprocProc, node: int, io: Any, iolen: int, cmd: Any, argv: Any, envp: Any) -> Call[int]:
    """Become an image that is on a node, with descriptors by a list. Errors: bproc_rexec."""
    return proc.bproc_rexec_io(node, _listed(io, iolen), cmd, argv, envp)


def bproc_move_io(proc: BprocProc, node: int, io: Any, iolen: int) -> Call[int]:
    """Go on running on a node, with descriptors by a list. Errors: bproc_move."""
    return proc.bproc_move_io(node, _listed(io, iolen))


def _bproc_move_io(proc: BprocProc, node: int, io: Any, iolen: int, flags: int) -> Call[int]:
    """Go on running on a node, with flags. Errors: bproc_move."""
    return proc._bproc_move_io(node, flags, _listed(io, iolen))


def bproc_rfork_io(
    proc: BprocProc, node: int, io: Any, iolen: int, child: Callable[..., Any], *args: Any
) -> Call[int]:  # fmt: skip
    """Make a child on a node, with descriptors by a list. Errors: bproc_rfork."""
    return proc.bproc_rfork_io(node, _listed(io, iolen), child, *args)


def _bproc_rfork_io(
    proc: BprocProc, node: int, io: Any, iolen: int, flags: int, child: Callable[..., Any], *args: Any
) -> Call[int]:
    """Make a child on a node, with flags. Errors: bproc_rfork."""
    return proc._bproc_rfork_io(node, flags, _listed(io, iolen), child, *args)


def bproc_vexecmove_io(
    proc: BprocProc, n: int, nodes: Any, pids: Any, io: Any, iolen: int, cmd: Any, argv: Any, envp: Any
) -> Call[int]:
    """Load an image here and start it on many nodes, with descriptors by a list. Errors: bproc_vexecmove."""
    return proc.bproc_vexecmove_io(n, nodes, pids, _listed(io, iolen), cmd, argv, envp)


def bproc_vrfork_io(
    proc: BprocProc, n: int, nodes: Any, pids: Any, io: Any, iolen: int, child: Callable[..., Any], *args: Any
) -> Call[int]:
    """Make a child on each of many nodes, with descriptors by a list. Errors: bproc_vrfork."""
    return proc.bproc_vrfork_io(n, nodes, pids, _listed(io, iolen), child, *args)


def _bproc_vrfork_io(
    proc: BprocProc, n: int, nodes: Any, pids: Any, io: Any, iolen: int, flags: int, child: Callable[..., Any],
    *args: Any,
) -> Call[int]:  # fmt: skip
    """Make a child on each of many nodes, with flags. Errors: bproc_vrfork."""
    return proc._bproc_vrfork_io(n, nodes, pids, _listed(io, iolen), flags, child, *args)


def _listed(io: Any, iolen: int) -> Io:
    return io_list(io, "io", integer(iolen, "iolen"))


LIST_FORMS: Mapping[str, Callable[..., Call[int]]] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            bproc_execmove_io,
            bproc_rexec_io,
            bproc_move_io,
            _bproc_move_io,
            bproc_rfork_io,
            _bproc_rfork_io,
            bproc_vexecmove_io,
            bproc_vrfork_io,
            _bproc_vrfork_io,
        )
    }
)
