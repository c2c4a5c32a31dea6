"""Images that run on a real x86-64 kernel without a library, and the same programs for the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bprocsim as bp
from bprocsim.posix.elf import PT_LOAD, Segment

# Each program twice: what the processor executes, and what the simulator runs in its place.
# argv: write(1, argument, strlen + 1) for each, exit(0).
_ARGV = bytes.fromhex(
    "488b1c24 488d6c2408 4885db 7424 488b7500 31d2 8a0416 ffc2 84c0 75f7 bf01000000 b801000000 0f05"
    "4883c508 48ffcb ebd7 31ff b83c000000 0f05"
)
_EUID = bytes.fromhex("b86b000000 0f05 89c7 b83c000000 0f05")  # exit(geteuid())
_EGID = bytes.fromhex("b86c000000 0f05 89c7 b83c000000 0f05")  # exit(getegid())
_ARGC = bytes.fromhex("8b3c24 b83c000000 0f05")  # exit(argc)


def _tell_argv(proc: bp.Proc) -> Iterator[Any]:
    for text in proc.argv:
        yield from proc.write(1, text.encode("utf-8", "surrogateescape") + b"\0")


def _tell_euid(proc: bp.Proc) -> int:
    return proc.euid & 0xFF


def _tell_egid(proc: bp.Proc) -> int:
    return proc.egid & 0xFF


def _tell_argc(proc: bp.Proc) -> int:
    return len(proc.argv) & 0xFF


BEHAVIOUR: dict[str, Callable[..., Any]] = {
    "argv": _tell_argv, "euid": _tell_euid, "egid": _tell_egid, "argc": _tell_argc,
}  # fmt: skip
_CODE = {"argv": _ARGV, "euid": _EUID, "egid": _EGID, "argc": _ARGC}


def image(program: str | None = None, **options: Any) -> bytes:
    """Build an image: one that exits with 0, or that of a `program`; `options` are ElfImage's."""
    if program is not None:
        options |= {"program": program, "code": _CODE[program]}
    return bp.ElfImage(**options).to_bytes()


GOOD = image()
GOOD_I386 = image(machine="i386")
ARGV, EUID, EGID, ARGC = map(image, BEHAVIOUR)
PIE = image(type="DYN")

BASE, PAGE = 0x400000, 4096


def load(**fields: int) -> Segment:
    """Give the PT_LOAD of an image that is all in one page, with some fields set otherwise."""
    usual = {"p_flags": 5, "p_vaddr": BASE, "p_paddr": BASE, "p_filesz": PAGE, "p_memsz": PAGE, "p_align": PAGE}
    return Segment(PT_LOAD, **(usual | fields))


def with_table(*segments: Segment, **options: Any) -> bytes:
    """Build an image with exactly these program headers (and what `options` make besides)."""
    return image(segments=segments, **options)


def asking_for(*interpreters: str | bytes, **options: Any) -> bytes:
    """Build an image that names interpreters, and nothing else that a loader would look for."""
    return image(interpreters=interpreters, **options)


# Contents that no kernel runs, each refused in another way.
NO_PROGRAMS = {
    "empty": b"",
    "text": b"text",
    "script-to-nothing": b"#!/none\n",
    "script-to-none-named": b"#!\n",
    "foreign": GOOD[:18] + b"\x15" + GOOD[19:],
    "cut": GOOD[:63],
    "no-loader": asking_for("/none"),
}
