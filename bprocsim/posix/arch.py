"""Processor architectures: which images a node's kernel takes, and how it reads them.

A kernel knows a program for its processor by `e_machine` alone, and reads the file by its own
layout, whatever the file says of itself. Some take a second kind as well: x86-64 has a handler for
the images of i386.

Sources: elf-gabi (machine numbers), linux-6.18-measured (what x86-64 accepts), bproc-common
(vmadump's codes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from bprocsim.posix.elf import BE32, BE64, LE32, LE64, PT_LOAD, ByteOrder, ElfFile, Layout, parse, program_of

E_MACHINE_MAX = 0xFFFF


@frozen(eq=False)
class ImageFormat:
    """A format of executable files, as those ask of it who execute them without knowing it.

    `parse(arch, data)` reads any bytes; what it gives has an ElfFile's `layout`, `size`, `magic_ok`,
    `interpreters`, `segments` and `needed`. `build(arch, name, needs, memory_bytes)` makes the file
    of a program of ours, which `program_of(file)` names again; `memory_of(arch, file)` is what its
    image takes, in whole pages. `loader(image)` gives what loads the libraries of a
    posix.image.Loaded once it runs: load(machine, process, image) as in posix.loader; None: it has
    none to load.
    """

    parse: Callable[[Arch, bytes], Any]
    build: Callable[[Arch, str, tuple[str, ...], int], bytes]
    program_of: Callable[[Any], str | None]
    memory_of: Callable[[Arch, Any], int]
    loader: Callable[[Any], Callable[..., Any] | None]


def _parse_elf(arch: Arch, data: bytes) -> ElfFile:
    """Read a file by the handler that takes its `e_machine`; where none does, the first one's reading is what there is.

    In every layout `e_machine` lies at bytes 18 and 19.
    """
    e_machine = int.from_bytes(data[18:20], arch.byteorder)
    return parse(data, arch.layout_for(e_machine) or arch.layout)


def _build_elf(arch: Arch, name: str, needs: tuple[str, ...], memory_bytes: int) -> bytes:
    from bprocsim.posix.elfbuild import ElfImage  # it knows the architectures

    return ElfImage(
        machine=arch.machine,
        bits=arch.bits,
        byteorder=arch.byteorder,
        interpreters=(arch.loader,) if needs else (),
        needed=needs,
        program=name,
        memory_bytes=memory_bytes,
    ).to_bytes()


def _memory_of_elf(arch: Arch, file: ElfFile) -> int:
    page_bytes = arch.page_bytes
    return sum(-(-each.p_memsz // page_bytes) * page_bytes for each in file.segments if each.p_type == PT_LOAD)


def _loader_of_elf(image: Any) -> Callable[..., Any] | None:
    if image.loader is None:
        return None
    from bprocsim.posix.loader import load  # static images do without it

    return load


ELF = ImageFormat(_parse_elf, _build_elf, program_of, _memory_of_elf, _loader_of_elf)


@frozen(eq=False)
class Arch:
    """One processor architecture.

    `machine` is the `e_machine` of its images, `layout` theirs. `accepts` are the machine numbers
    that its kernel runs, each with the layout by which that handler reads the file; all are of one
    byte order. `loader` is the usual path of ld.so, `page_bytes` the size of a page, `vmadump_code`
    the number by which a frozen process names the architecture, None where BProc has none.
    """

    name: str
    machine: int
    layout: Layout
    accepts: tuple[tuple[int, Layout], ...]
    loader: str
    page_bytes: int = 4096
    vmadump_code: int | None = None
    format: ImageFormat = field(default=ELF, repr=False)

    @property
    def bits(self) -> int:
        """Give the width of a word of its images: 32 or 64."""
        return self.layout.bits

    @property
    def byteorder(self) -> ByteOrder:
        """Give the byte order of its images: "little" or "big"."""
        return self.layout.byteorder

    def layout_for(self, e_machine: int) -> Layout | None:
        """Tell by which layout its kernel reads images of a machine number; None if it takes none."""
        for machine, layout in self.accepts:
            if machine == e_machine:
                return layout
        return None

    def takes_loader(self, loader: ElfFile, program: ElfFile) -> bool:
        """Tell whether the handler that takes a program takes its loader as well."""
        return self.layout_for(loader.e_machine) == program.layout

    def parse(self, data: bytes) -> ElfFile:
        """Read a file as its kernel does; of another format its own record comes in an ElfFile's place."""
        file: ElfFile = self.format.parse(self, data)
        return file


