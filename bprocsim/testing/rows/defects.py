"""What makes each row of exec and execmove due: a defect, a few fields of a `Case`.

Where a limit differs from kernel to kernel, the defect steps just over that kernel's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from attrs import field, frozen

import bprocsim as bp
from bprocsim.posix.exec import bad_script_interpreter
from bprocsim.testing.rows.cases import BITS, CALLER, NOWHERE, PORT, TARGET
from bprocsim.testing.rows.files import NAME_MAX
from bprocsim.units import KiB, MiB

Change = Mapping[str, Any]


@frozen
class Defect:
    """What makes one row due: `wrong` are fields of a Case.

    `right` what they are in the nearest world without it (left out: as in a healthy one); `needs`
    what must be so before it can be wrong at all.
    """

    wrong: Change
    right: Change = field(factory=dict)
    needs: Change = field(factory=dict)


_Ways = dict[str, tuple[Defect, ...]]


def defects(cause: str, kernel: str | bp.ExecProfile = "documented") -> tuple[Defect, ...]:
    """Give the ways to a row of a kernel's exec, or of a move behind it, the recipe's first.

    `kernel` a name or a record. KeyError: a cause of no row of exec or execmove.
    """
    if cause.startswith("io_"):
        from bprocsim.testing.rows.iodefects import IO_WAYS  # which are made of this room's

        return IO_WAYS[cause]
    return _all_of(bp.kernels[kernel] if isinstance(kernel, str) else kernel)[cause]


@cache
def _all_of(profile: bp.ExecProfile) -> _Ways:
    """Give the ways to every row, by cause."""
    files = of_files(profile)
    found = {cause: moved("program", each) for cause, each in files.items()}
    for cause, each in files.items():
        of_scripts = moved("interpreter", each, _SCRIPT)
        alike = cause not in _of_scripts_alone(profile)
        found[f"interpreter_{cause}"] = (*moved("interpreter", each, _LOADER), *of_scripts) if alike else of_scripts
    return {**found, **_of_loaders(profile), **OF_CALLS, **of_arguments(profile), **_of_contents(profile)}


def _of_scripts_alone(profile: bp.ExecProfile) -> set[str]:
    """Give what is asked of an interpreter only if a script names it."""
    apart = {row.cause.removeprefix("interpreter_") for row in profile.rows if row.about is bad_script_interpreter}
    return {"suid_on_nosuid", *apart}


_LOADER = {"program.interpreters": 1}
_SCRIPT = {"program.content": "script"}


def ways(name: str, *values: Any) -> tuple[Defect, ...]:
    """Make one defect of each value of a field."""
    return tuple(Defect({name: value}) for value in values)


def moved(part: str, found: Iterable[Defect], needs: Change | None = None) -> tuple[Defect, ...]:
    """Give a file's defects as those of the program or of the interpreter."""

    def of_part(change: Change) -> Change:
        return {f"{part}.{name}": value for name, value in change.items()}

    return tuple(
        Defect(of_part(each.wrong), of_part(each.right), {**of_part(each.needs), **(needs or {})}) for each in found
    )


# ---- of a file that exec opens: the fields are those of files.File ---------------------------------


