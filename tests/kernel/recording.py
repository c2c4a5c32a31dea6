"""What a real kernel answered to every case, kept in the repository; and how far the simulator agrees.

`recorded/answers.txt` is to be read: which kernel, when, who asked, and a line for each case.
`recorded/cases.jsonl.xz` holds the cases themselves, every file's bytes with them, so that a case
that has changed since is found out. `python3 tests --only recording` writes both anew.
"""

from __future__ import annotations

import datetime
import json
import lzma
import os
import platform
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.kernel import bytetext
from tests.kernel.asking import Kernel, unable
from tests.kernel.case import STAGES, Answer, Case, line, to_json
from tests.kernel.cases import written
from tests.kernel.exceptions import EXCEPTIONS
from tests.kernel.generated import sample
from tests.kernel.simside import simulate

FOLDER = Path(__file__).parent / "recorded"
ANSWERS, CASES = FOLDER / "answers.txt", FOLDER / "cases.jsonl.xz"
COMMAND = "python3 tests --only recording"


@frozen
class Recording:
    """What was asked and answered: `kernel` and `machine`, the `date`, and `asked_by` whom.

    `answers` by the ids of cases; `cases` the cases as lines of JSON, by the same ids.
    """

    kernel: str
    machine: str
    date: str
    asked_by: str
    answers: dict[str, Answer]
    cases: dict[str, str]


@frozen
class Stage:
    """How many cases of a stage there are, how many of them agree, and how many are listed exceptions."""

    written: int
    generated: int
    agreeing: int
    exceptions: int


@frozen
class Summary:
    """How far the simulator agrees with the recorded kernel, in all and by the stage that decides."""

    kernel: str
    machine: str
    date: str
    stages: dict[str, Stage]

    @property
    def written(self) -> int:
        """Count the written cases."""
        return sum(each.written for each in self.stages.values())

    @property
    def generated(self) -> int:
        """Count the generated ones."""
        return sum(each.generated for each in self.stages.values())

    @property
    def agreeing(self) -> int:
        """Count those in which both say the same."""
        return sum(each.agreeing for each in self.stages.values())

    @property
    def exceptions(self) -> int:
        """Count those that are known to differ."""
        return sum(each.exceptions for each in self.stages.values())


@cache
def all_cases() -> dict[str, Case]:
    """Give the written cases and the fixed sample of generated ones, by id."""
    return written() | sample()


@cache
def lines() -> dict[str, str]:
    """Give every case as a line of JSON, by id."""
    return {id: line(to_json(case)) for id, case in all_cases().items()}


@cache
def said(id: str) -> Answer:
    """Give what the simulator says to a case."""
    return simulate(all_cases()[id])


@cache
def read() -> Recording:
    """Read what is recorded; RuntimeError names the command if there is nothing."""
    try:
        text = ANSWERS.read_text("ascii")
        packed = CASES.read_bytes()
    except FileNotFoundError as error:
        raise RuntimeError(f"{error.filename} is missing; write it with: {COMMAND}") from None
    head, _, body = text.partition("\n\n")
    told = dict(row[2:].split(": ", 1) for row in head.splitlines() if ": " in row)
    answers = dict(_read_answer(row) for row in body.splitlines())
    rows = lzma.decompress(packed).decode("ascii").splitlines()
    cases = {json.loads(row)["id"]: row for row in rows}
    return Recording(told["kernel"], told["machine"], told["date"], told["asked by"], answers, cases)


def record() -> int:
    """Ask this machine's kernel about every case and write down what it says; return an exit status."""
    reason = unable()
    if reason is None and os.geteuid() != 0:
        reason = "needs root"
    if reason is not None:
        print(f"The recording is left as it is: {reason}.")
        return 1
    cases = all_cases()
    with Kernel() as kernel:
        answers = dict(zip(cases, kernel.ask_all(cases.values()), strict=True))
    broken = [f"{id}: {answer}" for id, answer in answers.items() if answer.kind == "broken"]
    if broken:
        print("The recording is left as it is. These cases could not be asked:", *broken, sep="\n")
        return 1
    _write(answers, lines())
    differing = [id for id in cases if id not in EXCEPTIONS and said(id) != answers[id]]
    print(f"{len(cases)} answers of Linux {platform.release()} are in {FOLDER}.")
    for id in differing:
        print(f"differs: {tell(id, said(id), answers[id])}")
    return 0


def _write(answers: dict[str, Answer], cases: dict[str, str]) -> None:
    """Write both files; what has not changed keeps its bytes."""
    FOLDER.mkdir(exist_ok=True)
    head = {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "asked by": "root",
    }
    rows = [f"# {name}: {value}" for name, value in head.items()]
    rows += ["# Written by `" + COMMAND + "`. Each line is a case and what this kernel answered.", ""]
    rows += [f"{id}  {answer}" for id, answer in answers.items()]
    ANSWERS.write_text("\n".join(rows) + "\n", encoding="ascii", newline="\n")
    body = "".join(f"{row}\n" for row in cases.values()).encode("ascii")
    if not CASES.exists() or lzma.decompress(CASES.read_bytes()) != body:
        CASES.write_bytes(lzma.compress(body, preset=9))


def _read_answer(row: str) -> tuple[str, Answer]:
    """Read a line as `_write` wrote it."""
    id, _, text = row.partition("  ")
    text, _, told = text.partition(", telling ")
    kind, _, number = text.partition(" ")
    if not number:
        return id, Answer("errno", kind)
    return id, Answer(kind, int(number), bytetext.read(told))


def changed(now: dict[str, str]) -> list[str]:
    """Name those of `now` (as `lines` gives them) that are recorded otherwise or not, and those that are no more."""
    recorded = read().cases
    return [id for id in {**now, **recorded} if now.get(id) != recorded.get(id)]


def tell(id: str, ours: Answer, kernels: Answer) -> str:
    """Say how both sides differ in a case."""
    return f"{id}: the simulator says {ours}, the kernel {kernels}  (python3 -m tests.kernel {id!r})"


def summary() -> Summary:
    """Compare every case with the recording, and count."""
    recorded = read()
    names = ("written", "generated", "agreeing", "exceptions")
    counts: dict[str, Counter[str]] = {stage: Counter() for stage in STAGES}
    for id, case in all_cases().items():
        count = counts[case.stage]
        count["written" if id in written() else "generated"] += 1
        if id in EXCEPTIONS:
            count["exceptions"] += 1
        elif said(id) == recorded.answers.get(id):
            count["agreeing"] += 1
    stages: dict[str, Any] = {stage: Stage(*(count[name] for name in names)) for stage, count in counts.items()}
    return Summary(recorded.kernel, recorded.machine, recorded.date, stages)
