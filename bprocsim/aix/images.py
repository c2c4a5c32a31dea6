"""The images of AIX as exec asks about them: the architecture POWER, and XCOFF as its format.

Source: aix-xcoff.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bprocsim.aix.xcoff import U64_TOCMAGIC, U802TOCMAGIC, XcoffFile, parse
from bprocsim.posix.arch import Arch, ImageFormat
from bprocsim.posix.elf import BE32, BE64


def _parse(_arch: Arch, data: bytes) -> XcoffFile:
    return parse(data)


def _build(arch: Arch, name: str, needs: tuple[str, ...], memory_bytes: int) -> bytes:
    from bprocsim.aix.xcoffbuild import XcoffImage

    return XcoffImage(bits=arch.bits, program=name, needed=needs, memory_bytes=memory_bytes).to_bytes()


def _program_of(file: XcoffFile) -> str | None:
    return file.program


def memory_of(arch: Arch, file: XcoffFile) -> int:
    """Give what text, data and zeros take, in whole pages; nothing for what is no XCOFF file."""
    sizes = file.auxiliary
    if sizes is None:
        return 0
    page_bytes = arch.page_bytes
    return sum(-(-size // page_bytes) * page_bytes for size in (sizes.o_tsize, sizes.o_dsize + sizes.o_bsize))


def _loader(image: Any) -> Callable[..., Any] | None:
    if not image.elf.imports:
        return None
    from bprocsim.aix.loader import load

    return load


XCOFF = ImageFormat(_parse, _build, _program_of, memory_of, _loader)

POWER = Arch(
    "power",
    machine=U802TOCMAGIC,
    layout=BE32,
    accepts=((U802TOCMAGIC, BE32), (U64_TOCMAGIC, BE64)),
    loader="",
    format=XCOFF,
)
