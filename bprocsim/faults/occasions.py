"""Which of many calls are meant, as strace writes it in `inject=...:when=`. Source: strace-inject."""

from __future__ import annotations

import re
from collections.abc import Callable

_WRITTEN = re.compile(r"([1-9][0-9]*)(?:\.\.([1-9][0-9]*))?(?:(\+)([1-9][0-9]*)?)?", re.ASCII)


def occasion(when: str) -> Callable[[int], bool]:
    """Read "3", "2+", "1+2", "1..9" or "1..9+2"; gives what tells whether the n-th call, from 1 on, is meant.

    ValueError names `when`.
    """
    match = _WRITTEN.fullmatch(when)
    if match is None:
        raise ValueError(
            f'when: expected "3" (the third), "2+" (from the second on), "1+2" (every other), "1..9" or "1..9+2", '
            f"got {when!r}"
        )
    first, last, plus, step = int(match[1]), match[2], match[3], int(match[4] or 1)
    if last is not None and int(last) < first:
        raise ValueError(f"when: {when!r} ends before it begins")
    end = int(last) if last is not None else None if plus else first

    def is_meant(number: int) -> bool:
        return number >= first and (end is None or number <= end) and (number - first) % step == 0

    return is_meant
