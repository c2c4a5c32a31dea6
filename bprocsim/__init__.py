"""bprocsim: a simulator of a BProc cluster and of AIX resource sets, in which calls run, and fail as documented.

Each public name is fetched from its room when it is first used: importing everything would cost a
fresh interpreter more than its first answer.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Not late: once anything had imported the room of that name, the room would stand in its place.
from bprocsim.costs import PRESETS as costs
from bprocsim.signals import Signal

if TYPE_CHECKING:
    from bprocsim.aix.constants import (
        BINDPROCESS,
        BINDTHREAD,
        P_BALANCED,
        P_DEFAULT,
        P_FIRST_TOUCH,
        PROCESSOR_CLASS_ANY,
        R_ALL_RESOURCES,
        R_ATTACH_STRSET,
        R_DETACH_ALLTHRDS,
        R_FILDES,
        R_L2CSDL,
        R_LGPGDEF,
        R_LGPGFREE,
        R_MAXMEMPS,
        R_MAXPROCS,
        R_MAXSDL,
        R_MCMSDL,
        R_MEMP_MASK,
        R_MEMPS,
        R_MEMSIZE,
        R_MIGRATE_ASYNC,
        R_NADA,
        R_NUMMEMPS,
        R_NUMPROCS,
        R_PCORESDL,
        R_PROCESS,
        R_PROCMEM,
        R_PROCS,
        R_REF1SDL,
        R_RSET,
        R_SHM,
        R_SHMATTCAP,
        R_SMPSDL,
        R_SRADID,
        R_SRADSDL,
        R_SUBRANGE,
        R_THREAD,
        RS_ADDRESOURCE,
        RS_ALL,
        RS_CONTAINING_RAD,
        RS_COPY,
        RS_DEFAULT_RSET,
        RS_DEFINE,
        RS_DELRESOURCE,
        RS_EFFECTIVE_RSET,
        RS_EMPTY,
        RS_EXCLUSION,
        RS_FIRST,
        RS_GROUP,
        RS_INTERSECTION,
        RS_IRGRP,
        RS_IROTH,
        RS_IRUSR,
        RS_ISCONTAINED,
        RS_ISEMPTY,
        RS_ISEQUAL,
        RS_IWGRP,
        RS_IWOTH,
        RS_IWUSR,
        RS_MYSELF,
        RS_NEXT,
        RS_NEXT_WRAP,
        RS_NON_EXCLUSIVE,
        RS_OWNER,
        RS_PARTITION,
        RS_PARTITION_RSET,
        RS_PERM,
        RS_REDEFINE,
        RS_SRADID_LOADAVG,
        RS_SRADID_USABLE_LOADAVG,
        RS_STSET,
        RS_SYSTEM,
        RS_TESTRESOURCE,
        RS_THREAD_PARTITION_RSET,
        RS_THREAD_RSET,
        RS_UNION,
        RSET_NAME_SIZE,
        SRADID_ANY,
    )
    from bprocsim.aix.levels import LEVELS as levels
    from bprocsim.aix.levels import Level
    from bprocsim.aix.models import MODELS as models
    from bprocsim.aix.models import Model
    from bprocsim.aix.records import RadInfo, RsetAttributes
    from bprocsim.aix.rset import RS_DEFAULT, Rset
    from bprocsim.aix.xcoffbuild import XcoffImage
    from bprocsim.bproc.editions import EDITIONS as editions
    from bprocsim.bproc.editions import Edition
    from bprocsim.bproc.nodes import NODE_ANY as BPROC_NODE_ANY
    from bprocsim.bproc.nodes import NODE_MASTER as BPROC_NODE_MASTER
    from bprocsim.bproc.nodes import NODE_NONE as BPROC_NODE_NONE
    from bprocsim.bproc.nodes import NODE_SELF as BPROC_NODE_SELF
    from bprocsim.bproc.nodes import STATUS_NONE as BPROC_STATUS_NONE
    from bprocsim.bproc.nodes import (
        bproc_node_boot,
        bproc_node_down,
        bproc_node_error,
        bproc_node_halt,
        bproc_node_pwroff,
        bproc_node_reboot,
        bproc_node_unavailable,
        bproc_node_up,
    )
    from bprocsim.bproc.records import API_VERSION as BPROC_API_VERSION
    from bprocsim.bproc.records import BprocAddress, BprocNodeInfo, BprocNodeSet, BprocProcInfo, BprocVersion
    from bprocsim.bproc.rights import X_OK as BPROC_X_OK
    from bprocsim.bproc.steps import Step
    from bprocsim.bproc.vmadump import DUMP_ALL as BPROC_DUMP_ALL
    from bprocsim.bproc.vmadump import DUMP_EXEC as BPROC_DUMP_EXEC
    from bprocsim.bproc.vmadump import DUMP_LIBS as BPROC_DUMP_LIBS
    from bprocsim.bproc.vmadump import DUMP_OTHER as BPROC_DUMP_OTHER
    from bprocsim.costs import Costs
    from bprocsim.errnos import BE_BASE, BE_INVALIDNODE, BE_INVALIDPROC, BE_NODEDOWN, BE_SAMENODE, BE_SLAVEDIED, Errno
    from bprocsim.faces.aix import AixProc
    from bprocsim.faces.bproc import BprocProc
    from bprocsim.faces.control import ForgottenYieldFrom, Undocumented
    from bprocsim.faces.errors import CallError
    from bprocsim.faces.iolists import IO_DELAY as BPROC_IO_DELAY
    from bprocsim.faces.iolists import IO_FILE as BPROC_IO_FILE
    from bprocsim.faces.iolists import IO_MAX_LEN as BPROC_IO_MAX_LEN
    from bprocsim.faces.iolists import IO_MEMFILE as BPROC_IO_MEMFILE
    from bprocsim.faces.iolists import IO_SEND_INFO as BPROC_IO_SEND_INFO
    from bprocsim.faces.iolists import IO_SOCKET as BPROC_IO_SOCKET
    from bprocsim.faces.iolists import BprocIo
    from bprocsim.faces.pointers import BAD_ADDRESS
    from bprocsim.faces.pyos import Proc
    from bprocsim.faults import (
        CallFails,
        ConnectRefused,
        CoreFails,
        Hang,
        IoError,
        LibraryMissing,
        LinkCut,
        Loss,
        MasterDaemonExit,
        MemoryFull,
        NodeUpFails,
        OpenFileLimit,
        PowerOff,
        PowerOn,
        SlowLink,
    )
    from bprocsim.posix.arch import ARCHES, Arch
    from bprocsim.posix.credentials import Credentials
    from bprocsim.posix.elf import Segment
    from bprocsim.posix.elfbuild import ElfImage
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
    from bprocsim.posix.pathcalls import F_OK, R_OK, W_OK, X_OK
    from bprocsim.posix.profiles import PROFILES as kernels
    from bprocsim.posix.signaling import SIG_BLOCK, SIG_DFL, SIG_IGN, SIG_SETMASK, SIG_UNBLOCK
    from bprocsim.world.aixsession import AixSession
    from bprocsim.world.bprocsession import BprocSession
    from bprocsim.world.call import Call
    from bprocsim.world.cluster import Cluster
    from bprocsim.world.handles import ProcessHandle
    from bprocsim.world.lpar import Lpar
    from bprocsim.world.outcome import Outcome
    from bprocsim.world.session import Replaced, Session, SessionEnded
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
SIGRECONFIG = Signal.SIGRECONFIG
SIGCPUFAIL = Signal.SIGCPUFAIL

# The room of each public name; "name" or "public=name in the room".
_ROOMS = {
    "aix.constants": "R_NADA R_PROCESS R_RSET R_SUBRANGE R_SHM R_FILDES R_THREAD R_SRADID R_PROCMEM RS_MYSELF "
    "SRADID_ANY RS_EMPTY RS_SYSTEM RS_ALL RS_PARTITION R_PROCS R_MEMPS R_ALL_RESOURCES RS_UNION RS_INTERSECTION "
    "RS_EXCLUSION RS_COPY RS_FIRST RS_NEXT RS_NEXT_WRAP RS_ISEMPTY RS_ISEQUAL RS_ISCONTAINED "
    "RS_TESTRESOURCE RS_ADDRESOURCE RS_DELRESOURCE RS_STSET R_NUMPROCS R_NUMMEMPS R_MEMSIZE R_MAXSDL "
    "R_SMPSDL R_MCMSDL R_MAXPROCS R_MAXMEMPS R_LGPGFREE R_LGPGDEF R_SHMATTCAP R_L2CSDL R_PCORESDL "
    "R_REF1SDL R_SRADSDL RS_EFFECTIVE_RSET RS_PARTITION_RSET RS_DEFAULT_RSET RS_THREAD_RSET "
    "RS_THREAD_PARTITION_RSET R_ATTACH_STRSET R_DETACH_ALLTHRDS R_MEMP_MASK P_DEFAULT P_FIRST_TOUCH "
    "P_BALANCED R_MIGRATE_ASYNC RS_NON_EXCLUSIVE RS_DEFINE RS_REDEFINE RS_OWNER RS_GROUP RS_PERM "
    "RSET_NAME_SIZE RS_IRUSR RS_IWUSR RS_IRGRP RS_IWGRP RS_IROTH RS_IWOTH BINDPROCESS BINDTHREAD "
    "PROCESSOR_CLASS_ANY RS_CONTAINING_RAD RS_SRADID_LOADAVG RS_SRADID_USABLE_LOADAVG",
    "aix.levels": "levels=LEVELS Level",
    "aix.models": "models=MODELS Model",
    "aix.records": "RadInfo RsetAttributes",
    "aix.rset": "RS_DEFAULT Rset",
    "aix.xcoffbuild": "XcoffImage",
    "bproc.editions": "editions=EDITIONS Edition",
    "bproc.nodes": "BPROC_NODE_ANY=NODE_ANY BPROC_NODE_MASTER=NODE_MASTER "
    "BPROC_NODE_NONE=NODE_NONE BPROC_NODE_SELF=NODE_SELF BPROC_STATUS_NONE=STATUS_NONE bproc_node_boot "
    "bproc_node_down bproc_node_error bproc_node_halt bproc_node_pwroff bproc_node_reboot bproc_node_unavailable "
    "bproc_node_up",
    "bproc.records": "BPROC_API_VERSION=API_VERSION BprocAddress BprocNodeInfo BprocNodeSet BprocProcInfo BprocVersion",
    "bproc.rights": "BPROC_X_OK=X_OK",
    "bproc.steps": "Step",
    "bproc.vmadump": "BPROC_DUMP_ALL=DUMP_ALL BPROC_DUMP_EXEC=DUMP_EXEC BPROC_DUMP_LIBS=DUMP_LIBS "
    "BPROC_DUMP_OTHER=DUMP_OTHER",
    "costs": "Costs",
    "errnos": "BE_BASE BE_INVALIDNODE BE_INVALIDPROC BE_NODEDOWN BE_SAMENODE BE_SLAVEDIED Errno",
    "faces.aix": "AixProc",
    "faces.bproc": "BprocProc",
    "faces.control": "ForgottenYieldFrom Undocumented",
    "faces.errors": "CallError",
    "faces.iolists": "BPROC_IO_DELAY=IO_DELAY BPROC_IO_FILE=IO_FILE BPROC_IO_MAX_LEN=IO_MAX_LEN "
    "BPROC_IO_MEMFILE=IO_MEMFILE BPROC_IO_SEND_INFO=IO_SEND_INFO BPROC_IO_SOCKET=IO_SOCKET BprocIo",
    "faces.pointers": "BAD_ADDRESS",
    "faces.pyos": "Proc",
    "faults": "CallFails ConnectRefused CoreFails Hang IoError LibraryMissing LinkCut Loss MasterDaemonExit MemoryFull "
    "NodeUpFails OpenFileLimit PowerOff PowerOn SlowLink",
    "posix.arch": "ARCHES Arch",
    "posix.credentials": "Credentials",
    "posix.elf": "Segment",
    "posix.elfbuild": "ElfImage",
    "posix.exec": "ExecProfile",
    "posix.image": "Program program",
    "posix.life": "WEXITSTATUS WIFEXITED WIFSIGNALED WIFSTOPPED WNOHANG WTERMSIG WUNTRACED Waited",
    "posix.network": "Address",
    "posix.pathcalls": "F_OK R_OK W_OK X_OK",
    "posix.openfile": "O_APPEND O_CLOEXEC O_CREAT O_DIRECTORY O_EXCL O_RDONLY O_RDWR O_TRUNC O_WRONLY",
    "posix.profiles": "kernels=PROFILES",
    "posix.signaling": "SIG_BLOCK SIG_DFL SIG_IGN SIG_SETMASK SIG_UNBLOCK",
    "world.aixsession": "AixSession",
    "world.bprocsession": "BprocSession",
    "world.call": "Call",
    "world.cluster": "Cluster",
    "world.handles": "ProcessHandle",
    "world.lpar": "Lpar",
    "world.outcome": "Outcome",
    "world.session": "Replaced Session SessionEnded",
    "world.simulation": "Deadlock Runaway Simulation Timeout",
    "world.specs": "NodeSpec User",
}
_HOMES = {
    word.partition("=")[0]: (room, word.partition("=")[2] or word)
    for room, words in _ROOMS.items()
    for word in words.split()
}


# Who is told of each public name when it is fetched: Hypothesis learns so of classes that it has strategies for,
# without fetching them itself whenever it is imported.
_told: list[Callable[[str, Any], None]] = []


# The rooms that have public names of their own: bp.testing.Case is what a recipe is written as.
_PUBLIC_ROOMS = frozenset({"faults", "testing", "units"})


def __getattr__(name: str) -> Any:
    """Fetch a public name from its room, or a public room, once."""
    if name in _PUBLIC_ROOMS:
        return import_module(f"bprocsim.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bprocsim' has no attribute {name!r}")
    room, known_as = home
    value = globals()[name] = getattr(import_module(f"bprocsim.{room}"), known_as)
    for tell in _told:
        tell(name, value)
    return value


def __dir__() -> list[str]:
    """List the public names, whether fetched or not, and Python's own."""
    return sorted({name for name in globals() if name.startswith("__")} | set(__all__))


