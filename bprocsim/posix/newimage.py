"""The commit of exec: a process takes a new image. No time passes, and nothing can fail here."""

from __future__ import annotations

from functools import lru_cache

from bprocsim.port import Port
from bprocsim.posix.arch import Arch
from bprocsim.posix.exec import ExecFacts
from bprocsim.posix.image import Loaded, memory_of, read_elf
from bprocsim.posix.machine import Machine
from bprocsim.posix.mapping import Fate, fate_of
from bprocsim.posix.procs import Handler, Process, close_on_exec


def load(machine: Machine, facts: ExecFacts) -> Loaded:
    """Tell what the process is about to run, from facts in which no row holds."""
    subject = facts.image
    inode, elf = subject.file, subject.elf
    assert inode is not None and elf is not None, "every row was tested"
    loaders = [each for each in facts.chain if each.role == "loader"]
    scripted = subject is not facts.program
    image = Loaded(
        path=subject.path,
        inode=inode,
        elf=elf,
        loader=loaders[-1].file if loaders else None,
        loader_path=loaders[-1].path if loaders else b"",
        script=facts.program.file.data if scripted and facts.program.file is not None else None,
        script_path=facts.program.path if scripted else b"",
        memory_bytes=memory_of(inode.data, facts.arch),
        kill=_killer(inode.data, facts.arch, facts.profile.fates),
        set_id=bool(inode.mode & 0o6000) and not inode.mount.nosuid,
    )
    image.program = machine.program_of(image)
    return image


@lru_cache(maxsize=256)
def _killer(data: bytes, arch: Arch, fates: tuple[Fate, ...]) -> int:
    """Give the signal that ends an image before its first instruction, 0 for none."""
    fate = fate_of(read_elf(data, arch), arch.page_bytes, fates)
    return 0 if fate is None else int(fate.signal)


def arguments(facts: ExecFacts) -> tuple[bytes, ...]:
    """Give the argv of the new image: a script's is its interpreter, an argument, its own path, the rest."""
    argv = facts.argv.strings
    for subject in (facts.program, *facts.chain):
        if subject.script:
            argv = (*subject.script, subject.path, *argv[1:])
    return argv


def commit(machine: Machine, process: Process, facts: ExecFacts, port: Port) -> None:
    """Let the process become the new image: arguments, ids, memory, caught signals, close-on-exec.

    Source: posix-exec.
    """
    image = load(machine, facts)
    process.argv = arguments(facts)
    process.env = facts.envp.strings
    process.comm = image.path.rpartition(b"/")[2][:15]
    process.image = image
    process.body = None
    process.execed = True
    if image.set_id:  # a script's own bits count for nothing, its interpreter's do
        inode = image.inode
        process.credentials = process.credentials.with_effective(
            inode.uid if inode.mode & 0o4000 else None,
            inode.gid if inode.mode & 0o2010 == 0o2010 else None,
        )
    page = facts.arch.page_bytes
    needed = image.memory_bytes + -(-facts.argument_bytes // page) * page
    machine.memory.used_bytes += needed - process.memory_bytes
    process.memory_bytes = needed
    if process.running_file is not None:
        process.running_file.running -= 1
    process.running_file = machine.tree.own(image.inode.number)
    process.running_file.running += 1
    if process.handlers:
        process.handlers = {
            signum: action for signum, action in process.handlers.items() if not isinstance(action, Handler)
        }
    close_on_exec(process, port)
