"""A session on an AIX partition: the calls of bp.AixProc as ordinary methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from bprocsim.faces.aix import AixProc, no_bproc
from bprocsim.world.driven import DrivenProc
from bprocsim.world.session import Session, session_call, session_exec


class DrivenAixProc(DrivenProc, AixProc):
    """The inside view of a session's process on AIX."""

    __slots__ = ()


class AixSession(Session):
    """A process on a partition that ordinary Python drives: `lpar.session(...)` gives one."""

    _face = DrivenAixProc

    ra_execve = session_exec(AixProc.ra_execve)
    ra_exect = session_exec(AixProc.ra_exect)
    ra_execv = session_exec(AixProc.ra_execv)
    ra_execvp = session_exec(AixProc.ra_execvp)
    ra_execl = session_exec(AixProc.ra_execl)
    ra_execle = session_exec(AixProc.ra_execle)
    ra_execlp = session_exec(AixProc.ra_execlp)

    ra_attachrset = session_call(AixProc.ra_attachrset)
    ra_attach = session_call(AixProc.ra_attach)
    ra_detachrset = session_call(AixProc.ra_detachrset)
    ra_getrset = session_call(AixProc.ra_getrset)
    bindprocessor = session_call(AixProc.bindprocessor)

    rs_alloc = session_call(AixProc.rs_alloc)
    rs_init = session_call(AixProc.rs_init)
    rs_free = session_call(AixProc.rs_free)
    rs_op = session_call(AixProc.rs_op)
    rs_getinfo = session_call(AixProc.rs_getinfo)
    rs_numrads = session_call(AixProc.rs_numrads)
    rs_getrad = session_call(AixProc.rs_getrad)
    rs_getassociativity = session_call(AixProc.rs_getassociativity)
    rs_get_homesrad = session_call(AixProc.rs_get_homesrad)
    rs_info = session_call(AixProc.rs_info)
    rs_setpartition = session_call(AixProc.rs_setpartition)
    rs_getpartition = session_call(AixProc.rs_getpartition)
    rs_registername = session_call(AixProc.rs_registername)
    rs_getnamedrset = session_call(AixProc.rs_getnamedrset)
    rs_discardname = session_call(AixProc.rs_discardname)
    rs_getnameattr = session_call(AixProc.rs_getnameattr)
    rs_setnameattr = session_call(AixProc.rs_setnameattr)
    rs_getrsetnames = session_call(AixProc.rs_getrsetnames)
    mkrset = session_call(AixProc.mkrset)
    rmrset = session_call(AixProc.rmrset)

    smtctl = session_call(AixProc.smtctl)
    getprocs = session_call(AixProc.getprocs)
    getthrds = session_call(AixProc.getthrds)

    def ra_fork(self, *_: Any) -> NoReturn:
        """Say what to write instead: a Python program in the middle of its work cannot be copied."""
        self._driver.proc.fork(AixProc.fork)

    if not TYPE_CHECKING:  # which would take it as a promise that every name is there

        def __getattr__(self, name: str) -> NoReturn:
            """Say that a partition has no BProc."""
            raise no_bproc(self, "s", name)
