"""Commands typed on a partition, and what they say."""

from __future__ import annotations

from typing import Any

import bprocsim as bp
from tests.commandline import typed


def done(lpar: bp.Lpar, line: str | list[str], **options: Any) -> str:
    """Run a command line that must succeed in silence on descriptor 2; gives what it writes."""
    said = typed(lpar, line, **options)
    assert said[::2] == (0, ""), said
    return said.stdout


def refused(lpar: bp.Lpar, line: str | list[str], **options: Any) -> str:
    """Run a command line that must be refused in one line, with status 1; gives that line."""
    said = typed(lpar, line, **options)
    assert said.status == 1
    assert said.stderr.count("\n") == 1, said
    return said.stderr.rstrip("\n")


def misused(lpar: bp.Lpar, line: str | list[str], **options: Any) -> str:
    """Run a command line of which nothing can be made; gives what it writes beside its usage."""
    said = typed(lpar, line, **options)
    assert (said.status, said.stdout) == (2, "")
    before, usage, _ = said.stderr.partition("Usage: ")
    assert usage, said
    return before.rstrip("\n")


def power5(**options: Any) -> bp.Lpar:
    """Four cores of two hardware threads each."""
    return bp.Lpar(cores=4, smt=2, cpu="POWER5", **options)


def shape(lpar: bp.Lpar) -> Any:
    """All that commands could change: names, processors, placements, files of the boot."""
    partition = lpar.partition
    names = {key: (each.processors, each.owner, each.mode) for key, each in partition.names.items()}
    placements = {
        pid: (_placed(process.placement), [_placed(thread.placement) for thread in process.threads])
        for pid, process in lpar.home.processes.items()
    }
    boot = lpar.machine.fs.read_file("/etc/objrepos/smtctl")
    return names, partition.online, partition.exclusive, partition.width, placements, boot


def _placed(placement: Any) -> Any:
    if placement is None:
        return None
    held = {name: getattr(placement, name, None) for name in ("effective", "partition", "attached", "bound", "srad")}
    return {
        name: value if value is None or isinstance(value, int) else value.processors for name, value in held.items()
    }
