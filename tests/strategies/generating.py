"""What the tests of the strategies share: all health checks on, nothing kept from run to run, the same examples."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import Phase, settings

import bprocsim as bp

# No health check is suppressed; `derandomize` so that a run is like the last one.
STRICT = settings(database=None, derandomize=True, suppress_health_check=[], deadline=None)
FEW, MANY = settings(STRICT, max_examples=25), settings(STRICT, max_examples=100)
# For the smallest example: nothing is explained, which would take four times as long.
SMALLEST = settings(STRICT, max_examples=2000, phases=[Phase.generate, Phase.shrink])
WITHOUT_SHRINKING = settings(MANY, phases=[Phase.generate])


def rebuilt(thing: Any) -> Any:
    """Evaluate what `repr` writes, as somebody would who has `import bprocsim as bp`."""
    return eval(repr(thing), {"bp": bp, "attrs": attrs})
