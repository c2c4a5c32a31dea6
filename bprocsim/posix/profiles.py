"""The rows of execve: those of the manual page, and the rules of the kernels by name.

The rows stand in the order in which a kernel decides. `documented` returns only what the page of
bproc_execmove lists; what real kernels do is in `linux`, which is imported when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bprocsim.errnos import Errno
from bprocsim.manual import Row
from bprocsim.posix import conditions as c
from bprocsim.posix import copying, headers
from bprocsim.posix.exec import (
    ExecProfile,
    Subject,
    bad_interpreter,
    flawed_program,
    stopped_program,
    the_program,
    unnamed,
)
from bprocsim.posix.mapping import OLD_LOADER_FATES
from bprocsim.posix.paths import PathLimits

E = Errno

NO_DESCRIPTOR = "the process has no descriptor left for the file of {file}"

# What is said of a file, for the program and again for an interpreter that it names.
_FILE_ROWS: dict[Callable[[Subject], bool], tuple[Errno, str]] = {
    c.search_denied: (E.EACCES, "the program may not search a directory on the way to {file}"),
    c.component_too_long: (E.ENAMETOOLONG, "a name on the way to {file} is too long"),
    c.cmd_absent: (E.ENOENT, "{file} does not exist"),
    c.not_a_directory: (E.ENOTDIR, "part of the way to {file} is not a directory"),
    c.too_many_links: (E.ELOOP, "too many symbolic links on the way to {file}"),
    c.path_io_error: (E.EIO, "an I/O error occurred on the way to {file}"),
    c.noexec_mount: (E.EACCES, "{file} lies on a file system from which nothing may be executed"),
    c.not_regular: (E.EACCES, "{file} is not a file that can be executed but a directory, device, ..."),
    c.not_executable: (E.EACCES, "the program has no execute permission on {file}"),
    c.file_table_full: (E.ENFILE, "the limit on open files has been reached when {file} is opened"),
    c.cmd_being_written: (E.ETXTBSY, "another program has {file} open for writing"),
    c.suid_on_nosuid: (E.EPERM, "{file} is suid or sgid and its file system is mounted nosuid"),
    c.header_io_error: (E.EIO, "an I/O error occurred while {file} was read"),
    headers.format_unknown: (E.ENOEXEC, "{file} is in no executable format that is recognized"),
    headers.wrong_machine: (E.ENOEXEC, "{file} is for another architecture"),
    headers.header_malformed: (E.ENOEXEC, "the headers of {file} make no executable"),
    headers.too_many_descriptors: (E.ENFILE, NO_DESCRIPTOR),
    headers.second_interpreter: (E.EINVAL, "{file} is an ELF file with more than one PT_INTERP segment"),
}

ON_THE_WAY = (
    c.search_denied, c.component_too_long, c.cmd_absent, c.not_a_directory, c.too_many_links, c.path_io_error,
)  # fmt: skip
# What is asked of a file before it is read.
OPENING = (*ON_THE_WAY, c.noexec_mount, c.not_regular, c.not_executable, c.file_table_full, c.cmd_being_written)

CMD, INTERPRETER = "cmd", "the interpreter that cmd names"

UNREADABLE_ARGV = Row(E.EFAULT, c.argv_unreadable, "argv points to memory that the program cannot read")
UNREADABLE_ENVP = Row(E.EFAULT, c.envp_unreadable, "envp points to memory that the program cannot read")
OUT_OF_MEMORY = Row(E.ENOMEM, c.out_of_memory, "there is not enough memory")
STRING_UNREADABLE = "an element of argv or envp points to memory that the program cannot read"
TOO_BIG = "the argument list is too big"
INTERPRETER_TOO_BIG = Row(
    E.E2BIG,
    copying.interpreter_args_too_big,
    "the argument list is too big once the interpreter's is added",
    about=bad_interpreter,
)

NAMING = (
    Row(E.EFAULT, c.cmd_unreadable, "cmd points to memory that the program cannot read", about=unnamed),
    Row(E.ENOENT, c.cmd_empty, "cmd is empty, so it names nothing that exists", about=unnamed),
    Row(E.ENAMETOOLONG, c.cmd_too_long, "cmd is too long", about=unnamed),
)


def program_row(test: Callable[[Subject], bool], file: str = CMD) -> Row:
    """Make the row of the program for a condition on a file, which the page calls `file`."""
    errno, sentence = _FILE_ROWS[test]
    return Row(errno, test, sentence.format(file=file), about=stopped_program if test in ON_THE_WAY else part_of(test))


def part_of(test: Callable[[Subject], bool]) -> Callable[..., Subject | None]:
    """Tell of what a condition on the program is asked: what depends on its bytes alone, only if they are flawed."""
    if test.__module__ == headers.__name__ and test is not headers.too_many_descriptors:
        return flawed_program
    return the_program


def interpreter_row(test: Callable[[Subject], bool], about: Callable[..., Subject | None] = bad_interpreter) -> Row:
    """Make the row of an interpreter for a condition on a file."""
    errno, sentence = _FILE_ROWS[test]
    return Row(errno, test, sentence.format(file=INTERPRETER), about=about, prefix="interpreter_")


_CONTENTS = (
    headers.format_unknown,
    headers.wrong_machine,
    headers.header_malformed,
    headers.too_many_descriptors,  # the page has no EMFILE, but this is a limit on open files as well
    headers.second_interpreter,
)

DOCUMENTED = ExecProfile(
    "documented",
    rows=(
        *NAMING,
        *map(program_row, OPENING),
        UNREADABLE_ARGV,
        UNREADABLE_ENVP,
        program_row(c.suid_on_nosuid),
        program_row(c.header_io_error),
        Row(E.EFAULT, copying.string_unreadable, STRING_UNREADABLE),
        Row(E.E2BIG, copying.args_too_big, TOO_BIG),
        OUT_OF_MEMORY,
        *map(program_row, _CONTENTS),
        INTERPRETER_TOO_BIG,
        *map(interpreter_row, (*OPENING, c.suid_on_nosuid, c.header_io_error, *_CONTENTS)),
    ),
    source="scyld-bproc_execmove",
    order="linux-2.4.20-exec",
    paths=PathLimits(path_max=4096, name_max=255, nested_links=5, total_links=40),
    loader_fates=OLD_LOADER_FATES,
)


class _Profiles(Mapping[str, ExecProfile]):
    """The rules by their names; those of real kernels are made when they are first asked for."""

    _names = (DOCUMENTED.name, "linux-2.4", "linux-2.6", "linux-6")

    def __getitem__(self, name: str) -> ExecProfile:
        if name == DOCUMENTED.name:
            return DOCUMENTED
        from bprocsim.posix.linux import KERNELS  # most worlds go by the page

        return KERNELS[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<rules of exec: {', '.join(self)}>"


PROFILES: Mapping[str, ExecProfile] = _Profiles()
