"""The public names: exactly these, each documented, and fetched without any of the extras.

Taking a name away, or letting it mean something else, breaks users' programs; the README says what
else does. Adding one means adding it here.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

import bprocsim

PINNED = """
    ARCHES Address AixProc AixSession Arch
    BAD_ADDRESS BE_BASE BE_INVALIDNODE BE_INVALIDPROC BE_NODEDOWN BE_SAMENODE BE_SLAVEDIED BINDPROCESS BINDTHREAD
    BPROC_API_VERSION BPROC_DUMP_ALL BPROC_DUMP_EXEC BPROC_DUMP_LIBS BPROC_DUMP_OTHER
    BPROC_IO_DELAY BPROC_IO_FILE BPROC_IO_MAX_LEN BPROC_IO_MEMFILE BPROC_IO_SEND_INFO BPROC_IO_SOCKET
    BPROC_NODE_ANY BPROC_NODE_MASTER BPROC_NODE_NONE BPROC_NODE_SELF BPROC_STATUS_NONE BPROC_X_OK
    BprocAddress BprocIo BprocNodeInfo BprocNodeSet BprocProc BprocProcInfo BprocSession BprocVersion
    Call CallError CallFails Cluster ConnectRefused CoreFails Costs Credentials
    Deadlock
    Edition ElfImage Errno ExecProfile
    F_OK ForgottenYieldFrom
    Hang
    IoError
    Level LibraryMissing LinkCut Loss Lpar
    MasterDaemonExit MemoryFull Model
    NodeSpec NodeUpFails
    O_APPEND O_CLOEXEC O_CREAT O_DIRECTORY O_EXCL O_RDONLY O_RDWR O_TRUNC O_WRONLY OpenFileLimit Outcome
    PROCESSOR_CLASS_ANY P_BALANCED P_DEFAULT P_FIRST_TOUCH PowerOff PowerOn Proc ProcessHandle Program
    RSET_NAME_SIZE RS_ADDRESOURCE RS_ALL RS_CONTAINING_RAD RS_COPY RS_DEFAULT RS_DEFAULT_RSET RS_DEFINE RS_DELRESOURCE
    RS_EFFECTIVE_RSET
    RS_EMPTY RS_EXCLUSION RS_FIRST RS_GROUP RS_INTERSECTION RS_IRGRP RS_IROTH RS_IRUSR RS_ISCONTAINED RS_ISEMPTY
    RS_ISEQUAL RS_IWGRP RS_IWOTH RS_IWUSR RS_MYSELF RS_NEXT RS_NEXT_WRAP RS_NON_EXCLUSIVE RS_OWNER RS_PARTITION
    RS_PARTITION_RSET RS_PERM RS_REDEFINE
    RS_SRADID_LOADAVG RS_SRADID_USABLE_LOADAVG RS_STSET RS_SYSTEM RS_TESTRESOURCE RS_THREAD_PARTITION_RSET
    RS_THREAD_RSET RS_UNION R_ALL_RESOURCES R_ATTACH_STRSET R_DETACH_ALLTHRDS R_FILDES R_L2CSDL R_LGPGDEF
    R_LGPGFREE R_MAXMEMPS R_MAXPROCS R_MAXSDL R_MCMSDL R_MEMPS R_MEMP_MASK R_MEMSIZE R_MIGRATE_ASYNC R_NADA
    R_NUMMEMPS R_NUMPROCS R_OK R_PCORESDL R_PROCESS R_PROCMEM R_PROCS R_REF1SDL R_RSET R_SHM R_SHMATTCAP R_SMPSDL
    R_SRADID R_SRADSDL R_SUBRANGE R_THREAD RadInfo Replaced Rset RsetAttributes
    Runaway
    SIGABRT SIGALRM SIGBUS SIGCHLD SIGCONT SIGCPUFAIL SIGFPE SIGHUP SIGILL SIGINT SIGKILL SIGPIPE SIGQUIT
    SIGRECONFIG SIGSEGV SIGSTOP
    SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGWINCH SIG_BLOCK SIG_DFL SIG_IGN
    SIG_SETMASK SIG_UNBLOCK SRADID_ANY Segment Session SessionEnded Signal Simulation SlowLink Step
    Timeout
    Undocumented User
    WEXITSTATUS WIFEXITED WIFSIGNALED WIFSTOPPED WNOHANG WTERMSIG WUNTRACED W_OK Waited
    X_OK XcoffImage
    __version__
    bproc_node_boot bproc_node_down bproc_node_error bproc_node_halt bproc_node_pwroff bproc_node_reboot
    bproc_node_unavailable bproc_node_up
    costs
    editions
    kernels
    levels
    models
    program
"""
NAMES = PINNED.split()

# The rooms that users name in an import of their own.
ROOMS = ("bprocsim.faults", "bprocsim.testing", "bprocsim.units")

# What an extra brings, and what the core has no use for: none of it may be fetched along.
EXTRAS = (
    "_pytest", "cattrs", "dask", "distributed", "hypothesis", "matplotlib", "numpy", "prompt_toolkit", "pytest",
    "rich", "rich_argparse", "shtab", "tomlkit", "tomllib",
)  # fmt: skip


def in_a_fresh_python(code: str) -> Any:
    """What an expression about a fresh interpreter gives, as JSON brings it here."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    return json.loads(done.stdout)


