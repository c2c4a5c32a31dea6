"""The ERRORS section of a manual page as a table: rows in the order in which they are decided.

A row says which errno a call reports, under which condition, and where that stands written.
The condition is a small function of the facts of one call; its name is the cause's id.
From one table come the answer (`first`), the set that a promise without an order would allow
(`every`), and the explanation (`explain`). Nothing else in the package chooses an errno.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from itertools import groupby
from typing import Any

from attrs import define, field, frozen, setters

from bprocsim.errnos import Errno


class Kind(Enum):
    """Where a row stands: on the page, after the exec, only in real kernels, or told of one node of several."""

    PAGE = "page"
    LATE = "late"
    BEYOND = "beyond"
    SLOT = "slot"


@frozen(eq=False)
class Row:
    """One line of an ERRORS section.

    `errno` what is reported; `condition` a function of the call's facts whose name is the cause;
    `sentence` what the page says, in our words; `kind` PAGE, LATE, BEYOND or SLOT; `source` an id of
    sources.toml ("" for the table's page); `step` the name of the step at which a late row is
    decided. `about` the part of the facts that the condition is asked of (None: all of them); if
    there is no such part, the row does not hold. `prefix` comes before the condition's name; `name`
    stands for it where two calls, or two systems, come to one cause by different conditions. `status`
    the exit status that a late row leaves, where it is not the errno's own.
    """

    errno: Errno
    condition: Callable[[Any], bool]
    sentence: str
    kind: Kind = Kind.PAGE
    source: str = ""
    step: str = ""
    about: Callable[[Any], Any] | None = None
    prefix: str = ""
    name: str = ""
    status: int | None = None
    cause: str = field(init=False)
    errno_name: str = field(init=False)  # asked for at each refusal, and slow to ask an Enum for

    @cause.default
    def _name_of_condition(self) -> str:
        return self.prefix + (self.name or self.condition.__name__)

    def exit_status(self, system: str = "linux") -> int:
        """Give the exit status that this row leaves when it is late: the number's low eight bits."""
        return self.errno.number(system) & 0xFF if self.status is None else self.status

    @errno_name.default
    def _name_of_errno(self) -> str:
        return self.errno.name

    def __repr__(self) -> str:
        return f"<row {self.cause}: {self.errno.name}>"


# Neighbouring rows: the part of the facts that they ask, and their conditions.
_Group = tuple[Callable[[Any], Any] | None, tuple[tuple[Callable[[Any], bool], Row], ...]]


class Errors:
    """The table of one call: `call` its name, `page` and `order` ids of sources, `rows` in order.

    `order` names the source of the sequence, which pages rarely promise; `failed` what the call
    returns in C when it fails, None for NULL. ValueError: two rows with one cause.
    """

    __slots__ = ("_at", "call", "failed", "order", "page", "rows")

    def __init__(self, call: str, *, page: str, order: str, rows: Iterable[Row], failed: int | None = -1) -> None:
        self.call = call
        self.page = page
        self.order = order
        self.failed = failed
        self.rows = tuple(rows)
        causes = [row.cause for row in self.rows]
        twice = sorted({cause for cause in causes if causes.count(cause) > 1})
        if twice:
            raise ValueError(f"rows of {call}: the causes {', '.join(twice)} stand there twice")
        # Rows decided on entry ("") and at each later step, in groups that ask the same part.
        steps = sorted({"", *(row.step for row in self.rows)})
        self._at = {step: _groups(row for row in self.rows if row.step == step) for step in steps}

    def first(self, facts: Any, step: str = "") -> Row | None:
        """Give the first row whose condition holds, or None; `step` picks the rows of a later step."""
        for about, tests in self._at.get(step, ()):
            part = facts if about is None else about(facts)
            if part is not None:
                for holds, row in tests:
                    if holds(part):
                        return row
        return None

    def every(self, facts: Any, step: str = "") -> tuple[Row, ...]:
        """Give all rows whose condition holds: what would be allowed if no order were promised."""
        found: list[Row] = []
        for about, tests in self._at.get(step, ()):
            part = facts if about is None else about(facts)
            if part is not None:
                found += [row for holds, row in tests if holds(part)]
        return tuple(found)

    def row(self, cause: str) -> Row:
        """Find a row by its cause; KeyError lists the causes there are."""
        for row in self.rows:
            if row.cause == cause:
                return row
        raise KeyError(f"{self.call} has no cause {cause!r}; it has {', '.join(r.cause for r in self.rows)}")

    def by_errno(self, errno: Errno) -> tuple[Row, ...]:
        """Give the rows that report `errno`, in order."""
        return tuple(row for row in self.rows if row.errno is errno)

    def source_of(self, row: Row) -> str:
        """Give the id of the source that a row cites."""
        return row.source or self.page

    def explain(self, reported: Row | None) -> tuple[tuple[Row, str], ...]:
        """Tell for each row "ok", "FAIL" or "not reached", given the one that was reported."""
        if reported is None:
            return tuple((row, "ok") for row in self.rows)
        place = self.rows.index(reported)
        return tuple(
            (row, "ok" if index < place else "FAIL" if index == place else "not reached")
            for index, row in enumerate(self.rows)
        )


def _groups(rows: Iterable[Row]) -> tuple[_Group, ...]:
    """Put neighbouring rows that ask the same part of the facts together."""
    return tuple(
        (about, tuple((row.condition, row) for row in same)) for about, same in groupby(rows, lambda row: row.about)
    )


# ---- What a call comes to, inside the simulator: values, never exceptions -----------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Done:
    """The call returned `value`; a bare int, bytes or tuple may stand for it."""

    value: Any


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Placed(Done):
    """A call for several nodes came back: `pids` what it told of each, `rows` what was against it, None if nothing."""

    pids: tuple[int, ...]
    rows: tuple[Row | None, ...]


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Fail:
    """The call failed: `row` of the table `errors` says why; `subject` what it was about.

    `value` what C returns, where that tells the errno by itself; None: what the table says.
    """

    row: Row
    errors: Errors
    subject: bytes | str = b""
    value: int | None = None

    @property
    def returned(self) -> int | None:
        """Give what C returns, None for NULL."""
        return self.errors.failed if self.value is None else self.value


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Exit:
    """The process ended with `status` because a late row was met after the exec had succeeded."""

    status: int
    row: Row
    errors: Errors


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Replaced:
    """The process has become a new image, which is to run in its place."""

    image: Any


Outcome = Done | Fail | Exit | Replaced
