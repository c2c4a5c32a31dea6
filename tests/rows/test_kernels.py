"""The exec of real kernels: the order of their rows and their limits, written down by hand.

Linux 6 is held against a real kernel too (tests/kernel); of 2.4 and 2.6 there is nobody left to ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise

import attrs
import pytest

import bprocsim as bp
from bprocsim.manual import Errors, Kind
from bprocsim.testing import Recipe, recipes_of
from bprocsim.testing.rows.cases import Case
from bprocsim.testing.rows.defects import defects
from bprocsim.testing.rows.files import File
from bprocsim.testing.rows.recipes import combine, exec_tables
from bprocsim.units import KiB, MiB
from tests.rows.worlds import held_on_entry, reported

KERNELS = ("linux-2.4", "linux-2.6", "linux-6")

# The sources linux-2.4.20-exec, linux-2.6.11-exec and linux-6.18-measured.
NAME = "cmd_unreadable cmd_empty cmd_too_long"
OPENING = (
    "search_denied component_too_long cmd_absent not_a_directory too_many_links path_io_error "
    "noexec_mount not_regular not_executable file_table_full cmd_being_written"
)
OLD_VECTORS = "argv_unreadable argv_too_long envp_unreadable envp_too_long"
COPYING = "string_unreadable args_too_big out_of_memory"
INTERPRETER = "interpreter_args_too_big " + " ".join(f"interpreter_{cause}" for cause in OPENING.split())
CHECKS_2_4 = (
    "format_unknown script_malformed header_type_wrong wrong_machine header_table_refused too_many_descriptors "
    "interp_path_too_long"
)
CHECKS_2_6 = (
    "format_unknown script_malformed header_type_wrong wrong_machine header_entry_size_wrong header_table_empty "
    "header_table_too_long header_table_negative header_table_short too_many_descriptors interp_path_length_wrong "
    "interp_path_negative interp_path_short interp_path_open"
)
CHECKS_6 = (
    "format_unknown script_malformed header_type_wrong wrong_machine header_entry_size_wrong header_table_empty "
    "header_table_too_long header_table_short interp_path_length_wrong interp_path_negative interp_path_short "
    "interp_path_open"
)


def _of_scripts(checks: str, *never: str) -> str:
    return " ".join(f"interpreter_{cause}" for cause in checks.split() if cause not in never)


ORDERS = {
    "linux-2.4": " ".join((
        NAME, OPENING, OLD_VECTORS, "header_io_error", COPYING, CHECKS_2_4, INTERPRETER,
        "interpreter_header_io_error", _of_scripts(CHECKS_2_4, "script_malformed"), "loader_not_elf",
    )).split(),
    "linux-2.6": " ".join((
        NAME, OPENING, OLD_VECTORS, "header_io_error", COPYING, CHECKS_2_6, INTERPRETER,
        "interpreter_header_io_error", _of_scripts(CHECKS_2_6, "script_malformed"),
        "loader_short loader_not_elf loader_wrong_machine",
    )).split(),
    "linux-6": " ".join((
        NAME, OPENING, "argv_unreadable envp_unreadable", COPYING, "header_io_error", CHECKS_6,
        INTERPRETER, "scripts_too_deep interpreter_header_io_error", _of_scripts(CHECKS_6),
        "loader_short loader_not_elf loader_wrong_machine loader_header_malformed",
    )).split(),
}  # fmt: skip

ERRNOS = {
    "EFAULT": "cmd_unreadable argv_unreadable envp_unreadable string_unreadable",
    "ENOENT": "cmd_empty cmd_absent",
    "ENAMETOOLONG": "cmd_too_long component_too_long",
    "EACCES": "search_denied noexec_mount not_regular not_executable",
    "ENOTDIR": "not_a_directory",
    "ELOOP": "too_many_links scripts_too_deep",
    "ENFILE": "file_table_full",
    "ETXTBSY": "cmd_being_written",
    "E2BIG": "argv_too_long envp_too_long args_too_big",
    "EMFILE": "too_many_descriptors",
    "ELIBBAD": "loader_not_elf loader_wrong_machine loader_header_malformed",
    "EINVAL": "header_table_negative interp_path_negative",
    "EIO": "path_io_error header_io_error interp_path_short loader_short",
    "ENOMEM": "out_of_memory header_table_refused interp_path_too_long",
    "ENOEXEC": "format_unknown script_malformed header_type_wrong wrong_machine header_entry_size_wrong "
    "header_table_empty header_table_too_long interp_path_length_wrong interp_path_open",
}
# What one cause is by kernel.
DIFFERENT = {("linux-2.6", "header_table_short"): "EIO", ("linux-6", "header_table_short"): "ENOEXEC"}


def errno_of(kernel: str, cause: str) -> str:
    bare = cause.removeprefix("interpreter_")
    found = [errno for errno, causes in ERRNOS.items() if bare in causes.split()]
    return DIFFERENT.get((kernel, bare)) or found[0]


def table(kernel: str) -> Errors:
    return exec_tables(kernel=kernel)[1]


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_order_of_the_rows(kernel: str) -> None:
    assert [row.cause for row in table(kernel).rows] == ORDERS[kernel]


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_errnos(kernel: str) -> None:
    assert {row.cause: row.errno.name for row in table(kernel).rows} == {
        cause: errno_of(kernel, cause) for cause in ORDERS[kernel]
    }


@pytest.mark.parametrize("kernel", KERNELS)
def test_of_a_move_only_what_the_page_has_is_on_the_page(kernel: str) -> None:
    documented = {(row.cause, row.errno) for row in exec_tables()[0].rows}
    for row in exec_tables(kernel=kernel)[0].rows:
        if row.kind is not Kind.LATE:
            assert (row.kind is Kind.PAGE) == ((row.cause, row.errno) in documented), row


# ---- each row alone, and two at once ---------------------------------------------------------------

RECIPES = [
    pytest.param(recipe, id=f"{kernel}-{recipe}")
    for kernel in KERNELS
    for (call, _), recipe in recipes_of(kernel=kernel).items()
    if isinstance(recipe.case, Case)
    if call == "execve" or kernel == "linux-6"
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_is_due_and_is_not_in_the_nearest_world(recipe: Recipe) -> None:
    outcome = recipe.provoke()
    assert (outcome.cause, outcome.errno or outcome.late_errno) == (recipe.cause, recipe.errno)
    spared = recipe.spare()
    assert (spared.cause, spared.exit_status) == (None, None if spared.returned else 0)


@pytest.mark.parametrize("edition", bp.editions)
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_call_that_loads_an_image_comes_to_every_row(kernel: str, edition: str) -> None:
    """By the rules of each kernel under each edition: all of exec's rows are in their tables too."""
    loading = [
        recipe
        for recipe in recipes_of(edition, kernel).values()
        if recipe.call in ("bproc_execmove", "bproc_rexec", "bproc_vexecmove")
    ]
    met = [(recipe, recipe.provoke()) for recipe in loading]
    assert [
        str(recipe) for recipe, out in met if (out.cause, out.row and out.row.errno) != (recipe.cause, recipe.errno)
    ] == []
    assert {recipe.call for recipe in loading} >= {"bproc_execmove", "bproc_rexec"}


