"""The page "How the editions differ", written from the records and tables and from worlds that are run under each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations
from typing import Any

import attrs

import bprocsim as bp
from bprocsim.bproc.nodes import NodeState, status_of
from bprocsim.cli.markdown import code, page, prose, table
from bprocsim.faces.arguments import integer, node_address, unchecked
from bprocsim.faces.pointers import pointer_or_null
from bprocsim.manual import Errors, Kind
from bprocsim.testing import Recipe
from bprocsim.testing.rows.recipes import exec_tables, move_tables, node_tables, recipes_of

NAMES = tuple(bp.editions)

# What each field of an edition is called on the page; "" for what has a section of its own, or none.
FIELDS = {
    "name": "",
    "no_master": "a call on the master without a daemon",
    "no_master_source": "says",
    "late_rows": "",
    "calls": "",
    "version": "bproc_version tells",
    "late_failure": "a failure after the exec",
    "ping_timeout_ns": "ping timeout",
    "library_list": "files that are sent by name only",
    "stays_put": "a move to the own node succeeds, and a fork there is an ordinary one",
    "rexec_status": "an exec that is refused on the other node",
    "rfork_negative": "bproc_rfork tells the errno by its negative number",
    "io_lists": "I/O is said by",
    "list_rows": "",
    "bpfs": "nodes are files of bpfs",
    "libraries_unless_up": "a process that moves takes listed libraries along to a node that is not up",
    "node_name": "what a node is called",
    "groups_max": "supplementary groups beyond which none counts at a node",
    "tools": "",
    "vector_calls": "calls for several nodes at once",
}

# Likewise of what its commands do.
TOOLS = {
    "vector": "bpsh starts all by one bproc_vexecmove_io",
    "minus_one_is_master": "`bpsh -1` means the master",
    "abnormal": "of a child that was killed it says",
    "abnormal_at_end": "and if it forwards nothing",
    "fixed_columns": "bpstat's columns have fixed widths",
    "numbered_states": "they see states as numbers",
    "sets_leaving": "bpctl reboots by setting a state",
    "names_first_word": "of a wrong specification bpstat shows the first word of the command line",
    "shows_master": "`bpstat master` shows a line",
    "purges_cache": "bpctl has options for the libraries that a node keeps",
}

# How the value of a field is told, where it is not told as it is.
_TOLD: dict[str, Any] = {
    "no_master": lambda errno: errno.name,
    "no_master_source": lambda source: code(source) if source else "the call's page",
    "late_failure": lambda how: {"exit": "exits with the errno's number", "return": "returns -1"}[how],
    "ping_timeout_ns": lambda ns: f"{ns / 1e9:g} s",
    "vector_calls": lambda calls: (
        "none" if calls is None else f"yes{', but _bproc_vrfork drops its flags' if calls.flags_dropped else ''}"
    ),
    "library_list": lambda paths: ", ".join(map(code, paths)) or "none",
    "groups_max": lambda most: "any number" if most is None else str(most),
    "rexec_status": lambda status: "is returned" if status is None else f"exits with {status}",
    "node_name": lambda name: code(name.format(3)),
    "abnormal": lambda text: code(text.format(node=3)),
    "abnormal_at_end": code,
    "io_lists": lambda lists: "a list of descriptors" if lists else "a port",
}


def editions_page() -> str:
    """Write the page."""
    return page(
        "# How the editions differ",
        prose(
            """`Cluster(edition=...)` takes an edition of BProc by name: `scyld` is the one that Scyld made of 3.1.9 and
            went on with, and the default; `lanl32` is 3.2 of Los Alamos; `bproc4` is 4.0. This page is written by the
            program, from the records and tables by which it decides and from worlds that it ran."""
        ),
        "## What they are",
        table(("", *NAMES), _fields(list(bp.editions.values()), FIELDS)),
        "## What their commands do",
        table(("", *NAMES), _fields([edition.tools() for edition in bp.editions.values()], TOOLS)),
        "## Which calls there are",
        prose(
            """Those about nodes and processes that not all three have, or that take other arguments in some; all that
            move a process take the same, but for I/O. `bproc_nodelist` fills a list of records, in 4.0 a set."""
        ),
        table(("call", *NAMES), _calls()),
        "## States of a node",
        prose(
            """In 4.0 a state is a word of up to 15 letters and digits, and any but `down` is what its administrator
            means by it. The others have numbers."""
        ),
        table(("state", *NAMES), _states()),
        "## The same world under each",
        prose(
            """Each line is a thing that is wrong, or several that come to the same, and what the call makes of it: the
            errno, and what C returns if that is not -1; `exit` is the status of a process whose exec had succeeded.
            What is empty has no such call. Where all that have the call agree the line is left out."""
        ),
        table(("call", "what is wrong", *NAMES), _worlds()),
        "## In which order",
        prose("Pairs of causes that two editions decide in another order:"),
        table(("call", "earlier", "later", "in", "but the other way round in"), _orders()),
        "## Where it stands",
        prose("The sources of the rows of each edition's tables of BProc's own calls, with how many cite each."),
        table(("source", *NAMES), _sources()),
    )


def _fields(records: Sequence[Any], labels: dict[str, str]) -> Iterator[tuple[str, ...]]:
    for name, label in labels.items():
        if label:
            told = _TOLD.get(name, _plain)
            yield (label, *(told(getattr(record, name)) for record in records))


def _plain(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _calls() -> Iterator[tuple[str, ...]]:
    known = dict.fromkeys(call for edition in bp.editions.values() for call in edition.calls())
    for call in sorted(known, key=lambda name: name.lstrip("_")):
        told = [_shape(edition, call) for edition in bp.editions.values()]
        if len(set(told)) > 1:
            yield (code(call), *told)


def _shape(edition: bp.Edition, call: str) -> str:
    service = edition.calls().get(call)
    if service is None:
        return ""
    if service.takes is None:
        return "yes"
    return code(f"({', '.join(_KINDS[take] + name for name, take in service.takes.items())})")


# What makes an argument ready, and the type that it has in C.
_KINDS: dict[Any, str] = {integer: "int ", pointer_or_null: "char *", unchecked: "*", node_address: "*"}


def _states() -> Iterator[tuple[str, ...]]:
    for state in NodeState:
        told = [_of_state(edition, state) for edition in bp.editions.values()]
        yield (state.value, *told)


def _of_state(edition: bp.Edition, state: NodeState) -> str:
    """Tell how a state is told by an edition's calls, and what comes of setting it."""
    cluster = bp.Cluster(nodes=1, edition=edition)
    told = code(state.value if edition.bpfs else str(status_of(state)))
    if edition.bpfs:
        out = cluster.bproc_nodesetstatus(0, state.value)
    else:
        call = cluster.bproc_setnodestatus if "bproc_setnodestatus" in edition.calls() else cluster.bproc_nodesetstatus
        out = call(0, status_of(state))
    after = cluster.nodes[0]
    became = "the node is down" if after.state == "down" else f"mode {after.mode:04o}"
    return f"{told}, set: {out.errno.name if out.errno is not None else became}"


