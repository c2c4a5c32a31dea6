"""Editions, levels, processor models and time models of one's own: a known one with some of its fields changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import frozen

from bprocsim.aix.levels import LEVELS, Level
from bprocsim.aix.models import MODELS, Model
from bprocsim.bproc.editions import EDITIONS, Edition
from bprocsim.costs import PRESETS, Costs
from bprocsim.scenario.commonkinds import NAMES, TRUTH
from bprocsim.scenario.kinds import Choice, Either, Integer, Listed, Table, key

_NS = Integer(0, what="nanoseconds")
_EDITION = Choice(EDITIONS, "edition")
_COSTS = Choice(PRESETS, "time model")
_LEVEL = Choice(LEVELS, "level")
_CPU = Choice(MODELS, "processor model")


@frozen(kw_only=True)
class EditionTable:
    """An edition of BProc with other choices where the documents are silent."""

    name: str = key(_EDITION, "the edition that is changed", "scyld")
    late_failure: str | None = key(
        Choice(("exit", "return"), "way to fail"), "how a failure after the exec is told", None
    )
    ping_timeout_ns: int | None = key(Integer(2, what="nanoseconds"), "when a silent node is given up", None)
    library_list: tuple[str, ...] | None = key(NAMES, "paths that are sent by name only", None)


@frozen(kw_only=True)
class LevelTable:
    """A level of AIX with other choices where the documents are silent."""

    name: str = key(_LEVEL, "the level that is changed", "7.1")
    exclusive_by_capability: bool | None = key(TRUTH, "CAP_NUMA_ATTACH is enough to make an exclusive set", None)
    overlapping_exclusive: bool | None = key(TRUTH, "two exclusive sets may share a processor", None)
    library_failure: str | None = key(
        Choice(("exit255", "sigkill", "errno"), "way to fail"), "how an image without a library of its ends", None
    )


@frozen(kw_only=True)
class CpuTable:
    """A processor model with other speeds."""

    name: str = key(_CPU, "the model that is changed", "POWER7")
    speeds: tuple[int, ...] | None = key(
        Listed(Integer(1, 1000, "per mille"), "per mille"), "how fast a hardware thread is, by how many are busy", None
    )


def _cost_key(field: Any) -> Any:
    if field.name == "name":
        return key(_COSTS, "the time model that is changed", next(iter(PRESETS)))
    kind = Listed(_NS, "nanoseconds") if isinstance(field.default, tuple) else Integer(0)
    return key(kind, f"{field.name} of bp.Costs; its usual value is {_shown(field.default)}", None)


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


CostsTable: Any = attrs.make_class(
    "CostsTable", {field.name: _cost_key(field) for field in attrs.fields(Costs)}, frozen=True, kw_only=True
)
CostsTable.__doc__ = "A time model with other numbers."

EDITION = Either({str: _EDITION, dict: Table(EditionTable)}, "an edition, or a table of what is changed in one")
COSTS = Either({str: _COSTS, dict: Table(CostsTable)}, "a time model, or a table of what is changed in one")

LEVEL = Either({str: _LEVEL, dict: Table(LevelTable)}, "a level of AIX, or a table of what is changed in one")
CPU = Either({str: _CPU, dict: Table(CpuTable)}, "a processor model, or a table of what is changed in one")


def edition_of(value: Any) -> Edition:
    """Give the edition that a name or a table stands for. ValueError, TypeError: name the field."""
    made: Edition = _changed(EDITIONS, value)
    return made


def costs_of(value: Any) -> Costs:
    """Give the time model that a name or a table stands for. ValueError, TypeError: name the field."""
    made: Costs = _changed(PRESETS, value)
    return made


def level_of(value: Any) -> Level:
    """Give the level that a name or a table stands for. ValueError, TypeError: name the field."""
    made: Level = _changed(LEVELS, value)
    return made


def cpu_of(value: Any) -> Model:
    """Give the processor model that a name or a table stands for. ValueError: the speeds do not fit the model."""
    made: Model = _changed(MODELS, value)
    return made


def _changed(known: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, str):
        return known[value]
    asked = {name: given for name, given in attrs.asdict(value, recurse=False).items() if given is not None}
    return attrs.evolve(known[asked.pop("name")], **asked)
