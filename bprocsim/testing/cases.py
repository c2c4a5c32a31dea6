"""One call in one small world, described as data: what is wrong there, and all at once if wanted.

A `Case` says what the files, the arguments, the calling node and the destination are like. Built with
the public calls and faults alone, it becomes a cluster in which the call can be made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from attrs import evolve, frozen

import bprocsim as bp
from bprocsim.posix.copying import limit_bytes, room_bytes
from bprocsim.posix.elf import PT_INTERP
from bprocsim.units import KiB

USER = "alice"
CALLER, TARGET, OTHER = -1, 2, 1
NOWHERE = 99  # no node has this number
LOADER = "/lib64/ld-linux-x86-64.so.2"
PORT = 4000
FOREIGN_MACHINE = 20  # ppc, which no node here runs
BITS = 64  # of a word on the calling node
STREAMS = 3  # descriptors that every process has
NAME_MAX, PATH_MAX = 255, 4096


@frozen
class File:
    """A file that exec opens, and the way to it.

    `directory` where it lies; `name_bytes` of its last component; `links` symbolic links inside
    each other on the way; `missing` it is not there; `beneath` the path goes on below it; `closed`
    the caller may not search its directory; `bad_way` "directory" or "link": what cannot be read
    on the way; `noexec`, `nosuid` the flags of its file system; `kind` what it is; `executable`,
    `set_id` its mode; `written` somebody writes it; `bad` its contents cannot be read. `content`
    "elf", "script", "text" or "empty"; of an ELF file `magic` its first four bytes, `foreign` for
    another machine, `malformed` what is wrong with the headers or with PT_INTERP, `interpreters` how many PT_INTERP.
    """

    directory: str
    name_bytes: int = 4
    links: int = 0
    missing: bool = False
    beneath: bool = False
    closed: bool = False
    bad_way: str = ""
    noexec: bool = False
    nosuid: bool = False
    kind: str = "file"
    executable: bool = True
    set_id: int = 0
    written: bool = False
    bad: bool = False
    content: str = "elf"
    magic: bytes = b"\x7fELF"
    foreign: bool = False
    malformed: str = ""
    interpreters: int = 0

    @property
    def place(self) -> str:
        """Give where it lies."""
        return f"{self.directory}/{'f' * self.name_bytes}"

    @property
    def path(self) -> str:
        """Give the path by which it is named."""
        named = f"{self.directory}.links/1" if self.links > 1 else self.place
        return named + "/below" if self.beneath else named


@frozen
class Case:
    """A call in a world: by default it succeeds.

    `call` and `edition`, `kernel` (names or records) the rules; `daemon` the master's is there. `cmd` "path", "bad"
    (address) or "empty", `cmd_bytes` its length if it is to be padded; `program` the file that it
    names, `interpreter` the file that the program names if it is a script or has a PT_INTERP.
    `scripts` more scripts stand between a script and its interpreter. `argv`, `envp` can be read, and
    have so many elements if `argv_pointers`, `envp_pointers` are not 0; `element` their elements can
    be read; `room` bytes left in the argument area (None: as much as there is). `free_files`,
    `free_bytes` what the calling node has left for this caller, `descriptors` what its process has.

    `from_node` and `node` from where to where. Of node 2, whether it is the destination or not:
    `down` it is; `node_mode` who may go there; `lost_at` the step at which it loses power;
    `node_arch` its architecture; `loader_there` it has the usual loader; `node_free_bytes` of its
    memory. `by_name` the loader is not sent with the image; `port` of the I/O forwarding, `listens`
    somebody does there; `silent` the link from node 2 to the caller is cut when the process is about
    to connect back.
    """

    call: str = "bproc_execmove"
    edition: str | bp.Edition = "scyld"
    kernel: str | bp.ExecProfile = "documented"
    daemon: bool = True
    cmd: str = "path"
    cmd_bytes: int = 0
    program: File = File("/program")
    interpreter: File = File("/interpreter")
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
    from_node: int = CALLER
    node: int = TARGET
    down: bool = False
    node_mode: int = 0o111
    lost_at: bp.Step | None = None
    node_arch: str = "x86-64"
    by_name: bool = False
    loader_there: bool = True
    node_free_bytes: int | None = None
    port: int = 0
    listens: bool = True
    silent: bool = False

    def change(self, *changes: Mapping[str, Any]) -> Case:
        """Give this case with some fields changed; "program.bad" is a field of the program."""
        own: dict[str, Any] = {}
        parts: dict[str, dict[str, Any]] = {}
        for name, value in (item for change in changes for item in change.items()):
            part, _, field = name.rpartition(".")
            (parts.setdefault(part, {}) if part else own)[field] = value
        for part, fields in parts.items():
            own[part] = evolve(getattr(self, part), **fields)
        return evolve(self, **own)

    # ---- the world ----

    def world(self, trace: str = "errors") -> bp.Cluster:
        """Build a fresh cluster in which the call can be made."""
        faults: list[Any] = [*self._faults()]
        if self.silent and self.call == "bproc_execmove" and self.from_node != TARGET:
            faults.append(bp.LinkCut(self.from_node, TARGET, at_ns=self._connects_back_ns()))
        cluster = bp.Cluster(
            [bp.NodeSpec(arch=self.node_arch if number == TARGET else "x86-64") for number in range(TARGET + 1)],
            master=bp.NodeSpec(),
            edition=self._edition(),
            kernel=self.kernel,
            faults=faults,
            trace=trace,
        )
        cluster.user(USER, 500, 500)
        files = self._handle(cluster, self.from_node).fs
        if self.interpreted:
            _make(files, self.interpreter, (LOADER, LOADER))
        named = self._interpreter_path(files) if self.interpreted else LOADER
        _make(files, self.program, (self._nested(files, named), named))
        if self.node_mode != 0o111:
            cluster.nodes[TARGET].chmod(self.node_mode)
        if not self.loader_there:
            cluster.nodes[TARGET].fs.unlink(LOADER)
        return cluster

    @property
    def profile(self) -> bp.ExecProfile:
        """Give the rules of exec as a record."""
        return bp.kernels[self.kernel] if isinstance(self.kernel, str) else self.kernel

    @property
    def interpreted(self) -> bool:
        """Tell whether the program names an interpreter of this case's."""
        program = self.program
        with_loader = program.content == "elf" and program.interpreters > 0
        return program.content == "script" or (with_loader and not self.by_name)

    def caller(self, cluster: bp.Cluster) -> bp.ProcessHandle:
        """Start an idle process that may make the call, with no more descriptors than the case leaves it."""
        limit = {} if self.descriptors is None else {"open_limit": STREAMS + self.descriptors}
        return cluster.idle_process(cluster.users[USER], self.from_node, **limit)

    def make(self, cluster: bp.Cluster, caller: Any = None) -> bp.Outcome:
        """Make the call in a world that `world` built, by a fresh process or by an idle `caller` there."""
        who: dict[str, Any] = {"from_node": self.from_node, "user": cluster.users[USER]}
        if self.descriptors is not None and caller is None:
            caller = self.caller(cluster)
        if caller is not None:
            who = {"caller": caller}
        if self.call == "execve":
            return cluster.execve(*self._arguments(), **who)
        if not self.port:
            return cluster.bproc_execmove(self.node, *self._arguments(), **who)
        return cluster.bproc_execmove_io(self.node, self.port, *self._arguments(), **who, listen=self.listens)

    def run(self) -> bp.Outcome:
        """Build the world and make the call."""
        return self.make(self.world())

    @staticmethod
    def _handle(cluster: bp.Cluster, number: int) -> Any:
        return cluster.master if number == CALLER else cluster.nodes[number]

    def _edition(self) -> Any:
        edition = bp.editions[self.edition] if isinstance(self.edition, str) else self.edition
        return evolve(edition, library_list=(LOADER,)) if self.by_name else edition

    def _faults(self) -> Iterable[Any]:
        here, program = self.from_node, self.program
        if not self.daemon:
            yield bp.MasterDaemonExit()
        for file in (program, self.interpreter) if self.interpreted else (program,):
            if file.bad:
                yield bp.IoError(here, file.place)
            if file.bad_way:
                yield bp.IoError(here, file.directory if file.bad_way == "directory" else file.place)
        if self.free_files is not None:
            yield bp.OpenFileLimit(here, self.free_files + self.profile.reserved_files)
        if self.free_bytes is not None:
            yield bp.MemoryFull(here, self.free_bytes)
        if self.down:
            yield bp.PowerOff(TARGET)
        if self.lost_at is not None:
            yield bp.PowerOff(TARGET, step=self.lost_at)
        if self.node_free_bytes is not None:
            yield bp.MemoryFull(TARGET, self.node_free_bytes)

    def _connects_back_ns(self) -> int:
        """Tell when the destination is about to connect back, from a world without the cut."""
        cluster = evolve(self, silent=False).world(trace="all")
        evolve(self, silent=False).make(cluster)
        thawed = [each.at_ns for each in cluster.trace.of_kind("step") if each.step == bp.Step.THAW.name]
        return int(thawed[0]) if thawed else 0

    def _interpreter_path(self, files: Any) -> str:
        """Give the interpreter's path; a `#!` line is short, so for a long one a link to it."""
        path = self.interpreter.path
        if self.program.content != "script" or len(path) < 80:
            return path
        files.symlink(path, "/short")
        return "/short"

    def _nested(self, files: Any, named: str) -> str:
        """Put scripts between the program and the interpreter; give what the program is to name."""
        for number in range(self.scripts):
            path = f"/script{number}"
            files.write_file(path, f"#!{named}\n".encode(), mode=0o755)
            named = path
        return named

    # ---- the arguments ----

    def _arguments(self) -> tuple[Any, Any, Any]:
        cmd: Any = {"bad": bp.BAD_ADDRESS, "empty": ""}.get(self.cmd, self.program.path)
        if self.cmd == "path" and self.cmd_bytes:
            directory, _, name = cmd.rpartition("/")
            cmd = directory + "/" * (self.cmd_bytes - len(directory) - len(name)) + name
        argv: Any = ["name", *[""] * (self.argv_pointers - 1)] if self.argv else bp.BAD_ADDRESS
        envp: Any = [""] * self.envp_pointers if self.envp else bp.BAD_ADDRESS
        vector = argv if self.argv else envp
        if self.room is not None and (self.argv or self.envp):
            taken = (0 if self.cmd == "bad" else len(cmd)) + 1 + (len("name") + 1 if self.argv else 0)
            vector += self._filling(taken + self.room)
        if not self.element:
            # In the other vector where there is one, so that both kinds of error have a place.
            (envp if self.envp else vector if self.argv else []).append(bp.BAD_ADDRESS)
        return cmd, argv, envp

    def _filling(self, kept_bytes: int) -> list[str]:
        """Give strings that leave so much of the argument area, and their pointers; none is too long by itself."""
        kernel = self.profile
        longest = kernel.string_bytes or limit_bytes(kernel, BITS)
        strings: list[str] = []
        while True:
            # This one, argv's first, for which an empty argv counts too, and what leads nowhere.
            pointers = len(strings) + 2 + (not self.element)
            left = room_bytes(kernel, BITS, pointers) - kept_bytes - sum(len(each) + 1 for each in strings)
            strings.append("a" * (min(left, longest) - 1))
            if left <= longest:
                return strings


