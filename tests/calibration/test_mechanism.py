"""A launch time is made of messages, copies and work: whatever is taken away or added changes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from bprocsim.bproc import transit, travel, tree
from bprocsim.calibration import LAUNCHERS, SYSTEMS, predict
from bprocsim.calibration.prediction import launch
from bprocsim.programs.xcpu import launcher, messages, sessions
from bprocsim.programs.xcpu.messages import Type
from bprocsim.units import MiB, ms, us

XCPU, PINKISH = LAUNCHERS["xcpu"], SYSTEMS["pinkish"]
MODES = ("flat", "tree")
IMAGE = 4 * MiB


def seconds(mode: str) -> float:
    return predict("xcpu", mode, 6, IMAGE, system="pinkish", fanout=2 if mode == "tree" else None)


def without(kind: Type, name: str, instead: bytes) -> Callable[..., Any]:
    """Give `ask` as it is when one request is never sent, and its reply made up."""
    whole = messages.ask

    def ask(proc: Any, fd: int, asked: Type, about: str = "", data: bytes = b"") -> Any:
        if (asked, about.rpartition("/")[2]) == (kind, name):
            yield from ()
            return instead
        return (yield from whole(proc, fd, asked, about, data))

    return ask


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("kind", "name", "instead"), [(Type.ATTACH, "", b""), (Type.WRITE, "argv", b""), (Type.READ, "wait", b"0")]
)
def test_a_message_that_is_not_sent_is_missing_in_the_time(
    mode: str, kind: Type, name: str, instead: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = seconds(mode)
    monkeypatch.setattr(sessions, "ask", without(kind, name, instead))
    # At least the latency of it, and of its reply, from the first node to the last.
    assert seconds(mode) < whole - 2 * PINKISH.costs.link_latency_ns / 1e9


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("kind", "name", "instead"), [(Type.CREATE, "exec", b""), (Type.WRITE, "exec", b""), (Type.CLUNK, "exec", b"")]
)
def test_a_launch_without_its_image_fails(
    mode: str, kind: Type, name: str, instead: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "ask", without(kind, name, instead))
    with pytest.raises(RuntimeError, match="the launch failed with status"):
        seconds(mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_copy_more_or_less_is_a_copy_more_or_less_in_the_time(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy to the last of those that the head serves: by its headers alone, and twice."""
    whole, fill = seconds(mode), sessions.fill
    last = "10.54.1.1" if mode == "tree" else "10.54.1.5"
    copy = IMAGE / MiB * (PINKISH.costs.link_ns_per_mib + 2 * PINKISH.costs.file_copy_ns_per_mib) / 1e9

    def twice(proc: Any, session: Any, path: str) -> Any:
        yield from fill(proc, session, path)
        if proc.node == -1 and session.host == last:
            yield from fill(proc, session, path)

    room = launcher if mode == "flat" else sessions
    monkeypatch.setattr(room, "fill", twice)
    assert seconds(mode) == pytest.approx(whole + copy, rel=0.01)

    def headers(proc: Any, session: Any, path: str) -> Any:
        if proc.node == -1 and session.host == last:
            fd = yield from proc.open(path)
            data = yield from proc.read(fd, 4096)
            yield from proc.close(fd)
            for kind, part in ((Type.CREATE, b""), (Type.WRITE, data), (Type.CLUNK, b"")):
                yield from messages.ask(proc, session.fd, kind, session.file("exec"), part)
        else:
            yield from fill(proc, session, path)

    monkeypatch.setattr(room, "fill", headers)
    # In the tree the other half of the nodes then decides, which was served before.
    assert seconds(mode) < whole - copy / 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "name", ["link_latency_ns", "link_ns_per_mib", "file_copy_ns_per_mib", "fork_ns", "exec_ns", "syscall_ns"]
)
def test_every_figure_of_a_system_counts(mode: str, name: str) -> None:
    slower = attrs.evolve(PINKISH.costs, **{name: getattr(PINKISH.costs, name) + 1 * ms})
    changed = launch(XCPU, mode, 6, IMAGE, attrs.evolve(PINKISH, costs=slower))
    assert changed > launch(XCPU, mode, 6, IMAGE, PINKISH) + 900 * us / 1e9


