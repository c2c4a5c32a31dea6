"""What the manual pages say, in our words: by which names a call goes, what it does, how to meet each row.

The ERRORS themselves are not here: they are the tables by which the calls decide.
"""

from __future__ import annotations

from collections.abc import Iterable

from bprocsim.cli.aixpages import AIX_PAGES
from bprocsim.cli.ioways import IO_WAYS
from bprocsim.cli.lparways import AIX_EXEC_WAYS, LPAR_WAYS
from bprocsim.cli.movepages import LIST, MOVE_PAGES, STAYS
from bprocsim.cli.nodeways import NODE_WAYS
from bprocsim.cli.page import Page
from bprocsim.cli.posixways import POSIX_WAYS
from bprocsim.cli.usage import UsageError, unknown
from bprocsim.manual import Errors, Kind, Row

PAGES = (
    Page(
        ("bproc_execmove", "_bproc_execmove_io", "bproc_execmove_io"),
        "load a program here, move it to another node, run it there",
        (
            "int bproc_execmove(int node, const char *cmd,",
            "                   char *const argv[], char *const envp[]);",
            "int _bproc_execmove_io(int node, int port, const char *cmd,",
            "                       char *const argv[], char *const envp[]);",
            "int bproc_execmove_io(int node, struct bproc_io_t *io, int iolen,",
            "                      const char *cmd, char *const argv[], char *const envp[]);",
        ),
        (
            (
                "does",
                "Load the binary image of cmd on the calling node, move it to node, and run it there. "
                "The image travels, the dynamically loaded libraries do not: those must be present on node.",
            ),
            (
                "port",
                "0, as with bproc_execmove: stdout and stderr, and nothing else, go home through the socket by "
                "which the process came. Any other: a TCP port of the caller's node, to which three connections "
                "are made, for stdout, stderr and stdin.",
            ),
            LIST,
            ("success", "The call does not return: the caller has become the new image, on another node."),
            (
                "failure",
                "Until the image is loaded, -1 is returned and errno is set. After that there is no caller to "
                "return to: the process exits, and the low eight bits of the errno are its exit status.",
            ),
        ),
    ),
    Page(
        ("execve", "execv", "execvp", "execvpe", "execl", "execle", "execlp"),
        "become another program",
        ("int execve(const char *cmd, char *const argv[], char *const envp[]);",),
        (
            (
                "does",
                "Replace the program of the calling process by the one in the file cmd, on the same node. The "
                "process keeps its pid, its parent and its descriptors. The forms with a p look for the file "
                "along PATH.",
            ),
            ("success", "The call does not return: the caller has become the new image."),
            ("failure", "-1 is returned, errno is set, and the old program goes on."),
        ),
    ),
    *MOVE_PAGES,
    Page(("waitpid", "wait"), "wait for a child", (), ()),
    *AIX_PAGES,
)


def page_of(call: str) -> Page:
    """Give a call's page; for one without prose here, what its face says of it in one sentence."""
    for page in PAGES:
        if call == page.names[0] and page.says:
            return page
    return Page((call,), f"a call of {'BProc' if 'bproc' in call else 'POSIX'}", (), (("does", _first(call)),))


def own_of_edition(call: str, edition: str) -> tuple[tuple[str, str], ...]:
    """Give what a call's page says besides in an edition that takes a move to the own node for one that succeeded."""
    import bprocsim as bp

    return (("own node", STAYS[call]),) if call in STAYS and bp.editions[edition].stays_put else ()


def system_of(call: str) -> str:
    """Tell whose numbers the errnos of a call have: "linux" or "aix"."""
    return "aix" if any(call in page.names for page in AIX_PAGES) else "linux"


def tables_of(edition: str, kernel: str, level: str) -> dict[str, Errors]:
    """Give the tables by their calls; of AIX's only what the level has."""
    import bprocsim as bp
    from bprocsim.testing import tables
    from bprocsim.testing.rows.tables import of_level

    asked = bp.levels[level]
    return {
        call: of_level(table, asked) if system_of(call) == "aix" else table
        for call, table in tables(edition, kernel, level).items()
        if call not in asked.lacks
    }


def never_failing(edition: str, level: str) -> dict[str, Errors]:
    """Give the tables of the calls that have no row, by their calls; of AIX's only what the level has."""
    import bprocsim as bp
    from bprocsim.aix.rsetcalls import RS_FREE
    from bprocsim.aix.sradcalls import RS_GET_HOMESRAD

    services = (*bp.editions[edition].calls().values(), RS_FREE, RS_GET_HOMESRAD)
    lacks = bp.levels[level].lacks
    return {
        each.errors.call: each.errors for each in services if not each.errors.rows and each.errors.call not in lacks
    }


