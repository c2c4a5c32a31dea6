"""Any words after a command's name: it never raises, it says why it refuses, and then nothing has changed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.programs.aix import COMMANDS
from tests.aix.commands import shape
from tests.commandline import typed

NAMES = ("test/some", "test/new", "sysxrset/app", "sys/sys0", "sys/node.01.00000", "test", "/", "a/b/c", "//", "sys/")
NUMBERS = ("0", "1", "3", "0-3", "2-7", "8", "3-1", "-1", "1001", "1002", "1003", "4294967296", "9" * 30, "0-3,x", "")
FLAGS = ("-c", "-m", "-e", "-P", "-F", "-S", "-FS", "-PF", "-a", "-v", "-o", "-r", "-n", "-p", "-X", "-f", "-q", "-u",
         "-s", "-b", "-t", "-w", "-z", "--", "-", "--help", "-c0-3", "-m0", "-eP")  # fmt: skip
OTHERS = (
    "off",
    "on",
    "limit",
    "suspend",
    "recommended",
    "boot",
    "now",
    "THREAD",
    "ps",
    "lsrset",
    "nosuch",
    "/etc",
    "é",
)

# What a command line may hold: anything but NUL, bytes that are no UTF-8 as well.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
junk = st.one_of(
    texts, st.binary(max_size=6).map(lambda data: data.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
)
words = st.one_of(
    st.sampled_from(FLAGS), st.sampled_from(NUMBERS), st.sampled_from(NAMES), st.sampled_from(OTHERS), junk
)


def world(level: str) -> tuple[bp.Lpar, bp.User]:
    """A partition with sets, a process that is bound and one that is attached; an error of ours reaches the test."""
    lpar = bp.Lpar(cores=4, smt=2, cpu="POWER5", level=level, strict=True)
    user = lpar.user("bob", 501, 501, capabilities={"CAP_NUMA_ATTACH"})
    lpar.mkrset("test/some", "2-5").check()
    lpar.mkrset("sysxrset/app", "6-7").check()
    bound, attached = lpar.idle_process(user=user), lpar.idle_process(user=user)
    lpar.bindprocessor(bp.BINDPROCESS, bound.pid, 1).check()
    lpar.ra_attachrset(bp.R_PROCESS, attached.pid, lpar.rset("0-3")).check()
    return lpar, user


def run(name: str, arguments: list[str], level: str, as_user: bool) -> tuple[Any, Any, Any]:
    lpar, user = world(level)
    before = shape(lpar)
    said = typed(lpar, [name, *arguments], user=user if as_user else None, input=b"")
    return said, before, shape(lpar)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(COMMANDS))
@given(st.lists(words, max_size=7), st.sampled_from(["5.2", "7.1"]), st.booleans())
def test_any_words(name: str, arguments: list[str], level: str, as_user: bool) -> None:
    said, before, after = run(name, arguments, level, as_user)
    assert said.status in (0, 1, 2)
    if said.status:
        assert after == before
        assert said.stderr.strip()
        assert "Traceback" not in said.stderr
    elif name != "execrset":
        assert said.stderr == ""


# No word of these can be any part of a command line that a command understands.
nonsense = st.one_of(
    st.text(st.sampled_from("ghijklxyz%&!?=+ \n\té漢"), min_size=1, max_size=6), st.just("-Z"), st.just("--none")
)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(COMMANDS))
@given(st.lists(nonsense, min_size=1, max_size=5))
def test_nonsense_is_always_refused(name: str, arguments: list[str]) -> None:
    said, before, after = run(name, arguments, "7.1", False)
    assert said.status in (1, 2)
    assert said.stdout == ""
    assert said.stderr.startswith((f"{name}: ", "Usage: "))
    assert after == before


def test_arguments_without_a_name() -> None:
    """A program may be given no words at all, not even its own name."""
    lpar = bp.Lpar(cores=1, smt=2, cpu="POWER5", strict=True)
    for name in COMMANDS:
        where = "sbin" if name in ("smtctl", "bindprocessor") else "bin"
        out = lpar.execve(f"/usr/{where}/{name}", [], {})
        assert out.exit_status == (0 if name == "smtctl" else 2), name
