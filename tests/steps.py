"""The steps of `python3 tests`: each a command in `.venv`, with its time and its verdict.

Standard library only: this part runs in the Python that the user called.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.environment import TOP

TALLY = "BPROCSIM_TALLY"  # names the file into which tests/tally.py writes what pytest counted


@dataclass(frozen=True)
class Step:
    """One check: what it is called, what it shows, and what the `.venv`'s Python gets to do it.

    `quick` it is part of --quick too; `pytest` it counts tests; `asked` it runs only with --only,
    and what it prints is its result; `extra` of pyproject.toml it needs.
    """

    name: str
    title: str
    arguments: tuple[str, ...]
    quick: bool = True
    pytest: bool = False
    asked: bool = False
    extra: str = "test"


LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_logo=True))"

CODE = ("bprocsim", "tests", "examples")

STEPS = (
    Step("pytest", "tests", ("-m", "pytest"), pytest=True),
    Step("mypy", "types (mypy --strict)", ("-m", "mypy", "--strict")),
    Step("ruff", "style (ruff check)", ("-m", "ruff", "check", *CODE)),
    Step("format", "layout (ruff format)", ("-m", "ruff", "format", "--diff", *CODE)),
    Step("imports", "who imports whom", ("-c", LINT_IMPORTS)),
    Step("readme", "README's examples", ("-m", "pytest", "-p", "tests.readme", "README.md"), pytest=True),
    Step("build", "sdist, wheel, empty venv", ("-m", "tests.built"), quick=False),
    # Never part of a verdict: a busy machine would fail it.
    Step("benchmarks", "speed against bare SimPy", ("-m", "tests.benchmarks"), asked=True),
    # Writes files; a person looks at what has changed.
    Step("recording", "a real kernel's answers", ("-m", "tests.kernel", "record"), asked=True),
    # Takes long, and what it finds is for a person to judge.
    Step("mutation", "which changes no test sees", ("-m", "tests.mutation"), asked=True, extra="mutation"),
)


@dataclass
class Tally:
    """What the pytest steps counted, and why some tests were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, counted: Mapping[str, Any]) -> None:
        """Add one step's counts, as tests/tally.py wrote them."""
        self.passed += counted["passed"]
        self.failed += counted["failed"]
        self.skipped += counted["skipped"]
        self.reasons.update(counted["reasons"])


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; what stands after `--` goes to pytest."""
    parser = argparse.ArgumentParser(
        prog="python3 tests",
        description="Run every check of the project, in .venv at the top of the clone (made the first time).",
        epilog="Exit status: 0 all passed, 1 a step failed, 2 wrong usage or something missing, 130 Ctrl-C. "
        "Steps: " + "; ".join(f"{step.name}: {step.title}" for step in STEPS) + ".",
    )
    parser.add_argument("--quick", action="store_true", help="leave out slow tests and the build")
    parser.add_argument(
        "--only",
        metavar="STEP",
        action="append",
        choices=[step.name for step in STEPS],
        help="run this step alone (may be given again)",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show all that the steps print")
    parser.add_argument("pytest", nargs="*", metavar="-- ARGUMENTS", help="more arguments for pytest")
    ours, separator, theirs = _split(arguments)
    options = parser.parse_args(ours)
    if options.pytest:
        parser.error(f"{options.pytest[0]!r}: arguments for pytest stand after --")
    options.pytest = theirs if separator else []
    return options


def extra_of(options: argparse.Namespace) -> str:
    """Give the extra of pyproject.toml that holds all that the chosen steps need."""
    return next((step.extra for step in STEPS if step.name in (options.only or ()) and step.extra != "test"), "test")


def run_all(options: argparse.Namespace, python: Path) -> int:
    """Run the chosen steps, all of them even if one fails; return the exit status."""
    chosen = [step for step in STEPS if (step.name in options.only if options.only else not step.asked)]
    left_out = [step for step in chosen if options.quick and not step.quick and not options.only]
    tally = Tally()
    failed = []
    with tempfile.TemporaryDirectory(prefix="bprocsim-tests-") as scratch:
        for step in chosen:
            if step not in left_out and not _run(step, options, python, Path(scratch), tally):
                failed.append(step.name)
    _close(tally, left_out, failed, counted=any(step.pytest for step in chosen))
    return 1 if failed else 0


def _split(arguments: Sequence[str]) -> tuple[list[str], bool, list[str]]:
    """Part the arguments at the first `--`."""
    if "--" not in arguments:
        return list(arguments), False, []
    place = list(arguments).index("--")
    return list(arguments[:place]), True, list(arguments[place + 1 :])


def _run(step: Step, options: argparse.Namespace, python: Path, scratch: Path, tally: Tally) -> bool:
    """Run one step and show its verdict; tell whether it passed."""
    command = [str(python), *step.arguments]
    if step.name == "pytest":
        command += _pytest_arguments(options)
    tally_file = scratch / f"{step.name}.json"
    environment = _environment(tally_file)
    print(f"{step.title:<26}", end="\n" if options.verbose else "", flush=True)
    started = time.monotonic()
    with (scratch / f"{step.name}.txt").open("w+b") as log:
        status = _wait(command, environment, None if options.verbose else log)
        log.seek(0)
        said = log.read().decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
    seconds = time.monotonic() - started
    if step.pytest and tally_file.exists():
        tally.add(json.loads(tally_file.read_text(encoding="utf-8")))
    summary = said.rpartition("\n")[2].strip("= ") if step.pytest else ""
    if options.verbose:
        print(f"{step.title:<26}", end="")
    print(f"{_verdict(status == 0)} {seconds:7.1f} s   {summary}".rstrip(), flush=True)
    if step.asked and not options.verbose:
        print(said)
    elif status and not options.verbose:
        print(f"{said}\n(exit status {status})\n", flush=True)
    return status == 0


def _pytest_arguments(options: argparse.Namespace) -> list[str]:
    """What this run asks of pytest beyond pyproject.toml: workers, --quick, the user's own words."""
    arguments = []
    if _cores() > 1:
        arguments += ["-n", "auto"]
    if options.quick:
        arguments.append("--without-slow")
    return arguments + list(options.pytest)


