"""AIX's loader, once the old image is gone: what it says of a missing library, and how the process ends.

Sources: aix-loader-messages, aix-exec-errors.
"""

from __future__ import annotations

from typing import Any

from bprocsim.aix.libraries import Loader, Trouble, libpath_of
from bprocsim.errnos import Errno as E
from bprocsim.posix.image import Loaded
from bprocsim.posix.loader import Loading
from bprocsim.posix.procs import Process
from bprocsim.signals import Signal

# By Level.library_failure; "errno" is decided before, unless the library went meanwhile.
EXIT_STATUS = 255

# What follows "System error:". Of others the errno's own text.
_SAID = {
    E.ENOENT: "A file or directory in the path name does not exist.",
    E.EACCES: "The file access permissions do not allow the specified action.",
    E.ENOEXEC: "Cannot run a file that does not have a valid format.",
    E.EIO: "There is an input or output error.",
    E.ENOMEM: "There is not enough memory available now.",
}


def load(machine: Any, process: Process, image: Loaded) -> Loading:
    """Load all that an image needs; a library that cannot be loaded ends the process."""
    who = process.credentials
    secure = who.uid != who.euid or who.gid != who.egid
    loader = Loader(machine, who, process.cwd, libpath_of(process.env, secure))
    trouble = loader.trouble(image.elf)  # type: ignore[arg-type]  # an XcoffFile, as the architecture has it
    if trouble is None:
        return Loading()
    said = message(image.path, trouble)
    if machine.partition.level.library_failure == "sigkill":
        return Loading((said,), signal=Signal.SIGKILL)
    return Loading((said,), EXIT_STATUS)


def message(path: bytes, trouble: Trouble) -> bytes:
    """Write what is said of a program whose library cannot be loaded."""
    lines = [f"0509-150   Dependent module {each} could not be loaded." for each in trouble.chain]
    last = trouble.chain[-1]
    if trouble.member:
        lines.append(f"0509-152   Member {trouble.member} is not found in archive")
    elif trouble.no_archive:
        lines.append(f"0509-153   File {trouble.no_archive} is not an archive or")
        lines.append("\t   the file could not be read properly.")
    else:
        lines.append(f"0509-022 Cannot load module {last}.")
        if trouble.foreign:
            lines.append("0509-103   The module has an invalid magic number.")
        else:
            said = _SAID.get(trouble.errno) or f"{trouble.errno.message}."
            lines.append(f"0509-026 System error: {said}")
    text = "".join(f"\t{line}\n" for line in lines)
    head = b"exec(): 0509-036 Cannot load program " + path + b" because of the following errors:\n"
    return head + text.encode("utf-8", "surrogateescape")
