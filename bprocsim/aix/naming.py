"""A name in the registry as calls see it: what they ask about it, and the conditions that refuse them."""

from __future__ import annotations

from typing import Any

from attrs import define, setters

from bprocsim.aix import constants as c
from bprocsim.aix.records import RsetAttributes
from bprocsim.aix.registry import (
    APPLICATION,
    PERMISSIONS,
    Key,
    NamedSet,
    enter,
    is_exclusive,
    is_legal,
    readable,
    remove,
    writable,
)
from bprocsim.aix.rsetcalls import rset_unreadable
from bprocsim.aix.service import Asker
from bprocsim.errnos import Errno as E
from bprocsim.faces.pointers import BAD_ADDRESS, pointer_or_null
from bprocsim.manual import Row


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class NameFacts:
    """What a call about a name asks about.

    `namespace`, `rsname` bytes, None for NULL, or BAD_ADDRESS; `rset`, `command`, `mode`, `attributes`
    arguments that some calls have; `type` who makes the name.
    """

    asker: Asker
    namespace: Any
    rsname: Any
    rset: Any = None
    command: int = 0
    mode: int = 0
    attributes: Any = None
    type: int = APPLICATION

    @property
    def key(self) -> Key:
        """Give the place in the registry."""
        return self.namespace, self.rsname

    @property
    def named(self) -> NamedSet | None:
        """Give what stands under the name now."""
        return self.asker.partition.names.get(self.key)

    @property
    def exclusive(self) -> bool:
        """Tell whether it is about an exclusive set."""
        return is_exclusive(self.asker.partition, self.key)

    @property
    def overwrites(self) -> bool:
        """Tell whether it would put another set under a name that exists."""
        return self.command == c.RS_REDEFINE and self.named is not None


def name_facts(asker: Asker, namespace: Any, rsname: Any) -> NameFacts:
    """Look at a name: strings as C passes them. TypeError: one is no string."""
    return NameFacts(asker, pointer_or_null(namespace, "namespace"), pointer_or_null(rsname, "rsname"))


def subject(f: NameFacts) -> bytes:
    """Give the name, as far as it can be read, as commands write it."""
    return b"/".join(part for part in (f.namespace, f.rsname) if isinstance(part, bytes))


# ---- conditions ----------------------------------------------------------------------------------


def namespace_invalid(f: NameFacts) -> bool:
    return f.namespace is not BAD_ADDRESS and (f.namespace is None or not is_legal(f.namespace))


def rsname_invalid(f: NameFacts) -> bool:
    return f.rsname is not BAD_ADDRESS and (f.rsname is None or not is_legal(f.rsname))


def name_malformed(f: NameFacts) -> bool:
    return namespace_invalid(f) or rsname_invalid(f)


def namespace_unreadable(f: NameFacts) -> bool:
    return f.namespace is BAD_ADDRESS


def rsname_unreadable(f: NameFacts) -> bool:
    return f.rsname is BAD_ADDRESS


def command_invalid(f: NameFacts) -> bool:
    return f.command not in (c.RS_DEFINE, c.RS_REDEFINE)


def mode_invalid(f: NameFacts) -> bool:
    return bool(f.mode & ~PERMISSIONS)


def not_privileged(f: NameFacts) -> bool:
    return not f.overwrites and not f.asker.may_attach


def exclusive_not_permitted(f: NameFacts) -> bool:
    if not f.exclusive or f.asker.is_root:
        return False
    return not (f.asker.partition.level.exclusive_by_capability and f.asker.may_attach)


def name_taken(f: NameFacts) -> bool:
    return f.command == c.RS_DEFINE and f.named is not None


def exclusive_set_fixed(f: NameFacts) -> bool:
    return f.exclusive and f.overwrites


def not_writable(f: NameFacts) -> bool:
    return f.overwrites and f.named is not None and not writable(f.asker.who, f.named)


def exclusive_sets_overlap(f: NameFacts) -> bool:
    partition = f.asker.partition
    if not f.exclusive or partition.level.overlapping_exclusive or rset_unreadable(f):
        return False
    return bool(f.rset.processors & partition.exclusive)


def name_absent(f: NameFacts) -> bool:
    return f.named is None


def not_readable(f: NameFacts) -> bool:
    return f.named is not None and not readable(f.asker.who, f.named)


def not_owner(f: NameFacts) -> bool:
    if f.named is None or f.asker.is_root:
        return False
    return not (f.asker.may_attach and f.asker.who.euid == f.named.owner)


def attributes_unreadable(f: NameFacts) -> bool:
    return not isinstance(f.attributes, RsetAttributes)


def attributes_command_invalid(f: NameFacts) -> bool:
    return not 0 < f.command <= (c.RS_OWNER | c.RS_GROUP | c.RS_PERM)


def attributes_mode_invalid(f: NameFacts) -> bool:
    return bool(f.command & c.RS_PERM) and not attributes_unreadable(f) and bool(f.attributes.mode & ~PERMISSIONS)


def owner_given_away(f: NameFacts) -> bool:
    if f.named is None or attributes_unreadable(f) or f.asker.is_root:
        return False
    return bool(f.command & c.RS_OWNER) and f.attributes.owner != f.named.owner


def group_not_own(f: NameFacts) -> bool:
    if f.named is None or attributes_unreadable(f) or f.asker.is_root:
        return False
    wanted = f.attributes.group
    return bool(f.command & c.RS_GROUP) and wanted != f.named.group and not f.asker.who.in_group(wanted)


def name_rows() -> tuple[Row, ...]:
    """Give the rows that every call about a name begins with."""
    return (
        Row(E.EINVAL, namespace_invalid, "namespace is NULL, empty, too long, or has an illegal character"),
        Row(E.EINVAL, rsname_invalid, "rsname is NULL, empty, too long, or has an illegal character"),
        Row(E.EFAULT, namespace_unreadable, "namespace is an invalid address"),
        Row(E.EFAULT, rsname_unreadable, "rsname is an invalid address"),
    )


ABSENT = "there is no set of that name"

# ---- what calls do -------------------------------------------------------------------------------


def register(f: NameFacts) -> int:
    """Put a copy of the set under the name; one that exists stays its owner's, with its mode."""
    partition, who, old = f.asker.partition, f.asker.who, f.named
    if old is None:
        named = NamedSet(f.rset.processors, f.rset.memory, who.euid, who.egid, f.mode, f.type)
    else:
        named = NamedSet(f.rset.processors, f.rset.memory, old.owner, old.group, old.mode, old.type)
    enter(partition, f.key, named)
    return 0


def discard(f: NameFacts) -> int:
    """Take the name away."""
    remove(f.asker.partition, f.key)
    return 0
