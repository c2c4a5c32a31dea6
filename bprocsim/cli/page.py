"""What a manual page says of a call, as data."""

from __future__ import annotations

from typing import NamedTuple


class Page(NamedTuple):
    """One page: the `names` of its calls (the table's first), `synopsis`, and what it `says`, by heading."""

    names: tuple[str, ...]
    title: str
    synopsis: tuple[str, ...]
    says: tuple[tuple[str, str], ...]
