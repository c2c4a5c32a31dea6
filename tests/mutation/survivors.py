"""Why some mutants may survive: `survivors.toml` gives a reason for each that was looked at.

mutmut numbers the mutants of a function, and the numbers change with the function. So a survivor is known by
its function and by the lines that it takes away and puts there.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from attrs import frozen

FILE = Path(__file__).parent / "survivors.toml"


@frozen
class Change:
    """What a mutant does: `old` stands in `function`, `new` is put there; both without indentation."""

    function: str
    old: str
    new: str


def reasons(text: str) -> dict[Change, str]:
    """Read the file's text."""
    return {
        Change(each["function"], each["old"].strip(), each["new"].strip()): each["reason"]
        for each in tomllib.loads(text).get("survivor", [])
    }


def change(function: str, difference: str) -> Change:
    """Read what a mutant does from its difference, a unified patch."""
    lines = [line for line in difference.splitlines() if not line.startswith(("---", "+++"))]
    old, new = ("\n".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return Change(function, old, new)


def entry(found: Change) -> str:
    """Write a survivor as the file has it, the reason left open."""
    quoted = (f"{name} = '''\n{text}'''" for name, text in (("old", found.old), ("new", found.new)))
    return "\n".join(["[[survivor]]", f'function = "{found.function}"', *quoted, 'reason = ""', ""])
