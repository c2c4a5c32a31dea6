"""Where the rows, the numbers and the rules come from: the entries of `sources.toml`.

The rest of the package cites a source by its id alone, so a world runs without this room; what
shows a source to a reader (the `explain` command, a check of the citations) fetches it here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from attrs import frozen

# How it is known: the source says so, we ran it and looked, or we concluded it (the note says from what).
KINDS = ("read", "measured", "inferred")


@frozen(kw_only=True)
class Source:
    """One source: its `id` in the code, `title`, `section` of it, `address`, `date`, `kind`, `note`.

    `date` is "YYYY-MM", the month of the version that was read or measured; `kind` one of KINDS;
    `note` what was concluded from what, what it leaves open, or the licence of program sources.
    """

    id: str
    title: str
    section: str
    address: str
    date: str
    kind: str
    note: str = ""

    def cite(self) -> str:
        """Name it on one line, as a footnote would."""
        return f"{self.title}, {self.section} ({self.kind}, {self.date}): {self.address}"


@cache
def load() -> Mapping[str, Source]:
    """Give every source by its id, in the order of the file."""
    text = files("bprocsim").joinpath("sources.toml").read_text(encoding="utf-8")
    return MappingProxyType({name: Source(id=name, **entry) for name, entry in tomllib.loads(text).items()})


def source(name: str) -> Source:
    """Give the source of an id; KeyError says where ids are entered."""
    found = load().get(name)
    if found is None:
        raise KeyError(f"sources.toml has no entry {name!r}")
    return found
