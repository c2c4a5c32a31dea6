"""Read from execve(2), bproc_execmove(2) and the kernels of the day: what an exec may come to.

Where the pages promise an order, it is kept; what they leave open is asked of a `Reading`.
"""

from __future__ import annotations

import itertools

import attrs

from tests.opinion.files import PATH_MAX, Links, Stop, Walk, entry_at, is_written, may_execute, mount_of
from tests.opinion.images import Elf, Script, Unknown, is_huge, read
from tests.opinion.readings import Reading, every
from tests.opinion.worlds import NOWHERE, Call, Text, Vector, World

# The old kernels' place for strings: 32 pages less one pointer.
ARGUMENT_BYTES = {"x86-64": 131064, "i386": 131068}


@attrs.frozen
class Refused:
    """The call comes back with -1 and this errno."""

    errno: str


@attrs.frozen
class Ended:
    """The exec was done; the process ends with this status, told by an errno if that is why."""

    status: int
    errno: str | None = None


@attrs.frozen
class Loaded:
    """The exec was done; what comes then the pages leave open."""


@attrs.frozen
class Ran:
    """The program was started and ends as it likes; `where` is the node; `script`: by the interpreter of one."""

    where: int
    script: bool = attrs.field(default=False, eq=False)


Fate = Refused | Ended | Loaded | Ran


def admits(allowed: set[Fate], got: Fate) -> bool:
    """Whether a fate is one of those that the pages allow."""
    return got in allowed or (Loaded() in allowed and not isinstance(got, Refused))


def fates(world: World, call: Call) -> set[Fate]:
    """All that an exec may come to here (an execmove's first half)."""
    return every(lambda reading: Exec(world, call, reading).fate())


