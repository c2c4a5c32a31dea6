"""A launcher under test: it starts all ranks of a job or none, and forgets one when a node is lost."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import bprocsim as bp
from bprocsim.testing import Scenario, SingleFaults, Verdict, each_single_fault
from bprocsim.units import s

RANK, PORT, HEAD = "/usr/bin/rank", 5000, "10.54.0.1"
NODES = (0, 1)


class NotStarted(Exception):
    """Some rank did not come up, so the others were ended."""


class Starter:
    """Starts a rank on each node; a rank counts once it has reported to the head."""

    def __init__(self, session: bp.BprocSession) -> None:
        self.session = session
        self.started: list[int] = []
        self.reported: list[int] = []
        self.lost = False

    def start(self, nodes: Sequence[int]) -> None:
        """Start them all. NotStarted: one ended instead of reporting."""
        session = self.session
        session.sigaction(bp.SIGCHLD, self.hear)
        listener = session.socket()
        session.bind(listener, bp.Address("", PORT))
        session.listen(listener, len(nodes))
        try:
            for node in nodes:
                self.started.append(session.spawn(RANK, ["rank"], {}, node=node))
            while len(self.reported) < len(nodes):
                if self.lost:
                    raise NotStarted
                connection, _ = session.accept(listener)
                self.reported.append(int(session.read(connection)))
                session.close(connection)
        except (OSError, NotStarted) as error:  # refused by spawn, or a call that the end of a rank interrupted
            self.end(self.victims())
            raise NotStarted from error
        finally:
            session.close(listener)

    def hear(self, _s: bp.BprocSession, _signum: int) -> None:
        """Note that a rank has ended: the next call would wait for it in vain."""
        self.lost = True

    def victims(self) -> list[int]:
        """Tell whom to end when the job does not come up."""
        return self.reported  # the mistake: one that was started may still be on its way here

    def end(self, pids: Sequence[int]) -> None:
        """End ranks, and wait for them."""
        self.session.sigaction(bp.SIGCHLD, bp.SIG_DFL)
        for pid in pids:
            self.session.kill(pid, bp.SIGTERM)
        for pid in pids:
            self.session.waitpid(pid)


class MendedStarter(Starter):
    """The same, which ends whatever it has started."""

    def victims(self) -> list[int]:
        """Tell whom to end when the job does not come up."""
        return self.started


# ---- under test ----------------------------------------------------------------------------------


def rank(proc: bp.Proc) -> Any:
    """Read its part of the problem, report to the head, and compute until somebody ends it."""
    yield from proc.compute(60 * s)
    fd = yield from proc.socket()
    with suppress(ConnectionRefusedError):  # then nobody waits for the report any more
        yield from proc.connect(fd, bp.Address(HEAD, PORT))
        yield from proc.write(fd, b"%d" % proc.pid)
    yield from proc.pause()


def try_all(starter: type[Starter]) -> SingleFaults:
    """Let a starter start a job once, and then once for each thing that can go wrong on the way."""

    def drive(world: Any) -> None:
        session = world.cluster.session()
        with suppress(bp.SessionEnded):  # it died with the head
            job = starter(session)
            with suppress(NotStarted):
                job.start(NODES)
                job.end(job.reported)
            session.exit()

    scenario = Scenario(cluster={"nodes": len(NODES)}, file=[{"path": RANK, "program": rank}])
    return each_single_fault(scenario, calls=["bproc_execmove"], drive=drive)


def test_the_kit_finds_the_rank_that_is_left() -> None:
    left = [each.fault for each in try_all(Starter).with_verdict(Verdict.PROCESS)]
    assert bp.CallFails("bproc_execmove", bp.Errno.ENOMEM, when="2") in left
    assert {each.step for each in left if isinstance(each, bp.PowerOff) and each.node == 1} >= set(bp.Step)


def test_the_mended_one_leaves_nobody() -> None:
    try_all(MendedStarter).check()


if __name__ == "__main__":
    for each in (Starter, MendedStarter):
        print(f"---- {each.__name__}", *str(try_all(each)).splitlines()[:8], sep="\n")
