"""Outcomes: each attribute in each kind of end, explain(), check() and repr()."""

from __future__ import annotations

import errno
import operator
import re
from typing import Any

import attrs
import pytest

import bprocsim as bp
from bprocsim.units import s

SECRET = RuntimeError("boom")


def hello(proc: bp.Proc) -> Any:
    yield from proc.write(1, b"hello\n")
    yield from proc.write(2, b"oops\n")
    return 3


def killed(proc: bp.Proc) -> Any:
    yield from proc.write(1, b"last words\n")
    yield from proc.kill(proc.pid, bp.SIGKILL)


def raises(proc: bp.Proc) -> Any:
    yield from proc.write(1, b"so far\n")
    raise SECRET


def long(proc: bp.Proc) -> Any:
    yield from proc.sleep(5 * s)


def world(**options: Any) -> bp.Cluster:
    made = bp.Cluster(nodes=3, **options)
    for name, program in {"hello": hello, "killed": killed, "raises": raises, "long": long}.items():
        made.install(f"/bin/{name}", program)
    return made


def returning() -> bp.Cluster:
    return world(edition=attrs.evolve(bp.editions["scyld"], late_failure="return"))


# What came of a call: how it is made, and each attribute that is not as usual.
USUAL: dict[str, Any] = {
    "call": "bproc_execmove", "failed": False, "returned": False, "value": None, "errno": None, "late_errno": None,
    "cause": None, "exit_status": None, "signal": None, "stdout": b"", "stderr": b"", "text": "", "pid": 1001,
    "node": 1, "exception": None, "late": False,
}  # fmt: skip
ENDS: dict[str, tuple[bp.Outcome, dict[str, Any], str]] = {
    "refused": (
        world().bproc_execmove(1, "/absent"),
        {"failed": True, "returned": True, "value": -1, "errno": bp.Errno.ENOENT, "cause": "cmd_absent", "node": -1},
        "-1 ENOENT cmd_absent",
    ),
    "refused on a slave": (
        world().bproc_execmove(1, "/absent", from_node=2),
        {"failed": True, "returned": True, "value": -1, "errno": bp.Errno.ENOENT, "cause": "cmd_absent", "node": 2},
        "-1 ENOENT cmd_absent",
    ),
    "late": (
        world().bproc_execmove(9, "/bin/hello"),
        {"late": True, "late_errno": bp.Errno.EINVAL, "cause": "node_unknown", "exit_status": 22, "node": -1},
        "exit 22 AFTER the exec: EINVAL node_unknown",
    ),
    "late at the target": (
        world().bproc_execmove_io(1, 4000, "/bin/hello", listen=False),
        {"late": True, "late_errno": bp.Errno.ECONNREFUSED, "cause": "connect_refused", "exit_status": 111, "node": -1},
        "exit 111 AFTER the exec: ECONNREFUSED connect_refused",
    ),
    "late with a number above 255": (
        world(edition="lanl32").bproc_execmove(9, "/bin/hello"),
        {"late": True, "late_errno": bp.Errno.BE_INVALIDNODE, "cause": "node_unknown", "exit_status": 44, "node": -1},
        "exit 44 AFTER the exec: BE_INVALIDNODE node_unknown",
    ),
    "late, and returned": (
        returning().bproc_execmove(9, "/bin/hello"),
        {"failed": True, "returned": True, "value": -1, "errno": bp.Errno.EINVAL, "cause": "node_unknown", "node": -1},
        "-1 EINVAL node_unknown",
    ),
    "exit": (
        world().bproc_execmove(1, "/bin/hello"),
        {"exit_status": 3, "stdout": b"hello\noops\n", "text": "hello\noops\n"},
        "exit 3",
    ),
    "exit, three connections": (
        world().bproc_execmove_io(1, 4000, "/bin/hello"),
        {"exit_status": 3, "stdout": b"hello\n", "text": "hello\n", "stderr": b"oops\n"},
        "exit 3",
    ),
    "exit, at home": (
        world().execve("/bin/hello"),
        {"call": "execve", "exit_status": 3, "stdout": b"hello\n", "text": "hello\n", "stderr": b"oops\n", "node": -1},
        "exit 3",
    ),
    "exit with a status that looks like an errno": (
        world().bproc_execmove(1, "/bin/sh", ["sh", "-c", "exit 22"]),
        {"exit_status": 22},
        "exit 22",
    ),
    "signal": (
        world().bproc_execmove(1, "/bin/killed"),
        {"signal": 9, "stdout": b"last words\n", "text": "last words\n"},
        "killed by signal 9",
    ),
    "killed with its node": (
        world(faults=[bp.PowerOff(node=1, at_ns=1 * s)]).bproc_execmove(1, "/bin/long"),
        {"signal": 9},
        "killed by signal 9",
    ),
    "raised": (
        world().bproc_execmove_io(1, 4000, "/bin/raises"),
        {
            "exit_status": 1, "stdout": b"so far\n", "text": "so far\n", "stderr": b"raises: RuntimeError: boom\n",
            "exception": SECRET,
        },
        "exit 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_every_attribute(end: str) -> None:
    out, unusual, told = ENDS[end]
    expected = {**USUAL, **unusual}
    assert {name: getattr(out, name) for name in expected} == expected
    assert out.elapsed_ns > 0
    assert type(out.elapsed_ns) is int
    assert repr(out) == f"<{out.call}: {told}; pid 1001; {out.elapsed_ns / 1e6:.3f} ms>"
    assert re.fullmatch(r"<\w+: .*; pid \d+; \d+\.\d{3} ms>", repr(out))


@pytest.mark.parametrize("end", ENDS)
def test_explain_tells_row_by_row(end: str) -> None:
    out, unusual, _ = ENDS[end]
    lines = out.explain().splitlines()
    cause = unusual.get("cause")
    head = "no error" if cause is None else f"{(out.errno or out.late_errno).name} ({cause})"  # type: ignore[union-attr]
    assert lines[0] == f"{out.call}: {head}"
    verdicts = [line.split()[0] for line in lines if line.startswith("  ")]
    if cause is None:
        assert set(verdicts) == {"ok"}
    else:
        failing = [line for line in lines if line.startswith("  FAIL")]
        assert len(failing) == 1
        assert f" {cause} " in failing[0]
        assert re.fullmatch("(ok )*FAIL( not)*", " ".join(verdicts))
    if out.call == "bproc_execmove":
        edition = "lanl32" if "above 255" in end else "scyld"
        assert len(verdicts) == len(bp.Cluster(edition=edition).bpmaster.execmove_errors.rows)
    assert any(line.startswith("page: ") for line in lines)


@pytest.mark.parametrize("end", ENDS)
def test_check_gives_itself_or_raises(end: str) -> None:
    out, unusual, _ = ENDS[end]
    if not unusual.get("failed"):
        assert out.check() is out
        return
    with pytest.raises(bp.CallError) as caught:
        out.check()
    error = caught.value
    assert (error.error, error.cause, error.call) == (out.errno, out.cause, out.call)
    assert error.explain() == out.explain()


def test_check_raises_what_a_program_would_meet() -> None:
    met: list[OSError] = []

    def program(proc: bp.BprocProc) -> Any:
        try:
            yield from proc.bproc_execmove(1, "/absent/é", ["x"], {})
        except OSError as error:
            met.append(error)

    made = world()
    made.install("/bin/program", program)
    made.execve("/bin/program")
    with pytest.raises(FileNotFoundError) as caught:
        made.bproc_execmove(1, "/absent/é").check()
    assert type(caught.value) is type(met[0])
    assert str(caught.value) == str(met[0])
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, "/absent/é")


def test_an_outcome_is_frozen() -> None:
    out = world().bproc_execmove(1, "/absent")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        out.value = 0  # type: ignore[misc]


def test_two_outcomes_are_never_equal() -> None:
    """Each tells of one call."""
    assert world().bproc_execmove(1, "/absent") != world().bproc_execmove(1, "/absent")


def test_bytes_that_are_no_text() -> None:
    def program(proc: bp.Proc) -> Any:
        yield from proc.write(1, b"caf\xe9\r\n")

    made = world()
    made.install("/bin/x", program)
    out = made.execve("/bin/x")
    assert (out.stdout, out.text) == (b"caf\xe9\r\n", "caf�\r\n")


def test_pids_and_time_go_on() -> None:
    made = world()
    outs = [made.bproc_execmove(1, "/absent"), made.bproc_execmove(1, "/bin/hello"), made.bproc_execmove(1, "/absent")]
    assert [out.pid for out in outs] == [1001, 1002, 1003]
    # The master forgets a process a message later than it ends, so a little more has passed.
    assert made.sim.now_ns >= sum(out.elapsed_ns for out in outs)


# ---- Errno ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, 0, -1, True])
def test_an_errno_never_equals_an_int(number: int) -> None:
    out = world().bproc_execmove(1, "/absent")
    for compare in (operator.eq, operator.ne):
        for one, other in ((out.errno, number), (number, out.errno)):
            with pytest.raises(TypeError, match=r"errno\.number\('linux'\)"):
                compare(one, other)
    with pytest.raises(TypeError, match=r"bp\.Errno\.ENOENT"):
        _ = out.errno in (2, 13)


def test_an_errno_equals_itself() -> None:
    out = world().bproc_execmove(1, "/absent")
    assert out.errno == bp.Errno.ENOENT
    assert out.errno is bp.Errno["ENOENT"]
    assert out.errno != bp.Errno.EACCES
    assert out.errno != None  # noqa: E711
    assert out.errno != "ENOENT"
    assert out.errno in {bp.Errno.ENOENT}
    assert repr(out.errno) == "Errno.ENOENT"


def test_numbers_of_systems() -> None:
    assert (bp.Errno.ELOOP.number("aix"), bp.Errno.ELOOP.number("linux"), bp.Errno.ELOOP.number()) == (85, 40, 40)
    with pytest.raises(ValueError, match=r"system: expected one of linux, aix, got 'hpux'"):
        bp.Errno.ELOOP.number("hpux")
    with pytest.raises(ValueError, match="BE_INVALIDNODE: no number of aix"):
        bp.Errno.BE_INVALIDNODE.number("aix")
    assert bp.Errno.ENOENT.message == "No such file or directory"
    numbers = {each: each.number("aix") for each in bp.Signal}
    assert (numbers[bp.Signal.SIGCHLD], numbers[bp.Signal.SIGKILL], numbers[bp.Signal.SIGRECONFIG]) == (20, 9, 58)
    assert len(set(numbers.values())) == len(numbers)
    assert bp.Signal.SIGCHLD.number() == 17
    with pytest.raises(ValueError, match="SIGRECONFIG: linux has no such signal"):
        bp.Signal.SIGRECONFIG.number("linux")
    with pytest.raises(ValueError, match="system: expected one of linux, aix, got 'hpux'"):
        bp.Signal.SIGKILL.number("hpux")
