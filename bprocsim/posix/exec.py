"""execve: the facts of one call, the conditions over them, the tables of rows, and the commit.

The facts are gathered as they are asked for, so a refusal costs only what its rows looked at. The
rows stand in the order in which a kernel decides; `documented` returns only what the page lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from attrs import frozen

from bprocsim.errnos import Errno
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector
from bprocsim.manual import Row
from bprocsim.posix.arch import Arch
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.elf import ElfFile
from bprocsim.posix.image import memory_of, read_elf
from bprocsim.posix.mapping import OLD_FATES, Fate
from bprocsim.posix.paths import PathLimits, Stop, Walk, walk
from bprocsim.posix.vfs import EXECUTE, FileTree, Inode, Kind, permits
from bprocsim.units import KiB


@frozen(eq=False)
class ExecProfile:
    """The rules of one kernel for exec and paths: rows in order, and limits.

    `paths` the limits of the walk; `argument_area_bytes` what name, arguments and environment may
    take, by word size; `script_line_bytes` how much of a `#!` line is looked at; `script_levels`
    how many scripts may stand behind one another; `interpreter_path_bytes` the longest PT_INTERP;
    `table_bytes` the largest header table; `image_memory_reserved` whether memory for the whole
    image is asked for with the argument pages (a choice of ours), or only when it is touched;
    `fates` what kills an image after the point of no return.
    """

    name: str
    rows: tuple[Row, ...]
    source: str
    order: str
    paths: PathLimits
    argument_area_bytes: tuple[int, int] = (128 * KiB - 4, 128 * KiB - 8)
    script_line_bytes: int = 127
    script_levels: int = 1
    interpreter_path_bytes: int = 4096
    table_bytes: int = 65536
    image_memory_reserved: bool = True
    fates: tuple[Fate, ...] = OLD_FATES


_NOWHERE = Walk(inode=None, stops=(), where=b"", parent=None, name=b"", wants_directory=False)


class Subject:
    """One file that exec opens: the program, or an interpreter; its facts, gathered as asked for.

    `path` as it is named; `role` "program", "script" (the interpreter of a script) or "loader"
    (that of an ELF file); `level` how many scripts led here. `walk` where the path leads; `file`
    the inode if it is a regular file that can be read; `elf` its headers as this kernel reads them;
    `script` (interpreter,) or (interpreter, argument) of a `#!` file, () if the line names none.
    The last four are computed when first asked for, and kept.
    """

    __slots__ = ("call", "elf", "file", "level", "path", "role", "script", "walk")

    walk: Walk
    file: Inode | None
    elf: ElfFile | None
    script: tuple[bytes, ...] | None

    def __init__(self, call: ExecFacts, path: bytes, role: str, level: int = 0) -> None:
        self.call = call
        self.path = path
        self.role = role
        self.level = level

    def __getattr__(self, name: str) -> Any:
        # Reached only while a slot is empty.
        value = _GATHER[name](self)
        setattr(self, name, value)
        return value


def _walk(subject: Subject) -> Walk:
    call, path = subject.call, subject.path
    if subject.role == "program" and (not path or cmd_too_long(call)):
        return _NOWHERE
    # An interpreter's empty name opens the current directory, as in real kernels.
    return walk(call.tree, call.cwd, path or b".", call.who, call.profile.paths)


def _file(subject: Subject) -> Inode | None:
    inode = subject.walk.inode
    if inode is None or inode.kind is not Kind.FILE or subject.call.tree.is_bad(inode):
        return None
    return inode


def _elf(subject: Subject) -> ElfFile | None:
    inode = subject.file
    return None if inode is None else read_elf(inode.data, subject.call.arch)


# The interpreter, and all that follows it as one argument.
_SCRIPT_LINE = rb"(?s)[ \t]*([^ \t]+)[ \t]*(.*)"


def _script(subject: Subject) -> tuple[bytes, ...] | None:
    inode = subject.file
    if subject.role == "loader" or inode is None or inode.data[:2] != b"#!":
        return None
    line = inode.data[2 : subject.call.profile.script_line_bytes].partition(b"\n")[0].rstrip(b" \t")
    # A NUL ends it, as it ends every string in C.
    words = re.match(_SCRIPT_LINE, line.partition(b"\0")[0])
    return tuple(word for word in words.groups() if word) if words is not None else ()


_GATHER: dict[str, Callable[[Subject], Any]] = {"walk": _walk, "file": _file, "elf": _elf, "script": _script}


class ExecFacts:
    """What one exec asks about: the program's file, the interpreters, the vectors, the node.

    `machine` where it is decided; `who` the caller's credentials; `cwd` the inode that relative
    names start from; `cmd`, `argv`, `envp` as `pointers` give them.
    """

    __slots__ = (
        "arch", "argv", "chain", "cmd", "cwd", "envp", "machine", "profile", "program", "tree", "who",
    )  # fmt: skip

    chain: tuple[Subject, ...]

    def __init__(self, machine: Any, who: Credentials, cwd: int, cmd: Pointer, argv: Vector, envp: Vector) -> None:
        self.machine = machine
        self.profile: ExecProfile = machine.profile
        self.arch: Arch = machine.arch
        self.tree: FileTree = machine.tree
        self.who = who
        self.cwd = cwd
        self.cmd = cmd
        self.argv = argv
        self.envp = envp
        self.program = Subject(self, b"" if cmd is BAD_ADDRESS else cmd, "program")

    def __getattr__(self, name: str) -> Any:
        # Reached only while a slot is empty: the interpreters, in the order in which they are
        # opened, up to the first bad one.
        if name != "chain":
            raise AttributeError(name)
        chain: list[Subject] = []
        subject: Subject | None = self.program
        while (subject := _interpreter_of(subject)) is not None:
            chain.append(subject)
            if any(test(subject) for test in _ON_INTERPRETERS):
                break
        self.chain = tuple(chain)
        return self.chain

    @property
    def image(self) -> Subject:
        """Give the ELF file that is to run: the program, or the last interpreter of a script."""
        last = self.program
        for subject in self.chain:
            if subject.role == "script":
                last = subject
        return last

    @property
    def argument_bytes(self) -> int:
        """Count the program's name and all strings, each with its NUL."""
        return len(self.program.path) + 1 + self.argv.size_bytes + self.envp.size_bytes

    @property
    def argument_limit_bytes(self) -> int:
        """Tell how much room there is for them."""
        return self.profile.argument_area_bytes[self.arch.bits == 64]

    @property
    def needed_bytes(self) -> int:
        """Tell how much memory is asked for: the argument pages, and the image where it is known."""
        page = self.arch.page_bytes
        needed = -(-self.argument_bytes // page) * page
        inode = self.program.file
        if self.profile.image_memory_reserved and inode is not None:
            needed += memory_of(inode.data, self.arch)
        return needed


def _interpreter_of(subject: Subject | None) -> Subject | None:
    """Give the next file that exec opens behind this one, or None."""
    assert subject is not None
    if subject.role == "loader":
        return None
    if subject.script:
        return Subject(subject.call, subject.script[0], "script", subject.level + 1)
    elf = subject.elf
    if elf is not None and elf.magic_ok and elf.interpreters:
        return Subject(subject.call, elf.interpreters[0].path, "loader", subject.level)
    return None


# ---- Conditions on one file --------------------------------------------------------------------


def search_denied(f: Subject) -> bool:
    return Stop.SEARCH_DENIED in f.walk.stops


def component_too_long(f: Subject) -> bool:
    return Stop.NAME_TOO_LONG in f.walk.stops


def cmd_absent(f: Subject) -> bool:
    return Stop.ABSENT in f.walk.stops


def not_a_directory(f: Subject) -> bool:
    return Stop.NOT_A_DIRECTORY in f.walk.stops


def too_many_links(f: Subject) -> bool:
    return Stop.TOO_MANY_LINKS in f.walk.stops


def path_io_error(f: Subject) -> bool:
    return Stop.IO_ERROR in f.walk.stops


def noexec_mount(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and inode.mount.noexec


def not_regular(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and inode.kind is not Kind.FILE


def not_executable(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and not permits(inode, f.call.who, EXECUTE)


def file_table_full(f: Subject) -> bool:
    # A loader is opened while the program's file is still held; a script's file is let go first.
    return bool(f.call.machine.files.free < (2 if f.role == "loader" else 1))


def cmd_being_written(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and inode.writers > 0


def suid_on_nosuid(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and f.role != "loader" and inode.mount.nosuid and bool(inode.mode & 0o6000)


def header_io_error(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and inode.kind is Kind.FILE and f.call.tree.is_bad(inode)


def format_unknown(f: Subject) -> bool:
    elf = f.elf
    if elf is None or elf.magic_ok:
        return False
    # A script is a format, but not one that may stand behind too many others, or as a loader.
    return f.script is None or f.level >= f.call.profile.script_levels


def wrong_machine(f: Subject) -> bool:
    elf = f.elf
    return elf is not None and elf.magic_ok and f.call.arch.layout_for(elf.e_machine) is None


def header_malformed(f: Subject) -> bool:
    elf = f.elf
    if elf is None:
        return False
    if not elf.magic_ok:
        return f.script == ()
    header_bytes, segment_bytes = (52, 32) if elf.layout.bits == 32 else (64, 56)
    table_bytes = elf.e_phnum * elf.e_phentsize
    if (
        elf.size < header_bytes
        or elf.e_type not in (2, 3)
        or elf.e_phentsize != segment_bytes
        or not 0 < table_bytes <= f.call.profile.table_bytes
        or not elf.table_complete
    ):
        return True
    return f.role != "loader" and bool(elf.interpreters) and _interpreter_malformed(f, elf)


def _interpreter_malformed(f: Subject, elf: ElfFile) -> bool:
    first = elf.interpreters[0]
    return (
        not 2 <= first.p_filesz <= f.call.profile.interpreter_path_bytes
        or not first.complete
        or not first.data.endswith(b"\0")
    )


def second_interpreter(f: Subject) -> bool:
    elf = f.elf
    return f.role != "loader" and elf is not None and elf.magic_ok and len(elf.interpreters) > 1


# Those that speak of the walk: they can hold only where it stopped.
_ON_THE_WAY = (
    search_denied, component_too_long, cmd_absent, not_a_directory, too_many_links, path_io_error,
)  # fmt: skip

# What is tested of each interpreter that exec opens, in the order of the rows.
_ON_INTERPRETERS = (
    search_denied, component_too_long, cmd_absent, not_a_directory, too_many_links, path_io_error,
    noexec_mount, not_regular, not_executable, file_table_full, cmd_being_written, suid_on_nosuid,
    header_io_error, format_unknown, wrong_machine, header_malformed, second_interpreter,
)  # fmt: skip


# ---- Conditions on the call --------------------------------------------------------------------


def cmd_unreadable(f: ExecFacts) -> bool:
    return f.cmd is BAD_ADDRESS


def cmd_empty(f: ExecFacts) -> bool:
    return f.cmd == b""


def cmd_too_long(f: ExecFacts) -> bool:
    longest = f.profile.paths.path_max
    return f.cmd is not BAD_ADDRESS and longest is not None and len(f.cmd) >= longest


def argv_unreadable(f: ExecFacts) -> bool:
    return f.argv.unreadable


def envp_unreadable(f: ExecFacts) -> bool:
    return f.envp.unreadable


def string_unreadable(f: ExecFacts) -> bool:
    return f.argv.bad_element or f.envp.bad_element


def args_too_big(f: ExecFacts) -> bool:
    return f.argument_bytes > f.argument_limit_bytes


def out_of_memory(f: ExecFacts) -> bool:
    return bool(f.needed_bytes > f.machine.memory.free_bytes)


def interpreter_args_too_big(f: ExecFacts) -> bool:
    """The interpreter, its argument and the script's name go into the same area."""
    added = 0
    for subject in (f.program, *f.chain):
        if subject.script:
            added += sum(len(part) + 1 for part in subject.script) + len(subject.path) + 1
    if not added:
        return False
    first = len(f.argv.strings[0]) + 1 if f.argv.strings else 0
    return f.argument_bytes - first + added > f.argument_limit_bytes


def _program(f: ExecFacts) -> Subject:
    return f.program


def _stopped_program(f: ExecFacts) -> Subject | None:
    """Give the program if something is wrong on the way to it."""
    return f.program if f.program.walk.stops else None


def _bad_interpreter(f: ExecFacts) -> Subject | None:
    """Give the last interpreter that was looked at: if one is bad, it is that one."""
    chain = f.chain
    return chain[-1] if chain else None


# ---- Rows --------------------------------------------------------------------------------------

E = Errno

# What the page says of a file, for the program and again for an interpreter that it names.
_FILE_ROWS: dict[Callable[[Subject], bool], tuple[Errno, str]] = {
    search_denied: (E.EACCES, "the program may not search a directory on the path to {file}"),
    component_too_long: (E.ENAMETOOLONG, "a name on the path to {file} is too long"),
    cmd_absent: (E.ENOENT, "{file} does not exist"),
    not_a_directory: (E.ENOTDIR, "part of the path to {file} is not a directory"),
    too_many_links: (E.ELOOP, "too many symbolic links on the way to {file}"),
    path_io_error: (E.EIO, "an I/O error occurred on the way to {file}"),
    noexec_mount: (E.EACCES, "{file} lies on a file system from which nothing may be executed"),
    not_regular: (E.EACCES, "{file} is not a file that can be executed but a directory, device, ..."),
    not_executable: (E.EACCES, "the program has no execute permission on {file}"),
    file_table_full: (E.ENFILE, "the limit on open files has been reached when {file} is opened"),
    cmd_being_written: (E.ETXTBSY, "another program has {file} open for writing"),
    suid_on_nosuid: (E.EPERM, "{file} is suid or sgid and its file system is mounted nosuid"),
    header_io_error: (E.EIO, "an I/O error occurred while {file} was read"),
    format_unknown: (E.ENOEXEC, "{file} is in no executable format that is recognized"),
    wrong_machine: (E.ENOEXEC, "{file} is for another architecture"),
    header_malformed: (E.ENOEXEC, "the headers of {file} make no executable"),
    second_interpreter: (E.EINVAL, "{file} is an ELF file with more than one PT_INTERP segment"),
}


def _program_row(test: Callable[[Subject], bool]) -> Row:
    errno, sentence = _FILE_ROWS[test]
    return Row(errno, test, sentence.format(file="cmd"), about=_stopped_program if test in _ON_THE_WAY else _program)


def _interpreter_row(test: Callable[[Subject], bool]) -> Row:
    errno, sentence = _FILE_ROWS[test]
    told = sentence.format(file="the interpreter that cmd names")
    return Row(errno, test, told, about=_bad_interpreter, prefix="interpreter_")


DOCUMENTED_ROWS = (
    Row(E.EFAULT, cmd_unreadable, "cmd points to memory that the program cannot read"),
    Row(E.ENOENT, cmd_empty, "cmd is empty, so it names nothing that exists"),
    Row(E.ENAMETOOLONG, cmd_too_long, "cmd is too long"),
    *map(
        _program_row,
        (
            search_denied, component_too_long, cmd_absent, not_a_directory, too_many_links,
            path_io_error, noexec_mount, not_regular, not_executable, file_table_full, cmd_being_written,
        ),
    ),
    Row(E.EFAULT, argv_unreadable, "argv points to memory that the program cannot read"),
    Row(E.EFAULT, envp_unreadable, "envp points to memory that the program cannot read"),
    _program_row(suid_on_nosuid),
    _program_row(header_io_error),
    Row(E.EFAULT, string_unreadable, "an element of argv or envp points to memory that the program cannot read"),
    Row(E.E2BIG, args_too_big, "the argument list is too big"),
    Row(E.ENOMEM, out_of_memory, "there is not enough memory"),
    *map(_program_row, (format_unknown, wrong_machine, header_malformed, second_interpreter)),
    Row(E.E2BIG, interpreter_args_too_big, "the argument list is too big once the interpreter's is added"),
    *map(_interpreter_row, _ON_INTERPRETERS),
)  # fmt: skip

DOCUMENTED = ExecProfile(
    "documented",
    rows=DOCUMENTED_ROWS,
    source="scyld-bproc_execmove",
    order="linux-2.4.20-exec",
    paths=PathLimits(path_max=4096, name_max=255, nested_links=5, total_links=40),
)

PROFILES: dict[str, ExecProfile] = {DOCUMENTED.name: DOCUMENTED}