def of_files(profile: bp.ExecProfile) -> _Ways:
    """Give the ways to what is wrong with a file, the program or an interpreter."""
    links = profile.paths.nested_links or profile.paths.total_links or 0
    return {
        "search_denied": ways("closed", True),
        "component_too_long": (Defect({"name_bytes": NAME_MAX + 1}, {"name_bytes": NAME_MAX}),),
        "cmd_absent": (Defect({"missing": True}), Defect({"missing": True}, needs={"links": 2})),
        "not_a_directory": ways("beneath", True),
        "too_many_links": (Defect({"links": links + 1}, {"links": links}),),
        "path_io_error": (Defect({"bad_way": "directory"}), Defect({"bad_way": "link"}, needs={"links": links + 1})),
        "noexec_mount": ways("noexec", True),
        "not_regular": ways("kind", "directory", "fifo", "chr", "blk", "socket"),
        "not_executable": ways("executable", False),
        "cmd_being_written": ways("written", True),
        "suid_on_nosuid": tuple(Defect({"set_id": mode}, needs={"nosuid": True}) for mode in (0o4000, 0o2000)),
        "header_io_error": ways("bad", True),
        "format_unknown": (*ways("content", "text", "empty"), Defect({"magic": b"\x7fELf"})),
        "script_malformed": (Defect({"malformed": "type"}, needs={"content": "script"}),),
        "wrong_machine": ways("foreign", True),
        "header_malformed": ways(
            "malformed", "type", "entry size", "no entries", "too many entries", "table elsewhere", "short"
        ),
        "header_type_wrong": ways("malformed", "type"),
        "header_entry_size_wrong": ways("malformed", "entry size", "short"),
        "header_table_empty": ways("malformed", "no entries"),
        "header_table_too_long": ways("malformed", "too many entries"),
        "header_table_refused": ways("malformed", "entry size", "too many entries"),
        "header_table_negative": ways("malformed", "negative table"),
        "header_table_short": ways("malformed", "table elsewhere"),
        **{
            cause: tuple(Defect({"malformed": what}, needs={"interpreters": 1}) for what in whats)
            for cause, whats in {
                "interp_path_too_long": ("long interpreter",),
                "interp_path_length_wrong": ("long interpreter", "short interpreter"),
                "interp_path_negative": ("negative interpreter",),
                "interp_path_short": ("interpreter elsewhere",),
                "interp_path_open": ("interpreter",),
            }.items()
        },
    }


def _of_loaders(profile: bp.ExecProfile) -> _Ways:
    return {
        "loader_short": tuple(Defect({"interpreter.content": what}, needs=_LOADER) for what in ("text", "empty")),
        "loader_not_elf": (
            Defect({"interpreter.content": "long text"}, needs=_LOADER),
            Defect({"interpreter.magic": b"\x7fELf"}, needs=_LOADER),
        ),
        "loader_wrong_machine": (Defect({"interpreter.foreign": True}, needs=_LOADER),),
        "loader_header_malformed": tuple(
            Defect({"interpreter.malformed": what}, needs=_LOADER)
            for what in ("entry size", "no entries", "too many entries", "table elsewhere")
        ),
    }


# ---- of the call -----------------------------------------------------------------------------------


def of_arguments(profile: bp.ExecProfile) -> _Ways:
    """Give the ways to what depends on a kernel's limits on arguments and paths."""
    most = profile.pointers_max[BITS == 64] if profile.pointers_max else 0
    # No room for the arguments; and, where it is asked for already, room for them but not for the image.
    left = (0, 32 * KiB) if profile.image_memory_reserved else (0,)
    path_max = profile.paths.path_max or 0
    return {
        "cmd_too_long": (Defect({"cmd_bytes": path_max}, {"cmd_bytes": path_max - 1}),),
        "argv_too_long": (Defect({"argv_pointers": most + 1}, {"argv_pointers": most}),),
        "envp_too_long": (Defect({"envp_pointers": most + 1}, {"envp_pointers": most}),),
        "out_of_memory": tuple(Defect({"free_bytes": each}, {"free_bytes": 1 * MiB}) for each in left),
        "interpreter_file_table_full": (
            Defect({"free_files": 1}, {"free_files": 2}, _LOADER),
            Defect({"free_files": 1}, {"free_files": 2}, {**_SCRIPT, "interpreter.interpreters": 1}),
            Defect({"free_files": 0}, needs=_SCRIPT),
        ),
    }


