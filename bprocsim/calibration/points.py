"""The measured points: launch times that were published, as read from points.toml beside this file."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from attrs import frozen

from bprocsim.units import MiB


@frozen(kw_only=True)
class Point:
    """One measured launch: `launcher` took `seconds` for `procs` processes on `nodes` of `system`.

    `mode` how the image of `image_mib` travelled, `fanout` to how many from each node; `bound`
    "upper" for a time that was not exceeded; `tier` A (raw data or full text), B (abstract), C
    (recalled); `source` an id of sources.toml, `section` the place in it.
    """

    id: str
    system: str
    launcher: str
    mode: str
    nodes: int
    procs: int
    image_mib: float
    seconds: float
    tier: str
    source: str
    section: str
    fanout: int | None = None
    bound: str = ""

    @property
    def image_bytes(self) -> int:
        """Give the size of the image."""
        return round(self.image_mib * MiB)


@frozen(kw_only=True)
class Context:
    """What else was published of a launcher, in the publication's words; nothing of it is simulated."""

    id: str
    launcher: str
    told: str
    tier: str
    source: str


@cache
def _read() -> dict[str, list[dict[str, Any]]]:
    text = files("bprocsim.calibration").joinpath("points.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def points() -> tuple[Point, ...]:
    """Give every measured point, in the order of the file."""
    return tuple(Point(**entry) for entry in _read()["point"])


@cache
def context() -> tuple[Context, ...]:
    """Give what else was published, in the order of the file."""
    return tuple(Context(**entry) for entry in _read()["context"])
