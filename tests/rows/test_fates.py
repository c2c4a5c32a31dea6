"""What kills an image after the point of no return, by the page's rules and by those of old kernels.

Written by hand after the sources linux-2.4.20-exec and linux-2.6.11-exec. Linux 6 is held against a
real kernel (tests/kernel).
"""

from __future__ import annotations

import pytest

import bprocsim as bp
from tests.kernel.images import BASE, PAGE, PIE, image, load, with_table

KERNELS = ("documented", "linux-2.4", "linux-2.6")
TOP = 1 << 47
WRITABLE = 7

# What is wrong with a program: what `_ends` gives under KERNELS. By the page's rules all of an image needs memory.
PROGRAMS = {
    "nothing": (load(), (0, 0, 0)),
    "takes more of the file than it has room for": (load(p_memsz=100), (0, 0, 9)),
    "address and offset do not agree": (load(p_vaddr=BASE + 1), (9, 9, 9)),
    "takes nothing of the file, so they need not": (load(p_filesz=0, p_offset=1), (0, 0, 0)),
    "in the kernel's space": (load(p_vaddr=TOP), (9, 9, 9)),
    "larger than user space": (load(p_memsz=TOP), ("out_of_memory", 9, 9)),
    "offset beyond any file": (load(p_offset=(1 << 63) - PAGE), (9, 9, 9)),
    "zeros in a page past the end of the file": (
        load(p_filesz=2 * PAGE + 1, p_memsz=3 * PAGE, p_flags=WRITABLE), (0, 0, 11)
    ),
    "zeros in a page that is not writable": (load(p_filesz=700, p_memsz=3 * PAGE), (0, 0, 11)),
    "zeros in a page that is": (load(p_filesz=700, p_memsz=3 * PAGE, p_flags=WRITABLE), (0, 0, 0)),
    "not executable": (load(p_flags=4), (11, 11, 11)),
    "does not hold the entry": (load(p_vaddr=0x10000000), (11, 11, 11)),
    "the entry's page past the end of the file": (load(p_offset=PAGE), (7, 7, 7)),
    "low": (load(p_vaddr=0), (11, 11, 11)),
}  # fmt: skip


def _ends(kernel: str, program: bytes, loader: bytes | None = None) -> int | str | None:
    """Give the signal that ends a program, 0 for none, or the cause for which it is refused."""
    cluster = bp.Cluster(0, kernel=kernel)
    cluster.master.fs.write_file("/x", program, mode=0o755)
    if loader is not None:
        cluster.master.fs.write_file("/ld", loader, mode=0o755)
    outcome = cluster.execve("/x")
    return outcome.cause or outcome.signal or 0


@pytest.mark.parametrize("what", PROGRAMS)
def test_a_program(what: str) -> None:
    segment, signals = PROGRAMS[what]
    assert tuple(_ends(kernel, with_table(segment)) for kernel in KERNELS) == signals


def test_a_segment_may_lie_low() -> None:
    for kernel in KERNELS:
        assert _ends(kernel, with_table(load(), load(p_vaddr=0))) == 0


# What is wrong with a loader: what becomes of its program under linux-2.4 and linux-2.6.
LOADERS = {
    "nothing": (PIE, (0, 0)),
    "an object file": (image(type="REL"), (11, 11)),
    "entries of another size": (image(phentsize=55), (11, 11)),
    "no entries": (image(phnum=0), (11, 11)),
    "as many entries as a table may have": (image(phnum=1170) + bytes(1170 * 56), (0, 0)),
    "one more": (image(phnum=1171) + bytes(1171 * 56), (11, 11)),
    "table past the end of the file": (image(phoff=1 << 40), (11, 11)),
    "takes more of the file than it has room for": (with_table(load(p_memsz=100)), (0, 11)),
    "for another machine": (image(machine="i386"), (11, "loader_wrong_machine")),
    "for a machine that the node does not know": (image(machine="ppc64"), (11, "loader_wrong_machine")),
}


@pytest.mark.parametrize("what", LOADERS)
def test_a_loader(what: str) -> None:
    loader, ends = LOADERS[what]
    assert tuple(_ends(kernel, image(interpreters=("/ld",)), loader) for kernel in KERNELS[1:]) == ends


@pytest.mark.parametrize("kernel", bp.kernels)
@pytest.mark.parametrize("numbers", [(3, 6), (6, 3), (6, 6)])
def test_both_numbers_of_i386_are_one_machine(kernel: str, numbers: tuple[int, int]) -> None:
    program, loader = numbers
    named = image(machine=program, bits=32, interpreters=("/ld",))
    assert _ends(kernel, named, image(machine=loader, bits=32)) == 0
