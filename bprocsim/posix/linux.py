"""The exec of real Linux kernels: 2.4.20 and 2.6.11, of BProc's years, and today's 6.18.

They return ELIBBAD, EIO and EMFILE where the manual page has ENOEXEC or nothing, never EPERM for a
set-id file on a nosuid mount, and never EINVAL for a second PT_INTERP, at which they do not look.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from bprocsim.errnos import Errno
from bprocsim.manual import Row
from bprocsim.posix import conditions as c
from bprocsim.posix import copying, headers
from bprocsim.posix import mapping as m
from bprocsim.posix.exec import ExecProfile, Subject, bad_loader, bad_script_interpreter
from bprocsim.posix.mapping import Fate
from bprocsim.posix.paths import PathLimits
from bprocsim.posix.profiles import (
    CMD,
    INTERPRETER,
    INTERPRETER_TOO_BIG,
    NAMING,
    NO_DESCRIPTOR,
    OPENING,
    OUT_OF_MEMORY,
    STRING_UNREADABLE,
    TOO_BIG,
    UNREADABLE_ARGV,
    UNREADABLE_ENVP,
    interpreter_row,
    part_of,
    program_row,
)
from bprocsim.posix.scripts import read_whole
from bprocsim.signals import Signal
from bprocsim.units import KiB

E = Errno

# A condition on the contents of a file, the errno, and what is wrong with {file}.
_Check = tuple[Callable[[Subject], bool], Errno, str]

_SCRIPT: _Check = (headers.script_malformed, E.ENOEXEC, "the #! line of {file} names no interpreter")
_TYPE: _Check = (headers.header_type_wrong, E.ENOEXEC, "{file} is an ELF file, but no executable and no shared object")
_MACHINE: _Check = (headers.wrong_machine, E.ENOEXEC, "{file} is for another architecture")
_UNKNOWN: _Check = (headers.format_unknown, E.ENOEXEC, "{file} is in no executable format that is recognized")
_ENTRY_SIZE: _Check = (
    headers.header_entry_size_wrong, E.ENOEXEC, "the program headers of {file} have another size than the kernel's",
)  # fmt: skip
_EMPTY: _Check = (headers.header_table_empty, E.ENOEXEC, "{file} has no program headers")
_LONG: _Check = (headers.header_table_too_long, E.ENOEXEC, "{file} has more program headers than fit into 64 KiB")
_PATH_LENGTH: _Check = (
    headers.interp_path_length_wrong, E.ENOEXEC, "the PT_INTERP of {file} is shorter than 2 bytes or longer than 4096",
)  # fmt: skip
_PATH_NEGATIVE: _Check = (
    headers.interp_path_negative, E.EINVAL, "the PT_INTERP of {file} lies beyond all offsets of a file",
)  # fmt: skip
_PATH_SHORT: _Check = (headers.interp_path_short, E.EIO, "{file} ends before its PT_INTERP does")
_PATH_OPEN: _Check = (headers.interp_path_open, E.ENOEXEC, "the PT_INTERP of {file} does not end with a NUL")

_CHECKS_2_4: tuple[_Check, ...] = (
    _UNKNOWN,
    _SCRIPT,
    _TYPE,
    _MACHINE,
    (headers.header_table_refused, E.ENOMEM, "the program headers of {file} have a size that the kernel does not take"),
    (headers.too_many_descriptors, E.EMFILE, NO_DESCRIPTOR),
    (headers.interp_path_too_long, E.ENOMEM, "the PT_INTERP of {file} is longer than 4096 bytes"),
)
_CHECKS_2_6: tuple[_Check, ...] = (
    _UNKNOWN,
    _SCRIPT,
    _TYPE,
    _MACHINE,
    _ENTRY_SIZE,
    _EMPTY,
    _LONG,
    (headers.header_table_negative, E.EINVAL, "the program headers of {file} lie beyond all offsets of a file"),
    (headers.header_table_short, E.EIO, "{file} ends before its program headers do"),
    (headers.too_many_descriptors, E.EMFILE, NO_DESCRIPTOR),
    _PATH_LENGTH,
    _PATH_NEGATIVE,
    _PATH_SHORT,
    _PATH_OPEN,
)
_CHECKS_6: tuple[_Check, ...] = (
    _UNKNOWN,
    _SCRIPT,
    _TYPE,
    _MACHINE,
    _ENTRY_SIZE,
    _EMPTY,
    _LONG,
    (headers.header_table_short, E.ENOEXEC, "{file} ends before its program headers do"),
    _PATH_LENGTH,
    _PATH_NEGATIVE,
    _PATH_SHORT,
    _PATH_OPEN,
)

_NOT_ELF = Row(E.ELIBBAD, headers.loader_not_elf, "the loader that cmd names is no ELF file", about=bad_loader)
_WRONG_MACHINE = Row(
    E.ELIBBAD,
    headers.wrong_machine,
    "the loader that cmd names is for another architecture",
    about=bad_loader,
    prefix="loader_",
)
_SHORT = Row(E.EIO, headers.loader_short, "the loader that cmd names is shorter than a header", about=bad_loader)

_LOADER_2_4 = (_NOT_ELF,)
_LOADER_2_6 = (_SHORT, _NOT_ELF, _WRONG_MACHINE)
_LOADER_6 = (
    _SHORT,
    _NOT_ELF,
    _WRONG_MACHINE,
    Row(
        E.ELIBBAD,
        headers.loader_header_malformed,
        "the program headers of the loader that cmd names cannot be read",
        about=bad_loader,
    ),
)

_COPIED = (
    Row(E.EFAULT, copying.string_unreadable_on_copy, STRING_UNREADABLE, name="string_unreadable"),
    Row(E.E2BIG, copying.args_too_big_on_copy, TOO_BIG, name="args_too_big"),
    OUT_OF_MEMORY,
)
_READ = program_row(c.header_io_error)


def _of_program(checks: tuple[_Check, ...]) -> tuple[Row, ...]:
    return tuple(Row(errno, test, says.format(file=CMD), about=part_of(test)) for test, errno, says in checks)


def _of_interpreters(checks: tuple[_Check, ...], loader: tuple[Row, ...], too_deep: tuple[Row, ...] = ()) -> list[Row]:
    """Give the rows of the interpreters that exec opens: what scripts name, and at last a loader."""
    return [
        INTERPRETER_TOO_BIG,
        *map(interpreter_row, OPENING),
        *too_deep,
        interpreter_row(c.header_io_error),
        *(
            Row(errno, test, says.format(file=INTERPRETER), about=bad_script_interpreter, prefix="interpreter_")
            for test, errno, says in checks
        ),
        *loader,
    ]


def _old_rows(checks: tuple[_Check, ...], loader: tuple[Row, ...]) -> tuple[Row, ...]:
    """Give the rows of a kernel that reads the file's beginning before it copies the arguments."""
    return (
        *NAMING,
        *map(program_row, OPENING),
        UNREADABLE_ARGV,
        Row(E.E2BIG, copying.argv_too_long, "argv has too many elements"),
        UNREADABLE_ENVP,
        Row(E.E2BIG, copying.envp_too_long, "envp has too many elements"),
        _READ,
        *_COPIED,
        *_of_program(checks),
        # A script behind a script is in no format, whatever its line says.
        *_of_interpreters(tuple(check for check in checks if check is not _SCRIPT), loader),
    )


