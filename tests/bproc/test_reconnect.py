"""bproc_nodereconnect: a slave connects to the master anew, and nothing is lost; and the forms with `_async`."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import s
from tests.bproc.worlds import MASTER, Steps, assert_clean, cluster

EDITIONS = ["lanl32", "bproc4"]
HOME, ANY = bp.Address("10.54.0.1", 2223), bp.Address("", 0)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("loc", [ANY, bp.Address("0.0.0.0", 0), bp.BprocAddress("10.54.1.2", 700)])
def test_nothing_is_lost_by_it(edition: str, loc: Any) -> None:
    made = cluster(edition=edition)

    def goes(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        yield from proc.sleep(1 * s)
        yield from proc.print("still on", proc.node)

    running = made.popen(goes)
    made.sleep(0.1)
    out = made.bproc_nodereconnect(2, HOME, 16, loc, 16)
    assert (out.value, made.nodes[2].state) == (0, "up")
    assert out.elapsed_ns > 4 * made.costs.link_latency_ns + made.costs.tcp_connect_ns
    assert [each.state for each in made.trace.of_kind("node")] == ["reconnected"]
    messages = [each.message for each in made.trace.of_kind("message")]
    assert messages[-2:] == ["NODE_RECONNECT", "NODE_RECONNECT response"]
    assert running.communicate()[0] == b"still on 2\n"
    made.sim.run()
    assert_clean(made)


def test_in_a_program_and_in_a_session() -> None:
    made = cluster(edition="lanl32")
    session = made.session()
    assert session.bproc_nodereconnect(1, bp.Address("10.54.0.1", 0), 16, ANY, 16) == 0
    with pytest.raises(ConnectionRefusedError):
        session.bproc_nodereconnect(1, bp.Address("10.54.1.3", 2223), 16, ANY, 16)
    assert session.libc.bproc_nodereconnect(1, HOME, 4, ANY, 16) == -1
    assert session.libc.errno == 22


def test_who_hangs_meanwhile_is_lost() -> None:
    made = cluster(edition="lanl32", faults=[bp.Hang(2, at_ns=300_000)])
    out = made.bproc_nodereconnect(2, HOME, 16, ANY, 16)
    assert (out.errno, out.cause) == (bp.Errno.BE_SLAVEDIED, "slave_lost")


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("what", ["reboot", "halt", "pwroff"])
def test_the_forms_that_say_so_do_not_wait_either(edition: str, what: str) -> None:
    told = []
    for form in ("", "_async"):
        made = cluster(edition=edition)
        out = getattr(made, f"bproc_node{what}{form}")(2)
        told.append((out.value, out.elapsed_ns, made.nodes[2].state))
        assert getattr(made, f"bproc_node{what}{form}")(2).errno is bp.Errno.BE_NODEDOWN
        assert getattr(made, f"bproc_node{what}{form}")(MASTER).errno is bp.Errno.BE_INVALIDNODE
    assert told[0] == told[1]