def _cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _environment(tally_file: Path) -> dict[str, str]:
    """The steps' environment: UTF-8 and no colours, since what they print is kept in a file."""
    environment = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "PY_COLORS")}
    return environment | {"NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", TALLY: str(tally_file)}


def _wait(command: list[str], environment: dict[str, str], log: IO[bytes] | None) -> int:
    """Run a command to its end; after a Ctrl-C let it end by itself, then make it end."""
    output = subprocess.STDOUT if log else None
    with subprocess.Popen(
        command, cwd=TOP, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=output
    ) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            # In a terminal the child has had the signal too, and pytest ends its workers by itself.
            if not _has_ended(child):
                _interrupt(child)
                if not _has_ended(child):
                    child.kill()
            raise


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    """Give a child three seconds to end."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=3)
    return child.returncode is not None


def _interrupt(child: subprocess.Popen[bytes]) -> None:
    """Ask a child to end as Ctrl-C would; Windows has no such signal for one process."""
    if sys.platform == "win32":
        child.terminate()
    else:
        child.send_signal(signal.SIGINT)


def _verdict(passed: bool) -> str:
    """`ok` or `FAILED`, in colour on a terminal that wants it."""
    word = "ok    " if passed else "FAILED"
    if not sys.stdout.isatty() or os.environ.get("CI") or os.environ.get("NO_COLOR"):
        return word
    return f"\x1b[{32 if passed else 31}m{word}\x1b[0m"


def _close(tally: Tally, left_out: Sequence[Step], failed: Sequence[str], *, counted: bool) -> None:
    """Say what was not checked, what failed, and the counts."""
    not_checked = [f"{count:5}  {reason}" for reason, count in sorted(tally.reasons.items())]
    not_checked += [f"       {step.title} (left out by --quick)" for step in left_out]
    if not_checked:
        print("\nNot checked:", *not_checked, sep="\n")
    if failed:
        print(f"\nFailed steps: {', '.join(failed)}")
    if counted:
        print(f"\n{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped", flush=True)
