"""Same seed, same trace, byte for byte: in every process, under every hash seed, on every Python."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import attr
import attrs
import pytest
import simpy

import bprocsim as bp
from bprocsim.units import ms, s
from tests.bproc.replay import world

TOP = Path(__file__).resolve().parents[2]
SEED = 11
NEWEST = 20  # 3.20: further than anybody looks


def run(python: str, path: Path | str, hash_seed: str = "random", seed: int = SEED) -> str:
    """Let another Python run the world; give the digest that it prints."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        "PYTHONPATH": os.pathsep.join([str(TOP), str(path)]),
        "PYTHONHASHSEED": hash_seed,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [python, "-W", "error", "-m", "tests.bproc.replay", str(seed)]
    done = subprocess.run(command, cwd=TOP, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def needs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay copies of what the package needs, which is pure Python, where any Python can be told to look."""
    folder = tmp_path_factory.mktemp("needs")
    for module in (simpy, attr, attrs):
        assert module.__file__ is not None
        source = Path(module.__file__).parent
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@cache
def pythons() -> dict[str, str]:
    """Find other Pythons of this machine that the package runs on, by version."""
    wanted = {f"3.{minor}" for minor in range(11, NEWEST)} - {f"{sys.version_info[0]}.{sys.version_info[1]}"}
    places = [shutil.which(name) for version in sorted(wanted) for name in (f"python{version}", f"python{version}.exe")]
    roots = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"]
    for root in roots:
        if root.is_dir():
            places += [str(path) for version in sorted(root.iterdir()) for path in version.glob("bin/python3.*")]
    places += [line.split()[-1] for line in launcher_list()]
    found: dict[str, str] = {}
    for place in places:
        if place is not None and (version := version_of(place)) in wanted:
            found.setdefault(version, place)
    return found


def launcher_list() -> list[str]:
    """Ask Windows's launcher for the Pythons that it knows."""
    launcher = shutil.which("py")
    if launcher is None or platform.system() != "Windows":
        return []
    listed = subprocess.run([launcher, "-0p"], capture_output=True, text=True, check=False).stdout
    return [line for line in listed.splitlines() if "\\" in line]


def version_of(place: str) -> str:
    """Ask a Python for its version; "" if it is none, or is not CPython."""
    ask = "import sys; print(*sys.version_info[:2], sep='.'); sys.exit(sys.implementation.name != 'cpython')"
    try:
        done = subprocess.run([place, "-I", "-c", ask], capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def test_two_runs_have_one_digest_and_other_seeds_others() -> None:
    digests = [world(seed).trace.digest() for seed in (SEED, SEED, 12, 13, 14)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_the_trace_is_the_same_record_by_record() -> None:
    assert world(SEED).trace.jsonl() == world(SEED).trace.jsonl()


def test_looking_at_every_node_beforehand_changes_nothing() -> None:
    """Neither the order in which nodes come into being nor whether anybody has looked at them counts."""

    def touched(backwards: bool) -> str:
        class Touched(bp.Cluster):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                for node in sorted(range(len(self.nodes)), reverse=backwards):
                    handle = self.nodes[node]
                    assert handle.state in ("up", "down")
                    assert handle.processes == {}
                    assert handle.fs.read_file("/bin/sh")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bp, "Cluster", Touched)
            return str(world(SEED).trace.digest())

    assert touched(False) == touched(True) == world(SEED).trace.digest()


@pytest.mark.parametrize("hash_seed", ["0", "1", "4294967295"])
@pytest.mark.slow
def test_so_it_is_under_every_hash_seed(hash_seed: str, needs: Path) -> None:
    assert run(sys.executable, needs, hash_seed) == world(SEED).trace.digest()


@pytest.mark.slow
def test_so_it_is_on_every_python_of_this_machine(needs: Path) -> None:
    if not pythons():
        pytest.skip("there is one Python only that the package runs on")
    expected = world(SEED).trace.digest()
    assert {version: run(python, needs) for version, python in sorted(pythons().items())} == dict.fromkeys(
        sorted(pythons()), expected
    )


@pytest.mark.parametrize("edition", ["scyld", "bproc4"])
def test_who_dies_at_one_instant_dies_in_the_order_of_the_pids(edition: str) -> None:
    """Not in that of a set, which goes by addresses: with the daemon, and with a node."""

    def stays(proc: Any) -> Any:
        yield from proc.sleep(s)

    def program(proc: Any) -> Any:
        for child in range(12):
            yield from proc.bproc_rfork(child % 2, stays)
        yield from proc.pause()

    made = bp.Cluster(nodes=2, edition=edition, trace="all", faults=[bp.MasterDaemonExit(at_ns=500 * ms)])
    made.install("/usr/bin/program", program)
    made.popen(["program"])
    made.sim.run(until_ns=s)
    killed = [record.pid for record in made.trace.of_kind("killed")]
    assert len(killed) == 12
    assert killed == sorted(killed)
