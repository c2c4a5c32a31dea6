"""Strategies for calls that a user makes on a cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.posix.fs import Fs
from bprocsim.posix.vfs import Kind
from bprocsim.testing.strategies.users import credentials

_NOWHERE = 99  # a node that no cluster of a test has
_MOST_PATHS = 200
_MOST_ODD = 2  # so that most calls come far enough to meet what is odd

_WORDS = st.text("abc", max_size=3)
_NO_VECTORS = st.sampled_from([bp.BAD_ADDRESS, None])

# argv, and the odd ones of it: too long, or of strings that cannot be read.
ARGUMENTS = st.lists(_WORDS, max_size=3)
ODD_ARGUMENTS = st.lists(_WORDS | st.sampled_from(["x" * 4096, "x" * 131_072, bp.BAD_ADDRESS]), min_size=1, max_size=3)
ODD_VECTORS = ODD_ARGUMENTS | _NO_VECTORS
ENVIRONMENTS = st.dictionaries(
    st.sampled_from(["PATH", "HOME", "LD_LIBRARY_PATH"]), st.sampled_from(["/bin", "", "/a:/b"]), max_size=2
)
_NO_PATHS = ("/absent", "", "/bin/sh/below", "/" + "x" * 256, "/" * 4096 + "bin/sh", "bin/sh", bp.BAD_ADDRESS, None)
_ANYBODY = {each: credentials(each).map(lambda who: {"user": who}) for each in (False, True)}


def odd_ones(arguments: Sequence[str]) -> st.SearchStrategy[frozenset[str]]:
    """Give which arguments of a call are odd: none first, and never more than two."""
    return st.frozensets(st.sampled_from(arguments), max_size=_MOST_ODD)


def paths(files: Fs, odd: bool) -> st.SearchStrategy[Any]:
    """Give paths of executable files, a shell first; odd ones are of other things, or of nothing."""
    programs, others = _found(files)
    if odd or not programs:
        return st.sampled_from([*_NO_PATHS, *others])
    return st.sampled_from(programs)


def callers(users: dict[str, bp.User], odd: bool, capabilities: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Give who calls: root, which need not be said, then the world's users; an odd one is anybody."""
    if odd:
        return _ANYBODY[capabilities]
    return st.sampled_from([{}, *({"user": each} for each in users.values())])


def _found(files: Fs) -> tuple[list[str], list[str]]:
    """Give the executable files that are there, and all else, the shortest path first; looking changes nothing."""
    programs: list[str] = []
    others: list[str] = []
    inodes = files.tree.inodes
    left = deque([("", inodes[files.tree.root])])
    while left and len(programs) + len(others) < _MOST_PATHS:
        above, directory = left.popleft()
        for name, number in sorted((directory.entries or {}).items()):
            path, inode = f"{above}/{name.decode('utf-8', 'surrogateescape')}", inodes[number]
            (programs if inode.kind is Kind.FILE and inode.mode & 0o111 else others).append(path)
            if inode.entries is not None:
                left.append((path, inode))
    return sorted(programs, key=_simplicity), sorted(others, key=_simplicity)


def _simplicity(path: str) -> tuple[bool, int, str]:
    """Order paths: a shell, which every machine has, before all others."""
    return not path.endswith("/sh"), len(path), path


_ODD = odd_ones(("node", "cmd", "argv", "envp", "user", "from_node"))
_NO_NODES = (bp.BPROC_NODE_MASTER, _NOWHERE, bp.BPROC_NODE_SELF, bp.BPROC_NODE_ANY)
_NAMES = st.sampled_from(["bproc_execmove", "bproc_execmove_io"])
_OPTIONS: st.SearchStrategy[dict[str, Any]] = st.sampled_from([{}, {"listen": False}, {"input": b"input"}])


@st.composite
def execmove_calls(draw: st.DrawFn, /, cluster: bp.Cluster) -> bp.Call:
    """Give calls of bproc_execmove and its form with I/O on a cluster: of a program to node 0, by root, first.

    Programs and other paths are those that the master has now, users those of the cluster. In some, one or
    two of the arguments are odd: what is not there, may not be, or leads nowhere. Ports may be lists of
    descriptors where the edition has them. `call(cluster)` makes it, `call(another)` the same in another world.
    TypeError: this is no cluster.
    """
    if not isinstance(cluster, bp.Cluster):
        raise TypeError(f"cluster: expected a Cluster, got {cluster!r}")
    count = len(cluster.nodes)
    odd = draw(_ODD)
    usual = range(count) if count else (_NOWHERE,)
    args: list[Any] = [
        draw(st.sampled_from(_NO_NODES if "node" in odd else usual)),
        draw(paths(cluster.master.fs, "cmd" in odd)),
    ]
    keywords = draw(callers(cluster.users, "user" in odd))
    name = draw(_NAMES)
    if name == "bproc_execmove_io":
        args.insert(1, draw(_LISTS if cluster.edition.io_lists else _PORTS))
        keywords = {**keywords, **draw(_OPTIONS)}
    with_vectors: bool = draw(st.booleans())
    if with_vectors or odd & {"argv", "envp"}:
        args.append(draw(ODD_VECTORS if "argv" in odd else ARGUMENTS))
        args.append(draw(ODD_VECTORS if "envp" in odd else ENVIRONMENTS))
    if "from_node" in odd:
        slaves = [number for number in range(count) if not cluster.is_down(cluster.machine(number))]
        keywords = {**keywords, "from_node": draw(st.sampled_from(slaves or [bp.BPROC_NODE_MASTER]))}
    return bp.Call(name, *args, **keywords)


_PORTS = st.sampled_from([4000, 0, 1, 65535, 65536, -1])
_FILES = st.builds(
    bp.BprocIo,
    st.integers(0, 5),
    st.just(bp.BPROC_IO_FILE),
    file_name=st.sampled_from(["/dev/null", "/absent", "/tmp/a", "/bin"]),
    file_flags=st.sampled_from([bp.O_RDWR, bp.O_RDONLY, bp.O_WRONLY | bp.O_CREAT]),
)
_ADDRESSES = st.builds(bp.Address, st.sampled_from(["", "10.99.0.1"]), st.sampled_from([4000, 1, 65535]))
_SOCKETS = st.builds(bp.BprocIo, st.integers(0, 5), st.just(bp.BPROC_IO_SOCKET), addr=_ADDRESSES)
_LISTS = _PORTS | st.lists(_FILES | _SOCKETS, max_size=3)
