"""Each row has a world in which it is due, and one beside it in which it is not."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.aix.service import Service
from bprocsim.kernel import CALLS
from bprocsim.kernel.calls import runner
from bprocsim.manual import Kind
from bprocsim.testing import Recipe, recipes, recipes_of, tables
from bprocsim.testing.rows.cases import Case
from bprocsim.testing.rows.defects import defects
from bprocsim.testing.rows.lparcases import LparCase
from bprocsim.testing.rows.programcases import ProgramCase
from bprocsim.testing.rows.recipes import exec_tables, lpar_tables, move_tables, node_tables, posix_tables
from tests.rows.staircase import Ways
from tests.rows.worlds import STEP, held_at, held_on_entry

# The ERRORS section of bproc_execmove(2), in its own order (the source scyld-bproc_execmove).
PAGE = "EPERM ENOMEM EBUSY EFAULT EACCES E2BIG ENOEXEC ENAMETOOLONG ENOENT ENOTDIR ELOOP ETXTBSY EIO ENFILE EINVAL"

# The late rows that the editions tell apart, with the exit status each leaves.
SCYLD = {"node_unknown": 22, "node_down": 22, "same_node": 40, "node_not_permitted": 1, "slave_lost": 5}
LANL = {"node_unknown": 44, "node_down": 45, "same_node": 46, "node_not_permitted": 1, "slave_lost": 47}
COMMON = {
    "undump_refused": 22,
    "loader_absent": 2,
    "queue_closed": 5,
    "undump_out_of_memory": 12,
    "connect_refused": 111,
    "connect_timed_out": 110,
}
# Of what the descriptors shall be, where that is said by a list: the errnos of open and connect.
LISTS = {
    "io_type_unknown": 22, "io_descriptor_impossible": 23, "io_table_full": 23, "io_makes_a_directory": 22,
    "io_path_empty": 2, "io_search_denied": 13, "io_slash_after_name": 21, "io_file_absent": 2,
    "io_not_a_directory": 20, "io_too_many_links": 40, "io_path_io_error": 5, "io_already_exists": 17,
    "io_directory_for_writing": 21, "io_directory_wanted": 20, "io_read_only_mount": 30,
    "io_directory_not_writable": 13, "io_access_denied": 13, "io_no_device": 6, "io_program_runs": 26,
    "io_unreachable": 113,
}  # fmt: skip
EDITIONS = {
    "scyld": SCYLD | COMMON,
    "lanl32": LANL | COMMON | LISTS,
    "bproc4": LANL | COMMON | LISTS | {"script_misread": 22},
}

# What a call returns that has failed, where it is not -1: a pointer is NULL, a node is BPROC_NODE_NONE.
FAILED = {"rs_alloc": None, "bproc_pidnode": -3, "bproc_pidghostnode": -3}

ALL = [pytest.param(recipe, id=str(recipe)) for recipe in recipes.values()]
# What programs do in the nearest world is asked in tests/calls/test_rows.py: some meet another row there.
WITHOUT_PROGRAMS = [
    pytest.param(recipe, id=str(recipe)) for recipe in recipes.values() if not isinstance(recipe.case, ProgramCase)
]
# Of the other editions only what they say differently.
OTHERS = [
    pytest.param(recipe, id=f"{edition}-{recipe}")
    for edition in ("lanl32", "bproc4")
    for key, recipe in recipes_of(edition).items()
    if key not in recipes or recipe.errno is not recipes[key].errno
]


def test_every_row_has_a_recipe() -> None:
    for edition in bp.editions:
        of_edition = recipes_of(edition)
        known = (
            *exec_tables(edition), *move_tables(edition), *node_tables(edition), *lpar_tables(), *posix_tables(),
        )  # fmt: skip
        rows = [(table.call, row) for table in known for row in table.rows]
        assert list(of_edition) == [(call, row.cause) for call, row in rows]
        for call, row in rows:
            recipe = of_edition[call, row.cause]
            assert (recipe.call, recipe.cause) == (call, row.cause)
            assert (recipe.errno, recipe.sentence) == (row.errno, row.sentence)


@pytest.mark.parametrize("recipe", ALL + OTHERS)
def test_it_is_due(recipe: Recipe) -> None:
    outcome = recipe.provoke()
    assert outcome.cause == recipe.cause
    if outcome.failed:
        assert outcome.errno is recipe.errno
        rfork4 = recipe.call == "bproc_rfork" and recipe.case.edition == "bproc4"
        negative = rfork4 and recipe.cause in EDITIONS["bproc4"]
        failed = -recipe.errno.number("linux") if negative else FAILED.get(recipe.call, -1)
        assert (outcome.value, outcome.returned, outcome.exit_status) == (failed, True, None)
    elif outcome.placed is not None:
        assert (outcome.value, outcome.returned, outcome.exit_status) == (len(outcome.pids), True, None)
        assert outcome.pids[-1] == -recipe.errno.number("linux")
        assert outcome.causes[-1] == recipe.cause
    else:
        assert outcome.late_errno is recipe.errno
        # A process whose exec fails on the other node has another status than its errno.
        assert outcome.exit_status == (1 if recipe.call == "bproc_rexec" else recipe.errno.number("linux") & 0xFF)
        assert (outcome.value, outcome.returned, outcome.errno) == (None, False, None)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", WITHOUT_PROGRAMS + OTHERS)
def test_and_is_not_in_the_nearest_world(recipe: Recipe) -> None:
    outcome = recipe.spare()
    assert outcome.cause is None
    assert outcome.exit_status == (None if outcome.returned else 0)


@pytest.mark.parametrize("cause", dict.fromkeys(row.cause for table in exec_tables() for row in table.rows))
def test_further_ways_lead_there_too(cause: str) -> None:
    for defect in defects(cause):
        case = Ways(Case(), {cause: defect}).case()
        assert cause in (held_at(case, STEP[cause]) if STEP[cause] else held_on_entry(case))


# What a level lacks cannot be met there.
NO_SRADS = {"affinity_disabled", "sradid_invalid"}
NO_EXCLUSIVE_USE = {
    "not_exclusive", "st_set_empty", "exclusive_not_permitted", "exclusive_set_fixed", "exclusive_sets_overlap",
    "processor_exclusive",
}  # fmt: skip
NO_THREADS = {"thread_set_outside", "outside_effective"}
NOT_MET = {
    "5.2": NO_SRADS | NO_EXCLUSIVE_USE | NO_THREADS, "5.3": NO_SRADS,
    "6.1": NO_SRADS | {"sradid_of_process"}, "6.1.5": set(), "7.1": set(),
    "7.2": set(), "7.3": set(),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("level", bp.levels)
def test_a_row_is_due_on_every_level_that_has_it(level: str) -> None:
    met = {
        (call, cause): (recipe.provoke().cause, recipe.spare().cause)
        for (call, cause), recipe in recipes_of(level=level).items()
        if isinstance(recipe.case, LparCase) and call not in bp.levels[level].lacks
    }
    assert {key: causes for key, causes in met.items() if causes != (key[1], None)}.keys() == {
        key for key in met if key[1] in NOT_MET[level]
    }


def test_every_errno_of_the_page_is_seen() -> None:
    page = [row.cause for row in exec_tables()[0].rows if row.kind is Kind.PAGE]
    seen = {recipes["bproc_execmove", cause].provoke().errno for cause in page}
    assert {errno.name for errno in seen if errno is not None} == set(PAGE.split())
    assert len(PAGE.split()) == 15


@pytest.mark.parametrize("edition", EDITIONS)
def test_late_rows_leave_the_errno_as_exit_status(edition: str) -> None:
    late = {
        recipe.cause: recipe.provoke().exit_status
        for recipe in recipes_of(edition).values()
        if recipe.call == "bproc_execmove" and exec_tables(edition)[0].row(recipe.cause).kind is Kind.LATE
    }
    assert late == EDITIONS[edition]


def test_no_master_is_what_the_edition_calls_it() -> None:
    errnos = {name: recipes_of(name)["bproc_execmove", "no_master"].provoke().errno for name in bp.editions}
    assert errnos == {"scyld": bp.Errno.EBUSY, "lanl32": bp.Errno.EBUSY, "bproc4": bp.Errno.ENOSYS}


def test_a_recipe_is_a_scenario_and_a_world() -> None:
    recipe = recipes["bproc_execmove", "cmd_absent"]
    assert recipe().run().cause == "cmd_absent"
    cluster = recipe.world()
    assert recipe.make(cluster).cause == "cmd_absent"
    assert str(recipe) == "bproc_execmove-cmd_absent"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (("bproc_execmove", "cmd_absnt"), r"bproc_execmove has no row 'cmd_absnt' \(did you mean cmd_absent"),
        (("bproc_execmov", "cmd_absent"), r"there is no table of 'bproc_execmov' \(did you mean bproc_execmove"),
        ("bproc_execmove", r"expected \(call, cause\) such as \('execve', 'cmd_absent'\), got 'bproc_execmove'"),
    ],
)
def test_a_recipe_that_is_none_is_told(key: Any, told: str) -> None:
    with pytest.raises(KeyError, match=told):
        recipes[key]
    assert key not in recipes


@pytest.mark.parametrize("other", [bp.Cluster(nodes=1), bp.Lpar(cores=1), None])
def test_its_call_is_made_in_its_own_world(other: Any) -> None:
    with pytest.raises(ValueError, match=r"expected what this case's world\(\) has built, got "):
        recipes["bproc_execmove", "cmd_absent"].make(other)


def test_tables_are_by_call() -> None:
    found = tables()
    assert [table.call for table in found.values()] == list(found)
    assert {"bproc_execmove", "execve", "open", "read", "write", "close", "pipe", "fork", "kill"} <= set(found)
    assert not any(call.startswith("fs.") for call in found)
    assert found["bproc_execmove"].row("node_down").errno is bp.Errno.EINVAL
    assert tables("lanl32")["bproc_execmove"].row("node_down").errno is bp.Errno.BE_NODEDOWN


# Those of the first two lines always succeed; the others have the table of a page of which they are a form.
WITHOUT_A_TABLE = {
    "compute", "alarm", "thread_create", "gethostname", "gettimeofday", "readproctab",
    "bproc_currnode", "bproc_nodenumber", "bproc_getnodebyname", "bproc_strerror",
    "_bproc_execmove_io", "_bproc_move_io", "_bproc_rexec_io", "_bproc_rfork_io", "_bproc_vrfork_io",
    "bproc_vexecmove_io", "ra_execve", "ra_exect", "ra_execvp",
}  # fmt: skip


def test_every_call_that_can_fail_has_its_table() -> None:
    with_a_table = {
        *(call for each in bp.editions for call in tables(each)),
        *(name for name in CALLS if isinstance(runner(name), Service)),
    }
    assert set(CALLS) - with_a_table == WITHOUT_A_TABLE


def test_a_service_has_the_table_of_its_call() -> None:
    services = {name: run.errors.call for name in CALLS if isinstance(run := runner(name), Service)}
    assert services == {name: name for name in services}
    assert "rs_op" in services


def test_recipes_need_none_of_the_extras() -> None:
    program = (
        "import sys, bprocsim.testing\n"
        "print([name for name in ('pytest', 'hypothesis', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
