"""The `#!` line of a script, as kernels read it: the interpreter, and all that follows it as one argument.

A reader takes the file's bytes and how many of them the kernel looks at. It gives (interpreter,) or
(interpreter, argument), and () if the line names none. Sources: linux-2.4.20-exec, linux-6.18-measured.
"""

from __future__ import annotations

import re

_BLANKS = b" \t"
# The interpreter, and all that follows it.
_LINE = re.compile(rb"(?s)[ \t]*([^ \t]+)[ \t]*(.*)")
_PADDED_LINE = re.compile(rb"(?s)[ \t]*([^ \t\0]*)(?:[ \t]+(.*))?")


def read_cut(data: bytes, line_bytes: int) -> tuple[bytes, ...]:
    """Read it as kernels did before 5.1: a line that is too long is cut, also within a name."""
    line = data[2:line_bytes].partition(b"\n")[0].rstrip(_BLANKS)
    # A NUL ends it, as it ends every string in C.
    words = _LINE.match(line.partition(b"\0")[0])
    return tuple(word for word in words.groups() if word) if words is not None else ()


def read_whole(data: bytes, line_bytes: int) -> tuple[bytes, ...]:
    """Read it as kernels do since 5.1: a name that may have been cut is no name, an argument is cut.

    A file that ends, or a NUL, where the name should begin names the empty path.
    """
    seen = data[2:line_bytes]
    line, newline, _ = seen.partition(b"\n")
    if not newline or b"\0" in line:
        # Behind a short file the kernel sees zeros; its last byte is never part of the line.
        padded = seen.ljust(line_bytes - 2, b"\0")
        name = padded.lstrip(_BLANKS)
        if not name or not re.search(rb"[ \t\0]", name):
            return ()
        line = padded[:-1]
    line = line.rstrip(_BLANKS)
    if not line:
        return ()
    words = _PADDED_LINE.match(line)
    assert words is not None
    # Blanks before the zeros make an argument, an empty one.
    return (words[1],) if words[2] is None else (words[1], words[2].partition(b"\0")[0])
