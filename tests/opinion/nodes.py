"""Read from the pages of BProc's calls about nodes, edition by edition: what they may come to, and what they leave.

Where a page says that a call fails but not how, any errno will do.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from tests.opinion.files import may_use
from tests.opinion.worlds import Who

MASTER = -1
ANY = "any errno"
STATES = ("down", "unavailable", "error", "up", "reboot", "halt", "pwroff", "boot")  # as the header numbers them
SETTABLE = ("unavailable", "error", "up")
ORDERS = ("reboot", "halt", "pwroff")
WORD_MAX, NAME_MAX, VALUE_MAX, ATTRIBUTES_MAX = 15, 63, 64, 32


@attrs.define
class Node:
    """A slave as the master knows it."""

    state: str = "up"
    mode: int = 0o111
    uid: int = 0
    gid: int = 0
    attributes: dict[str, bytes] = attrs.field(factory=dict)

    def leave(self) -> None:
        """It is gone: nobody's, with no rights and no attributes."""
        self.state, self.mode, self.uid, self.gid = "down", 0, 0, 0
        self.attributes.clear()


@attrs.define
class Space:
    """The nodes of a cluster, and who calls."""

    edition: str
    nodes: list[Node]
    who: Who = attrs.field(factory=Who)
    on_slave: bool = False

    @property
    def newest(self) -> bool:
        """Whether nodes are files, as in 4.0."""
        return self.edition == "bproc4"

    def node(self, number: int) -> Node | None:
        """The slave of a number."""
        return self.nodes[number] if 0 <= number < len(self.nodes) else None


@attrs.frozen
class May:
    """What a call may come to: errnos, or success with one of these values, and what is then so."""

    errnos: tuple[str, ...] = ()
    values: tuple[object, ...] = ()
    then: Callable[[], None] = lambda: None


def refused(*errnos: str) -> May:
    """It fails with one of these."""
    return May(errnos)


def status(space: Space, number: int, length: int) -> May:
    """bproc_nodestatus: a number, or in 4.0 how many bytes were written."""
    node = space.node(number)
    if not space.newest:
        if number == MASTER:  # before 4.0 the pages do not speak of it
            return May((ANY,), (STATES.index("up"),))
        return refused(ANY) if node is None else May(values=(STATES.index(node.state),))
    if node is None:
        return refused("ENODATA" if number == MASTER else "ENOENT")
    return refused("ERANGE") if length < len(node.state) + 1 else May(values=(len(node.state) + 1,))


def information(space: Space, number: int) -> May:
    """bproc_nodeinfo; in 4.0 whatever is wrong is BE_INVALIDNODE, and a node that is down lacks its address."""
    node = space.node(number)
    if space.newest and (node is None or node.state == "down"):
        # The master and "self" have an address but no state; the page does not speak of them.
        return refused("BE_INVALIDNODE")
    return refused(ANY) if node is None else May(values=(0,))


def access(space: Space, number: int) -> May:
    """bproc_access for X_OK: as a move would find it, or as access(2) of the node's file."""
    node = space.node(number)
    if number == MASTER:
        return May((ANY,), (0,))
    if node is None:
        return refused("ENOENT") if space.newest else refused(ANY)
    allowed = may_use(node.mode, node.uid, node.gid, space.who) and node.state != "down"
    return May(values=(0,)) if allowed else refused("EACCES")


def change_mode(space: Space, number: int, mode: int) -> May:
    """bproc_chmod: only x bits, only the owner, not of a node that is down."""
    node, errnos = space.node(number), set()
    if node is None:
        return refused("ENOENT") if space.newest else refused(ANY)
    if mode & ~0o111 or node.state == "down" or (space.who.euid not in (0, node.uid)):
        errnos.add("EPERM")
    if errnos:
        return refused(*errnos) if space.newest else refused(ANY)
    return May(values=(0,), then=lambda: setattr(node, "mode", mode))


