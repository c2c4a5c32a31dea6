"""A pytest plugin that runs the README's examples: `pytest -p tests.readme README.md`.

```python and ```pycon blocks share one namespace from top to bottom. A ```console block whose first
command is `bprocsim ...` or `python3 examples ...` is run for real and its output compared, with `...`
standing for anything; other console blocks (install, clone) and other languages are for reading only.
"""

from __future__ import annotations

import contextlib
import doctest
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sybil import Document, Example, Region, Sybil
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

import tests.conftest  # noqa: F401  # so that Hypothesis is as patient as in the tests
from tests.environment import TOP

# An example has the plugin's marker; where bprocsim is installed it is loaded already.
pytest_plugins = ["bprocsim.testing.plugin"]

COMMANDS = {
    ("bprocsim",): [sys.executable, "-m", "bprocsim"],
    ("python3", "examples"): [sys.executable, str(TOP / "examples")],
}
ASK_STATUS = ["echo", "$?"]


@dataclass
class Shown:
    """One command of a console block, and the output that the block shows for it."""

    words: list[str]
    output: str


def read_console(block: str) -> list[Shown]:
    """Read a block of `$ command` lines (`\\` continues one), each with the output below it."""
    shown: list[Shown] = []
    lines = iter(block.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines, "").removeprefix("> ")
            shown.append(Shown(shlex.split(command), ""))
        elif shown:
            shown[-1].output += line + "\n"
        else:
            raise ValueError(f"a console block begins with '$ ', not with {line!r}")
    return shown


def host_command(words: list[str]) -> list[str] | None:
    """What to run for a command of ours, None for anybody else's."""
    for prefix, command in COMMANDS.items():
        if tuple(words[: len(prefix)]) == prefix:
            return [*command, *words[len(prefix) :]]
    return None


def evaluate_console(example: Example) -> str | None:
    """Run a console block; return what is wrong with it, if anything.

    `> FILE` at the end of a command keeps its output; `echo $?` shows the status of the command
    before it. A command without that must end with 0. One that shows no output may print anything.
    """
    commands: list[Shown] = example.parsed
    status = 0
    for number, shown in enumerate(commands):
        if shown.words == ASK_STATUS:
            got = f"{status}\n"
        else:
            got, status = run_shown(shown.words)
            asked = number + 1 < len(commands) and commands[number + 1].words == ASK_STATUS
            if status and not asked:
                return f"$ {shlex.join(shown.words)}\nended with status {status}:\n{got}"
        if shown.output and not matches(shown.output, got):
            return f"$ {shlex.join(shown.words)}\nREADME shows:\n{shown.output}\nit prints:\n{got}"
    return None


def run_shown(words: list[str]) -> tuple[str, int]:
    """Run one command of ours; give all that a reader would see, and its status."""
    target = None
    if len(words) > 2 and words[-2] == ">":
        words, target = words[:-2], words[-1]
    command = host_command(words)
    if command is None:
        raise ValueError(f"README runs bprocsim and python3 examples, not {shlex.join(words)}")
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if target is None:
        return done.stdout, done.returncode
    Path(target).write_text(done.stdout, encoding="utf-8", newline="\n")
    return "", done.returncode


def matches(shown: str, got: str) -> bool:
    """Compare outputs line by line as a reader does: `...` is anything, trailing blanks are nothing."""
    tidy = ["\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n" for text in (shown, got)]
    return doctest.OutputChecker().check_output(tidy[0], tidy[1], doctest.ELLIPSIS)


class ConsoleParser:
    """```console blocks that begin with a command of ours."""

    def __init__(self) -> None:
        self.blocks = CodeBlockParser("console", evaluate_console)

    def __call__(self, document: Document) -> Iterator[Region]:
        for block in self.blocks(document):
            block.parsed = read_console(block.parsed)
            if block.parsed and host_command(block.parsed[0].words):
                yield block


class PyconParser:
    """```pycon blocks: an interactive session, one example for each prompt."""

    def __init__(self) -> None:
        self.blocks = CodeBlockParser("pycon", PythonEvaluator())
        self.prompts = DocTestStringParser(DocTestEvaluator(doctest.ELLIPSIS))

    def __call__(self, document: Document) -> Iterator[Region]:
        for block in self.blocks(document):
            for prompt in self.prompts(block.parsed, document.path):
                prompt.adjust(block, block.parsed)
                yield prompt


def setup(namespace: dict[str, Any]) -> None:
    """Work in a scratch folder that holds a copy of examples/, so files that examples write go away."""
    stack = namespace["__scratch__"] = contextlib.ExitStack()
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bprocsim-readme-")))
    shutil.copytree(TOP / "examples", scratch / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    stack.enter_context(contextlib.chdir(scratch))


def teardown(namespace: dict[str, Any]) -> None:
    namespace["__scratch__"].close()


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS),
        PyconParser(),
        ConsoleParser(),
    ],
    filenames=["README.md"],
    path=str(TOP),
    setup=setup,
    teardown=teardown,
).pytest()

from tests.tally import pytest_terminal_summary  # noqa: E402, F401  (a hook, as above)
