"""The real side: cases played by this machine's own kernel, in children that end by themselves.

A driver process has mounts of its own (so nothing is left behind, whatever happens), builds each
tree on a tmpfs, and forks a child that enters it, takes on the caller's ids and calls execve. Its
errno comes back through a pipe that a successful exec closes. Root asks anything; anybody else asks,
in a user namespace of his own, the cases that are all root's and need no device.

Nothing here knows the simulator. `python3 -m tests.kernel CASE` asks both sides about one case.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import resource
import select
import signal
import socket
import stat
import sys
from typing import Any

from tests.kernel.case import BAD, Answer, Case, Entry, Text, Vector, Who, answer_to_json, from_json, line

PATIENCE_S = 10
CPU_S = 2  # what runs wild
FRESH_AFTER = 300  # cases; then the tmpfs is a new one
DEFAULT_STACK_BYTES = 8 << 20

EXECVE, CAPSET = 59, 126  # x86-64
NOWHERE = 16  # in the page at 0, where nobody can map anything
CLONE_NEWNS, CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
MS_READONLY, MS_NOSUID, MS_NOEXEC, MS_REMOUNT, MS_REC, MS_PRIVATE = 1, 2, 8, 32, 1 << 14, 1 << 18
MS_NOSYMFOLLOW = 256
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS = 1, 8
ADDR_NO_RANDOMIZE = 0x0004_0000
CAPABILITIES = {"CAP_DAC_OVERRIDE": 1, "CAP_DAC_READ_SEARCH": 2, "CAP_FOWNER": 3, "CAP_SYS_RAWIO": 17}
_FLAGS = {"noexec": MS_NOEXEC, "nosuid": MS_NOSUID, "nosymfollow": MS_NOSYMFOLLOW}
_TYPES = {"fifo": stat.S_IFIFO, "chr": stat.S_IFCHR, "blk": stat.S_IFBLK}
_DEVICES = {"chr": os.makedev(1, 3), "blk": os.makedev(7, 200)}  # null; a loop device that is none


PRIVILEGED = os.geteuid() == 0  # else: root in a namespace of one user
LIBC = ctypes.CDLL(None, use_errno=True)


def _libc(name: str, *arguments: Any) -> int:
    """Make a call of libc; OSError if it fails."""
    result: int = getattr(LIBC, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def main(scratch: str) -> None:
    """Answer cases, a line each, until there are no more; `scratch` is a directory to be covered by a tmpfs."""
    try:
        _separate(scratch)
        refused = None
    except OSError as error:
        refused = f"this user may not make namespaces and mounts here ({error.strerror})"
    print(json.dumps(refused), flush=True)
    if refused is None:
        for number, text in enumerate(sys.stdin):
            if number % FRESH_AFTER == FRESH_AFTER - 1:
                _libc("umount2", scratch.encode(), MNT_DETACH)
                _mount(scratch)
            print(line(answer_to_json(play(from_json(json.loads(text)), f"{scratch}/{number}"))), flush=True)


def _separate(scratch: str) -> None:
    """Leave the namespace of mounts that others see; what is mounted from now on ends with this process."""
    uid, gid = os.geteuid(), os.getegid()
    _libc("unshare", CLONE_NEWNS | (0 if PRIVILEGED else CLONE_NEWUSER))
    if not PRIVILEGED:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    _libc("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    os.umask(0)
    _mount(scratch)


def _mount(path: str | bytes, flags: int = 0) -> None:
    _libc("mount", b"tmpfs", os.fsencode(path), b"tmpfs", ctypes.c_ulong(flags), b"mode=755")


def play(case: Case, top: str) -> Answer:
    """Build a case's world at `top`, let a child make the call, and tell what it came to."""
    held: list[Any] = []
    try:
        build(case, os.fsencode(top))
        for each in case.held:
            held.append(_hold(os.fsencode(top) + each.path, each.how))
        return _fork(case, top)
    except OSError as error:
        return Answer("broken", f"the world cannot be built: {error}")
    finally:
        for each in held:
            each.close()


def build(case: Case, top: bytes) -> None:
    """Make the tree."""
    os.mkdir(top, 0o755)
    readonly = []
    for each in case.tree:
        place = top + each.path
        if each.kind == "mount":
            _mount(place, sum(_FLAGS.get(flag, 0) for flag in each.flags))
            if "readonly" in each.flags:
                readonly.append((place, each.flags))
        elif each.kind == "symlink":
            os.symlink(each.target, place)
        elif each.kind == "hardlink":
            os.link(top + each.target, place, follow_symlinks=False)
        else:
            _make(each, place)
            os.chown(place, each.uid, each.gid)
            os.chmod(place, each.mode)  # last: chown takes set-id bits away
    for place, flags in readonly:
        _mount(place, MS_REMOUNT | MS_READONLY | sum(_FLAGS.get(flag, 0) for flag in flags))


