"""The registry of named sets: what stands there, who may use a name, and which processors are exclusive.

Sources: aix-rs_registername, aix-exclusive.
"""

from __future__ import annotations

from attrs import define, setters

from bprocsim.aix.constants import RS_IRUSR, RS_IWUSR, RSET_NAME_SIZE
from bprocsim.aix.partition import Partition
from bprocsim.posix.credentials import Credentials

# The namespace whose sets make their processors exclusive.
EXCLUSIVE_NAMESPACE = b"sysxrset"

# The permission bits of a name; read and write for owner, group and others.
PERMISSIONS = 0o666

# Who made a name: a program, or an administrator by mkrset. Source: aix-rset-header.
APPLICATION, ADMINISTRATOR = 0, 0o1000

# namespace and name
Key = tuple[bytes, bytes]


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class NamedSet:
    """A set under a name: a copy of what was registered, whose it is, and who may read and overwrite it."""

    processors: int
    memory: int
    owner: int
    group: int
    mode: int
    type: int = APPLICATION


def is_legal(name: bytes) -> bool:
    """Tell whether a namespace or a name may be called so: 1 to 255 printable characters of ASCII.

    Blanks and "/" are not among them: commands divide their arguments, and a namespace from a name, there.
    """
    return 0 < len(name) <= RSET_NAME_SIZE and b"/" not in name and all(0x20 < byte < 0x7F for byte in name)


def permits(who: Credentials, named: NamedSet, owner_bit: int) -> bool:
    """Tell whether somebody may use a name as `owner_bit`, RS_IRUSR or RS_IWUSR, allows its owner to.

    Root always may. Who is the owner goes by the owner's bits, who is of the group by the group's,
    as everywhere in Unix.
    """
    if who.euid == 0 or who.euid == named.owner:
        return who.euid == 0 or bool(named.mode & owner_bit)
    return bool(named.mode & owner_bit >> (3 if who.in_group(named.group) else 6))


def readable(who: Credentials, named: NamedSet) -> bool:
    """Tell whether somebody may read the set behind a name."""
    return permits(who, named, RS_IRUSR)


def writable(who: Credentials, named: NamedSet) -> bool:
    """Tell whether somebody may overwrite the set behind a name."""
    return permits(who, named, RS_IWUSR)


def is_exclusive(partition: Partition, key: Key) -> bool:
    """Tell whether a name is, or would be, that of an exclusive set."""
    return key[0] == EXCLUSIVE_NAMESPACE and partition.level.exclusive_sets


def enter(partition: Partition, key: Key, named: NamedSet) -> None:
    """Put a set under a name; processors that become exclusive lose the work that does not name them."""
    partition.names[key] = named
    _renew_exclusive(partition)


def remove(partition: Partition, key: Key) -> None:
    """Take a name away; what was attached by it stays so, for attachments are copies.

    Processors that no other exclusive set holds are everybody's again.
    """
    del partition.names[key]
    _renew_exclusive(partition)


def _renew_exclusive(partition: Partition) -> None:
    found = 0
    for key, named in partition.names.items():
        if is_exclusive(partition, key):
            found |= named.processors
    if found != partition.exclusive:
        partition.exclusive = found
        partition.changed()
