"""What is wrong with an exec on AIX: one defect for each row, which can be put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

import bprocsim as bp
from bprocsim.faces.pointers import BAD_ADDRESS, vector
from bprocsim.manual import Row
from bprocsim.posix.exec import ExecFacts
from bprocsim.posix.paths import walk

PROGRAM, SCRIPT = "/fs/d/app", "/scripts/run"
LIMIT_BYTES = 1024 * 1024


def quiet(proc: bp.Proc) -> int:
    return 7


@define
class Case:
    """One exec, to be spoilt before it is built: of a program, or (`script`) of a script that names it."""

    script: bool = False
    path: Any = PROGRAM
    target: str = PROGRAM  # where the program really is
    user: bp.Credentials = field(factory=lambda: bp.Credentials(0, 0))
    argv: Any = field(factory=lambda: ["app"])
    envp: Any = field(factory=dict)
    content: bytes | bp.XcoffImage | None = None
    mode: int = 0o755
    kind: str = "file"
    mount: dict[str, bool] = field(factory=dict)
    directory_mode: int = 0o755
    written: bool = False
    bad: list[str] = field(factory=list)
    links: dict[str, str] = field(factory=dict)
    lost: bool = False
    free_bytes: int | None = None

    def build(self) -> bp.Lpar:
        """Make the world."""
        lpar = bp.Lpar(cores=1, smt=1)
        fs = lpar.machine.fs
        fs.mkdir("/fs")
        fs.mount("/fs", **self.mount)
        fs.mkdir("/fs/d")
        fs.mkdir("/scripts")
        for path, to in self.links.items():
            fs.symlink(to, path)
        if self.kind == "file":
            lpar.install(PROGRAM, quiet)
            if isinstance(self.content, bytes):
                fs.write_file(PROGRAM, self.content)
            elif self.content is not None:
                fs.write_file(PROGRAM, self.content.to_bytes())
            fs.chmod(PROGRAM, self.mode)
        else:
            fs.mknod(PROGRAM, self.kind, self.mode)
        if self.script:
            name = self.path.encode()
            fs.write_file(SCRIPT, b"#!" + name + b"\n", mode=0o755)
        fs.chmod("/fs/d", self.directory_mode)
        if self.written:
            fs.open_for_write(PROGRAM)
        lpar.home.tree.bad_paths.update(each.encode() for each in self.bad)
        if self.free_bytes is not None:
            lpar.home.memory.withheld_bytes = lpar.home.memory.free_bytes - self.free_bytes
        return lpar

    def facts(self, lpar: bp.Lpar) -> ExecFacts:
        """Give what the kernel asks."""
        tree = lpar.home.tree
        inside = walk(tree, tree.root, b"/fs/d", bp.Credentials(0, 0), sectors=False).inode
        assert inside is not None
        if self.lost:
            lpar.machine.fs.unmount("/fs")
        path = SCRIPT if self.script else self.path
        return ExecFacts(
            lpar.home, self.user, inside.number if self.lost else tree.root,
            path if path is BAD_ADDRESS else path.encode(), vector(self.argv, "argv"), vector(self.envp, "envp"),
        )  # fmt: skip

    def decided(self) -> tuple[Row | None, set[str]]:
        """Give the row that is reported, and the causes that are due."""
        lpar = self.build()
        facts = self.facts(lpar)
        table = lpar.home.execve_errors
        return table.first(facts), {row.cause for row in table.every(facts)}


STRANGER = bp.Credentials(500, 500)


def put(name: str, value: Any) -> Callable[[Case], None]:
    def spoil(case: Case) -> None:
        setattr(case, name, value)

    return spoil


def both(*steps: Callable[[Case], None]) -> Callable[[Case], None]:
    def spoil(case: Case) -> None:
        for step in steps:
            step(case)

    return spoil


def add(name: str, **more: bool) -> Callable[[Case], None]:
    def spoil(case: Case) -> None:
        getattr(case, name).update(more)

    return spoil


def set_id(case: Case) -> None:
    case.mode |= 0o4000
    case.mount["foreign_ids"] = True


def not_executable(case: Case) -> None:
    case.mode &= ~0o111


def strings(size: int) -> list[str]:
    """Make argv of so many bytes, NULs among them."""
    return ["app", "x" * (size - len("app\0") - 1)]


def image(**wrong: Any) -> bp.XcoffImage:
    return bp.XcoffImage(needed=("libc.a(shr.o)",), program="app", **wrong)


# By the part of an exec that they spoil: of one part only one thing can be wrong at a time.
WAY: dict[str, Callable[[Case], None]] = {
    "current_directory_lost": both(put("lost", True), put("path", "app")),
    "server_silent": add("mount", silent=True),
    "search_denied": both(put("directory_mode", 0o700), put("user", STRANGER)),
    "component_too_long": both(put("links", {"/long": "x" * 256}), put("path", "/long")),
    "cmd_absent": put("path", "/fs/d/none"),
    "not_a_directory": put("path", "/fs/d/app/x"),
    "too_many_links": both(put("links", {f"/l{n}": f"/l{n + 1}" for n in range(21)}), put("path", "/l0")),
    "path_io_error": put("bad", ["/fs/d"]),
}
DEFECTS: dict[str, dict[str, Callable[[Case], None]]] = {
    "path": {
        "cmd_unreadable": put("path", BAD_ADDRESS),
        "cmd_too_long": put("path", "/" + "fs/../" * 170 + "fs/d/app"),
        "cmd_empty": put("path", ""),
        **WAY,
    },
    "mount": {"noexec_mount": add("mount", noexec=True)},
    "kind": {"not_regular": put("kind", "fifo")},
    "mode": {"not_executable": not_executable},
    "writer": {"cmd_being_written": put("written", True)},
    "ids": {"ids_untranslated": set_id},
    "sector": {"header_io_error": put("bad", [PROGRAM])},
    "argv": {"argv_unreadable": put("argv", None), "string_unreadable": put("argv", ["app", BAD_ADDRESS])},
    "envp": {"envp_unreadable": put("envp", BAD_ADDRESS), "args_too_big": put("envp", ["x" * LIMIT_BYTES])},
    "content": {
        "format_unknown": put("content", b"echo no header\n"),
        "script_malformed": put("content", b"#!\n"),
        "wrong_machine": put("content", image(bits=64, header={"f_magic": 0x01EF})),
        "header_malformed": put("content", image(auxiliary={"o_snloader": 9})),
    },
    "memory": {"out_of_memory": put("free_bytes", 4096)},
}
# What cannot be wrong together: without a way to the file nobody knows what it is, ...
TOGETHER_NEVER = {
    ("path", part) for part in ("mount", "kind", "mode", "writer", "ids", "sector", "content")
} | {
    # ... what is no file has no contents and is not open for writing, what cannot be read is of no format,
    ("kind", "writer"), ("kind", "sector"), ("kind", "content"), ("sector", "writer"), ("sector", "content"),
    # ... and where there is no image its memory is not known.
    ("path", "memory"), ("kind", "memory"), ("sector", "memory"),
}  # fmt: skip


def compatible(one: str, other: str, causes: set[str]) -> bool:
    if (one, other) in TOGETHER_NEVER or (other, one) in TOGETHER_NEVER:
        return False
    # A text may be written while it runs, and takes no memory.
    texts = {"format_unknown", "script_malformed", "header_malformed"}
    return not (causes & texts and causes & {"cmd_being_written", "out_of_memory"} - {"header_malformed"})
