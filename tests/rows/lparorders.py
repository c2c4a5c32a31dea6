"""The orders of AIX's tables, written by hand beside their sources, and which pairs of rows cannot hold together.

No page promises an order. Those of the calls that attach (the source choice-ra_exec-order) group the
conditions; those about sets and names (choice-rsets), bindings (choice-bindprocessor-order) and
processors that come and go (choice-reconfiguration) ask for arguments first, then for rights, then
for what is there. exec's own rows stand in the order of choice-aix-exec-order.
"""

from __future__ import annotations

from tests.rows.staircase import Pair, listed

Groups = dict[str, list[tuple[list[str], list[str]]]]

# ---- what several calls have ---------------------------------------------------------------------

# What is asked of a set that is to be attached.
SET = ["no_available_processor", "not_exclusive", "st_set_empty"]
OF_SETS: Groups = {"an offline processor is not asked for its use": [(SET[:1], SET[1:2])]}
BOUND_OR_BOUNDED = "bindprocessor and the calls that attach refuse each other's work"

RESOURCE = [
    "rstype_invalid", "flags_invalid", "affinity_disabled", "rset_unreadable", "not_privileged", "sradid_invalid",
    *SET, "thread_bound", "outside_partition",
]  # fmt: skip
OF_RESOURCES: Groups = {
    **OF_SETS,
    "a resource is of one type: only that of a set has a handle, and only that of an SRADID needs enhanced affinity": [
        (["rstype_invalid", "affinity_disabled"], ["rset_unreadable", *SET, "outside_partition"]),
        (["rset_unreadable"], ["sradid_invalid"]),
        (["sradid_invalid"], [*SET, "outside_partition"]),
    ],
    "a handle that leads nowhere holds nothing": [(["rset_unreadable"], [*SET, "outside_partition"])],
    BOUND_OR_BOUNDED: [(["thread_bound"], ["outside_partition"])],
}

NAME = ["namespace_invalid", "rsname_invalid", "namespace_unreadable", "rsname_unreadable"]
OF_NAMES: Groups = {
    "a name is one pointer to one string": [
        (["namespace_invalid"], ["namespace_unreadable"]),
        (["rsname_invalid"], ["rsname_unreadable"]),
    ]
}
NO_NAME = "nothing is registered under what is no name"
NOT_SYSXRSET = "no other namespace is that of exclusive sets"
NOT_THERE = "what is not there belongs to nobody"


def _unnamed(*causes: str) -> Groups:
    return {**OF_NAMES, NO_NAME: [(NAME, [*causes])]}


# ---- exec's own rows -----------------------------------------------------------------------------

POINTER = ["cmd_unreadable", "cmd_too_long", "cmd_empty"]
LOST = ["current_directory_lost", "server_silent"]
WALK = [
    *LOST, "search_denied", "component_too_long", "cmd_absent", "not_a_directory", "too_many_links", "path_io_error",
]  # fmt: skip
FILE = ["noexec_mount", "not_regular", "not_executable", "cmd_being_written", "ids_untranslated", "header_io_error"]
VECTORS = ["argv_unreadable", "envp_unreadable", "string_unreadable", "args_too_big"]
IMAGE = ["wrong_machine", "header_malformed"]
CONTENTS = ["format_unknown", "script_malformed", *IMAGE]


def _of_interpreter(causes: list[str]) -> list[str]:
    return [f"interpreter_{cause}" for cause in causes]


# A script that an interpreter would be has no valid magic number, whatever its line says.
INTERPRETERS = ["format_unknown", *IMAGE]
INTERPRETER = [*_of_interpreter(WALK + FILE), "interpreter_args_too_big", *_of_interpreter(INTERPRETERS)]
EXEC = [*POINTER, *WALK, *FILE, *VECTORS, *CONTENTS, *INTERPRETER, "out_of_memory"]