# The same with a small stack, on which a quarter of a megabyte of arguments is too much already.
SMALL = {kernel: attrs.evolve(bp.kernels[kernel], stack_bytes=512 * KiB) for kernel in KERNELS}


def both(kernel: str, one: str, other: str) -> Iterator[Case]:
    """Give worlds in which two rows hold at once."""
    base = Case(call="execve", kernel=SMALL[kernel])
    for first in defects(one, SMALL[kernel]):
        for second in defects(other, SMALL[kernel]):
            case = combine(base, [first, second])
            if {one, other} <= set(held_on_entry(case)):
                yield case


@cache
def worlds(kernel: str) -> dict[tuple[str, str], Case]:
    """Give for each two rows that can hold together a world in which nothing comes before them."""
    found = {}
    for one, other in combinations(ORDERS[kernel], 2):
        for case in both(kernel, one, other):
            if min(held_on_entry(case), key=ORDERS[kernel].index) == one:
                found[one, other] = case
                break
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_earlier_of_two_is_reported(kernel: str) -> None:
    found = worlds(kernel)
    assert len(found) > 8 * len(ORDERS[kernel])
    assert {one for pair in found for one in pair} == set(ORDERS[kernel])
    wrong = {pair: got for pair, case in found.items() if (got := reported(case, table(kernel))) != pair[0]}
    assert not wrong


