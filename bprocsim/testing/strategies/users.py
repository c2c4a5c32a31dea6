"""Strategies for who calls: accounts and credentials."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.aix.levels import CAPABILITIES

_IDS = st.sampled_from([500, 501, 0, 1, 65534, 2**32 - 2]) | st.integers(0, 2**32 - 2)
_MORE = st.fixed_dictionaries(
    {}, optional={"euid": _IDS, "egid": _IDS, "groups": st.lists(_IDS, max_size=3, unique=True)}
)
_NAMES = st.text(ascii_lowercase, min_size=1, max_size=8)


@st.composite
def credentials(draw: st.DrawFn, /, capabilities: bool = False) -> bp.Credentials:
    """Give who a process is: an ordinary user first; with `capabilities` perhaps some of AIX's.

    Ids are those of the first user, of root, of nobody, or any; effective ones that differ are rare.
    """
    uid = draw(_IDS)
    gid = draw(st.just(uid) | _IDS)
    more: dict[str, Any] = draw(_MORE) if draw(st.integers(0, 3)) == 3 else {}
    held = st.none() | st.sets(st.sampled_from(CAPABILITIES)) if capabilities else st.none()
    return bp.Credentials(uid, gid, **more, capabilities=draw(held))


def users(capabilities: bool = False) -> st.SearchStrategy[bp.User]:
    """Give accounts for `user=`: a short name and `credentials`; with `capabilities` perhaps some of AIX's."""
    return st.builds(bp.User, _NAMES, credentials(capabilities))
