"""Conditions on what a file that exec opens begins with: a `#!` line, or the headers of an ELF file.

Each takes a `Subject`; their names are causes. A real kernel makes many small checks, with errnos of
their own; a manual page has one sentence for them all, `header_malformed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bprocsim.posix.elf import ET_DYN, ET_EXEC, FORMS, ElfFile, Interpreter

if TYPE_CHECKING:
    from bprocsim.posix.exec import Subject

# Where the offsets of a file end: a signed number of 64 bits.
_OFFSET_END = 1 << 63


def _read(f: Subject) -> ElfFile | None:
    """Give the headers of an ELF file; None for what is none."""
    elf = f.elf
    return elf if elf is not None and elf.magic_ok else None


def _named(f: Subject) -> Interpreter | None:
    """Give the first PT_INTERP of a program; kernels look at no other, and at none of a loader's."""
    elf = None if f.role == "loader" else _read(f)
    return elf.interpreters[0] if elf is not None and elf.interpreters else None


# ---- which format --------------------------------------------------------------------------------


def format_unknown(f: Subject) -> bool:
    elf = f.elf
    if elf is None or elf.magic_ok:
        return False
    # A script is a format, but not one that may stand behind too many others, or as a loader.
    return f.script is None or f.level >= f.call.profile.script_levels


def script_malformed(f: Subject) -> bool:
    """The `#!` line names no interpreter."""
    return f.script == ()


def scripts_too_deep(f: Subject) -> bool:
    """One more file behind as many scripts as may stand behind each other, whatever it is."""
    return f.level >= f.call.profile.script_levels


# ---- the headers of an ELF file ------------------------------------------------------------------


def header_type_wrong(f: Subject) -> bool:
    elf = _read(f)
    return elf is not None and elf.e_type not in (ET_EXEC, ET_DYN)


def wrong_machine(f: Subject) -> bool:
    elf = _read(f)
    if elf is None:
        return False
    arch = f.call.arch
    if f.role == "loader":
        assert f.named_by is not None and f.named_by.elf is not None
        return not arch.takes_loader(elf, f.named_by.elf)
    return arch.layout_for(elf.e_machine) is None


def header_entry_size_wrong(f: Subject) -> bool:
    elf = _read(f)
    return elf is not None and elf.e_phentsize != FORMS[elf.layout].segment.size


def header_table_empty(f: Subject) -> bool:
    elf = _read(f)
    return elf is not None and elf.e_phnum == 0


def header_table_too_long(f: Subject) -> bool:
    elf = _read(f)
    return elf is not None and elf.e_phnum * elf.e_phentsize > f.call.profile.table_bytes


def header_table_refused(f: Subject) -> bool:
    """Linux 2.4 asks for the table's memory before it looks at its size."""
    return header_entry_size_wrong(f) or header_table_too_long(f)


def header_table_negative(f: Subject) -> bool:
    """The offset, or the end of the table, is no offset of a file."""
    elf = _read(f)
    return elf is not None and elf.e_phoff + elf.e_phnum * elf.e_phentsize >= _OFFSET_END


def header_table_short(f: Subject) -> bool:
    elf = _read(f)
    return elf is not None and not elf.table_complete


def too_many_descriptors(f: Subject) -> bool:
    """Old kernels take a descriptor for the file of an ELF program."""
    return f.role != "loader" and _read(f) is not None and f.call.free_descriptors < 1


# ---- what PT_INTERP points at --------------------------------------------------------------------


def interp_path_too_long(f: Subject) -> bool:
    named = _named(f)
    return named is not None and named.p_filesz > f.call.profile.interpreter_path_bytes


def interp_path_length_wrong(f: Subject) -> bool:
    named = _named(f)
    return named is not None and not 2 <= named.p_filesz <= f.call.profile.interpreter_path_bytes


def interp_path_negative(f: Subject) -> bool:
    named = _named(f)
    return named is not None and named.p_offset + named.p_filesz >= _OFFSET_END


def interp_path_short(f: Subject) -> bool:
    named = _named(f)
    return named is not None and not named.complete


def interp_path_open(f: Subject) -> bool:
    """No NUL ends it."""
    named = _named(f)
    return named is not None and named.complete and not named.data.endswith(b"\0")


# ---- of a loader ---------------------------------------------------------------------------------


def loader_short(f: Subject) -> bool:
    elf = f.elf
    if elf is None:
        return False
    assert f.named_by is not None and f.named_by.elf is not None
    return elf.size < (f.call.profile.loader_header_bytes or FORMS[f.named_by.elf.layout].header.size)


def loader_not_elf(f: Subject) -> bool:
    return f.elf is not None and not f.elf.magic_ok


def loader_header_malformed(f: Subject) -> bool:
    return header_entry_size_wrong(f) or header_table_empty(f) or header_table_too_long(f) or header_table_short(f)


# ---- in one sentence, as a page says it ----------------------------------------------------------


def header_malformed(f: Subject) -> bool:
    elf = f.elf
    if elf is None:
        return False
    if not elf.magic_ok:
        return f.script == ()
    form = FORMS[elf.layout]
    table_bytes = elf.e_phnum * elf.e_phentsize
    return (
        elf.size < form.header.size
        or elf.e_type not in (ET_EXEC, ET_DYN)
        or elf.e_phentsize != form.segment.size
        or not 0 < table_bytes <= f.call.profile.table_bytes
        or not elf.table_complete
        or (bool(elf.interpreters) and (interp_path_length_wrong(f) or interp_path_short(f) or interp_path_open(f)))
    )


def second_interpreter(f: Subject) -> bool:
    elf = f.elf
    return f.role != "loader" and elf is not None and elf.magic_ok and len(elf.interpreters) > 1