# What some calls return when they fail, by name; None is NULL.
_FAILED = {None: "NULL", -3: "BPROC_NODE_NONE (-3)"}


def failure_of(table: Errors) -> str:
    """Name what a call returns when it fails."""
    return _FAILED.get(table.failed) or str(table.failed)


def is_late(row: Row) -> bool:
    """Tell whether a row is met after the exec, when nothing can be returned any more."""
    return row.kind is Kind.LATE


def is_slot(row: Row) -> bool:
    """Tell whether a row is told of one node of several, while the call goes on for the others."""
    return row.kind is Kind.SLOT


SLOT_TITLE = "In the node's slot: the errno's negative number; the call goes on for the others"


def late_title(rows: Iterable[Row]) -> str:
    """Give the heading of a table's late rows."""
    if any(row.status is not None for row in rows):
        return "Late: the process is on the other node already, and exits"
    return "Late: the exec has succeeded, so the process exits with the errno's number"


def _first(call: str) -> str:
    """Give the first sentence of what a process's method for the call says of itself."""
    from bprocsim.faces.bproc import BprocProc

    method = getattr(BprocProc, {"nanosleep": "sleep"}.get(call, call), None)
    text = "" if method is None else " ".join((method.__doc__ or "").split("\n\n")[0].split())
    return text.partition(" Errors: ")[0].replace("`", "") or "(there is no description of this call yet)"


def find_call(given: str, known: Iterable[str], level: str) -> str:
    """Give the table's name of a call named in any case, or by an alias; UsageError names what there is.

    A call that the level of AIX lacks is said to be so.
    """
    names = {name.lower(): name for name in known}
    for page in PAGES:
        if page.names[0] in names.values():
            for alias in page.names:
                names.setdefault(alias, page.names[0])
    found = names.get(given.lower().removesuffix("()"))
    if found is None:
        import bprocsim as bp
        from bprocsim.testing import tables

        if given.lower().removesuffix("()") in bp.levels[level].lacks:
            raise UsageError(f"AIX {level} has no {given}")
        having = [each for each in bp.editions if _named(given, (*tables(each), *never_failing(each, level)))]
        if having:
            raise UsageError(f"this edition has no {given}, but {' and '.join(having)}: add --edition {having[0]}")
        raise unknown("call", given, dict.fromkeys(names.values()), names)
    return found


def _named(given: str, known: Iterable[str]) -> bool:
    """Tell whether a call goes by a name, in any case, or by one of its page's."""
    name = given.lower().removesuffix("()")
    return any(name in (call, *page_of(call).names) for call in known)


