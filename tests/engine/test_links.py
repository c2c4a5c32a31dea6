"""Messages on a link: what was sent first arrives first."""

from __future__ import annotations

from functools import partial

import pytest

from bprocsim.engine.clock import Engine
from bprocsim.port import Interface, Link


@pytest.mark.parametrize("size_bytes", [0, 4096])
def test_what_is_sent_once_a_link_is_quick_again_waits_for_what_was_sent_before(size_bytes: int) -> None:
    engine, told = Engine(), list[tuple[int, str]]()
    link = Link("a link", 1000, 1000, Interface(), Interface(), times=50)

    def send(name: str) -> None:
        engine.send(link, size_bytes, lambda: told.append((engine.now_ns, name)))

    def be_quick() -> None:
        link.times = 1

    send("slow")
    engine.after(10, be_quick)
    engine.after(20, partial(send, "quick"))
    engine.run()
    assert [name for _, name in told] == ["slow", "quick"]
    assert told[0][0] == told[1][0] >= 50_000  # it had been there long ago


@pytest.mark.parametrize("shared", ["out", "into"])
def test_what_shares_an_interface_takes_turns_on_it(shared: str) -> None:
    """Two that send to one receiver, and one that sends to two: the second begins when the first has passed."""
    engine, told = Engine(), list[tuple[int, str]]()
    one = Interface()
    for name in ("first", "second"):
        ends = (one, Interface()) if shared == "out" else (Interface(), one)
        link = Link(name, 1000, 4000, *ends)  # ns of latency, and for a MiB
        engine.send(link, 1 << 20, lambda name=name: told.append((engine.now_ns, name)))
    engine.run()
    assert told == [(5000, "first"), (9000, "second")]