def _arch(
    name: str,
    machine: int,
    layout: Layout,
    loader: str,
    also: tuple[tuple[int, Layout], ...] = (),
    page_bytes: int = 4096,
    vmadump_code: int | None = None,
) -> Arch:
    return Arch(name, machine, layout, ((machine, layout), *also), loader, page_bytes, vmadump_code)


_I386_LOADER = "/lib/ld-linux.so.2"

ARCHES: Mapping[str, Arch] = MappingProxyType(
    {
        each.name: each
        for each in (
            # 6 is the i486's number, which i386 kernels have always taken as well.
            _arch("i386", 3, LE32, _I386_LOADER, also=((6, LE32),), vmadump_code=1),
            _arch("sparc", 2, BE32, "/lib/ld-linux.so.2", vmadump_code=2),
            # An interim number that Linux never gave up.
            _arch("alpha", 0x9026, LE64, "/lib/ld-linux.so.2", page_bytes=8192, vmadump_code=3),
            _arch("ppc", 20, BE32, "/lib/ld.so.1", vmadump_code=4),
            _arch(
                "x86-64",
                62,
                LE64,
                "/lib64/ld-linux-x86-64.so.2",
                also=((3, LE32), (6, LE32)),
                vmadump_code=5,
            ),
            _arch("ppc64", 21, BE64, "/lib64/ld64.so.1", vmadump_code=6),
            _arch("aarch64", 183, LE64, "/lib/ld-linux-aarch64.so.1"),
            _arch("riscv64", 243, LE64, "/lib/ld-linux-riscv64-lp64d.so.1"),
        )
    }
)

_NAMES = ", ".join(ARCHES)
_BY_MACHINE = {each.machine: each for each in ARCHES.values()}

# Where nothing is known of a processor: the path that most ports of ld.so once shared.
_UNKNOWN_LOADER = "/lib/ld.so.1"


def arch(which: str | int | Arch, argument: str = "arch") -> Arch:
    """Give the architecture of a name of `ARCHES`, or of a machine number (0 to 65535).

    A number that is a named architecture's own gives that one. Any other gives an architecture
    called "machine-<number>" which takes that number alone, in the layout of a named one that takes
    it too (6: that of i386), else as ELF64, little-endian. An `Arch` is given back. Anything else is
    a ValueError or TypeError that names the `argument`.
    """
    if isinstance(which, Arch):
        return which
    if isinstance(which, str):
        if which not in ARCHES:
            raise ValueError(f"{argument}: {which!r} is none of {_NAMES}, nor a machine number")
        return ARCHES[which]
    if isinstance(which, bool) or not isinstance(which, int):
        raise TypeError(f"{argument}: {which!r} is neither a name ({_NAMES}) nor a machine number")
    if not 0 <= which <= E_MACHINE_MAX:
        raise ValueError(f"{argument}: {which} is outside 0 to {E_MACHINE_MAX}; named are {_NAMES}")
    if which in _BY_MACHINE:
        return _BY_MACHINE[which]
    return _unnamed(which)


@cache
def _unnamed(machine: int) -> Arch:
    """Make the architecture of a number that no named one has; the same one each time."""
    layouts = [layout for known in ARCHES.values() if (layout := known.layout_for(machine))]
    return _arch(f"machine-{machine}", machine, layouts[0] if layouts else LE64, _UNKNOWN_LOADER)