# ---- what kills an image after the point of no return ----------------------------------------------

_KILL, _SEGV = Signal.SIGKILL, Signal.SIGSEGV
_MISALIGNED, _OUTSIDE, _OVERFLOWS, *_ = m.OLD_FATES
_TOO_LONG = "a segment takes more of the file than it has room for"
_ZEROS = "the rest of a page past the end of the file is to be filled with zeros"

_LOADER_TYPE = Fate(m.loader_type_wrong, _SEGV, "the loader is no executable and no shared object")
_LOADER_HEADER = Fate(m.loader_header_wrong, _SEGV, "the loader's program headers cannot be read")


_FATES_2_6 = (
    Fate(m.file_part_too_long, _KILL, _TOO_LONG),
    _MISALIGNED,
    _OUTSIDE,
    _OVERFLOWS,
    Fate(m.zeros_in_read_only, _SEGV, "the rest of a page that may not be written is to be filled with zeros"),
    Fate(m.zeros_past_end_of_file, _SEGV, _ZEROS),
    *m.BY_ITSELF,
)
_FATES_6 = (
    evolve(_MISALIGNED, signal=_SEGV),
    Fate(m.file_part_too_long, _SEGV, _TOO_LONG),
    evolve(_OUTSIDE, signal=_SEGV),
    Fate(m.segments_too_far_apart, _SEGV, "the segments do not fit into user space together"),
    Fate(m.segment_too_low, _SEGV, "a segment lies lower than its user may map"),
    Fate(m.alignment_leads_too_low, _SEGV, "a segment's alignment leads lower than its user may map"),
    evolve(_OVERFLOWS, signal=_SEGV),
    Fate(m.segment_exceeds_memory, _SEGV, "a segment takes more memory than the machine has"),
    Fate(m.zeros_past_end_of_file, _SEGV, _ZEROS),
    Fate(m.stack_too_small, _SEGV, "the stack has no room for what belongs beneath the arguments"),
    *m.BY_ITSELF[:2],
    Fate(m.entry_untouchable, _SEGV, "the entry's segment may be neither read nor written nor executed"),
    # A page that cannot be had comes before what may be done with it.
    m.BY_ITSELF[3],
    Fate(m.entry_not_executable_now, _SEGV, m.BY_ITSELF[2].sentence),
    Fate(m.entry_in_zeros, _SEGV, "there is nothing at the entry"),
)

