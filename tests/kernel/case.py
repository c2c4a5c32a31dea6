"""A case: one execve in one small world, as data that both sides build for themselves.

Its tree begins at `/`, on both sides: the real one is entered by chroot. So paths, `#!` lines and
links are the same bytes here and there. Nothing here knows the simulator.
"""

from __future__ import annotations

import itertools
import json
from enum import Enum
from typing import Any, Final

from attrs import Attribute, field, fields, frozen

from tests.kernel import bytetext

# What decides, in the order in which a kernel comes to it.
STAGES = (
    "name", "walk", "file", "busy", "vectors", "strings", "format", "script", "elf", "interpreter", "after",
)  # fmt: skip

KINDS = ("file", "dir", "symlink", "hardlink", "fifo", "socket", "chr", "blk", "mount")
MOUNT_FLAGS = ("noexec", "nosuid", "readonly", "nosymfollow")
HOLDS = ("writer", "mapping", "reader")

# What both sides have at the top before a case comes: its own names must be others.
TAKEN = frozenset({b"bin", b"usr", b"lib", b"lib64", b"etc", b"dev", b"tmp"})


class _Pointer(Enum):
    BAD = "an address where nothing is mapped"

    def __repr__(self) -> str:
        return "BAD"


BAD: Final = _Pointer.BAD

Text = bytes | _Pointer | None  # None is NULL
Vector = tuple[Text, ...] | _Pointer | None


@frozen
class Entry:
    """One thing in the tree, made in its turn.

    `kind` one of KINDS: a "hardlink" is one more name of what `target` names, a "mount" puts an
    empty file system (tmpfs, 0755, root's) with `flags` on a directory; what comes later may lie in
    it. `mode`, `uid`, `gid` of all but links and mounts; `data` a file's bytes; `target` a link's.
    """

    path: bytes
    kind: str = "file"
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    data: bytes = b""
    target: bytes = b""
    flags: tuple[str, ...] = ()


@frozen
class Who:
    """The caller: real and effective ids (None: the real ones), groups, capabilities.

    `capabilities` None: what the effective uid implies; else exactly these.
    """

    uid: int = 0
    gid: int = 0
    euid: int | None = None
    egid: int | None = None
    groups: tuple[int, ...] = ()
    capabilities: tuple[str, ...] | None = None


@frozen
class Held:
    """A file that somebody else has open: for writing, mapped shared and writable, or for reading."""

    path: bytes
    how: str = "writer"


def _check_path(_case: Case, _named: Attribute[Any], tree: tuple[Entry, ...]) -> None:
    for each in tree:
        assert each.kind in KINDS, each
        assert each.path.startswith(b"/"), each
        assert set(each.flags) <= set(MOUNT_FLAGS), each
        assert each.path.split(b"/")[1] not in TAKEN, f"{each.path!r}: this name is taken"


@frozen
class Case:
    """One call of execve: the tree, who calls from where, with which arguments.

    `id` "stage/what-it-is"; `stage` what decides it, one of STAGES. `cwd_removed` the caller's
    directory is removed before the call; `held` what others hold open; `stack_bytes` RLIMIT_STACK,
    None for 8 MiB.
    """

    id: str
    tree: tuple[Entry, ...] = field(default=(), validator=_check_path)
    cmd: Text = b"/x"
    argv: Vector = (b"x",)
    envp: Vector = ()
    who: Who = Who()
    cwd: bytes = b"/"
    cwd_removed: bool = False
    held: tuple[Held, ...] = ()
    stack_bytes: int | None = None

    @property
    def stage(self) -> str:
        """Give what decides it."""
        return self.id.partition("/")[0]


@frozen
class Answer:
    """What a call came to: ("errno", name), ("exit", status) or ("signal", number).

    `told` what the new image wrote on descriptor 1. A side that could not be asked, or did not
    answer in time, has the kind "broken", with the reason as value.
    """

    kind: str
    value: str | int
    told: bytes = b""

    def __str__(self) -> str:
        said = f", telling {bytetext.show(self.told)}" if self.told else ""
        return f"{self.value}{said}" if self.kind == "errno" else f"{self.kind} {self.value}{said}"


# ---- as JSON: what is as usual is left out ------------------------------------------------------


def to_json(case: Case) -> dict[str, Any]:
    """Give a case as what JSON can hold."""
    return {name: _packed(name, value) for name, value in _unusual(case).items()}


def from_json(found: dict[str, Any]) -> Case:
    """Take a case from what JSON held; ValueError or KeyError for what `to_json` did not make."""
    given = dict(found)
    for name in ("cmd", "cwd"):
        if name in given:
            given[name] = _pointer(given[name])
    for name in ("argv", "envp"):
        if name in given:
            given[name] = _vector(given[name])
    if "tree" in given:
        given["tree"] = tuple(_entry(each) for each in given["tree"])
    if "held" in given:
        given["held"] = tuple(Held(bytetext.read(path), how) for path, how in given["held"])
    if "who" in given:
        given["who"] = Who(**{name: _frozen(value) for name, value in given["who"].items()})
    return Case(**given)


def answer_to_json(answer: Answer) -> list[Any]:
    """Give an answer as what JSON can hold."""
    return [answer.kind, answer.value, *([bytetext.show(answer.told)] if answer.told else [])]


def answer_from_json(found: list[Any]) -> Answer:
    """Take an answer from what JSON held."""
    return Answer(found[0], found[1], *map(bytetext.read, found[2:]))


def line(value: Any) -> str:
    """Write what JSON can hold in one line, always the same one."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _unusual(record: Any) -> dict[str, Any]:
    """Give those fields of a record that differ from their defaults, in the order of the class."""
    names = [each.name for each in fields(type(record)) if getattr(record, each.name) != each.default]
    return {name: getattr(record, name) for name in names}


def _packed(name: str, value: Any) -> Any:
    if name in ("argv", "envp") and isinstance(value, tuple):
        runs = [(_packed("", text), len(list(same))) for text, same in itertools.groupby(value)]
        return [text if times == 1 else [text, times] for text, times in runs]
    if isinstance(value, bytes):
        return bytetext.show(value)
    if value is BAD:
        return "{bad}"
    if name == "mode":
        return f"{value:04o}"
    if isinstance(value, tuple):
        return [_packed("", each) for each in value]
    if isinstance(value, Held):
        return [bytetext.show(value.path), value.how]
    if isinstance(value, Entry | Who):
        return {each: _packed(each, inner) for each, inner in _unusual(value).items()}
    return value


def _pointer(text: Any) -> Text:
    return text if text is None else BAD if text == "{bad}" else bytetext.read(text)


def _vector(found: Any) -> Vector:
    if not isinstance(found, list):
        vector = _pointer(found)
        assert not isinstance(vector, bytes), found
        return vector
    texts: list[Text] = []
    for each in found:
        text, times = each if isinstance(each, list) else (each, 1)
        texts += [_pointer(text)] * times
    return tuple(texts)


def _entry(found: dict[str, Any]) -> Entry:
    given = dict(found)
    for name in ("path", "data", "target"):
        if name in given:
            given[name] = bytetext.read(given[name])
    if "mode" in given:
        given["mode"] = int(given["mode"], 8)
    return Entry(**{name: _frozen(value) for name, value in given.items()})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
