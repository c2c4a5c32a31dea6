"""The process as a program on a BProc cluster sees it: the calls that every Unix has, and BProc's own."""

from __future__ import annotations

from typing import Any

from bprocsim.faces.arguments import integer
from bprocsim.faces.calls import Call
from bprocsim.faces.pointers import pointer, vector
from bprocsim.faces.pyos import Proc


class BprocProc(Proc):
    """A simulated process of a cluster, seen from inside: bp.Proc, and BProc's own calls."""

    __slots__ = ()

    # ---- moving ----

    def bproc_execmove(self, node: int, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        """Load an image here and run it on a node, I/O as with port 0. Errors: bproc_execmove."""
        return self._execmove(node, 0, cmd, argv, envp)

    def bproc_execmove_io(self, node: int, port: int, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        """Load an image here and run it on a node, with I/O forwarding to `port`. Errors: bproc_execmove."""
        return self._execmove(node, port, cmd, argv, envp)

    def _bproc_execmove_io(self, node: int, port: int, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        """Do what bproc_execmove_io does, under the page's own name."""
        return self._execmove(node, port, cmd, argv, envp)

    def _execmove(self, node: int, port: int, cmd: Any, argv: Any, envp: Any) -> Call[int]:
        where, arguments, environment = pointer(cmd, "cmd"), vector(argv, "argv"), vector(envp, "envp")
        numbers = integer(node, "node"), integer(port, "port")
        return self._call("_bproc_execmove_io", *numbers, where, arguments, environment)