# How to come to each row: one sentence by its cause.
_WAYS = {
    "no_master": "Call while no master daemon runs.",
    "cmd_unreadable": "Pass an address outside the program's memory as cmd.",
    "cmd_empty": "Pass the empty string as cmd.",
    "cmd_too_long": "Pass a path of 4096 bytes; 4095 are allowed.",
    "search_denied": "Put the file into a directory on which the caller has no x permission.",
    "component_too_long": "Let a name between two slashes have 256 bytes; 255 are allowed.",
    "cmd_absent": "Name a file that is not there, or a symbolic link that leads to none.",
    "not_a_directory": "Let the path go on below a file, as in /bin/sh/x.",
    "too_many_links": "Let the path be a link to a link, and so on, six deep (41 on Linux 6); five (40) are followed.",
    "path_io_error": "Let the disk fail where a directory on the path lies.",
    "noexec_mount": "Put the file on a file system that is mounted noexec.",
    "not_regular": "Name a directory, a device, a FIFO or a socket.",
    "not_executable": "Take the caller's x permission on the file away.",
    "file_table_full": "Call on a node where no more file can be opened.",
    "cmd_being_written": "Call while another program has the file open for writing.",
    "argv_unreadable": "Pass an address outside the program's memory as argv.",
    "envp_unreadable": "Pass an address outside the program's memory as envp.",
    "suid_on_nosuid": "Put a set-uid or set-gid file on a file system that is mounted nosuid.",
    "header_io_error": "Let the disk fail where the file's contents lie.",
    "string_unreadable": "Put an address outside the program's memory among the elements of argv or envp.",
    "args_too_big": "Let cmd, argv and envp together take one byte more than the limit.",
    "out_of_memory": "Call on a node that has no memory left.",
    "format_unknown": "Let the file be a text that does not begin with #!.",
    "wrong_machine": "Let the file be an ELF image for another kind of processor.",
    "header_malformed": "Let the file be an ELF file that cannot be executed, such as an object file.",
    "second_interpreter": "Let the file be an ELF image with two PT_INTERP segments.",
    "argv_too_long": "Let argv have more elements than pointers fit into 128 KiB.",
    "envp_too_long": "Let envp have more elements than pointers fit into 128 KiB.",
    "script_malformed": "Let the file begin with #! and name no interpreter behind it.",
    "scripts_too_deep": "Let a script's interpreter be a script, and so on, six deep; five are followed.",
    "header_type_wrong": "Let the file be an ELF file, but an object file or a core dump.",
    "header_entry_size_wrong": "Let e_phentsize be another than 32 (ELF32) or 56 (ELF64).",
    "header_table_empty": "Let e_phnum be 0.",
    "header_table_too_long": "Let e_phnum say that the program headers take more than 64 KiB.",
    "header_table_refused": "Let e_phentsize be wrong, or the program headers take more than 64 KiB.",
    "header_table_negative": "Let e_phoff be 2**63 or more.",
    "header_table_short": "Cut the file within its program headers.",
    "too_many_descriptors": "Call with all descriptors of the process in use.",
    "interp_path_too_long": "Let the p_filesz of the PT_INTERP be over 4096.",
    "interp_path_length_wrong": "Let the p_filesz of the PT_INTERP be under 2 or over 4096.",
    "interp_path_negative": "Let the p_offset of the PT_INTERP be 2**63 or more.",
    "interp_path_short": "Let the p_offset of the PT_INTERP lie behind the end of the file.",
    "interp_path_open": "Let the last byte of the PT_INTERP be other than NUL.",
    "loader_short": "Let PT_INTERP name a file that is shorter than a header.",
    "loader_not_elf": "Let PT_INTERP name a text or a script.",
    "loader_wrong_machine": "Let PT_INTERP name an ELF image for another kind of processor than the program's.",
    "loader_header_malformed": "Let PT_INTERP name an ELF file with bad program headers.",
    "interpreter_file_table_full": "Call on a node where one more file can be opened: the loader would be the second.",
    "interpreter_args_too_big": "Call a script with arguments that just fit: its interpreter's name no longer does.",
    "queue_closed": "Let the master's daemon end while the call is still on the caller's node, the master.",
    "node_unknown": "Name a node that the cluster does not have.",
    "node_down": "Name a node that is switched off.",
    "same_node": "Name the node on which the caller is.",
    "node_not_permitted": "Call as somebody whom the node's mode shuts out.",
    "slave_lost": "Let the node lose power while the process, or the request, is on its way.",
    "script_misread": "Call a script with port 0, which stands for no I/O list.",
    "undump_refused": "Name a node of another architecture than the image's.",
    "loader_absent": "Let the loader be on the library list, so that it is sent by name only, and absent on the node.",
    "undump_out_of_memory": "Name a node that has less memory left than the image takes.",
    "count_not_positive": "Say that the array of nodes holds none, or less than none.",
    "nodes_unreadable": "Pass an address outside the program's memory as nodes, or a count larger than the array.",
    "pids_unwritable": "Pass an address outside the program's memory as pids.",
    "sender_lost": "Let the node that has the image already lose power while it passes it on.",
    "mapped_file_absent": "Leave DUMP_OTHER out of the flags, and name a node without the caller's loader.",
    "connect_refused": "Give a port on which nobody listens.",
    "connect_timed_out": "Cut the link to the caller's node before the connections are made.",
}


# A loader, which PT_INTERP names, is not looked at for these.
_OF_SCRIPTS = frozenset(
    {"interpreter_suid_on_nosuid", "interpreter_too_many_descriptors", "interpreter_second_interpreter"}
)


def way_to(cause: str, of_script: bool = False, system: str = "linux", call: str = "bproc") -> str:
    """Tell in one sentence how to come to a row; "" where nobody has written it down.

    `of_script` a row of an interpreter is asked only of one that a script names, as always on AIX; `call` whose
    row it is: only those of BProc are about nodes, and POSIX has ways of its own.
    """
    from bprocsim.testing.rows.recipes import posix_tables  # most commands ask for no way

    on_aix = system == "aix"
    bproc = {**_WAYS, **IO_WAYS, **(NODE_WAYS if "bproc" in call else {})}
    if any(call == table.call for table in posix_tables()):
        ways = {**_WAYS, **POSIX_WAYS}
    else:
        ways = {**bproc, **LPAR_WAYS, **AIX_EXEC_WAYS} if on_aix else {**LPAR_WAYS, **bproc}
    if cause in ways:
        return ways[cause]
    way = ways.get(cause.removeprefix("interpreter_"), "")
    named = "#!" if of_script or on_aix or cause in _OF_SCRIPTS else "#! or PT_INTERP"
    what = "path" if on_aix else "cmd"
    return f"Of the interpreter that {what} names, by {named}: {way[0].lower()}{way[1:]}" if way else ""
