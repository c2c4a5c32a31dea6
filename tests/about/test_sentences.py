"""Each sentence of each table is as it was written, of rows that no page of `bprocsim about` tells of, too.

A letter that changes by mistake changes a line of `sentences.txt`, and nobody reads a thousand sentences again.
"""

from __future__ import annotations

from pathlib import Path

import bprocsim as bp
from tests.rowsseen import every_table

KEPT = Path(__file__).parent / "sentences.txt"
REFRESH = "python3 tests --only pytest -- tests/about --refresh-golden"


def sentences() -> str:
    """Write every row once, call by call: errno, cause, kind and sentence; then what kills an image."""
    calls: dict[str, dict[str, None]] = {}
    for table, _ in every_table():
        lines = calls.setdefault(table.call, {})
        for row in table.rows:
            lines[f"  {row.errno_name} {row.cause} ({row.kind.value}): {row.sentence}"] = None
    for profile in bp.kernels.values():
        for what in ("fates", "loader_fates"):
            lines = calls.setdefault(what.replace("_", " "), {})
            for fate in getattr(profile, what):
                lines[f"  {fate.signal.name} {fate.cause}: {fate.sentence}"] = None
    return "".join(f"{call}\n" + "".join(f"{line}\n" for line in lines) for call, lines in calls.items())


def test_every_sentence_is_as_it_was_written(refresh_golden: bool) -> None:
    text = sentences()
    if refresh_golden:
        KEPT.write_text(text, encoding="utf-8", newline="\n")
    assert KEPT.read_text(encoding="utf-8") == text, f"write them anew: {REFRESH}"
