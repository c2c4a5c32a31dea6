"""Time a walk of /usr/bin/hello against T, one bare timeout of SimPy."""

from collections.abc import Generator
from timeit import repeat

import simpy

from bprocsim.posix.credentials import ROOT, Credentials
from bprocsim.posix.paths import LIMITS_NOW, walk
from bprocsim.posix.vfs import FileTree, create_directory, create_file


def timeouts(env: simpy.Environment, count: int) -> Generator[simpy.Event, None, None]:
    for _ in range(count):
        yield env.timeout(1)


def bare_timeout_s() -> float:
    env = simpy.Environment()
    env.process(timeouts(env, 100_000))
    return min(repeat(env.run, number=1, repeat=1)) / 100_000


base = FileTree()
usr = create_directory(base, base.root, b"usr", 0o755, 0, 0)
bin_ = create_directory(base, usr.number, b"bin", 0o755, 0, 0)
create_file(base, bin_.number, b"hello", 0o755, 0, 0)
tree = FileTree(base)
T = min(bare_timeout_s() for _ in range(5))
for name, who in (("root", ROOT), ("alice", Credentials(500, 500))):
    for path in (b"/usr/bin/hello", b"/usr/bin/../bin/hello", b"/usr/bin/absent"):
        best = min(repeat(lambda: walk(tree, 2, path, who, LIMITS_NOW), number=20_000, repeat=7)) / 20_000  # noqa: B023
        print(f"{name:6} {path.decode():24} {best * 1e6:6.2f} us {best / T:6.2f} T")
