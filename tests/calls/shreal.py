"""A case of the shell, played by this machine's /bin/sh and by a node's; and the recording.

Run as a program (`python -m tests.calls.shreal`) it plays all cases and writes what it saw beside this file.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import bprocsim as bp
from tests.calls.execvpreal import data_of
from tests.calls.shcases import CASES
from tests.calls.worlds import Steps

RECORDING = Path(__file__).with_name("sh.json")
SHELL = Path("/bin/sh")
# Shells differ in their words; these are dash's.
ABLE = sys.platform == "linux" and SHELL.resolve().name == "dash" and Path("/bin/echo").exists()
ENV = {"PATH": "a:b"}

Answer = tuple[int | None, str, str]


def things(text: str) -> Iterator[tuple[str, int, str]]:
    """Give what lies there: path, mode, content."""
    for line in text.split("; ") if text else []:
        path, mode, content = line.split(" ", 2)
        yield path, 0 if mode == "-" else int(mode, 8), content


def really(case: tuple[str, str]) -> Answer:
    """Play a case on this machine."""
    with tempfile.TemporaryDirectory(prefix="bprocsim-") as made:
        top = Path(made)
        (top / "a").mkdir()
        (top / "b").mkdir()
        for path, mode, content in things(case[0]):
            if content == "dir":
                (top / path).mkdir()
            elif content == "fifo":
                os.mkfifo(top / path, mode)
            elif content.startswith("-> "):
                (top / path).symlink_to(content[3:])
            else:
                (top / path).write_bytes(data_of(content))
                (top / path).chmod(mode)
        command = ["sh", "-c", case[1]]
        done = subprocess.run(command, executable=SHELL, cwd=top, env=ENV, capture_output=True, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()


def simulated(case: tuple[str, str]) -> Answer:
    """Play a case on a node."""
    cluster = bp.Cluster(nodes=0, kernel="linux-6")
    fs = cluster.master.fs

    def echo(proc: bp.Proc) -> Steps:
        yield from proc.print(*proc.argv[1:])

    cluster.install("/bin/echo", echo)
    fs.mkdir("/w/a", parents=True)
    fs.mkdir("/w/b")
    for name, mode, content in things(case[0]):
        path = f"/w/{name}"
        if content == "dir":
            fs.mkdir(path)
        elif content == "fifo":
            fs.mknod(path, "fifo", mode=mode)
        elif content.startswith("-> "):
            fs.symlink(content[3:], path)
        else:
            fs.write_file(path, data_of(content), mode=mode)
    out = cluster.execve("/bin/sh", ["sh", "-c", case[1]], ENV, cwd="/w")
    return out.exit_status, out.stdout.decode(), out.stderr.decode()


def read_recording() -> dict[str, Answer]:
    """Give the recorded answers."""
    told = json.loads(RECORDING.read_text("utf-8"))["answers"]
    return {title: (status, stdout, stderr) for title, (status, stdout, stderr) in told.items()}


if __name__ == "__main__":
    os.umask(0o022)
    recorded = {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}, {SHELL.resolve().name}",
        "answers": {title: really(case) for title, case in CASES.items()},
    }
    RECORDING.write_text(json.dumps(recorded, indent=1) + "\n", "utf-8", newline="\n")
