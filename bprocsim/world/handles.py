"""What a user holds of a machine, a node, or a process of a world."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from bprocsim.bproc.master import Master
from bprocsim.bproc.nodes import WORD_MAX, Event, Node, NodeState, state_called, word_of
from bprocsim.posix.credentials import Credentials, check_id
from bprocsim.posix.procs import Process
from bprocsim.world.simulation import Simulation
from bprocsim.world.specs import listed

if TYPE_CHECKING:
    from bprocsim.engine import Processors
    from bprocsim.posix.fs import Fs
    from bprocsim.posix.machine import Memory
    from bprocsim.posix.network import Ports

_PATHS = "absolute paths such as ['/lib/libc.so.6']"


class MachineHandle:
    """A machine: its files (`fs`), `processes`, `processors`, `memory` and `sockets`.

    Two handles of one machine are equal.
    """

    __slots__ = ("_fs", "_machine")

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self._fs: Fs | None = None

    @property
    def fs(self) -> Fs:
        """Give its files, to be built outside simulated time."""
        if self._fs is None:
            from bprocsim.posix.fs import Fs  # most machines' files are never touched by hand

            self._fs = Fs(self._machine.tree, self._machine.unix.name)
        return self._fs

    @property
    def processes(self) -> dict[int, Any]:
        """Give the processes that run here by pid; on the master also the ghosts of those elsewhere."""
        found = dict(self._machine.processes)
        if self._machine.apart is not None:
            found |= self._machine.apart.processes
        if self._machine.master is not None and self._machine.master.is_home(self._machine):
            for pid, process in self._machine.master.pids.table.items():
                if process is not None and process.ghost is not None:
                    found[pid] = process.ghost
        return dict(sorted(found.items()))

    @property
    def processors(self) -> Processors:
        """Give its processors and who runs on them."""
        found: Processors = self._machine.processors
        return found

    @property
    def memory(self) -> Memory:
        """Give its memory: total_bytes, used_bytes, free_bytes."""
        found: Memory = self._machine.memory
        return found

    @property
    def sockets(self) -> Ports:
        """Give its TCP ports."""
        found: Ports = self._machine.sockets
        return found

    @property
    def library_list(self) -> tuple[str, ...]:
        """Give the paths that a move from here sends by their names alone."""
        return tuple(self._cluster().library_list(self._machine))

    @library_list.setter
    def library_list(self, paths: Sequence[str]) -> None:
        """Set them, until the machine boots again. TypeError: these are no absolute paths."""
        given = listed("library_list", paths, _PATHS)
        if not all(isinstance(each, str) and each.startswith("/") for each in given):
            raise TypeError(f"library_list: expected a list of {_PATHS}, got {paths!r}")
        self._cluster().library_lists[self._machine.number] = tuple(given)

    def _cluster(self) -> Master:
        master: Master | None = self._machine.master
        if master is None:
            raise AttributeError("library_list: only machines of a cluster have one")
        return master

    @property
    def address(self) -> str:
        """Give its address, a dotted quad."""
        return str(self._machine.address)

    @property
    def name(self) -> str:
        """Give its name, as in the trace."""
        return str(self._machine.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MachineHandle) and other._machine is self._machine

    def __hash__(self) -> int:
        return hash((self.name, self.address))

    def __repr__(self) -> str:
        return f"<{self.name}>"


class NodeHandle(MachineHandle):
    """A slave: a machine with a `state` and rights that the master keeps."""

    __slots__ = ("_master", "_node")

    def __init__(self, node: Node, master: Master) -> None:
        super().__init__(node.machine)
        self._node = node
        self._master = master

    @property
    def number(self) -> int:
        """Give its node number."""
        return self._node.number

    @property
    def state(self) -> str:
        """Give its state: "up", "down", "boot", "error", "unavailable", ..."""
        return word_of(self._node.state)

    @property
    def mode(self) -> int:
        """Give the mode that says who may move here; only x bits count."""
        return self._node.mode

    @property
    def uid(self) -> int:
        """Give the id of the user whose it is."""
        return self._node.uid

    @property
    def gid(self) -> int:
        """Give the id of the group whose it is."""
        return self._node.gid

    def set_state(self, name: str) -> None:
        """Set its state as the administrator does; "down" disconnects it at once, as "reboot", "halt", "pwroff" do.

        In BProc 4.0 any word is a state, and but for "down" it changes nothing else.
        ValueError: no such state, or one that cannot follow on the present one.
        """
        if self._master.edition.bpfs:
            self._be_called(name)
            return
        try:
            state = NodeState(name)
        except ValueError:
            known = ", ".join(each.value for each in NodeState)
            raise ValueError(f"name: there is no state {name!r}; there are {known}") from None
        allowed = self._node.may(Event.SET, state) or (state is NodeState.DOWN and self._node.may(Event.LOST, state))
        if not allowed and state is not self._node.state:
            raise ValueError(f"name: a node that is {self.state} cannot be set {name!r}")
        if state is not self._node.state:
            self._master.set_state(self._node, state)

    def _be_called(self, word: Any) -> None:
        if not (isinstance(word, str) and word.isascii() and word.isalnum() and len(word) <= WORD_MAX):
            raise ValueError(f"name: expected 1 to {WORD_MAX} letters and digits, got {word!r}")
        state = state_called(word)
        if state == self._node.state:
            return
        if self._node.state is NodeState.DOWN:
            raise ValueError(f"name: a node that is down cannot be set {word!r}")
        self._master.set_state(self._node, state, word=True)

    def boot(self) -> None:
        """Switch it on, or start its daemon again: it connects, boots, and is up when its script has ended.

        That takes Costs.node_connect_ns and node_up_ns. ValueError: it has power and is not down.
        """
        if self._machine.alive and self._node.state is not NodeState.DOWN:
            raise ValueError(f"boot: node {self.number} has power and is {self.state}; bproc_nodereboot reboots it")
        from bprocsim.bproc import boot  # most nodes are up from the start

        boot.start(self._master, self._node)

    def chmod(self, mode: int) -> None:
        """Say who may move here; only the bits 0111 count. TypeError, ValueError: name the argument.

        Neither this nor `chown` changes a node that is down, which stays root's with mode 0. Source: bproc-bpfs.
        """
        if isinstance(mode, bool) or not isinstance(mode, int):
            raise TypeError(f"mode: expected an int such as 0o111, got {mode!r}")
        if not 0 <= mode <= 0o7777:
            raise ValueError(f"mode: expected permission bits in 0..0o7777, got {mode:#o}")
        if self._node.state is not NodeState.DOWN:
            self._node.mode = mode & 0o111
            self._master.changed()

    def chown(self, uid: int, gid: int) -> None:
        """Give it to a user and a group. TypeError, ValueError: name the argument."""
        owner, group = check_id("uid", uid), check_id("gid", gid)
        if self._node.state is not NodeState.DOWN:
            self._node.uid, self._node.gid = owner, group
            self._master.changed()

    def __repr__(self) -> str:
        return f"<{self.name}: {self.state}>"


class Nodes(Sequence[NodeHandle]):
    """The slaves of a cluster, by number; each comes into being when first touched."""

    def __init__(self, master: Master) -> None:
        self._master = master

    def __len__(self) -> int:
        return self._master.node_count

    @overload
    def __getitem__(self, index: int) -> NodeHandle: ...
    @overload
    def __getitem__(self, index: slice) -> list[NodeHandle]: ...
    def __getitem__(self, index: int | slice) -> NodeHandle | list[NodeHandle]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if isinstance(index, bool) or not isinstance(index, int):
            raise TypeError(f"nodes: expected a node number or a slice, got {index!r}")
        node = self._master.node(index)
        if node is None:
            raise IndexError(f"there is no node {index}; there are {len(self)}, numbered from 0")
        return NodeHandle(node, self._master)

    def __iter__(self) -> Iterator[NodeHandle]:
        return (self[number] for number in range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self)} nodes>"


class ProcessHandle:
    """A process that the harness started, from outside."""

    def __init__(self, sim: Simulation, process: Process) -> None:
        self._sim = sim
        self.process = process
        self._event: Any = None

    @classmethod
    def idle(cls, sim: Simulation, machine: Any, who: Credentials, open_limit: int) -> ProcessHandle:
        """Start a process that waits for ever and may have so many descriptors."""
        sim.outside("idle_process")
        process = machine.new_process()
        from bprocsim.world.direct import clothe

        clothe(process, who, b"")
        process.comm = b"idle"
        process.open_limit = open_limit
        process.idle = True
        return cls(sim, process)

    @property
    def pid(self) -> int:
        """Give its pid."""
        return self.process.pid

    @property
    def node(self) -> int:
        """Give the number of the node it is on, -1 for the master."""
        return int(self.process.machine.number)

    @property
    def returncode(self) -> int | None:
        """Give its exit status, minus the signal that killed it, or None while it lives."""
        return self._status()

    def _status(self) -> int | None:
        ended = self.process.ended if self.process.reported else None
        if ended is None:
            return None
        return -ended.signal if ended.signal is not None else ended.exit_status

    @property
    def ended(self) -> Any:
        """Give a SimPy event that happens when it ends, with its `returncode` as value."""
        if self._event is None:
            self._event = self._sim.env.event()
            if self.process.reported:
                self._event.succeed(self._status())
            else:
                watchers = self.process.watchers = self.process.watchers or []
                watchers.append(lambda _process: self._event.succeed(self._status()))
        return self._event

    def __repr__(self) -> str:
        status = self._status()
        return f"<process {self.pid}: {'alive' if status is None else status}>"