# ---- worlds ----------------------------------------------------------------------------------------


@cache
def _tables(edition: str) -> dict[str, Errors]:
    """Give the tables of an edition's own calls."""
    found = (exec_tables(edition)[0], *move_tables(edition), *node_tables(edition))
    return {errors.call: errors for errors in found}


def _has_lists(edition: str) -> bool:
    return bp.editions[edition].io_lists


# What can be wrong with arguments that not all take: a list of descriptors, a state by its number or its word.
_OF_LISTS = {
    row.cause
    for edition in bp.editions.values()
    for rows in (edition.list_rows().entry, edition.list_rows().late)
    for row in rows
}
_OF_STATES = {
    "status_unknown", "status_not_settable", "status_is_command", "status_unreadable", "status_too_long",
    "status_malformed", "status_too_long_for_buffer", "buffer_unwritable",
}  # fmt: skip

# From how many causes on that come to the same in each edition, but for the errno, they share a line.
_MANY = 4
_ITS_ERRNO, _NEGATIVE = "its errno", "its errno, and the negative number"


def _worlds() -> Iterator[tuple[str, ...]]:
    alike: dict[tuple[str, ...], list[Recipe]] = {}
    for recipe, came in _compared():
        alike.setdefault(_in_general(recipe, came), []).append(recipe)
    for recipe, came in _compared():
        key = _in_general(recipe, came)
        if len(alike[key]) < _MANY:
            yield (code(recipe.call), f"{recipe.sentence} ({code(recipe.cause)})", *came)
        elif alike[key][0] is recipe:
            yield (code(recipe.call), ", ".join(code(each.cause) for each in alike[key]), *key[1:])


