"""Messages in a crowd take turns at an interface: SimPy's heap stays short, and nothing happens in another order."""

from __future__ import annotations

import random
from functools import partial

import pytest

from bprocsim.engine import clock
from bprocsim.engine.clock import Engine
from bprocsim.port import Interface, Steps, Waiter, Why

Told = list[tuple[int, object]]


def told(seed: int) -> Told:
    """Let messages cross a few interfaces, some with longer ways than others; tell what came when."""
    drawn, engine, came = random.Random(seed), Engine(), Told()
    ends = [Interface() for _ in range(6)]

    def arrives(number: int) -> None:
        came.append((engine.now_ns, number))
        if number % 3 == 0:
            send(number + 1000)

    def send(number: int) -> None:
        out, into = drawn.sample(ends, 2)
        delay_ns = engine.cross(out, into, drawn.choice((0, 64, 4096)), 1_000_000) + drawn.choice((0, 500, 500, 9000))
        engine.deliver(out, into, delay_ns, arrives, (number,))

    def waits(number: int) -> Steps:
        waiter = Waiter("a message", engine.now_ns)
        event = engine.wait(waiter)
        engine.wake_in(ends[0], ends[1], engine.cross(ends[0], ends[1], 64, 1_000_000), waiter, Why.DATA)
        came.append((engine.now_ns, (number, (yield event))))
        came.append((engine.now_ns, number))

    for number in range(60):
        send(number)
        engine.start(waits(number))
        engine.after(drawn.randrange(20_000), partial(arrives, 2000 + number))
    engine.run()
    assert not engine._turns
    return [*came, (engine.now_ns, engine.events)]


@pytest.mark.parametrize("seed", range(5))
def test_turns_change_neither_the_order_nor_the_instants_nor_the_number_of_events(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_CROWD", 10**9)
    alone = told(seed)
    monkeypatch.setattr(clock, "_CROWD", 0)
    assert told(seed) == alone
    monkeypatch.setattr(clock, "_CROWD", 20)
    assert told(seed) == alone


def test_the_heap_stays_short_in_a_crowd() -> None:
    engine, came = Engine(), list[int]()
    home, nodes = Interface(), [Interface() for _ in range(2000)]
    for number, node in enumerate(nodes):
        engine.deliver(home, node, engine.cross(home, node, 64, 1_000_000) + 500, came.append, (number,))
    for number, node in enumerate(nodes):
        engine.deliver(node, home, engine.cross(node, home, 64, 1_000_000) + 500, came.append, (number,))
    assert len(engine.env._queue) < 100
    engine.run()
    assert came == [*range(2000), *range(2000)]
