"""Of which child a wait tells: the eldest of whom there is something to tell, without a look at the others."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.posix.children import CHILDLESS, Children
from tests.bproc.worlds import Steps


@define(eq=False)
class Child:
    """What the room asks of a child, and what it is in the plain words of the test."""

    pid: int
    group: int
    birth: int = 0
    news: str = ""


EVENTS = st.lists(st.tuples(st.sampled_from(["born", "ends", "stops", "goes on", "told"]), st.integers(0, 30)))


@given(EVENTS, st.sampled_from([None, 0, 1]))
def test_it_tells_of_the_eldest(events: list[tuple[str, int]], group: int | None) -> None:
    """Held against a list of all children, looked through from the eldest on."""
    children, plain = Children(), list[Child]()
    for number, (event, which) in enumerate(events):
        if event == "born":
            child = Child(100 - number, which % 2)  # a pid says nothing of the age
            children.add(child)
            plain.append(child)
            continue
        if not plain:
            continue
        child = plain[which % len(plain)]
        if event == "ends" and child.news != "ended":
            child.news = "ended"
            children.note_end(child)
        elif event == "stops" and child.news != "ended":
            child.news = "stopped"
            children.note_stop(child)
        elif event == "goes on" and child.news != "ended":
            child.news = ""
            children.forget_stop(child)
        elif event == "told":
            plain.remove(child)
            children.remove(child)
        counts = None if group is None else (lambda each: each.group == group)
        for stopped, news in ((False, ("ended",)), (True, ("ended", "stopped"))):
            meant = [each for each in plain if each.news in news and (group is None or each.group == group)]
            assert children.eldest(stopped=stopped, counts=counts) is (meant[0] if meant else None)
            told = [each for each in plain if children.tells_of(each, stopped=stopped)]
            assert told == [each for each in plain if each.news in news]
        assert list(children.values()) == plain


@pytest.mark.parametrize("pid", [-1, 0, "own group", "pid"])
def test_a_wait_looks_at_no_other_child(pid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, those of whom nothing is to be told are not asked, but one for its group."""
    looks: list[int] = []
    real = Children.values

    def values(self: Children) -> Any:
        for each in real(self):
            looks.append(each.pid)
            yield each

    monkeypatch.setattr(Children, "values", values)
    cluster = bp.Cluster(nodes=1)
    ended: list[int] = []
    looked: list[int] = []

    def stays(proc: bp.Proc) -> Steps:
        yield from proc.pause()

    def ends(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1000)

    def parent(proc: bp.Proc) -> Steps:
        for _ in range(50):
            yield from proc.fork(stays)
        last = yield from proc.fork(ends)
        meant = {"own group": -proc.thread.process.pgid, "pid": last}.get(pid, pid)
        ended.append((yield from proc.waitpid(meant)).pid - last)
        looked.extend(looks)
        yield from proc.kill(0, bp.SIGKILL)

    cluster.install("/bin/parent", parent)
    cluster.execve("/bin/parent")
    assert ended == [0]
    assert len(looked) <= 3


def test_what_all_share_who_have_no_children_gets_none() -> None:
    with pytest.raises(AssertionError, match="all who have no children share it"):
        CHILDLESS.add(Child(1, 1))
    assert not CHILDLESS
