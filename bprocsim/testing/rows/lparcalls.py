"""How each call on a partition is made of the fields of a case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from attrs import frozen

import bprocsim as bp
from bprocsim.aix.raexec import RA_FORK_ERRORS
from bprocsim.testing.rows.lparcases import NO_PID, LparCase, address, process_of, thread_id
from bprocsim.units import ms

# A call in a healthy world, where it is not LparCase's own: a few fields by the call's name.
BASES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "ra_attach": {"work_type": bp.R_THREAD},
        "rs_op": {"command": bp.RS_UNION},
        "rs_getassociativity": {"root": True},
        "rs_info": {"command": bp.RS_SRADID_LOADAVG},
        "rs_getnamedrset": {"taken": True},
        "rs_discardname": {"taken": True},
        "rs_getnameattr": {"taken": True},
        "rs_setnameattr": {"taken": True, "command": bp.RS_OWNER | bp.RS_GROUP | bp.RS_PERM},
        "rmrset": {"taken": True},
        "rs_setpartition": {"root": True},
        # Only what is not of exclusive use can be bound to.
        "smtctl": {"root": True, "exclusive": "", "bound_to": 7},
        "dlpar_remove": {"root": True, "exclusive": "", "bound_to": 7},
        "dlpar_add": {"root": True, "failed": (3,)},
        "deallocate": {"root": True, "exclusive": "", "bound_to": 7},
    }
)


def base_of(call: str, **fields: Any) -> LparCase:
    """Give a case in which a call succeeds; `fields` of it that are to be otherwise."""
    return LparCase(call=call, **{**BASES.get(call, {}), **fields})


def make(case: LparCase, lpar: bp.Lpar) -> bp.Outcome:
    """Make the call of a case in a world that the case built. KeyError: it is none of a partition's."""
    return _MADE[case.call](_Making(case, lpar))


@frozen
class _Making:
    """A case and its world: its fields as the arguments that a call takes."""

    case: LparCase
    lpar: bp.Lpar

    @property
    def by(self) -> dict[str, Any]:
        """Give who calls: the work itself, or somebody who is made for it."""
        if self.case.is_about_caller:
            return {"caller": bp.ProcessHandle(self.lpar.sim, process_of(self.lpar))}
        return {"user": self.case.credentials}

    def handle(self, which: str) -> Any:
        """Give a handle of a set, or what is none."""
        if which in ("set", "freed"):
            made = self.lpar.rset(self.case.processors)
            made.freed = which == "freed"
            return made
        return {"null": None, "bad": bp.BAD_ADDRESS, "number": 3, "default": bp.RS_DEFAULT}[which]

    @property
    def rset(self) -> Any:
        """Give the handle that the call is about."""
        return self.handle(self.case.handle)

    @property
    def second(self) -> Any:
        """Give the handle of a second set."""
        return self.handle(self.case.second)

    @property
    def resource(self) -> Any:
        """Give the rsid of a resource: a set, or an SRADID."""
        return self.case.srad if self.case.rstype == bp.R_SRADID else self.rset

    @property
    def pid(self) -> int:
        """Give the pid of the work."""
        return NO_PID if self.case.work == "absent" else int(process_of(self.lpar).pid)

    def work(self, of_processes: int, type: int) -> int:
        """Give the id of the work: for this type a process's, for all others a thread's."""
        return self.pid if type == of_processes else thread_id(self.pid, self.case.thread)

    @property
    def named(self) -> tuple[Any, Any]:
        """Give namespace and name."""
        return address(self.case.namespace), address(self.case.rsname)

    @property
    def slashed(self) -> str:
        """Give them as the commands do."""
        return "/".join(part for part in (self.case.namespace, self.case.rsname) if part is not None)

    def out(self, made: Any) -> Any:
        """Give what the call fills, or what leads nowhere."""
        return {"there": made, "null": None, "bad": bp.BAD_ADDRESS}[self.case.out]


# ---- ra_exec and ra_fork -------------------------------------------------------------------------


def _ra_exec(m: _Making) -> bp.Outcome:
    case = m.case
    path, argv, envp = case.arguments()
    return m.lpar.ra_execve(case.rstype, m.resource, case.flags, path, argv, envp, **m.by)


def _ra_fork(m: _Making) -> bp.Outcome:
    case = m.case
    if not case.inside:
        return m.lpar.ra_fork(case.rstype, m.resource, case.flags, _ends, **m.by)

    def forks(proc: bp.AixProc) -> Iterator[Any]:
        """Fork, after a while, and say what came of it."""
        yield from proc.sleep(1 * ms)
        try:
            yield from proc.ra_fork(case.rstype, m.resource, case.flags, _ends)
        except bp.CallError as error:
            yield from proc.print(error.cause)

    m.lpar.install("/usr/bin/forks", forks)  # from a file, so that it takes memory
    running = m.lpar.popen("/usr/bin/forks", user=case.credentials)
    case.place(m.lpar, running.pid)
    case.limit_pids(m.lpar, running.pid)
    cause = running.communicate()[0].decode().strip()
    row = RA_FORK_ERRORS.row(cause) if cause else None
    value = -1 if cause else 0
    return bp.Outcome("ra_fork", value, row, RA_FORK_ERRORS, pid=running.pid, returned=True, system="aix")


