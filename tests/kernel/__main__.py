"""Ask both sides about a case, record all anew, or look what notices a changed row: see USAGE.

A case is named by its id or a pattern of ids, or written out as a line of JSON.
"""

from __future__ import annotations

import fnmatch
import json
import sys

from tests.kernel import mutants, recording
from tests.kernel.asking import Kernel, askable, unable
from tests.kernel.case import from_json, to_json
from tests.kernel.simside import simulate

USAGE = "usage: python3 -m tests.kernel record | mutants | CASE..., an id, a pattern such as 'walk/chain-*', or JSON"


def main(arguments: list[str]) -> int:
    """Do what is asked; return an exit status: 1 if the sides differ, 2 for wrong usage."""
    if arguments == ["record"]:
        return recording.record()
    if arguments == ["mutants"]:
        return mutants.sweep()
    spelt = [from_json(json.loads(text)) for text in arguments if text.startswith("{")]
    cases = recording.all_cases() | {each.id: each for each in spelt}
    arguments = [text for text in arguments if not text.startswith("{")] + [each.id for each in spelt]
    chosen = [id for id in cases if any(fnmatch.fnmatchcase(id, pattern) for pattern in arguments)]
    if not chosen:
        print(USAGE if not arguments else f"there is no case {' '.join(arguments)}\n{USAGE}", file=sys.stderr)
        return 2
    differing = 0
    reason = unable()
    recorded = recording.read().answers
    for id in chosen:
        ours = simulate(cases[id])
        print(json.dumps(to_json(cases[id]), indent=2) if len(chosen) == 1 else id)
        print(f"  the simulator   {ours}")
        print(f"  recorded        {recorded.get(id, 'nothing')}")
        if reason is None and askable(cases[id]):
            with Kernel() as kernel:
                theirs = kernel.ask(cases[id])
            print(f"  this kernel     {theirs}")
            differing += ours != theirs
        else:
            print(f"  this kernel     not asked: {reason or 'needs root'}")
            differing += ours != recorded.get(id)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
