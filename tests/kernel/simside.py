"""The side of the simulator: the same worlds, the same calls."""

from __future__ import annotations

from typing import Any

import attrs

import bprocsim as bp
from tests.kernel.case import BAD, Answer, Case, Entry
from tests.kernel.images import BEHAVIOUR

KERNEL = "linux-6"
# It exists in every world, and no case may use it.
PROGRAMS = "/usr/bin"


def simulate(case: Case, kernel: str | bp.ExecProfile = KERNEL) -> Answer:
    """Let the simulator decide a case by the rules of `kernel`, a name or a record."""
    rules = bp.kernels[kernel] if isinstance(kernel, str) else kernel
    if case.stack_bytes is not None:
        rules = attrs.evolve(rules, stack_bytes=case.stack_bytes)
    cluster = bp.Cluster(nodes=0, kernel=rules)
    for name, function in BEHAVIOUR.items():
        cluster.install(f"{PROGRAMS}/{name}", bp.program(name=name)(function))
    fs = cluster.master.fs
    for entry in case.tree:
        _make(fs, entry)
    for held in case.held:
        if held.how != "reader":
            fs.open_for_write(held.path)
    who = bp.Credentials(**attrs.asdict(case.who, recurse=False))
    # In place of a chdir: the caller need not be able to search the directory it is in.
    caller = cluster.idle_process(who)
    caller.process.cwd = fs.stat(case.cwd).number
    if case.cwd_removed:
        fs.rmdir(case.cwd)
    vectors = [_vector(case.argv), _vector(case.envp)]
    out = cluster.execve(_pointer(case.cmd), *vectors, caller=caller)
    if out.errno is not None:
        return Answer("errno", out.errno.name)
    if out.signal is not None:
        return Answer("signal", int(out.signal), out.stdout)
    assert out.exit_status is not None, out
    return Answer("exit", out.exit_status, out.stdout)


def _make(fs: Any, entry: Entry) -> None:
    ids = {"mode": entry.mode, "uid": entry.uid, "gid": entry.gid}
    if entry.kind == "dir":
        fs.mkdir(entry.path, **ids)
    elif entry.kind == "file":
        fs.write_file(entry.path, entry.data, **ids)
    elif entry.kind == "symlink":
        fs.symlink(entry.target, entry.path)
    elif entry.kind == "hardlink":
        fs.link(entry.target, entry.path)
    elif entry.kind == "mount":
        fs.mount(entry.path, **dict.fromkeys(entry.flags, True))
    else:
        fs.mknod(entry.path, entry.kind, **ids)


def _pointer(text: Any) -> Any:
    return bp.BAD_ADDRESS if text is BAD else text


def _vector(texts: Any) -> Any:
    return [_pointer(each) for each in texts] if isinstance(texts, tuple) else _pointer(texts)
