"""The flat launcher of BProc: every process gets to its node, and its status home."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.programs.bproclaunch import flat


def report(proc: bp.Proc) -> Any:
    """Say where it runs and by which arguments, and end with the number of the node."""
    yield from proc.print(proc.node, *proc.argv, proc.env.get("WHO", "nobody"))
    return proc.node


def launch(*words: str, **options: Any) -> bp.Outcome:
    cluster = bp.Cluster(nodes=4, strict=True, **options)
    cluster.install("/usr/bin/report", report)
    cluster.install("/usr/bin/flat", flat)
    return cluster.execve("/usr/bin/flat", ["flat", *words], {"WHO": "alice"})


def test_each_process_runs_on_its_node_and_the_greatest_status_counts() -> None:
    out = launch("0,3,1,3", "/usr/bin/report", "a", "b c")
    assert out.exit_status == 3
    told = [f"{node} /usr/bin/report a b c alice" for node in (0, 1, 3, 3)]
    assert sorted(out.text.splitlines()) == told


def test_a_missing_image_is_told_by_each_child() -> None:
    out = launch("0,1", "/usr/bin/none")
    assert out.exit_status == 127
    assert out.stderr.count(b"flat: [Errno 2] No such file or directory") == 2


def test_a_node_that_is_down_is_the_status_of_the_move() -> None:
    assert launch("0,2", "/usr/bin/report", faults=[bp.PowerOff(node=2)]).exit_status == 22


def test_a_process_that_is_killed_counts_as_a_shell_counts_it() -> None:
    off = bp.PowerOff(node=1, step=bp.Step.HANDOVER)
    assert launch("1", "/usr/bin/report", faults=[off]).exit_status == 128 + bp.SIGKILL


@pytest.mark.parametrize("words", [[], ["0,1"], ["n0", "/usr/bin/report"], ["0,,1", "/usr/bin/report"]])
def test_it_tells_how_it_is_called(words: list[str]) -> None:
    out = launch(*words)
    assert (out.exit_status, out.stderr[:6]) == (2, b"usage:")
