"""Calls as C has them where Python has less: LANL's forms for I/O, and the size of an address.

Those for I/O take a list and its length, and flags behind those. Source: bproc-4.0.0pre8-interface.
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


ADDRESS_BYTES = 16  # of a struct sockaddr


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


def bproc_nodeaddr(proc: BprocProc, node: int, addr: Any, size: Any = None) -> Call[int]:
    """Fill a bp.BprocAddress, for which there are `size` bytes, with a node's. Errors: bproc_nodeaddr."""
    _sized(size, "bproc_nodeaddr")
    return proc.bproc_nodeaddr(node, addr)


def bproc_masteraddr(proc: BprocProc, addr: Any, size: Any = None) -> Call[int]:
    """Fill a bp.BprocAddress, for which there are `size` bytes, with the master's. Errors: bproc_masteraddr."""
    _sized(size, "bproc_masteraddr")
    return proc.bproc_masteraddr(addr)


def bproc_nodenumber(proc: BprocProc, addr: Any, size: int = ADDRESS_BYTES) -> Call[int]:
    """Tell which node has an address of `size` bytes; BPROC_NODE_NONE if none has."""
    integer(size, "size")
    return proc.bproc_nodenumber(addr)


def _sized(size: Any, call: str) -> None:
    """Take an int *, a list of one, which tells afterwards how long the address is; or NULL, or just a number."""
    if isinstance(size, list) and len(size) == 1:
        integer(size[0], "size")
        size[0] = ADDRESS_BYTES
    elif size is not None and (isinstance(size, bool) or not isinstance(size, int)):
        raise TypeError(f"{call}: size: expected a list of one int, or an int, got {size!r}")


ADDRESS_FORMS: Mapping[str, Callable[..., Call[int]]] = MappingProxyType(
    {each.__name__: each for each in (bproc_nodeaddr, bproc_masteraddr, bproc_nodenumber)}
)


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
