"""The words of deeds on a partition: sets, processes and threads, processors, names, who calls."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import bprocsim as bp
from bprocsim.testing.machines import clusterwords
from bprocsim.testing.machines.clusterwords import NO_PID, caller, parent, slow, user
from bprocsim.testing.machines.deeds import LEFT, Give, NotNowError, Parts, Word
from bprocsim.testing.rows.lparcases import thread_id
from bprocsim.units import ms, s

BOB, CAROL = "bob", "carol"  # with CAP_NUMA_ATTACH, and without
JOB, SLOW, BUSY = "/usr/bin/job", "/usr/bin/slow", "/usr/bin/busy"
PATHS = (JOB, BUSY, "/usr/bin/none", JOB, "/usr/bin/plain", SLOW, "/usr/bin/script", "", None, bp.BAD_ADDRESS)


def job(proc: bp.AixProc) -> Any:
    """Compute a little, and end."""
    yield from proc.write(1, b"done\n")
    yield from proc.compute(1 * ms)
    return 3


def busy(proc: bp.AixProc) -> Any:
    """Compute in two threads."""
    number = yield from proc.thread_create(_computes)
    yield from _computes(proc)
    yield from proc.thread_join(number)


def _computes(proc: bp.AixProc) -> Any:
    yield from proc.compute(40 * ms)


def long(proc: bp.AixProc) -> Any:
    """Compute in two threads for hours, with pauses."""
    yield from proc.thread_create(_on_and_on)
    yield from _on_and_on(proc)


def _on_and_on(proc: bp.AixProc) -> Any:
    for _ in range(300):
        yield from proc.compute(3 * s)
        yield from proc.sleep(60 * s)


PROGRAMS = {"long": long, "busy": busy, "parent": parent}


def install(lpar: bp.Lpar) -> None:
    """Put files and accounts into a fresh world, which the words name."""
    for path, program in ((JOB, job), (SLOW, slow), (BUSY, busy)):
        lpar.install(path, program)
    lpar.machine.fs.write_file("/usr/bin/script", b"#!/usr/bin/sh\n", mode=0o755)
    lpar.machine.fs.write_file("/usr/bin/plain", b"plain", mode=0o644)
    lpar.user(BOB, 500, 500, capabilities={"CAP_NUMA_ATTACH", "CAP_PROPAGATE"})
    lpar.user(CAROL, 501, 501)


# ---- who calls -----------------------------------------------------------------------------------

WHO: Mapping[str, Give] = MappingProxyType({"user": user, "caller": caller})
BY = Word("by", (Parts(), Parts(), Parts(user=BOB), Parts(), Parts(user=CAROL), Parts(caller=0), Parts(caller=1)))


# ---- sets ------------------------------------------------------------------------------------------


def _sets(count: int) -> tuple[str, ...]:
    """Write sets of so many processors: parts, cores, all, halves of cores, and what is not there."""
    last = count - 1
    half = count // 2
    return ("0", f"0-{last}", f"{half}-{last}", "0-1", f"{last}", ",".join(map(str, range(0, count, 2))), "", "99")


def _rset(machine: Any, value: Any) -> Any:
    """Give a set: of those that are kept by a letter, or a fresh one of its ids."""
    if not isinstance(value, str):
        return value
    if value in ("a", "b"):
        return machine.kept_set(value)
    made = machine.system.rset(value.removeprefix("freed ") if value.startswith("freed") else value)
    made.freed = value.startswith("freed")
    return made


def rset(name: str, count: int) -> Word:
    """Name a set that a call takes or fills; "a" and "b" are kept from deed to deed."""
    return Word(name, ("a", *_sets(count), "b", "a", "b", "freed 0", None, bp.BAD_ADDRESS), _rset)


def processors(count: int) -> Word:
    """Name processors for a set that is made."""
    return Word("processors", _sets(count))


# ---- work and resources ----------------------------------------------------------------------------


def _alive(machine: Any) -> list[Any]:
    found = [each for _, each in sorted(machine.system.pids.table.items()) if each is not None and each.ended is None]
    if not found:
        raise NotNowError
    return found


def _work(machine: Any, value: Any) -> Any:
    """Give the id of a process, or of a thread of one: "eldest", "eldest:2"."""
    if not isinstance(value, str):
        return value
    which, _, number = value.partition(":")
    alive = _alive(machine)
    process = {"eldest": alive[0], "youngest": alive[-1], "middle": alive[len(alive) // 2]}[which]
    return thread_id(process.pid, int(number)) if number else process.pid


_WORK = (
    *((bp.R_PROCESS, which) for which in ("eldest", "youngest", "middle")),
    *((bp.R_THREAD, which) for which in ("eldest:1", "youngest:2", "middle:2", "youngest:1")),
    (bp.R_PROCESS, bp.RS_MYSELF), (bp.R_THREAD, bp.RS_MYSELF), (bp.R_PROCESS, NO_PID), (99, 0),
)  # fmt: skip


def work(type_name: str = "rstype", id_name: str = "rsid") -> Word:
    """Name a process or a thread, in two words."""
    return Word("work", tuple(Parts(**{type_name: type, id_name: id}) for type, id in _WORK))


def bound_work() -> Word:
    """Name the same for bindprocessor."""
    whats = {bp.R_PROCESS: bp.BINDPROCESS, bp.R_THREAD: bp.BINDTHREAD}
    return Word("work", tuple(Parts(what=whats.get(type, 99), who=id) for type, id in _WORK if id != bp.RS_MYSELF))


WORK: Mapping[str, Give] = MappingProxyType({"rsid": _work, "rsid1": _work, "who": _work})
RESOURCE: Mapping[str, Give] = MappingProxyType({"rsid": _rset, "rsid2": _rset})
PID = Word("pid", ("eldest", "youngest", "middle", NO_PID, bp.RS_MYSELF), _work)


def resource(count: int, srads: int, type_name: str = "rstype", id_name: str = "rsid") -> Word:
    """Name what work is attached to, in two words: a set, mostly, or an SRAD."""
    sets = ("a", *_sets(count), "b", f"{count // 2}-{count - 1}", None, bp.BAD_ADDRESS, "freed 0", 3)
    of_sets = [Parts(**{type_name: bp.R_RSET, id_name: each}) for each in sets]
    numbers = (*range(srads), srads, bp.SRADID_ANY)
    of_srads = [Parts(**{type_name: bp.R_SRADID, id_name: each}) for each in numbers]
    return Word("resource", (*of_sets, *of_srads, Parts(**{type_name: 99, id_name: "a"})))


FLAGS = Word("flags", (0, 0, bp.R_ATTACH_STRSET, 0, 0x40))
DETACH = Word("flags", (0, bp.R_DETACH_ALLTHRDS, 0x40))


# ---- what a call fills, and names ------------------------------------------------------------------

filled = partial(clusterwords.filled, often=2)
NAMESPACE = Word("namespace", ("kit", "sysxrset", "kit", "sysxrset", "kit", "sys", "", None, bp.BAD_ADDRESS))
RSNAME = Word("rsname", ("mine", "other", "mine", "other", "x y", None, bp.BAD_ADDRESS))
_NAMES = ("sysxrset/mine", "kit/mine", "sysxrset/mine", "sysxrset/other", "kit/other", "kit", "sysxrset/x y")
SLASHED = Word("name", _NAMES)
ARGV = Word("argv", (LEFT, LEFT, ["job"], [], None, bp.BAD_ADDRESS))
ENVP = Word("envp", (LEFT, LEFT, {"PATH": "/usr/bin"}, None, bp.BAD_ADDRESS))
