"""Simulated user programs, written against the public calls; `BUILTIN` by the names in their images."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from bprocsim.faces.pyos import Proc
from bprocsim.posix.image import Program


def _sh(proc: Proc) -> Generator[Any, Any, Any]:
    from bprocsim.programs.sh import sh  # fetched when a world first runs it

    return (yield from sh(proc))


BUILTIN: dict[str, Program] = {"sh": Program(_sh, "sh")}
