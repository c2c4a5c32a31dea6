"""Names for sets: rs_registername, rs_getnamedrset, rs_discardname, rs_getnameattr, rs_setnameattr."""

from __future__ import annotations

from typing import Any

from bprocsim.aix import constants as c
from bprocsim.aix.naming import (
    ABSENT,
    NameFacts,
    attributes_command_invalid,
    attributes_mode_invalid,
    attributes_unreadable,
    command_invalid,
    discard,
    exclusive_not_permitted,
    exclusive_set_fixed,
    exclusive_sets_overlap,
    group_not_own,
    mode_invalid,
    name_absent,
    name_facts,
    name_rows,
    name_taken,
    not_owner,
    not_privileged,
    not_readable,
    not_writable,
    owner_given_away,
    register,
    subject,
)
from bprocsim.aix.rsetcalls import out_of_memory, rset_unreadable
from bprocsim.aix.service import Asker, Service
from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Kind, Row

# ---- rs_registername, rs_getnamedrset, rs_discardname --------------------------------------------


def _register_survey(asker: Asker, rset: Any, namespace: Any, rsname: Any, mode: int, command: int) -> NameFacts:
    facts = name_facts(asker, namespace, rsname)
    facts.rset, facts.mode, facts.command = rset, mode, command
    return facts


# rs_registername(rset, namespace, rsname, mode, command): puts a copy of the set under a name.
RS_REGISTERNAME = Service(
    Errors(
        "rs_registername",
        page="aix-rs_registername",
        order="choice-rsets",
        rows=(
            *name_rows(),
            Row(E.EINVAL, command_invalid, "command is neither RS_DEFINE nor RS_REDEFINE"),
            Row(E.EINVAL, mode_invalid, "mode has bits that are no permissions"),
            Row(E.EFAULT, rset_unreadable, "rset is an invalid address"),
            Row(E.EPERM, not_privileged, "the caller has neither root authority nor CAP_NUMA_ATTACH"),
            Row(E.EPERM, exclusive_not_permitted, "the caller may not make exclusive sets"),
            Row(E.EEXIST, name_taken, "the name exists, and command is RS_DEFINE"),
            Row(E.EBUSY, exclusive_set_fixed, "an exclusive set can not be overwritten", Kind.BEYOND),
            Row(E.EPERM, not_writable, "the caller has no write permission on the name"),
            Row(
                E.EBUSY,
                exclusive_sets_overlap,
                "another exclusive set holds one of its processors",
                Kind.BEYOND,
                source="choice-rsets",
            ),
            Row(E.ENOMEM, out_of_memory, "there is not enough memory for the set"),
        ),
    ),
    _register_survey,
    register,
    subject,
)


def _named_survey(asker: Asker, namespace: Any, rsname: Any, rset: Any) -> NameFacts:
    facts = name_facts(asker, namespace, rsname)
    facts.rset = rset
    return facts


def _get_named(f: NameFacts) -> int:
    assert f.named is not None
    f.rset.processors, f.rset.memory = f.named.processors, f.named.memory
    return 0


# rs_getnamedrset(namespace, rsname, rset): copies what stands under a name into a set.
RS_GETNAMEDRSET = Service(
    Errors(
        "rs_getnamedrset",
        page="aix-rs_getnamedrset",
        order="choice-rsets",
        rows=(
            *name_rows(),
            Row(E.EFAULT, rset_unreadable, "rset is an invalid address"),
            Row(E.ENOENT, name_absent, ABSENT),
            Row(E.EPERM, not_readable, "the caller has no read permission on the name"),
        ),
    ),
    _named_survey,
    _get_named,
    subject,
)


# rs_discardname(namespace, rsname): takes a name away.
RS_DISCARDNAME = Service(
    Errors(
        "rs_discardname",
        page="aix-rs_discardname",
        order="choice-rsets",
        rows=(
            *name_rows(),
            Row(E.ENOENT, name_absent, ABSENT, Kind.BEYOND, source="aix-rs_getnamedrset"),
            Row(E.EPERM, not_owner, "the caller is neither root nor, with CAP_NUMA_ATTACH, the owner of the name"),
            Row(E.EPERM, exclusive_not_permitted, "the caller may not remove exclusive sets"),
        ),
    ),
    name_facts,
    discard,
    subject,
)

# ---- rs_getnameattr, rs_setnameattr --------------------------------------------------------------


def _getattr_survey(asker: Asker, namespace: Any, rsname: Any, attributes: Any) -> NameFacts:
    facts = name_facts(asker, namespace, rsname)
    facts.attributes = attributes
    return facts


def _get_attributes(f: NameFacts) -> int:
    named, out = f.named, f.attributes
    assert named is not None
    out.owner, out.group, out.mode, out.type = named.owner, named.group, named.mode, named.type
    return 0


# rs_getnameattr(namespace, rsname, attributes): fills the attributes; anybody may.
RS_GETNAMEATTR = Service(
    Errors(
        "rs_getnameattr",
        page="aix-rs_getnameattr",
        order="choice-rsets",
        rows=(
            *name_rows(),
            Row(E.EFAULT, attributes_unreadable, "the attributes are at an invalid address"),
            Row(E.ENOENT, name_absent, ABSENT),
        ),
    ),
    _getattr_survey,
    _get_attributes,
    subject,
)


def _setattr_survey(asker: Asker, namespace: Any, rsname: Any, command: int, attributes: Any) -> NameFacts:
    facts = _getattr_survey(asker, namespace, rsname, attributes)
    facts.command = command
    return facts


def _set_attributes(f: NameFacts) -> int:
    named, given = f.named, f.attributes
    assert named is not None
    if f.command & c.RS_OWNER:
        named.owner = given.owner
    if f.command & c.RS_GROUP:
        named.group = given.group
    if f.command & c.RS_PERM:
        named.mode = given.mode
    return 0


# rs_setnameattr(namespace, rsname, command, attributes): sets those that the bits of command name.
RS_SETNAMEATTR = Service(
    Errors(
        "rs_setnameattr",
        page="aix-rs_setnameattr",
        order="choice-rsets",
        rows=(
            *name_rows(),
            Row(
                E.EINVAL,
                attributes_command_invalid,
                "command has no bit of RS_OWNER, RS_GROUP, RS_PERM, or others",
                name="command_invalid",
            ),
            Row(E.EFAULT, attributes_unreadable, "the attributes are at an invalid address"),
            Row(E.EINVAL, attributes_mode_invalid, "the mode has bits that are no permissions", name="mode_invalid"),
            Row(E.ENOENT, name_absent, ABSENT),
            Row(E.EPERM, not_owner, "the caller is neither root nor, with CAP_NUMA_ATTACH, the owner of the name"),
            Row(E.EPERM, owner_given_away, "only root may change the owner"),
            Row(E.EPERM, group_not_own, "the group is none of the caller's"),
        ),
    ),
    _setattr_survey,
    _set_attributes,
    subject,
)

# ---- rs_getrsetnames -----------------------------------------------------------------------------


def _names(found: tuple[Asker, Any]) -> list[tuple[str, str]]:
    asker, namespace = found
    return [
        (where.decode("ascii"), name.decode("ascii"))
        for where, name in sorted(asker.partition.names)
        if namespace is None or where == namespace
    ]


# rs_getrsetnames(namespace): gives the pairs (namespace, rsname) of a namespace, or all for NULL, in order.
RS_GETRSETNAMES = Service(
    Errors("rs_getrsetnames", page="choice-commands", order="choice-commands", rows=()),
    lambda asker, namespace: (asker, namespace),
    _names,
)
