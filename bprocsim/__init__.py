"""bprocsim: a simulator of a BProc cluster, in which calls run, and fail with the documented errno."""

from __future__ import annotations

from bprocsim.bproc.editions import EDITIONS as editions
from bprocsim.bproc.editions import Edition
from bprocsim.bproc.nodes import NODE_ANY as BPROC_NODE_ANY
from bprocsim.bproc.nodes import NODE_MASTER as BPROC_NODE_MASTER
from bprocsim.bproc.nodes import NODE_NONE as BPROC_NODE_NONE
from bprocsim.bproc.nodes import NODE_SELF as BPROC_NODE_SELF
from bprocsim.bproc.steps import Step
from bprocsim.costs import PRESETS as costs
from bprocsim.costs import Costs
from bprocsim.errnos import Errno
from bprocsim.faces.control import ForgottenYieldFromError as ForgottenYieldFrom
from bprocsim.faces.errors import CallError
from bprocsim.faces.pointers import BAD_ADDRESS
from bprocsim.faces.pyos import Proc
from bprocsim.faults import (
    ConnectRefused,
    Hang,
    IoError,
    LibraryMissing,
    LinkCut,
    Loss,
    MasterDaemonExit,
    MemoryFull,
    OpenFileLimit,
    PowerOff,
    SlowLink,
)
from bprocsim.posix.arch import ARCHES, Arch
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.elf import Segment
from bprocsim.posix.elfbuild import ElfImage
from bprocsim.posix.exec import PROFILES as kernels
from bprocsim.posix.exec import ExecProfile
from bprocsim.posix.image import Program, program
from bprocsim.posix.life import (
    WEXITSTATUS,
    WIFEXITED,
    WIFSIGNALED,
    WIFSTOPPED,
    WNOHANG,
    WTERMSIG,
    WUNTRACED,
    Waited,
)
from bprocsim.posix.network import Address
from bprocsim.posix.openfile import (
    O_APPEND,
    O_CLOEXEC,
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_RDONLY,
    O_RDWR,
    O_TRUNC,
    O_WRONLY,
)
from bprocsim.posix.signaling import SIG_BLOCK, SIG_DFL, SIG_IGN, SIG_SETMASK, SIG_UNBLOCK
from bprocsim.signals import Signal
from bprocsim.world.cluster import Cluster
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Deadlock, Runaway, Simulation, Timeout
from bprocsim.world.specs import NodeSpec, User

__version__ = "0.1.0"

# Signals under their own names, as in C. They are the simulated system's, never the host's.
SIGHUP = Signal.SIGHUP
SIGINT = Signal.SIGINT
SIGQUIT = Signal.SIGQUIT
SIGILL = Signal.SIGILL
SIGTRAP = Signal.SIGTRAP
SIGABRT = Signal.SIGABRT
SIGBUS = Signal.SIGBUS
SIGFPE = Signal.SIGFPE
SIGKILL = Signal.SIGKILL
SIGUSR1 = Signal.SIGUSR1
SIGSEGV = Signal.SIGSEGV
SIGUSR2 = Signal.SIGUSR2
SIGPIPE = Signal.SIGPIPE
SIGALRM = Signal.SIGALRM
SIGTERM = Signal.SIGTERM
SIGCHLD = Signal.SIGCHLD
SIGCONT = Signal.SIGCONT
SIGSTOP = Signal.SIGSTOP
SIGTSTP = Signal.SIGTSTP
SIGTTIN = Signal.SIGTTIN
SIGTTOU = Signal.SIGTTOU
SIGURG = Signal.SIGURG
SIGWINCH = Signal.SIGWINCH

__all__ = [
    "__version__",
    "Address",
    "Arch",
    "ARCHES",
    "BAD_ADDRESS",
    "BPROC_NODE_ANY",
    "BPROC_NODE_MASTER",
    "BPROC_NODE_NONE",
    "BPROC_NODE_SELF",
    "CallError",
    "Cluster",
    "ConnectRefused",
    "costs",
    "Costs",
    "Credentials",
    "Deadlock",
    "Edition",
    "editions",
    "ElfImage",
    "Errno",
    "ExecProfile",
    "ForgottenYieldFrom",
    "Hang",
    "IoError",
    "kernels",
    "LibraryMissing",
    "LinkCut",
    "Loss",
    "MasterDaemonExit",
    "MemoryFull",
    "NodeSpec",
    "O_APPEND",
    "O_CLOEXEC",
    "O_CREAT",
    "O_DIRECTORY",
    "O_EXCL",
    "O_RDONLY",
    "O_RDWR",
    "O_TRUNC",
    "O_WRONLY",
    "OpenFileLimit",
    "Outcome",
    "PowerOff",
    "Proc",
    "Program",
    "program",
    "Runaway",
    "Segment",
    "SIG_BLOCK",
    "SIG_DFL",
    "SIG_IGN",
    "SIG_SETMASK",
    "SIG_UNBLOCK",
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGKILL",
    "Signal",
    "SIGPIPE",
    "SIGQUIT",
    "SIGSEGV",
    "SIGSTOP",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGWINCH",
    "Simulation",
    "SlowLink",
    "Step",
    "Timeout",
    "User",
    "Waited",
    "WEXITSTATUS",
    "WIFEXITED",
    "WIFSIGNALED",
    "WIFSTOPPED",
    "WNOHANG",
    "WTERMSIG",
    "WUNTRACED",
]
