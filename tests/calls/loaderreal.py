"""A case of the loader, played by this machine's own ld.so and by a simulated node; and the recording.

Run as a program (`python -m tests.calls.loaderreal`) it builds all files with gcc, plays all cases and
writes what it saw beside this file: for machines without gcc, or without Linux.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bprocsim as bp
from tests.calls.loadercases import CASES, LoaderCase, content, padded
from tests.calls.loaderfiles import build

RECORDING = Path(__file__).with_name("loader.json")
LD_SO = Path("/lib64/ld-linux-x86-64.so.2")
ABLE = sys.platform == "linux" and platform.machine() == "x86_64" and LD_SO.exists()

Answer = tuple[int | None, str]


class _Pairs(dict[str, str]):
    """An environment in which a name may stand twice."""

    def __init__(self, entries: Iterable[str]) -> None:
        super().__init__()
        self.pairs = [(name, value) for name, _, value in (entry.partition("=") for entry in entries)]

    def items(self) -> Any:
        """Give the pairs: all that subprocess asks for."""
        return self.pairs


def _told(status: int | None, stderr: bytes, top: str) -> Answer:
    """Write an answer without what differs from place to place: the directory, a line of ld.so's source."""
    text = stderr.decode().replace(padded(top), "{top}").replace(top, "{top}")
    return status, re.sub(r"dl-lookup\.c: \d+:", "dl-lookup.c: 107:", text)


def _env(case: LoaderCase, top: str) -> list[str]:
    return [each.replace("{top}", top) for each in case.env]


def really(case: LoaderCase, files: dict[str, bytes]) -> Answer:
    """Play a case on this machine."""
    with tempfile.TemporaryDirectory(prefix="bprocsim-") as made:
        top = Path(made).resolve()
        (top / "a").mkdir()
        (top / "b").mkdir()
        for place, what in case.files:
            if what == "directory":
                (top / place).mkdir()
            elif what.startswith("-> "):
                (top / place).symlink_to(what[3:])
            else:
                (top / place).write_bytes(content(what, files, str(top)))
        # Written by a child: had we the program open while another thread forks, it could not be run.
        subprocess.run(["/bin/sh", "-c", "cat > p; chmod 755 p"], cwd=top, check=True,
                       input=content(case.program, files, str(top)))  # fmt: skip
        done = subprocess.run(
            ["name"], executable="./p", env=_Pairs(_env(case, str(top))), cwd=top, capture_output=True, check=False
        )
        return _told(done.returncode, done.stderr, str(top))


def simulated(case: LoaderCase, files: dict[str, bytes]) -> Answer:
    """Play a case on a node."""
    top = "/w"
    cluster = bp.Cluster(nodes=0)
    fs = cluster.master.fs
    fs.mkdir(f"{top}/a", parents=True)
    fs.mkdir(f"{top}/b")
    for place, what in case.files:
        if what == "directory":
            fs.mkdir(f"{top}/{place}")
        elif what.startswith("-> "):
            fs.symlink(what[3:], f"{top}/{place}")
        else:
            fs.write_file(f"{top}/{place}", content(what, files, top))
    fs.write_file(f"{top}/p", content(case.program, files, top), mode=0o755)
    out = cluster.execve("./p", ["name"], _env(case, top), cwd=top)
    return _told(out.exit_status if out.signal is None else -out.signal, out.stderr, top)


def read_recording() -> tuple[dict[str, bytes], dict[str, Answer]]:
    """Give the recorded files and answers."""
    told = json.loads(RECORDING.read_text("utf-8"))
    files = {name: zlib.decompress(base64.b64decode("".join(lines))) for name, lines in told["files"].items()}
    return files, {title: (status, stderr) for title, (status, stderr) in told["answers"].items()}


def record() -> None:
    """Build, play and write everything anew."""
    with tempfile.TemporaryDirectory() as scratch:
        files = build(Path(scratch))
    told = {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}, {' '.join(platform.libc_ver())}",
        "files": {name: _lines(zlib.compress(data, 9)) for name, data in files.items()},
        "answers": {title: really(case, files) for title, case in CASES.items()},
    }
    RECORDING.write_text(json.dumps(told, indent=1) + "\n", "utf-8", newline="\n")


def _lines(data: bytes) -> list[str]:
    text = base64.b64encode(data).decode()
    return [text[at : at + 100] for at in range(0, len(text), 100)]


if __name__ == "__main__":
    os.umask(0o022)
    record()
