"""Let mutmut make mutants and try them, in a copy of the clone.

mutmut forks each mutant's process from one that has imported everything and run every test: it cannot see what a
change does to a function that runs while modules are imported, as those do that make tables, or whose results are
kept. So a mutant that survived is tried once more in an interpreter of its own, and by more tests.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence

from tests.environment import TOP

COPY = TOP / ".mutation"
MUTANTS = COPY / "mutants"
LOG = COPY / "mutmut.log"
COPIED = ("bprocsim", "tests", "examples", "README.md", "pyproject.toml")
# A mutant to begin with, which few tests reach: mutmut makes all of them, and learns what each test reaches,
# before it tries any.
FIRST = "bprocsim.posix.life.x_WIFSIGNALED__mutmut_1"
UNNOTICED = ("survived", "no tests")
# What tries a mutant that survived besides those tests that pyproject.toml names; they all pass where nothing is
# changed, unlike those that read the package as text, where all mutants stand.
ALSO = ("tests/kernel", "tests/programs", "tests/strategies", "tests/about/test_sentences.py")
LONGEST_s = 1200  # a test has a limit of its own; what hangs while modules are imported has not


def copy() -> None:
    """Bring the copy up to date; what mutmut has learned stays there."""
    # What is not there when mutmut starts, with this on its path, is not there for Python later.
    MUTANTS.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source, target = TOP / name, COPY / name
        if source.is_file():
            shutil.copy2(source, target)
            continue
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))


def mutmut(names: Sequence[str], jobs: int | None) -> None:
    """Let mutmut try mutants by their names. SystemExit: it failed, and what it said."""
    count = [] if jobs is None else ["--max-children", str(jobs)]
    with LOG.open("wb") as log:
        command = [sys.executable, "-m", "mutmut", "run", *count, *names]
        done = subprocess.run(command, cwd=COPY, env=_environment(), stdout=log, stderr=log, check=False)
    if done.returncode:
        said = LOG.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
        sys.exit("\n".join([*said[-40:], f"mutmut ended with status {done.returncode}; all that it said is in {LOG}"]))


def verdicts() -> dict[str, str]:
    """Give what mutmut tells of each mutant, by its name; `not checked` of one that was not tried."""
    lines = (line.strip().rpartition(": ") for line in _mutmut("results", "--all", "true").splitlines())
    return {name: verdict for name, _, verdict in lines if "__mutmut_" in name}


def difference(name: str) -> str:
    """Give a mutant's difference, as a patch has it."""
    return _mutmut("show", name).rstrip()


def function(name: str) -> str:
    """Give the name of the function that a mutant changes, as mutmut writes it."""
    return name.rpartition("__mutmut_")[0]


def room(name: str) -> str:
    """Tell in which room of the house a mutant is."""
    return name.split(".")[1]


def afresh(name: str) -> str:
    """Try a mutant in an interpreter of its own, by all tests and more, those of its room first; give the verdict."""
    settings = tomllib.loads((COPY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    folders = [*settings["pytest_add_cli_args_test_selection"], *ALSO]
    words = [*settings["pytest_add_cli_args"], *sorted(folders, key=lambda each: each != f"tests/{room(name)}")]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "--rootdir=.", *words],
            cwd=MUTANTS,
            env=_environment() | {"MUTANT_UNDER_TEST": name},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "timeout"
    return "killed" if done.returncode else "survived"


def matching(patterns: Sequence[str], names: Sequence[str]) -> list[str]:
    """Give the mutants that patterns name. SystemExit: a pattern names none."""
    found: dict[str, None] = {}
    for pattern in patterns:
        fitting = fnmatch.filter(names, pattern)
        if not fitting:
            sys.exit(f"no mutant is named {pattern!r}; names look like {names[0]!r}, and * stands for any letters")
        found |= dict.fromkeys(fitting)
    return list(found)


def _mutmut(*words: str) -> str:
    command = [sys.executable, "-m", "mutmut", *words]
    done = subprocess.run(command, cwd=COPY, env=_environment(), capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        sys.exit(f"mutmut {words[0]} ended with status {done.returncode}: {done.stderr}")
    return done.stdout


def _environment() -> dict[str, str]:
    """The environment of mutmut: programs that tests start find the mutants too, and not the clone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "BPROCSIM", "MUT"))}
    return kept | {"PYTHONPATH": str(MUTANTS)}