def _of_files(contents: list[str], of: str = "") -> Groups:
    """Give what excludes each other of one file."""

    def pair(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
        return [of + cause for cause in before], [of + cause for cause in after]

    return {
        f"{of}a path that leads nowhere has no file": [pair(WALK, FILE + contents)],
        f"{of}nobody tells more of a file system that is lost or silent": [
            pair(LOST[:1], LOST[1:]),
            pair(LOST, ["search_denied", "component_too_long", "cmd_absent", "not_a_directory", "too_many_links"]),
        ],
        f"{of}only a directory is searched": [
            pair(["search_denied", "component_too_long", "cmd_absent"], ["not_a_directory"]),
            pair(["not_a_directory"], ["too_many_links", "path_io_error"]),
        ],
        f"{of}what is not there is no link": [pair(["component_too_long", "cmd_absent"], ["too_many_links"])],
        f"{of}nobody knows what is not in a directory that cannot be read": [pair(["cmd_absent"], ["path_io_error"])],
        f"{of}only a regular file has contents": [
            pair(["not_regular"], ["cmd_being_written", "header_io_error", *contents])
        ],
        f"{of}contents that cannot be read are in no format, right or wrong": [pair(["header_io_error"], contents)],
        f"{of}only an image must not be written while it runs": [
            pair(["cmd_being_written"], ["header_io_error", *(each for each in contents if each not in IMAGE)])
        ],
        f"{of}a file is of one format": [
            pair([each], contents[place + 1 :]) for place, each in enumerate(contents[:-1])
        ],
    }


OF_EXEC: Groups = {
    "path is one pointer to one string": [(POINTER[:1], POINTER[1:]), (POINTER[1:2], POINTER[2:])],
    "a name that was never walked has no file": [(POINTER, WALK + FILE + CONTENTS + INTERPRETER)],
    **_of_files(CONTENTS),
    **_of_files(INTERPRETERS, "interpreter_"),
    "only a script that can be read, and that may be written, names an interpreter": [
        ([*WALK, "not_regular", "cmd_being_written", "header_io_error", *CONTENTS], INTERPRETER)
    ],
}

# ---- by the call: its order, and who excludes whom -----------------------------------------------

_WORK = ["work_type_invalid", "flags_invalid", "rset_unreadable", "not_privileged", "no_such_work", "other_owner"]
_AROUND = ["thread_set_outside", "outside_effective"]
_OF_WORK: Groups = {
    "nobody owns, binds or bounds what is not there": [
        (["no_such_work"], ["other_owner", "thread_bound", "outside_partition", *_AROUND])
    ],
    BOUND_OR_BOUNDED: [(["thread_bound"], ["outside_partition", "outside_effective"])],
    "the work is a process or a thread": [(_AROUND[:1], _AROUND[1:])],
}

ORDERS: dict[str, tuple[list[str], Groups]] = {
    "ra_exec": (RESOURCE + EXEC, {**OF_RESOURCES, **OF_EXEC}),
    "ra_fork": ([*RESOURCE, "memory_used_up", "no_pid_left"], OF_RESOURCES),
    "ra_attachrset": (
        [*_WORK, *SET, "thread_bound", "outside_partition", *_AROUND],
        {
            **OF_SETS,
            **_OF_WORK,
            "a handle that leads nowhere holds nothing": [
                (["rset_unreadable"], [*SET, "outside_partition", *_AROUND])
            ],
        },
    ),
    "ra_attach": (
        [
            "work_type_invalid", "rstype_invalid", "sradid_of_process", "flags_invalid", "affinity_disabled",
            "rset_unreadable", "not_privileged", "no_such_work", "other_owner", "sradid_invalid", *SET,
            "thread_bound", "outside_partition", *_AROUND,
        ],
        {
            **OF_SETS,
            **_OF_WORK,
            "a resource is of one type": [
                (["rstype_invalid"], ["sradid_of_process", "affinity_disabled", "rset_unreadable", "sradid_invalid"]),
                (["rstype_invalid"], [*SET, "outside_partition", *_AROUND]),
                (["sradid_of_process", "affinity_disabled"], ["rset_unreadable", *SET, "outside_partition", *_AROUND]),
                (["rset_unreadable"], ["sradid_invalid"]),
                (["sradid_invalid"], [*SET, "outside_partition", *_AROUND]),
            ],
            "a handle that leads nowhere holds nothing": [
                (["rset_unreadable"], [*SET, "outside_partition", *_AROUND])
            ],
            "work is of one type": [(["work_type_invalid"], ["sradid_of_process", "outside_effective"])],
        },
    ),
    "ra_detachrset": (
        ["work_type_invalid", "flags_invalid", "not_privileged", "no_such_work", "other_owner"],
        {NOT_THERE: [(["no_such_work"], ["other_owner"])]},
    ),
    "ra_getrset": (["work_type_invalid", "flags_not_zero", "rset_unwritable", "no_such_work"], {}),
    "bindprocessor": (
        [
            "what_invalid", "processor_invalid", "processor_exclusive", "no_such_work", "other_owner",
            "resource_attached",
        ],
        {
            "what is not there belongs to nobody, and is attached to nothing": [
                (["what_invalid", "no_such_work"], ["other_owner", "resource_attached"])
            ],
            "no processor, no use": [(["processor_invalid"], ["processor_exclusive"])],
        },
    ),
    "rs_alloc": (["flags_invalid", "out_of_memory"], {}),
    "rs_init": (["flags_invalid", "rset_unreadable"], {}),
    "rs_op": (
        ["command_invalid", "flags_invalid", "id_invalid", "rset1_unreadable", "rset2_unreadable"],
        {
            "nobody knows what a command that is none would ask for": [
                (["command_invalid"], ["flags_invalid", "id_invalid", "rset2_unreadable"])
            ],
            "a command about one resource has one set": [(["id_invalid"], ["rset2_unreadable"])],
        },
    ),
    "rs_getinfo": (
        ["type_invalid", "flags_nonzero", "rset_unreadable"],
        {"the set is looked at only where something of it is asked": [(["type_invalid"], ["rset_unreadable"])]},
    ),
    "rs_numrads": (["sdl_invalid", "flags_nonzero", "rset_unreadable"], {}),
    "rs_getrad": (
        ["sdl_invalid", "flags_invalid", "rset_unreadable", "rad_unreadable", "index_invalid"],
        {"without a level or a set nothing is counted": [(["sdl_invalid", "rset_unreadable"], ["index_invalid"])]},
    ),
    "rs_getassociativity": (
        ["kind_invalid", "size_invalid", "array_unreadable", "no_root_authority", "id_absent"],
        {},
    ),
    "rs_info": (
        ["command_invalid", "out_unreadable", "rad_invalid", "affinity_disabled", "sradid_invalid"],
        {
            "a command is about a RAD or about an SRAD": [
                (["command_invalid"], ["rad_invalid", "affinity_disabled", "sradid_invalid"]),
                (["rad_invalid"], ["affinity_disabled", "sradid_invalid"]),
            ]
        },
    ),
    "rs_setpartition": (
        [
            "flags_invalid", "rset_unreadable", "no_root_authority", "no_such_work", *SET, "thread_bound",
            "effective_outside", "thread_set_outside", "out_of_memory",
        ],
        {
            **OF_SETS,
            "a handle that leads nowhere bounds nothing": [
                (["rset_unreadable"], [*SET, "thread_bound", "effective_outside", "thread_set_outside"])
            ],
            "nothing is attached to what is not there": [
                (["no_such_work"], ["thread_bound", "effective_outside", "thread_set_outside"])
            ],
            BOUND_OR_BOUNDED: [(["thread_bound"], ["effective_outside"])],
        },
    ),
    "rs_getpartition": (["rset_unreadable", "no_such_work"], {}),
    "rs_registername": (
        [
            *NAME, "command_invalid", "mode_invalid", "rset_unreadable", "not_privileged", "exclusive_not_permitted",
            "name_taken", "exclusive_set_fixed", "not_writable", "exclusive_sets_overlap", "out_of_memory",
        ],
        {
            **_unnamed("name_taken", "exclusive_set_fixed", "not_writable"),
            NOT_SYSXRSET: [
                (["namespace_invalid", "namespace_unreadable"], ["exclusive_not_permitted", "exclusive_sets_overlap"])
            ],
            "only RS_DEFINE asks whether the name is free, only RS_REDEFINE what it holds": [
                (["command_invalid"], ["name_taken", "exclusive_set_fixed", "not_writable"]),
                (["name_taken"], ["exclusive_set_fixed", "not_writable"]),
            ],
            "who overwrites a set needs its permission and no privilege": [
                (["not_privileged"], ["exclusive_set_fixed", "not_writable"])
            ],
            "a handle that leads nowhere overlaps nothing": [(["rset_unreadable"], ["exclusive_sets_overlap"])],
        },
    ),
    "rs_getnamedrset": (
        [*NAME, "rset_unreadable", "name_absent", "not_readable"],
        {**_unnamed("not_readable"), NOT_THERE: [(["name_absent"], ["not_readable"])]},
    ),
    "rs_discardname": (
        [*NAME, "name_absent", "not_owner", "exclusive_not_permitted"],
        {
            **_unnamed("not_owner"),
            NOT_SYSXRSET: [(["namespace_invalid", "namespace_unreadable"], ["exclusive_not_permitted"])],
            NOT_THERE: [(["name_absent"], ["not_owner"])],
        },
    ),
    "rs_getnameattr": ([*NAME, "attributes_unreadable", "name_absent"], OF_NAMES),
    "rs_setnameattr": (
        [
            *NAME, "command_invalid", "attributes_unreadable", "mode_invalid", "name_absent", "not_owner",
            "owner_given_away", "group_not_own",
        ],
        {
            **_unnamed("not_owner", "owner_given_away", "group_not_own"),
            "attributes that nobody can read say nothing": [
                (["attributes_unreadable"], ["mode_invalid", "owner_given_away", "group_not_own"])
            ],
            NOT_THERE: [(["name_absent"], ["not_owner", "owner_given_away", "group_not_own"])],
        },
    ),
    "smtctl": (["not_root", "bound_to_last", "set_without_processor"], {}),
    "dlpar_remove": (
        ["not_root", "no_such_core", "core_not_online", "last_core", "bound_to_last", "set_without_processor"],
        {},
    ),
    "dlpar_add": (
        ["not_root", "no_such_core", "core_online"],
        {"a core that is not there is not online": [(["no_such_core"], ["core_online"])]},
    ),
    "deallocate": (
        ["not_root", "no_such_core", "core_not_online", "last_core", "bound_to_last", "set_without_processor"],
        {},
    ),
    "mkrset": (
        [
            "name_malformed", "may_not_make", "exclusive_not_permitted", "name_taken", "exclusive_sets_overlap",
            "out_of_memory",
        ],
        {NO_NAME: [(["name_malformed"], ["name_taken"])]},
    ),
    "rmrset": (
        ["name_malformed", "name_absent", "may_not_remove", "exclusive_not_permitted"],
        {NO_NAME: [(["name_malformed"], ["may_not_remove"])], NOT_THERE: [(["name_absent"], ["may_not_remove"])]},
    ),
}  # fmt: skip


def exclusive_of(call: str) -> dict[Pair, str]:
    """Give the pairs of a call's rows that cannot hold together, with the reason."""
    return listed(ORDERS[call][1])


# Both can hold, but only where a third holds before them.
ONLY_BEHIND: dict[str, frozenset[Pair]] = {
    # The set that overlaps is an exclusive one, and those can not be overwritten at all.
    "rs_registername": frozenset({("not_writable", "exclusive_sets_overlap")}),
}
