"""The protocol of rcp, by which bpcp's two sides copy: one sends files, the other writes them.

A line that begins with C tells a file: its mode, its size, its name; D a directory, E its end; T that the
modes are to be kept as they are. Each is answered by a byte: 0, or 1 and a line that says what is wrong.
Source: bproc-4.0.0pre8-bpcp.
"""

from __future__ import annotations

import re

from attrs import define, setters

from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError
from bprocsim.posix.openfile import O_CREAT, O_TRUNC, O_WRONLY
from bprocsim.programs.bproc.command import Ends, Steps
from bprocsim.programs.files import contents

_PIECE_BYTES = 65536
_TOLD = re.compile(r"([CD])([0-7]{4}) ([0-9]{1,18}) ([^/]+)")
_UNCHANGED = b"T0 0 0 0\n"


@define(on_setattr=setters.NO_OP, eq=False)
class Side:
    """One side of a copy: it reads answers or files from `reading`, and writes to `writing`.

    `remote` it is on another node, so that what it has to say goes to the other side; `keeps` modes are
    kept whatever the umask; `errors` how many things could not be copied.
    """

    proc: BprocProc
    reading: int
    writing: int
    remote: bool = False
    keeps: bool = False
    errors: int = 0

    # ---- what both do ----

    def _byte(self) -> Steps:
        """Read one byte. Ends: the other side is gone."""
        try:
            byte: bytes = yield from self.proc.read(self.reading, 1)
        except CallError:
            byte = b""
        if not byte:
            raise Ends(1, "" if self.remote else "rcp: lost connection")
        return byte

    def _line(self) -> Steps:
        """Read up to the end of a line. Ends: the other side is gone."""
        line = b""
        while (byte := (yield from self._byte())) != b"\n":
            line += byte
        return line

    def _send(self, data: bytes) -> Steps:
        """Write. Ends: the other side is gone."""
        try:
            yield from self.proc.write(self.writing, data)
        except CallError:
            raise Ends(1, "" if self.remote else "rcp: lost connection") from None

    def complain(self, text: str) -> Steps:
        """Say what is wrong to the other side, and to the user if he is on this one."""
        self.errors += 1
        line = f"rcp: {text}\n".encode("utf-8", "surrogateescape")
        yield from self._send(b"\1" + line)
        if not self.remote:
            yield from self.proc.write(2, line)

    # ---- who sends ----

    def _accepted(self) -> Steps:
        """Read the answer to what was sent; True if all is well. Ends: it is the end of all."""
        answer = yield from self._byte()
        if answer == b"\0":
            return True
        text = answer if answer not in (b"\1", b"\2") else b""
        text += yield from self._line()
        self.errors += 1
        if not self.remote:
            yield from self.proc.write(2, text + b"\n")
        if answer != b"\1":
            raise Ends(1)
        return False

    def send_all(self, paths: list[str], recursive: bool) -> Steps:
        """Send files, and with `recursive` directories with all that is in them."""
        if not (yield from self._accepted()):  # it cannot take anything
            raise Ends(1)
        for path in paths:
            yield from self._send_one(path, recursive)

    def _send_one(self, path: str, recursive: bool) -> Steps:
        try:
            status = yield from self.proc.stat(path)
            if status.kind == "directory" and recursive:
                names = yield from self.proc.scandir(path)
                yield from self._send_directory(path, status.mode, names)
                return
            if status.kind != "file":
                yield from self.complain(f"{path}: not a plain file")
                return
            data = yield from contents(self.proc, path)
        except CallError as error:
            yield from self.complain(f"{path}: {error.error.message}")
            return
        if (yield from self._tell("C", status.mode, len(data), path)):
            for place in range(0, len(data), _PIECE_BYTES):
                yield from self._send(data[place : place + _PIECE_BYTES])
            yield from self._send(b"\0")
            yield from self._accepted()

    def _send_directory(self, path: str, mode: int, names: list[str]) -> Steps:
        if (yield from self._tell("D", mode, 0, path)):
            for name in names:
                yield from self._send_one(f"{path.rstrip('/')}/{name}", True)
            yield from self._send(b"E\n")
            yield from self._accepted()

    def _tell(self, kind: str, mode: int, size: int, path: str) -> Steps:
        """Say what comes; gives whether the other side takes it."""
        if self.keeps:
            yield from self._send(_UNCHANGED)
            if not (yield from self._accepted()):
                return False
        name = path.rstrip("/").rpartition("/")[2] or "."
        yield from self._send(f"{kind}{mode:04o} {size} {name}\n".encode("utf-8", "surrogateescape"))
        return (yield from self._accepted())

    # ---- who writes ----

    def take_all(self, target: str, must_be_directory: bool) -> Steps:
        """Write what comes to `target`, or into it if it is a directory."""
        into = yield from self._is_directory(target)
        if must_be_directory and not into:
            yield from self.complain(f"{target}: Not a directory")
            raise Ends(1)
        yield from self._send(b"\0")
        yield from self._take_into(target, into)

    def _is_directory(self, path: str) -> Steps:
        try:
            return (yield from self.proc.stat(path)).kind == "directory"
        except CallError:
            return False

    def _take_into(self, target: str, into: bool) -> Steps:
        """Write what comes, up to the end of this directory."""
        while True:
            first = yield from self._first()
            if first in (b"", b"E"):
                if first:
                    yield from self._line()  # who sent it is answered once all of the directory is done
                return
            line = first + (yield from self._line())
            if first in (b"\1", b"\2"):
                self.errors += 1
                if not self.remote:
                    yield from self.proc.write(2, line[1:] + b"\n")
                if first == b"\2":
                    raise Ends(1)
                continue
            if first == b"T":
                self.keeps = True
                yield from self._send(b"\0")
                continue
            told = _TOLD.fullmatch(line.decode("utf-8", "surrogateescape"))
            if told is None:
                yield from self.complain("protocol screwup: expected control record")
                raise Ends(1)
            path = f"{target.rstrip('/') or '/'}/{told[4]}".replace("//", "/", 1) if into else target
            takes = self._take_directory if told[1] == "D" else self._take_file
            yield from takes(path, int(told[2], 8), int(told[3]))

    def _first(self) -> Steps:
        """Read the first byte of what comes next, b"" if nothing does."""
        try:
            return (yield from self.proc.read(self.reading, 1))
        except CallError:
            return b""

    def _take_directory(self, path: str, mode: int, _size: int) -> Steps:
        try:
            if not (yield from self._is_directory(path)):
                yield from self.proc.mkdir(path, mode | 0o700)
        except CallError as error:
            yield from self.complain(f"{path}: {error.error.message}")
            return
        yield from self._send(b"\0")
        yield from self._take_into(path, True)
        trouble = yield from self._keep(path, mode)
        if trouble is not None:
            yield from self.complain(f"{path}: {trouble.error.message}")
        else:
            yield from self._send(b"\0")

    def _take_file(self, path: str, mode: int, size: int) -> Steps:
        try:
            fd = yield from self.proc.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode)
        except CallError as error:
            yield from self.complain(f"{path}: {error.error.message}")
            return
        yield from self._send(b"\0")
        trouble: CallError | None = None
        while size:
            data: bytes = yield from self.proc.read(self.reading, min(size, _PIECE_BYTES))
            if not data:
                raise Ends(1, "" if self.remote else "rcp: lost connection")
            size -= len(data)
            try:
                yield from self.proc.write(fd, data)
            except CallError as error:
                trouble = error
        yield from self.proc.close(fd)
        trouble = trouble or (yield from self._keep(path, mode))
        well = yield from self._accepted()
        if trouble is not None:
            yield from self.complain(f"{path}: {trouble.error.message}")
        elif well:
            yield from self._send(b"\0")

    def _keep(self, path: str, mode: int) -> Steps:
        """Set the mode that is to be kept; gives what hinders it, or None."""
        if self.keeps:
            try:
                yield from self.proc.chmod(path, mode)
            except CallError as error:
                return error
        return None
