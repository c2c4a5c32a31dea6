"""BProc 4.0's nodes beside a naive model of bpfs: random calls by random users, and both say the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

import bprocsim as bp

NODES = 3
USERS = {"root": (0, 0, ()), "alice": (500, 500, (7,)), "bob": (501, 501, ())}


@define
class File:
    """The file of a node: what it holds, and whose it is."""

    state: str = "up"
    mode: int = 0o111
    uid: int = 0
    gid: int = 0
    attributes: dict[str, bytes] = field(factory=dict)

    def goes_down(self) -> None:
        self.state, self.mode, self.uid, self.gid = "down", 0, 0, 0
        self.attributes.clear()


def is_master(node: int, here: int) -> bool:
    return (here if node == -2 else node) == -1


@define
class Model:
    """What bpfs(5) says, read once more: each call gives an errno's name, or what it returns."""

    files: list[File] = field(factory=lambda: [File() for _ in range(NODES)])

    def seen(self, node: int, here: int) -> File | None:
        """The file that somebody on node `here` has of a node."""
        node = here if node == -2 else node
        if not 0 <= node < NODES or (here != -1 and node != here):
            return None
        return self.files[node]

    def chmod(self, who: str, here: int, node: int, mode: int) -> Any:
        file = self.to_change(node, here)
        if isinstance(file, str):
            return file
        if file.state == "down" or USERS[who][0] not in (0, file.uid) or mode & ~0o111:
            return "EPERM"
        file.mode = mode
        return 0

    def chown(self, who: str, here: int, node: int, uid: int) -> Any:
        file = self.to_change(node, here)
        if isinstance(file, str):
            return file
        own = USERS[who][0] == file.uid == uid
        if file.state == "down" or not (who == "root" or own or uid == -1):
            return "EPERM"
        file.uid = uid if uid != -1 else file.uid
        return 0

    def chgrp(self, who: str, here: int, node: int, gid: int) -> Any:
        file = self.to_change(node, here)
        if isinstance(file, str):
            return file
        uid, own, others = USERS[who]
        allowed = who == "root" or gid == -1 or (uid == file.uid and gid in (file.gid, own, *others))
        if file.state == "down" or not allowed:
            return "EPERM"
        file.gid = gid if gid != -1 else file.gid
        return 0

    def to_change(self, node: int, here: int) -> File | str:
        """The file that is to be changed; SELF is no name for that."""
        file = self.seen(node, here) if node != -2 else None
        return "ENOENT" if file is None else "EPERM" if here != -1 else file

    def nodesetstatus(self, who: str, here: int, node: int, word: str) -> Any:
        file = self.to_change(node, here)
        if isinstance(file, str):
            return file
        if who != "root":
            return "EPERM"
        if file.state == "down":
            return "EINVAL"
        if len(word) > 15:
            return "ENOSPC"
        if not re.fullmatch("[A-Za-z0-9]+", word):
            return "EINVAL"
        if word == "down":
            file.goes_down()
        file.state = word
        return 0

    def setnodeattr(self, who: str, here: int, node: int, name: str, value: bytes) -> Any:
        file = self.to_change(node, here)
        if isinstance(file, str):
            return file
        if who != "root":
            return "EPERM"
        if file.state == "down":
            return "ENODATA"
        full = name not in file.attributes and len(file.attributes) == 32
        if len(name) > 63 or len(value) > 64 or full:
            return "ENOSPC"
        file.attributes[name] = value
        return 0

    def getnodeattr(self, _who: str, here: int, node: int, name: str, room: int) -> Any:
        file = self.seen(node, here)
        if file is None and not is_master(node, here):
            return "ENOENT"
        if file is None or here != -1 or name not in file.attributes:
            return "ENODATA"
        value = file.attributes[name]
        return "ERANGE" if room < len(value) else value

    def nodestatus(self, _who: str, here: int, node: int, room: int) -> Any:
        file = self.seen(node, here)
        if is_master(node, here) or (file is not None and here != -1):
            return "ENODATA"
        if file is None:
            return "ENOENT"
        word = file.state.encode() + b"\0"
        return "ERANGE" if room < len(word) else word

    def access(self, who: str, here: int, node: int, mode: int) -> Any:
        file = self.seen(node, here)
        if file is None and not is_master(node, here):
            return "ENOENT"
        if mode & ~1:
            return "EACCES"
        if file is None or (who == "root" and file.mode):
            return 0
        uid, own, others = USERS[who]
        bit = 0o100 if uid == file.uid else 0o010 if file.gid in (own, *others) else 0o001
        return 0 if file.mode & bit else "EACCES"

    def nodespec(self, _who: str, here: int, text: str) -> Any:
        """One part of a specification; which nodes it means."""
        if here != -1:
            return "ENOENT"
        found = re.fullmatch(r"(all)?(not|!)?([a-z]+)", text)
        if found is None or text == "all":
            return list(range(NODES)) if text == "all" else [n for n in range(NODES) if text == str(n)]
        return [n for n in range(NODES) if (self.files[n].state == found[3]) is not bool(found[2])]


