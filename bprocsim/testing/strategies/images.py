"""Strategies for ELF images, sound ones and ones with a wrong field."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.units import KiB, MiB

LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux.so.2", "/lib/absent")
_LIBRARIES = ("libc.so.6", "libm.so.6", "libabsent.so.1")

# What a linker would write.
_SOUND: dict[str, st.SearchStrategy[Any]] = {
    "machine": st.sampled_from(list(bp.ARCHES)),
    "type": st.sampled_from(["DYN", "EXEC"]),
    "needed": st.lists(st.sampled_from(_LIBRARIES), unique=True, max_size=2).map(tuple),
    "interpreters": st.lists(st.sampled_from(LOADERS), max_size=1).map(tuple),
    "runpath": st.sampled_from(["/lib64", "/lib:/lib64"]),
    "memory_bytes": st.sampled_from([64 * KiB, 4 * KiB, 4 * MiB]),
}

_WORDS = st.sampled_from([0, 1, 64, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1])
_SHORTS = st.sampled_from([0, 1, 32, 56, 0xFFFF]) | st.integers(0, 0xFFFF)

# One field each that no linker would write, or two interpreters.
_WRONG: dict[str, st.SearchStrategy[Any]] = {
    "interpreters": st.just(LOADERS[:2]) | st.sampled_from([("/lib/\xff",), (b"/lib/open",), (b"\0",)]),
    "truncate": st.integers(0, 200),
    "type": st.sampled_from(["REL", "CORE", "NONE"]),
    "magic": st.binary(min_size=4, max_size=4),
    "phnum": _SHORTS,
    "phentsize": _SHORTS,
    "phoff": _WORDS,
    "entry": _WORDS,
    "machine": st.sampled_from([6, 9999]),
}


@st.composite
def elf_images(draw: st.DrawFn, /, sound: bool = False) -> bp.ElfImage:
    """Give ELF images: a static one for x86-64 first, then dynamic ones and other machines.

    Some have one wrong field, or two PT_INTERP, unless all are to be `sound`.
    """
    given = draw(st.fixed_dictionaries({}, optional=_SOUND))
    if not sound and draw(st.integers(0, 2)) == 2:
        name = draw(st.sampled_from(list(_WRONG)))
        given[name] = draw(_WRONG[name])
    return bp.ElfImage(**given)
