"""The fixtures: a world of the test's own, and factories of worlds for whoever needs many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pytest

import bprocsim as bp
from bprocsim.testing.plugin.marker import CLUSTER, LPAR, NAME, SIMULATION, positional_of, problems_of, said_of, suited
from bprocsim.testing.plugin.options import defaults
from bprocsim.testing.plugin.recorder import RECORDER

Made = TypeVar("Made")


@pytest.fixture
def bproc_sim(request: pytest.FixtureRequest) -> bp.Simulation:
    """Give an empty world of the test's own (bprocsim.Simulation), in which bproc_cluster and aix_lpar are built too.

    The marker `bprocsim` says how it is made; else --bprocsim-seed and --bprocsim-trace do.
    """
    problems = list(problems_of(request.node))  # of a marker that came when all had been collected
    if problems:
        pytest.fail(f"@pytest.mark.{NAME}: {'; '.join(problems)}", pytrace=False)
    said = suited(said_of(request.node), SIMULATION)
    return _made(lambda: bp.Simulation(**{**defaults(request.config), **said}), said)


@pytest.fixture
def bproc_cluster(request: pytest.FixtureRequest, bproc_sim: bp.Simulation) -> bp.Cluster:
    """Give a BProc cluster of the test's own (bprocsim.Cluster): one master and four nodes, all up.

    `@pytest.mark.bprocsim(nodes=8, seed=3)` has it made with these keywords.
    """
    said = suited(said_of(request.node), CLUSTER, apart_from=SIMULATION)
    return _made(lambda: bproc_sim.cluster(**said), said)


@pytest.fixture
def aix_lpar(request: pytest.FixtureRequest, bproc_sim: bp.Simulation) -> bp.Lpar:
    """Give an AIX partition of the test's own (bprocsim.Lpar): four cores of a POWER7, AIX 7.1.

    `@pytest.mark.bprocsim(cpu="POWER5", cores=2)` has it made with these keywords.
    """
    said = suited(said_of(request.node), LPAR, apart_from=SIMULATION)
    return _made(lambda: bproc_sim.lpar(**said), said)


@pytest.fixture(scope="session")
def make_bproc_cluster(request: pytest.FixtureRequest) -> Callable[..., bp.Cluster]:
    """Give what makes a new BProc cluster each time, with the keywords of bprocsim.Cluster; safe under @given.

    Where a call says nothing the marker of the test that makes it counts, then --bprocsim-seed and
    --bprocsim-trace.
    """
    return _factory("make_bproc_cluster", bp.Cluster, CLUSTER, request.config)


@pytest.fixture(scope="session")
def make_aix_lpar(request: pytest.FixtureRequest) -> Callable[..., bp.Lpar]:
    """Give what makes a new AIX partition each time, with the keywords of bprocsim.Lpar; safe under @given.

    Where a call says nothing the marker of the test that makes it counts, then --bprocsim-seed and
    --bprocsim-trace.
    """
    return _factory("make_aix_lpar", bp.Lpar, LPAR, request.config)


def _factory(name: str, make: Callable[..., Any], kind: str, config: pytest.Config) -> Callable[..., Any]:
    recorder, usual = config.stash[RECORDER], defaults(config)

    def factory(*args: Any, **keywords: Any) -> Any:
        if keywords.get("sim") is not None:
            return make(*args, **keywords)
        # A fixture that outlives a test must not depend on which test comes first: in a set-up no marker counts.
        said = suited(said_of(recorder.calling), kind) if recorder.calling is not None else {}
        for given in positional_of(kind)[: len(args)]:
            said.pop(given, None)
        return make(*args, **{**usual, **said, **keywords})

    factory.__name__ = factory.__qualname__ = name
    return factory


def _made(make: Callable[[], Made], said: Mapping[str, Any]) -> Made:
    """Make a system; a value in a marker that is refused needs no traceback through this file."""
    try:
        return make()
    except (TypeError, ValueError) as error:
        if not said:
            raise
        refused = f"@pytest.mark.{NAME}: {error}"
    pytest.fail(refused, pytrace=False)
