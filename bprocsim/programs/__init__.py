"""Simulated user programs, written against the public calls; `BUILTIN` by the names in their images."""

from __future__ import annotations

from bprocsim.posix.image import Program
from bprocsim.programs.sh import sh

BUILTIN: dict[str, Program] = {"sh": Program(sh, "sh")}
