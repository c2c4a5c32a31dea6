"""A session on a cluster: the calls of bp.BprocProc as ordinary methods."""

from __future__ import annotations

from typing import Any

from bprocsim.faces.bproc import BprocProc
from bprocsim.world.directcalls import LEFT_OUT
from bprocsim.world.driven import DrivenProc
from bprocsim.world.session import Session, session_exec
from bprocsim.world.spawn import spawn


class DrivenBprocProc(DrivenProc, BprocProc):
    """The inside view of a session's process on a cluster."""

    __slots__ = ()


class BprocSession(Session):
    """A process on a cluster that ordinary Python drives: `cluster.session(...)` gives one."""

    _face = DrivenBprocProc

    def spawn(
        self, path: Any, argv: Any = LEFT_OUT, envp: Any = (), node: int | None = None, *, port: int = 0,
        stdin: int | None = None, stdout: int | None = None, stderr: int | None = None,
    ) -> int:  # fmt: skip
        """Start a child that runs another image, in place of fork and exec; returns its pid. Errors: fork.

        With `node` the child makes _bproc_execmove_io(node, port, path, argv, envp), else execve.
        `argv` left out is [last name of path]; `envp` left out is empty. `stdin`, `stdout`,
        `stderr` are descriptors of the session that the child gets as 0, 1 and 2.

        Returns once the exec has been decided. One that is refused is raised here, as
        posix_spawn does (errors of execve or bproc_execmove), and no child is left. What goes wrong
        after the exec (a node that is down) is the child's exit status, which `wait` tells.
        """
        return spawn(self._driver, path, argv, envp, (stdin, stdout, stderr), node, port)

    bproc_execmove = session_exec(BprocProc.bproc_execmove)
    bproc_execmove_io = session_exec(BprocProc.bproc_execmove_io)
    _bproc_execmove_io = session_exec(BprocProc._bproc_execmove_io)
