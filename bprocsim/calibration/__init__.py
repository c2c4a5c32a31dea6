"""Published launch times, and what the simulator makes of them: `predict` runs the mechanism for any point.

A launch time comes out of messages, copies and processes; a constant that was fitted is marked so.
"""

from __future__ import annotations

from bprocsim.calibration.fitting import Comparison, compare, leave_one_out, mean_error, refit
from bprocsim.calibration.launchers import LAUNCHERS, Constant, Launcher
from bprocsim.calibration.pingpong import ping_pong
from bprocsim.calibration.points import Context, Point, context, points
from bprocsim.calibration.prediction import predict
from bprocsim.calibration.systems import SYSTEMS, System

__all__ = [
    "LAUNCHERS", "SYSTEMS", "Comparison", "Constant", "Context", "Launcher", "Point", "System", "compare",
    "context", "leave_one_out", "mean_error", "ping_pong", "points", "predict", "refit",
]  # fmt: skip
