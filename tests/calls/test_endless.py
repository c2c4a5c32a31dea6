"""A program that goes on for ever without getting anywhere is found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import bprocsim as bp

ENDLESS: dict[str, Callable[[bp.Proc], Any]] = {
    "compute nothing": lambda proc: proc.compute(0),
    "getpid": lambda proc: proc.getpid(),
    "getppid": lambda proc: proc.getppid(),
    "libc's getpid": lambda proc: proc.libc.getpid(),
    "sleep nothing": lambda proc: proc.sleep(0),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_loop_is_a_runaway(name: str) -> None:
    def loops(proc: bp.Proc) -> Iterator[Any]:
        while True:
            yield from ENDLESS[name](proc)

    cluster = bp.Cluster(nodes=1, max_events=500)
    cluster.install("/bin/loops", loops)
    with pytest.raises(bp.Runaway, match="pid 1001"):
        cluster.execve("/bin/loops")


def test_sys_exit_is_an_exit() -> None:
    def leaves(proc: bp.Proc) -> None:
        raise SystemExit(int(proc.argv[1]))

    cluster = bp.Cluster(nodes=1)
    cluster.install("/bin/leaves", leaves)
    assert cluster.execve("/bin/leaves", ["leaves", "3"]).exit_status == 3
    assert cluster.execve("/bin/leaves", ["leaves", "0"]).exit_status == 0
