"""A case of execvp, played by this machine's C library in a root directory of its own, and by a node.

Run by root as a program (`python -m tests.calls.execvpreal`) it plays all cases and writes what it saw
beside this file.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import bprocsim as bp
from tests.calls.execvpcases import CASES, SearchCase
from tests.calls.worlds import Steps

RECORDING = Path(__file__).with_name("execvp.json")
GCC = shutil.which("gcc")
ABLE = sys.platform == "linux" and platform.machine() == "x86_64" and GCC is not None
USER = 1000
FAILED = 99
SHOWN = 20  # of an entry of the environment

# A program that writes its argv and its environment, without a library.
ARGS = """
static long write1(const char *text, long size) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(1), "D"(1), "S"(text), "d"(size) : "rcx", "r11", "memory");
    return result;
}
static void show(const char *open, const char *text, long most, const char *close) {
    long size = 0;
    while (text[size] && size < most) size++;
    write1(open, 1); write1(text, size); write1(close, 2);
}
__attribute__((used)) void begin(char **stack) {
    long count = *(long *)stack;
    for (long each = 1; each <= count; each++) show("<", stack[each], 300, ">\\n");
    for (char **entry = stack + count + 2; *entry; entry++) show("{", *entry, 20, "}\\n");
    __asm__ volatile("syscall" : : "a"(231), "D"(0));
}
__asm__(".globl _start\\n_start: mov %rsp, %rdi\\n and $-16, %rsp\\n call begin\\n");
"""

Answer = tuple[int | None, str]
_ABSENT = bp.ElfImage(interpreters=("/nowhere/ld.so",), needed=("libx.so",)).to_bytes()
_FOREIGN = bp.ElfImage(interpreters=("/loader",), needed=("libx.so",)).to_bytes()
_BYTES = {"absent-loader": _ABSENT, "foreign-loader": _FOREIGN}
LOADER = b"This is no ELF file at all, though it is as long as the header of one would have to be.\n"


def things(case: SearchCase) -> list[tuple[str, int, str]]:
    """Give what lies in the tree: path, mode, content."""
    found = [("/bin/sh", 0o755, "args"), ("/loader", 0o755, LOADER.decode())]
    for line in case.things.split("; ") if case.things else []:
        path, mode, content = line.split(" ", 2)
        found.append((path, 0 if mode == "-" else int(mode, 8), content))
    return found


def data_of(content: str) -> bytes:
    """Give the bytes of a file that is neither args nor anything special."""
    return _BYTES.get(content) or content.encode("latin-1").decode("unicode_escape").encode("latin-1")


def vectors(case: SearchCase) -> tuple[list[bytes] | None, list[bytes]]:
    """Give argv, None for NULL, and the environment."""
    env = ["OTHER=1", *(f"PATH={case.path}".split("\n") if case.path is not None else [])]
    argv = None if case.argv is None else [*case.argv, *(["h" * case.huge] if case.huge else [])]
    return None if argv is None else [each.encode() for each in argv], [each.encode() for each in env]


def _told(status: int | None, output: bytes) -> Answer:
    return status, output.decode("latin-1")


# ---- this machine ----------------------------------------------------------------------------------


def build_args(top: Path) -> bytes:
    """Compile the program that shows what it was given."""
    options = ("-O1", "-nostdlib", "-static", "-s", "-fno-stack-protector", "-fno-asynchronous-unwind-tables")
    command = [str(GCC), *options, "-fno-tree-loop-distribute-patterns", "-xc", "-", "-o", "args"]
    subprocess.run(command, cwd=top, input=ARGS.encode(), check=True)
    return (top / "args").read_bytes()


def _array(strings: list[bytes]) -> Any:
    return (ctypes.c_char_p * (len(strings) + 1))(*strings, None)


def _in_the_child(case: SearchCase, top: Path, written: list[str]) -> None:
    """Enter the tree as the caller and make the call; comes back with an errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    os.chroot(top)
    os.chdir(case.cwd)
    if case.user:
        os.setgroups([])
        os.setgid(USER)
        os.setuid(USER)
    for path in written:
        os.open(path, os.O_WRONLY)
    argv, env = vectors(case)
    environment = _array(env)
    ctypes.c_void_p.in_dll(libc, "environ").value = ctypes.addressof(environment)
    libc.execvp(case.file.encode(), None if argv is None else _array(argv))
    os.write(1, errno.errorcode.get(ctypes.get_errno(), "no errno").encode() + b"\n")