# ---- files ---------------------------------------------------------------------------------------


def _make(files: Any, file: File, interpreters: tuple[str, ...]) -> None:
    """Make a file, its directory, and the links to it."""
    files.mkdir(file.directory)
    if file.noexec or file.nosuid:
        files.mount(file.directory, noexec=file.noexec, nosuid=file.nosuid)
    _make_links(files, file)
    place = _itself(file) if file.links else file.place
    mode = (0o755 if file.executable else 0o644) | file.set_id
    if not file.missing and file.name_bytes <= NAME_MAX:
        if file.kind == "file":
            files.write_file(place, _content(file, interpreters), mode=mode)
            if file.written:
                files.open_for_write(place)
        elif file.kind == "directory":
            files.mkdir(place, mode=mode)
        else:
            files.mknod(place, file.kind, mode=mode)
    if file.closed:
        files.chmod(file.directory, 0o700)


def _itself(file: File) -> str:
    """Give the place of a file to which links lead."""
    return f"{file.directory}/itself"


def _make_links(files: Any, file: File) -> None:
    """Make links that stand inside each other's targets; the last lies beside the file."""
    if not file.links or file.name_bytes > NAME_MAX:
        return
    files.symlink(_itself(file), file.place)
    if file.links > 1:
        way = f"{file.directory}.links"
        files.mkdir(way)
        for number in range(1, file.links):
            files.symlink(f"{way}/{number + 1}" if number < file.links - 1 else file.place, f"{way}/{number}")


