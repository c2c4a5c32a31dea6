"""What makes each row of a call on a partition due: a defect, a few fields of an `LparCase`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import bprocsim as bp
from bprocsim.aix.execrules import exec_profile
from bprocsim.testing.rows.defects import OF_CALLS, Defect, moved, of_arguments, of_files, ways
from bprocsim.testing.rows.lparcases import THEIRS
from bprocsim.units import KiB

_Ways = Mapping[str, tuple[Defect, ...]]

# What a set is to be judged by: 4-7 are of exclusive use, 0-3 are not.
_SINGLE = {"flags": bp.R_ATTACH_STRSET}
_SRAD = {"rstype": bp.R_SRADID}
_THREAD = {"work_type": bp.R_THREAD}
_PROCESS = {"work_type": bp.R_PROCESS}
_EXCLUSIVE = {"namespace": "sysxrset"}
_TAKEN = {"taken": True}
_REDEFINED = {"taken": True, "command": bp.RS_REDEFINE}
_NO_SETS = ("null", "bad", "freed", "number")
_NO_NAMES = ("", None, "two words", "a/b", "n" * 256)
SET_BYTES = 256  # that a set takes at a level of 1024 processors
LEAST_SET_BYTES = 64  # ... at one of 256


def lpar_defects(call: str, cause: str, rules: bp.Level | None = None) -> tuple[Defect, ...]:
    """Give the ways to a row of a call on a partition, the recipe's first.

    `rules` the level, for rows of exec (None: of LparCase). KeyError: the call has no such cause.
    """
    return _ways_of(call, rules or bp.levels["7.1"])[cause]


@cache
def _ways_of(call: str, rules: bp.Level) -> _Ways:
    of_exec = _of_exec(exec_profile(rules)) if call == "ra_exec" else {}
    return MappingProxyType({**_COMMON, **of_exec, **_of_level(rules), **_OF_CALLS.get(call, {})})


def _of_level(rules: bp.Level) -> _Ways:
    """Give the ways to what depends on how many processors a level can have."""
    most = rules.processors_max
    needs = {"command": bp.RS_ADDRESOURCE}
    return {"id_invalid": tuple(Defect({"id": each}, {"id": most - 1}, needs) for each in (most, -1))}


# ---- alike in several calls ----------------------------------------------------------------------

_WORK_TYPES = ways("work_type", bp.R_SHM, bp.R_NADA, -1)
_RSTYPES = ways("rstype", bp.R_PROCESS, bp.R_NADA, 7)
_FLAGS = ways("flags", 0x40, bp.R_ATTACH_STRSET | 1)

_COMMON: _Ways = {
    "rset_unreadable": ways("handle", *_NO_SETS),
    "rset1_unreadable": ways("handle", *_NO_SETS),
    "rset_unwritable": ways("handle", *_NO_SETS),
    "rset2_unreadable": ways("second", *_NO_SETS),
    "rad_unreadable": ways("second", *_NO_SETS),
    "out_unreadable": ways("out", "null", "bad"),
    "array_unreadable": ways("out", "null", "bad"),
    "attributes_unreadable": ways("out", "null", "bad"),
    "not_privileged": ways("attaches", False),
    "no_root_authority": ways("root", False),
    "no_such_work": ways("work", "absent"),
    "other_owner": ways("theirs", True),
    "out_of_memory": (Defect({"free_bytes": LEAST_SET_BYTES - 1}, {"free_bytes": SET_BYTES}),),
    # What is to be attached.
    "work_type_invalid": (*_WORK_TYPES, Defect({"level": "5.2"}, needs=_THREAD)),
    "rstype_invalid": (*_RSTYPES, Defect({"level": "5.3"}, needs=_SRAD)),
    "flags_invalid": (
        *_FLAGS,
        Defect({"level": "5.2"}, needs=_SINGLE),
        Defect({"flags": bp.R_ATTACH_STRSET}, needs=_SRAD),
    ),
    "affinity_disabled": (Defect({"affinity": False}, needs=_SRAD),),
    "sradid_invalid": tuple(Defect({"srad": each}, needs=_SRAD) for each in (2, -1)),
    "no_available_processor": (*ways("processors", ""), *ways("failed", (2, 3))),
    "not_exclusive": (
        Defect({"processors": "3-7"}, needs=_SINGLE),
        Defect({"exclusive": ""}, needs=_SINGLE),
        Defect({"exclusive": "4-6"}, needs=_SINGLE),
    ),
    "st_set_empty": (
        Defect({"processors": "5"}, needs=_SINGLE),
        Defect({"processors": "3,4"}, needs=_SINGLE),
        Defect({"processors": ""}, needs=_SINGLE),
    ),
    "thread_bound": ways("bound", 1),
    "outside_partition": (Defect({"bounds": "0-3"}, {"bounds": "0-7"}),),
    "thread_set_outside": (Defect({"own": "0-3"}, {"own": "4"}, _PROCESS),),
    "outside_effective": (Defect({"effective": "0-3"}, {"effective": "2-7"}, _THREAD),),
    # Names.
    "namespace_invalid": ways("namespace", *_NO_NAMES),
    "rsname_invalid": ways("rsname", *_NO_NAMES),
    "namespace_unreadable": ways("namespace", "bad"),
    "rsname_unreadable": ways("rsname", "bad"),
    "name_malformed": (*ways("namespace", "", None, "two words"), *ways("rsname", "two words", "")),
    "name_absent": ways("taken", False),
    "name_taken": ways("taken", True),
    "not_readable": (Defect({"name_mode": 0o222}),),
    "not_writable": (Defect({"name_mode": 0o444}, needs=_REDEFINED),),
    "not_owner": (*ways("owned", False), *ways("attaches", False)),
    "exclusive_not_permitted": (
        *(Defect({name: False}, needs=_EXCLUSIVE) for name in ("by_capability", "attaches")),
        Defect(_EXCLUSIVE, needs={"by_capability": False}),
    ),
    "exclusive_set_fixed": (
        Defect(_EXCLUSIVE, needs=_REDEFINED),
        Defect(_TAKEN, needs={**_EXCLUSIVE, "command": bp.RS_REDEFINE}),
    ),
    "exclusive_sets_overlap": (Defect({"overlapping": False}, needs=_EXCLUSIVE),),
    # Processors that come and go.
    "not_root": ways("root", False),
    "no_such_core": ways("core", 4, -1),
    "core_not_online": (*ways("removed", 3), *ways("failed", (3,))),
    "core_online": ways("failed", ()),
    "last_core": ways("failed", (0, 1, 2), (0, 1, 2, 3)),
    "bound_to_last": (Defect({"bound": 1}), Defect({"bound": 2})),
    "set_without_processor": (*ways("effective", "7"), *ways("own", "7"), *ways("bounds", "7")),
    # Numbers.
    "flags_nonzero": ways("flags", 1),
    "sdl_invalid": ways("sdl", 4, -1),
}  # fmt: skip

# ---- of one call ---------------------------------------------------------------------------------

_OF_CALLS: Mapping[str, _Ways] = {
    "ra_fork": {
        # A program's own memory is there once, and no second time for its child.
        "memory_used_up": (Defect({"free_bytes": 96 * KiB}, {"free_bytes": 4096 * KiB}, {"inside": True}),),
        "no_pid_left": (Defect({"pids_left": 0}, {"pids_left": 1}),),
    },
    # Levels that know no SRADIDs have no ra_attach.
    "ra_attach": {
        "work_type_invalid": _WORK_TYPES,
        "rstype_invalid": _RSTYPES,
        "flags_invalid": (*_FLAGS, Defect({"flags": bp.R_ATTACH_STRSET}, needs=_SRAD)),
        "sradid_of_process": (Defect(_PROCESS, needs=_SRAD),),
    },
    "ra_attachrset": {"flags_invalid": (*_FLAGS, Defect({"level": "5.2"}, needs=_SINGLE))},
    "ra_detachrset": {
        "flags_invalid": (*ways("flags", 2), Defect({"flags": bp.R_DETACH_ALLTHRDS}, needs=_THREAD)),
    },
    "ra_getrset": {"flags_not_zero": ways("flags", 1, bp.R_ATTACH_STRSET)},
    "bindprocessor": {
        "what_invalid": ways("what", 3, 0),
        "processor_invalid": ways("where", 8, -2),
        "processor_exclusive": (*ways("where", 4), *ways("exclusive", "0")),
        "resource_attached": (
            *ways("effective", "0-7"), *ways("bounds", "0-7"), Defect({"own": "1"}, needs={"thread": 2}),
        ),
    },
    "rs_alloc": {"flags_invalid": ways("flags", 4, -1)},
    "rs_init": {"flags_invalid": ways("flags", 4, -1)},
    "rs_op": {
        "command_invalid": (*ways("command", 15, 0), Defect({"level": "5.2"}, needs={"command": bp.RS_STSET})),
        "flags_invalid": (*ways("flags", 4), Defect({"flags": bp.R_MEMPS}, needs={"command": bp.RS_STSET})),
    },
    "rs_getinfo": {
        "type_invalid": (*ways("info", 99), Defect({"level": "6.1"}, needs={"info": bp.R_REF1SDL})),
    },
    "rs_getrad": {"flags_invalid": ways("flags", bp.RS_INTERSECTION, -1), "index_invalid": ways("index", 2, -1)},
    "rs_getassociativity": {
        "kind_invalid": ways("kind", bp.R_MEMPS),
        "size_invalid": ways("size", 0),
        "id_absent": ways("id", 8, -1),
    },
    "rs_info": {
        "command_invalid": ways("command", 9, 0),
        "rad_invalid": (
            Defect({"sdl": 4}, needs={"command": bp.RS_CONTAINING_RAD}),
            Defect({"index": 2}, needs={"command": bp.RS_CONTAINING_RAD}),
        ),
        "affinity_disabled": ways("affinity", False),
        "sradid_invalid": ways("srad", 2, -1),
    },
    "rs_registername": {"command_invalid": ways("command", 2), "mode_invalid": ways("mode", 0o1000, 0o777)},
    "rs_setnameattr": {
        "command_invalid": ways("command", 0, 8, 15),
        "mode_invalid": ways("new_mode", 0o1000),
        "owner_given_away": ways("new_owner", THEIRS),
        "group_not_own": ways("new_group", THEIRS),
    },
    "mkrset": {"may_not_make": (*ways("propagates", False), *ways("attaches", False))},
    "rmrset": {"may_not_remove": (*ways("attaches", False), *ways("name_mode", 0o444))},
    "rs_setpartition": {
        "flags_invalid": (*_FLAGS, Defect({"level": "5.2"}, needs=_SINGLE)),
        "effective_outside": (Defect({"effective": "0-3"}, {"effective": "5"}),),
    },
}  # fmt: skip

# ---- of exec -------------------------------------------------------------------------------------

_SCRIPT = {"program.content": "script"}
_IMAGES = ("type", "library", "no auxiliary header", "no text", "section elsewhere", "short")
# What an interpreter cannot be: a script is none, whatever it holds.
_NO_MAGIC = ("text", "empty", "another system's")


def _of_exec(profile: bp.ExecProfile) -> _Ways:
    """Give the ways to exec's own rows, as far as AIX has them."""
    files = {
        **of_files(profile),
        "current_directory_lost": (Defect({}, needs={"relative": True}),),
        "server_silent": ways("silent", True),
        "ids_untranslated": tuple(Defect({"set_id": mode}, needs={"foreign_ids": True}) for mode in (0o4000, 0o2000)),
        "format_unknown": ways("content", *_NO_MAGIC),
        "header_malformed": ways("malformed", *_IMAGES),
    }
    found = {cause: moved("program", each) for cause, each in files.items()}
    found |= {f"interpreter_{cause}": moved("interpreter", each, _SCRIPT) for cause, each in files.items()}
    lost = {"directory_lost": True}
    of_both = of_arguments(profile)
    return {
        **found,
        **OF_CALLS,
        "cmd_too_long": of_both["cmd_too_long"],
        "current_directory_lost": (Defect(lost, needs={"program.relative": True}),),
        "interpreter_current_directory_lost": (Defect(lost, needs={**_SCRIPT, "interpreter.relative": True}),),
        "interpreter_format_unknown": moved("interpreter", ways("content", *_NO_MAGIC, "script"), _SCRIPT),
        "out_of_memory": (Defect({"free_bytes": 0}, {"free_bytes": 1024 * KiB}),),
    }