def _of_contents(profile: bp.ExecProfile) -> _Ways:
    """Give what is wrong with the contents of a file in more ways than a field of it tells."""
    files = of_files(profile)
    deep = {**_SCRIPT, "interpreter.content": "script", "interpreter.malformed": "type"}
    unknown = moved("interpreter", files["format_unknown"], _SCRIPT)
    nested = Defect({"scripts": profile.script_levels - 1}, {"scripts": profile.script_levels - 2}, _SCRIPT)
    return {
        "header_malformed": (
            *moved("program", files["header_malformed"]),
            Defect({"program.malformed": "interpreter"}, needs=_LOADER),
            Defect({"program.malformed": "type"}, needs=_SCRIPT),
        ),
        "second_interpreter": (Defect({"program.interpreters": 2}, _LOADER),),
        "scripts_too_deep": (nested,),
        "interpreter_format_unknown": unknown
        if "format_unknown" in _of_scripts_alone(profile)
        else (
            *moved("interpreter", files["format_unknown"], _LOADER),
            *unknown,
            Defect({"interpreter.content": "script"}, needs=_LOADER),
            Defect({name: deep[name] for name in list(deep)[1:]}, needs=_SCRIPT),
        ),
        "interpreter_second_interpreter": (
            Defect({"interpreter.interpreters": 2}, {"interpreter.interpreters": 1}, _SCRIPT),
        ),
    }


# What is wrong with a call itself, whatever kernel answers it.
OF_CALLS: _Ways = {
    "no_master": ways("daemon", False),
    "cmd_unreadable": ways("cmd", "bad"),
    "cmd_empty": ways("cmd", "empty"),
    "file_table_full": (Defect({"free_files": 0}, {"free_files": 1}), Defect({"free_files": 0})),
    "argv_unreadable": ways("argv", False),
    "envp_unreadable": ways("envp", False),
    "string_unreadable": ways("element", False),
    "args_too_big": (Defect({"room": -1}, {"room": 0}), Defect({"room": -1})),
    "interpreter_args_too_big": (Defect({"room": 0}, {"room": 256}, _SCRIPT),),
    "too_many_descriptors": (Defect({"descriptors": 0}, {"descriptors": 1}),),
    "interpreter_too_many_descriptors": (Defect({"descriptors": 0}, {"descriptors": 1}, _SCRIPT),),
    # After the exec.
    "queue_closed": ways("daemon_ends", True),
    "node_unknown": ways("node", NOWHERE),
    "node_down": ways("down", True),  # and nobody calls from there
    "same_node": (Defect({"node": CALLER}), Defect({"from_node": TARGET})),
    "node_not_permitted": ways("node_mode", 0o110),
    "slave_lost": ways("lost_at", bp.Step.STUB),
    "script_misread": (Defect({"port": 0}, {"port": PORT}, _SCRIPT),),
    "undump_refused": ways("node_arch", "i386"),
    "loader_absent": (
        Defect({"loader_there": False}, needs={**_LOADER, "by_name": True}),
        Defect({"loader_there": False}, needs={**_SCRIPT, "interpreter.interpreters": 1, "by_name": True}),
    ),
    "undump_out_of_memory": (Defect({"node_free_bytes": 32 * KiB}, {"node_free_bytes": 1 * MiB}),),
    # Of a process that runs: its loader goes by name, as all that DUMP_ flags leave out.
    "mapped_file_absent": (Defect({"loader_there": False}, needs={"flags": bp.BPROC_DUMP_EXEC}),),
    "memory_used_up": (Defect({"fork_bytes": 0}, {"fork_bytes": 1 * MiB}),),
    "count_not_positive": (Defect({"count": 0}), Defect({"count": -1})),
    "nodes_unreadable": ways("nodes_readable", False),
    "pids_unwritable": ways("pids_writable", False),
    "sender_lost": (Defect({"sender_dies": True}, needs={"relayed": True}),),
    "no_pid_left": (Defect({"pids_left": 0}, {"pids_left": 1}),),
    "connect_refused": (Defect({"listens": False}, needs={"port": PORT}),),
    "connect_timed_out": (Defect({"silent": True}, needs={"port": PORT, "from_node": 1}),),
}
