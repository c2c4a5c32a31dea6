"""All that is called on a cluster, as deeds: every public call, with words that bring it to its various ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import bprocsim as bp
from bprocsim.testing.machines import clusterwords as w
from bprocsim.testing.machines.deeds import LEFT, Action, Make, NotNowError, Word, action
from bprocsim.units import ms

MOST_WAITING = 4  # processes that wait to be callers
MOST_RUNNING = 6  # command lines that run meanwhile


def cluster_actions(count: int, edition: bp.Edition) -> Iterator[Action]:
    """Give every call on a cluster of so many nodes, of an edition, the simplest first."""
    yield from _moves(count, edition)
    of_nodes = {each.name: each for each in _node_calls(count, edition)}
    yield from (of_nodes[name] for name in of_nodes if name in edition.calls())
    yield from _of_the_harness(count)


# ---- calls that move a process ---------------------------------------------------------------------


def _moves(count: int, edition: bp.Edition) -> Iterator[Action]:
    node, by, port = w.node(count), w.by(count - 1), w.port(edition.io_lists)
    files = w.CMD, w.ARGV, w.ENVP
    path = Word("path", w.CMDS)
    # The harness can take no more connections than there are children, and tells them apart by their nodes.
    several, unheard = w.nodes(count), Word("listen", (False,))
    made = [
        ("bproc_execmove", (node, *files, by)),
        ("execve", (path, w.ARGV, w.ENVP, by)),
        ("bproc_execmove_io", (node, port, *files, w.LISTEN, by)),
        ("_bproc_execmove_io", (node, port, *files, w.LISTEN, by)),
        ("bproc_rexec", (node, *files, by)),
        ("bproc_rexec_io", (node, port, *files, w.LISTEN, by)),
        ("_bproc_rexec_io", (node, port, *files, w.LISTEN, by)),
        ("bproc_move", (node, by)),
        ("bproc_move_io", (node, port, w.LISTEN, by)),
        ("_bproc_move", (node, w.FLAGS, by)),
        ("_bproc_move_io", (node, w.FLAGS, port, w.LISTEN, by)),
        ("bproc_rfork", (node, w.CHILD, by)),
        ("bproc_rfork_io", (node, port, w.CHILD, w.LISTEN, by)),
        ("_bproc_rfork", (node, w.FLAGS, w.CHILD, by)),
        ("_bproc_rfork_io", (node, w.FLAGS, port, w.CHILD, w.LISTEN, by)),
    ]
    if edition.vector_calls is not None:
        made += [
            ("bproc_vexecmove", (several, *files, by)),
            ("bproc_vexecmove_io", (several, port, *files, unheard, by)),
            ("bproc_vrfork", (several, w.CHILD, by)),
            ("bproc_vrfork_io", (several, port, w.CHILD, unheard, by)),
            ("_bproc_vrfork", (several, w.FLAGS, w.CHILD, by)),
            ("_bproc_vrfork_io", (several, port, w.FLAGS, w.CHILD, unheard, by)),
        ]
    for name, words in made:
        # The forms of a call are many, and each of them takes long.
        weight = 1 if name.startswith("_") or name.endswith("_io") else 2
        listens = any(word.name == "port" for word in words)
        yield action(name, *words, gives=w.WHO, make=_unless_taken(name) if listens else None, weight=weight)


def _unless_taken(name: str) -> Make:
    """Make a call with a port, unless somebody listens there already where the harness would."""

    def make(machine: Any, arguments: dict[str, Any]) -> Any:
        cluster = machine.system
        where = arguments["caller"].process.machine if "caller" in arguments else None
        number = arguments.get("from_node", bp.BPROC_NODE_MASTER)
        ports = (where or cluster.machine(number)).sockets
        if arguments.get("listen", True) and w.PORT in ports.listeners:
            raise NotNowError
        return getattr(cluster, name)(**arguments)

    return make


# ---- calls about nodes and processes ---------------------------------------------------------------


def _node_calls(count: int, edition: bp.Edition) -> Iterator[Action]:
    """Give the calls of all editions; words are those of this one."""
    node, by, bpfs = w.node(count), w.by(count - 1), edition.bpfs
    info, addr, status = w.filled("info", bp.BprocNodeInfo), w.filled("addr", bp.BprocAddress), w.status(bpfs)
    told = (w.filled("status", bytearray), Word("len", (32, 1, 0))) if bpfs else ()
    nodeset, listed = w.filled("ns", bp.BprocNodeSet), bp.BprocNodeSet if bpfs else list
    sized = Word("remsz", (16, 0, 8)), Word("locsz", (16, 0, 8))
    made: list[tuple[str, tuple[Word, ...]]] = [
        ("bproc_numnodes", ()),
        ("bproc_currnode", ()),
        ("bproc_nodestatus", (node, *told)),
        ("bproc_nodeinfo", (node, info)),
        ("bproc_nodelist", (w.filled("list", listed),)),
        ("bproc_nodespec", (nodeset, w.SPEC)),
        ("bproc_nodefilter", (w.filled("out", bp.BprocNodeSet), w.some_nodes("given"), w.SPEC)),
        ("bproc_nodeset_init", (nodeset, w.SIZE)),
        ("bproc_nodeset_grow", (w.some_nodes("ns"), w.SIZE)),
        ("bproc_nodeset_free", (w.some_nodes("ns"),)),
        ("bproc_nodeset_add", (w.some_nodes("ns"), w.record("node"))),
        ("bproc_nodeset_append", (w.some_nodes("ns"), w.some_nodes("other"))),
        ("bproc_getnodeattr", (node, w.ATTRIBUTE, w.filled("value", bytearray), w.SIZE)),
        ("bproc_setnodeattr", (node, w.ATTRIBUTE, w.VALUE, w.SIZE)),
        ("bproc_nodeaddr", (node, addr)),
        ("bproc_masteraddr", (addr,)),
        ("bproc_nodenumber", (w.address("addr"),)),
        ("bproc_getnodebyname", (Word("name", ("0", "n1", ".1", "master", "self", "none", None, bp.BAD_ADDRESS)),)),
        ("bproc_version", (w.filled("version", bp.BprocVersion),)),
        ("bproc_strerror", (w.ERRNO,)),
        ("bproc_access", (node, w.X_OK)),
        ("_bproc_access", (w.record("info"), w.X_OK)),
        ("bproc_chmod", (node, w.MODE)),
        ("bproc_chown", (node, w.UID)),
        ("bproc_chgrp", (node, w.GID)),
        ("bproc_setnodestatus", (node, status)),
        ("bproc_nodesetstatus", (node, status)),
        *((f"bproc_node{what}", (node,)) for what in ("reboot", "halt", "pwroff")),
        *((f"bproc_node{what}_async", (node,)) for what in ("reboot", "halt", "pwroff")),
        ("bproc_slave_chroot", (node, w.ROOT)),
        ("bproc_nodechroot", (node, w.ROOT)),
        ("bproc_nodereconnect", (node, w.address("rem"), sized[0], w.address("loc"), sized[1])),
        ("bproc_proclist", (Word("node", (*node.values, bp.BPROC_NODE_ANY)), w.filled("list", list))),
        ("bproc_pidnode", (w.PID,)),
        ("bproc_pidghostnode", (w.PID,)),
    ]
    for name, words in made:
        takes_away = name.startswith(("bproc_nodereboot", "bproc_nodehalt", "bproc_nodepwroff"))
        yield action(name, *words, by, gives=w.WHO, weight=1 if takes_away else 2)
    yield action("bproc_notifier", w.BY_CALLER, gives=w.WHO)
    yield action("bproc_nodelist_", nodeset, Word("fd", (3, 4, 0, 99)), w.BY_CALLER, gives=w.WHO)
    yield action("bproc_detach", w.CODE, w.BY_CALLER, gives=w.WHO, weight=1)


# ---- what the harness does -------------------------------------------------------------------------


def _of_the_harness(count: int) -> Iterator[Action]:
    slave, last = w.slave(count), str(count - 1)
    where = Word("node", (bp.BPROC_NODE_MASTER, bp.BPROC_NODE_MASTER, *range(count)), w.here)
    # Without bpcp: it waits for ever for a child that never came to connect, as where the daemon has ended.
    lines = (
        ["bpsh", "0", "job"], ["bpsh", "-a", "job"], ["bpstat"], ["bpsh", last, "slow"], ["sleep", "1"],
        ["ps", "ax"], ["bpsh", "-A", "hostname"], ["bpctl", "-S", "0", "-m", "100"], ["job"],
        ["bpctl", "-S", last, "-s", "down"], ["parent"], ["none"],
    )  # fmt: skip
    long = (["bpsh", "-a", "sleep", "3"], ["bpsh", "0", "sleep", "90"], ["bpsh", last, "slow"], ["sleep", "7"],
            ["parent"])  # fmt: skip
    someone = Word("user", (LEFT, LEFT, w.ALICE), w.user)
    yield action("run", Word("args", lines), someone, make=runs, weight=5)
    yield action("popen", Word("args", long), someone, make=starts, weight=6)
    yield action("idle_process", someone, where, make=idles, weight=5)
    scripts = Word("script", tuple(SCRIPTS))
    yield action("session", scripts, Word("node", (0, count - 1)), someone, where_else(where), make=_session, weight=4)
    yield action("sleep", Word("seconds", (0.01, 0.0001, 0.1, 1, 20, 100)), weight=8)
    states = ("down", "error", "up", "unavailable", "reboot", "boot")
    yield action("set_state", slave, Word("name", states), make=_set_state, weight=2, group="node")
    yield action("boot", slave, make=_boot, weight=5, group="node")
    yield action("falls_quiet", make=_falls_quiet, weight=3, group="time")


def where_else(where: Word) -> Word:
    """Name the node of a caller beside one that it calls about."""
    return Word("on", where.values, where.give)


def runs(machine: Any, arguments: dict[str, Any]) -> Any:
    """Run a command line to its end, if it can be executed."""
    with suppress(bp.CallError):
        return machine.system.run(capture_output=True, **arguments)


def starts(machine: Any, arguments: dict[str, Any]) -> Any:
    """Start a command line or a program, which goes on by itself, unless too many do already."""
    if len(machine.running) >= MOST_RUNNING:
        machine.running = [each for each in machine.running if each.poll() is None]
        if len(machine.running) >= MOST_RUNNING:
            raise NotNowError
    with suppress(bp.CallError):
        machine.running.append(machine.system.popen(**arguments))


def idles(machine: Any, arguments: dict[str, Any]) -> Any:
    """Start a process that waits to be a caller, unless there are enough."""
    if len(machine.waiting()) >= MOST_WAITING:
        raise NotNowError
    machine.callers.append(machine.system.idle_process(**arguments))


def _set_state(machine: Any, arguments: dict[str, Any]) -> Any:
    handle = machine.system.nodes[arguments["node"]]
    try:
        handle.set_state(arguments["name"])
    except ValueError:  # it cannot follow on the present one, which is for the room of handles to say
        raise NotNowError from None


def _boot(machine: Any, arguments: dict[str, Any]) -> Any:
    handle = machine.system.nodes[arguments["node"]]
    try:
        handle.boot()
    except ValueError:
        raise NotNowError from None


def _falls_quiet(machine: Any, arguments: dict[str, Any]) -> Any:
    machine.fall_quiet()


# ---- sessions --------------------------------------------------------------------------------------


def _session(machine: Any, arguments: dict[str, Any]) -> Any:
    script, node = SCRIPTS[arguments["script"]], arguments["node"]
    opens(machine, lambda session: script(session, node), user=arguments.get("user"), node=arguments["on"])


def opens(machine: Any, script: Callable[[Any], None], **who: Any) -> None:
    """Open a session, do a script in it, and end it; what is refused there, or ends it, is no wonder."""
    session = machine.system.session(**who)
    with suppress(bp.CallError, bp.SessionEnded, bp.Replaced), session:
        script(session)


def _spawns(session: Any, node: int) -> None:
    session.spawn(w.JOB, node=node)
    session.wait()


def _kills(session: Any, node: int) -> None:
    pid = session.spawn(w.SLOW, node=node)
    session.kill(pid, bp.SIGTERM)
    session.waitpid(pid)


def _leaves(session: Any, node: int) -> None:
    session.spawn(w.SLOW, node=node)


def _pipes(session: Any, node: int) -> None:
    reading, writing = session.pipe()
    session.write(writing, b"x" * 100)
    session.read(reading)
    session.close(writing)


def _goes(session: Any, node: int) -> None:
    session.bproc_move(node)
    session.sleep(5 * ms)
    session.bproc_currnode()


def _becomes(session: Any, node: int) -> None:
    session.bproc_execmove(node, w.JOB, ["job"], {})


SCRIPTS = {
    "spawns": _spawns, "kills": _kills, "leaves": _leaves, "pipes": _pipes, "goes": _goes, "becomes": _becomes,
}  # fmt: skip
