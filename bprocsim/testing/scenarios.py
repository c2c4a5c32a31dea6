"""A scenario as a value: a world, what goes wrong in it, and the calls that are made there, to be run again and again.

Its tables and keys are those of a scenario file, so that each has a replay token.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
from attrs import field, frozen

import bprocsim as bp
from bprocsim.faults import Fault
from bprocsim.posix.image import Program, name_of
from bprocsim.scenario.build import World, build
from bprocsim.scenario.faulttables import fault_of, table_of
from bprocsim.scenario.load import Loaded, Where, load, understand
from bprocsim.scenario.materials import Outside
from bprocsim.scenario.report import Report, run_all
from bprocsim.scenario.tables import SCHEMA, written
from bprocsim.scenario.tokens import read_token
from bprocsim.world import watching

_NAME = "the scenario"
_GIVEN = "given"  # the module of functions that no file has
_ENDS = {each.__name__: each for each in (bp.Deadlock, bp.Runaway, bp.Timeout)}


@frozen(init=False, repr=False, eq=False)
class Scenario:
    """A world and the calls that are made there: `Scenario(cluster={"nodes": 2}, call=[...])`.

    The keywords are the tables of a scenario file, with their keys. Beyond that `fault` may hold faults, as
    in `bp.PowerOff(node=1)`, and the `program` of a file may be a function. `beside` is the folder in which
    "module:function" and files of the host are looked for; left out it is that of the first function's
    module, or else the current one. `loaded` is the scenario as it was understood.
    ScenarioError: all that is wrong with it.
    """

    loaded: Loaded
    strangers: tuple[str, ...] = field(default=())  # programs that no module has at its top, so that no token has them

    def __init__(self, *, beside: str | Path | None = None, **tables: Any) -> None:
        functions = _Functions(None if beside is None else Path(beside))
        values = {"schema": SCHEMA, **tables, **_plain_tables(tables, functions)}
        outside = Outside(functions.beside or Path(), modules=functions.modules, used=functions.used)
        loaded = understand(values, Where(_NAME, None), outside)
        self.__attrs_init__(loaded, tuple(functions.strangers))

    @classmethod
    def of(cls, source: str | Path | Loaded | Scenario) -> Scenario:
        """Make one of a file, of what a file was understood as, or of a Scenario, which it gives back.

        ScenarioError: all that is wrong with the file. OSError: it cannot be read.
        """
        if isinstance(source, Scenario):
            return source
        if isinstance(source, str | Path):
            source = load(Path(source).read_bytes(), str(source), Path(source).parent)
        if not isinstance(source, Loaded):
            raise TypeError(f"scenario: expected a file, or a bprocsim.testing.Scenario, got {source!r}")
        made = cls.__new__(cls)
        made.__attrs_init__(source)
        return made

    @classmethod
    def of_token(cls, token: str, beside: str | Path | None = None) -> Scenario:
        """Make one of a replay token; `beside` the folder of the modules that it names, if it does.

        TokenError: it is none, or damaged. ScenarioError: what it needs is not here.
        """
        outside = Outside(Path(beside or "."), imports=beside is not None)
        return cls.of(understand(read_token(token).scenario, Where("the token", None), outside))

    # ---- what it holds ----

    @property
    def tables(self) -> dict[str, Any]:
        """Give its tables as a file would have them; what was left out stays left out."""
        return {name: value for name, value in written(self.loaded.scenario).items() if name != "schema"}

    @property
    def faults(self) -> list[Fault]:
        """Give what goes wrong, as records."""
        return [fault_of(table) for table in self.loaded.scenario.fault]

    def with_faults(self, *faults: Fault, system: str | None = None) -> Scenario:
        """Give the same scenario with more faults; `system` which one they strike, where there are several.

        TypeError: one of them is no fault.
        """
        for fault in faults:
            if not isinstance(fault, Fault):
                raise TypeError(f"faults: expected records such as bp.PowerOff(node=2), got {fault!r}")
        more = [table_of(fault) for fault in faults]
        if system is not None:
            changes: dict[str, Any] = {"system": system}
            more = [attrs.evolve(table, **changes) if hasattr(table, "system") else table for table in more]
        return self._with(fault=(*self.loaded.scenario.fault, *more))

    def with_trace(self, level: str) -> Scenario:
        """Give the same scenario with another level of trace, and no limit to it."""
        return self._with(trace=level, trace_limit=None)

    def _with(self, **changes: Any) -> Scenario:
        scenario = attrs.evolve(self.loaded.scenario, **changes)
        made = type(self).__new__(type(self))
        made.__attrs_init__(attrs.evolve(self.loaded, scenario=scenario), self.strangers)
        return made

    # ---- running it ----

    def world(self) -> World:
        """Build its world, before the first call: `.sim`, `.trace`, `.cluster`, `.lpar`, `.systems` by name.

        ScenarioError: all that cannot be built.
        """
        return build(self.loaded)

    def play(self, world: World | None = None) -> Report:
        """Make its calls, and tell of each; `world` one that it has built, left out a fresh one."""
        report = run_all(self.loaded, self.world() if world is None else world, bp.__version__)
        if watching.watchers and not self.strangers:
            beside = None if self._beside is None else str(self._beside)
            watching.tell_of_scenario(report.world.sim, report.token, beside)
        return report

    def run(self) -> bp.Outcome:
        """Make its calls; gives what the last one came to.

        Deadlock, Runaway, Timeout: that call did not end. ValueError: one cannot be made, or there is none.
        """
        report = self.play()
        if report.refused:
            raise ValueError(report.refused)
        last = next((each for each in reversed(report.results) if each.outcome or each.raised), None)
        if last is None:
            raise ValueError("call: this scenario makes no call that comes to something")
        if last.outcome is None:
            raise _ENDS[last.raised or ""](last.why)
        return last.outcome

    def token(self) -> str:
        """Run it, and put the run into one word, which `bprocsim replay` runs again.

        ValueError: one of its programs is no function at the top of a module, and a token holds no code.
        """
        self.check_portable()
        return self.play().token

    def check_portable(self) -> None:
        """Assert that a token can say where its programs are. ValueError: names one of which it cannot."""
        for name in self.strangers:
            where = f"in a file of {self.loaded.outside.directory}"
            raise ValueError(f"program: {name} is no function at the top of a module {where}; a token holds no code")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scenario):
            return NotImplemented
        same = (self.loaded.scenario, self._beside) == (other.loaded.scenario, other._beside)
        return same and (not self.strangers or self._functions == other._functions)

    __hash__ = None  # type: ignore[assignment]  # its tables are lists and dicts

    @property
    def _functions(self) -> list[Any]:
        """Give what its programs do."""
        programs = (*(each.program for each in self.loaded.materials), *self.loaded.children.values())
        return [None if each is None else each.function for each in programs]

    @property
    def _beside(self) -> Path | None:
        """Give the folder beside which it looks for files, where it uses any."""
        return self.loaded.outside.directory if self.loaded.outside.used else None

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis would show the fields

    def __repr__(self) -> str:
        given = self.tables if self._beside is None else {"beside": str(self._beside)} | self.tables
        return f"bp.testing.Scenario({', '.join(f'{name}={value!r}' for name, value in given.items())})"


# ---- faults and functions in the place of tables and names --------------------------------------


def _plain_tables(tables: Mapping[str, Any], functions: _Functions) -> dict[str, Any]:
    """Give the tables that hold records or functions as a file would have them."""
    made: dict[str, Any] = {}
    if isinstance(faults := tables.get("fault"), Sequence) and not isinstance(faults, str):
        made["fault"] = [written(table_of(each)) if isinstance(each, Fault) else each for each in faults]
    for name in ("file", "call"):
        if isinstance(each := tables.get(name), Sequence) and not isinstance(each, str):
            made[name] = [*_named(each, functions)]
    return made


def _named(tables: Sequence[Any], functions: _Functions) -> Iterator[Any]:
    for table in tables:
        if not isinstance(table, Mapping):
            yield table
            continue
        made = dict(table)
        for key in {"program", "child"} & set(table):
            if callable(table[key]):
                made[key] = functions.name(table[key])
            elif isinstance(table[key], str):
                functions.loaded(table[key].partition(":")[0])
        yield made


class _Functions:
    """Finds names for functions: `module:function` of a file `beside`, or of a module that no file has."""

    def __init__(self, beside: Path | None) -> None:
        self.beside = beside
        self.modules: dict[str, ModuleType] = {}
        self.used: dict[str, str] = {}
        self.strangers: list[str] = []

    def name(self, program: Any) -> str:
        """Give the name of a program for a table."""
        function = program.function if isinstance(program, Program) else program
        name = name_of(function)
        module = sys.modules.get(getattr(function, "__module__", None) or "")
        file = Path(getattr(module, "__file__", None) or "")
        if module is not None and getattr(module, name, None) in (program, function) and file.suffix == ".py":
            self.beside = self.beside or file.parent
            if file.is_relative_to(self.beside):
                return self._of_file(module, file.relative_to(self.beside), name)
        return self._of_nobody(program, name, f"{getattr(function, '__qualname__', name)}")

    def loaded(self, dotted: str) -> None:
        """Take a module that is loaded already as it is, rather than once more from its file."""
        file = (self.beside or Path()).joinpath(*dotted.split(".")).with_suffix(".py")
        for module in list(sys.modules.values()) if file.is_file() else ():
            if getattr(module, "__file__", None) and Path(str(module.__file__)) == file.absolute():
                self._of_file(module, file.relative_to(self.beside or Path()), "")
                return

    def _of_file(self, module: ModuleType, file: Path, name: str) -> str:
        dotted = ".".join(file.with_suffix("").parts)
        self.modules[dotted] = module
        self.used[file.as_posix()] = hashlib.sha256((self.beside or Path()).joinpath(file).read_bytes()).hexdigest()
        return f"{dotted}:{name}"

    def _of_nobody(self, program: Any, name: str, told: str) -> str:
        known = vars(self.modules.setdefault(_GIVEN, ModuleType(_GIVEN)))
        name = name if name.isidentifier() else "function"
        while known.get(name, program) is not program:
            name += "_"
        known[name] = program
        self.strangers.append(told)
        return f"{_GIVEN}:{name}"
