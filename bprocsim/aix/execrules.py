"""The exec of AIX: its rows in order, its limits, its `#!` lines, and the search of its p forms.

The page's own list of errors is known from what restates it; the order of the checks stands nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from bprocsim.aix.levels import Level
from bprocsim.aix.libraries import Loader, Trouble, libpath_of
from bprocsim.aix.xcoff import F_EXEC, F_SHROBJ, U803XTOCMAGIC, XcoffFile
from bprocsim.errnos import Errno as E
from bprocsim.manual import Row
from bprocsim.posix import conditions as c
from bprocsim.posix import copying, headers
from bprocsim.posix.exec import (
    ExecFacts,
    ExecProfile,
    Subject,
    bad_interpreter,
    flawed_program,
    stopped_program,
    the_program,
    unnamed,
)
from bprocsim.posix.image import memory_of
from bprocsim.posix.paths import PathLimits
from bprocsim.posix.profiles import ON_THE_WAY, program_row
from bprocsim.posix.search import SearchRules

PAGE = "aix-exec-errors"
ORDER = "choice-aix-exec-order"

PATH, INTERPRETER = "path", "the interpreter that the script names"

# ---- what is asked -------------------------------------------------------------------------------


def argv_unreadable(f: ExecFacts) -> bool:
    return f.argv.unreadable or f.argv.null


def envp_unreadable(f: ExecFacts) -> bool:
    return f.envp.unreadable or f.envp.null


def args_too_big(f: ExecFacts) -> bool:
    return f.argv.size_bytes + f.envp.size_bytes > copying.limit_bytes(f.profile, f.arch.bits)


def interpreter_args_too_big(f: Subject) -> bool:
    """The interpreter, its argument and the script's path have come to the arguments."""
    call = f.call
    added_bytes = copying.area_bytes(f) - call.argument_bytes
    given_bytes = call.argv.size_bytes + call.envp.size_bytes
    return given_bytes + added_bytes > copying.limit_bytes(call.profile, call.arch.bits)


def _image(f: ExecFacts) -> Subject:
    """Give the file that is to run: the program, or the interpreter that a script names."""
    return f.chain[-1] if f.chain else f.program