# A loader has no arguments, and is put where there is room.
_ASKED_OF_PROGRAMS = (m.alignment_leads_too_low, m.stack_too_small)

# ---- the kernels -----------------------------------------------------------------------------------

LINUX_2_4 = ExecProfile(
    "linux-2.4",
    rows=_old_rows(_CHECKS_2_4, _LOADER_2_4),
    source="linux-2.4.20-exec",
    order="linux-2.4.20-exec",
    paths=PathLimits(path_max=4096, name_max=255, nested_links=5, total_links=40),
    pointers_max=((128 * KiB - 4) // 4, (128 * KiB - 8) // 8),
    reserved_files=10,
    image_memory_reserved=False,
    loader_fates=(
        Fate(m.loader_foreign, _SEGV, "the loader is for another machine"),
        _LOADER_TYPE,
        _LOADER_HEADER,
        *m.OLD_LOADER_FATES,
    ),
)

LINUX_2_6 = evolve(
    LINUX_2_4,
    name="linux-2.6",
    rows=_old_rows(_CHECKS_2_6, _LOADER_2_6),
    source="linux-2.6.11-exec",
    order="linux-2.6.11-exec",
    loader_header_bytes=128,
    reserved_files=0,
    files_unlimited_by="CAP_SYS_ADMIN",
    fates=_FATES_2_6,
    loader_fates=(_LOADER_TYPE, _LOADER_HEADER, *m.of_loader(_FATES_2_6, _SEGV)),
)

# What could not be provoked on a machine without harm stands in the manual page alone.
_NOT_MEASURED = frozenset({"path_io_error", "header_io_error", "file_table_full", "out_of_memory"})


def _measured(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Let the rows that nobody measured cite the manual page."""
    return tuple(
        evolve(row, source="linux-execve2") if row.cause.removeprefix("interpreter_") in _NOT_MEASURED else row
        for row in rows
    )


_ROWS_6 = (
    *NAMING,
    *map(program_row, OPENING),
    UNREADABLE_ARGV,
    UNREADABLE_ENVP,
    *_COPIED,
    _READ,
    *_of_program(_CHECKS_6),
    *_of_interpreters(
        _CHECKS_6,
        _LOADER_6,
        (
            Row(
                E.ELOOP,
                headers.scripts_too_deep,
                "too many scripts stand behind each other",
                about=bad_script_interpreter,
            ),
        ),
    ),
)

LINUX_6 = ExecProfile(
    "linux-6",
    rows=_measured(_ROWS_6),
    source="linux-6.18-measured",
    order="linux-6.18-measured",
    paths=PathLimits(path_max=4096, name_max=255, nested_links=None, total_links=40, removed_is_empty=True),
    argument_area_bytes=None,
    pointers_count=True,
    string_bytes=128 * KiB,
    empty_argv_gets_name=True,
    read_script=read_whole,
    script_line_bytes=256,
    script_levels=6,
    script_kept=True,
    files_unlimited_by="CAP_SYS_ADMIN",
    image_memory_reserved=False,
    fates=_FATES_6,
    loader_fates=(
        _LOADER_TYPE,
        *m.of_loader(tuple(each for each in _FATES_6 if each.condition not in _ASKED_OF_PROGRAMS)),
    ),
    user_top=(0xFFFF_E000, (1 << 47) - 4 * KiB),
    lowest_address=4 * KiB,
    # The platform's name, 16 random bytes, and the auxiliary vector: 24 pairs for i386, 23 for x86-64.
    stack_tables_bytes=(len(b"i686\0") + 16 + 24 * 8, len(b"x86_64\0") + 16 + 23 * 16),
)

KERNELS = {profile.name: profile for profile in (LINUX_2_4, LINUX_2_6, LINUX_6)}
