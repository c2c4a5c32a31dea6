"""A session on a cluster: the calls of bp.BprocProc as ordinary methods."""

from __future__ import annotations

from typing import Any, NoReturn

from bprocsim.faces.bproc import BprocProc
from bprocsim.world.directcalls import LEFT_OUT
from bprocsim.world.driven import DrivenProc
from bprocsim.world.session import Session, session_call, session_exec
from bprocsim.world.spawn import spawn


class DrivenBprocProc(DrivenProc, BprocProc):
    """The inside view of a session's process on a cluster."""

    __slots__ = ()

    def _vrfork(self, name: str, *_: Any) -> NoReturn:
        """Refuse, as fork does. RuntimeError."""
        self._rfork(name)

    def _rfork(self, name: str, *_: Any) -> NoReturn:
        """Refuse, as fork does. RuntimeError."""
        raise RuntimeError(
            f"{name}: Python that is running cannot be copied; write s.spawn(path, argv, envp, node=N), "
            "which is a fork and an execmove"
        )

    def _detach(self, code: int) -> NoReturn:
        """Refuse, for what runs on is another process. RuntimeError."""
        raise RuntimeError(
            "bproc_detach: what runs on is another process, and a session is one; "
            "write the call in a program, and s.spawn(path, argv, envp, node=N) to start that"
        )


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
    bproc_rexec = session_exec(BprocProc.bproc_rexec)
    bproc_rexec_io = session_exec(BprocProc.bproc_rexec_io)
    _bproc_rexec_io = session_exec(BprocProc._bproc_rexec_io)
    bproc_move = session_call(BprocProc.bproc_move)
    bproc_move_io = session_call(BprocProc.bproc_move_io)
    _bproc_move = session_call(BprocProc._bproc_move)
    _bproc_move_io = session_call(BprocProc._bproc_move_io)
    bproc_rfork = session_call(BprocProc.bproc_rfork)
    bproc_rfork_io = session_call(BprocProc.bproc_rfork_io)
    _bproc_rfork = session_call(BprocProc._bproc_rfork)
    _bproc_rfork_io = session_call(BprocProc._bproc_rfork_io)
    bproc_vexecmove = session_call(BprocProc.bproc_vexecmove)
    bproc_vrfork = session_call(BprocProc.bproc_vrfork)
    _bproc_vrfork = session_call(BprocProc._bproc_vrfork)
    bproc_vexecmove_io = session_call(BprocProc.bproc_vexecmove_io)
    bproc_vrfork_io = session_call(BprocProc.bproc_vrfork_io)
    _bproc_vrfork_io = session_call(BprocProc._bproc_vrfork_io)

    bproc_numnodes = session_call(BprocProc.bproc_numnodes)
    bproc_currnode = session_call(BprocProc.bproc_currnode)
    bproc_nodestatus = session_call(BprocProc.bproc_nodestatus)
    bproc_nodeinfo = session_call(BprocProc.bproc_nodeinfo)
    bproc_nodelist = session_call(BprocProc.bproc_nodelist)
    bproc_nodelist_ = session_call(BprocProc.bproc_nodelist_)
    bproc_nodespec = session_call(BprocProc.bproc_nodespec)
    bproc_nodefilter = session_call(BprocProc.bproc_nodefilter)
    bproc_nodeset_init = session_call(BprocProc.bproc_nodeset_init)
    bproc_nodeset_grow = session_call(BprocProc.bproc_nodeset_grow)
    bproc_nodeset_free = session_call(BprocProc.bproc_nodeset_free)
    bproc_nodeset_add = session_call(BprocProc.bproc_nodeset_add)
    bproc_nodeset_append = session_call(BprocProc.bproc_nodeset_append)
    bproc_nodeaddr = session_call(BprocProc.bproc_nodeaddr)
    bproc_masteraddr = session_call(BprocProc.bproc_masteraddr)
    bproc_nodenumber = session_call(BprocProc.bproc_nodenumber)
    bproc_getnodebyname = session_call(BprocProc.bproc_getnodebyname)
    bproc_version = session_call(BprocProc.bproc_version)
    bproc_notifier = session_call(BprocProc.bproc_notifier)
    bproc_strerror = session_call(BprocProc.bproc_strerror)
    bproc_getnodeattr = session_call(BprocProc.bproc_getnodeattr)
    bproc_setnodeattr = session_call(BprocProc.bproc_setnodeattr)
    bproc_access = session_call(BprocProc.bproc_access)
    _bproc_access = session_call(BprocProc._bproc_access)
    bproc_chmod = session_call(BprocProc.bproc_chmod)
    bproc_chown = session_call(BprocProc.bproc_chown)
    bproc_chgrp = session_call(BprocProc.bproc_chgrp)
    bproc_setnodestatus = session_call(BprocProc.bproc_setnodestatus)
    bproc_nodesetstatus = session_call(BprocProc.bproc_nodesetstatus)
    bproc_nodereboot = session_call(BprocProc.bproc_nodereboot)
    bproc_nodehalt = session_call(BprocProc.bproc_nodehalt)
    bproc_nodepwroff = session_call(BprocProc.bproc_nodepwroff)
    bproc_slave_chroot = session_call(BprocProc.bproc_slave_chroot)
    bproc_nodechroot = session_call(BprocProc.bproc_nodechroot)
    bproc_nodereboot_async = session_call(BprocProc.bproc_nodereboot_async)
    bproc_nodehalt_async = session_call(BprocProc.bproc_nodehalt_async)
    bproc_nodepwroff_async = session_call(BprocProc.bproc_nodepwroff_async)
    bproc_nodereconnect = session_call(BprocProc.bproc_nodereconnect)
    bproc_detach = session_call(BprocProc.bproc_detach)
    bproc_proclist = session_call(BprocProc.bproc_proclist)
    bproc_pidnode = session_call(BprocProc.bproc_pidnode)
    bproc_pidghostnode = session_call(BprocProc.bproc_pidghostnode)
    readproctab = session_call(BprocProc.readproctab)
