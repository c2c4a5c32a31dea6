"""What many keys take: node numbers, ids, paths, texts, and how such keys are called in errors."""

from __future__ import annotations

from typing import Any

from bprocsim.posix.arch import ARCHES
from bprocsim.programs import BUILTIN
from bprocsim.programs.samples import SAMPLES
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
SYSTEM = Word('a system: "cluster", "lpar", or the name of a partition')


class ProgramName:
    """A program of ours by name, or `module:function` of a file beside the scenario."""

    @property
    def expected(self) -> str:
        """Say what is taken."""
        return f'one of {", ".join(sorted({*SAMPLES, *BUILTIN}))}, or "module:function" of a file beside this one'

    def take(self, value: Any) -> str:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, str) and ":" in value:
            return value
        name: str = Choice(sorted({*SAMPLES, *BUILTIN}), "program").take(value)
        return name

    def schema(self) -> dict[str, Any]:
        """Describe it in JSON Schema."""
        return {"anyOf": [{"enum": sorted({*SAMPLES, *BUILTIN})}, {"type": "string", "pattern": "^[^:]+:[^:]+$"}]}


PROGRAM = ProgramName()