def change_owner(space: Space, number: int, uid: int) -> May:
    """bproc_chown: root alone; but a file's owner may say that it is his, and in 4.0 a node is a file."""
    node = space.node(number)
    if node is None:
        return refused("ENOENT") if space.newest else refused(ANY)
    kept = space.newest and space.who.euid == node.uid == uid
    if node.state == "down" or not (space.who.euid == 0 or kept):
        return refused("EPERM") if space.newest else refused(ANY)
    return May(values=(0,), then=lambda: setattr(node, "uid", uid))


def change_group(space: Space, number: int, gid: int) -> May:
    """bproc_chgrp: root, or the owner to a group that he is in; a file's owner may keep the group that it has."""
    node = space.node(number)
    if node is None:
        return refused("ENOENT") if space.newest else refused(ANY)
    kept = (node.gid,) if space.newest else ()
    mine = space.who.euid == node.uid and gid in (space.who.egid, *space.who.groups, *kept)
    if node.state == "down" or not (space.who.euid == 0 or mine):
        return refused("EPERM") if space.newest else refused(ANY)
    return May(values=(0,), then=lambda: setattr(node, "gid", gid))


def set_word(space: Space, number: int, word: str) -> May:
    """bproc_nodesetstatus of 4.0, which promises its order."""
    node = space.node(number)
    if node is None:
        return refused("ENOENT")
    if space.who.euid != 0:
        return refused("EPERM")
    if node.state == "down":
        return refused("EINVAL")
    if len(word) > WORD_MAX:
        return refused("ENOSPC")
    if not (word.isascii() and word.isalnum()):
        return refused("EINVAL") if word else refused(ANY)
    return May(values=(0,), then=node.leave if word == "down" else lambda: setattr(node, "state", word))


def set_state(space: Space, number: int, state: str) -> May:
    """bproc_setnodestatus: what is set is done; boot cannot be; what is gone or going stays so."""
    node = space.node(number)
    if space.who.euid != 0:
        # An unknown node may be noticed first.
        return refused("EPERM") if node is not None and state != "boot" else refused(ANY)
    if node is None or state == "boot" or node.state in ("down", "halt", "pwroff"):
        return refused(ANY)

    def then() -> None:
        if state == "down" or state in ORDERS:
            node.leave()
            return
        if state != node.state:
            node.mode = 0o111 if state == "up" else 0o100
            if state != "up":
                node.uid = node.gid = 0
        node.state = state

    return May(values=(0,), then=then)


def order(space: Space, number: int) -> May:
    """bproc_nodereboot, -halt, -pwroff."""
    node, errnos = space.node(number), set()
    if space.newest and space.on_slave:
        errnos.add("ENOSYS")
    if space.who.euid != 0:
        errnos.add("EPERM")
    if node is None:
        errnos.add("BE_INVALIDNODE" if space.newest else ANY)
    elif node.state == "down":
        errnos.add("BE_NODEDOWN" if space.newest else ANY)
    if errnos or node is None:
        return refused(*sorted(errnos))
    return May(values=(0,), then=node.leave)


def set_attribute(space: Space, number: int, name: str, value: bytes) -> May:
    """bproc_setnodeattr: root alone, on a node that is there, within limits."""
    node, errnos = space.node(number), set()
    if space.who.euid != 0:
        errnos.add("EPERM")
    if node is not None and node.state == "down":
        errnos.add("ENODATA")
    full = node is not None and len(node.attributes) >= ATTRIBUTES_MAX and name not in node.attributes
    if len(name) > NAME_MAX or len(value) > VALUE_MAX or full:
        errnos.add("ENOSPC")
    if node is None:
        errnos.add(ANY)
    if errnos or node is None:
        return refused(*sorted(errnos))
    return May(values=(0,), then=lambda: node.attributes.update({name: value}))


def get_attribute(space: Space, number: int, name: str, size: int) -> May:
    """bproc_getnodeattr: how many bytes the value has."""
    node = space.node(number)
    if node is None:
        return refused(ANY)
    if name not in node.attributes:
        return refused("ENODATA")
    value = node.attributes[name]
    # A size of 0 asks for the length, as getxattr(2) has it.
    return refused("ERANGE") if 0 < size < len(value) else May(values=(len(value),))
