"""What `@pytest.mark.bprocsim(nodes=8, seed=3)` says: read, checked when tests are collected, and dealt out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from inspect import signature
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.notation import parameters_of

NAME = "bprocsim"
SAYS = (
    f"{NAME}(**keywords): how bproc_cluster, aix_lpar and bproc_sim are made: keywords of bprocsim.Cluster "
    "or bprocsim.Lpar, such as nodes=8, seed=3"
)

# Each kind of thing that is made, and the fixtures that make it.
CLUSTER, LPAR, SIMULATION = "Cluster", "Lpar", "Simulation"
_FIXTURES = {
    "bproc_cluster": CLUSTER, "make_bproc_cluster": CLUSTER, "aix_lpar": LPAR, "make_aix_lpar": LPAR,
    "bproc_sim": SIMULATION,
}  # fmt: skip


@cache
def keywords_of(kind: str) -> frozenset[str]:
    """Give the keywords of a public class, but those that a fixture itself decides."""
    return frozenset(parameters_of(getattr(bp, kind))) - {"sim"}


@cache
def positional_of(kind: str) -> tuple[str, ...]:
    """Give the parameters of a public class that need no keyword, in order."""
    parameters = parameters_of(getattr(bp, kind)).values()
    return tuple(each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD)


def said_of(item: pytest.Item) -> dict[str, Any]:
    """Give what the markers of a test say together; of a keyword that two have, the closer one counts."""
    said: dict[str, Any] = {}
    for mark in reversed(list(item.iter_markers(NAME))):
        said.update(mark.kwargs)
    return said


def suited(said: Mapping[str, Any], kind: str, apart_from: str | None = None) -> dict[str, Any]:
    """Give what a kind of thing takes of what is said, apart from what another kind takes as well."""
    taken = keywords_of(kind) - (frozenset() if apart_from is None else keywords_of(apart_from))
    return {name: value for name, value in said.items() if name in taken}


def problems_of(item: pytest.Item) -> Iterator[str]:
    """Tell what is wrong with the markers of a test, one sentence each."""
    for mark in item.iter_markers(NAME):
        if mark.args:
            yield f"it takes keywords alone, such as nodes=8, and got {', '.join(map(repr, mark.args))}"
        for name in mark.kwargs:
            if name not in _known():
                yield _unknown(name)
    own = [mark for mark in item.own_markers if mark.name == NAME]  # those of a class or module may mean other tests
    if own and (used := _used_by(item)):
        for mark in own:
            yield from _useless(mark, used)


def _used_by(item: Any) -> tuple[str, ...]:
    """Tell which kinds of things a test has made for it; none if it may ask for any as it runs."""
    if "request" in signature(item.function).parameters:
        return ()
    kinds = dict.fromkeys(_FIXTURES[name] for name in item.fixturenames if name in _FIXTURES)
    return tuple(kind for kind in kinds if kind != SIMULATION) or tuple(kinds)


def _known() -> frozenset[str]:
    return keywords_of(CLUSTER) | keywords_of(LPAR)


def _unknown(name: str) -> str:
    if name == "sim":
        return "sim: the fixtures of a test make its world themselves; build in `bproc_sim`, or use make_bproc_cluster"
    close = get_close_matches(name, sorted(_known()), 1)
    instead = f"did you mean {close[0]}?" if close else f"they have {', '.join(sorted(_known()))}"
    return f"{name}: neither Cluster nor Lpar has such a keyword; {instead}"


def _useless(mark: pytest.Mark, used: tuple[str, ...]) -> Iterator[str]:
    """Tell of keywords that nothing takes of what a test uses."""
    for name in mark.kwargs:
        if name in _known() and not any(name in keywords_of(kind) for kind in used):
            owner = LPAR if name in keywords_of(LPAR) else CLUSTER
            yield f"{name}: is a keyword of {owner}, and this test uses a {' and a '.join(used)} alone"
