"""Error numbers by name, with the number that each simulated system gives them.

The host's own numbers never appear here: they differ between Linux, macOS, AIX and browsers,
and a simulated system must answer alike on all of them.
"""

from __future__ import annotations

from enum import Enum
from typing import NoReturn

SYSTEMS = ("linux", "aix")


class Errno(Enum):
    """An error of a simulated call: its name, its number per system and what strerror says.

    The value is (Linux number, AIX number or None where the system has none or no source was
    found, message). BProc's own numbers are those of a Linux kernel with BProc in it.
    Sources: linux-errno, aix-errno, go-sys-aix, bproc-common.
    """

    EPERM = (1, 1, "Operation not permitted")
    ENOENT = (2, 2, "No such file or directory")
    ESRCH = (3, 3, "No such process")
    EINTR = (4, 4, "Interrupted system call")
    EIO = (5, 5, "Input/output error")
    ENXIO = (6, 6, "No such device or address")
    E2BIG = (7, 7, "Argument list too long")
    ENOEXEC = (8, 8, "Exec format error")
    EBADF = (9, 9, "Bad file descriptor")
    ECHILD = (10, 10, "No child processes")
    EAGAIN = (11, 11, "Resource temporarily unavailable")
    ENOMEM = (12, 12, "Cannot allocate memory")
    EACCES = (13, 13, "Permission denied")
    EFAULT = (14, 14, "Bad address")
    EBUSY = (16, 16, "Device or resource busy")
    EEXIST = (17, 17, "File exists")
    EXDEV = (18, 18, "Invalid cross-device link")
    ENODEV = (19, 19, "No such device")
    ENOTDIR = (20, 20, "Not a directory")
    EISDIR = (21, 21, "Is a directory")
    EINVAL = (22, 22, "Invalid argument")
    ENFILE = (23, 23, "Too many open files in system")
    EMFILE = (24, 24, "Too many open files")
    ETXTBSY = (26, 26, "Text file busy")
    ENOSPC = (28, 28, "No space left on device")
    ESPIPE = (29, 29, "Illegal seek")
    EROFS = (30, 30, "Read-only file system")
    EMLINK = (31, 31, "Too many links")
    EPIPE = (32, 32, "Broken pipe")
    ERANGE = (34, 34, "Numerical result out of range")
    EDEADLK = (35, 45, "Resource deadlock avoided")
    ENAMETOOLONG = (36, 86, "File name too long")
    ENOSYS = (38, 109, "Function not implemented")
    ENOTEMPTY = (39, 17, "Directory not empty")
    ELOOP = (40, 85, "Too many levels of symbolic links")
    ENODATA = (61, 122, "No data available")
    ELIBBAD = (80, None, "Accessing a corrupted shared library")
    ENOTSOCK = (88, 57, "Socket operation on non-socket")
    EOPNOTSUPP = (95, 64, "Operation not supported")
    ENOTSUP = (95, 124, "Not supported")
    EADDRINUSE = (98, 67, "Address already in use")
    EADDRNOTAVAIL = (99, 68, "Cannot assign requested address")
    ECONNRESET = (104, 73, "Connection reset by peer")
    EISCONN = (106, 75, "Transport endpoint is already connected")
    ENOTCONN = (107, 76, "Transport endpoint is not connected")
    ETIMEDOUT = (110, 78, "Connection timed out")
    ECONNREFUSED = (111, 79, "Connection refused")
    EHOSTUNREACH = (113, 81, "No route to host")
    ESTALE = (116, 52, "Stale file handle")
    EPROCLIM = (None, 83, "Process limit reached")
    BE_INVALIDNODE = (300, None, "Invalid node number")
    BE_NODEDOWN = (301, None, "Node is down")
    BE_SAMENODE = (302, None, "Move to same node")
    BE_SLAVEDIED = (303, None, "Slave node died")
    BE_INVALIDPROC = (304, None, "Invalid process ID")

    @property
    def message(self) -> str:
        """Tell what strerror says of it."""
        text: str = self.value[2]
        return text

    def number(self, system: str = "linux") -> int:
        """Give the number that `system` ("linux" or "aix") has for this error.

        ValueError: an unknown system, or one that has no such error.
        """
        if system not in SYSTEMS:
            raise ValueError(f"system: expected one of {', '.join(SYSTEMS)}, got {system!r}")
        number: int | None = self.value[SYSTEMS.index(system)]
        if number is None:
            raise ValueError(f"{self.name}: no number of {system} is known for it")
        return number

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int):
            self._compared(other)
        return self is other

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = Enum.__hash__

    def _compared(self, other: int) -> NoReturn:
        raise TypeError(
            f"an Errno never equals an int (compared with {other}): numbers differ between systems; "
            f"write errno.number('linux') == {other}, or compare with bp.Errno.{self.name}"
        )

    def __repr__(self) -> str:
        return f"Errno.{self.name}"


# BProc's own numbers by the names that its header gives them. Source: bproc-common.
BE_BASE = 300
BE_INVALIDNODE, BE_NODEDOWN = Errno.BE_INVALIDNODE.number(), Errno.BE_NODEDOWN.number()
BE_SAMENODE, BE_SLAVEDIED = Errno.BE_SAMENODE.number(), Errno.BE_SLAVEDIED.number()
BE_INVALIDPROC = Errno.BE_INVALIDPROC.number()


def message_of(number: int, system: str = "linux") -> str:
    """Give what strerror says of a number of `system`; ValueError: an unknown system."""
    if number == 0:
        return "Success"
    place = SYSTEMS.index(system)
    return next((each.message for each in Errno if each.value[place] == number), f"Unknown error {number}")


def by_name(name: str) -> Errno:
    """Find an errno by its name in any case; ValueError names it and lists what there is."""
    found = Errno.__members__.get(name.upper())
    if found is None:
        raise ValueError(f"no errno is called {name!r}; there are {' '.join(Errno.__members__)}")
    return found
