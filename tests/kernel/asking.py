"""Asking this machine's own kernel: whether it can be asked, and the driver that asks it (`host`)."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

from tests.environment import TOP
from tests.kernel.case import Answer, Case, answer_from_json, line, to_json

PATIENCE_S = 10
MAJOR = 6  # the kernel whose rules are compared
DEVICES = ("chr", "blk")  # nobody but root makes them
# What these ask for (mapping the lowest addresses) is a right over the machine, which no namespace gives.
OVER_THE_MACHINE = ("after/low-", "after/pie-align-")


def unable(major: int = MAJOR) -> str | None:
    """Tell why this machine's kernel cannot be asked, or None."""
    if sys.platform != "linux":
        return "needs Linux"
    if platform.machine() != "x86_64":
        return f"needs an x86-64 kernel, and this is {platform.machine()}"
    if int(platform.release().partition(".")[0]) != major:
        return f"needs Linux {major}, and this is {platform.release()}"
    with Kernel() as kernel:
        return kernel.refused


def askable(case: Case) -> bool:
    """Tell whether this user may ask about a case: root about any, others where all belongs to root."""
    if os.geteuid() == 0:
        return True
    who = case.who
    ids = {who.uid, who.gid, *(each.uid for each in case.tree), *(each.gid for each in case.tree)}
    return (
        ids == {0}
        and (who.euid, who.egid, who.groups, who.capabilities) == (None, None, (), None)
        and not any(each.kind in DEVICES for each in case.tree)
        and not case.id.startswith(OVER_THE_MACHINE)
    )


class Kernel:
    """The driver, kept at work for as many cases as are asked; a context manager.

    `refused` says why it cannot work here, None if it can.
    """

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="bprocsim-exec-")
        self._driver = subprocess.Popen(
            [sys.executable, "-m", "tests.kernel.host", self._scratch.name], cwd=TOP,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii",
        )  # fmt: skip
        self.refused: str | None = json.loads(self._read())

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._to.close()
        self._driver.wait(PATIENCE_S)
        self._from.close()
        self._scratch.cleanup()

    def ask(self, case: Case) -> Answer:
        """Let the kernel decide a case."""
        print(line(to_json(case)), file=self._to, flush=True)
        return answer_from_json(json.loads(self._read()))

    def ask_all(self, cases: Iterable[Case]) -> Iterator[Answer]:
        """Let it decide many."""
        return (self.ask(each) for each in cases)

    @property
    def _to(self) -> IO[str]:
        assert self._driver.stdin is not None
        return self._driver.stdin

    @property
    def _from(self) -> IO[str]:
        assert self._driver.stdout is not None
        return self._driver.stdout

    def _read(self) -> str:
        told = self._from.readline()
        if not told:
            raise RuntimeError(f"the driver of the real side ended with status {self._driver.wait()}")
        return told
