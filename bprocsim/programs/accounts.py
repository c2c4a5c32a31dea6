"""Names of users and groups, as /etc/passwd and /etc/group tell them."""

from __future__ import annotations

from attrs import frozen

from bprocsim.faces.errors import CallError
from bprocsim.faces.pyos import Proc
from bprocsim.programs.files import Steps, contents

_LAST_ID = 2**32 - 1


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

    def uid(self, text: str) -> int | None:
        """Give the id that a name, or a number, means; None if there is no such user."""
        return _id(self.users, text)

    def gid(self, text: str) -> int | None:
        """Give the id that a group's name, or a number, means; None if there is no such group."""
        return _id(self.groups, text)


def _id(names: dict[int, str], text: str) -> int | None:
    known = next((number for number, name in names.items() if name == text), None)
    if known is None and text.isascii() and text.isdecimal() and len(text) < 11 and int(text) <= _LAST_ID:
        return int(text)
    return known


def accounts(proc: Proc) -> Steps:
    """Read who there is; gives Accounts, in which nobody has a name if the files cannot be read."""
    return Accounts((yield from _names(proc, "/etc/passwd")), (yield from _names(proc, "/etc/group")))


def _names(proc: Proc, path: str) -> Steps:
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
