"""Strategies for calls that a user makes on a cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.posix.fs import Fs
from bprocsim.testing.strategies.users import credentials

_NOWHERE = 99  # a node that no cluster of a test has
_MOST_PATHS = 200
_MOST_ODD = 2  # so that most calls come far enough to meet what is odd

_WORDS = st.text("abc", max_size=3)
ARGUMENTS = st.lists(_WORDS, max_size=3)
ODD_ARGUMENTS = st.lists(_WORDS | st.sampled_from(["x" * 4096, "x" * 131_072, bp.BAD_ADDRESS]), min_size=1, max_size=3)
_NO_VECTORS = st.sampled_from([bp.BAD_ADDRESS, None])
_ENVIRONMENTS = st.dictionaries(
    st.sampled_from(["PATH", "HOME", "LD_LIBRARY_PATH"]), st.sampled_from(["/bin", "", "/a:/b"]), max_size=2
)
_NO_PATHS = ("/absent", "", "/bin/sh/below", "/" + "x" * 256, "/" * 4096 + "bin/sh", "bin/sh", bp.BAD_ADDRESS, None)


def odd_ones(draw: st.DrawFn, arguments: Sequence[str]) -> set[str]:
    """Draw which arguments of a call are to be odd: none first, and never more than two."""
    return draw(st.sets(st.sampled_from(arguments), max_size=_MOST_ODD))


def vectors(odd: bool) -> st.SearchStrategy[Any]:
    """Give an argv: an empty one first, then short strings; an odd one is too long or cannot be read."""
    return ODD_ARGUMENTS | _NO_VECTORS if odd else ARGUMENTS


def environments(odd: bool) -> st.SearchStrategy[Any]:
    """Give an environment: a mapping, an empty one first; an odd one as `vectors` has it."""
    return ODD_ARGUMENTS | _NO_VECTORS if odd else _ENVIRONMENTS


def paths(files: Fs, odd: bool) -> st.SearchStrategy[Any]:
    """Give paths of executable files, the shortest first; odd ones are of other things, or of nothing."""
    found = _found(files)
    programs = [path for path in found if _is_program(files, path)]
    others = [path for path in found if path not in programs]
    if odd or not programs:
        return st.sampled_from(_NO_PATHS) | st.sampled_from([*others, "/absent"])
    return st.sampled_from(programs)


def callers(users: dict[str, bp.User], odd: bool, capabilities: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Give who calls: root, which need not be said, then the world's users; an odd one is anybody."""
    if odd:
        return credentials(capabilities).map(lambda who: {"user": who})
    return st.sampled_from([{}, *({"user": each} for each in users.values())])


def _found(files: Fs) -> list[str]:
    """Give what is there, the nearest to the root first; looking changes nothing."""
    found: list[str] = []
    left = deque(["/"])
    while left and len(found) < _MOST_PATHS:
        directory = left.popleft()
        for name in files.listdir(directory):
            path = f"{directory.rstrip('/')}/{name}"
            found.append(path)
            if files.lstat(path).kind == "directory":
                left.append(path)
    return sorted(found, key=lambda path: (len(path), path))


def _is_program(files: Fs, path: str) -> bool:
    status = files.lstat(path)
    return status.kind == "file" and bool(status.mode & 0o111)


@st.composite
def execmove_calls(draw: st.DrawFn, /, cluster: bp.Cluster) -> bp.Call:
    """Give calls of bproc_execmove and its form with I/O on a cluster: of a program to node 0, by root, first.

    Programs and other paths are those that the master has now, users those of the cluster. In some, one or
    two of the arguments are odd: what is not there, may not be, or leads nowhere. Ports may be lists of
    descriptors where the edition has them. `call(cluster)` makes it, `call(another)` the same in another world.
    """
    count = len(cluster.nodes)
    odd = odd_ones(draw, ("node", "cmd", "argv", "envp", "user", "from_node"))
    usual = range(count) if count else (_NOWHERE,)
    nodes = (bp.BPROC_NODE_MASTER, _NOWHERE, bp.BPROC_NODE_SELF, bp.BPROC_NODE_ANY) if "node" in odd else usual
    args: list[Any] = [draw(st.sampled_from(nodes)), draw(paths(cluster.master.fs, "cmd" in odd))]
    keywords = draw(callers(cluster.users, "user" in odd))
    name = draw(st.sampled_from(["bproc_execmove", "bproc_execmove_io"]))
    if name == "bproc_execmove_io":
        args.insert(1, draw(_ports(cluster)))
        keywords = {**keywords, **draw(st.sampled_from([{}, {"listen": False}, {"input": b"input"}]))}
    with_vectors: bool = draw(st.booleans())
    if with_vectors or odd & {"argv", "envp"}:
        args += [draw(vectors("argv" in odd)), draw(environments("envp" in odd))]
    slaves = [number for number in range(count) if not cluster.is_down(cluster.machine(number))]
    if slaves and "from_node" in odd:
        keywords = {**keywords, "from_node": draw(st.sampled_from(slaves))}
    return bp.Call(name, *args, **keywords)


def _ports(cluster: bp.Cluster) -> st.SearchStrategy[Any]:
    ports = st.sampled_from([4000, 0, 1, 65535, 65536, -1])
    if not cluster.edition.io_lists:
        return ports
    files = st.builds(
        bp.BprocIo,
        st.integers(0, 5),
        st.just(bp.BPROC_IO_FILE),
        file_name=st.sampled_from(["/dev/null", "/absent", "/tmp/a", "/bin"]),
        file_flags=st.sampled_from([bp.O_RDWR, bp.O_RDONLY, bp.O_WRONLY | bp.O_CREAT]),
    )
    addresses = st.builds(bp.Address, st.sampled_from(["", "10.99.0.1"]), st.sampled_from([4000, 1, 65535]))
    sockets = st.builds(bp.BprocIo, st.integers(0, 5), st.just(bp.BPROC_IO_SOCKET), addr=addresses)
    return ports | st.lists(files | sockets, max_size=3)
