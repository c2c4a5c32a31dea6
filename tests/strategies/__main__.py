"""`python3 -m tests.strategies [CALL ...]` measures after how many examples `any_outcome` has reached each row."""

from __future__ import annotations

import sys

from tests.strategies.reach import RULES, measured


def main(calls: list[str]) -> int:
    """Print a line for each call: its rows, how many were reached, after how many examples."""
    print(f"{'call':24} {'rules':24} {'rows':>4} {'reached':>7} {'examples':>8}")
    whole = 0
    for call, rules in RULES.items():
        if calls and call not in calls:
            continue
        found = measured(call, rules)
        named = " ".join(rules.values())
        print(f"{call:24} {named:24} {found.rows:4} {found.rows - len(found.missed):7} {found.examples:8}", flush=True)
        whole += len(found.missed)
    return 1 if whole else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
