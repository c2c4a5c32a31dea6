"""What every call that moves a process asks on entry, before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import define, setters

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.posix.machine import Machine

if TYPE_CHECKING:
    from bprocsim.faces.iolists import Io


class OnMachine(Protocol):
    """The facts of a call on a machine."""

    machine: Machine


def no_master(f: OnMachine) -> bool:
    # A caller on a slave never sees its absence, for it is killed there; who has left the space has none.
    master = f.machine.master
    return bool(f.machine.alone) or (f.machine is master.machine and not master.running)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class EntryFacts:
    """What a call that moves a running process asks on entry: from where, to which node, with which port or list."""

    machine: Machine
    destination: int
    io: Io = 0


def no_master_for_others(f: EntryFacts) -> bool:
    """Where it makes no difference to who stays on the master."""
    return f.destination != NODE_MASTER and no_master(f)
