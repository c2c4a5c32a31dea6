"""Cases in which the simulator is known to differ from the kernel, at most ten, each with its reason."""

from __future__ import annotations

# The id of a case: why the simulator says something else.
EXCEPTIONS: dict[str, str] = {}