def test_the_public_names_are_these() -> None:
    assert sorted(NAMES) == NAMES, "in the order of sorted()"
    assert sorted(bprocsim.__all__) == NAMES


def test_bprocs_constants_are_what_its_header_has() -> None:
    """Source: bproc-common."""
    codes = [bprocsim.BE_INVALIDNODE, bprocsim.BE_NODEDOWN, bprocsim.BE_SAMENODE, bprocsim.BE_SLAVEDIED]
    assert [bprocsim.BE_BASE, *codes, bprocsim.BE_INVALIDPROC] == [300, 300, 301, 302, 303, 304]
    assert (bprocsim.BPROC_STATUS_NONE, bprocsim.BPROC_API_VERSION) == (-2, 4)


def test_dir_shows_the_public_names_and_nothing_else() -> None:
    """Apart from Python's own dunders, and rooms that somebody has imported."""
    shown = in_a_fresh_python("import bprocsim, json; print(json.dumps(dir(bprocsim)))")
    assert [name for name in shown if not name.startswith("_")] == [name for name in NAMES if not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_documented(name: str) -> None:
    """A class or a function has a docstring; anything else is a constant that speaks for itself."""
    thing = getattr(bprocsim, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert (inspect.getdoc(thing) or "").strip()
        assert thing.__doc__ != thing.__mro__[1].__doc__ if inspect.isclass(thing) else True
    else:
        handles = ("BAD_ADDRESS", "RS_DEFAULT", "SIG_DFL", "SIG_IGN")
        assert isinstance(thing, int | str | Mapping) or name in handles, thing


@pytest.mark.parametrize("name", ["editions", "kernels", "costs", "levels", "models", "ARCHES"])
def test_the_records_stand_under_their_own_names(name: str) -> None:
    records = getattr(bprocsim, name)
    assert records
    assert {key: record.name for key, record in records.items()} == {key: key for key in records}


def test_a_name_that_is_not_there_is_told_as_python_does() -> None:
    with pytest.raises(AttributeError, match="'bprocsim' has no attribute 'bproc_execmoev'"):
        _ = bprocsim.bproc_execmoev


def test_a_star_import_gives_the_public_names() -> None:
    names: dict[str, Any] = {}
    exec("from bprocsim import *", names)
    assert sorted(set(names) - {"__builtins__"}) == NAMES


@pytest.mark.parametrize("room", ROOMS)
def test_a_public_room_can_be_imported_by_itself(room: str) -> None:
    """Alone and first, so that no room leans on what another import has fetched."""
    assert in_a_fresh_python(f"import {room}, json; print(json.dumps({room}.__doc__))")


@pytest.mark.parametrize("room", ROOMS)
def test_a_public_room_stands_in_the_package(room: str) -> None:
    """So a line that the kit prints, such as bp.testing.Case(...), needs no import but `import bprocsim as bp`."""
    name = room.partition(".")[2]
    assert in_a_fresh_python(f"import bprocsim as bp, json; print(json.dumps(bp.{name}.__name__))") == room


def test_dir_of_the_testing_kit_shows_its_public_names() -> None:
    code = "import bprocsim.testing as kit, json; print(json.dumps([dir(kit), kit.__all__]))"
    shown, names = in_a_fresh_python(code)
    assert [name for name in shown if not name.startswith("_")] == sorted(names)


@pytest.mark.parametrize("code", [
    "from bprocsim.testing import strategies", "import bprocsim.testing as kit; kit.strategies",
    "from bprocsim.testing import ClusterMachine", "from bprocsim.testing import LparMachine",
])  # fmt: skip
def test_what_needs_hypothesis_says_how_to_get_it(code: str) -> None:
    without = "import sys; sys.modules['hypothesis'] = None\n"
    done = subprocess.run([sys.executable, "-c", without + code], capture_output=True, encoding="utf-8", check=False)
    last = done.stderr.splitlines()[-1]
    assert "needs hypothesis, which is not installed: pip install 'bprocsim[testing]'" in last


def test_importing_fetches_no_extra() -> None:
    loaded = in_a_fresh_python("import bprocsim, json, sys; print(json.dumps(sorted(sys.modules)))")
    assert sorted(set(loaded) & set(EXTRAS)) == []


def test_a_whole_run_fetches_no_extra() -> None:
    """Every public name, one program that runs elsewhere, one call that is refused and explained."""
    loaded = in_a_fresh_python("""
import json, sys
import bprocsim as bp

def hello(proc):
    yield from proc.write(1, b"hello")

[getattr(bp, name) for name in bp.__all__]
cluster = bp.Cluster(nodes=2, trace="all", faults=[bp.PowerOff(node=1)])
cluster.install("/bin/hello", hello)
assert cluster.bproc_execmove(0, "/bin/hello").text == "hello"
assert "ENOENT" in cluster.bproc_execmove(0, "/bin/absent").explain()
assert cluster.bproc_execmove(1, "/bin/hello").cause == "node_down"
cluster.trace.digest()
print(json.dumps(sorted(sys.modules)))
""")
    assert "simpy" in loaded
    assert sorted(set(loaded) & set(EXTRAS)) == []