@attrs.define
class Exec:
    """One exec, by one reading."""

    world: World
    call: Call
    reading: Reading
    script_held: bool = False

    @property
    def links(self) -> Links:
        """How many links a look-up may meet."""
        return Links(5, 40)

    def lacks_files(self, held: int) -> bool:
        """Whether one more file cannot be opened while so many are held: the page exempts nobody."""
        return self.world.files_left < held + 1

    def fate(self) -> Fate:
        """The first thing that is wrong, in the order of the page's causes."""
        if self.call.node is not None and self.world.at == -1 and self.world.master_gone:
            return Refused("ENOSYS" if self.world.edition == "bproc4" else "EBUSY")
        path = self.call.path
        if not isinstance(path, str):
            return Refused("EFAULT")
        if path == "":
            return Refused("ENOENT")
        if _bytes(path) > PATH_MAX - 1:
            return Refused("ENAMETOOLONG")
        place = self.open(path)
        if isinstance(place, Stop):
            return Refused(place.errno)
        for vector in (self.call.argv, self.call.envp):
            if vector is NOWHERE:
                return Refused("EFAULT")
        return self.load(path, place)

    def open(self, path: str, held: int = 0) -> str | Stop:
        """Open a file to run it, with so many `held`: the walk, its kind, who may, and whether it can be opened."""
        tree, who = self.world.tree, self.world.who
        worn = any(entry_at(tree, each).kind == "dir" for each in tree.unreadable)
        worn_first = worn and self.reading.either("a failing disk is noticed before the right to search")
        place = Walk(tree, who, self.links, worn_first).to(path, self.world.cwd)
        if isinstance(place, Stop):
            return place
        if place in tree.unreadable and self.reading.either("a failing disk is noticed when the file is looked up"):
            return Stop("EIO")
        entry = entry_at(tree, place)
        if mount_of(tree, place).noexec or entry.kind != "file" or not may_execute(entry, who):
            return Stop("EACCES")
        if self.lacks_files(held):
            return Stop("ENFILE")
        return Stop("ETXTBSY") if is_written(tree, place) else place

    def set_id_refused(self, place: str) -> bool:
        """Whether the file is set-id and its file system takes no such thing."""
        return mount_of(self.world.tree, place).nosuid and bool(entry_at(self.world.tree, place).mode & 0o6000)

    def load(self, path: str, place: str) -> Fate:
        """Set-id, header, strings, memory; then what the bytes are."""
        if self.set_id_refused(place):
            return Refused("EPERM")
        if place in self.world.tree.unreadable:
            return Refused("EIO")
        strings = [*strings_of(self.call.argv), *strings_of(self.call.envp)]
        if any(text is NOWHERE for text in strings):
            return Refused("EFAULT")
        used = _bytes(path) + 1 + sum(_bytes(text) + 1 for text in strings if isinstance(text, str))
        if used > ARGUMENT_BYTES[self.world.caller_arch]:
            return Refused("E2BIG")
        if not self.world.memory_left:
            return Refused("ENOMEM")
        data, arch = entry_at(self.world.tree, place).data, self.world.caller_arch
        if is_huge(data, arch) and self.reading.either("an image beyond all memory is refused, not killed"):
            return Refused("ENOMEM")
        image = read(data, arch)
        if isinstance(image, Script):
            return of_script(self.run_script(image, used))
        return self.run_elf(image)

    def run_script(self, script: Script, used: int) -> Fate:
        """Open the interpreter as a program, which may be no script itself; it takes the first argument's place."""
        more = [script.interpreter, self.call.path, *([script.argument] if script.argument else [])]
        used += sum(_bytes(text) + 1 for text in more if isinstance(text, str))
        used -= sum(_bytes(text) + 1 for text in strings_of(self.call.argv)[:1] if isinstance(text, str))
        full = used > ARGUMENT_BYTES[self.world.caller_arch]
        if full and self.reading.either("a script's strings are copied before its interpreter is opened"):
            return Refused("E2BIG")
        self.script_held = self.world.files_left == 1 and self.reading.either("a script is held while it is run")
        place = self.open(script.interpreter, int(self.script_held))
        if isinstance(place, Stop):
            return Refused(place.errno)
        if self.set_id_refused(place) and self.reading.either("set-id of a script's interpreter counts"):
            return Refused("EPERM")
        if place in self.world.tree.unreadable:
            return Refused("EIO")
        if full:
            return Refused("E2BIG")
        image = read(entry_at(self.world.tree, place).data, self.world.caller_arch)
        return Refused("ENOEXEC") if isinstance(image, Script) else self.run_elf(image)

    def run_elf(self, image: Elf | Unknown) -> Fate:
        """Judge the tables, then the interpreter that they name."""
        if isinstance(image, Unknown) or not image.sound:
            return Refused("ENOEXEC")
        if image.interpreters > 1 and self.reading.either("two PT_INTERP come before faults of the first"):
            return Refused("EINVAL")
        name = image.name
        if name is not None:
            if name.lawful and name.cut and self.reading.either("a loader's name past the end of the file is EIO"):
                return Refused("EIO")
            if not name.lawful or name.cut or not name.ended:
                return Refused("ENOEXEC")
            if image.interpreters > 1:
                return Refused("EINVAL")
            refused = self.open_loader(name.text, narrow=image.narrow)
            if refused is not None:
                return refused
        return Ran(self.world.at) if image.plain else Loaded()

    def open_loader(self, path: str, *, narrow: bool) -> Refused | None:
        """Open the loader, which must be an ELF of this handler's machines; an empty name is the directory."""
        place = self.open(path or ".", 1)
        if isinstance(place, Stop):
            return Refused(place.errno)
        if place in self.world.tree.unreadable:
            return Refused("EIO")
        image = read(entry_at(self.world.tree, place).data, self.world.caller_arch)
        fit = isinstance(image, Elf) and image.sound and image.narrow == narrow
        return None if fit else Refused("ENOEXEC")


def of_script(fate: Fate) -> Fate:
    """What comes of a script, as of its interpreter."""
    return attrs.evolve(fate, script=True) if isinstance(fate, Ran) else fate


def strings_of(vector: Vector) -> list[Text]:
    """The strings of a vector, up to its NULL."""
    if not isinstance(vector, tuple):
        return []
    return list(itertools.takewhile(lambda text: text is not None, vector))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