def _in_general(recipe: Recipe, came: tuple[str, ...]) -> tuple[str, ...]:
    """Give the call and what came of it, without saying which errno it was."""
    name, number = recipe.errno.name, recipe.errno.number()
    general = {name: _ITS_ERRNO, f"{name}, {-number}": _NEGATIVE}
    return recipe.call, *(general.get(each, each) for each in came)


@cache
def _compared() -> tuple[tuple[Recipe, tuple[str, ...]], ...]:
    """Give what comes of each row's world in each edition, "" where that has no such call, if they differ."""
    found: dict[tuple[str, str], tuple[Recipe, tuple[str, ...]]] = {}
    for edition in NAMES:
        for (call, cause), recipe in recipes_of(edition).items():
            having = [name for name in NAMES if call in _tables(name) and (cause not in _OF_LISTS or _has_lists(name))]
            if len(having) < 2 or edition not in having or (call, cause) in found or cause in _OF_STATES:
                continue
            came = {name: _came(attrs.evolve(recipe.case, edition=name)) for name in having}
            found[call, cause] = recipe, tuple(came.get(name, "") for name in NAMES)
    return tuple((recipe, came) for recipe, came in found.values() if len({*came} - {""}) > 1)


def _came(case: Any) -> str:
    """Tell what a call comes to."""
    out = case.run()
    if out.errno is not None:
        return out.errno.name if out.value == -1 else f"{out.errno.name}, {out.value}"
    if out.returned:
        return str(out.value)
    return f"exit {out.exit_status}" if out.signal is None else bp.Signal(out.signal).name


def _orders() -> Iterator[tuple[str, ...]]:
    behind: dict[tuple[str, str, str, str], list[str]] = {}
    for call, one, other, so, others in _pairs():
        behind.setdefault((call, one, so, others), []).append(other)
    alike: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    for (call, one, so, others), later in behind.items():
        alike.setdefault((call, so, others, tuple(later)), []).append(one)
    for (call, so, others, these), earlier in alike.items():
        yield (code(call), ", ".join(map(code, earlier)), ", ".join(map(code, these)), so, others)


def _pairs() -> Iterator[tuple[str, str, str, str, str]]:
    calls = dict.fromkeys(call for name in NAMES for call in _tables(name))
    for call in calls:
        places = {
            name: {row.cause: place for place, row in enumerate(_tables(name)[call].rows)}
            for name in NAMES
            if call in _tables(name)
        }
        causes = dict.fromkeys(cause for place in places.values() for cause in place)
        for one, other in combinations(causes, 2):
            asked = [name for name, place in places.items() if one in place and other in place]
            so = [name for name in asked if places[name][one] < places[name][other]]
            if so and len(so) < len(asked):
                yield call, one, other, ", ".join(so), ", ".join(name for name in asked if name not in so)


def _sources() -> Iterator[tuple[object, ...]]:
    cited = {name: _cited(name) for name in NAMES}
    for source in dict.fromkeys(source for found in cited.values() for source in found):
        yield (code(source), *(cited[name].get(source, "") for name in NAMES))


def _cited(edition: str) -> dict[str, int]:
    found: dict[str, int] = {}
    own = {row.cause for row in exec_tables(edition)[1].rows}  # exec's own rows are those of a kernel
    for errors in _tables(edition).values():
        for row in errors.rows:
            if row.cause not in own or row.kind is Kind.LATE:
                found[errors.source_of(row)] = found.get(errors.source_of(row), 0) + 1
    return found
