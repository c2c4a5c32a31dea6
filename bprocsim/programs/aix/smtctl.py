"""smtctl: how many hardware threads of each core are online, now and after the next boot.

What is to hold after the next boot is kept in a file, for no partition boots twice here.
"""

from __future__ import annotations

from attrs import frozen

from bprocsim.aix.commandfiles import BOOT_FILE, BOOT_RECORD
from bprocsim.errnos import Errno
from bprocsim.faces.aix import AixProc
from bprocsim.faces.errors import CallError
from bprocsim.posix.openfile import O_WRONLY
from bprocsim.programs.aix.command import Command, Misused, Refused, Steps, number, options_of, tried
from bprocsim.programs.aix.system import Cores, cores
from bprocsim.programs.files import contents

NOT_CAPABLE = "This system is not SMT capable."
_MODES = ("off", "on", "suspend", "limit", "recommended")
# Those that come into force with the next boot only.
_AT_BOOT = ("suspend", "limit")


@frozen
class Wish:
    """What the flags ask for: a width, and whether it is for now, for the next boot, or for both.

    `boot_mode` how the report tells of the boot.
    """

    width: int
    boot_mode: str
    now: bool
    boot: bool


# ---- the report ----------------------------------------------------------------------------------


def _boot_mode(proc: AixProc) -> Steps:
    """Read what is to hold after the next boot; gives "" if nothing was ever set."""
    try:
        data = yield from contents(proc, BOOT_FILE)
    except CallError:
        return ""
    return data.decode("ascii", "replace").strip()


def _report(found: Cores, boot_mode: str) -> list[str]:
    """Write what there is. Source: aix-smtctl-output."""
    if found.threads == 1:
        return [NOT_CAPABLE]
    by_core = [(next(iter(core)), found.bind_ids(core)) for core in found.cores]
    enabled = any(len(bind_ids) > 1 for _, bind_ids in by_core)
    lines = [
        "This system is SMT capable.",
        f"This system supports up to {found.threads} SMT threads per processor.",
        f"SMT is currently {'enabled' if enabled else 'disabled'}.",
        f"SMT boot mode is set to {boot_mode}." if boot_mode else "SMT boot mode is not set.",
    ]
    if enabled:
        lines.append("SMT threads are bound to the same physical processor.")
    for name, bind_ids in by_core:
        lines += ["", f"proc{name} has {len(bind_ids)} SMT threads."]
        lines += [f"Bind processor {bind_id} is bound with proc{name}" for bind_id in bind_ids]
    return lines


# ---- the change ----------------------------------------------------------------------------------


def _wish(given: dict[str, str], most: int) -> Wish:
    """Make out what is asked for. Misused, Refused: that is nothing, or more than there is."""
    mode, when, width = given.get("-m"), given.get("-w"), given.get("-t")
    if mode is None and width is None:
        raise Misused
    if mode is not None and mode not in _MODES:
        raise Misused(f"{mode}: expected one of {', '.join(_MODES)}")
    if when is not None and when not in ("boot", "now"):
        raise Misused(f"{when}: expected boot or now")
    if (width is not None and mode not in (None, "limit")) or (mode in _AT_BOOT and when == "now"):
        raise Misused
    if most == 1:
        raise Refused(NOT_CAPABLE)
    threads = most if mode in ("on", "recommended") else 1
    if mode == "limit" or width is not None:
        threads = most if width is None else number(width, "a number of hardware threads")
    if threads not in (1, 2, 4, 8) or threads > most:
        raise Refused(f"{width}: {Errno.EINVAL.message}")
    if mode in _AT_BOOT:
        shown = "suspended" if mode == "suspend" else f"limited to {threads} SMT threads"
        return Wish(threads, shown, False, True)
    shown = "recommended" if mode == "recommended" else "enabled" if threads > 1 else "disabled"
    return Wish(threads, shown, when != "boot", when != "now")


def _recorded(proc: AixProc, boot_mode: str) -> Steps:
    """Record what is to hold after the next boot; gives a descriptor with which to put back, and what. Refused."""
    old = yield from tried(contents(proc, BOOT_FILE), BOOT_FILE)
    back = yield from tried(proc.open(BOOT_FILE, O_WRONLY), BOOT_FILE)
    fd = yield from tried(proc.open(BOOT_FILE, O_WRONLY), BOOT_FILE)
    yield from tried(proc.write(fd, boot_mode.encode("ascii").ljust(len(BOOT_RECORD) - 1) + b"\n"), BOOT_FILE)
    return back, old


def _change(proc: AixProc, wish: Wish) -> Steps:
    """Do what is asked for: all of it, or nothing. Refused: why not."""
    if proc.euid != 0:
        raise Refused(Errno.EPERM.message)
    # The record of the boot comes first, and is put back if what is to be done now is refused.
    before = (yield from _recorded(proc, wish.boot_mode)) if wish.boot else None
    if wish.now:
        try:
            yield from proc.smtctl(wish.width)
        except CallError as error:
            if before is not None:
                yield from proc.write(before[0], before[1])
            raise Refused(f"{wish.width} SMT threads: {error.error.message}") from None
    if not wish.now:
        return f"smtctl: SMT boot mode is now set to {wish.boot_mode}; run bosboot before the next reboot."
    done = f"smtctl: SMT is now {'enabled' if wish.width > 1 else 'disabled'}."
    later = " It will persist across reboots if you run the bosboot command before the next reboot."
    return done + later if wish.boot else done


def _smtctl(proc: AixProc, words: list[str]) -> Steps:
    flags, rest = options_of(words, "m:t:w:")
    if rest:
        raise Misused
    found = yield from cores(proc)
    if not flags:
        yield from proc.print("\n".join(_report(found, (yield from _boot_mode(proc)))))
        return
    yield from proc.print((yield from _change(proc, _wish(dict(flags), found.threads))))


# Source: aix-smtctl.
smtctl = Command(
    "smtctl",
    (
        "smtctl [-m off | on [-w boot | now]]",
        "smtctl [-t #SMT [-w boot | now]]",
        "smtctl [-m suspend [-w boot]]",
        "smtctl [-m limit [-t #SMT] [-w boot]]",
        "smtctl [-m recommended [-w boot | now]]",
    ),
    _smtctl,
)
