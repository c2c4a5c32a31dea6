"""What single faults did to a scenario: a line for each, and those that are amiss with their replay tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from attrs import field, frozen

from bprocsim.faults import Fault
from bprocsim.testing.singlefault.happening import Happening
from bprocsim.testing.singlefault.judging import Finding, Verdict

_NO_TOKEN = "no token: not all of it is in a file; scenario.with_faults(...) is the same world"


@frozen
class SingleFault:
    """One run of a scenario with one more fault: None for the run without.

    `about` what was struck, in words; `struck` whether the fault did; `findings` what is wrong with the
    run, none if nothing; `came` what each call came to; `refused` why not all of them could be made;
    `token` what `bprocsim replay` runs again, None if a program of the scenario is in no file, or if it was driven
    from outside.
    """

    fault: Fault | None
    system: str
    about: str
    struck: bool
    findings: tuple[Finding, ...]
    came: tuple[str, ...]
    refused: str
    token: str | None = field(repr=False)

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong with the run."""
        return not self.findings

    def lines(self) -> list[str]:
        """Tell what was struck and how, what is wrong with the run, each on a line, and how it is replayed."""
        head = f"{self.about}: {self.fault!r}" if self.fault is not None else "without any fault"
        told = [str(each) for each in self.findings] or [
            "ok: " + ("; ".join(self.came) or "no call comes to something")
        ]
        if not self.struck:
            told.append("the fault never struck")
        if self.refused:
            told.append(f"not all calls were made: {self.refused}")
        return [head, *told, f"bprocsim replay {self.token}" if self.token is not None else _NO_TOKEN]

    def __str__(self) -> str:
        return "\n    ".join(self.lines())

    def document(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "fault": None if self.fault is None else repr(self.fault),
            "system": self.system,
            "about": self.about,
            "struck": self.struck,
            "findings": [{"verdict": each.verdict.name, "what": each.what} for each in self.findings],
            "came": list(self.came),
            "refused": self.refused or None,
            "token": self.token,
        }


@frozen
class SingleFaults:
    """What became of a scenario under each single fault: iterate over it, print it, or `check()` it.

    `usual` the run without a fault more than the scenario has, `happening` the calls, steps and messages in
    it, `runs` one for each fault.
    """

    name: str
    usual: SingleFault
    happening: Happening = field(repr=False)
    runs: tuple[SingleFault, ...] = field(repr=False)

    def __iter__(self) -> Iterator[SingleFault]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, index: int) -> SingleFault:
        return self.runs[index]

    @property
    def bad(self) -> tuple[SingleFault, ...]:
        """Give those with which something is wrong, the run without a fault first."""
        return tuple(each for each in (self.usual, *self.runs) if not each.ok)

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong with any of them."""
        return not self.bad

    def with_verdict(self, verdict: Verdict) -> tuple[SingleFault, ...]:
        """Give those of which something is wrong in one way."""
        return tuple(each for each in self.bad if any(found.verdict is verdict for found in each.findings))

    def check(self) -> SingleFaults:
        """Give itself back. AssertionError: tells of all with which something is wrong."""
        if self.bad:
            raise AssertionError(str(self))
        return self

    def summary(self) -> str:
        """Write how much was tried, and in how many runs what was wrong."""
        happened = self.happening
        tried = (
            f"{self.name}: {len(happened.calls)} calls, {len(happened.steps)} steps of moves, "
            f"{len(happened.messages)} messages; {len(self.runs)} single faults"
        )
        wrong = Counter(verdict for each in self.bad for verdict in dict.fromkeys(f.verdict for f in each.findings))
        idle = sum(not each.struck for each in self.runs)
        told = [f"{wrong[verdict]} {verdict.value}" for verdict in Verdict if wrong[verdict]] or ["nothing is wrong"]
        return "\n".join([tried, *(f"  {line}" for line in told), *([f"  {idle} never struck"] if idle else [])])

    def __str__(self) -> str:
        return "\n".join([self.summary(), *map(str, self.bad)])
