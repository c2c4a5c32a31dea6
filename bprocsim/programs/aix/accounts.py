"""Names of users and groups, as /etc/passwd and /etc/group tell them."""

from __future__ import annotations

from attrs import frozen

from bprocsim.faces.aix import AixProc
from bprocsim.faces.errors import CallError
from bprocsim.programs.aix.command import Steps
from bprocsim.programs.files import contents


@frozen
class Accounts:
    """Names by ids; who has none goes by a number."""

    users: dict[int, str]
    groups: dict[int, str]

    def user(self, uid: int) -> str:
        """Give the name of a user."""
        return self.users.get(uid, str(uid))

    def group(self, gid: int) -> str:
        """Give the name of a group."""
        return self.groups.get(gid, str(gid))


def accounts(proc: AixProc) -> Steps:
    """Read who there is; gives Accounts, in which nobody has a name if the files cannot be read."""
    return Accounts((yield from _names(proc, "/etc/passwd")), (yield from _names(proc, "/etc/group")))


def _names(proc: AixProc, path: str) -> Steps:
    """Read names by ids: the first and the third field; of two lines for an id the first counts."""
    try:
        data = yield from contents(proc, path)
    except CallError:
        return {}
    found: dict[int, str] = {}
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        fields = line.split(":")
        if len(fields) > 2 and fields[0] and fields[2].isascii() and fields[2].isdecimal() and len(fields[2]) < 11:
            found.setdefault(int(fields[2]), fields[0])
    return found
