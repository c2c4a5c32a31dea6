"""access, stat, chmod, mkdir and scandir: what scripts.txt does not hold against the kernel: it takes other users."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp

ALICE = bp.Credentials(500, 500, groups=(7,))


def asked(who: bp.Credentials, *calls: tuple[Any, ...]) -> list[Any]:
    """What calls of a process come to, each a name and arguments."""
    cluster = bp.Cluster(nodes=0, strict=True)
    fs = cluster.master.fs
    fs.write_file("/tmp/f", b"x", 0o640, uid=500, gid=8)
    fs.write_file("/tmp/own", b"x", 0o640, uid=500, gid=7)
    told: list[Any] = []

    def program(proc: bp.Proc) -> Any:
        for name, *words in calls:
            try:
                told.append((yield from getattr(proc, name)(*words)))
            except bp.CallError as error:
                told.append(error.error.name)

    cluster.install("/bin/program", program)
    cluster.execve("/bin/program", user=who).check()
    return [each.mode if hasattr(each, "mode") else each for each in told]


@pytest.mark.parametrize(
    ("path", "who", "mode"),
    [("/tmp/f", ALICE, 0o750), ("/tmp/own", ALICE, 0o2750), ("/tmp/f", bp.Credentials(0, 0), 0o2750)],
)
def test_the_bit_of_another_group_is_not_set(path: str, who: bp.Credentials, mode: int) -> None:
    """Source: posix-chmod."""
    assert asked(who, ("chmod", path, 0o2750), ("stat", path)) == [0, mode]


def test_access_asks_for_the_real_user() -> None:
    """Source: posix-access."""
    set_id = bp.Credentials(600, 600, euid=500, egid=500)
    assert asked(set_id, ("access", "/tmp/f", bp.R_OK), ("open", "/tmp/f")) == ["EACCES", 3]
    back = bp.Credentials(500, 500, euid=600, egid=600)
    assert asked(back, ("access", "/tmp/f", bp.R_OK), ("open", "/tmp/f")) == [0, "EACCES"]


def test_who_has_the_capability_changes_files_of_others() -> None:
    """Source: linux-capabilities7."""
    for capabilities, answer in (({"CAP_FOWNER"}, 0), ({"CAP_DAC_OVERRIDE"}, "EPERM")):
        who = bp.Credentials(600, 600, capabilities=capabilities)
        assert asked(who, ("chmod", "/tmp/f", 0o600)) == [answer]


@pytest.mark.parametrize(
    ("name", "words"),
    [("access", (bp.R_OK,)), ("stat", ()), ("chmod", (0o600,)), ("mkdir", (0o700,)), ("scandir", ()), ("open", ())],
)
def test_a_failure_names_the_path(name: str, words: tuple[int, ...]) -> None:
    told: list[Any] = []

    def program(proc: bp.Proc) -> Any:
        for path in ("/none/of/them", bp.BAD_ADDRESS):
            with pytest.raises(bp.CallError) as caught:
                yield from getattr(proc, name)(path, *words)
            told.append(caught.value.filename)

    cluster = bp.Cluster(nodes=0, strict=True)
    cluster.install("/bin/program", program)
    cluster.execve("/bin/program").check()
    assert told == ["/none/of/them", None]


def test_in_the_manuals_shape() -> None:
    with bp.Cluster(nodes=0).session() as session:
        assert session.libc.access("/bin/sh", bp.X_OK) == 0
        assert session.libc.scandir("/nosuch") == (-1, None)
        assert session.libc.errno == bp.Errno.ENOENT.number("linux")
        assert session.libc.mkdir("/tmp/new", 0o700) == session.libc.chmod("/tmp/new", 0o711) == 0
        assert session.libc.stat("/tmp/new")[1].mode == 0o711
        assert session.scandir("/tmp") == ["new"]
