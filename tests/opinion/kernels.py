"""Read from the sources of Linux 2.4, 2.6 and 6: what a plain execve comes to by the rules of those kernels.

None of them refuses what the page calls EPERM (set-id on nosuid) and EINVAL (two PT_INTERP). "linux-2.4" and
"linux-2.6" are many releases, so what changed between them is left open.
"""

from __future__ import annotations

import attrs

from tests.opinion.execs import Exec, Fate, Loaded, Ran, Refused, of_script, strings_of
from tests.opinion.files import Links, Stop, entry_at
from tests.opinion.images import Elf, Script, Unknown, read
from tests.opinion.readings import every
from tests.opinion.worlds import NOWHERE, Call, World

OLD_BYTES = {"x86-64": 131064, "i386": 131068}
NEW_BYTES = 2097152  # a quarter of a stack of 8 MiB
SCRIPTS_MAX = 5


def kernel_fates(world: World, call: Call) -> set[Fate]:
    """All that an execve may come to here."""
    return every(lambda reading: KernelExec(world, call, reading).fate())


@attrs.define
class KernelExec(Exec):
    """One exec by a kernel's rules, by one reading."""

    level: int = 0
    left_bytes: int = 0  # for more strings

    @property
    def kernel(self) -> str:
        """Which it is."""
        return self.world.kernel

    @property
    def links(self) -> Links:
        """How many links a look-up may meet."""
        if self.kernel == "linux-6":
            return Links(None, 40)
        if self.kernel == "linux-2.6" and self.reading.either("2.6.20 or later"):
            return Links(8, 40)
        return Links(5, 40)

    def lacks_files(self, held: int) -> bool:
        """Since 2.6 the mighty know no limit; before that there was a reserve for root."""
        exempt = self.world.who.euid == 0 if self.kernel == "linux-2.4" else self.world.who.mighty
        return not exempt and self.world.files_left < held + 1

    def set_id_refused(self, place: str) -> bool:
        """Never: the bits are ignored."""
        return False

    def load(self, path: str, place: str) -> Fate:
        """Read the header, before the strings in old kernels, and copy the strings."""
        failing = place in self.world.tree.unreadable
        if failing and self.kernel != "linux-6":
            return Refused("EIO")
        refused = self.copy(path)
        if refused is not None:
            return refused
        return Refused("EIO") if failing else self.judge(place)

    def copy(self, path: str) -> Refused | None:
        """Copy the path, then the strings of envp and of argv, from the last to the first."""
        old = self.kernel == "linux-2.4" or (self.kernel == "linux-2.6" and not self.reading.either("2.6.23 or later"))
        left = (OLD_BYTES[self.world.caller_arch] if old else NEW_BYTES) - _bytes(path) - 1
        for text in [*reversed(strings_of(self.call.envp)), *reversed(strings_of(self.call.argv))]:
            if text is NOWHERE:
                return Refused("EFAULT")
            left -= _bytes(text) + 1 if isinstance(text, str) else 0
            if left < 0:
                return Refused("E2BIG")
        self.left_bytes = left
        return None

    def judge(self, place: str) -> Fate:
        """Find the format."""
        new = self.kernel == "linux-6"
        data = entry_at(self.world.tree, place).data
        image = read(data, self.world.caller_arch, 256 if new else 127)
        if isinstance(image, Script):
            return of_script(self.run_interpreter(image))
        if isinstance(image, Unknown):
            # Nothing but blanks behind #!, and no newline: an empty name, which today is the directory.
            bare = new and data.startswith(b"#!") and not data[2:].strip(b" \t")
            return Refused("EACCES") if bare else Refused("ENOEXEC")
        return self.run_kernel_elf(image)

    def run_interpreter(self, script: Script) -> Fate:
        """Open what a script names, which may be a script itself, where a kernel takes that."""
        nests = self.kernel == "linux-6" or (self.kernel == "linux-2.6" and self.reading.either("2.6.28 or later"))
        if self.kernel == "linux-6" and script.unended:
            return Refused("ENOEXEC")
        if self.level and not nests:
            return Refused("ENOEXEC")
        self.level += 1
        if self.level > SCRIPTS_MAX:
            return Refused("ELOOP")
        # What it adds takes the place of the first argument (of a script in a script nobody here runs out of room).
        more = [script.interpreter, self.call.path, *([script.argument] if script.argument else [])]
        first = sum(_bytes(text) + 1 for text in strings_of(self.call.argv)[:1] if isinstance(text, str))
        full = self.level == 1 and self.left_bytes + first < sum(_bytes(str(text)) + 1 for text in more)
        if full and self.reading.either("a script's strings are copied before its interpreter is opened"):
            return Refused("E2BIG")
        held = self.world.files_left == 1 and self.reading.either("a script is held while it is run")
        place = self.open(script.interpreter, int(held))
        if isinstance(place, Stop):
            return Refused(place.errno)
        if full:
            return Refused("E2BIG")
        return Refused("EIO") if place in self.world.tree.unreadable else self.judge(place)

    def run_kernel_elf(self, image: Elf) -> Fate:
        """Judge the table and the loader's name by the kernel's column."""
        oldest = self.kernel == "linux-2.4" and not self.reading.either("2.4.32")
        refused = self.refuse_table(image, oldest=oldest)
        if refused is not None:
            return refused
        name = image.name
        if name is None:
            return Ran(self.world.at) if image.plain else Loaded()
        if name.length > 4096 or (name.length < 2 and not oldest):
            return Refused("ENOMEM" if oldest else "ENOEXEC")
        if (name.cut or not name.ended) and oldest:
            return Loaded()
        if name.cut:
            return Refused("EINVAL" if name.negative else "EIO")
        if not name.ended:
            return Refused("ENOEXEC")
        refused = self.refuse_loader(name.text, image, oldest=oldest)
        if refused is not None:
            return refused
        return Ran(self.world.at) if image.plain else Loaded()

    def refuse_table(self, image: Elf, *, oldest: bool) -> Fate | None:
        """Why the program headers are refused."""
        bad = Refused("ENOMEM" if oldest else "ENOEXEC")
        if not image.sized or (image.count < 1 and not oldest) or image.large:
            return bad
        if image.sound:
            return None
        if oldest:  # no such check: it dies later
            return Loaded()
        if self.kernel == "linux-6":
            return Refused("ENOEXEC")
        return Refused("EINVAL" if image.negative else "EIO")

    def refuse_loader(self, path: str, program: Elf, *, oldest: bool) -> Fate | None:
        """Why the loader is refused: the way to it, then its header."""
        place = self.open(path or ".", 1)
        if isinstance(place, Stop):
            return Refused(place.errno)
        if place in self.world.tree.unreadable:
            return Refused("EIO")
        data = entry_at(self.world.tree, place).data
        least = 0 if oldest else 64
        if self.kernel != "linux-6" and 64 <= len(data) < 128 and self.reading.either("128 bytes are read of a loader"):
            least = 128
        if len(data) < least:
            return Refused("EIO")
        image = read(data, self.world.caller_arch)
        fit = isinstance(image, Elf) and image.narrow == program.narrow
        if oldest and data.startswith(b"\x7fELF"):
            return None if fit else Loaded()
        if not fit:
            # Of a file of its machine but another type only today's kernels say so, and by killing.
            return Refused("ELIBBAD")
        assert isinstance(image, Elf)
        if not image.sound:
            return Refused("ELIBBAD") if self.kernel == "linux-6" else Loaded()
        return None


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
