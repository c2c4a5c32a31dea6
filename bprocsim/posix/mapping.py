"""What becomes of an image whose headers pass every check of exec but cannot be mapped or run.

The old image is gone by then, so there is no errno: the process is killed, and its parent sees by
which signal. A profile holds its fates in the order in which they strike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from attrs import frozen

from bprocsim.posix.elf import (
    ET_DYN,
    ET_EXEC,
    FORMS,
    PF_R,
    PF_W,
    PF_X,
    PT_GNU_STACK,
    PT_LOAD,
    TABLE_LIMIT_BYTES,
    ElfFile,
    Segment,
)
from bprocsim.signals import Signal


class Mapping(NamedTuple):
    """An image that is about to be mapped.

    `elf` its headers; `page_bytes` of the machine; `top` where user space ends; `lowest` the lowest
    address that this caller may map; `memory_bytes` of the machine, in all; `program` the headers
    of the program whose loader this is, None for a program; `starts` execution begins in it, and
    not in its loader; `stack_full` the arguments leave no room for what the kernel adds to them;
    `foreign` it is a loader that the program's handler does not take; `table_bytes` the largest
    header table.
    """

    elf: ElfFile
    page_bytes: int
    top: int
    lowest: int
    memory_bytes: int
    program: ElfFile | None = None
    starts: bool = True
    stack_full: bool = False
    foreign: bool = False
    table_bytes: int = TABLE_LIMIT_BYTES


@frozen(eq=False)
class Fate:
    """One defect after the point of no return: its `condition`, and the `signal` it brings."""

    condition: Callable[[Mapping], bool]
    signal: Signal
    sentence: str

    @property
    def cause(self) -> str:
        """Give its id, the condition's name."""
        return self.condition.__name__


def fate_of(mapping: Mapping, fates: tuple[Fate, ...]) -> Fate | None:
    """Give the first fate that strikes an image, or None: it runs."""
    for fate in fates:
        if fate.condition(mapping):
            return fate
    return None


def _loads(m: Mapping) -> Iterator[Segment]:
    return (segment for segment in m.elf.segments if segment.p_type == PT_LOAD)


def _page(m: Mapping, address: int) -> int:
    return address - address % m.page_bytes