@pytest.mark.parametrize(("mode", "name", "times"), [
    ("flat", "startup_ns", 1), ("flat", "session_ns", 6), ("flat", "clone_ns", 0),
    ("tree", "startup_ns", 1), ("tree", "session_ns", 6), ("tree", "clone_ns", 2),
])  # fmt: skip
def test_the_work_of_a_launcher_counts_where_it_is_done(mode: str, name: str, times: int) -> None:
    """By hand: 6 nodes, 2 from each: 2 by the head, each of them fills 2."""
    width = 2 if mode == "tree" else None
    more = XCPU.with_constants({name: getattr(XCPU.figures, name) + 10 * ms})
    added = launch(more, mode, 6, IMAGE, PINKISH, width) - launch(XCPU, mode, 6, IMAGE, PINKISH, width)
    assert added == pytest.approx(times * 0.010, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "times"),
    [("daemon_ns", 1), ("thaw_ns", 1), ("fork_ns", 1), ("exec_ns", 1), ("link_latency_ns", 4), ("link_ns_per_mib", 20)],
)
def test_every_figure_counts_in_a_launch_by_bproc(name: str, times: int) -> None:
    """At least so many milliseconds for one more: images share the master's link, and all else goes on meanwhile."""
    cs20 = SYSTEMS["16x CS20"]
    slower = attrs.evolve(cs20.costs, **{name: getattr(cs20.costs, name) + 1 * ms})
    changed = launch(LAUNCHERS["bproc"], "flat", 6, IMAGE, attrs.evolve(cs20, costs=slower))
    assert changed - launch(LAUNCHERS["bproc"], "flat", 6, IMAGE, cs20) >= times * 0.99e-3


# By hand, of 6 nodes: three rounds behind the first copy, a fork of the caller for each node, one exec on the
# master; in a round a message to the target, one answer, and the copy.
TREE_COSTS = [
    ("daemon_ns", 4), ("stub_ns", 4), ("thaw_ns", 4), ("fork_ns", 5), ("exec_ns", 1), ("tcp_connect_ns", 4),
    ("link_ns_per_mib", 4 * IMAGE / MiB),
]  # fmt: skip


@pytest.mark.parametrize(("name", "times"), TREE_COSTS)
def test_every_figure_counts_in_a_tree_by_bproc(name: str, times: float) -> None:
    """At least so many milliseconds for one more, and not many more than that."""
    slower = attrs.evolve(PINKISH.costs, **{name: getattr(PINKISH.costs, name) + 1 * ms})
    changed = launch(LAUNCHERS["bproc"], "tree", 6, IMAGE, attrs.evolve(PINKISH, costs=slower))
    more_ms = (changed - launch(LAUNCHERS["bproc"], "tree", 6, IMAGE, PINKISH)) * 1e3
    assert times * 0.99 <= more_ms <= times * 1.6 + 2


@pytest.mark.parametrize("message", ["MOVE", "image", "MOVE response", "MOVE_COMPLETE"])
def test_a_message_of_the_tree_that_is_not_sent_is_missing_in_the_time(
    message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is sent under that name is there at once, without having passed over a link."""
    whole = launch(LAUNCHERS["bproc"], "tree", 6, IMAGE, PINKISH)
    carried = transit.carry

    def carry(master: Any, move: Any, sender: Any, receiver: Any, name: str, *rest: Any) -> Any:
        where = receiver if name == message else sender
        return carried(master, move, where, receiver, name, *rest)

    monkeypatch.setattr(travel, "carry", carry)
    if message == "MOVE_COMPLETE":
        monkeypatch.setattr(tree.Launch, "release", lambda _launch, slot: slot.begin())
    less = whole - launch(LAUNCHERS["bproc"], "tree", 6, IMAGE, PINKISH)
    latency = PINKISH.costs.link_latency_ns / 1e9
    copy = IMAGE / MiB * PINKISH.costs.link_ns_per_mib / 1e9
    # Four rounds have one of each; the last one waits for the end of all.
    least = {"MOVE": 4 * latency, "image": 4 * (latency + copy), "MOVE response": 4 * latency}.get(message, latency)
    assert least * 0.99 <= less <= least * 1.5 + 0.002