def out_of_memory(f: ExecFacts) -> bool:
    """A script's memory is its interpreter's."""
    file, page = _image(f).file, f.arch.page_bytes
    needed = -(-(f.argv.size_bytes + f.envp.size_bytes) // page) * page
    if file is not None:
        needed += memory_of(file.data, f.arch)
    return bool(needed > f.machine.memory.free_bytes)


def _headers(f: Subject) -> XcoffFile | None:
    """Give what an XCOFF file begins with; None for what is none."""
    file = cast("XcoffFile | None", f.elf)
    return file if file is not None and file.magic_ok else None


def cmd_being_written(f: Subject) -> bool:
    """A script may be written while it runs."""
    inode = f.walk.inode
    return inode is not None and inode.writers > 0 and _headers(f) is not None


def wrong_machine(f: Subject) -> bool:
    """The 64-bit programs of AIX 4.3 run on nothing later."""
    file = _headers(f)
    return file is not None and file.f_magic == U803XTOCMAGIC


def header_malformed(f: Subject) -> bool:
    file = _headers(f)
    if file is None or file.f_magic == U803XTOCMAGIC:
        return False
    auxiliary = file.auxiliary
    if auxiliary is None or not file.f_flags & F_EXEC or file.f_flags & F_SHROBJ:
        return True
    if not file.table_complete or any(file.section(each) is None for each in (auxiliary.o_sntext, auxiliary.o_snentry)):
        return True
    if any(not file.holds(each) for each in file.sections):
        return True
    return auxiliary.o_snloader != 0 and (file.loader is None or not file.imports_complete)


# ---- rows ----------------------------------------------------------------------------------------

_STALE = (E.ESTALE, c.current_directory_lost, "the current directory is in a file system that was unmounted")
_SILENT = (E.ETIMEDOUT, c.server_silent, "the server of a remote file system on the way to {file} does not answer")
_WRITTEN = (E.ETXTBSY, cmd_being_written, "a program has {file}, a shared-text image, open for writing")
_UNTRANSLATED = (E.EPERM, c.ids_untranslated, "{file} is set-uid or set-gid, and its ids cannot be translated")
_CONTENTS = (
    (E.ENOEXEC, headers.format_unknown, "{file} has no valid magic number"),
    (E.ENOEXEC, headers.script_malformed, "the #! line of {file} names no interpreter"),
    (E.ENOEXEC, wrong_machine, "{file} is a program for another machine or another system"),
    (E.ENOEXEC, header_malformed, "{file} has a valid magic number, but its header is damaged"),
)
_FILE = (c.noexec_mount, c.not_regular, c.not_executable)

_Check = tuple[E, Callable[[Subject], bool], str]


def _of_program(check: _Check, about: Callable[..., Any]) -> Row:
    errno, test, says = check
    return Row(errno, test, says.format(file=PATH), about=about)


def _of_interpreter(check: _Check) -> Row:
    errno, test, says = check
    return Row(errno, test, says.format(file=INTERPRETER), about=bad_interpreter, prefix="interpreter_")


def _as_check(test: Callable[[Subject], bool]) -> _Check:
    """Take what every Unix says of a file."""
    row = program_row(test, "{file}")
    return row.errno, test, row.sentence


_WAY = (_STALE, _SILENT, *map(_as_check, ON_THE_WAY))
_FOUND = (*map(_as_check, _FILE), _WRITTEN, _UNTRANSLATED, _as_check(c.header_io_error))

ROWS = (
    Row(E.EFAULT, c.cmd_unreadable, "path points outside of the process's address space", about=unnamed),
    Row(E.ENAMETOOLONG, c.cmd_too_long, "path is longer than 1023 characters", about=unnamed),
    Row(E.ENOENT, c.cmd_empty, "path is empty", about=unnamed),
    *(_of_program(check, stopped_program) for check in _WAY),
    *(_of_program(check, the_program) for check in _FOUND),
    Row(E.EFAULT, argv_unreadable, "argv is NULL or points outside of the process's address space"),
    Row(E.EFAULT, envp_unreadable, "envp is NULL or points outside of the process's address space"),
    Row(E.EFAULT, copying.string_unreadable, "an element of argv or envp points outside of the address space"),
    Row(E.E2BIG, args_too_big, "arguments and environment take more bytes than the system's limit"),
    *(_of_program(check, flawed_program) for check in _CONTENTS),
    *map(_of_interpreter, (*_WAY, *_FOUND)),
    Row(
        E.E2BIG,
        interpreter_args_too_big,
        "arguments and environment take more bytes than the limit once the interpreter's are added",
        about=bad_interpreter,
    ),
    # A script that an interpreter would be has no valid magic number, whatever its line says.
    *(_of_interpreter(check) for check in _CONTENTS if check[1] is not headers.script_malformed),
    Row(E.ENOMEM, out_of_memory, "the image needs more memory than the system has"),
)

# ---- a missing library as an error of exec ---------------------------------------------------------


def bad_library(f: ExecFacts) -> Trouble | None:
    """Give what is wrong with a library that the image needs."""
    image = _image(f)
    who, inode, file = f.who, image.walk.inode, _headers(image)
    if inode is None or file is None:
        return None
    secure = who.uid != who.euid or who.gid != who.egid or bool(inode.mode & 0o6000)
    return Loader(f.machine, who, f.cwd, libpath_of(f.envp.strings, secure)).trouble(file)


def library_absent(f: Trouble) -> bool:
    return f.errno is E.ENOENT


def library_path_not_a_directory(f: Trouble) -> bool:
    return f.errno is E.ENOTDIR


def library_name_too_long(f: Trouble) -> bool:
    return f.errno is E.ENAMETOOLONG


def library_denied(f: Trouble) -> bool:
    return f.errno is E.EACCES


def library_unrecognized(f: Trouble) -> bool:
    return f.errno is E.ENOEXEC


def library_being_written(f: Trouble) -> bool:
    return f.errno is E.ETXTBSY


def library_too_big(f: Trouble) -> bool:
    return f.errno is E.ENOMEM


def library_in_lost_file_system(f: Trouble) -> bool:
    return f.errno is E.ESTALE


def library_unreachable(f: Trouble) -> bool:
    return f.errno in (E.ELOOP, E.EIO, E.ETIMEDOUT)


LIBRARY_ROWS = tuple(
    Row(errno, condition, sentence, about=bad_library)
    for errno, condition, sentence in (
        (E.ENOENT, library_absent, "a shared library that the image needs cannot be found"),
        (E.ENOTDIR, library_path_not_a_directory, "part of the path to a shared library is not a directory"),
        (E.ENAMETOOLONG, library_name_too_long, "the path to a shared library is too long"),
        (E.EACCES, library_denied, "a shared library may not be reached or read"),
        (E.ENOEXEC, library_unrecognized, "a shared library is none, or none for this image"),
        (E.ETXTBSY, library_being_written, "a shared library is open for writing"),
        (E.ENOMEM, library_too_big, "a shared library needs more memory than the system has"),
        (E.ESTALE, library_in_lost_file_system, "a shared library is looked for in a file system that was unmounted"),
        (E.EIO, library_unreachable, "a shared library cannot be read"),
    )
)

# ---- scripts ---------------------------------------------------------------------------------------

# The interpreter, and at most one word behind it; more is not looked at.
_LINE = re.compile(rb"[ \t]*([^ \t\0]+)(?:[ \t]+([^ \t\0]+))?")


def read_line(data: bytes, line_bytes: int) -> tuple[bytes, ...]:
    """Read a `#!` line: the interpreter, and a word; () if it names none or no newline ends it. Source: aix-exec."""
    line, newline, _ = data[2:line_bytes].partition(b"\n")
    words = _LINE.match(line) if newline else None
    return tuple(word for word in words.groups() if word) if words is not None else ()


# ---- the profile -----------------------------------------------------------------------------------

# Sources: aix-exec (its p forms), choice-aix-exec-order.
SEARCH = SearchRules(
    default_path=b"/usr/bin:/bin",
    goes_on=frozenset({E.ENOENT, E.ENOTDIR, E.EACCES}),
    remembered=frozenset({E.EACCES}),
    shell=b"/usr/bin/sh",
)


@cache
def exec_profile(level: Level) -> ExecProfile:
    """Give the rules of exec of a level; they differ in how much argv and envp may take, and in `library_failure`.

    Source of the limits on paths: aix-errno.
    """
    return ExecProfile(
        "aix",
        rows=(*ROWS, *LIBRARY_ROWS) if level.library_failure == "errno" else ROWS,
        source=PAGE,
        order=ORDER,
        paths=PathLimits(path_max=1024, name_max=255, nested_links=None, total_links=20),
        argument_area_bytes=(level.argument_bytes, level.argument_bytes),
        read_script=read_line,
        script_line_bytes=256,
        fates=(),
        search=SEARCH,
    )
