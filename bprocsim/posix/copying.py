"""The argument area of an exec: what of name, argv and envp goes in, and where copying them stops.

`documented` judges all at once, in the order of its rows. Real kernels copy string by string, the
name first, then envp and argv, each from its last string to its first; the first that cannot be
read, or has no room, decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bprocsim.units import KiB, MiB

if TYPE_CHECKING:
    from bprocsim.faces.pointers import Vector
    from bprocsim.posix.exec import ExecFacts, ExecProfile, Subject

# How much of the stack arguments may take since 2.6.23, within these bounds. Source: linux-6.18-measured.
_SHARE = 4
_LEAST_BYTES, _MOST_BYTES = 128 * KiB, 6 * MiB


def limit_bytes(profile: ExecProfile, bits: int) -> int:
    """Tell how much room there is, for callers with words of 32 or 64 `bits`."""
    if profile.argument_area_bytes is not None:
        return profile.argument_area_bytes[bits == 64]
    return min(max(profile.stack_bytes // _SHARE, _LEAST_BYTES), _MOST_BYTES)


def room_bytes(profile: ExecProfile, bits: int, pointers: int) -> int:
    """Tell how much of it is left for strings; those must also fit into the stack, below one pointer."""
    word_bytes = bits // 8
    room = limit_bytes(profile, bits) - (pointers * word_bytes if profile.pointers_count else 0)
    return room if profile.argument_area_bytes is not None else min(room, profile.stack_bytes - word_bytes)


def _pointers(f: ExecFacts) -> int:
    """Count the pointers of both vectors; an empty argv gets one."""
    return max(f.argv.pointers, 1) + f.envp.pointers


def _room_bytes(f: ExecFacts) -> int:
    return room_bytes(f.profile, f.arch.bits, _pointers(f))


# ---- all at once ---------------------------------------------------------------------------------


def string_unreadable(f: ExecFacts) -> bool:
    return f.argv.bad_elements + f.envp.bad_elements > 0


def args_too_big(f: ExecFacts) -> bool:
    return f.argument_bytes > limit_bytes(f.profile, f.arch.bits)


# ---- string by string ----------------------------------------------------------------------------


def _too_many(f: ExecFacts, vector: Vector) -> bool:
    most = f.profile.pointers_max
    return most is not None and vector.pointers > most[f.arch.bits == 64]


def argv_too_long(f: ExecFacts) -> bool:
    return _too_many(f, f.argv)


def envp_too_long(f: ExecFacts) -> bool:
    return _too_many(f, f.envp)


def string_unreadable_on_copy(f: ExecFacts) -> bool:
    return f.copied == "unreadable"


def args_too_big_on_copy(f: ExecFacts) -> bool:
    return f.copied == "too big"


def copy(f: ExecFacts) -> str:
    """Copy the strings as real kernels do: "" if all goes well, else "unreadable" or "too big"."""
    profile = f.profile
    room = _room_bytes(f)
    longest = profile.string_bytes
    room -= len(f.program.path) + 1
    if room < 0:
        return "too big"
    for vector in (f.envp, f.argv):
        for string in reversed(vector.strings[vector.before_bad :]):
            taken = len(string) + 1
            room -= taken
            if room < 0 or (longest is not None and taken > longest):
                return "too big"
        if vector.bad_element:
            return "unreadable"
    return "too big" if room < _added_bytes(f) else ""


def _added_bytes(f: ExecFacts) -> int:
    """Tell what the kernel adds by itself: an empty argv gets an empty string."""
    return 1 if f.profile.empty_argv_gets_name and not f.argv.strings else 0


# ---- what a script adds --------------------------------------------------------------------------


def interpreter_args_too_big(f: Subject) -> bool:
    """The interpreter, its argument and the script's name go into the same area."""
    return f.role == "script" and area_bytes(f) > _room_bytes(f.call)


def area_bytes(f: Subject) -> int:
    """Count what name and strings take once the interpreters up to this one are among them."""
    script = f.named_by
    if script is None:
        return f.call.argument_bytes + _added_bytes(f.call)
    assert script.script
    first = f.call.argv.strings[0] if f.call.argv.strings else b""
    # The first string of the script's own argv goes: its name, if a script led here too.
    gone = len(script.path if script.level else first) + 1
    if not script.level and not f.call.argv.strings and not _added_bytes(f.call):
        gone = 0
    added = sum(len(part) + 1 for part in script.script) + len(script.path) + 1
    return area_bytes(script) - gone + added