def _ends(proc: bp.Proc) -> Iterator[Any]:
    """Be there for a moment."""
    yield from proc.sleep(0)


# ---- all the others ------------------------------------------------------------------------------


def _rs_info(m: _Making) -> bp.Outcome:
    case = m.case
    first, second = (case.sdl, case.index) if case.command == bp.RS_CONTAINING_RAD else (case.srad, 0)
    return m.lpar.rs_info(m.out(bp.RadInfo()), case.command, first, second, **m.by)


def _rs_setnameattr(m: _Making) -> bp.Outcome:
    case = m.case
    attributes = bp.RsetAttributes(owner=case.new_owner, group=case.new_group, mode=case.new_mode)
    return m.lpar.rs_setnameattr(*m.named, case.command, m.out(attributes), **m.by)


_MADE: Mapping[str, Callable[[_Making], bp.Outcome]] = {
    "ra_exec": _ra_exec,
    "ra_fork": _ra_fork,
    "ra_attachrset": lambda m: m.lpar.ra_attachrset(
        m.case.work_type, m.work(bp.R_PROCESS, m.case.work_type), m.rset, m.case.flags, **m.by
    ),
    "ra_attach": lambda m: m.lpar.ra_attach(
        m.case.work_type, m.work(bp.R_PROCESS, m.case.work_type), m.case.rstype, m.resource, m.case.flags, **m.by
    ),
    "ra_detachrset": lambda m: m.lpar.ra_detachrset(
        m.case.work_type, m.work(bp.R_PROCESS, m.case.work_type), m.case.flags, **m.by
    ),
    "ra_getrset": lambda m: m.lpar.ra_getrset(
        m.case.work_type, m.work(bp.R_PROCESS, m.case.work_type), m.case.flags, m.rset, **m.by
    ),
    "bindprocessor": lambda m: m.lpar.bindprocessor(
        m.case.what, m.work(bp.BINDPROCESS, m.case.what), m.case.where, **m.by
    ),
    "rs_alloc": lambda m: m.lpar.rs_alloc(m.case.flags, **m.by),
    "rs_init": lambda m: m.lpar.rs_init(m.rset, m.case.flags, **m.by),
    "rs_op": lambda m: m.lpar.rs_op(m.case.command, m.rset, m.second, m.case.flags, m.case.id, **m.by),
    "rs_getinfo": lambda m: m.lpar.rs_getinfo(m.rset, m.case.info, m.case.flags, **m.by),
    "rs_numrads": lambda m: m.lpar.rs_numrads(m.rset, m.case.sdl, m.case.flags, **m.by),
    "rs_getrad": lambda m: m.lpar.rs_getrad(m.rset, m.second, m.case.sdl, m.case.index, m.case.flags, **m.by),
    "rs_getassociativity": lambda m: m.lpar.rs_getassociativity(
        m.case.kind, m.case.id, m.out([0] * 8), m.case.size, **m.by
    ),
    "rs_info": _rs_info,
    "rs_registername": lambda m: m.lpar.rs_registername(m.rset, *m.named, m.case.mode, m.case.command, **m.by),
    "rs_getnamedrset": lambda m: m.lpar.rs_getnamedrset(*m.named, m.rset, **m.by),
    "rs_discardname": lambda m: m.lpar.rs_discardname(*m.named, **m.by),
    "rs_getnameattr": lambda m: m.lpar.rs_getnameattr(*m.named, m.out(bp.RsetAttributes()), **m.by),
    "rs_setnameattr": _rs_setnameattr,
    "mkrset": lambda m: m.lpar.mkrset(m.slashed, m.case.processors, **m.by),
    "rmrset": lambda m: m.lpar.rmrset(m.slashed, **m.by),
    "rs_setpartition": lambda m: m.lpar.rs_setpartition(m.pid, m.rset, m.case.flags, **m.by),
    "smtctl": lambda m: m.lpar.smtctl(m.case.threads, **m.by),
    "dlpar_remove": lambda m: m.lpar.dlpar_remove(m.case.core, **m.by),
    "dlpar_add": lambda m: m.lpar.dlpar_add(m.case.core, **m.by),
    "deallocate": lambda m: m.lpar.deallocate(m.case.core, **m.by),
    "rs_getpartition": lambda m: m.lpar.rs_getpartition(m.pid, m.rset, **m.by),
}