def really(case: SearchCase, args: bytes) -> Answer:
    """Play a case in a child."""
    with tempfile.TemporaryDirectory(prefix="bprocsim-") as made:
        top, written = Path(made), []
        top.chmod(0o755)
        for name in ("a", "b", "w", "bin", "usr/bin"):
            (top / name).mkdir(parents=True)
        closed = []
        for path, mode, content in things(case):
            place = top / path[1:]
            if content == "dir":
                place.mkdir(exist_ok=True)
                closed.append((place, mode))
            elif content == "fifo":
                os.mkfifo(place, mode)
            elif content.startswith("-> "):
                if place.is_dir():
                    place.rmdir()
                place.symlink_to(content[3:])
            elif content == "gone":
                place.unlink()
            else:
                place.write_bytes(args if content in ("args", "written") else data_of(content))
                place.chmod(0o777 if content == "written" else mode)
                written += [path] * (content == "written")
        for place, mode in closed:
            place.chmod(mode)
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            os.close(reading)
            try:
                _in_the_child(case, top, written)
            finally:
                os._exit(FAILED)
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            output = file.read()
        return _told(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output)


# ---- a node ----------------------------------------------------------------------------------------


def args(proc: bp.Proc) -> Steps:
    """Show what it was given."""
    for each in proc.thread.process.argv:
        yield from proc.write(1, b"<" + each[:300] + b">\n")
    for each in proc.thread.process.env:
        yield from proc.write(1, b"{" + each[:SHOWN] + b"}\n")


def simulated(case: SearchCase, kernel: str = "linux-6") -> Answer:
    """Play a case on a node."""
    cluster = bp.Cluster(nodes=0, kernel=kernel)
    fs = cluster.master.fs
    for path in ("/a", "/b", "/w"):
        fs.mkdir(path)
    written, closed = [], []
    for path, mode, content in things(case):
        if content == "dir":
            fs.mkdir(path, exist_ok=True)
            closed.append((path, mode))
        elif content == "fifo":
            fs.mknod(path, "fifo", mode=mode)
        elif content.startswith("-> "):
            if fs.exists(path):
                fs.rmdir(path)
            fs.symlink(content[3:], path)
        elif content == "gone":
            fs.unlink(path)
        elif content in ("args", "written"):
            cluster.install(path, args, mode=0o777 if content == "written" else mode)
            written += [path] * (content == "written")
        else:
            fs.write_file(path, data_of(content), mode=mode)
    for path, mode in closed:
        fs.chmod(path, mode)
    argv, env = vectors(case)

    def main(proc: bp.Proc) -> Steps:
        for path in written:
            yield from proc.open(path, bp.O_WRONLY)
        try:
            yield from proc.execvp(case.file, argv)
        except bp.CallError as error:
            yield from proc.print(error.error.name)
            yield from proc.exit(FAILED)

    cluster.install("/main", main)
    out = cluster.execve("/main", ["main"], env, user=bp.Credentials(USER, USER) if case.user else None, cwd=case.cwd)
    return _told(out.exit_status if out.signal is None else -out.signal, out.stdout + out.stderr)


# ---- the recording ---------------------------------------------------------------------------------


def read_recording() -> dict[str, Answer]:
    """Give the recorded answers."""
    told = json.loads(RECORDING.read_text("utf-8"))["answers"]
    return {title: (status, output) for title, (status, output) in told.items()}


def play_all() -> dict[str, Answer]:
    """Play all cases on this machine."""
    with tempfile.TemporaryDirectory() as scratch:
        program = build_args(Path(scratch))
    return {title: really(case, program) for title, case in CASES.items()}


if __name__ == "__main__":
    os.umask(0o022)
    system = f"{platform.system()} {platform.release()} {platform.machine()}, {' '.join(platform.libc_ver())}"
    text = json.dumps({"system": system, "answers": play_all()}, indent=1) + "\n"
    if sys.argv[1:] == ["--show"]:
        sys.stdout.write(text)
    else:
        RECORDING.write_text(text, "utf-8", newline="\n")
