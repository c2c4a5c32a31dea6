"""What is not in the table of a call never reaches whoever made it: the run stops there and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import bprocsim as bp
from bprocsim import cli
from bprocsim.manual import Errors, Kind, Row
from bprocsim.posix import fileio


def planted(facts: Any) -> bool:
    """Hold always."""
    return True


PLANTED = Row(bp.Errno.EXDEV, planted, "somebody has made a mistake")


def always(self: Errors, facts: Any, step: str = "") -> Row | None:
    """Report, wherever a row is asked for, one that stands in no table."""
    return PLANTED


@pytest.fixture
def mistaken(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Give what lets every table report what is not in it, from now on."""
    return lambda: monkeypatch.setattr(Errors, "first", always)


def sleeper(proc: bp.Proc) -> Iterator[Any]:
    yield from proc.sleep(1)


def world() -> bp.Cluster:
    cluster = bp.Cluster(nodes=2)
    cluster.install("/usr/bin/sleeper", sleeper)
    return cluster


# By every way on which an outcome reaches somebody.
WAYS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a direct call, refused on entry": ("_bproc_execmove_io", lambda c: c.bproc_execmove(1, "/usr/bin/sleeper")),
    "a direct call in one step": ("bproc_chmod", lambda c: c.bproc_chmod(1, 0o111)),
    "a direct call by an idle process": ("execve", lambda c: c.execve("/usr/bin/sleeper", caller=c.idle_process())),
    "a direct call of a program": ("_bproc_rfork_io", lambda c: c.bproc_rfork(1, sleeper)),
    "a command": ("execve", lambda c: c.run(["sleeper"])),
    "a session": ("close", lambda c: c.session().close(0)),
    "a session in C's shape": ("close", lambda c: c.session().libc.close(0)),
}


@pytest.mark.parametrize("way", WAYS)
def test_it_stops_the_run(way: str, mistaken: Callable[[], None]) -> None:
    cluster = world()
    call, make = WAYS[way]
    mistaken()
    with pytest.raises(bp.Undocumented) as met:
        make(cluster)
    said = str(met.value)
    assert said.startswith(f"{call} by pid 1001 on master came to EXDEV (planted: somebody has made a mistake), but ")
    assert "This is a mistake in bprocsim and not in the program that made the call" in said
    with pytest.raises(RuntimeError, match="an Undocumented cut this world off within an event; build a new one"):
        cluster.bproc_numnodes()


def test_a_program_cannot_catch_it(mistaken: Callable[[], None]) -> None:
    heard: list[BaseException] = []

    def careless(proc: bp.Proc) -> Iterator[Any]:
        try:
            yield from proc.close(0)
        except Exception as error:
            heard.append(error)

    cluster = world()
    cluster.install("/usr/bin/careless", careless)
    process = cluster.popen("/usr/bin/careless")
    mistaken()
    with pytest.raises(bp.Undocumented, match=r"^close by pid 1001 on master .* \(page posix-close\) has EBADF\. This"):
        process.wait()
    assert heard == []


def test_on_a_partition_too(mistaken: Callable[[], None]) -> None:
    lpar = bp.Lpar(cores=2)
    mistaken()
    with pytest.raises(
        bp.Undocumented, match=r"^smtctl by pid \d+ on lpar0 .* \(page aix-smtctl\) has EBUSY, EPERM\. This"
    ):
        lpar.smtctl(threads=1)


def test_a_late_row_has_to_stand_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    late, first = evolve(PLANTED, kind=Kind.LATE), Errors.first

    def told(self: Errors, facts: Any, step: str = "") -> Row | None:
        return late if step == "ROUTE" else first(self, facts, step)

    monkeypatch.setattr(Errors, "first", told)
    with pytest.raises(bp.Undocumented, match=r"^_bproc_execmove_io .* came to EXDEV"):
        world().bproc_execmove(1, "/usr/bin/sleeper")


def test_and_what_is_told_of_one_node_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = bp.Cluster(nodes=2, edition="bproc4")
    cluster.install("/usr/bin/sleeper", sleeper)
    slot, first = evolve(PLANTED, kind=Kind.SLOT), Errors.first

    def told(self: Errors, facts: Any, step: str = "") -> Row | None:
        return slot if step == "ROUTE" else first(self, facts, step)

    monkeypatch.setattr(Errors, "first", told)
    with pytest.raises(bp.Undocumented, match=r"^bproc_vexecmove_io .* came to EXDEV"):
        cluster.bproc_vexecmove([0, 1], "/usr/bin/sleeper")


def test_the_same_errno_by_another_row_is_as_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another call, for instance: its sentence and its source would be wrong."""
    cluster, theirs = world(), fileio.DUP2_ERRORS.row("fd_not_open")
    monkeypatch.setattr(Errors, "first", lambda self, facts, step="": theirs)
    with pytest.raises(bp.Undocumented) as met:
        cluster.session().close(77)
    assert "close by pid 1001 on master came to EBADF (fd_not_open: " in str(met.value)
    assert "(page posix-close) has EBADF, EBADF by fd_not_open alone. This is" in str(met.value)


def test_the_command_calls_it_a_bug(
    mistaken: Callable[[], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = tmp_path / "s.toml"
    scenario.write_text(
        'schema = 1\n[cluster]\nnodes = 2\n[[call]]\ncall = "bproc_chmod"\nnode = 1\nmode = 7\n', "utf-8"
    )
    mistaken()
    assert cli.main(["run", str(scenario)]) == 70
    said = capsys.readouterr().err
    assert "this is a bug in bprocsim" in said
    assert "bproc_chmod by pid 1001 on master came to EXDEV" in said
