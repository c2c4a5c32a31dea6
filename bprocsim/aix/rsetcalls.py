"""Sets in a program's hands: rs_alloc, rs_init, rs_free and the fourteen commands of rs_op."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import define, frozen, setters

from bprocsim.aix import constants as c
from bprocsim.aix.partition import Partition
from bprocsim.aix.placement import PLAIN_PROCESS, Attached, of_process
from bprocsim.aix.rset import Rset, after, after_or_first, first, is_contained, is_readable, st_set, without
from bprocsim.aix.service import Asker, Service
from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Kind, Row

# ---- a new set -----------------------------------------------------------------------------------


def _empty(_asker: Asker) -> Attached:
    return Attached(0)


def _available(asker: Asker) -> Attached:
    return Attached(asker.partition.online, asker.partition.topology.memory_pools)


def _all(asker: Asker) -> Attached:
    return asker.partition.default_set


def _of_partition(asker: Asker) -> Attached:
    placement = PLAIN_PROCESS if asker.process is None else of_process(asker.process)
    return placement.partition or asker.partition.default_set


# What the flags of rs_alloc and rs_init put into a set. Sources: aix-rs_alloc, aix-rs_init.
CONTENTS: Mapping[int, Callable[[Asker], Attached]] = MappingProxyType(
    {c.RS_EMPTY: _empty, c.RS_SYSTEM: _available, c.RS_ALL: _all, c.RS_PARTITION: _of_partition}
)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class NewSetFacts:
    """What rs_alloc and rs_init ask about; `rset` the set to fill, a new one for rs_alloc."""

    asker: Asker
    rset: Any
    contents: Callable[[Asker], Attached] | None


def flags_invalid(f: NewSetFacts) -> bool:
    return f.contents is None


def out_of_memory(f: Any) -> bool:
    return no_memory_for_a_set(f.asker.partition)


def rset_unreadable(f: Any) -> bool:
    return not is_readable(f.rset)


def no_root_authority(f: Any) -> bool:
    return not f.asker.is_root


def no_memory_for_a_set(partition: Partition) -> bool:
    """Tell whether the machine has no room left for a set: a bit for each id of each kind."""
    return bool(partition.machine.memory.free_bytes < 2 * partition.level.processors_max // 8)


def _fill(f: NewSetFacts) -> None:
    assert f.contents is not None
    found = f.contents(f.asker)
    f.rset.processors, f.rset.memory = found.processors, found.memory


def _alloc_survey(asker: Asker, flags: int) -> NewSetFacts:
    return NewSetFacts(asker, Rset(), CONTENTS.get(flags))


def _alloc(f: NewSetFacts) -> Rset:
    _fill(f)
    made: Rset = f.rset
    return made


# rs_alloc(flags): gives a new set.
RS_ALLOC = Service(
    Errors(
        "rs_alloc",
        page="aix-rs_alloc",
        order="choice-rsets",
        rows=(
            Row(E.EINVAL, flags_invalid, "flags is none of RS_EMPTY, RS_SYSTEM, RS_ALL, RS_PARTITION"),
            Row(E.ENOMEM, out_of_memory, "there is not enough memory for the set"),
        ),
        failed=None,  # NULL
    ),
    _alloc_survey,
    _alloc,
)


def _init_survey(asker: Asker, rset: Any, flags: int) -> NewSetFacts:
    return NewSetFacts(asker, rset, CONTENTS.get(flags))


def _init(f: NewSetFacts) -> int:
    _fill(f)
    return 0


# rs_init(rset, flags): fills a set anew.
RS_INIT = Service(
    Errors(
        "rs_init",
        page="aix-rs_init",
        order="choice-rsets",
        rows=(
            Row(E.EINVAL, flags_invalid, "flags is none of RS_EMPTY, RS_SYSTEM, RS_ALL, RS_PARTITION"),
            Row(E.EFAULT, rset_unreadable, "rset is an invalid address", Kind.BEYOND, source="aix-rs_getinfo"),
        ),
    ),
    _init_survey,
    _init,
)


def _free(rset: Any) -> None:
    if is_readable(rset):
        rset.freed = True


# rs_free(rset): the handle is invalid from now on. It returns nothing, so what is no set is let be.
RS_FREE = Service(
    Errors("rs_free", page="aix-rset-header", order="aix-rset-header", rows=()),
    lambda _asker, rset: rset,
    _free,
)


# ---- rs_op ---------------------------------------------------------------------------------------


@frozen(eq=False)
class Command:
    """A command of rs_op: `perform(facts)` does it and gives its result.

    `flags` those it knows; `second` it has to do with rset2; `takes_id` it is about one resource.
    """

    perform: Callable[[OpFacts], int]
    flags: int = c.R_ALL_RESOURCES
    second: bool = True
    takes_id: bool = False


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class OpFacts:
    """What rs_op asks about: its arguments, and the `command` behind the number.

    `kinds` the kinds of resources that the flags name: all if they name none. Source: aix-rs_op.
    """

    partition: Partition
    command: Command
    rset1: Any
    rset2: Any
    flags: int
    id: int
    kinds: int

    def joined(self, rset: Any) -> int:
        """Give the named kinds of a set in one row of bits: processors first, memory pools behind them."""
        kinds = self.kinds
        if kinds == c.R_PROCS:
            return int(rset.processors)
        memory = int(rset.memory) << self.partition.level.processors_max
        return memory if kinds == c.R_MEMPS else int(rset.processors) | memory

    def store(self, joined: int) -> int:
        """Put such a row of bits into rset2, in place of all that it held; 0 is what the call returns."""
        if self.kinds == c.R_PROCS:
            self.rset2.processors, self.rset2.memory = joined, 0
        else:
            width = self.partition.level.processors_max
            self.rset2.memory = memory = joined >> width
            self.rset2.processors = joined ^ memory << width
        return 0


def _combine(combined: Callable[[int, int], int]) -> Callable[[OpFacts], int]:
    """Make what puts two sets together, kind by kind; kinds that are not named stay in rset2."""

    def perform(f: OpFacts) -> int:
        kinds, one, two = f.kinds, f.rset1, f.rset2
        if kinds & c.R_PROCS:
            two.processors = combined(one.processors, two.processors)
        if kinds & c.R_MEMPS:
            two.memory = combined(one.memory, two.memory)
        return 0

    return perform


def _change_one(changed: Callable[[int, int], int]) -> Callable[[OpFacts], int]:
    """Make what adds a resource to rset1, or takes it out: `changed` of a set of one, and the set."""

    def perform(f: OpFacts) -> int:
        one, bit = f.rset1, 1 << f.id
        if f.kinds & c.R_PROCS:
            one.processors = changed(bit, one.processors)
        if f.kinds & c.R_MEMPS:
            one.memory = changed(bit, one.memory)
        return 0

    return perform


def _test(f: OpFacts) -> int:
    for kind, held in ((c.R_PROCS, f.rset1.processors), (c.R_MEMPS, f.rset1.memory)):
        if f.kinds & kind and not held >> f.id & 1:
            return 0
    return 1


def _st_set(f: OpFacts) -> int:
    # RS_NON_EXCLUSIVE changes nothing: exclusive use is asked for by what attaches the set.
    one, partition = f.rset1, f.partition
    f.rset2.processors = st_set(one.processors, partition.online, partition.topology)
    f.rset2.memory = one.memory
    return 0


# Source: aix-rs_op. Numbers: aix-rset-header.
COMMANDS: Mapping[int, Command] = MappingProxyType(
    {
        c.RS_UNION: Command(_combine(operator.or_)),
        c.RS_INTERSECTION: Command(_combine(operator.and_)),
        c.RS_EXCLUSION: Command(_combine(without)),
        c.RS_COPY: Command(lambda f: f.store(f.joined(f.rset1))),
        c.RS_FIRST: Command(lambda f: f.store(first(f.joined(f.rset1)))),
        c.RS_NEXT: Command(lambda f: f.store(after(f.joined(f.rset1), f.joined(f.rset2)))),
        c.RS_NEXT_WRAP: Command(lambda f: f.store(after_or_first(f.joined(f.rset1), f.joined(f.rset2)))),
        c.RS_ISEMPTY: Command(lambda f: int(not f.joined(f.rset1)), second=False),
        c.RS_ISEQUAL: Command(lambda f: int(f.joined(f.rset1) == f.joined(f.rset2))),
        c.RS_ISCONTAINED: Command(lambda f: int(is_contained(f.joined(f.rset1), f.joined(f.rset2)))),
        c.RS_TESTRESOURCE: Command(_test, second=False, takes_id=True),
        c.RS_ADDRESOURCE: Command(_change_one(operator.or_), second=False, takes_id=True),
        c.RS_DELRESOURCE: Command(_change_one(without), second=False, takes_id=True),
        c.RS_STSET: Command(_st_set, flags=c.RS_NON_EXCLUSIVE),
    }
)

# What stands for a number that is no command: it knows all flags and asks for nothing.
_NO_COMMAND = Command(lambda _f: 0, flags=-1, second=False)


def command_invalid(f: OpFacts) -> bool:
    return f.command is _NO_COMMAND


def command_flags_invalid(f: OpFacts) -> bool:
    return bool(f.flags & ~f.command.flags)


def id_invalid(f: OpFacts) -> bool:
    return f.command.takes_id and not 0 <= f.id < f.partition.level.processors_max


def rset1_unreadable(f: OpFacts) -> bool:
    return not is_readable(f.rset1)


def rset2_unreadable(f: OpFacts) -> bool:
    return f.command.second and not is_readable(f.rset2)


def _op_survey(asker: Asker, command: int, rset1: Any, rset2: Any, flags: int = 0, id: int = 0) -> OpFacts:
    partition = asker.partition
    known = COMMANDS.get(command, _NO_COMMAND)
    if command == c.RS_STSET and not partition.level.exclusive_sets:
        known = _NO_COMMAND
    return OpFacts(partition, known, rset1, rset2, flags, id, flags or c.R_ALL_RESOURCES)


# rs_op(command, rset1, rset2, flags, id): what results is stored in rset2.
RS_OP = Service(
    Errors(
        "rs_op",
        page="aix-rs_op",
        order="choice-rsets",
        rows=(
            Row(E.EINVAL, command_invalid, "command is not one of rs_op's"),
            Row(E.EINVAL, command_flags_invalid, "flags has bits that the command does not know", name="flags_invalid"),
            Row(E.EINVAL, id_invalid, "id is beyond what a set can hold"),
            Row(E.EFAULT, rset1_unreadable, "rset1 is an invalid address"),
            Row(E.EFAULT, rset2_unreadable, "rset2 is an invalid address"),
        ),
    ),
    _op_survey,
    lambda f: f.command.perform(f),
)
