"""What many keys take: node numbers, ids, paths, texts, and how such keys are called in errors."""

from __future__ import annotations

from bprocsim.posix.arch import ARCHES
from bprocsim.scenario.kinds import Choice, Either, Integer, Listed, NodesSpec, Text, Truth, Word

NODE = Integer(-1, what="a node number (-1 is the master)")
BYTES = Integer(0, what="a number of bytes")
NS = Integer(0, what="nanoseconds")
ID = Integer(0, 2**32 - 2, "an id")
MODE = Integer(0, 0o7777, "permission bits such as 0o755:")
PATH = Word("an absolute path", begins="/")
NAME = Word("a name")
TRUTH = Truth()
ON = NodesSpec()
TEXT, POINTER_OR_TEXT = Text(), Text(pointer=True)
NAMES = Listed(NAME, "names")
ARCH = Either({str: Choice(ARCHES, "architecture"), int: Integer(0, 65535)}, "an architecture, or a machine number")
VECTOR = Either(
    {list: Listed(POINTER_OR_TEXT, "texts"), tuple: Listed(POINTER_OR_TEXT, "texts"), dict: POINTER_OR_TEXT},
    "a list of texts, or { pointer = ... }",
)
