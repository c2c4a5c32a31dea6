"""Real programs and libraries of this machine on a node: all there, one away, one replaced by another."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import bprocsim as bp
from tests.calls.loadercases import TEXT
from tests.calls.loaderreal import ABLE, LD_SO, Answer, read_recording

PROGRAMS = [path for name in ("ls", "bash", "tar", "grep") if (path := Path("/bin", name)).exists()]
CHROOT = shutil.which("chroot")
MASTER = bp.BPROC_NODE_MASTER
# So that nothing hangs on what the program happens to call.
AT_ONCE = {"LD_BIND_NOW": "1"}
FILES, _ = read_recording()

pytestmark = [pytest.mark.linux, pytest.mark.skipif(not ABLE, reason="needs the ld.so of an x86-64 machine")]


def libraries(program: Path) -> dict[str, bytes]:
    """Give the libraries of a program by path, as this machine's loader finds them."""
    listed = subprocess.run([str(LD_SO), "--list", str(program)], capture_output=True, text=True, check=True).stdout
    paths = re.findall(r"=> (/\S+) \(", listed)
    return {path: Path(path).read_bytes() for path in paths}


def simulated(program: Path, found: dict[str, bytes], node: int = MASTER) -> Answer:
    """Run a program on a node that has these libraries, and this machine's ld.so."""
    cluster = bp.Cluster(nodes=1)
    for machine in (cluster.master, cluster.nodes[0]):
        fs = machine.fs
        for path in ("/lib/libc.so.6", "/lib64/libc.so.6"):
            fs.unlink(path)
        fs.unlink(str(LD_SO))
        for path, data in {**found, str(LD_SO): LD_SO.read_bytes()}.items():
            fs.mkdir(str(Path(path).parent), parents=True, exist_ok=True)
            fs.write_file(path, data, mode=0o755)
    cluster.install("/bin/it", None, image=bp.ElfImage.from_bytes(program.read_bytes()))
    call = cluster.execve if node == MASTER else lambda *args: cluster.bproc_execmove(node, *args)
    out = call("/bin/it", ["/bin/it", "--version"], AT_ONCE)
    return out.exit_status, (out.stdout + out.stderr).decode()  # from a node both come as one


def really(program: Path, found: dict[str, bytes], top: Path) -> Answer:
    """Run it in a tree of its own that has these libraries."""
    shutil.rmtree(top, ignore_errors=True)
    for path, data in {**found, str(LD_SO): LD_SO.read_bytes(), "/bin/it": program.read_bytes()}.items():
        (top / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (top / path[1:]).write_bytes(data)
        (top / path[1:]).chmod(0o755)
    done = subprocess.run(
        [str(CHROOT), str(top), "/bin/it", "--version"], capture_output=True, env=AT_ONCE, check=False
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
@pytest.mark.parametrize("node", [MASTER, 0])
def test_with_all_libraries_it_runs(program: Path, node: int) -> None:
    assert simulated(program, libraries(program), node) == (0, "")


@pytest.mark.root
@pytest.mark.skipif(CHROOT is None, reason="needs chroot")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
@pytest.mark.parametrize("instead", ["nothing", "x", "x-v2", "text"])
def test_without_one_of_them_it_says_what_the_real_loader_says(program: Path, instead: str, tmp_path: Path) -> None:
    whole = libraries(program)
    said = []
    for path in whole:
        found = {**whole, path: TEXT if instead == "text" else FILES.get(instead, b"")}
        if instead == "nothing":
            del found[path]
        real = really(program, found, tmp_path / "top")
        assert simulated(program, found, 0) == real, path
        said.append(real[0])
    # The C library, if no other, is one of which versions are asked.
    assert set(said) <= {0, 1, 127}
    assert 1 in said if instead == "x-v2" else 127 in said