__all__ = [
    "__version__",
    "Address",
    "AixProc",
    "AixSession",
    "Arch",
    "ARCHES",
    "BAD_ADDRESS",
    "BE_BASE",
    "BE_INVALIDNODE",
    "BE_INVALIDPROC",
    "BE_NODEDOWN",
    "BE_SAMENODE",
    "BE_SLAVEDIED",
    "BINDPROCESS",
    "BINDTHREAD",
    "BPROC_API_VERSION",
    "BPROC_DUMP_ALL",
    "BPROC_DUMP_EXEC",
    "BPROC_DUMP_LIBS",
    "BPROC_DUMP_OTHER",
    "BPROC_IO_DELAY",
    "BPROC_IO_FILE",
    "BPROC_IO_MAX_LEN",
    "BPROC_IO_MEMFILE",
    "BPROC_IO_SEND_INFO",
    "BPROC_IO_SOCKET",
    "BPROC_NODE_ANY",
    "BPROC_NODE_MASTER",
    "BPROC_NODE_NONE",
    "BPROC_NODE_SELF",
    "BPROC_STATUS_NONE",
    "BPROC_X_OK",
    "bproc_node_boot",
    "bproc_node_down",
    "bproc_node_error",
    "bproc_node_halt",
    "bproc_node_pwroff",
    "bproc_node_reboot",
    "bproc_node_unavailable",
    "bproc_node_up",
    "BprocAddress",
    "BprocIo",
    "BprocNodeInfo",
    "BprocNodeSet",
    "BprocProc",
    "BprocProcInfo",
    "BprocSession",
    "BprocVersion",
    "Call",
    "CallError",
    "CallFails",
    "Cluster",
    "ConnectRefused",
    "CoreFails",
    "Costs",
    "costs",
    "Credentials",
    "Deadlock",
    "Edition",
    "editions",
    "ElfImage",
    "Errno",
    "ExecProfile",
    "F_OK",
    "ForgottenYieldFrom",
    "Hang",
    "IoError",
    "kernels",
    "Level",
    "levels",
    "LibraryMissing",
    "LinkCut",
    "Loss",
    "Lpar",
    "MasterDaemonExit",
    "MemoryFull",
    "Model",
    "models",
    "NodeSpec",
    "NodeUpFails",
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
    "P_BALANCED",
    "P_DEFAULT",
    "P_FIRST_TOUCH",
    "PowerOff",
    "PowerOn",
    "Proc",
    "ProcessHandle",
    "PROCESSOR_CLASS_ANY",
    "Program",
    "program",
    "R_ALL_RESOURCES",
    "R_ATTACH_STRSET",
    "R_DETACH_ALLTHRDS",
    "R_FILDES",
    "R_L2CSDL",
    "R_LGPGDEF",
    "R_LGPGFREE",
    "R_MAXMEMPS",
    "R_MAXPROCS",
    "R_MAXSDL",
    "R_MCMSDL",
    "R_MEMP_MASK",
    "R_MEMPS",
    "R_MEMSIZE",
    "R_MIGRATE_ASYNC",
    "R_NADA",
    "R_NUMMEMPS",
    "R_NUMPROCS",
    "R_OK",
    "R_PCORESDL",
    "R_PROCESS",
    "R_PROCMEM",
    "R_PROCS",
    "R_REF1SDL",
    "R_RSET",
    "R_SHM",
    "R_SHMATTCAP",
    "R_SMPSDL",
    "R_SRADID",
    "R_SRADSDL",
    "R_SUBRANGE",
    "R_THREAD",
    "RadInfo",
    "Replaced",
    "RS_ADDRESOURCE",
    "RS_ALL",
    "RS_CONTAINING_RAD",
    "RS_COPY",
    "RS_DEFAULT",
    "RS_DEFAULT_RSET",
    "RS_DEFINE",
    "RS_DELRESOURCE",
    "RS_EFFECTIVE_RSET",
    "RS_EMPTY",
    "RS_EXCLUSION",
    "RS_FIRST",
    "RS_GROUP",
    "RS_INTERSECTION",
    "RS_IRGRP",
    "RS_IROTH",
    "RS_IRUSR",
    "RS_ISCONTAINED",
    "RS_ISEMPTY",
    "RS_ISEQUAL",
    "RS_IWGRP",
    "RS_IWOTH",
    "RS_IWUSR",
    "RS_MYSELF",
    "RS_NEXT",
    "RS_NEXT_WRAP",
    "RS_NON_EXCLUSIVE",
    "RS_OWNER",
    "RS_PARTITION",
    "RS_PARTITION_RSET",
    "RS_PERM",
    "RS_REDEFINE",
    "RS_SRADID_LOADAVG",
    "RS_SRADID_USABLE_LOADAVG",
    "RS_STSET",
    "RS_SYSTEM",
    "RS_TESTRESOURCE",
    "RS_THREAD_PARTITION_RSET",
    "RS_THREAD_RSET",
    "RS_UNION",
    "Rset",
    "RsetAttributes",
    "RSET_NAME_SIZE",
    "Runaway",
    "Segment",
    "Session",
    "SessionEnded",
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
    "SIGCPUFAIL",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGKILL",
    "Signal",
    "SIGPIPE",
    "SIGQUIT",
    "SIGRECONFIG",
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
    "SRADID_ANY",
    "Step",
    "Timeout",
    "Undocumented",
    "User",
    "W_OK",
    "Waited",
    "WEXITSTATUS",
    "WIFEXITED",
    "WIFSIGNALED",
    "WIFSTOPPED",
    "WNOHANG",
    "WTERMSIG",
    "WUNTRACED",
    "X_OK",
    "XcoffImage",
]
