"""A program with other ids than its caller's: what ld.so takes from the environment of a stranger."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import bprocsim as bp
from tests.calls.loaderreal import ABLE, LD_SO, Answer, read_recording

OWNER, CALLER = 1234, 1235
FILES, _ = read_recording()

# The environment, what lies where (a + is the set-uid bit), the program, and the answer that was seen.
_LIBX, _PRE = ("/lib/libx.so", "x"), ("/lib/libpre.so", "pre-under")
_NOT_THERE = "cannot be preloaded (cannot open shared object file): ignored.\n"
_MISSING = (
    "p: error while loading shared libraries: libx.so: cannot open shared object file: No such file or directory\n"
)
CASES: dict[str, tuple[list[str], list[tuple[str, str]], str, Answer]] = {
    "nothing": ([], [_LIBX], "plain", (0, "")),
    "path": (["LD_LIBRARY_PATH=/a"], [("/a/libx.so", "x")], "plain", (127, _MISSING)),
    "preload, no set-uid bit": (
        ["LD_PRELOAD=libpre.so"], [_LIBX, _PRE], "plain",
        (0, f"ERROR: ld.so: object 'libpre.so' from LD_PRELOAD {_NOT_THERE}"),
    ),
    "preload, set-uid": (
        ["LD_PRELOAD=libpre.so"], [_LIBX, ("/lib/libpre.so+", "pre-under")], "plain",
        (127, "p: symbol lookup error: /lib/libpre.so: undefined symbol: no\n"),
    ),
    "preload, second place set-uid": (
        ["LD_PRELOAD=libpre.so"], [_LIBX, ("/lib64/libpre.so", "pre"), ("/lib/libpre.so+", "pre-under")], "plain",
        (127, "p: symbol lookup error: /lib/libpre.so: undefined symbol: no\n"),
    ),
    "preload, missing": (
        ["LD_PRELOAD=one.so"], [_LIBX], "plain",
        (0, f"ERROR: ld.so: object 'one.so' from LD_PRELOAD {_NOT_THERE}"),
    ),
    "preload, slash": (["LD_PRELOAD=/lib/libpre.so"], [_LIBX, ("/lib/libpre.so+", "pre-under")], "plain", (0, "")),
    "preload, slash, missing": (["LD_PRELOAD=/one.so"], [_LIBX], "plain", (0, "")),
    "preload, slash and none": (
        ["LD_PRELOAD=/one.so:two.so"], [_LIBX], "plain",
        (0, f"ERROR: ld.so: object 'two.so' from LD_PRELOAD {_NOT_THERE}"),
    ),
    "preload, 254": (
        ["LD_PRELOAD=" + "n" * 254], [_LIBX], "plain",
        (0, f"ERROR: ld.so: object '{'n' * 254}' from LD_PRELOAD {_NOT_THERE}"),
    ),
    "preload, 255": (["LD_PRELOAD=" + "n" * 255], [_LIBX], "plain", (0, "")),
    "preload, the needed library": (["LD_PRELOAD=libx.so"], [_LIBX], "plain", (
        0, f"ERROR: ld.so: object 'libx.so' from LD_PRELOAD {_NOT_THERE}")),
    "at once": (["LD_BIND_NOW=1"], [("/lib/libx.so", "x")], "uncalled", (
        127, "p: symbol lookup error: p: undefined symbol: y\n")),
    "origin": ([], [("/a/libx.so", "x")], "rpath-origin", (127, _MISSING)),
    "relative rpath": ([], [("/a/libx.so", "x")], "rpath", (0, "")),
}  # fmt: skip


def simulated(env: list[str], files: list[tuple[str, str]], program: str) -> Answer:
    """Play a case on a node."""
    cluster = bp.Cluster(nodes=0)
    fs = cluster.master.fs
    for place, name in files:
        path = place.removesuffix("+")
        fs.mkdir(path.rpartition("/")[0], exist_ok=True)
        fs.write_file(path, FILES[name], mode=0o4755 if "+" in place else 0o755)
    fs.write_file("/p", FILES[program], mode=0o755)
    fs.chown("/p", OWNER, 0)
    fs.chmod("/p", 0o4755)
    out = cluster.execve("/p", ["p"], env, user=bp.Credentials(CALLER, CALLER), cwd="/")
    return out.exit_status, out.stderr.decode()


def really(env: list[str], files: list[tuple[str, str]], program: str, top: Path) -> Answer:
    """Play it in a tree of its own."""
    for place, name in [*files, (str(LD_SO), "")]:
        path = top / place[1:].removesuffix("+")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name] if name else LD_SO.read_bytes())
        path.chmod(0o4755 if "+" in place else 0o755)
    (top / "p").write_bytes(FILES[program])
    shutil.chown(top / "p", OWNER, 0)
    (top / "p").chmod(0o4755)

    def become() -> None:
        os.chroot(top)
        os.chdir("/")
        os.setgroups([])
        os.setgid(CALLER)
        os.setuid(CALLER)

    done = subprocess.run(
        ["p"], executable="/p", capture_output=True, check=False, preexec_fn=become,
        env=dict(each.split("=", 1) for each in env),
    )  # fmt: skip
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("title", CASES)
def test_a_node_takes_what_a_real_loader_takes(title: str) -> None:
    env, files, program, answer = CASES[title]
    assert simulated(env, files, program) == answer


@pytest.mark.linux
@pytest.mark.root
@pytest.mark.skipif(not ABLE, reason="needs the ld.so of an x86-64 machine")
@pytest.mark.parametrize("title", CASES)
def test_this_machine_does_the_same(title: str, tmp_path: Path) -> None:
    env, files, program, answer = CASES[title]
    tmp_path.chmod(0o755)  # the root of the caller, who is another
    assert really(env, files, program, tmp_path) == answer
