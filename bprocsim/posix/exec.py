"""execve: the rules of a kernel as data, and the facts of one call.

What a file is, is looked at once; interpreters and strings only when a row asks for them. The
conditions over them are in `conditions`, `copying` and `headers`, the rows in `profiles` and `linux`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector
from bprocsim.manual import Row
from bprocsim.posix.arch import Arch
from bprocsim.posix.copying import copy
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.elf import ElfFile
from bprocsim.posix.image import memory_of, read_elf, read_once
from bprocsim.posix.mapping import OLD_FATES, Fate
from bprocsim.posix.paths import NOWHERE, PathLimits, walk
from bprocsim.posix.scripts import read_cut
from bprocsim.posix.search import GLIBC, SearchRules
from bprocsim.posix.vfs import FILE, FileTree, Inode
from bprocsim.units import KiB, MiB


@frozen(eq=False)
class ExecProfile:
    """The rules of one kernel for exec and paths: rows in order, and limits.

    `source` and `order` ids of sources; `paths` the limits of the walk.

    Arguments: `argument_area_bytes` what name, arguments and environment may take, by word size (32
    bits, 64); None: a quarter of `stack_bytes`, from 128 KiB to 6 MiB. `pointers_count` the pointers
    take of it too; `pointers_max` how many may be in one vector, by word size; `string_bytes` the
    longest single string with its NUL; None: no such limit. `empty_argv_gets_name` an argv without
    strings becomes one with an empty string.

    Scripts: `read_script` reads a `#!` line of which `script_line_bytes` are looked at;
    `script_levels` behind how many scripts no further one may stand; `script_kept` its file is
    still open when its interpreter is opened.

    ELF files: `interpreter_path_bytes` the longest PT_INTERP; `table_bytes` the largest header
    table; `loader_header_bytes` how long a loader must be (0: as long as a header).

    `reserved_files` how many of the node's open files only euid 0 may take; `files_unlimited_by`
    the capability whose holder knows no such limit; `image_memory_reserved` memory for the whole
    image is asked for with the argument pages (a choice of ours), and not only when it is touched.

    After the point of no return: `fates` and `loader_fates`, what kills an image for its own headers
    or for its loader's; `user_top` where user space ends, by word size; `lowest_address` below
    which only CAP_SYS_RAWIO may map; `stack_tables_bytes` what a kernel adds to arguments and their
    vectors on the stack, by word size of the image; None: it always finds room.

    `search` how the system's C library looks for a program along PATH.
    """

    name: str
    rows: tuple[Row, ...]
    source: str
    order: str
    paths: PathLimits
    argument_area_bytes: tuple[int, int] | None = (128 * KiB - 4, 128 * KiB - 8)
    stack_bytes: int = 8 * MiB
    pointers_count: bool = False
    pointers_max: tuple[int, int] | None = None
    string_bytes: int | None = None
    empty_argv_gets_name: bool = False
    read_script: Callable[[bytes, int], tuple[bytes, ...]] = read_cut
    script_line_bytes: int = 127
    script_levels: int = 1
    script_kept: bool = False
    interpreter_path_bytes: int = 4096
    table_bytes: int = 65536
    loader_header_bytes: int = 0
    reserved_files: int = 0
    files_unlimited_by: str = ""
    image_memory_reserved: bool = True
    fates: tuple[Fate, ...] = OLD_FATES
    loader_fates: tuple[Fate, ...] = ()
    user_top: tuple[int, int] = (0xC000_0000, 1 << 47)
    lowest_address: int = 0
    stack_tables_bytes: tuple[int, int] | None = None
    search: SearchRules = GLIBC
    # What is tested of each interpreter that exec opens, by its role, in the order of the rows.
    on_interpreters: dict[str, tuple[Callable[[Subject], bool], ...]] = field(init=False, repr=False)

    @on_interpreters.default
    def _of_rows(self) -> dict[str, tuple[Callable[[Subject], bool], ...]]:
        return {
            role: tuple(row.condition for row in self.rows if row.about in (bad_interpreter, about))
            for role, about in (("script", bad_script_interpreter), ("loader", bad_loader))
        }

    def lacks_files(self, free: int, who: Credentials, count: int = 1) -> bool:
        """Tell whether somebody may not open `count` files more, where the machine's table has `free` left."""
        if self.files_unlimited_by and who.can(self.files_unlimited_by):
            return False
        return free - (self.reserved_files if who.euid else 0) < count