# How many neighbours can hold together; the others exclude each other, or want one field of a Case.
NEIGHBOURS = {"linux-2.4": 30, "linux-2.6": 31, "linux-6": 28}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_swap_of_two_neighbours_is_noticed(kernel: str) -> None:
    of_kernel = table(kernel)
    together = [pair for pair in pairwise(ORDERS[kernel]) if pair in worlds(kernel)]
    assert len(together) == NEIGHBOURS[kernel]
    for one, other in together:
        rows = list(of_kernel.rows)
        place = ORDERS[kernel].index(one)
        rows[place], rows[place + 1] = rows[place + 1], rows[place]
        swapped = Errors("execve", page=of_kernel.page, order=of_kernel.order, rows=rows)
        assert reported(worlds(kernel)[one, other], swapped) == other


# ---- limits, to the byte ---------------------------------------------------------------------------


def _cause(kernel: str, **changes: object) -> str | None:
    return Case(call="execve", kernel=kernel).change(changes).run().cause


@pytest.mark.parametrize(("kernel", "most"), [("documented", 5), ("linux-2.4", 5), ("linux-2.6", 5), ("linux-6", 40)])
def test_links_inside_each_other(kernel: str, most: int) -> None:
    assert _cause(kernel, **{"program.links": most}) is None
    assert _cause(kernel, **{"program.links": most + 1}) == "too_many_links"


@pytest.mark.parametrize("kernel", bp.kernels)
def test_links_one_after_the_other(kernel: str) -> None:
    cluster = bp.Cluster(0, kernel=kernel)
    cluster.install("/bin/tool", lambda proc: None)
    cluster.master.fs.symlink(".", "/l")
    assert cluster.execve("/l" * 40 + "/bin/tool").exit_status == 0
    assert cluster.execve("/l" * 41 + "/bin/tool").cause == "too_many_links"


def _strings(cluster: bp.Cluster, argv: list[str], envp: list[str]) -> str | None:
    return cluster.execve("/bin/tool", argv, envp).cause


@pytest.mark.parametrize("kernel", ["documented", "linux-2.4", "linux-2.6"])
def test_the_area_of_old_kernels(kernel: str) -> None:
    cluster = bp.Cluster(0, kernel=kernel)
    cluster.install("/bin/tool", lambda proc: None)
    room = 128 * KiB - 8 - len("/bin/tool\0")
    assert _strings(cluster, ["a" * (room - 1)], []) is None
    assert _strings(cluster, ["a" * room], []) == "args_too_big"
    assert _strings(cluster, ["a" * 100], ["e" * (room - 101 - 1)]) is None
    assert _strings(cluster, ["a" * 100], ["e" * (room - 101)]) == "args_too_big"


@pytest.mark.parametrize("kernel", ["linux-2.4", "linux-2.6"])
def test_the_pointers_of_old_kernels(kernel: str) -> None:
    cluster = bp.Cluster(0, kernel=kernel)
    cluster.install("/bin/tool", lambda proc: None)
    assert _strings(cluster, [""] * 16383, []) is None
    assert _strings(cluster, [""] * 16384, []) == "argv_too_long"
    assert _strings(cluster, [""], [""] * 16384) == "envp_too_long"


