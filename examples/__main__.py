"""`python3 examples` shows what bprocsim does; `python3 examples NAME` runs one example.

Grammar that Python 3.6 reads, so that an old Python is told what it lacks.
"""

import ast
import sys
from pathlib import Path
from typing import Dict, List

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests import environment  # noqa: E402  (found only now)

HELP = """\
usage: python3 examples [ARGUMENTS ...]        run the demo: bprocsim demo ARGUMENTS
       python3 examples NAME [ARGUMENTS ...]   run one example
       python3 examples --list                 say which there are

Everything runs in .venv at the top of the clone, which is made the first time."""


def main(arguments: List[str]) -> int:
    if arguments[:1] in (["-h"], ["--help"]):
        print(HELP)
        return 0
    if arguments == ["--list"]:
        for name, title in examples().items():
            print("{:<20} {}".format(name, title))
        return 0
    if arguments and not arguments[0].startswith("-"):
        name = arguments[0][:-3] if arguments[0].endswith(".py") else arguments[0]
        if name not in examples():
            known = ", ".join(examples()) or "none"
            print("no example is called {!r}; there are: {}".format(name, known), file=sys.stderr)
            return 2
        command = [str(HERE / (name + ".py")), *arguments[1:]]
    else:
        command = ["-m", "bprocsim", "demo", *arguments]
    return environment.hand_over([str(environment.ensure()), *command])


def examples() -> Dict[str, str]:
    """The examples by name, each with the first line of its docstring."""
    found = {}
    for path in sorted(HERE.glob("[!_]*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[path.stem] = text.partition("\n")[0]
    return found


if __name__ == "__main__":
    sys.exit(environment.guarded(main))
