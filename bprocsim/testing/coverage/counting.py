"""How often each documented row was met, by whose code: counted while tests run, and put together afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from attrs import asdict, define, field

from bprocsim.kernel.tables import table_in_force
from bprocsim.manual import Errors, Exit, Fail, Placed, Row
from bprocsim.testing.coverage.whose import Maker, who_made_it
from bprocsim.testing.rows.tables import first_tables, of_level, page_named
from bprocsim.world.system import System
from bprocsim.world.watching import Watcher, Watching, watch

if TYPE_CHECKING:
    from bprocsim.testing.coverage.report import CoverageReport


@define
class RowSeen:
    """A row of a call: `errno`, `cause`, `sentence` and `kind` are the row's.

    `times` it was met by the user's own code, `first` where that was, "file:line"; `by_recipes` how
    often by the kit's.
    """

    errno: str
    cause: str
    sentence: str
    kind: str
    times: int = 0
    by_recipes: int = 0
    first: str = ""


@define
class CallSeen:
    """A call: `made` how often by the user's own code; `rows` all that it may report, by errno and cause."""

    call: str
    made: int = 0
    rows: dict[tuple[str, str], RowSeen] = field(factory=dict)

    def learn(self, table: Errors) -> None:
        """Take over the rows of a table in force."""
        for row in table.rows:
            key = row.errno.name, row.cause
            if key not in self.rows:
                self.rows[key] = RowSeen(*key, row.sentence, row.kind.value)


class ErrnoCoverage(Watcher):
    """Which documented errnos of the calls that your code makes it has met: count them within a `with`.

    `calls` of which alone (pages, or their calls, in any case; none: of all that are made). A call is
    your code's if no part of bprocsim made it: neither a recipe, nor a command such as bpsh. ValueError: there is
    no such call.
    """

    def __init__(self, *calls: str) -> None:
        self.asked = {page: CallSeen(page) for page in map(page_named, calls)}
        self.calls: dict[str, CallSeen] = dict(self.asked)
        self._watching: Watching | None = None
        for seen in self.asked.values():
            seen.learn(first_tables()[seen.call])

    # ---- counting ----

    def start(self) -> None:
        """Hear of all that is called from now on in worlds that are built from now on."""
        self._watching = watch(self)

    def stop(self) -> None:
        """Hear no more."""
        if self._watching is not None:
            self._watching.stop()
            self._watching = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def system_made(self, system: System) -> None:
        """Hear of all that is called on a system."""
        known: dict[str, CallSeen | None] = {}

        def hears(call: str, result: Any) -> None:
            if self._watching is None:
                return
            if call not in known:
                known[call] = self._seen(system, call)
            seen = known[call]
            if seen is not None:
                _count(seen, result)

        system.rules.hearers = (*system.rules.hearers, hears)

    def _seen(self, system: System, call: str) -> CallSeen | None:
        """Give what counts a call, None if nobody asked for it or it has no documented errors."""
        table = table_in_force(system.home, call)
        if table is None or not table.rows or (self.asked and table.call not in self.asked):
            return None
        partition = system.home.partition
        seen = self.calls.setdefault(table.call, CallSeen(table.call))
        seen.learn(table if partition is None else of_level(table, partition.level))
        return seen

    def report(self, *, late: bool = False, root: Path | None = None) -> CoverageReport:
        """Tell what was counted so far, of all calls that were made and of those asked for.

        `late` whether errnos count too that are met after the exec, or told of one node of several;
        `root` the directory from which files are named.
        """
        from bprocsim.testing.coverage.report import report_of  # which reads what is counted here

        return report_of(self, late=late, root=root)

    # ---- several processes' counts ----

    def counts(self) -> list[dict[str, Any]]:
        """Give all that was counted as plain values, for another process's `add`."""
        return [
            {"call": seen.call, "made": seen.made, "rows": [asdict(row) for row in seen.rows.values()]}
            for seen in self.calls.values()
        ]

    def add(self, counts: Iterable[dict[str, Any]]) -> None:
        """Take over what another process has counted."""
        for each in counts:
            seen = self.calls.setdefault(each["call"], CallSeen(each["call"]))
            seen.made += each["made"]
            for plain in each["rows"]:
                row = seen.rows.setdefault((plain["errno"], plain["cause"]), RowSeen(**{**plain, **_NOT_YET}))
                row.times += plain["times"]
                row.by_recipes += plain["by_recipes"]
                row.first = min(filter(None, (row.first, plain["first"])), default="")  # whoever comes first


_NOT_YET: dict[str, Any] = {"times": 0, "by_recipes": 0, "first": ""}


def _count(seen: CallSeen, result: Any) -> None:
    made = who_made_it()
    if made.maker is Maker.PACKAGE:
        return
    by_user = made.maker is Maker.USER
    seen.made += by_user
    for row in _rows_of(result):
        met = seen.rows.get((row.errno.name, row.cause))
        if met is None:
            continue
        if not by_user:
            met.by_recipes += 1
            continue
        met.times += 1
        met.first = met.first or f"{made.file}:{made.line}"


def _rows_of(result: Any) -> Iterable[Row]:
    """Give the rows that a call has come to."""
    if isinstance(result, Fail | Exit):
        return (result.row,)
    return dict.fromkeys(row for row in result.rows if row is not None) if isinstance(result, Placed) else ()
