"""`python3 -m tests.planted [WORD...]`: find a test for each bug that has none yet, or whose name has the words."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from attrs import evolve

from tests.planted import planting

_HEAD = "".join(f"{line}\n" for line in planting.FILE.read_text(encoding="utf-8").splitlines() if line.startswith("#"))


def look(bug: planting.Bug) -> planting.Bug:
    """Give a bug with a test that notices it; as it was, if none does."""
    with tempfile.TemporaryDirectory(prefix="bprocsim-planted-") as name:
        folder = Path(name)
        planting.copy_to(folder)
        planting.plant(bug, folder)
        for tests in (bug.tests, bug.look):
            found = planting.noticed_by(planting.run(folder, tests)) if tests else None
            if found is not None:
                print(f"{bug.name}: {found}")
                return evolve(bug, tests=(found,))
    print(f"{bug.name}: noticed by none of {', '.join(bug.look)}", file=sys.stderr)
    return evolve(bug, tests=())


def quoted(text: str) -> str:
    """Write a text as TOML has it."""
    return f"'''\n{text}'''" if "\n" in text or "'" in text else f"'{text}'"


def written(bug: planting.Bug) -> str:
    """Write a bug as the file has it."""
    lists = [f"{name} = [{', '.join(map(quoted, getattr(bug, name)))}]" for name in ("look", "tests")]
    return "\n".join(
        ["[[bug]]", f'name = "{bug.name}"', f'file = "{bug.file}"', f"old = {quoted(bug.old)}",
         f"new = {quoted(bug.new)}", *lists, ""]
    )  # fmt: skip


def main(words: list[str]) -> int:
    """Look for all of them, or those that are named; the file is written anew after each."""
    found = list(planting.bugs())
    for place, bug in enumerate(found):
        if all(word in bug.name for word in words) and (words or not bug.tests):
            found[place] = look(bug)
            text = "\n".join([_HEAD, *map(written, found)])
            planting.FILE.write_text(text, encoding="utf-8", newline="\n")
    return 0 if all(bug.tests for bug in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
