"""Signals of the simulated systems: numbers and default actions, never the host's."""

from __future__ import annotations

from enum import Enum, IntEnum


class Action(Enum):
    """What a signal does to a process that neither catches nor ignores it."""

    TERMINATE = "terminate"
    IGNORE = "ignore"
    STOP = "stop"
    CONTINUE = "continue"


class Signal(IntEnum):
    """The signals that the simulator delivers, by their Linux numbers (i386 and x86-64).

    The last two are AIX's, by its numbers; elsewhere those are signals like any other. An IntEnum,
    since C passes them as plain ints. Sources: linux-signal, go-sys-aix.
    """

    SIGHUP = 1
    SIGINT = 2
    SIGQUIT = 3
    SIGILL = 4
    SIGTRAP = 5
    SIGABRT = 6
    SIGBUS = 7
    SIGFPE = 8
    SIGKILL = 9
    SIGUSR1 = 10
    SIGSEGV = 11
    SIGUSR2 = 12
    SIGPIPE = 13
    SIGALRM = 14
    SIGTERM = 15
    SIGCHLD = 17
    SIGCONT = 18
    SIGSTOP = 19
    SIGTSTP = 20
    SIGTTIN = 21
    SIGTTOU = 22
    SIGURG = 23
    SIGWINCH = 28
    SIGRECONFIG = 58
    SIGCPUFAIL = 59

    @property
    def default(self) -> Action:
        """Tell what it does by default."""
        return _DEFAULTS.get(self, Action.TERMINATE)

    def number(self, system: str = "linux") -> int:
        """Give the number that `system` ("linux" or "aix") has for this signal. ValueError: it has none.

        Programs name a signal by its Linux number on all of them.
        """
        if system not in ("linux", "aix"):
            raise ValueError(f"system: expected one of linux, aix, got {system!r}")
        if system == "aix":
            return _ON_AIX.get(self, int(self))
        if self in OF_AIX:
            raise ValueError(f"{self.name}: linux has no such signal")
        return int(self)


_DEFAULTS = {
    Signal.SIGCHLD: Action.IGNORE,
    Signal.SIGURG: Action.IGNORE,
    Signal.SIGWINCH: Action.IGNORE,
    Signal.SIGRECONFIG: Action.IGNORE,
    Signal.SIGCPUFAIL: Action.IGNORE,
    Signal.SIGCONT: Action.CONTINUE,
    Signal.SIGSTOP: Action.STOP,
    Signal.SIGTSTP: Action.STOP,
    Signal.SIGTTIN: Action.STOP,
    Signal.SIGTTOU: Action.STOP,
}

# Where AIX has another number. Source: go-sys-aix.
_ON_AIX = {
    Signal.SIGBUS: 10,
    Signal.SIGUSR1: 30,
    Signal.SIGUSR2: 31,
    Signal.SIGCHLD: 20,
    Signal.SIGCONT: 19,
    Signal.SIGSTOP: 17,
    Signal.SIGTSTP: 18,
    Signal.SIGURG: 16,
}

# The two that no process can catch, block or ignore.
UNCATCHABLE = frozenset({Signal.SIGKILL, Signal.SIGSTOP})

# Those that AIX alone has.
OF_AIX = frozenset({Signal.SIGRECONFIG, Signal.SIGCPUFAIL})

LAST = 64

# By their numbers: looking a member up in an Enum is slow, and every signal that is sent asks.
_ALL = {int(each): each for each in Signal}
_OF_LINUX = {number: each for number, each in _ALL.items() if each not in OF_AIX}


def known(signum: int, system: str = "linux") -> Signal | None:
    """Give the signal that a number stands for on a system, None if it is one without a name here."""
    return (_ALL if system == "aix" else _OF_LINUX).get(signum)


def name(signum: int, system: str = "linux") -> str:
    """Name a signal number, as in "SIGKILL"; "signal 40" for one without a name here."""
    found = known(signum, system)
    return f"signal {signum}" if found is None else found.name
