"""How far the simulated points are from the measured ones, and what the constants would be without one of them.

Simulated time grows evenly with each constant, as long as the same work decides when all is done. So
two runs tell how it grows, and least squares the constants; the figure that counts is always run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from attrs import frozen

from bprocsim.calibration.launchers import Launcher, mode_of
from bprocsim.calibration.points import Point
from bprocsim.calibration.prediction import launch
from bprocsim.calibration.systems import SYSTEMS, System
from bprocsim.units import us

# A constant is told in these steps, and made so much longer to see what it does.
_STEP_NS = 10 * us
_LONGER_NS = 1000 * us


@frozen
class Comparison:
    """A measured point and the `seconds` that were simulated."""

    point: Point
    seconds: float

    @property
    def error(self) -> float:
        """Tell by which part of the measured time the simulated one is longer."""
        return self.seconds / self.point.seconds - 1


def compare(launcher: Launcher, point: Point, system: System | None = None) -> Comparison:
    """Run the launch of a point; on another `system` than its own, if one is given."""
    return Comparison(point, _seconds(launcher, point, system or SYSTEMS[point.system]))


def mean_error(found: Sequence[Comparison]) -> float:
    """Give the mean of the errors' sizes."""
    return sum(abs(each.error) for each in found) / len(found)


def refit(launcher: Launcher, mode: str, chosen: Sequence[Point], system: System | None = None) -> Launcher:
    """Fit the constants of a mode on some points by least squares of relative errors; gives the launcher with them.

    `system` as for `compare`.
    """
    constants = launcher.fitted(mode)
    rows, sides = [], []
    for point in chosen:
        base = compare(launcher, point, system).seconds
        longer = (launcher.with_constants({each.name: each.ns + _LONGER_NS}) for each in constants)
        grown = [compare(each, point, system).seconds - base for each in longer]
        rows.append([each / _LONGER_NS / point.seconds for each in grown])
        sides.append(1 - base / point.seconds)
    added = _least_squares(rows, sides)
    fitted = {each.name: each.ns + more for each, more in zip(constants, added, strict=True)}
    return launcher.with_constants({name: max(0, round(ns / _STEP_NS)) * _STEP_NS for name, ns in fitted.items()})


def leave_one_out(launcher: Launcher, mode: str) -> list[Comparison]:
    """Fit a mode's constants without each of its points in turn, and run that point with them."""
    whole = launcher.points(mode)
    return [compare(refit(launcher, mode, [each for each in whole if each is not left]), left) for left in whole]


@cache
def _seconds(launcher: Launcher, point: Point, system: System) -> float:
    """Run a launch; the same one is run once."""
    return launch(launcher, mode_of(point), point.nodes, point.image_bytes, system, point.fanout, point.procs)


def _least_squares(rows: Sequence[Sequence[float]], sides: Sequence[float]) -> list[float]:
    """Solve the normal equations of a few unknowns by elimination."""
    size = len(rows[0])
    table = [
        [sum(row[i] * row[j] for row in rows) for j in range(size)]
        + [sum(row[i] * side for row, side in zip(rows, sides, strict=True))]
        for i in range(size)
    ]
    for i in range(size):
        pivot = max(range(i, size), key=lambda row: abs(table[row][i]))
        table[i], table[pivot] = table[pivot], table[i]
        table[i] = [each / table[i][i] for each in table[i]]
        for j in range(size):
            if j != i:
                table[j] = [a - table[j][i] * b for a, b in zip(table[j], table[i], strict=True)]
    return [line[size] for line in table]
