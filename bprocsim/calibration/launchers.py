"""The launchers that can be run, and which of their constants were fitted, on which points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from attrs import evolve, frozen

from bprocsim.calibration.points import Point, points
from bprocsim.programs.bproclaunch import flat, spread, tree
from bprocsim.programs.xcpu.launcher import xrx_flat, xrx_tree
from bprocsim.programs.xcpu.server import xcpufs
from bprocsim.programs.xcpu.sessions import Figures
from bprocsim.world.handles import NodeHandle


def ends(_proc: Any) -> int:
    """End at once: what is launched."""
    return 0


# Makes a program that takes what it does from its figures.
Maker: TypeAlias = Callable[[Figures], Callable[[Any], Any]]


@frozen
class Constant:
    """A number of a launcher that no source gives: `ns`, fitted on the points of one `mode`."""

    name: str
    ns: int
    mode: str
    what: str


@frozen
class Launcher:
    """A launcher: its programs for each mode that it has, what runs on every node before, and its fitted constants.

    `place` names a node as the programs take it; `fanout` the usual one of a tree, and whether there is
    no other (`fanout_fixed`, and then the program is not told); `job` what is launched, and `edition` the
    BProc of the cluster; `measured_as` what the launcher of a measured point is called.
    """

    name: str
    place: Callable[[NodeHandle], str]
    measured_as: tuple[str, ...]
    flat: Maker | None = None
    tree: Maker | None = None
    daemon: Maker | None = None
    constants: tuple[Constant, ...] = ()
    fanout: int = 2
    fanout_fixed: bool = False
    job: Callable[[Any], Any] = ends
    edition: str = "scyld"

    @property
    def programs(self) -> dict[str, Maker]:
        """Give its programs by mode."""
        return {mode: made for mode, made in (("flat", self.flat), ("tree", self.tree)) if made is not None}

    @property
    def figures(self) -> Figures:
        """Give its constants as its programs take them."""
        return Figures(**{each.name: each.ns for each in self.constants})

    def fitted(self, mode: str) -> tuple[Constant, ...]:
        """Give the constants that are fitted on the points of a mode."""
        return tuple(each for each in self.constants if each.mode == mode)

    def points(self, mode: str) -> tuple[Point, ...]:
        """Give the measured points of a mode, for which its program is to hold."""
        return tuple(each for each in points() if each.launcher in self.measured_as and mode_of(each) == mode)

    def with_constants(self, constants_ns: Mapping[str, int]) -> Launcher:
        """Give the same launcher with some constants changed."""
        changed = (evolve(each, ns=constants_ns.get(each.name, each.ns)) for each in self.constants)
        return evolve(self, constants=tuple(changed))


def mode_of(point: Point) -> str:
    """Name the mode of a point as `predict` takes it: "flat", "tree", or "" for what is no launch."""
    return next((mode for mode in ("flat", "tree") if point.mode.startswith(mode)), "")


# Each in steps of 10 us: what the points tell no closer.
_XCPU = Launcher(
    name="xcpu",
    place=lambda node: node.address,
    measured_as=("xcpu",),
    flat=xrx_flat,
    tree=xrx_tree,
    daemon=xcpufs,
    constants=(
        Constant("startup_ns", 47_330_000, "flat", "the launcher, before its first session"),
        Constant("session_ns", 7_150_000, "flat", "the launcher, for each session"),
        Constant("clone_ns", 56_760_000, "tree", "a node, for each session that it fills from its own"),
    ),
    fanout=8,
)

# Nothing of it is fitted here: what a daemon, a stub and a thawing take stands in the costs. Its tree is the
# binomial one of the vector calls, which came with 3.1.5 and 3.1.10.
BPROC = Launcher(
    name="bproc",
    place=lambda node: str(node.number),
    measured_as=("bproc", "bproc-3.1.0", "bproc-3.1.3"),
    flat=lambda _figures: flat,
    tree=lambda _figures: tree,
    fanout_fixed=True,
    job=spread,
    edition="lanl32",
)

LAUNCHERS: dict[str, Launcher] = {each.name: each for each in (_XCPU, BPROC)}
