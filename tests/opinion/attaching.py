"""Read from ra_exec, execrset and exec: what a program that attaches itself and execs may come to.

No page says in which order the attachment is judged. The interface does: rstype, flags, enhanced affinity, address,
privilege, what there is to attach to, exclusive use, the ST set, bindings, the partition set; then exec.
"""

from __future__ import annotations

import attrs

from tests.opinion.execs import Refused
from tests.opinion.lpars import R_RSET, R_SRADID, STRSET, SYSTEM, Attach, Handle, Partition
from tests.opinion.worlds import NOWHERE

P_FORMS = ("lp", "vp")
LEVELS = ("5.2", "5.3", "6.1", "6.1.5", "7.1", "7.2", "7.3")
EVERY_ID = "every id"


@attrs.frozen
class Attached:
    """The new image runs, with this effective set (or every id there is) and home."""

    ids: frozenset[int] | str
    srad: int | None = None


@attrs.frozen
class ShellRan:
    """The shell was given the file, and ends as it likes."""


Result = Refused | Attached | ShellRan


def results(partition: Partition, call: Attach) -> set[Result]:
    """All that the call may come to here."""
    refused = refuse_attachment(partition, call.rstype, call.rsid, call.flags)
    if refused is not None:
        return {Refused(refused)}
    errnos = refuse_exec(call, mighty=partition.who.euid == SYSTEM)
    if errnos:
        return {Refused(errno) for errno in errnos}
    if call.image in SHELLS:
        return {ShellRan()}
    return {attachment(partition, call)}


def refuse_attachment(partition: Partition, rstype: int, rsid: object, flags: int) -> str | None:
    """Why the attachment is refused."""
    since_srads = LEVELS.index(partition.level) >= LEVELS.index("6.1.5")
    if rstype not in ((R_RSET, R_SRADID) if since_srads else (R_RSET,)):
        return "EINVAL"
    lawful = STRSET if rstype == R_RSET and partition.level != "5.2" else 0
    if flags & ~lawful:
        return "EINVAL"
    if rstype == R_SRADID:
        return _refuse_srad(partition, rsid)
    if not isinstance(rsid, Handle) or rsid.freed:
        return "EFAULT"
    if not partition.privileged:
        return "EPERM"
    there = rsid.ids & partition.online
    if not there:
        return "ENODEV"
    if flags:
        if there - partition.not_general:
            return "EINVAL"
        if not st_set(partition, rsid.ids):
            return "ENODEV"
    if partition.bound:
        return "EPERM"
    if partition.bounds is not None and rsid.ids - partition.bounds:
        return "EPERM"
    return None


def _refuse_srad(partition: Partition, rsid: object) -> str | None:
    if not partition.affinity:
        return "ENOTSUP"
    if not partition.privileged:
        return "EPERM"
    if not isinstance(rsid, int) or not 0 <= rsid < partition.srads:
        return "ENODEV"
    return "EPERM" if partition.bound else None


def st_set(partition: Partition, ids: frozenset[int]) -> frozenset[int]:
    """One hardware thread, the lowest, of every core all of whose threads that are on are in the set."""
    chosen = set()
    for core in range(partition.cores):
        on = {cpu for cpu in partition.online if cpu // partition.smt == core}
        if on and on <= ids:
            chosen.add(min(on))
    return frozenset(chosen)


# What exec itself says of images, where they are not sound: on the way to the file, and of the file.
ON_THE_WAY = {
    "absent": "ENOENT", "empty": "ENOENT", "in file": "ENOTDIR", "too long": "ENAMETOOLONG",
    "long name": "ENAMETOOLONG", "not in PATH": "ENOENT", "loop": "ELOOP", "dangling": "ENOENT",
}  # fmt: skip
OF_THE_FILE = {
    "forbidden": "EACCES", "directory": "EACCES", "fifo": "EACCES", "written": "ETXTBSY", "noexec": "EACCES",
    "script of none": "ENOENT", "script of forbidden": "EACCES", "script of written": "ETXTBSY",
}  # fmt: skip
# Without a magic number: refused, but by the p forms given to the shell.
SHELLS = ("text", "no bytes", "elf")


def refuse_exec(call: Attach, *, mighty: bool) -> list[str]:
    """Why exec refuses the image; more than one where no order is promised."""
    errnos = [ON_THE_WAY[call.image]] if call.image in ON_THE_WAY else []
    if call.image == "closed" and not mighty:
        errnos = ["EACCES"]
    if not errnos and call.image in OF_THE_FILE:
        errnos.append(OF_THE_FILE[call.image])
    if call.image in SHELLS and call.form not in P_FORMS:
        errnos.append("ENOEXEC")
    if call.image == "many strings":
        errnos.append("E2BIG")
    bad = call.argv is NOWHERE or call.argv is None or NOWHERE in call.argv
    if bad and call.form in ("v", "ve", "vp", "t"):
        errnos.append("EFAULT")
    return errnos


def attachment(partition: Partition, call: Attach) -> Attached:
    """What the new image is attached to; a home changes no set."""
    bounds: frozenset[int] | str = EVERY_ID if partition.bounds is None else partition.bounds
    before = bounds if partition.attached is None else partition.attached
    if call.rstype == R_SRADID:
        assert isinstance(call.rsid, int)
        return Attached(before, call.rsid)
    assert isinstance(call.rsid, Handle)
    return Attached(st_set(partition, call.rsid.ids) if call.flags else call.rsid.ids)
