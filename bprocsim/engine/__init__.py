"""Time, kept by SimPy: the port, links, run queues and seeded generators."""

from bprocsim.engine.clock import Engine
from bprocsim.engine.processors import Processors
from bprocsim.engine.tasks import NanosecondEnvironment, RunawayError

__all__ = ["Engine", "NanosecondEnvironment", "Processors", "RunawayError"]
