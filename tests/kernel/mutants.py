"""Rules of `linux-6` with one thing changed: a row left out, a limit moved, two neighbours exchanged.

The file `mutants.txt` names for each of them a case in which it says something else than the kernel
did. `python3 -m tests.kernel mutants` tries them all against all cases and writes that file anew;
what no case notices is printed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs

import bprocsim as bp
from bprocsim.posix.scripts import read_cut
from tests.kernel import recording
from tests.kernel.case import Answer, Case
from tests.kernel.simside import KERNEL, simulate

FILE = Path(__file__).parent / "mutants.txt"
LINUX = bp.kernels[KERNEL]


def mutants() -> dict[str, bp.ExecProfile]:
    """Give all changed rules by what was changed."""
    return dict([*_rows(), *_limits(), *_fates(), *_orders()])


def _changed(**changes: Any) -> bp.ExecProfile:
    return attrs.evolve(LINUX, **changes)


def _rows() -> Iterator[tuple[str, bp.ExecProfile]]:
    for row in LINUX.rows:
        yield f"without {row.cause}", attrs.evolve(LINUX, rows=tuple(each for each in LINUX.rows if each is not row))


def _limits() -> Iterator[tuple[str, bp.ExecProfile]]:
    """Change each limit by as little as makes a difference."""
    for name, values in {
        "path_max": (4095, 4097),
        "name_max": (254, 256),
        "total_links": (39, 41),
        "nested_links": (5, 8),
        "removed_is_empty": (False,),
    }.items():
        for value in values:
            changes: dict[str, Any] = {name: value}
            yield f"{name}={value}", _changed(paths=attrs.evolve(LINUX.paths, **changes))
    bits_32, bits_64 = LINUX.stack_tables_bytes or (0, 0)
    for name, options in {
        "argument_area_bytes": ((131068, 131064),),
        "stack_bytes": (LINUX.stack_bytes // 2, LINUX.stack_bytes * 2),
        "pointers_count": (False,),
        "string_bytes": (131071, 131073, None),
        "empty_argv_gets_name": (False,),
        "read_script": (read_cut,),
        "script_line_bytes": (255, 257),
        "script_levels": (5, 7),
        "interpreter_path_bytes": (4095, 4097),
        "table_bytes": (65519, 65576),
        "loader_header_bytes": (63, 65, 128),
        "user_top": ((0xC000_0000, LINUX.user_top[1]), (LINUX.user_top[0], 1 << 47)),
        "lowest_address": (0,),
        "stack_tables_bytes": (None, (bits_32 - 16, bits_64), (bits_32, bits_64 - 16)),
    }.items():
        for option in options:
            told = getattr(option, "__name__", option)
            yield f"{name}={told}", _changed(**{name: option})


def _fates() -> Iterator[tuple[str, bp.ExecProfile]]:
    for name in ("fates", "loader_fates"):
        fates = getattr(LINUX, name)
        for each in fates:
            left = tuple(fate for fate in fates if fate is not each)
            yield f"{name} without {each.cause}", _changed(**{name: left})


def _orders() -> Iterator[tuple[str, bp.ExecProfile]]:
    for place, (one, other) in enumerate(pairwise(LINUX.rows)):
        if one.errno is not other.errno:
            rows = (*LINUX.rows[:place], other, one, *LINUX.rows[place + 2 :])
            yield f"{other.cause} before {one.cause}", attrs.evolve(LINUX, rows=rows)


def differs(case: Case, profile: bp.ExecProfile, answer: Answer) -> bool:
    """Tell whether changed rules say something else than the kernel did."""
    try:
        return simulate(case, profile) != answer
    except Exception:  # without the row that would refuse it, what is not there is to be run
        return True


def known() -> dict[str, str]:
    """Read the file: the case that notices a mutant, by its name."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return {name: id for name, _, id in (line.partition("\t") for line in lines)}


def sweep() -> int:
    """Try all mutants, those that are known by their own case first, and write the file anew."""
    answers, cases = recording.read().answers, recording.all_cases()
    before = known() if FILE.exists() else {}
    found: dict[str, str] = {}
    for name, profile in mutants().items():
        errnos = {row.errno.name for row in LINUX.rows if row.cause in name.split()}
        # What is likely to notice it is tried first.
        likely = sorted(cases, key=lambda id: (id != before.get(name), answers[id].value not in errnos))
        noticed = next((id for id in likely if differs(cases[id], profile, answers[id])), None)
        print(f"{name}: {noticed or 'noticed by no case'}", file=sys.stdout if noticed is None else sys.stderr)
        if noticed is not None:
            found[name] = noticed
    FILE.write_text("".join(f"{name}\t{id}\n" for name, id in found.items()), encoding="utf-8", newline="\n")
    return 0
