"""Bytes as text that can be read and compared by eye: printable ASCII as it is, the rest escaped, runs counted.

`\\7f` is one byte, `{a*4096}` is a run, `{\\00*9}` a run of NULs. A text never contains `{bad}`, so
that can stand for a pointer to nowhere.
"""

from __future__ import annotations

import re

_RUN = re.compile(rb"(?s)(.)\1*")
_TOKEN = re.compile(r"\{(\\[0-9a-f]{2}|[^\\])\*(\d+)\}|\\([0-9a-f]{2})|([^\\{}])")
_ESCAPED = b"\\{}"


def show(data: bytes) -> str:
    """Write bytes as text."""
    return "".join(_show_run(run[0][0], len(run[0])) for run in _RUN.finditer(data))


def _show_run(byte: int, times: int) -> str:
    token = chr(byte) if 32 <= byte < 127 and byte not in _ESCAPED else f"\\{byte:02x}"
    counted = f"{{{token}*{times}}}"
    return counted if len(counted) < len(token) * times else token * times


def read(text: str) -> bytes:
    """Read what `show` wrote; ValueError says where the text makes no sense."""
    parts, place = [], 0
    for token in _TOKEN.finditer(text):
        if token.start() != place:
            break
        place = token.end()
        run, times, escaped, plain = token.groups()
        if run is not None:
            parts.append(_byte(run) * int(times))
        else:
            parts.append(_byte(f"\\{escaped}" if escaped is not None else plain))
    if place != len(text):
        raise ValueError(f"at {place}: {text[place : place + 20]!r} is no byte, no run")
    return b"".join(parts)


def _byte(token: str) -> bytes:
    return bytes([int(token[1:], 16) if len(token) == 3 else ord(token)])
