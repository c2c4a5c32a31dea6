"""`python3 examples` shows what bprocsim does; `python3 examples NAME` runs one example.

Grammar that Python 3.6 reads, so that an old Python is told what it lacks.
"""

import ast
import sys
from pathlib import Path
from typing import Dict, List, Optional

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
            print("{:<28} {}".format(name, title))
        return 0
    extra = ""
    if arguments and not arguments[0].startswith("-"):
        path = find(arguments[0])
        if path is None:
            known = ", ".join(examples()) or "none"
            print("no example is called {!r}; there are: {}".format(arguments[0], known), file=sys.stderr)
            return 2
        command = [str(HERE / "_play.py"), str(path), *arguments[1:]]
        if path.suffix == ".toml":
            command = ["-m", "bprocsim", "run", *command[1:]]
        elif path.stem.startswith("test_"):
            extra = "testing"
    else:
        command = ["-m", "bprocsim", "demo", *arguments]
    return environment.hand_over([str(environment.ensure(extra)), *command])


def examples() -> Dict[str, str]:
    """The examples by name, each with the first line of its docstring, or of its comment."""
    found = {}
    for path in sorted(HERE.glob("[!_]*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[path.stem] = text.partition("\n")[0]
    for path in sorted(HERE.glob("[!_]*.toml")):
        found[path.name] = path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
    return found


def find(name: str) -> Optional[Path]:
    """The file of an example; a program's goes before a scenario of the same name."""
    for path in (HERE / name, HERE / (name + ".py"), HERE / (name + ".toml")):
        if path.is_file() and (path.name in examples() or path.stem in examples()):
            return path
    return None


if __name__ == "__main__":
    sys.exit(environment.guarded(main))
