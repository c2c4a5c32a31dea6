"""What is in a file that exec opens on a partition: an XCOFF image, right or wrong."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from attrs import evolve

import bprocsim as bp
from bprocsim.aix.xcoff import F_EXEC, F_SHROBJ, U803XTOCMAGIC
from bprocsim.testing.rows.files import File, plain_content
from bprocsim.units import KiB

# What makes of good headers ones that AIX does not take.
_MALFORMED: dict[str, dict[str, Any]] = {
    "type": {"header": {"f_flags": 0}},
    "library": {"header": {"f_flags": F_EXEC | F_SHROBJ}},
    "no auxiliary header": {"header": {"f_opthdr": 0}},
    "no text": {"auxiliary": {"o_sntext": 9}},
    "section elsewhere": {"sections": {(1, "s_scnptr"): 1 << 30}},
    "short": {"truncate": 40},
}


@lru_cache(maxsize=256)
def xcoff_content(file: File, interpreter: str) -> bytes:
    """Give the bytes of a file; a script names the interpreter."""
    plain = plain_content(file, interpreter)
    if plain is not None:
        return plain
    if file.content == "another system's":
        return bp.ElfImage(machine=20, bits=32, byteorder="big").to_bytes()
    image = bp.XcoffImage(memory_bytes=64 * KiB)
    if file.foreign:
        return evolve(image, bits=64, header={"f_magic": U803XTOCMAGIC}).to_bytes()
    return evolve(image, **_MALFORMED.get(file.malformed, {})).to_bytes()
