"""Hypothesis strategies: worlds, files, users, sets, calls and faults, and worlds in which a row is due.

What they give is simple first: one node, short names, nothing wrong. Its `repr` is Python that builds it
again with `import bprocsim as bp`, fit for `@example`.
"""

from bprocsim.testing.registering import register
from bprocsim.testing.strategies.calls import execmove_calls
from bprocsim.testing.strategies.faulting import fault, faults
from bprocsim.testing.strategies.files import filesystems
from bprocsim.testing.strategies.images import elf_images
from bprocsim.testing.strategies.lparcalls import ra_exec_calls
from bprocsim.testing.strategies.rows import any_outcome, failing
from bprocsim.testing.strategies.scenarios import scenarios
from bprocsim.testing.strategies.sets import exclusive_sets, rsets
from bprocsim.testing.strategies.users import credentials, users
from bprocsim.testing.strategies.worlds import clusters, topologies

register()

__all__ = [
    "any_outcome",
    "clusters",
    "credentials",
    "elf_images",
    "exclusive_sets",
    "execmove_calls",
    "failing",
    "fault",
    "faults",
    "filesystems",
    "ra_exec_calls",
    "rsets",
    "scenarios",
    "topologies",
    "users",
]
