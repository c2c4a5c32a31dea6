"""ra_exec against a second, naive model of its page: which errnos it may report, which set it leaves attached.

The model below is written from the page's words and the choices of README, with Python's sets and
lists, and knows nothing of the simulator's tables.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

import bprocsim as bp

# ---- the model -----------------------------------------------------------------------------------

RSET, SRADID, STRSET = 2, 13, 0x100


@frozen
class Call:
    """A call and its partition, as generated.

    `handle` "set", "null", "bad", "freed" or "number"; `given` what the set holds. `bounds` the
    caller's partition set, `before` his effective set, None where he has none; `bound` to a processor.
    """

    level: str
    cpu: str
    smt: int
    cores: int
    srads: int
    affinity: bool
    width: int
    failed: frozenset[int]
    exclusive: tuple[frozenset[int], ...]
    root: bool
    capable: bool
    bound: bool
    bounds: frozenset[int] | None
    before: frozenset[int] | None
    rstype: int
    srad: int
    flags: int
    handle: str
    given: frozenset[int]
    there: bool

    @property
    def later(self) -> bool:
        """Tell whether the level is 6.1 TL5 or later."""
        return self.level in ("6.1.5", "7.1", "7.2", "7.3")


@frozen
class State:
    """What the partition had come to when the call was made."""

    online: frozenset[int]
    exclusive: frozenset[int]
    bound: bool
    bounds: frozenset[int] | None
    before: frozenset[int] | None


def single_threaded(call: Call, online: frozenset[int]) -> frozenset[int]:
    """The ST set, core by core."""
    chosen = set()
    for core in range(call.cores):
        threads = [core * call.smt + thread for thread in range(call.smt)]
        running = [each for each in threads if each in online]
        if running and all(each in call.given for each in running):
            chosen.add(min(running))
    return frozenset(chosen)


def complaints(call: Call, state: State) -> list[str]:
    """Everything that the page lets this call report, in the order in which we have chosen to look."""
    is_set, is_srad = call.rstype == RSET, call.rstype == SRADID and call.later
    found = []
    if not (is_set or is_srad):
        found.append("EINVAL")
    known_flags = (0, STRSET) if is_set and call.level != "5.2" else (0,)
    if call.flags not in known_flags:
        found.append("EINVAL")
    if is_srad and not call.affinity:
        found.append("ENOTSUP")
    if is_set and call.handle != "set":
        found.append("EFAULT")
    if not (call.root or call.capable):
        found.append("EPERM")
    if is_srad and not 0 <= call.srad < call.srads:
        found.append("ENODEV")
    if is_set and call.handle == "set":
        available = call.given & state.online
        if not available:
            found.append("ENODEV")
        if call.flags & STRSET:
            if available - state.exclusive:
                found.append("EINVAL")
            if not single_threaded(call, state.online):
                found.append("ENODEV")
    if state.bound:
        found.append("EPERM")
    if is_set and call.handle == "set" and state.bounds is not None and call.given - state.bounds:
        found.append("EPERM")
    if not call.there:
        found.append("ENOENT")
    return found


# ---- the same in the simulator -------------------------------------------------------------------


def _text(some: frozenset[int]) -> str:
    return ",".join(map(str, sorted(some)))


def _ids(rset: Any) -> frozenset[int]:
    return frozenset(rset)


def partition_of(call: Call) -> bp.Lpar:
    lpar = bp.Lpar(
        call.cores, call.smt, cpu=call.cpu, level=call.level, srads=call.srads, enhanced_affinity=call.affinity
    )
    lpar.install("/usr/bin/there", lambda proc: None)
    for number, some in enumerate(call.exclusive):
        lpar.mkrset(f"sysxrset/x{number}", _text(some)).check()
    lpar.smtctl(call.width).check()
    return lpar


def prepared(call: Call) -> tuple[bp.Lpar, bp.ProcessHandle, State]:
    """Build the partition and the caller, and write down what came of it."""
    lpar = partition_of(call)
    capabilities = {"CAP_NUMA_ATTACH"} if call.capable else set()
    user = None if call.root else lpar.user("u", 500, 500, capabilities=capabilities)
    caller = lpar.idle_process(user)
    bound = call.bound and not lpar.bindprocessor(bp.BINDPROCESS, caller.pid, 0).failed
    before, bounds = call.before, call.bounds
    if before is None or lpar.ra_attachrset(bp.R_PROCESS, caller.pid, lpar.rset(_text(before))).failed:
        before = None
    if bounds is None or lpar.set_partition(caller.pid, lpar.rset(_text(bounds))).failed:
        bounds = None
    for core in sorted(call.failed):
        lpar.inject(bp.CoreFails(core=core))
    everything = range(call.cores * call.smt)
    online = {each for each in everything if each % call.smt < call.width and each // call.smt not in call.failed}
    exclusive = frozenset[int]().union(*call.exclusive) if call.level != "5.2" else frozenset[int]()
    return lpar, caller, State(frozenset(online), exclusive, bound, bounds, before)


def made(call: Call, lpar: bp.Lpar, caller: bp.ProcessHandle) -> bp.Outcome:
    handle: Any = lpar.rset(_text(call.given))
    if call.handle == "freed":
        lpar.rs_free(handle)
    elif call.handle != "set":
        handle = {"null": None, "bad": bp.BAD_ADDRESS, "number": 7}[call.handle]
    rsid = call.srad if call.rstype == SRADID else handle
    path = "/usr/bin/there" if call.there else "/usr/bin/nowhere"
    return lpar.ra_execve(call.rstype, rsid, call.flags, path, ["there"], {}, caller=caller)


# ---- generated calls -----------------------------------------------------------------------------


def _some_of(count: int) -> st.SearchStrategy[frozenset[int]]:
    """Some of the numbers below a count."""
    return st.integers(0, (1 << count) - 1).map(
        lambda bits: frozenset(number for number in range(count) if bits >> number & 1)
    )


@st.composite
def calls(draw: st.DrawFn) -> Call:
    cpu = draw(st.sampled_from(["POWER5", "POWER7", "POWER8"]))
    smt = draw(st.sampled_from([each for each in (1, 2, 4, 8) if each <= bp.models[cpu].smt]))
    cores = draw(st.integers(1, 4))
    level = draw(st.sampled_from(["7.1", "7.1", "5.2", "5.3", "6.1.5"]))
    later = level in ("7.1", "6.1.5")
    whole = _some_of(cores).map(
        lambda chosen: frozenset(core * smt + thread for core in chosen for thread in range(smt))
    )
    some = st.one_of(whole, _some_of(cores * smt))
    everything = frozenset(range(cores * smt))
    exclusive = tuple(draw(st.one_of(st.just([everything]), st.lists(whole, max_size=2), st.lists(some, max_size=2))))
    # Most calls are about what somebody has taken for himself.
    given = draw(st.one_of(some, st.just(frozenset[int]().union(*exclusive)), st.just(everything)))
    often, seldom = st.sampled_from([True, True, True, False]), st.sampled_from([False, False, False, True])
    return Call(
        level, cpu, smt, cores, draw(st.integers(1, cores)), later and cpu != "POWER5" and draw(often),
        draw(st.sampled_from([each for each in (1, 2, 4, 8) if each <= smt])),
        draw(_some_of(cores)) if draw(st.booleans()) else frozenset(),
        exclusive,
        draw(st.booleans()), draw(often), draw(seldom),
        draw(some) if draw(seldom) else None, draw(some) if draw(seldom) else None,
        draw(st.sampled_from([*[RSET] * 9, SRADID, SRADID, SRADID, 0, 1, 6])), draw(st.integers(-1, cores)),
        draw(st.sampled_from([0, 0, 0, STRSET, STRSET, STRSET, STRSET, 0x40, STRSET | 1])),
        draw(st.sampled_from([*["set"] * 12, "null", "bad", "freed", "number"])), given, draw(often),
    )  # fmt: skip


PLAIN = Call(
    "7.1", "POWER5", 2, 4, 1, False, 2, frozenset(), (frozenset(range(2, 8)),), True, False, False, None, None, RSET,
    0, STRSET, "set", frozenset({2, 3, 4}), True,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=500)
@given(calls())
@example(PLAIN)
@example(evolve(PLAIN, given=frozenset({0, 1, 2, 3}), failed=frozenset({0})))
@example(evolve(PLAIN, given=frozenset({3, 4})))
@example(evolve(PLAIN, given=frozenset({1, 2, 3})))
@example(evolve(PLAIN, given=frozenset(range(2, 8)), bounds=frozenset({2, 3})))
@example(evolve(PLAIN, given=frozenset({3, 5, 7}), width=1))
@example(evolve(PLAIN, bounds=frozenset({2, 3})))
def test_ra_exec_does_what_the_page_says(call: Call) -> None:
    lpar, caller, state = prepared(call)
    expected = complaints(call, state)
    outcome = made(call, lpar, caller)
    event(expected[0] if expected else "success")
    if expected:
        assert outcome.failed, (call, expected)
        assert outcome.errno is not None
        assert outcome.errno.name in expected
        assert outcome.errno.name == expected[0], outcome.explain()
        attached = state.before if state.before is not None else state.bounds
        everything = frozenset(range(call.cores * call.smt))
        assert _ids(lpar.effective_rset(caller.pid)) == (everything if attached is None else attached)
        return
    assert (outcome.failed, outcome.exit_status) == (False, 0), outcome.explain()
    if call.rstype == SRADID:
        assert outcome.sradid == call.srad
        return
    result = single_threaded(call, state.online) if call.flags else call.given
    assert _ids(outcome.rset) == result


def test_the_model_is_right_in_a_worked_example() -> None:
    _, _, state = prepared(PLAIN)
    assert complaints(PLAIN, state) == []
    assert single_threaded(PLAIN, state.online) == {2}
