"""Processes that do anything at all to each other: no crash of ours, and nothing left behind."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.posix.signaling import post
from bprocsim.units import ms
from tests.calls.worlds import PROGRAM, Steps, assert_clean, world

SIGNALS = (bp.SIGUSR1, bp.SIGCHLD, bp.SIGSTOP, bp.SIGCONT, bp.SIGTSTP, bp.SIGALRM, bp.SIGTERM, bp.SIGKILL, 0)


class Chaos:
    """One run: its chance, and how many processes it may still make."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(f"chaos {seed}")
        self.births = 25
        self.met: list[str] = []

    def live(self, proc: bp.Proc, depth: int = 0, calls: int = 15) -> Steps:
        """Make calls by chance; whatever they refuse is taken as it comes."""
        for _ in range(calls):
            try:
                yield from self.act(proc, depth)
            except bp.CallError as error:
                self.met.append(f"{error.call} {error.cause}")
        return self.chance.randrange(300)

    def handler(self, proc: bp.Proc, _signum: int) -> Steps:
        """Do one thing more."""
        with suppress(bp.CallError):
            yield from self.act(proc, 9)

    def act(self, proc: bp.Proc, depth: int) -> Any:
        """Make one call."""
        chance = self.chance
        opened = sorted(proc.thread.process.descriptors)
        fd = chance.choice(opened) if opened and chance.random() < 0.8 else chance.randrange(12)
        match chance.randrange(24):
            case 0 | 1 if self.births and depth < 4:
                self.births -= 1
                return proc.fork(self.live, depth + 1)
            case 2 if depth < 9:
                return proc.thread_create(self.live, depth + 1, 4)
            case 3:
                return proc.thread_join(chance.randrange(1, 4))
            case 4:
                return proc.pipe()
            case 5 | 6:
                return proc.read(fd, chance.choice((0, 1, 5000)))
            case 7 | 8:
                return proc.write(fd if fd > 2 else 3, bytes(chance.choice((0, 1, 5000, 100_000))))
            case 9:
                return proc.close(fd if fd > 2 else 11)
            case 10:
                return proc.dup2(fd, chance.randrange(3, 12))
            case 11:
                path = chance.choice(("/tmp/a", "/tmp/fifo", "/dev/null", PROGRAM))
                return proc.open(path, chance.choice((0, 1, 2, bp.O_CREAT | bp.O_RDWR)))
            case 12:
                return proc.socket()
            case 13:
                return proc.bind(fd, bp.Address("", chance.choice((0, 7000, 7001))))
            case 14:
                return proc.listen(fd, chance.choice((0, 5)))
            case 15:
                return proc.connect(fd, bp.Address("127.0.0.1", chance.choice((7000, 7001))))
            case 16:
                return proc.accept(fd)
            case 17:
                return proc.waitpid(chance.choice((-1, 0, 1002)), chance.choice((0, 1, 2, 3)))
            case 18:
                whom = chance.choice((0, -1, proc.pid, chance.randrange(1001, 1030)))
                return proc.kill(whom, chance.choice(SIGNALS))
            case 19:
                action = chance.choice((self.handler, bp.SIG_IGN, bp.SIG_DFL))
                return proc.sigaction(chance.choice(SIGNALS[:7]), action, chance.random() < 0.5)
            case 20:
                return proc.sigprocmask(chance.randrange(3), [chance.choice(SIGNALS[:7])])
            case 21:
                return proc.alarm(chance.randrange(2))
            case 22:
                return proc.compute(chance.randrange(3 * ms))
            case _ if depth:
                return self.leave(proc)
        return proc.sleep(chance.randrange(1 * ms))

    def leave(self, proc: bp.Proc) -> Any:
        """Make one of the calls from which few come back."""
        match self.chance.randrange(6):
            case 0:
                return proc.execv(self.chance.choice(("/usr/bin/other", PROGRAM, "/tmp/a")), ["again"])
            case 1:
                return proc.exit(self.chance.randrange(300))
            case 2:
                return proc.setsid()
            case 3:
                return proc.setpgid(0, self.chance.choice((0, 1002)))
        return proc.sleep(1)


def run(seed: int, **options: Any) -> tuple[bp.Cluster, Chaos]:
    """Let it all happen for a while; continue from outside who is stopped, and at last kill everybody."""
    chaos = Chaos(seed)

    def program(proc: bp.Proc) -> Steps:
        if proc.argv == ["again"]:
            return (yield from chaos.live(proc, 5, 6))
        for _ in range(4):
            yield from proc.fork(chaos.live, 1)
        yield from chaos.live(proc)
        while True:
            with suppress(bp.CallError):
                yield from proc.sleep(1000 * ms)

    def fate() -> Any:
        for signum in (*[bp.SIGCONT] * 20, bp.SIGKILL):
            yield made.sim.env.timeout(5 * ms)
            for process in list(made.bpmaster.pids.table.values()):
                post(process.machine, process, signum, None)

    made = world(program, **options)
    made.install("/usr/bin/other", program)
    made.master.fs.mknod("/tmp/fifo", "fifo", mode=0o666)
    made.sim.env.process(fate())
    made.execve(PROGRAM, ["first"])
    return made, chaos


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 200, 50))
def test_nothing_breaks_and_nothing_is_left(first: int) -> None:
    met: set[str] = set()
    for seed in range(first, first + 50):
        made, chaos = run(seed)
        assert_clean(made)
        assert made.sim.engine.background >= 0
        made.sim.run()
        met.update(chaos.met)
    assert len(met) > 20
