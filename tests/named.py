"""Names of parametrized cases that are the same in every process."""

from __future__ import annotations

import re


def steady(value: object, length: int = 50) -> str:
    """Write a value without addresses, and a set in one order: xdist's workers must agree on names."""
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(map(repr, value)))}}}"[:length]
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {steady(item)}' for key, item in value.items())}}}"[:length]
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value) if not isinstance(value, str) else value)[:length]