class Subject:
    """One file that exec opens: the program, or an interpreter.

    `path` as it is named; `role` "program", "script" (the interpreter of a script) or "loader"
    (that of an ELF file); `named_by` the file that names it; `level` how many scripts led here.
    `walk` where the path leads; `file` the inode if it is a regular file that can be read; `elf` its
    headers as this kernel reads them; `script` (interpreter,) or (interpreter, argument) of a `#!`
    file, () if the line names none.
    """

    __slots__ = ("call", "elf", "file", "level", "named_by", "path", "role", "script", "walk")

    def __init__(
        self, call: ExecFacts, path: bytes, role: str, level: int = 0, named_by: Subject | None = None
    ) -> None:
        self.call = call
        self.path = path
        self.role = role
        self.level = level
        self.named_by = named_by
        profile = call.profile
        if role == "program" and (not path or profile.paths.too_long(path)):
            self.walk = NOWHERE
        else:
            # An interpreter's empty name opens the current directory, as in real kernels.
            self.walk = walk(call.tree, call.cwd, path or b".", call.who, profile.paths, root=call.root)
        self.file: Inode | None = None
        self.elf: ElfFile | None = None
        self.script: tuple[bytes, ...] | None = None
        inode = self.walk.inode
        if inode is not None and inode.kind is FILE and not call.tree.is_bad(inode):
            self.file = inode
            self.elf = read_elf(inode.data, call.arch)
            if role != "loader":
                self.script = _script_of(inode.data, profile)


def _script_of(data: bytes, profile: ExecProfile) -> tuple[bytes, ...] | None:
    """Read the `#!` line of a file; None if it has none."""
    return profile.read_script(data, profile.script_line_bytes) if data.startswith(b"#!") else None


