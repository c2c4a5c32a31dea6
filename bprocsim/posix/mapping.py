"""What becomes of an image whose headers pass every check of exec but cannot be mapped or run.

The old image is gone by then, so there is no errno: the process is killed, and its parent sees by
which signal. A profile holds its fates in the order in which they strike.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from bprocsim.posix.elf import PF_X, PT_LOAD, ElfFile, Segment
from bprocsim.signals import Signal

# Where user space ends, by the width of a word.
USER_TOP = {32: 0xC000_0000, 64: 1 << 47}


@frozen(eq=False)
class Fate:
    """One defect after the point of no return: `condition(elf, page_bytes)`, and the `signal` it brings."""

    condition: Callable[[ElfFile, int], bool]
    signal: Signal
    sentence: str

    @property
    def cause(self) -> str:
        """Give its id, the condition's name."""
        return self.condition.__name__


def _loads(elf: ElfFile) -> list[Segment]:
    return [segment for segment in elf.segments if segment.p_type == PT_LOAD]


def segment_misaligned(elf: ElfFile, page_bytes: int) -> bool:
    return any(each.p_filesz and (each.p_vaddr - each.p_offset) % page_bytes for each in _loads(elf))


def segment_outside_user_space(elf: ElfFile, page_bytes: int) -> bool:
    # An ET_DYN image is placed by the kernel, so only its extent matters.
    top = USER_TOP[elf.layout.bits]
    return any(max(each.p_vaddr, 0) + each.p_memsz > top or each.p_filesz > top for each in _loads(elf))


def offset_overflows(elf: ElfFile, page_bytes: int) -> bool:
    return any(each.p_filesz and each.p_offset + each.p_filesz >= 1 << 63 for each in _loads(elf))


def entry_outside_user_space(elf: ElfFile, page_bytes: int) -> bool:
    return elf.e_entry >= USER_TOP[elf.layout.bits]


def entry_not_mapped(elf: ElfFile, page_bytes: int) -> bool:
    return _home_of_entry(elf) is None


def entry_not_executable(elf: ElfFile, page_bytes: int) -> bool:
    home = _home_of_entry(elf)
    return home is not None and not home.p_flags & PF_X


def entry_past_end_of_file(elf: ElfFile, page_bytes: int) -> bool:
    """The entry's page is wholly behind the end of the file, though the header says it is in it."""
    home = _home_of_entry(elf)
    if home is None:
        return False
    place = elf.e_entry - home.p_vaddr
    start_of_page = home.p_offset + place - (home.p_vaddr + place) % page_bytes
    return place < home.p_filesz and start_of_page >= elf.size


def _home_of_entry(elf: ElfFile) -> Segment | None:
    """Give the segment in which the first instruction lies; a later mapping wins over an earlier one."""
    found = None
    for each in _loads(elf):
        if each.p_vaddr <= elf.e_entry < each.p_vaddr + each.p_memsz:
            found = each
    return found


# What 2.4 and 2.6 did. Source: linux-2.6.11-exec.
OLD_FATES = (
    Fate(segment_misaligned, Signal.SIGKILL, "a segment's address and file offset do not agree within a page"),
    Fate(segment_outside_user_space, Signal.SIGKILL, "a segment does not fit into user space"),
    Fate(offset_overflows, Signal.SIGKILL, "a segment's place in the file is beyond any file"),
    Fate(entry_outside_user_space, Signal.SIGSEGV, "the entry lies outside of user space"),
    Fate(entry_not_mapped, Signal.SIGSEGV, "no segment holds the entry"),
    Fate(entry_not_executable, Signal.SIGSEGV, "the entry's segment may not be executed"),
    Fate(entry_past_end_of_file, Signal.SIGBUS, "the entry's page lies past the end of the file"),
)


def fate_of(elf: ElfFile, page_bytes: int, fates: tuple[Fate, ...]) -> Fate | None:
    """Give the first fate that strikes an image, or None: it runs."""
    for fate in fates:
        if fate.condition(elf, page_bytes):
            return fate
    return None