def _page_end(m: Mapping, address: int) -> int:
    return -(-address // m.page_bytes) * m.page_bytes


# ---- segments that cannot be mapped --------------------------------------------------------------


def segment_misaligned(m: Mapping) -> bool:
    return any(each.p_filesz and (each.p_vaddr - each.p_offset) % m.page_bytes for each in _loads(m))


def segment_outside_user_space(m: Mapping) -> bool:
    # An ET_DYN image is placed by the kernel, yet the addresses in its headers are judged as they stand.
    return any(each.p_vaddr + each.p_memsz > m.top or each.p_filesz > m.top for each in _loads(m))


def segments_too_far_apart(m: Mapping) -> bool:
    """Taken together they do not fit where the kernel puts them: with a loader high up, without one anywhere."""
    loads = list(_loads(m))
    if m.elf.e_type != ET_DYN or not loads:
        return False
    first = _page(m, min(each.p_vaddr for each in loads))
    return max(each.p_vaddr + each.p_memsz for each in loads) - first > m.top - (0 if m.starts else _dyn_base(m))


def _dyn_base(m: Mapping) -> int:
    """Tell where an ET_DYN program that has a loader begins: x86-64's at two thirds, i386's behind one third."""
    if m.elf.layout.bits == 64:
        return _page(m, m.top // 3 * 2)
    return _page_end(m, m.top // 3) + (1 << 24)


def file_part_too_long(m: Mapping) -> bool:
    """A segment takes more from the file than it has room for in memory."""
    return any(each.p_filesz > each.p_memsz for each in _loads(m))


def segment_too_low(m: Mapping) -> bool:
    if m.elf.e_type != ET_EXEC:
        return False
    return any(each.p_memsz and _page(m, each.p_vaddr) < m.lowest for each in _loads(m))


def alignment_leads_too_low(m: Mapping) -> bool:
    """The kernel keeps what an ET_DYN program asks for, down to address 0."""
    powers = [each.p_align for each in _loads(m) if each.p_align.bit_count() == 1]
    return m.elf.e_type == ET_DYN and m.lowest > 0 and max(powers, default=0) >= m.top


def offset_overflows(m: Mapping) -> bool:
    return any(each.p_filesz and _page_end(m, each.p_offset + each.p_filesz) >= 1 << 63 for each in _loads(m))


def segment_exceeds_memory(m: Mapping) -> bool:
    """What is the process's own, and not only a view of the file, must fit into the machine."""
    return any(
        (each.p_memsz if each.p_flags & PF_W else each.p_memsz - each.p_filesz) > m.memory_bytes for each in _loads(m)
    )


def _tails(m: Mapping) -> Iterator[tuple[Segment, int]]:
    """Give segments whose last page from the file is to be filled up with zeros, and where the zeros begin."""
    for each in _loads(m):
        zeros = each.p_vaddr + each.p_filesz
        if each.p_memsz > each.p_filesz and each.p_filesz and zeros % m.page_bytes:
            yield each, zeros


def zeros_past_end_of_file(m: Mapping) -> bool:
    """They begin in a page that lies wholly behind the end of the file."""
    return any(
        each.p_flags & PF_W and _page(m, zeros) - each.p_vaddr + each.p_offset >= m.elf.size
        for each, zeros in _tails(m)
    )


def zeros_in_read_only(m: Mapping) -> bool:
    """They begin in a page that may not be written."""
    return any(not each.p_flags & PF_W for each, _ in _tails(m))


def stack_too_small(m: Mapping) -> bool:
    """The strings found room on it, but not all that belongs beneath them: the vectors and the auxiliary vector."""
    return m.stack_full


# ---- the entry, of what starts -------------------------------------------------------------------


def entry_outside_user_space(m: Mapping) -> bool:
    return m.starts and m.elf.e_entry >= m.top


def entry_not_mapped(m: Mapping) -> bool:
    return m.starts and _home_of_entry(m) is None


def entry_untouchable(m: Mapping) -> bool:
    home = _home_of_entry(m)
    return home is not None and not home.p_flags & (PF_R | PF_W | PF_X)


def entry_not_executable(m: Mapping) -> bool:
    home = _home_of_entry(m)
    return home is not None and not home.p_flags & PF_X


def entry_not_executable_now(m: Mapping) -> bool:
    """An i386 program that does not speak of its stack may execute all that it may read."""
    home, program = _home_of_entry(m), m.program or m.elf
    if home is None or home.p_flags & PF_X:
        return False
    told = any(each.p_type == PT_GNU_STACK for each in program.segments)
    return told or program.layout.bits == 64 or not home.p_flags & PF_R


def entry_past_end_of_file(m: Mapping) -> bool:
    """The entry's page is wholly behind the end of the file, though the header says it is in it."""
    home = _home_of_entry(m)
    if home is None or m.elf.e_entry >= _page_end(m, home.p_vaddr + home.p_filesz):
        return False
    return home.p_offset - home.p_vaddr + _page(m, m.elf.e_entry) >= m.elf.size


def entry_in_zeros(m: Mapping) -> bool:
    """Where nothing came from the file there are zeros, which are no program."""
    home = _home_of_entry(m)
    if home is None:
        return False
    if not home.p_filesz or home.p_offset - home.p_vaddr + m.elf.e_entry >= m.elf.size:
        return True
    zeros = home.p_vaddr + home.p_filesz
    # The rest of the last page from the file is filled up only if it may be written.
    return m.elf.e_entry >= (zeros if home.p_flags & PF_W else _page_end(m, zeros))


def _home_of_entry(m: Mapping) -> Segment | None:
    """Give the segment in whose pages the first instruction lies; a later mapping wins over an earlier one.

    None if it lies in none, or in a loader.
    """
    if not m.starts:
        return None
    found = None
    for each in _loads(m):
        end = each.p_vaddr + max(each.p_filesz, each.p_memsz)
        if end > each.p_vaddr and _page(m, each.p_vaddr) <= m.elf.e_entry < _page_end(m, end):
            found = each
    return found


# ---- of a loader ---------------------------------------------------------------------------------


def loader_foreign(m: Mapping) -> bool:
    return m.foreign


def loader_type_wrong(m: Mapping) -> bool:
    return m.elf.e_type not in (ET_EXEC, ET_DYN)


def loader_header_wrong(m: Mapping) -> bool:
    table_bytes, elf = m.elf.e_phnum * m.elf.e_phentsize, m.elf
    return (
        elf.e_phentsize != FORMS[elf.layout].segment.size
        or not 0 < table_bytes <= m.table_bytes
        or not elf.table_complete
    )


# ---- the fates of the page's time ----------------------------------------------------------------

_KILL, _SEGV = Signal.SIGKILL, Signal.SIGSEGV

# What a program does by itself once it runs, on every kernel.
BY_ITSELF = (
    Fate(entry_outside_user_space, _SEGV, "the entry lies outside of user space"),
    Fate(entry_not_mapped, _SEGV, "no segment holds the entry"),
    Fate(entry_not_executable, _SEGV, "the entry's segment may not be executed"),
    Fate(entry_past_end_of_file, Signal.SIGBUS, "the entry's page lies past the end of the file"),
)

# Linux 2.4. Source: linux-2.4.20-exec.
OLD_FATES = (
    Fate(segment_misaligned, _KILL, "a segment's address and file offset do not agree within a page"),
    Fate(segment_outside_user_space, _KILL, "a segment does not fit into user space"),
    Fate(offset_overflows, _KILL, "a segment's place in the file is beyond any file"),
    *BY_ITSELF,
)


def of_loader(fates: tuple[Fate, ...], killed_by: Signal | None = None) -> tuple[Fate, ...]:
    """Give the fates of a loader; old kernels have one signal, `killed_by`, for whatever is wrong with it."""
    return tuple(Fate(fate.condition, killed_by or fate.signal, f"of the loader: {fate.sentence}") for fate in fates)


OLD_LOADER_FATES = of_loader(OLD_FATES, _SEGV)
