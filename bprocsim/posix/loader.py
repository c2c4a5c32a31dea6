"""ld.so: it loads the libraries of a dynamic image on the machine where the image runs.

A missing or broken library is no error of exec: the loader says so on descriptor 2 and the process
exits with status 127, or 1 if a version is missing. In order: what LD_PRELOAD names, then all that
is needed, breadth-first; versions, when everything is there; symbols. Sources: glibc-ldso (order),
linux-6.18-measured (messages and statuses).
"""

from __future__ import annotations

from attrs import frozen

from bprocsim.posix.binding import Bound, missing_symbol, missing_versions
from bprocsim.posix.image import Loaded
from bprocsim.posix.libraries import Object, Search, Trouble, as_bytes, make_object, variable
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Process
from bprocsim.signals import Signal

FAILED_STATUS = 127
VERSION_STATUS = 1

# A longer entry of LD_PRELOAD is no entry.
PRELOAD_MAX_BYTES = 4095
SECURE_PRELOAD_MAX_BYTES = 255


@frozen
class Loading:
    """What came of it: `messages` are what the loader says, line by line.

    `status` with which it ends the process, None if the program runs; `signal` by which the loader
    dies when it looks into a file that is too short.
    """

    messages: tuple[bytes, ...] = ()
    status: int | None = None
    signal: int = 0


def load(machine: Machine, process: Process, image: Loaded) -> Loading:
    """Load all that an image needs, each library once, and bind it."""
    search = Search(machine, process, image)
    main = make_object(machine.arch, image.inode, b"", search.origin)
    ld_so = None
    if image.loader is not None:
        directory = image.loader_path.rpartition(b"/")[0] or b"/"
        ld_so = make_object(machine.arch, image.loader, image.loader_path, directory)
    bound = Bound([main], ld_so, process.argv[0] if process.argv else None)
    objects = _Objects(search, bound)
    said: list[bytes] = []

    for name in _preloaded(variable(process.env, b"LD_PRELOAD"), search.secure):
        found = objects.take(name, main, trusted=True)
        if isinstance(found, Trouble) and found.kills:
            return Loading(tuple(said), signal=Signal.SIGBUS)
        if isinstance(found, Trouble):
            said.append(
                b"ERROR: ld.so: object '%s' from LD_PRELOAD cannot be preloaded (%s): ignored.\n" % (name, found.text)
            )
    trouble = objects.take_all_needed()
    if trouble is not None and trouble.kills:
        return Loading(tuple(said), signal=Signal.SIGBUS)
    if trouble is not None:
        said.append(bound.shown + b": error while loading shared libraries: " + trouble.message + b"\n")
        return Loading(tuple(said), FAILED_STATUS)

    lines, gives_up = missing_versions(bound)
    said += lines
    if gives_up:
        return Loading(tuple(said), VERSION_STATUS)
    undefined = missing_symbol(bound, at_once=bool(variable(process.env, b"LD_BIND_NOW")))
    if undefined is not None:
        return Loading((*said, undefined), FAILED_STATUS)
    mapped = [each for each in (*bound.objects[1:], ld_so) if each is not None]
    image.mapped = tuple({each.path: each.inode for each in mapped}.items())
    return Loading(tuple(said))


class _Objects:
    """The objects of a process, while they are being loaded."""

    def __init__(self, search: Search, bound: Bound) -> None:
        self.search = search
        self.objects = bound.objects
        self.findable = () if bound.ld_so is None else (bound.ld_so,)  # by its name, though nobody has asked yet

    def take(self, name: bytes, asked_by: Object, trusted: bool = False) -> Object | Trouble:
        """Give the object of a name: one that is there already, the loader itself, or one just opened."""
        for each in (*self.objects, *self.findable):
            if name in each.names:
                return self._enter(each)
        found = self.search.open(name, asked_by, trusted)
        if isinstance(found, Trouble):
            return found
        for each in self.objects:
            if each.inode is found.inode:  # the same file by another name
                each.names |= {name, found.path}
                return each
        return self._enter(found)

    def _enter(self, thing: Object) -> Object:
        if thing not in self.objects:
            self.objects.append(thing)
        return thing

    def take_all_needed(self) -> Trouble | None:
        """Load what each object needs, object after object, so that it is breadth-first."""
        for asking in self.objects:  # it grows while we go
            for needed in asking.elf.needed:
                found = self.take(as_bytes(needed), asking)
                if isinstance(found, Trouble):
                    return found
                asking.needs.append(found)
        return None


def _preloaded(text: bytes, secure: bool) -> list[bytes]:
    """Split LD_PRELOAD; a program with other ids takes no names with a slash."""
    names = [each for each in text.replace(b":", b" ").split(b" ") if 0 < len(each) <= PRELOAD_MAX_BYTES]
    return [each for each in names if not secure or (b"/" not in each and len(each) < SECURE_PRELOAD_MAX_BYTES)]
