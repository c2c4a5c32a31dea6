"""The testing kit: tables of errors and a world for each row, scenarios, single faults, machines, errno coverage.

Each name is fetched from its room when it is first used, so that nobody imports Hypothesis or pytest
who does not use what needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bprocsim.testing import strategies
    from bprocsim.testing.coverage.cases import ErrnoCase, cases
    from bprocsim.testing.coverage.counting import ErrnoCoverage
    from bprocsim.testing.coverage.report import CoverageReport
    from bprocsim.testing.filetrees import FileTree
    from bprocsim.testing.machines.cluster import ClusterMachine
    from bprocsim.testing.machines.deeds import Deed
    from bprocsim.testing.machines.lpar import LparMachine
    from bprocsim.testing.rows.cases import Case
    from bprocsim.testing.rows.files import File
    from bprocsim.testing.rows.lparcases import LparCase
    from bprocsim.testing.rows.nodecases import NodeCase
    from bprocsim.testing.rows.programcases import ProgramCase
    from bprocsim.testing.rows.programs import program_case
    from bprocsim.testing.rows.recipes import Recipe, recipes, recipes_of
    from bprocsim.testing.rows.tables import tables
    from bprocsim.testing.scenarios import Scenario
    from bprocsim.testing.singlefault.judging import Finding, Verdict
    from bprocsim.testing.singlefault.report import SingleFault, SingleFaults
    from bprocsim.testing.singlefault.running import each_single_fault

# Where each name is at home.
_HOMES = {
    "CoverageReport": "coverage.report",
    "ErrnoCase": "coverage.cases",
    "ErrnoCoverage": "coverage.counting",
    "Case": "rows.cases",
    "File": "rows.files",
    "FileTree": "filetrees",
    "LparCase": "rows.lparcases",
    "NodeCase": "rows.nodecases",
    "ClusterMachine": "machines.cluster",
    "Deed": "machines.deeds",
    "ProgramCase": "rows.programcases",
    "LparMachine": "machines.lpar",
    "Recipe": "rows.recipes",
    "Scenario": "scenarios",
    "Finding": "singlefault.judging",
    "Verdict": "singlefault.judging",
    "SingleFault": "singlefault.report",
    "SingleFaults": "singlefault.report",
    "each_single_fault": "singlefault.running",
    "cases": "coverage.cases",
    "program_case": "rows.programs",
    "recipes": "rows.recipes",
    "recipes_of": "rows.recipes",
    "strategies": "strategies",
    "tables": "rows.tables",
}


# What the kit is used with, and the package need not have.
_EXTRAS = frozenset({"hypothesis", "pytest"})


def __getattr__(name: str) -> Any:
    """Fetch a name from its room, once. ModuleNotFoundError: what it needs is not installed."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bprocsim.testing' has no attribute {name!r}")
    try:
        room = import_module(f"bprocsim.testing.{home}")
    except ModuleNotFoundError as error:
        lacking = (error.name or "").partition(".")[0]
        if lacking not in _EXTRAS:
            raise
        what = f"bprocsim.testing.{name} needs {lacking}, which is not installed: pip install 'bprocsim[testing]'"
        raise ModuleNotFoundError(what, name=lacking) from None
    value = globals()[name] = room if name == home else getattr(room, name)
    return value


def __dir__() -> list[str]:
    """List the public names, whether fetched or not, and Python's own."""
    return sorted({name for name in globals() if name.startswith("__")} | set(__all__))


__all__ = [
    "Case",
    "ClusterMachine",
    "CoverageReport",
    "Deed",
    "ErrnoCase",
    "ErrnoCoverage",
    "File",
    "FileTree",
    "Finding",
    "LparCase",
    "LparMachine",
    "NodeCase",
    "ProgramCase",
    "Recipe",
    "Scenario",
    "SingleFault",
    "SingleFaults",
    "Verdict",
    "cases",
    "each_single_fault",
    "program_case",
    "recipes",
    "recipes_of",
    "strategies",
    "tables",
]
