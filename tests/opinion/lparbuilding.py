"""Build a partition that is told as plain data, and make the call in it, by what any user of bprocsim may touch."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import attrs

import bprocsim as bp
from tests.opinion.attaching import EVERY_ID, P_FORMS, SHELLS, Attached, Result, ShellRan
from tests.opinion.building import vector
from tests.opinion.execs import Refused
from tests.opinion.lpars import Attach, Handle, Partition
from tests.opinion.worlds import Pointer

PATHS = {
    "absent": "/usr/bin/none", "empty": "", "in file": "/usr/bin/app/x", "too long": "/" * 1013 + "usr/bin/app",
    "as long as may be": "/" * 1012 + "usr/bin/app", "long name": "/usr/bin/" + "n" * 256, "not in PATH": "none",
    "loop": "/usr/bin/loop", "dangling": "/usr/bin/dangling", "link": "/usr/bin/linked", "closed": "/closed/app",
    "noexec": "/noexec/app",
}  # fmt: skip


@attrs.define
class Built:
    """A partition of the simulator and the process that calls."""

    lpar: bp.Lpar
    caller: bp.ProcessHandle


def build(partition: Partition) -> Built:
    """Make the partition, its named sets, and the caller with what it is attached to."""
    lpar = bp.Lpar(
        cores=partition.cores, smt=partition.smt, cpu=partition.cpu, level=partition.level,
        enhanced_affinity=partition.affinity, srads=partition.srads,
    )  # fmt: skip
    for number, ids in enumerate(partition.exclusive):
        lpar.mkrset(f"sysxrset/x{number}", spelled(ids)).check()
    for core in sorted(partition.removed):
        lpar.dlpar_remove(core=core).check()
    if partition.threads is not None:
        lpar.smtctl(threads=partition.threads).check()
    caller = lpar.idle_process(identity(partition))
    if partition.bound:
        general = sorted(partition.online - partition.not_general)
        lpar.bindprocessor(bp.BINDPROCESS, caller.pid, sorted(partition.online).index(general[0])).check()
    if partition.bounds is not None:
        lpar.set_partition(caller.pid, lpar.rset(spelled(partition.bounds))).check()
    if partition.attached is not None:
        lpar.ra_attachrset(bp.R_PROCESS, caller.pid, lpar.rset(spelled(partition.attached))).check()
    return Built(lpar, caller)


def identity(partition: Partition) -> bp.Credentials:
    """The caller's identity."""
    who = partition.who
    return bp.Credentials(
        who.uid, who.gid, euid=who.euid, egid=who.egid, groups=who.groups,
        capabilities=("CAP_NUMA_ATTACH", "CAP_PROPAGATE") if partition.capable else (),
    )  # fmt: skip


def spelled(ids: frozenset[int]) -> str:
    """Ids as a list of processors."""
    return ",".join(map(str, sorted(ids)))


def handle(lpar: bp.Lpar, given: object) -> Any:
    """A set of the simulator, or what else may stand in its place."""
    if isinstance(given, Pointer):
        return bp.BAD_ADDRESS
    if not isinstance(given, Handle):
        return given
    made = lpar.rset(spelled(given.ids))
    if given.freed:
        lpar.rs_free(made).check()
    return made


def lay_down(lpar: bp.Lpar, image: str) -> str:
    """Make the image; gives its path."""
    fs, app = lpar.machine.fs, "/usr/bin/app"
    sound = lpar.install("/usr/bin/sound", lambda proc: 0)
    assert sound is not None
    fs.mkdir("/closed", mode=0o700)
    fs.mkdir("/noexec")
    fs.mount("/noexec", noexec=True)
    fs.symlink("loop", "/usr/bin/loop")
    fs.symlink("nothing", "/usr/bin/dangling")
    fs.symlink("sound", "/usr/bin/linked")
    for path, mode in (("/closed/app", 0o755), ("/noexec/app", 0o755), ("/usr/bin/forbidden", 0o644)):
        lpar.install(path, sound, mode=mode)
    scripts = {
        "script": "sound",
        "script of none": "none",
        "script of forbidden": "forbidden",
        "script of written": "sound",
    }
    data = {"text": b"exit 0\n", "no bytes": b"", "elf": bp.ElfImage().to_bytes()}
    data |= {image: f"#! /usr/bin/{name} -x\n".encode() for image, name in scripts.items()}
    if image == "directory":
        fs.mkdir(app)
    elif image == "fifo":
        fs.mknod(app, "fifo", mode=0o755)
    elif image in data:
        fs.write_file(app, data[image], mode=0o755)
    else:
        lpar.install(app, sound, mode=0o644 if image == "forbidden" else 0o755)
    return PATHS.get(image, app)


def result_of(partition: Partition, call: Attach) -> Result:
    """What the simulator says that the call comes to."""
    built = build(partition)
    lpar = built.lpar
    path = lay_down(lpar, call.image)
    if call.form in P_FORMS and path == "/usr/bin/app":
        path = "app"
    exec_ = getattr(lpar, f"ra_exec{call.form}")
    many = ["x" * 1_000_000] * (2 if call.image == "many strings" else 0)
    argv = vector(call.argv)
    by_list = call.form in ("l", "le", "lp")
    arguments: Any = ["app", *many] if by_list else [[*argv, *many] if isinstance(argv, list) else argv]
    if call.form in ("le", "ve", "t"):
        arguments.append({})
    with ExitStack() as held:
        for image, busy in (("written", "/usr/bin/app"), ("script of written", "/usr/bin/sound")):
            if call.image == image:
                held.enter_context(lpar.machine.fs.open_for_write(busy))
        out = exec_(call.rstype, handle(lpar, call.rsid), call.flags, path, *arguments, caller=built.caller)
    if out.failed:
        return Refused(out.errno.name)
    if call.image in SHELLS:
        return ShellRan()
    ids = frozenset(out.rset)
    everything = ids == frozenset(range(partition.cores * partition.smt))
    by_default = everything and partition.bounds is None and partition.attached is None and out.sradid is not None
    return Attached(EVERY_ID if by_default else ids, out.sradid)
