"""The commit of exec: a process takes a new image. No time passes, and nothing can fail here."""

from __future__ import annotations

from bprocsim.port import Port
from bprocsim.posix.arch import Arch
from bprocsim.posix.copying import area_bytes
from bprocsim.posix.exec import ExecFacts, ExecProfile, Subject
from bprocsim.posix.image import Loaded, memory_of, read_elf, read_once
from bprocsim.posix.machine import Machine
from bprocsim.posix.mapping import Mapping, fate_of
from bprocsim.posix.procs import Handler, Process, close_on_exec


def load(machine: Machine, facts: ExecFacts) -> Loaded:
    """Tell what the process is about to run, from facts in which no row holds."""
    subject, loader = facts.program, None
    for interpreter in facts.chain:
        if interpreter.role == "loader":
            loader = interpreter
        else:
            subject = interpreter  # a script is run by its last interpreter
    inode, elf = subject.file, subject.elf
    assert inode is not None and elf is not None, "every row was tested"
    image = Loaded(subject.path, inode, elf)
    image.program = machine.program_of(image)
    image.memory_bytes = memory_of(inode.data, facts.arch)
    image.kill = _killer(facts, subject, loader is None)
    image.set_id = bool(inode.mode & 0o6000) and not inode.mount.nosuid
    if loader is not None:
        image.loader, image.loader_path = loader.file, loader.path
        image.kill = image.kill or _killer(facts, loader)
    if subject is not facts.program:
        assert facts.program.file is not None, "it is a script"
        image.script, image.script_path = facts.program.file.data, facts.program.path
    return image


def _killer(facts: ExecFacts, subject: Subject, starts: bool = True) -> int:
    """Give the signal that ends an image, for its own headers or its loader's, before its first instruction.

    `starts` execution begins in it.
    """
    profile = facts.profile
    assert subject.file is not None
    program = subject.named_by.file if subject.role == "loader" and subject.named_by is not None else None
    return _signal_of(
        subject.file.data,
        facts.arch,
        profile,
        0 if profile.lowest_address == 0 or facts.who.can("CAP_SYS_RAWIO") else profile.lowest_address,
        facts.machine.memory.total_bytes,
        None if program is None else program.data,
        starts,
        program is None and stack_full(facts, subject),
    )


@read_once
def _signal_of(
    data: bytes, arch: Arch, profile: ExecProfile, lowest: int, memory_bytes: int, program: bytes | None,
    starts: bool, stack_full: bool,
) -> int:  # fmt: skip
    """Give it as a number, 0 for none; the same bytes are judged once."""
    elf = read_elf(data, arch)
    top = profile.user_top[elf.layout.bits == 64]
    named_by = None if program is None else read_elf(program, arch)
    foreign = named_by is not None and not arch.takes_loader(elf, named_by)
    mapping = Mapping(
        elf, arch.page_bytes, top, lowest, memory_bytes, named_by, starts, stack_full, foreign, profile.table_bytes
    )
    fate = fate_of(mapping, profile.fates if named_by is None else profile.loader_fates)
    return 0 if fate is None else int(fate.signal)


def stack_full(facts: ExecFacts, image: Subject) -> bool:
    """Tell whether the stack of an image has no room for all that a kernel puts on it.

    One pointer, name and strings, then the kernel's own tables and the vectors, each part at a
    multiple of 16. Source: linux-6.18-measured (without randomization of addresses).
    """
    profile, elf = facts.profile, image.elf
    if profile.stack_tables_bytes is None or elf is None:
        return False
    wide = elf.layout.bits == 64
    page_bytes, word_bytes = facts.arch.page_bytes, elf.layout.bits // 8
    # argc, and the NULLs at the ends of argv and envp.
    words = 3 + len(arguments(facts)) + facts.envp.pointers
    taken = _rounded(facts.arch.bits // 8 + area_bytes(image)) + profile.stack_tables_bytes[wide] + words * word_bytes
    return _rounded(taken) > profile.stack_bytes - profile.stack_bytes % page_bytes


def _rounded(size: int) -> int:
    return -(-size // 16) * 16


def arguments(facts: ExecFacts) -> tuple[bytes, ...]:
    """Give the argv of the new image: a script's is its interpreter, an argument, its own path, the rest."""
    argv = facts.argv.strings
    if not argv and facts.profile.empty_argv_gets_name:
        argv = (b"",)
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
    process.running_file = facts.tree.own(image.inode.number)
    process.running_file.running += 1
    if process.handlers:
        process.handlers = {
            signum: action for signum, action in process.handlers.items() if not isinstance(action, Handler)
        }
    close_on_exec(process, port)
    facts.forget()