NUMBERS = st.sampled_from([0, 1, 2, 0, 1, 2, -1, -2, -3, 3])
IDS = st.sampled_from([0, 500, 501, 7, -1])
NAMES = st.sampled_from(["cpus", "mem", "n" * 63, "n" * 64]) | st.integers(0, 40).map(lambda number: f"x{number}")
ROOMS = st.integers(0, 66)
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "chmod": (NUMBERS, st.sampled_from([0, 0o1, 0o10, 0o100, 0o111, 0o101, 0o711])),
    "chown": (NUMBERS, IDS),
    "chgrp": (NUMBERS, IDS),
    "nodesetstatus": (NUMBERS, st.sampled_from(["up", "odd", "boot", "error", "down", "", "a_b", "x" * 15, "x" * 16])),
    "setnodeattr": (NUMBERS, NAMES, st.binary(max_size=66)),
    "getnodeattr": (NUMBERS, NAMES, ROOMS),
    "nodestatus": (NUMBERS, st.integers(0, 17)),
    "access": (NUMBERS, st.sampled_from([0, 1, 1, 2, 7])),
    "nodespec": (st.sampled_from(["all", "up", "allup", "notup", "!odd", "alldown", "all!down", "0", "2", "7"]),),
}
CALLS = st.sampled_from(sorted(ARGUMENTS)).flatmap(
    lambda name: st.tuples(
        st.just(name), st.sampled_from([*USERS, "root", "root"]), st.sampled_from([-1, -1, -1, 0, 1]),
        st.tuples(*ARGUMENTS[name]),
    )
)  # fmt: skip


def called(cluster: bp.Cluster, users: dict[str, Any], name: str, who: str, here: int, args: Any) -> Any:
    """Make a call in a cluster; give the errno's name, or what came of it."""
    by: Any = {"user": users[who], "from_node": here}
    if name in ("nodestatus", "getnodeattr"):
        buffer = bytearray(80)
        out = getattr(cluster, f"bproc_{name}")(*args[:-1], buffer, args[-1], **by)
        told: Any = bytes(buffer[: out.value])
    elif name == "setnodeattr":
        node, attribute, value = args
        out = cluster.bproc_setnodeattr(node, attribute, value, len(value), **by)
        told = out.value
    elif name == "nodespec":
        found = bp.BprocNodeSet()
        out = cluster.bproc_nodespec(found, *args, **by)
        told = [info.node for info in found.node]
    else:
        out = getattr(cluster, f"bproc_{name}")(*args, **by)
        told = out.value
    return out.errno.name if out.errno is not None else told


@pytest.mark.slow
@settings(max_examples=150)
@given(st.lists(CALLS, max_size=40))
def test_the_calls_do_what_the_model_does(calls: list[tuple[str, str, int, tuple[Any, ...]]]) -> None:
    cluster, model = bp.Cluster(NODES, edition="bproc4"), Model()
    users = {name: cluster.user(name, *ids) if name != "root" else None for name, ids in USERS.items()}
    for name, who, here, args in calls:
        if here != -1 and model.files[here].state == "down":
            continue  # nobody is there to call
        assert called(cluster, users, name, who, here, args) == getattr(model, name)(who, here, *args), (
            name,
            who,
            here,
        )
    for number, file in enumerate(model.files):
        node = cluster.nodes[number]
        assert (node.state, node.mode, node.uid, node.gid) == (file.state, file.mode, file.uid, file.gid)