class ExecFacts:
    """What one exec asks about: the program's file, the interpreters, the vectors, the node.

    `machine` where it is decided; `who` the caller's credentials; `cwd` the inode that relative
    names start from; `cmd`, `argv`, `envp` as `pointers` give them; `process` the caller's, None if
    it is made for this call. `argument_bytes` the program's name and all strings, each with its NUL.
    """

    __slots__ = (
        "_chain", "_copied", "arch", "argument_bytes", "argv", "cmd", "cwd", "envp", "machine", "process", "profile",
        "program", "root", "tree", "who",
    )  # fmt: skip

    def __init__(
        self, machine: Any, who: Credentials, cwd: int, cmd: Pointer, argv: Vector, envp: Vector, process: Any = None
    ) -> None:
        self.machine = machine
        self.profile: ExecProfile = machine.profile
        self.arch: Arch = machine.arch
        self.tree: FileTree = machine.tree
        self.who = who
        self.cwd = cwd
        self.cmd = cmd
        self.argv = argv
        self.envp = envp
        self.process = process
        self.root = 0 if process is None else process.root
        path = b"" if cmd is BAD_ADDRESS else cmd
        self.program = Subject(self, path, "program")
        self.argument_bytes = len(path) + 1 + argv.size_bytes + envp.size_bytes
        self._chain: tuple[Subject, ...] | None = None
        self._copied: str | None = None

    @property
    def chain(self) -> tuple[Subject, ...]:
        """Give the interpreters in the order in which they are opened, up to the first bad one."""
        if self._chain is None:
            self._chain = _chain(self.program, self.profile)
        return self._chain

    @property
    def copied(self) -> str:
        """Tell where copying the strings stopped; "" if all are there."""
        if self._copied is None:
            self._copied = copy(self)
        return self._copied

    def forget(self) -> None:
        """Let go of the files: they and the facts know each other, and only a garbage collector would find them."""
        del self.program
        self._chain = None

    @property
    def free_descriptors(self) -> int:
        """Tell how many more descriptors the caller may have; a process made for the call has some."""
        return 1 if self.process is None else self.process.open_limit - len(self.process.descriptors)

    @property
    def needed_bytes(self) -> int:
        """Tell how much memory is asked for: the argument pages, and the image where it is known."""
        page = self.arch.page_bytes
        needed = -(-self.argument_bytes // page) * page
        inode = self.program.file
        if self.profile.image_memory_reserved and inode is not None:
            needed += memory_of(inode.data, self.arch)
        return needed


def _chain(program: Subject, profile: ExecProfile) -> tuple[Subject, ...]:
    """Give the interpreters in the order in which they are opened, up to the first bad one."""
    chain: list[Subject] = []
    subject: Subject | None = program
    while (subject := _interpreter_of(subject)) is not None:
        chain.append(subject)
        if any(test(subject) for test in profile.on_interpreters[subject.role]):
            break
    return tuple(chain)


def _interpreter_of(subject: Subject | None) -> Subject | None:
    """Give the next file that exec opens behind this one, or None."""
    assert subject is not None
    if subject.role == "loader":
        return None
    if subject.script:
        return Subject(subject.call, subject.script[0], "script", subject.level + 1, subject)
    elf = subject.elf
    if elf is not None and elf.magic_ok and elf.interpreters:
        return Subject(subject.call, elf.interpreters[0].path, "loader", subject.level, subject)
    return None


# ---- what rows ask -------------------------------------------------------------------------------


def the_program(f: ExecFacts) -> Subject:
    """Give the program's file."""
    return f.program


def unnamed(f: ExecFacts) -> ExecFacts | None:
    """Give the facts if cmd is such that nothing was looked up: unreadable, empty, or too long."""
    return f if f.program.walk is NOWHERE else None


def stopped_program(f: ExecFacts) -> Subject | None:
    """Give the program if something is wrong on the way to it."""
    return f.program if f.program.walk.stops else None


def flawed_program(f: ExecFacts) -> Subject | None:
    """Give the program if something is wrong with what its file holds."""
    file = f.program.file
    return f.program if file is not None and _is_flawed(file.data, f.arch, f.profile) else None


@frozen(eq=False)
class _Contents:
    """What a program's file holds: as much of a Subject, and of its call, as the conditions in `headers` ask."""

    arch: Arch
    profile: ExecProfile
    elf: ElfFile
    script: tuple[bytes, ...] | None
    role = "program"
    level = 0

    @property
    def call(self) -> _Contents:
        """Give what says by which rules it is read."""
        return self


@read_once
def _is_flawed(data: bytes, arch: Arch, profile: ExecProfile) -> bool:
    """Tell whether a row about a program's contents holds; the same bytes are judged once."""
    contents = _Contents(arch, profile, read_elf(data, arch), _script_of(data, profile))
    return any(row.condition(contents) for row in profile.rows if row.about is flawed_program)


def bad_interpreter(f: ExecFacts) -> Subject | None:
    """Give the last interpreter that was looked at: if one is bad, it is that one."""
    chain = f.chain
    return chain[-1] if chain else None


def bad_script_interpreter(f: ExecFacts) -> Subject | None:
    """Give it if a script names it."""
    last = bad_interpreter(f)
    return last if last is not None and last.role == "script" else None


def bad_loader(f: ExecFacts) -> Subject | None:
    """Give it if an ELF file names it."""
    last = bad_interpreter(f)
    return last if last is not None and last.role == "loader" else None
