"""What makes a row due in a user's world: for each cause that lies in the world, how it is brought about there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import frozen

import bprocsim as bp
from bprocsim.testing.coverage.places import Place
from bprocsim.testing.rows.files import File, elf_content
from bprocsim.testing.rows.xcofffiles import xcoff_content
from bprocsim.units import KiB

_SET_ID = 0o4000
_LITTLE_BYTES = 32 * KiB  # less than any image takes


@frozen
class Aim:
    """What a row is to be due for: the `nodes` that calls name, and the machines, `numbers`, whose state decides."""

    world: Any
    nodes: tuple[int, ...]
    numbers: tuple[int, ...]


# ---- of a file that exec opens: the program, or its interpreter ----------------------------------


def _unlink(place: Place) -> None:
    place.fs.unlink(place.path)


def _leads_nowhere(place: Place) -> None:
    place.replace_by_link(place.path)  # a link to itself


def _is_directory(place: Place) -> None:
    place.fs.unlink(place.path)
    place.fs.mkdir(place.path)


def _close_directory(place: Place) -> None:
    place.fs.chmod(place.directory, 0o700)


def _below_a_file(place: Place) -> None:
    """Let a link lead through a file, as if it were a directory."""
    place.fs.unlink(place.path)
    place.fs.write_file(f"{place.path}.d", b"")
    place.fs.symlink(f"{place.path}.d/file", place.path)


def _take_x_away(place: Place) -> None:
    place.fs.chmod(place.path, place.fs.stat(place.path).mode & ~0o111)


def _hold_open(place: Place) -> None:
    place.fs.open_for_write(place.path)  # for good


def _no_reading(place: Place) -> None:
    place.world.inject(bp.IoError(place.number, place.path))


def _no_searching(place: Place) -> None:
    place.world.inject(bp.IoError(place.number, place.directory))


def _written(**fields: Any) -> Callable[[Place], None]:
    """Make what lets a file hold an image with such fields of a File."""

    def write(place: Place) -> None:
        file = File("/", **fields)
        on_aix = place.machine.partition is not None
        place.rewrite(xcoff_content(file, "") if on_aix else elf_content(file, (_LOADER, _LOADER)))

    return write


_LOADER = "/lib64/ld-linux-x86-64.so.2"

OF_FILES: Mapping[str, Callable[[Place], None]] = MappingProxyType(
    {
        "search_denied": _close_directory,
        "cmd_absent": _unlink,
        "not_a_directory": _below_a_file,
        "too_many_links": _leads_nowhere,
        "path_io_error": _no_searching,
        "noexec_mount": lambda place: place.remount(noexec=True),
        "not_regular": _is_directory,
        "not_executable": _take_x_away,
        "cmd_being_written": _hold_open,
        "suid_on_nosuid": lambda place: place.remount(_SET_ID, nosuid=True),
        "ids_untranslated": lambda place: place.remount(_SET_ID, foreign_ids=True),
        "server_silent": lambda place: place.remount(silent=True),
        "header_io_error": _no_reading,
        "format_unknown": _written(content="text"),
        "script_malformed": _written(content="script", malformed="type"),
        "wrong_machine": _written(foreign=True),
        "header_malformed": _written(malformed="type"),
        "second_interpreter": _written(interpreters=2),
        "header_type_wrong": _written(malformed="type"),
        "header_entry_size_wrong": _written(malformed="entry size"),
        "header_table_empty": _written(malformed="no entries"),
        "header_table_too_long": _written(malformed="too many entries"),
        "header_table_refused": _written(malformed="entry size"),
        "header_table_negative": _written(malformed="negative table"),
        "header_table_short": _written(malformed="table elsewhere"),
        "interp_path_too_long": _written(malformed="long interpreter", interpreters=1),
        "interp_path_length_wrong": _written(malformed="long interpreter", interpreters=1),
        "interp_path_negative": _written(malformed="negative interpreter", interpreters=1),
        "interp_path_short": _written(malformed="interpreter elsewhere", interpreters=1),
        "interp_path_open": _written(malformed="interpreter", interpreters=1),
        # Of the file that PT_INTERP names.
        "loader_short": _written(content="empty"),
        "loader_not_elf": _written(content="long text"),
        "loader_wrong_machine": _written(foreign=True),
        "loader_header_malformed": _written(malformed="no entries"),
    }
)


# ---- of the machine where a call is made, and of the nodes that it names -------------------------


def _on_each(change: Callable[[Any], None]) -> Callable[[Aim], None]:
    """Make what changes every node that is aimed at."""

    def each(aim: Aim) -> None:
        for number in aim.nodes:
            change(aim.world.nodes[number])

    return each


def _strikes_each(fault: Callable[[int], bp.Fault]) -> Callable[[Aim], None]:
    """Make what strikes every node that is aimed at."""

    def each(aim: Aim) -> None:
        for number in aim.nodes:
            aim.world.inject(fault(number))

    return each


def _no_memory(aim: Aim) -> None:
    for number in aim.numbers:
        aim.world.inject(bp.MemoryFull(number, 0))


def _files_left(count: int) -> Callable[[Aim], None]:
    """Make what lets so many more files be open on the calling node."""

    def leave(aim: Aim) -> None:
        for number in aim.numbers:
            aim.world.inject(bp.OpenFileLimit(number, count + aim.world.home.profile.reserved_files))

    return leave


_OF_WORLDS: Mapping[str, Callable[[Aim], None]] = MappingProxyType(
    {
        "no_master": lambda aim: aim.world.inject(bp.MasterDaemonExit(aim.world.sim.now_ns)),
        "out_of_memory": _no_memory,
        "file_table_full": _files_left(0),
        "files_used_up": _files_left(0),
        "interpreter_file_table_full": _files_left(1),
    }
)

# Of the nodes that BProc's calls name.
_OF_NODES: Mapping[str, Callable[[Aim], None]] = MappingProxyType(
    {
        "node_down": _on_each(lambda node: node.set_state("down")),
        "node_without_address": _on_each(lambda node: node.set_state("down")),
        "node_not_permitted": _on_each(lambda node: node.chmod(0)),
        "not_permitted": _on_each(lambda node: node.chmod(0)),
    }
)
# Of those to which a process moves.
_OF_MOVES: Mapping[str, Callable[[Aim], None]] = MappingProxyType(
    {
        "slave_lost": _strikes_each(lambda number: bp.PowerOff(number, step=bp.Step.STUB)),
        "undump_out_of_memory": _strikes_each(lambda number: bp.MemoryFull(number, _LITTLE_BYTES)),
    }
)
# Causes that are a slave's: the master is never down, and everybody may move there.
OF_SLAVES = frozenset({*_OF_NODES, "slave_lost"})
_MOVES = frozenset({"bproc_execmove", "bproc_move", "bproc_rexec", "bproc_rfork", "bproc_vexecmove", "bproc_vrfork"})


def change_of(call: str, cause: str) -> Callable[[Aim], None] | None:
    """Give what makes a row due that lies in the whole world, None if it lies elsewhere."""
    if call in _MOVES and cause in _OF_MOVES:
        return _OF_MOVES[cause]
    if "bproc" in call and cause in _OF_NODES:
        return _OF_NODES[cause]
    if call == "bproc_rexec" and "file_table_full" in cause:
        return None  # what has moved there has files of its own open
    return _OF_WORLDS.get(cause)
