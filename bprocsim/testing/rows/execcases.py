"""A call that becomes another image, as data: what a case of a cluster and one of a partition share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from attrs import evolve, frozen

import bprocsim as bp
from bprocsim.notation import Notated
from bprocsim.posix.copying import limit_bytes, room_bytes
from bprocsim.testing.rows.files import File

USER = "alice"
STREAMS = 3  # descriptors that every process has
PROGRAM, INTERPRETER = File("/program"), File("/interpreter")


@frozen(repr=False)
class ExecCase(Notated):
    """A call of the exec family in a world: by default it succeeds.

    `cmd` "path", "bad" (address) or "empty", `cmd_bytes` its length if it is to be padded; `program`
    the file that it names, `interpreter` the file that the program names if it is a script or has a
    PT_INTERP. `scripts` more scripts stand between a script and its interpreter. `argv`, `envp` can
    be read, and have so many elements if `argv_pointers`, `envp_pointers` are not 0; `element` their
    elements can be read; `room` bytes left in the argument area (None: as much as there is).
    `free_files`, `free_bytes` what the calling machine has left for this caller, `descriptors` what
    its process has.
    """

    cmd: str = "path"
    cmd_bytes: int = 0
    program: File = PROGRAM
    interpreter: File = INTERPRETER
    scripts: int = 0
    argv: bool = True
    envp: bool = True
    argv_pointers: int = 0
    envp_pointers: int = 0
    element: bool = True
    room: int | None = None
    descriptors: int | None = None
    free_files: int | None = None
    free_bytes: int | None = None

    @property
    def profile(self) -> bp.ExecProfile:
        """Give the rules of exec as a record."""
        raise NotImplementedError

    @property
    def bits(self) -> int:
        """Give the width of a word on the calling machine."""
        raise NotImplementedError

    @property
    def loads_interpreter(self) -> bool:
        """Tell whether the interpreter that an image names is one of this case's."""
        return True

    @property
    def interpreted(self) -> bool:
        """Tell whether the program names an interpreter of this case's."""
        program = self.program
        with_loader = program.content == "elf" and program.interpreters > 0
        return program.content == "script" or (with_loader and self.loads_interpreter)

    def bad_paths(self) -> Iterator[str]:
        """Give the paths at which the disk is to fail."""
        for file in (self.program, self.interpreter) if self.interpreted else (self.program,):
            if file.bad:
                yield file.place
            if file.bad_way:
                yield file.directory if file.bad_way == "directory" else file.place

    def change(self, *changes: Mapping[str, Any]) -> Self:
        """Give this case with some fields changed; "program.bad" is a field of the program."""
        own: dict[str, Any] = {}
        parts: dict[str, dict[str, Any]] = {}
        for name, value in (item for change in changes for item in change.items()):
            part, _, field = name.rpartition(".")
            (parts.setdefault(part, {}) if part else own)[field] = value
        for part, fields in parts.items():
            own[part] = evolve(getattr(self, part), **fields)
        return evolve(self, **own)

    def interpreter_path(self, files: Any) -> str:
        """Give the interpreter's path; a `#!` line is short, so for a long one a link to it."""
        path = self.interpreter.path
        if self.program.content != "script" or len(path) < 80:
            return path
        files.symlink(path, "/short")
        return "/short"

    def nested(self, files: Any, named: str) -> str:
        """Put scripts between the program and the interpreter; give what the program is to name."""
        for number in range(self.scripts):
            path = f"/script{number}"
            files.write_file(path, f"#!{named}\n".encode(), mode=0o755)
            named = path
        return named

    # ---- the arguments ----

    def arguments(self) -> tuple[Any, Any, Any]:
        """Give cmd, argv and envp of the call."""
        cmd: Any = {"bad": bp.BAD_ADDRESS, "empty": ""}.get(self.cmd, self.program.path)
        if self.cmd == "path" and self.cmd_bytes:
            directory, _, name = cmd.rpartition("/")
            cmd = directory + "/" * (self.cmd_bytes - len(directory) - len(name)) + name
        argv: Any = ["name", *[""] * (self.argv_pointers - 1)] if self.argv else bp.BAD_ADDRESS
        envp: Any = [""] * self.envp_pointers if self.envp else bp.BAD_ADDRESS
        vector = argv if self.argv else envp
        if self.room is not None and (self.argv or self.envp):
            taken = self._taken(b"" if self.cmd == "bad" else cmd.encode()) + (len("name") + 1 if self.argv else 0)
            vector += self._filling(taken + self.room)
        if not self.element:
            # In the other vector where there is one, so that both kinds of error have a place.
            (envp if self.envp else vector if self.argv else []).append(bp.BAD_ADDRESS)
        return cmd, argv, envp

    def _taken(self, cmd: bytes) -> int:
        """Tell how much of the argument area the program's name takes."""
        return len(cmd) + 1

    def _filling(self, kept_bytes: int) -> list[str]:
        """Give strings that leave so much of the argument area, and their pointers; none is too long by itself."""
        kernel = self.profile
        longest = kernel.string_bytes or limit_bytes(kernel, self.bits)
        strings: list[str] = []
        while True:
            # This one, argv's first, for which an empty argv counts too, and what leads nowhere.
            pointers = len(strings) + 2 + (not self.element)
            left = room_bytes(kernel, self.bits, pointers) - kept_bytes - sum(len(each) + 1 for each in strings)
            strings.append("a" * (min(left, longest) - 1))
            if left <= longest:
                return strings