@lru_cache(maxsize=256)
def _content(file: File, interpreters: tuple[str, ...]) -> bytes:
    """Give the bytes of a file that names these interpreters if it names any."""
    if file.content == "empty":
        return b""
    if file.content in ("text", "long text"):
        return b"no program at all\n" * (1 if file.content == "text" else 8)
    if file.content == "script":
        return b"#!\n" if file.malformed else b"#!" + interpreters[0].encode() + b" -x\n"
    image = bp.ElfImage(
        machine=FOREIGN_MACHINE if file.foreign else 62,
        bits=64,
        byteorder="little",
        interpreters=[_PATHS.get(file.malformed, str)(each) for each in interpreters[: file.interpreters]],
        magic=file.magic,
        memory_bytes=64 * KiB,
    )
    if file.malformed in _ELSEWHERE:
        place = _ELSEWHERE[file.malformed]
        moved = [each._replace(p_offset=place) if each.p_type == PT_INTERP else each for each in image.segments]
        return evolve(image, segments=moved, memory_bytes=None).to_bytes()
    return evolve(image, **_MALFORMED.get(file.malformed, {})).to_bytes()


# What makes of good headers ones that no kernel takes.
_MALFORMED: dict[str, dict[str, Any]] = {
    "type": {"type": "REL"},
    "entry size": {"phentsize": 60},
    "no entries": {"phnum": 0},
    "too many entries": {"phnum": 2000},
    "table elsewhere": {"phoff": 1 << 40},
    "negative table": {"phoff": 1 << 63},
    "short": {"truncate": 40},
}

# What makes of a good path in PT_INTERP one that no kernel takes: without the NUL that ends it, too
# long, or too short even for its NUL; and places where it is not.
_PATHS: dict[str, Callable[[str], str | bytes]] = {
    "interpreter": lambda path: path.encode(),
    "long interpreter": lambda path: path.encode().ljust(PATH_MAX + 1, b"\0"),
    "short interpreter": lambda path: b"\0",
}
_ELSEWHERE = {"interpreter elsewhere": 1 << 40, "negative interpreter": 1 << 63}
