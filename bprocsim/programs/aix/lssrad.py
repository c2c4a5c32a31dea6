"""lssrad: the SRADs of a partition, with their memory and their processors."""

from __future__ import annotations

from attrs import frozen

from bprocsim.aix.constants import R_MEMSIZE, R_REF1SDL, R_SRADSDL, RS_SYSTEM
from bprocsim.aix.rset import Rset
from bprocsim.errnos import Errno
from bprocsim.faces.aix import AixProc
from bprocsim.programs.aix.command import Command, Misused, Refused, Steps, number, options_of, ranges
from bprocsim.programs.aix.system import rads

# The columns of the real command, and how many ranges it writes on a line. Source: lssrad-output.
_SRAD, _MEMORY = 16, 15
_RANGES = 2
HEADER = "REF1        SRAD        MEM        CPU"
SHORT_HEADER = "REF1        SRAD"


@frozen
class Srad:
    """An SRAD: its number, that of the REF1 in which it lies, its MB of memory, its processors that are online."""

    number: int
    ref1: int
    memory: str
    online: Rset

    def lines(self) -> list[str]:
        """Write it as `lssrad -v` does: further lines for further ranges of processors."""
        words = ranges(self.online).split()
        first = f"{self.number:>{_SRAD}}{self.memory:>{_MEMORY}}"
        blank = " " * (_SRAD + _MEMORY)
        rows = [" ".join(words[place : place + _RANGES]) for place in range(0, max(1, len(words)), _RANGES)]
        return [f"{blank if place else first}    {row}".rstrip() for place, row in enumerate(rows)]

    def line(self) -> str:
        """Write it on one line, whatever it holds."""
        first = f"{self.ref1}{self.number:>{_SRAD - len(str(self.ref1))}}{self.memory:>{_MEMORY}}"
        return f"{first}    {ranges(self.online)}".rstrip()

    def short(self) -> str:
        """Write its number alone, with that of its REF1."""
        return f"{self.ref1}{self.number:>{_SRAD - len(str(self.ref1))}}"


def _srads(proc: AixProc) -> Steps:
    """Look at all SRADs; gives a list of Srad. CallError: this level of AIX knows none."""
    yield from proc.rs_getinfo(None, R_REF1SDL)
    online = yield from proc.rs_alloc(RS_SYSTEM)
    groups = yield from rads(proc, R_REF1SDL)
    found = []
    for place, rad in enumerate((yield from rads(proc, R_SRADSDL))):
        ref1 = next((number for number, group in enumerate(groups) if rad <= group), 0)
        memory_mib = yield from proc.rs_getinfo(rad, R_MEMSIZE)
        found.append(Srad(place, ref1, f"{memory_mib}.00", rad & online))
    return found


def table(srads: list[Srad]) -> list[str]:
    """Write SRADs as `lssrad -av` does, those of a REF1 together."""
    lines = [HEADER]
    for ref1 in dict.fromkeys(each.ref1 for each in srads):
        lines.append(str(ref1))
        for each in srads:
            lines += each.lines() if each.ref1 == ref1 else ()
    return lines


def _lssrad(proc: AixProc, words: list[str]) -> Steps:
    flags, rest = options_of(words, "avs:")
    given = dict(flags)
    if rest or ("-a" in given) == ("-s" in given):
        raise Misused
    chosen = number(given["-s"], "the number of an SRAD") if "-s" in given else None
    srads = yield from _srads(proc)
    if chosen is not None:
        srads = [each for each in srads if each.number == chosen]
        if not srads:
            raise Refused(f"{chosen}: {Errno.ENODEV.message}")
    if "-v" not in given:
        lines = [SHORT_HEADER, *(each.short() for each in srads)]
    elif chosen is not None:
        lines = [HEADER, srads[0].line()]
    else:
        lines = table(srads)
    yield from proc.print("\n".join(lines))


# Source: lssrad-output.
lssrad = Command("lssrad", ("lssrad -a [-v]", "lssrad -s srad [-v]"), _lssrad)
