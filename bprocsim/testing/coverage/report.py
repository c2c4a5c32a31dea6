"""What was counted, told: as a table on the terminal, as Markdown, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap
from typing import Any

from attrs import evolve, field, frozen

from bprocsim.manual import Kind
from bprocsim.testing.coverage.counting import CallSeen, ErrnoCoverage, RowSeen

SCHEMA = 1
WIDTH = 100
_OF_PAGE = frozenset({Kind.PAGE.value})
_AND_LATE = frozenset({Kind.PAGE.value, Kind.LATE.value, Kind.SLOT.value})
# Behind an errno: it was met, but not by the user's code.
_BY_RECIPE = "*"


@frozen
class ErrnoLine:
    """One documented errno of a call: `times` the user's code met it, `first` where; `rows` the causes of it."""

    errno: str
    rows: tuple[RowSeen, ...]

    @property
    def times(self) -> int:
        """Tell how often the user's code has met it."""
        return sum(row.times for row in self.rows)

    @property
    def first(self) -> str:
        """Tell where it was met first, "" if it was not."""
        return next((row.first for row in self.rows if row.first), "")

    @property
    def only_by_recipes(self) -> bool:
        """Tell whether recipes have met it, and nobody else."""
        return not self.times and any(row.by_recipes for row in self.rows)


@frozen
class CallLine:
    """One call: `made` how often by the user's code; `errnos` all that are documented, in the order of the page."""

    call: str
    made: int
    errnos: tuple[ErrnoLine, ...]

    @property
    def met(self) -> tuple[ErrnoLine, ...]:
        """Give the errnos that were met."""
        return tuple(each for each in self.errnos if each.times)

    @property
    def unseen(self) -> tuple[ErrnoLine, ...]:
        """Give the errnos that were never seen."""
        return tuple(each for each in self.errnos if not each.times)

    @property
    def percent(self) -> float:
        """Tell how many of a hundred were met."""
        return _percent(len(self.met), len(self.errnos))


@frozen
class CoverageReport:
    """Which documented errnos were met: `calls` those that were made or asked for; `late` whether later ones count."""

    calls: tuple[CallLine, ...]
    late: bool = field(default=False)

    @property
    def met(self) -> int:
        """Tell how many errnos of all calls were met."""
        return sum(len(call.met) for call in self.calls)

    @property
    def documented(self) -> int:
        """Tell how many errnos all calls have."""
        return sum(len(call.errnos) for call in self.calls)

    @property
    def percent(self) -> float:
        """Tell how many of a hundred were met; 0 if no call was made."""
        return _percent(self.met, self.documented)

    def text(self) -> str:
        """Write it as a table: for each call how many errnos were met, and which never."""
        if not self.calls:
            return "no call with documented errnos was made\n"
        wide = max(len("call"), *(len(each.call) for each in self.calls))
        lines = [f"{'call':<{wide}} {'made':>6} {'met':>8} {'':>8}never seen"]
        for each in self.calls:
            head = f"{each.call:<{wide}} {each.made:>6} {_share(each):>8} {_rounded(each.percent):>4}%   "
            names = wrap(" ".join(map(_marked, each.unseen)), WIDTH - len(head)) or ["-"]
            lines += [head + names[0], *(" " * len(head) + more for more in names[1:])]
        lines.append(self.total())
        if any(errno.only_by_recipes for each in self.calls for errno in each.errnos):
            lines.append(f"{_BY_RECIPE} met in a recipe of bprocsim's alone, which does not count")
        return "\n".join(lines) + "\n"

    def total(self) -> str:
        """Write how many of all errnos were met, in one line."""
        late = ", late ones included" if self.late else ""
        return f"{self.met} of {self.documented} documented errnos met ({_rounded(self.percent)}%){late}"

    def markdown(self) -> str:
        """Write it in Markdown: the table, and for each call its errnos one by one."""
        lines = ["# Documented errnos met", "", f"{self.total()}.", ""]
        lines += ["| call | made | met | never seen |", "|---|---|---|---|"]
        for each in self.calls:
            unseen = " ".join(_marked(errno) for errno in each.unseen) or "-"
            lines.append(f"| {each.call} | {each.made} | {_share(each)} | {unseen} |".replace(_BY_RECIPE, r"\*"))
        for each in self.calls:
            lines += ["", f"## {each.call}", "", "| errno | met | first | the page says |", "|---|---|---|---|"]
            lines += [_entry(errno) for errno in each.errnos]
        if any(errno.only_by_recipes for each in self.calls for errno in each.errnos):
            lines += ["", rf"\{_BY_RECIPE} met in a recipe of bprocsim's alone, which does not count."]
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """Write it as one JSON document, whose keys are those of this report."""
        document = {
            "schema": SCHEMA,
            "late": self.late,
            "met": self.met,
            "documented": self.documented,
            "percent": round(self.percent, 2),
            "calls": [_call(each) for each in self.calls],
        }
        return json.dumps(document, indent=1) + "\n"


