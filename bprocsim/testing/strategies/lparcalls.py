"""Strategies for calls that a user makes on a partition."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.testing.strategies.calls import (
    ARGUMENTS,
    ENVIRONMENTS,
    ODD_ARGUMENTS,
    ODD_VECTORS,
    callers,
    odd_ones,
    paths,
)
from bprocsim.testing.strategies.sets import exclusive_sets, expect_lpar, rsets

_FORMS = ("ra_execv", "ra_execve", "ra_execl", "ra_execle", "ra_execvp", "ra_execlp", "ra_exect")
_ONE_BY_ONE = frozenset({"ra_execl", "ra_execle", "ra_execlp"})  # argv is no vector
_WITH_ENVIRONMENT = frozenset({"ra_execve", "ra_execle", "ra_exect"})


_ODD = odd_ones(("rstype", "rsid", "flags", "path", "argv", "envp", "user"))


@st.composite
def ra_exec_calls(draw: st.DrawFn, /, lpar: bp.Lpar) -> bp.Call:
    """Give calls of ra_exec in all its forms on a partition: of a program on processor 0, by root, first.

    Sets are of the processors that there are, also of exclusive ones where the partition has some; programs,
    paths and users those that it has now. In some, one or two of the arguments are odd: a type or flags that
    are none, a handle or a path that leads nowhere, a user who may not.
    `call(lpar)` makes it, `call(another)` the same in another world. TypeError: this is no partition.
    """
    expect_lpar(lpar)
    odd = draw(_ODD)
    keywords = draw(callers(lpar.users, "user" in odd, capabilities=True))
    name = draw(st.sampled_from(_FORMS))
    rstype = draw(_types(lpar, "rstype" in odd))
    rsid = draw(_srads(lpar, "rsid" in odd) if rstype == bp.R_SRADID else _handles(lpar, "rsid" in odd))
    flags = draw(_flags(lpar, rstype, "flags" in odd))
    path = draw(paths(lpar.machine.fs, "path" in odd))
    after: list[Any]
    if name in _ONE_BY_ONE:
        after = draw(ODD_ARGUMENTS if "argv" in odd else ARGUMENTS)
    else:
        after = [draw(ODD_VECTORS if "argv" in odd else ARGUMENTS)]
    if name in _WITH_ENVIRONMENT:
        after = [*after, draw(ODD_VECTORS if "envp" in odd else ENVIRONMENTS)]
    return bp.Call(name, rstype, rsid, flags, path, *after, **keywords)


def _types(lpar: bp.Lpar, odd: bool) -> st.SearchStrategy[int]:
    if odd:
        return st.sampled_from([bp.R_PROCESS, bp.R_NADA, -1, bp.R_SRADID])
    return st.sampled_from([bp.R_RSET, *([bp.R_SRADID] if lpar.partition.enhanced_affinity else [])])


def _srads(lpar: bp.Lpar, odd: bool) -> st.SearchStrategy[Any]:
    srads = lpar.partition.topology.srads
    return st.sampled_from([srads, -1, bp.SRADID_ANY]) if odd else st.integers(0, srads - 1)


def _handles(lpar: bp.Lpar, odd: bool) -> st.SearchStrategy[Any]:
    if odd:
        return rsets(lpar, absent=True) | st.sampled_from([None, bp.BAD_ADDRESS, 3])
    return exclusive_sets(lpar) | rsets(lpar, min_size=1)


def _flags(lpar: bp.Lpar, rstype: int, odd: bool) -> st.SearchStrategy[int]:
    if odd:
        return st.sampled_from([bp.R_ATTACH_STRSET, 0x40, bp.R_ATTACH_STRSET | 1])
    single = lpar.partition.exclusive and rstype == bp.R_RSET
    return st.sampled_from([0, bp.R_ATTACH_STRSET] if single else [0])
