"""All that is called on a partition, as deeds: every public call, with words that bring it to its various ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import bprocsim as bp
from bprocsim.testing.machines import lparwords as w
from bprocsim.testing.machines.clusterdeeds import idles, opens, runs, starts
from bprocsim.testing.machines.clusterwords import child, user
from bprocsim.testing.machines.deeds import LEFT, Action, Give, Make, Word, action
from bprocsim.testing.machines.lparwords import BY, FLAGS, WHO, WORK
from bprocsim.units import ms

_COMMANDS = tuple(range(bp.RS_UNION, bp.RS_STSET + 1))


def lpar_actions(lpar: bp.Lpar) -> Iterator[Action]:
    """Give every call on such a partition, the simplest first."""
    shape = lpar.partition.topology
    count = shape.everything.bit_length()
    every = (*_runs(count, shape.srads), *_attaches(count, shape.srads), *_sets(count), *_names(count))
    yield from (each for each in every if each.name not in lpar.level.lacks)
    yield from _processors(lpar)
    yield from _of_the_harness(count)


def _call(
    name: str, *words: Word, gives: Mapping[str, Give] = w.RESOURCE, weight: int = 2, make: Make | None = None
) -> Action:
    """Describe a call; who makes it is said as everywhere."""
    return action(name, *words, BY, gives={**gives, **WHO}, weight=weight, make=make)


def _listing(name: str, file: str) -> Make:
    """Make a call that takes the arguments of the program one by one."""

    def make(machine: Any, arguments: dict[str, Any]) -> Any:
        first = [arguments.pop(each) for each in ("rstype", "rsid", "flags", file)]
        return getattr(machine.system, name)(*first, *arguments.pop("arguments"), **arguments)

    return make


def _runs(count: int, srads: int) -> Iterator[Action]:
    """Give the calls that run a program."""
    resource, path, file = w.resource(count, srads), Word("path", w.PATHS), Word("file", ("job", *w.PATHS))
    yield _call("ra_execve", resource, FLAGS, path, w.ARGV, w.ENVP, weight=4)
    yield _call("execve", path, w.ARGV, w.ENVP)
    yield _call("ra_execv", resource, FLAGS, path, w.ARGV)
    yield _call("ra_execvp", resource, FLAGS, file, w.ARGV)
    several = Word("arguments", (["job"], [], ["job", "x"], [bp.BAD_ADDRESS]))
    with_environment = Word("arguments", (["job", {}], [{}], ["job", {"PATH": "/usr/bin"}]))
    yield _call("ra_execl", resource, FLAGS, path, several, make=_listing("ra_execl", "path"))
    yield _call("ra_execle", resource, FLAGS, path, with_environment, make=_listing("ra_execle", "path"))
    yield _call("ra_execlp", resource, FLAGS, file, several, make=_listing("ra_execlp", "file"))
    yield _call("ra_exect", resource, FLAGS, path, w.ARGV, w.ENVP)
    yield _call("ra_fork", resource, FLAGS, Word("child", ("ends", "stays"), child))


def _attaches(count: int, srads: int) -> Iterator[Action]:
    """Give the calls that attach and bind what runs."""
    work, rset = w.work(), w.rset("rset", count)
    both = {"rsid1": WORK["rsid1"], "rsid2": w.RESOURCE["rsid2"]}
    resource = w.resource(count, srads, "rstype2", "rsid2")
    bind_id = Word("bind_id", (0, 1, count - 1, count, bp.PROCESSOR_CLASS_ANY, -5))
    yield _call("ra_attachrset", work, rset, FLAGS, gives=WORK, weight=5)
    yield _call("ra_attach", w.work("rstype1", "rsid1"), resource, FLAGS, gives=both, weight=3)
    yield _call("ra_detachrset", work, w.DETACH, gives=WORK, weight=3)
    yield _call("ra_getrset", work, Word("flags", (0, 1)), rset, gives=WORK)
    yield _call("bindprocessor", w.bound_work(), bind_id, gives=WORK, weight=4)
    partition = Word("rset", (*rset.values, bp.RS_DEFAULT, bp.RS_DEFAULT), rset.give)
    for name in ("rs_setpartition", "set_partition"):
        yield _call(name, w.PID, partition, Word("flags", (0, 0, 1)))
    yield _call("rs_getpartition", w.PID, rset)
    yield action("effective_rset", w.PID, make=_effective_rset)


def _effective_rset(machine: Any, arguments: dict[str, Any]) -> Any:
    with suppress(bp.CallError):
        machine.system.effective_rset(**arguments)


def _sets(count: int) -> Iterator[Action]:
    """Give the calls on sets, and what they ask of the system."""
    one, two, rset = w.rset("rset1", count), w.rset("rset2", count), w.rset("rset", count)
    filling, id = Word("flags", (bp.RS_EMPTY, bp.RS_SYSTEM, bp.RS_ALL, bp.RS_PARTITION, 99)), Word("id", (0, 1, count))
    kinds = Word("flags", (0, bp.R_PROCS, bp.R_MEMPS, bp.R_ALL_RESOURCES, 99))
    command, sdl = Word("command", (*_COMMANDS, 0, 99)), Word("sdl", (0, 1, 2, 3, 4, -1))
    yield action("rset", Word("name", ("a", "b")), w.processors(count), make=_keep_set, weight=4)
    yield _call("rs_op", command, one, two, kinds, id, weight=5)
    yield _call("rs_alloc", filling)
    yield _call("rs_init", rset, filling)
    yield _call("rs_free", rset, weight=1)
    yield _call("rs_getinfo", rset, Word("info_type", (*range(bp.R_SHMATTCAP + 1), 99)), Word("flags", (0, 1)))
    yield _call("rs_numrads", rset, sdl, Word("flags", (0, 1)))
    yield _call("rs_getrad", rset, w.rset("rad", count), sdl, Word("index", (0, 1, 99)), Word("flags", (0, 1)))
    array = w.filled("array", lambda: [0] * 8)
    yield _call("rs_getassociativity", Word("kind", (bp.R_PROCS, bp.R_MEMPS, 99)), id, array, Word("size", (8, 2, 0)))
    yield _call("rs_get_homesrad")
    asked = Word("command", (bp.RS_SRADID_LOADAVG, bp.RS_SRADID_USABLE_LOADAVG, bp.RS_CONTAINING_RAD, 99))
    yield _call("rs_info", w.filled("out", bp.RadInfo), asked, Word("arg1", (0, 1, 99)), Word("arg2", (0, 1, 99)))


def _keep_set(machine: Any, arguments: dict[str, Any]) -> Any:
    machine.sets[arguments["name"]] = machine.system.rset(arguments["processors"])


def _names(count: int) -> Iterator[Action]:
    """Give the calls on named sets."""
    names, rset = (w.NAMESPACE, w.RSNAME), w.rset("rset", count)
    attributes = w.filled("attributes", bp.RsetAttributes)
    what = Word("command", (bp.RS_PERM, bp.RS_OWNER, bp.RS_GROUP, bp.RS_OWNER | bp.RS_GROUP | bp.RS_PERM, 0, 99))
    mode, how = Word("mode", (0o666, 0o600, 0, 0o7777)), Word("command", (bp.RS_DEFINE, bp.RS_REDEFINE, 99))
    yield _call("mkrset", w.SLASHED, w.processors(count), weight=5)
    yield _call("rmrset", w.SLASHED, weight=5)
    yield _call("rs_registername", rset, *names, mode, how, weight=5)
    yield _call("rs_getnamedrset", *names, rset)
    yield _call("rs_discardname", *names)
    yield _call("rs_getnameattr", *names, attributes)
    yield _call("rs_setnameattr", *names, what, attributes)
    yield _call("rs_getrsetnames", Word("namespace", (None, "kit", "sysxrset", bp.BAD_ADDRESS)))


def _processors(lpar: bp.Lpar) -> Iterator[Action]:
    """Give the changes of processors."""
    shape = lpar.partition.topology
    core = Word("core", (*range(shape.cores), *range(shape.cores), shape.cores, -1))
    yield _call("smtctl", Word("threads", tuple(each for each in lpar.cpu.widths if each <= shape.smt)), weight=3)
    yield _call("dlpar_remove", core)
    yield _call("dlpar_add", core, weight=3)
    yield _call("deallocate", core)


def _of_the_harness(count: int) -> Iterator[Action]:
    last = str(count - 1)
    lines = (
        ["lsrset", "-av"], ["job"], ["mkrset", "-c", f"0-{last}", "kit/mine"], ["smtctl"], ["lssrad", "-av"],
        ["rmrset", "sysxrset/mine"], ["ps", "-A", "-o", "THREAD"], ["execrset", "-c", last, "-e", "job"],
        ["bindprocessor", "-q"], ["mkrset", "-c", last, "sysxrset/other"], ["none"],
    )  # fmt: skip
    someone = Word("user", (LEFT, LEFT, w.BOB, w.CAROL), user)
    program = Word("args", ("long", "busy", "parent", "long"), _program)
    yield action("run", Word("args", lines), someone, make=runs, weight=4)
    yield action("popen", program, someone, make=starts, weight=6)
    yield action("idle_process", someone, make=idles, weight=4)
    yield action("session", Word("script", tuple(SCRIPTS)), someone, make=_session, weight=3)
    yield action("sleep", Word("seconds", (0.01, 0.0001, 0.1, 1, 20, 700)), weight=8)


def _program(machine: Any, name: Any) -> Any:
    return w.PROGRAMS[name]


def _session(machine: Any, arguments: dict[str, Any]) -> Any:
    opens(machine, SCRIPTS[arguments["script"]], user=arguments.get("user"))


def _attaches_itself(session: Any) -> None:
    session.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, session.rs_alloc(bp.RS_ALL), 0)
    session.compute(2 * ms)


def _forks(session: Any) -> None:
    session.spawn(w.JOB)
    session.wait()


def _leaves(session: Any) -> None:
    session.spawn(w.BUSY)


SCRIPTS = {"attaches": _attaches_itself, "forks": _forks, "leaves": _leaves}
