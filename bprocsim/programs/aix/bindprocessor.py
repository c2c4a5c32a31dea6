"""bindprocessor: threads of a process on one processor, and the processors that there are."""

from __future__ import annotations

from bprocsim.aix.constants import BINDPROCESS, PROCESSOR_CLASS_ANY
from bprocsim.errnos import Errno
from bprocsim.faces.aix import AixProc
from bprocsim.faces.errors import CallError
from bprocsim.programs.aix.command import Command, Misused, Refused, Steps, number, options_of, pid_of, tried
from bprocsim.programs.aix.system import cores


def _query(proc: AixProc, flag: str, text: str) -> Steps:
    """Write bind ids: all of them, those of one kind of hardware thread, or those of one core."""
    found = yield from cores(proc)
    if flag == "-q":
        chosen = list(range(len(found.online)))
    elif flag == "-s":
        place = number(text, "0 for primary hardware threads, 1 for secondary ones, ...")
        if place >= found.threads:
            raise Refused(f"{text}: {Errno.EINVAL.message}")
        of_place = {list(core)[place] for core in found.cores if len(core) > place}
        chosen = [bind_id for bind_id, processor in enumerate(found.online) if processor in of_place]
    else:
        bind_id = number(text, "a bind id")
        if bind_id >= len(found.online):
            raise Refused(f"{text}: {Errno.EINVAL.message}")
        chosen = found.bind_ids(next(core for core in found.cores if found.online[bind_id] in core))
    yield from proc.print("The available processors are:  " + " ".join(map(str, chosen)))


def _bind_somewhere(proc: AixProc, pid: int) -> Steps:
    """Bind a process to a processor that takes bound work, counting on from its pid. Refused: none does."""
    count = len((yield from cores(proc)).online)
    for place in range(count):
        try:
            yield from proc.bindprocessor(BINDPROCESS, pid, (pid + place) % count)
            return
        except CallError as error:
            if error.error is not Errno.EINVAL or place == count - 1:
                raise Refused(f"{pid}: {error.error.message}") from None
    raise Refused(f"{pid}: {Errno.EINVAL.message}")  # no processor is online


def _bindprocessor(proc: AixProc, words: list[str]) -> Steps:
    flags, rest = options_of(words, "qs:b:u:")
    if len(flags) > 1 or (flags and rest) or (not flags and not 1 <= len(rest) <= 2):
        raise Misused
    if not flags:
        pid = pid_of(rest[0])
        if len(rest) == 1:
            yield from _bind_somewhere(proc, pid)
        else:
            where = number(rest[1], "a bind id")
            yield from tried(proc.bindprocessor(BINDPROCESS, pid, where), " ".join(rest))
        return
    flag, text = flags[0]
    if flag == "-u":
        pid = pid_of(text)
        yield from tried(proc.bindprocessor(BINDPROCESS, pid, PROCESSOR_CLASS_ANY), pid)
    else:
        yield from _query(proc, flag, text)


# Source: aix-bindprocessor-command.
bindprocessor = Command(
    "bindprocessor",
    ("bindprocessor pid [bindid]", "bindprocessor -q", "bindprocessor -u pid", "bindprocessor -s SmtSetID",
     "bindprocessor -b bindid"),
    _bindprocessor,
)  # fmt: skip
