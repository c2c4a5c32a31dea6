"""The words of deeds on a cluster: nodes, files, who calls, and what a call fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import bprocsim as bp
from bprocsim.testing.machines.deeds import LEFT, Give, NotNowError, Parts, Word
from bprocsim.units import ms

ALICE, BOB = "alice", "bob"  # who is not root
NO_PID = 31999
PORT = 4000
JOB, SLOW, PARENT, SCRIPT = "/bin/job", "/bin/slow", "/bin/parent", "/bin/script"
CMDS = (JOB, SLOW, "/bin/sh", "/bin/none", SCRIPT, PARENT, JOB, "/bin/plain", "/bin/sh/none", "", None, bp.BAD_ADDRESS)


# ---- the programs that lie in a machine's world --------------------------------------------------


@bp.program(needs=("libc.so.6",))
def job(proc: bp.Proc) -> Any:
    """Say where it runs, and end."""
    yield from proc.write(1, b"on node %d\n" % proc.node)
    return 3


def slow(proc: bp.Proc) -> Any:
    """Take its time, with a pipe open."""
    yield from proc.pipe()
    yield from proc.compute(5 * ms)
    yield from proc.sleep(40 * ms)


def parent(proc: bp.Proc) -> Any:
    """Have a child that outlives a grandchild, and wait for it."""

    def child(proc: bp.Proc) -> Any:
        yield from proc.fork(slow)
        yield from proc.sleep(10 * ms)

    yield from proc.fork(child)
    yield from proc.wait()


def ends(proc: bp.Proc, *_: Any) -> Any:
    """Be there for a moment."""
    yield from proc.sleep(0)


def stays(proc: bp.Proc, *_: Any) -> Any:
    """Be there for a while."""
    yield from proc.sleep(60 * ms)
    return 5


CHILDREN = {"ends": ends, "stays": stays}


def install(cluster: bp.Cluster) -> None:
    """Put files and accounts into a fresh world, which the words name."""
    for path, program in ((JOB, job), (SLOW, slow), (PARENT, parent)):
        cluster.install(path, program)
    cluster.master.fs.write_file(SCRIPT, b"#!/bin/sh\n", mode=0o755)
    cluster.master.fs.write_file("/bin/plain", b"plain", mode=0o644)
    cluster.user(ALICE, 500, 500)
    cluster.user(BOB, 501, 501)


# ---- who calls -----------------------------------------------------------------------------------


def user(machine: Any, name: Any) -> Any:
    """Give an account by its name."""
    return machine.system.users[name]


def here(machine: Any, number: int) -> int:
    """Give a node on which somebody can call. NotNowError: it is down."""
    cluster = machine.system
    if cluster.is_down(cluster.machine(number)):
        raise NotNowError
    return number


def caller(machine: Any, which: int) -> Any:
    """Give one of the processes that wait to be callers. NotNowError: there is none."""
    waiting: list[Any] = machine.waiting()
    if not waiting:
        raise NotNowError
    return waiting[which % len(waiting)]


WHO: Mapping[str, Give] = MappingProxyType({"user": user, "from_node": here, "caller": caller})


def by(last: int) -> Word:
    """Say who makes a call: root on the master, mostly; `last` the highest node number."""
    root, alice, bob = Parts(), Parts(user=ALICE), Parts(user=BOB)
    elsewhere = Parts(from_node=0), Parts(from_node=last), Parts(from_node=last, user=ALICE)
    return Word("by", (root, root, root, alice, root, Parts(caller=0), Parts(caller=1), bob, *elsewhere))


BY_CALLER = Word("by", tuple(Parts(caller=which) for which in range(3)))


# ---- nodes and processes ---------------------------------------------------------------------------


def node(count: int) -> Word:
    """Name a node: one that is there, mostly; then the master, and numbers that are no node's."""
    there = tuple(range(count))
    odd = (bp.BPROC_NODE_MASTER, count, bp.BPROC_NODE_SELF, bp.BPROC_NODE_ANY, bp.BPROC_NODE_NONE)
    return Word("node", (*there, *there, *odd))


def slave(count: int) -> Word:
    """Name a node that is there."""
    return Word("node", tuple(range(count)))


def nodes(count: int) -> Word:
    """Name several nodes."""
    last, every = count - 1, list(range(min(count, 8)))
    return Word("nodes", ([0], every, [last, 0], [0, count], [bp.BPROC_NODE_MASTER, last], [], bp.BAD_ADDRESS))


