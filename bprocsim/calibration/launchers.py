"""The launchers that can be run, and which of their constants were fitted, on which points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from attrs import evolve, frozen

from bprocsim.calibration.points import Point, points
from bprocsim.faces.pyos import Proc
from bprocsim.programs.xcpu.launcher import xrx_flat, xrx_tree
from bprocsim.programs.xcpu.server import xcpufs
from bprocsim.programs.xcpu.sessions import Figures

# Makes a program that takes what it does from its figures.
Maker: TypeAlias = Callable[[Figures], Callable[[Proc], Any]]


@frozen
class Constant:
    """A number of a launcher that no source gives: `ns`, fitted on the points of one `mode`."""

    name: str
    ns: int
    mode: str
    what: str


@frozen
class Launcher:
    """A launcher: its programs for each mode, what runs on every node before, and its fitted constants.

    `fanout` the usual one of a tree.
    """

    name: str
    flat: Maker
    tree: Maker
    daemon: Maker
    constants: tuple[Constant, ...]
    fanout: int

    @property
    def programs(self) -> dict[str, Maker]:
        """Give its programs by mode."""
        return {"flat": self.flat, "tree": self.tree}

    @property
    def figures(self) -> Figures:
        """Give its constants as its programs take them."""
        return Figures(**{each.name: each.ns for each in self.constants})

    def fitted(self, mode: str) -> tuple[Constant, ...]:
        """Give the constants that are fitted on the points of a mode."""
        return tuple(each for each in self.constants if each.mode == mode)

    def points(self, mode: str) -> tuple[Point, ...]:
        """Give the points of a mode on which they are fitted, and for which they are to hold."""
        return tuple(each for each in points() if each.launcher == self.name and mode_of(each) == mode)

    def with_constants(self, constants_ns: Mapping[str, int]) -> Launcher:
        """Give the same launcher with some constants changed."""
        changed = (evolve(each, ns=constants_ns.get(each.name, each.ns)) for each in self.constants)
        return evolve(self, constants=tuple(changed))


def mode_of(point: Point) -> str:
    """Name the mode of a point as `predict` takes it: "flat" or "tree"."""
    return "tree" if point.fanout else "flat"


# Each in steps of 10 us: what the points tell no closer.
_XCPU = Launcher(
    name="xcpu",
    flat=xrx_flat,
    tree=xrx_tree,
    daemon=xcpufs,
    constants=(
        Constant("startup_ns", 47_290_000, "flat", "the launcher, before its first session"),
        Constant("session_ns", 7_160_000, "flat", "the launcher, for each session"),
        Constant("clone_ns", 56_680_000, "tree", "a node, for each session that it fills from its own"),
    ),
    fanout=8,
)

LAUNCHERS: dict[str, Launcher] = {each.name: each for each in (_XCPU,)}