def report_of(coverage: ErrnoCoverage, *, late: bool = False, root: Path | None = None) -> CoverageReport:
    """Make the report of what was counted; `late`, `root` as of ErrnoCoverage.report."""
    kinds = _AND_LATE if late else _OF_PAGE
    lines = [_line(seen, kinds, root) for seen in coverage.calls.values() if seen.made or seen.call in coverage.asked]
    return CoverageReport(tuple(sorted((each for each in lines if each.errnos), key=lambda each: each.call)), late)


def _line(seen: CallSeen, kinds: Iterable[str], root: Path | None) -> CallLine:
    by_errno: dict[str, list[RowSeen]] = {}
    for row in seen.rows.values():
        if row.kind in kinds:
            by_errno.setdefault(row.errno, []).append(_named_from(root, row))
    return CallLine(seen.call, seen.made, tuple(ErrnoLine(errno, tuple(rows)) for errno, rows in by_errno.items()))


def _named_from(root: Path | None, row: RowSeen) -> RowSeen:
    """Name the file where a row was met from a directory, if it lies there."""
    file, _, line = row.first.rpartition(":")
    if root is None or not file or not Path(file).is_relative_to(root):
        return row
    return evolve(row, first=f"{Path(file).relative_to(root).as_posix()}:{line}")


def _percent(met: int, documented: int) -> float:
    return 100 * met / documented if documented else 0.0


def _rounded(percent: float) -> int:
    """Give whole percents: 100 only if nothing is missing, 0 only if nothing is there."""
    return int(percent) if percent > 1 or not percent else 1


def _share(call: CallLine) -> str:
    return f"{len(call.met)} of {len(call.errnos)}"


def _marked(errno: ErrnoLine) -> str:
    return errno.errno + _BY_RECIPE * errno.only_by_recipes


def _entry(errno: ErrnoLine) -> str:
    """Write a line of Markdown's table of one call."""
    said = "; ".join(f"{row.sentence} (`{row.cause}`{f', {row.times}' if row.times else ''})" for row in errno.rows)
    met = str(errno.times) if errno.times else "\\*" if errno.only_by_recipes else "-"
    return f"| {errno.errno} | {met} | {errno.first or '-'} | {said.replace('|', chr(92) + '|')} |"


def _call(call: CallLine) -> dict[str, Any]:
    return {
        "call": call.call,
        "made": call.made,
        "met": len(call.met),
        "documented": len(call.errnos),
        "percent": round(call.percent, 2),
        "never_seen": [errno.errno for errno in call.unseen],
        "errnos": [_errno(errno) for errno in call.errnos],
    }


def _errno(errno: ErrnoLine) -> dict[str, Any]:
    return {
        "errno": errno.errno,
        "times": errno.times,
        "first": errno.first or None,
        "only_by_recipes": errno.only_by_recipes,
        "causes": [
            {"cause": row.cause, "sentence": row.sentence, "kind": row.kind, "times": row.times} for row in errno.rows
        ],
    }
