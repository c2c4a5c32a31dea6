"""What stands in for Windows where there is none: everything imports, and a launch and the demo run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # many worlds, or interpreters of their own

TOP = Path(__file__).resolve().parents[2]

IMPORT_ALL = """
import importlib, pkgutil
import bprocsim
for found in pkgutil.walk_packages(bprocsim.__path__, "bprocsim."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
for name in dir(bprocsim):
    getattr(bprocsim, name)
"""
LAUNCH = """
from tests.bproc.worlds import HELLO, cluster
made = cluster()
out = made.bproc_execmove_io(2, 4000, HELLO, ["hello"], {})
print(out.exit_status, out.text, out.stderr.decode(), end="")
assert len(made.trace.text()) > 1000 and made.trace.digest()
print(made.bproc_execmove(2, "/no/such").explain().splitlines()[0])
"""
DEMO = """
from bprocsim.cli import main
for arguments in (["demo"], ["errors", "bproc_execmove"], ["explain", "bproc_execmove", "ENOEXEC"]):
    status = main(arguments)
    assert not status, (arguments, status)
"""


def run(code: str) -> subprocess.CompletedProcess[bytes]:
    """Run code in a Python that does as on Windows, and complains of every encoding that is left to the host."""
    environment = {**os.environ, "PYTHONPATH": str(TOP), "PYTHONIOENCODING": "cp1252", "COLUMNS": "100"}
    environment.pop("PYTHONUTF8", None)
    begin = """
import warnings
warnings.filterwarnings("error", category=EncodingWarning, module="(bprocsim|tests|examples)[.]")
from tests.likewindows import install
install()
"""
    command = [sys.executable, "-X", "warn_default_encoding", "-W", "ignore::EncodingWarning", "-c", begin + code]
    return subprocess.run(command, cwd=TOP, env=environment, capture_output=True, check=False)


@pytest.mark.parametrize("code", [IMPORT_ALL, LAUNCH, DEMO], ids=["import", "launch", "demo"])
def test_it_works_where_posix_is_missing(code: str) -> None:
    done = run(code)
    assert done.returncode == 0, done.stderr.decode("cp1252", "replace")
    assert done.stdout.decode("cp1252") or code is IMPORT_ALL
    assert done.stderr == b""


@pytest.mark.parametrize(
    "code",
    [
        "import bprocsim.units\nexec('import pwd', vars(bprocsim.units))",
        "import os\nos.fork()",
        "open('pyproject.toml')",
    ],
)
def test_the_stand_in_lacks_what_windows_lacks(code: str) -> None:
    done = run(code.replace("open(", "exec('open(\"pyproject.toml\")', {'__name__': 'tests.x'}) if True else open("))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith((b"ModuleNotFoundError", b"AttributeError", b"EncodingWarning"))


@pytest.mark.slow
def test_our_own_checks_can_be_run_so() -> None:
    """`pytest --like-windows` on a file of its own, and on what needs more than that."""
    command = [
        *(sys.executable, "-m", "pytest", "-q", "--like-windows", "-p", "no:cacheprovider", "-m", "not slow"),
        *("tests/bproc/test_libraries.py", "tests/bproc/test_two_phases.py"),
    ]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout
