"""Markdown as the generated pages need it: headings, prose at a width, tables."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 120


def prose(text: str) -> str:
    """Write a paragraph."""
    return "\n".join(textwrap.wrap(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False))


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def code(text: str) -> str:
    """Write something as it is typed; nothing stays nothing."""
    return f"`{text}`" if text else ""


def page(*parts: str) -> str:
    """Put the parts of a page together."""
    return "\n\n".join(parts) + "\n"
