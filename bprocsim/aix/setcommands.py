"""What the commands mkrset and rmrset may do, and do, by the rules of the registry."""

from __future__ import annotations

from typing import Any

from bprocsim.aix import constants as c
from bprocsim.aix.naming import (
    ABSENT,
    NameFacts,
    discard,
    exclusive_not_permitted,
    exclusive_sets_overlap,
    name_absent,
    name_malformed,
    name_taken,
    register,
    subject,
)
from bprocsim.aix.registry import ADMINISTRATOR, writable
from bprocsim.aix.rset import Rset
from bprocsim.aix.rsetcalls import out_of_memory
from bprocsim.aix.service import Asker, Service
from bprocsim.errnos import Errno as E
from bprocsim.faces.pointers import c_string
from bprocsim.manual import Errors, Kind, Row


def _slashed(asker: Asker, name: Any) -> NameFacts:
    """Take the "namespace/name" of the commands; without its slash it names nothing."""
    namespace, slash, rsname = c_string(name, "name").partition(b"/")
    return NameFacts(asker, namespace if slash else None, rsname)


def may_not_make(f: NameFacts) -> bool:
    return not (f.asker.is_root or (f.asker.may_attach and f.asker.who.can("CAP_PROPAGATE")))


def may_not_remove(f: NameFacts) -> bool:
    if f.named is None or f.asker.is_root:
        return False
    return not (f.asker.may_attach and writable(f.asker.who, f.named))


def _mkrset_survey(asker: Asker, name: Any, rset: Rset) -> NameFacts:
    facts = _slashed(asker, name)
    facts.rset, facts.type, facts.command = rset, ADMINISTRATOR, c.RS_DEFINE
    facts.mode = c.RS_IRUSR | c.RS_IWUSR | c.RS_IRGRP | c.RS_IROTH
    return facts


# mkrset(name, rset): what the command does with "namespace/name" and a set.
MKRSET = Service(
    Errors(
        "mkrset",
        page="aix-mkrset",
        order="choice-rsets",
        rows=(
            Row(E.EINVAL, name_malformed, "the name is not namespace/name, or has an illegal character"),
            Row(E.EPERM, may_not_make, "the caller is not root, and lacks CAP_NUMA_ATTACH or CAP_PROPAGATE"),
            Row(E.EPERM, exclusive_not_permitted, "the caller may not make exclusive sets"),
            Row(E.EEXIST, name_taken, "the name exists"),
            Row(
                E.EBUSY,
                exclusive_sets_overlap,
                "another exclusive set holds one of its processors",
                Kind.BEYOND,
                source="choice-rsets",
            ),
            Row(E.ENOMEM, out_of_memory, "there is not enough memory for the set", Kind.BEYOND),
        ),
    ),
    _mkrset_survey,
    register,
    subject,
)

# rmrset(name): what the command does with "namespace/name".
RMRSET = Service(
    Errors(
        "rmrset",
        page="aix-rmrset",
        order="choice-rsets",
        rows=(
            Row(E.EINVAL, name_malformed, "the name is not namespace/name, or has an illegal character"),
            Row(E.ENOENT, name_absent, ABSENT),
            Row(
                E.EPERM,
                may_not_remove,
                "the caller is not root, and lacks CAP_NUMA_ATTACH or write permission on the name",
            ),
            Row(E.EPERM, exclusive_not_permitted, "the caller may not remove exclusive sets"),
        ),
    ),
    _slashed,
    discard,
    subject,
)