def _process(machine: Any, which: Any) -> Any:
    """Give the pid of a process by its place in the space."""
    if not isinstance(which, str):
        return which
    pids = sorted(machine.system.pids.table)
    if not pids:
        raise NotNowError
    return pids[0] if which == "eldest" else pids[-1] if which == "youngest" else pids[len(pids) // 2]


PID = Word("pid", ("eldest", "youngest", "middle", NO_PID, 0, -1), _process)


def child(machine: Any, name: Any) -> Any:
    """Give what a child runs, by its name."""
    return CHILDREN[name]


CHILD = Word("child", ("ends", "ends", "stays"), child)


# ---- files and vectors -----------------------------------------------------------------------------

ARGV = Word("argv", (LEFT, LEFT, LEFT, ["job"], [], None, ["x"] * 9, bp.BAD_ADDRESS))
ENVP = Word("envp", (LEFT, LEFT, LEFT, {"PATH": "/bin"}, None, bp.BAD_ADDRESS))
CMD = Word("cmd", CMDS)
LISTEN = Word("listen", (LEFT, LEFT, False))
FLAGS = Word("flags", (0, bp.BPROC_DUMP_ALL, bp.BPROC_DUMP_LIBS, 0x40))


def port(lists: bool, values: tuple[Any, ...] = (PORT, 0, 65536)) -> Word:
    """Say what becomes of I/O: a port, or a list where the edition has such."""
    return Word("port", (*values, "files", "sockets", "nothing") if lists else values, _io)


def _io(machine: Any, which: Any) -> Any:
    if not isinstance(which, str):
        return which
    if which == "files":
        return [bp.BprocIo(fd, bp.BPROC_IO_FILE, file_name="/dev/null", file_flags=bp.O_RDWR) for fd in range(3)]
    if which == "sockets":
        return [bp.BprocIo(fd, bp.BPROC_IO_SOCKET, addr=bp.Address("", PORT)) for fd in range(3)]
    return []


# ---- what a call fills, and reads ------------------------------------------------------------------


def filled(name: str, kind: Callable[[], Any], often: int = 3) -> Word:
    """Name what a call fills: "new" a fresh one, so `often` for each address that leads nowhere."""

    def give(machine: Any, value: Any) -> Any:
        return kind() if value == "new" else value

    return Word(name, (*["new"] * often, None, bp.BAD_ADDRESS), give)


def record(name: str) -> Word:
    """Name a bp.BprocNodeInfo that a call reads: of a node, as it is now."""

    def give(machine: Any, value: Any) -> Any:
        if value.__class__ is not int:
            return value
        known = machine.system.nodes[value]
        return bp.BprocNodeInfo(value, bp.bproc_node_up, known.mode, known.uid, known.gid)

    return Word(name, (0, 0, None, bp.BAD_ADDRESS), give)


def some_nodes(name: str) -> Word:
    """Name a bp.BprocNodeSet that a call reads, with all nodes in it."""

    def give(machine: Any, value: Any) -> Any:
        if value != "all":
            return value
        made = bp.BprocNodeSet()
        machine.system.bproc_nodelist(made)
        return made

    return Word(name, ("all", "all", None, bp.BAD_ADDRESS), give)


def _address(machine: Any, value: Any) -> Any:
    return bp.Address(value, 0) if isinstance(value, str) else value


def address(name: str) -> Word:
    """Name an address: the master's, nodes', and others."""
    hosts = ("10.54.0.1", "10.54.1.0", "10.54.1.1", "10.9.9.9", "")
    return Word(name, (*hosts, None, bp.BAD_ADDRESS), _address)


SPEC = Word("str", ("0", "0-2", "allup", "!up", "master", "n1,0", "7-", "0-x", "", None, bp.BAD_ADDRESS))
ATTRIBUTE = Word("name", ("cpus", "mem", "", "x" * 300, None, bp.BAD_ADDRESS))
VALUE = Word("value", (b"2", b"", b"x" * 300, None, bp.BAD_ADDRESS))
SIZE = Word("size", (16, 1, 0, 300))
ROOT = Word("path", ("/", "/tmp", "/none", "/bin/sh", "", "x" * 5000, None, bp.BAD_ADDRESS))
MODE = Word("mode", (0o111, 0o100, 0, 0o7777))
X_OK = Word("mode", (bp.BPROC_X_OK, 0, 7))
UID, GID = Word("uid", (0, 500, 501)), Word("gid", (0, 500, 501))
ERRNO = Word("errno", (0, 22, -22, bp.BE_NODEDOWN, 99999))
CODE = Word("code", (0, 1, 255, 256))


def status(words: bool) -> Word:
    """Name a state that is to be set: a number, or a word where the edition has those."""
    if words:
        return Word("status", ("up", "error", "boot", "reboot", "down", "mine", "", None, bp.BAD_ADDRESS))
    return Word("status", (bp.bproc_node_up, bp.bproc_node_error, bp.bproc_node_unavailable, bp.bproc_node_boot,
                           bp.bproc_node_reboot, bp.bproc_node_down, 99, -1))  # fmt: skip
