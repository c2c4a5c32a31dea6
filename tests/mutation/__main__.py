"""Mutation testing by mutmut: small changes to the code, one at a time, and which of them no test notices.

It judges a sample of all that mutmut makes of `manual`, `posix`, `bproc` and `aix` (what is tried, and by which
tests, stands in pyproject.toml); all of them would take days. It works on a copy of the clone in `.mutation`,
which it keeps, so that a second run begins with what the first has learned. What survives is told with its
difference, as survivors.toml has it, unless a reason is given there why no test can, or need, notice it.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.mutation import survivors, trying
from tests.mutation.survivors import Change

SAMPLE = 300
INTERRUPTED = 130


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.mutation",
        description=__doc__,
        epilog="Exit status: 0 nothing survived but for a reason that is given, 1 something did, 130 Ctrl-C.",
    )
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"how many mutants to try (default {SAMPLE})")
    parser.add_argument("--seed", type=int, default=1, help="which ones (default 1)")
    parser.add_argument("--jobs", type=int, help="how many at once (default: one for each processor)")
    parser.add_argument("names", nargs="*", help="try these instead, as mutmut names them; * stands for any letters")
    return parser.parse_args(arguments)


def score(tried: Mapping[str, str], known: Mapping[str, str]) -> Iterator[str]:
    """Tell, room by room, how many mutants were noticed, and what became of each."""
    for place in [*sorted(set(map(trying.room, tried))), "all"]:
        here = {name: verdict for name, verdict in tried.items() if place in (trying.room(name), "all")}
        counts = Counter(here.values())
        left = [name for name, verdict in here.items() if verdict in trying.UNNOTICED]
        noticed = len(here) - len(left)
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        reasoned = sum(name in known for name in left)
        because = f"; a reason is given for {reasoned} of {len(left)}" if left else ""
        yield f"{place:<8} {noticed:5} of {len(here):5} noticed ({noticed / len(here):.1%}): {told}{because}"


def changes(tried: Mapping[str, str]) -> dict[str, Change]:
    """Give what those change that survived."""
    left = [name for name, verdict in tried.items() if verdict in trying.UNNOTICED]
    return {name: survivors.change(trying.function(name), trying.difference(name)) for name in left}


def try_all(names: Sequence[str], reasons: Mapping[Change, str], jobs: int | None) -> dict[str, str]:
    """Try mutants, those that survive without a reason once more; give the verdicts."""
    trying.mutmut(names, jobs)
    everything = trying.verdicts()
    tried = {name: everything[name] for name in names}
    again = [name for name, change in changes(tried).items() if change not in reasons]
    if again:
        print(f"{len(again)} survived without a reason; once more, each in an interpreter of its own", flush=True)
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        return tried | dict(zip(again, pool.map(trying.afresh, again), strict=True))


def main(arguments: Sequence[str]) -> int:
    """Try a sample; 1 if something survived for which no reason is given."""
    options = parse(arguments)
    trying.copy()
    print("making the mutants, and learning what each test reaches (minutes, the first time)", flush=True)
    trying.mutmut([trying.FIRST], options.jobs)
    everything = sorted(trying.verdicts())
    sample = random.Random(options.seed).sample(everything, min(options.sample, len(everything)))
    names = trying.matching(options.names, everything) if options.names else sample
    which = "named" if options.names else f"seed {options.seed}"
    print(f"{len(everything)} mutants, of which {len(names)} are tried ({which})", flush=True)
    reasons = survivors.reasons(survivors.FILE.read_text(encoding="utf-8"))
    tried = try_all(names, reasons, options.jobs)
    left = changes(tried)
    known = {name: reasons[change] for name, change in left.items() if change in reasons}
    print(*score(tried, known), sep="\n")
    for name, change in left.items():
        print(f"\n{name} ({tried[name]})" + (f": {known[name]}" if name in known else ", no reason is given"))
        if name not in known:
            print(survivors.entry(change))
    return 1 if left.keys() - known.keys() else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
