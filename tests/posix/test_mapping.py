"""What kills an image that cannot be mapped or run: at the edges, where a case with a real kernel is far from them."""

from __future__ import annotations

from typing import Any

import pytest

from bprocsim.posix import mapping
from bprocsim.posix.elf import PF_R, PF_W, PF_X, PT_LOAD, Segment, parse
from bprocsim.posix.elfbuild import ElfImage
from bprocsim.posix.mapping import Mapping

PAGE = 4096
TOPS = {32: 0xC0000000, 64: (1 << 47) - PAGE}


def load(**fields: int) -> Segment:
    """A segment of two pages in the file, and as many in memory."""
    usual = {
        "p_type": PT_LOAD, "p_flags": PF_R | PF_X, "p_offset": 0, "p_vaddr": 0, "p_paddr": 0, "p_filesz": 2 * PAGE,
        "p_memsz": 2 * PAGE, "p_align": PAGE,
    }  # fmt: skip
    return Segment(**{**usual, **fields})


def mapped(*loads: Segment, bits: int = 64, **fields: Any) -> Mapping:
    """A file of two pages with these segments, about to be mapped."""
    image = ElfImage(type="DYN", bits=bits, machine="x86-64" if bits == 64 else "i386")
    elf = parse(image.to_bytes())._replace(segments=loads, size=2 * PAGE, **fields)
    return Mapping(elf, PAGE, TOPS[bits], PAGE, 1 << 30)


# With a loader, an image begins at two thirds of user space, or behind one third and 16 MiB.
@pytest.mark.parametrize(
    ("bits", "starts", "room"),
    [
        (64, True, 0x7FFFFFFFF000),
        (64, False, 0x7FFFFFFFF000 - 0x555555554000),
        (32, True, 0xC0000000),
        (32, False, 0xC0000000 - 0x41000000),
    ],
)
def test_segments_fit_up_to_the_last_page(bits: int, starts: bool, room: int) -> None:
    for excess, far in ((0, False), (PAGE, True)):
        last = load(p_vaddr=PAGE + room - 2 * PAGE + excess)
        found = mapped(load(p_vaddr=PAGE), last, bits=bits)._replace(starts=starts)
        assert mapping.segments_too_far_apart(found) == far


@pytest.mark.parametrize(
    ("flags", "entry", "zeros"),
    [
        (PF_R | PF_W | PF_X, 99, False),
        (PF_R | PF_W | PF_X, 100, True),
        (PF_R | PF_X, 100, False),
        (PF_R | PF_X, PAGE - 1, False),
        (PF_R | PF_X, PAGE, True),
    ],
)
def test_zeros_begin_where_the_file_ends_or_at_the_next_page(flags: int, entry: int, zeros: bool) -> None:
    """The rest of a page is filled up only if it may be written."""
    found = mapped(load(p_filesz=100, p_flags=flags), e_entry=entry)
    assert mapping.entry_in_zeros(found) == zeros


@pytest.mark.parametrize(
    ("fields", "exceeds"),
    [
        ({"p_flags": PF_R | PF_W, "p_memsz": 1 << 30}, False),
        ({"p_flags": PF_R | PF_W, "p_memsz": (1 << 30) + 1}, True),
        ({"p_flags": PF_R, "p_memsz": (1 << 30) + 100, "p_filesz": 100}, False),
        ({"p_flags": PF_R, "p_memsz": (1 << 30) + 100, "p_filesz": 99}, True),
    ],
)
def test_memory_is_needed_for_what_is_the_processs_own(fields: dict[str, int], exceeds: bool) -> None:
    assert mapping.segment_exceeds_memory(mapped(load(**fields))) == exceeds


@pytest.mark.parametrize(
    ("align", "lowest", "low"),
    [(1 << 47, PAGE, True), (1 << 46, PAGE, False), ((1 << 47) + (1 << 48), PAGE, False), (1 << 47, 0, False)],
)
def test_an_alignment_of_all_of_user_space_leads_to_0(align: int, lowest: int, low: bool) -> None:
    found = mapped(load(p_align=align))._replace(lowest=lowest)
    assert mapping.alignment_leads_too_low(found) == low