@pytest.mark.parametrize(
    ("stack_bytes", "room"),
    [(8 * MiB, 2 * MiB), (256 * KiB, 128 * KiB), (1 * MiB, 256 * KiB), (64 * MiB, 6 * MiB)],
)
def test_the_area_of_today(stack_bytes: int, room: int) -> None:
    cluster = bp.Cluster(0, kernel=attrs.evolve(bp.kernels["linux-6"], stack_bytes=stack_bytes))
    cluster.install("/bin/tool", lambda proc: None)
    count = -(-room // 100_000)
    left = room - len("/bin/tool\0") - 8 * (count + 1) - count * 100_001
    assert _strings(cluster, ["a" * 100_000] * (count - 1) + ["b" * (100_000 + left)], ["e"]) == "args_too_big"
    fits = ["a" * 100_000] * (count - 1) + ["b" * (100_000 + left - 2)]
    assert _strings(cluster, fits, ["e"]) is None
    assert _strings(cluster, [*fits[:-1], fits[-1] + "b"], ["e"]) == "args_too_big"


def test_one_string_of_today() -> None:
    cluster = bp.Cluster(0, kernel="linux-6")
    cluster.install("/bin/tool", lambda proc: None)
    assert _strings(cluster, ["a" * 131071], []) is None
    assert _strings(cluster, ["a" * 131072], []) == "args_too_big"


def test_an_empty_argv_gets_a_name_today() -> None:
    seen: dict[str, list[str]] = {}
    for kernel in bp.kernels:
        cluster = bp.Cluster(0, kernel=kernel)
        cluster.install("/bin/tool", lambda proc: seen.__setitem__(kernel, proc.argv))  # noqa: B023
        cluster.execve("/bin/tool", [])
    assert seen == {"documented": [], "linux-2.4": [], "linux-2.6": [], "linux-6": [""]}


@pytest.mark.parametrize(("kernel", "scripts"), [("documented", 1), ("linux-2.4", 1), ("linux-2.6", 1), ("linux-6", 5)])
def test_scripts_behind_each_other(kernel: str, scripts: int) -> None:
    program = File("/program", content="script")
    assert _cause(kernel, program=program, scripts=scripts - 1) is None
    too_many = "scripts_too_deep" if kernel == "linux-6" else "interpreter_format_unknown"
    assert _cause(kernel, program=program, scripts=scripts) == too_many


@pytest.mark.parametrize(
    ("kernel", "line", "name"),
    [
        *((kernel, b"#!/" + b"x" * 124, b"/" + b"x" * 124) for kernel in ("documented", "linux-2.4", "linux-2.6")),
        *((kernel, b"#!/" + b"x" * 125, b"/" + b"x" * 124) for kernel in ("documented", "linux-2.4", "linux-2.6")),
        ("linux-6", b"#!/" + b"x" * 252, b"/" + b"x" * 252),
    ],
)
def test_how_much_of_a_line_is_read(kernel: str, line: bytes, name: bytes) -> None:
    cluster = bp.Cluster(0, kernel=kernel)
    cluster.install(name, lambda proc: 7)
    cluster.master.fs.write_file("/script", line + b"\n", mode=0o755)
    assert cluster.execve("/script").exit_status == 7


def test_a_name_that_may_be_cut_is_none_today() -> None:
    cluster = bp.Cluster(0, kernel="linux-6")
    cluster.master.fs.write_file("/script", b"#!/" + b"x" * 253 + b"\n", mode=0o755)
    assert cluster.execve("/script").cause == "script_malformed"


@pytest.mark.parametrize(("kernel", "user", "root"), [("linux-2.4", 11, 1), ("linux-2.6", 1, 0), ("linux-6", 1, 0)])
def test_who_may_open_the_last_files(kernel: str, user: int, root: int) -> None:
    for uid, least in ((500, user), (0, root)):
        for files in range(least + 1):
            cluster = bp.Cluster(0, kernel=kernel, faults=[bp.OpenFileLimit(-1, files)])
            cluster.install("/bin/tool", lambda proc: None)
            outcome = cluster.execve("/bin/tool", user=bp.Credentials(uid, uid))
            assert (outcome.cause == "file_table_full") == (files < least)


@pytest.mark.parametrize(
    ("kernel", "cause", "short"), [("linux-2.6", "loader_short", 127), ("linux-6", "loader_short", 63)]
)
def test_how_long_a_loader_must_be(kernel: str, cause: str, short: int) -> None:
    for size in (short, short + 1):
        cluster = bp.Cluster(0, kernel=kernel)
        cluster.master.fs.write_file("/ld", b"x" * size, mode=0o755)
        image = bp.ElfImage(interpreters=("/ld",))
        cluster.install("/bin/tool", None, image=image)
        assert cluster.execve("/bin/tool").cause == (cause if size == short else "loader_not_elf")


def test_the_rules_are_told_by_their_names() -> None:
    assert repr(bp.kernels) == "<rules of exec: documented, linux-2.4, linux-2.6, linux-6>"