def _make(entry: Entry, place: bytes) -> None:
    if entry.kind == "dir":
        os.mkdir(place)
    elif entry.kind == "file":
        with open(place, "xb") as file:
            file.write(entry.data)
    elif entry.kind == "socket":
        # A long path does not fit into an address.
        directory, _, name = place.rpartition(b"/")
        with socket.socket(socket.AF_UNIX) as made:
            before = os.getcwd()
            os.chdir(directory)
            made.bind(name)
            os.chdir(before)
    else:
        os.mknod(place, 0o600 | _TYPES[entry.kind], _DEVICES.get(entry.kind, 0))


def _hold(path: bytes, how: str) -> Any:
    """Open a file as somebody else would, and keep it."""
    if how == "mapping":
        with open(path, "r+b") as file:
            return mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED)
    return open(path, "r+b" if how == "writer" else "rb")


def _fork(case: Case, top: str) -> Answer:
    call = _arguments(case)
    failed_in, failed_out = os.pipe()  # both close on exec
    told_in, told_out = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            _child(case, top, told_out, call)
            os.write(failed_out, b"%d" % ctypes.get_errno())
        except BaseException as error:
            os.write(failed_out, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(99)
    os.close(failed_out)
    os.close(told_out)
    waiter = os.pidfd_open(pid)
    try:
        if not select.select([waiter], [], [], PATIENCE_S)[0]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return Answer("broken", f"still not over after {PATIENCE_S} s")
        _, status = os.waitpid(pid, 0)
        failed = os.read(failed_in, 4096).decode()
        if failed.isdecimal():
            return Answer("errno", errno.errorcode[int(failed)])
        if failed:
            return Answer("broken", f"the caller could not be made ready: {failed}")
        told = os.read(told_in, 65536)
        if os.WIFSIGNALED(status):
            return Answer("signal", os.WTERMSIG(status), told)
        return Answer("exit", os.WEXITSTATUS(status), told)
    finally:
        for descriptor in (waiter, failed_in, told_in):
            os.close(descriptor)


def _child(case: Case, top: str, told: int, call: tuple[Any, ...]) -> None:
    """Become the caller and make the call; comes back only if it failed."""
    _libc("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(told, 1)
    os.dup2(0, 2)
    os.chroot(top)
    os.chdir(case.cwd)
    if case.cwd_removed:
        os.rmdir(case.cwd)
    _libc("personality", ADDR_NO_RANDOMIZE)
    for number in (signal.SIGPIPE, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    _become(case)
    size = case.stack_bytes or DEFAULT_STACK_BYTES
    syscall = LIBC.syscall
    resource.setrlimit(resource.RLIMIT_STACK, (size, resource.RLIM_INFINITY))
    syscall(EXECVE, *call[:3])


def _become(case: Case) -> None:
    """Take on the caller's ids and capabilities; a user namespace of one id has root's alone."""
    who = case.who
    if who == Who() and not PRIVILEGED:
        return
    euid, egid = who.uid if who.euid is None else who.euid, who.gid if who.egid is None else who.egid
    os.setgroups(who.groups)
    os.setresgid(who.gid, egid, egid)
    if who.capabilities is not None:
        _libc("prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setresuid(who.uid, euid, euid)
    if who.capabilities is not None:
        bits = sum(1 << CAPABILITIES[name] for name in who.capabilities)
        header, data = (ctypes.c_uint32 * 2)(0x2008_0522, 0), (ctypes.c_uint32 * 6)(bits, bits, 0, 0, 0, 0)
        _libc("syscall", CAPSET, header, data)


def _arguments(case: Case) -> tuple[Any, ...]:
    """Give execve's three addresses, and what keeps alive what they point to."""
    kept: dict[bytes, Any] = {}

    def address(text: Text) -> int:
        if text is None or text is BAD:
            return 0 if text is None else NOWHERE
        assert isinstance(text, bytes)
        buffer = kept.setdefault(text, ctypes.create_string_buffer(text))
        return ctypes.addressof(buffer)

    def vector(texts: Vector) -> Any:
        if texts is None or texts is BAD:
            return ctypes.c_void_p(0 if texts is None else NOWHERE)
        assert isinstance(texts, tuple)
        return (ctypes.c_void_p * (len(texts) + 1))(*map(address, texts), None)

    return ctypes.c_void_p(address(case.cmd)), vector(case.argv), vector(case.envp), kept


if __name__ == "__main__":
    main(sys.argv[1])
