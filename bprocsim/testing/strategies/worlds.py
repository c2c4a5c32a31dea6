"""Strategies for worlds: clusters, and partitions of every shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.units import MiB
from bprocsim.world.specs import ORDERS, named_record

_LEVELS = tuple(sorted(bp.levels, key=lambda name: name != "7.1"))  # the default first
_MODELS = tuple(sorted(bp.models, key=lambda name: name != "POWER7"))
_SPECS = st.builds(
    bp.NodeSpec,
    cores=st.integers(1, 4),
    memory_bytes=st.sampled_from([512 * MiB, 1 * MiB, 64 * MiB]),
    arch=st.sampled_from(["x86-64", "i386", "ppc"]),
    open_files=st.sampled_from([8192, 64]),
)
_EIGHTH = st.integers(0, 7)
_SEEDS = st.integers(0, 2**32 - 1)


def clusters(
    min_nodes: int = 1,
    max_nodes: int = 5,
    editions: Sequence[str] = tuple(bp.editions),
    kernels: Sequence[str] = tuple(bp.kernels),
    alike: bool = False,
    **fixed: Any,
) -> st.SearchStrategy[bp.Cluster]:
    """Give clusters of `min_nodes` to `max_nodes` nodes, with no faults: a small one of the defaults first.

    `editions`, `kernels` to choose from, by name, the simplest first; `alike`: all nodes are the usual ones.
    `fixed` are arguments of Cluster that are the same for all. ValueError: a number of nodes that cannot be.
    """
    if not 0 <= min_nodes <= max_nodes:
        raise ValueError(f"min_nodes, max_nodes: expected 0 <= min_nodes <= max_nodes, got {min_nodes}, {max_nodes}")
    optional: dict[str, st.SearchStrategy[Any]] = {
        "edition": st.sampled_from(editions),
        "kernel": st.sampled_from(kernels),
        "seed": _SEEDS,
        "order": st.sampled_from(ORDERS),
    }
    chosen = {name: strategy for name, strategy in optional.items() if name not in fixed}
    return _clusters(st.integers(min_nodes, max_nodes), alike, st.fixed_dictionaries(chosen), fixed)


@st.composite
def _clusters(
    draw: st.DrawFn, /, counts: Any, alike: bool, chosen: st.SearchStrategy[dict[str, Any]], fixed: dict[str, Any]
) -> bp.Cluster:
    count = draw(counts)
    nodes = count
    if not alike and draw(_EIGHTH) == 7:
        nodes = draw(st.lists(_SPECS, min_size=count, max_size=count))
    return bp.Cluster(nodes, **draw(chosen), **fixed)


def topologies(
    max_cores: int = 8,
    levels: Sequence[str] = _LEVELS,
    models: Sequence[str] = _MODELS,
    **fixed: Any,
) -> st.SearchStrategy[bp.Lpar]:
    """Give partitions of every shape, a core of one hardware thread first.

    Up to `max_cores` cores of each width that the model has, in one or more SRADs; `levels`, `models` to choose
    from, by name, the simplest first. `fixed` are arguments of Lpar that are the same for all.
    ValueError: a number of cores that cannot be.
    """
    if max_cores < 1:
        raise ValueError(f"max_cores: expected at least 1, got {max_cores}")
    return _topologies(max_cores, levels, models, fixed)


@st.composite
def _topologies(
    draw: st.DrawFn, /, max_cores: int, levels: Sequence[str], models: Sequence[str], fixed: dict[str, Any]
) -> bp.Lpar:
    level = named_record(fixed.get("level") or draw(st.sampled_from(levels)), bp.levels, bp.Level, "level")
    model = named_record(fixed.get("cpu") or draw(st.sampled_from(models)), bp.models, bp.Model, "cpu")
    smt = fixed.get("smt") or draw(st.sampled_from(model.widths))
    cores = fixed.get("cores") or draw(st.integers(1, min(max_cores, level.processors_max // smt)))
    affinity = draw(st.booleans())  # always drawn: what needs fewer choices counts as simpler
    shape: dict[str, Any] = {
        "cores": cores,
        "smt": smt,
        "cpu": model.name,
        "level": level.name,
        "srads": draw(st.integers(1, cores)),
        "enhanced_affinity": affinity and model.enhanced_affinity and level.sradids,
    }
    return bp.Lpar(**{**shape, **fixed})
