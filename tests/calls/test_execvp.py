"""execvp's search and its way to the shell: as this machine's C library does it, and as it was recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

import bprocsim as bp
from tests.calls.execvpcases import CASES
from tests.calls.execvpreal import ABLE, Answer, build_args, read_recording, really, simulated
from tests.calls.worlds import Steps, play

pytestmark = pytest.mark.slow  # hundreds of worlds, each held against a recording

ANSWERS = read_recording()

# What we chose. The C library says -1 and leaves errno as it was where it could look nowhere, and
# without a PATH it looks into /bin first.
CHOSEN: dict[str, Answer] = {
    "no PATH, in both": (0, "</bin/sh>\n</usr/bin/p>\n<one>\n<two words>\n{OTHER=1}\n"),
    "a path too long, alone": (99, "ENAMETOOLONG\n"),
    "an element of 5000 alone": (99, "ENAMETOOLONG\n"),
}

_BIN_FIRST = CHOSEN["no PATH, in both"][1].replace("/usr/bin", "/bin")
_SHELL = "{OTHER=1}\n{PATH=/a:/b}\n"
_BY_SHELL = (0, "</bin/sh>\n</a/p>\n<one>\n<two words>\n" + _SHELL)
# Where the manual page's rules differ from those of Linux 6.
BY_THE_PAGE: dict[str, Answer] = {
    # An over-long line of a script is cut, and names what is not there.
    "an interpreter of a name too long": (0, "<name>\n<one>\n<two words>\n" + _SHELL),
    # The page has no ELIBBAD, and ENOEXEC goes to the shell.
    "an ELF interpreter that is none, then a good one": _BY_SHELL,
    "denied, then an ELF interpreter that is none": (0, _BY_SHELL[1].replace("/a/p", "/b/p")),
    # No argument is added to an argv that has none.
    "argv empty": (0, _SHELL),
    "argv NULL": (0, _SHELL),
}


def test_all_is_recorded_and_there_are_enough() -> None:
    assert list(ANSWERS) == list(CASES)
    assert len(CASES) >= 100


@pytest.mark.parametrize("title", CASES)
def test_a_node_answers_as_was_recorded(title: str) -> None:
    assert simulated(CASES[title]) == CHOSEN.get(title, ANSWERS[title])
    assert title not in CHOSEN or ANSWERS[title] in ((99, "no errno\n"), (0, _BIN_FIRST))


@pytest.mark.parametrize("title", CASES)
def test_the_search_is_the_same_by_the_rules_of_the_page(title: str) -> None:
    expected = BY_THE_PAGE.get(title) or CHOSEN.get(title, ANSWERS[title])
    assert simulated(CASES[title], "documented") == expected


@pytest.fixture(scope="module")
def args(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    where: Path = tmp_path_factory.mktemp("execvp")
    return build_args(where)


@pytest.mark.root
@pytest.mark.skipif(not ABLE, reason="needs gcc on an x86-64 machine")
@pytest.mark.parametrize("title", CASES)
@pytest.mark.slow
def test_this_machine_answers_as_was_recorded(title: str, args: bytes) -> None:
    assert really(CASES[title], args) == ANSWERS[title]


def test_a_failed_search_is_told_as_what_the_program_called() -> None:
    def program(proc: bp.Proc) -> Steps:
        for file, cause in (
            ("nowhere", "cmd_absent"),
            ("/tmp", "not_regular"),
            (bp.BAD_ADDRESS, "cmd_unreadable"),
            ("", "cmd_empty"),
            ("n" * 256, "component_too_long"),
        ):
            with pytest.raises(bp.CallError) as told:
                yield from proc.execvp(file, ["x"])
            assert (told.value.call, told.value.cause) == ("execvp", cause)
            assert told.value.source == "scyld-bproc_execmove"
            assert told.value.explain().startswith(
                f"execvp: {told.value.error.name} ({cause})\n  ok           ENAMETOOLONG"
            )
        with pytest.raises(bp.CallError) as told:
            yield from proc.execlp("nowhere", "x")
        assert told.value.call == "execvp"
        with pytest.raises(bp.CallError) as told:
            yield from proc.execv("nowhere", ["x"])
        assert told.value.call == "execve"
        assert told.value.filename == "nowhere"

    play(program)


def test_the_file_that_is_told_is_the_one_that_counted() -> None:
    def program(proc: bp.Proc) -> Steps:
        with pytest.raises(PermissionError) as told:
            yield from proc.execvp("p", ["p"])
        assert told.value.filename == "/bin/p"
        proc.thread.process.env = (b"PATH=/bin/sh:/tmp",)
        with pytest.raises(FileNotFoundError) as missing:
            yield from proc.execvp("p", ["p"])
        assert missing.value.filename == "/tmp/p"

    def build(proc: bp.Proc) -> Steps:
        yield from proc.close((yield from proc.open("/bin/p", bp.O_CREAT | bp.O_WRONLY, 0o644)))
        proc.thread.process.env = (b"PATH=/tmp:/bin:/usr/bin",)
        yield from program(proc)

    play(build)
