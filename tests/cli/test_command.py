"""The command as a whole: its options, exit statuses, streams, encodings, and what it imports."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bprocsim import cli
from bprocsim.cli import demo
from bprocsim.cli.screen import OutputError
from tests.cli.command import (
    WITHOUT_RICH,
    Here,
    command,
    environment,
    has_terminals,
    in_terminal,
    minds_interrupts,
    python,
    run_code,
    text_of,
)

COMMANDS = ("demo", "errors", "explain", "init", "check", "run", "replay", "faults")
EACH = (
    ("demo",),
    ("errors", "bproc_execmove"),
    ("explain", "bproc_execmove"),
    ("explain", "execve", "EACCES"),
    ("check", "examples/first.toml"),
    ("run", "examples/fifteen_errnos.toml"),
)
# Each test starts processes; what the commands tell is tested beside this, in one.
pytestmark = pytest.mark.slow

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")
terminal = pytest.mark.skipif(not has_terminals(), reason="needs pseudo-terminals")


# ---- what it says of itself ------------------------------------------------------------------------


def test_version() -> None:
    done = command("--version")
    assert (done.returncode, text_of(done.stdout), done.stderr) == (0, "bprocsim 0.1.0\n", b"")


def test_main_is_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr() == ("bprocsim 0.1.0\n", "")


def test_main_reads_the_arguments_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bprocsim", "--version"])
    assert cli.main() == 0
    assert capsys.readouterr().out == "bprocsim 0.1.0\n"


@pytest.mark.parametrize("arguments", [(), *((name,) for name in COMMANDS)])
def test_help_helps(arguments: Sequence[str]) -> None:
    done = command(*arguments, "--help")
    text = text_of(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert text.startswith("usage: bprocsim")
    assert "examples:" in text
    assert max(map(len, text.splitlines())) <= 80
    for name in () if arguments else COMMANDS:
        assert f"    {name}" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_each_help_are_right(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stands under "examples:" is read by the parser, and does what is promised, also far from a clone."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init"]) == 0
    lines = [line.strip() for line in f"{cli.COMMANDS[name].EPILOG}\n{cli.EPILOG}".splitlines()]
    examples = [re.split(r"  | [|>] ", line)[0].split() for line in lines if line.startswith("bprocsim ")]
    assert len(examples) > 5
    for _, *arguments in examples:
        if arguments == ["init"]:
            (tmp_path / "first.toml").unlink()
        assert cli.main(arguments) == 0, arguments
    capsys.readouterr()


# ---- wrong usage: 2 --------------------------------------------------------------------------------


def assert_wrong_usage(done: subprocess.CompletedProcess[bytes]) -> str:
    assert (done.returncode, done.stdout) == (2, b"")
    return text_of(done.stderr)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["errors", "execve", "ENOENT"], "; an errno is asked for by --errno NAME, and one call at a time"),
        (["explain", "execve", "ENOENT", "x"], ""),
        (["demo", "x"], ""),
    ],
)
def test_a_word_too_many_is_told_with_the_commands_own_usage(arguments: Sequence[str], said: str) -> None:
    told = assert_wrong_usage(command(*arguments))
    assert told.startswith(f"usage: bprocsim {arguments[0]} ")
    line = f"bprocsim {arguments[0]}: error: unrecognized arguments: {arguments[-1]}{said}"
    assert told.splitlines()[-1] == line


def test_no_command_shows_the_help_on_stderr() -> None:
    assert assert_wrong_usage(command()).startswith("usage: bprocsim")


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("--nonsense",), ("demo", "--seed"), ("demo", "--seed", "x"), ("demo", "x"), ("explain",)],
)
def test_what_the_parser_refuses(arguments: Sequence[str]) -> None:
    assert "error:" in assert_wrong_usage(command(*arguments))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain", "bproc_exemove"), ("there is no call 'bproc_exemove'", "did you mean bproc_execmove")),
        (("explain", "read", "ENOEXEC"), ("there is no error of read called 'ENOEXEC'", "EBADF")),
        (("explain", "bproc_execmove", "ENOXEC"), ("did you mean ENOEXEC",)),
        (("explain", "bproc_execmove", "999"), ("'999'", "EBUSY")),
        (("errors", "nonsense"), ("there is no call 'nonsense'", "bproc_execmove, execve")),
        (("errors", "--errno", "EMLINK"), ("'EMLINK'", "ENOENT")),
        (("errors", "--edition", "scylt"), ("there is no edition 'scylt'", "did you mean scyld", "bproc4")),
        (("explain", "execve", "--kernel", "vms"), ("there is no kernel 'vms'", "documented")),
    ],
)
def test_what_there_is_not_is_told_in_one_sentence(arguments: Sequence[str], words: Sequence[str]) -> None:
    said = assert_wrong_usage(command(*arguments))
    assert said.count("\n") == 1
    assert said.startswith(f"bprocsim {arguments[0]}: ")
    for word in words:
        assert word in said


def test_a_name_in_any_script_is_refused_in_any_encoding() -> None:
    done = command("explain", "execmöve→", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


# ---- our bug: 70; Ctrl-C: 130 ----------------------------------------------------------------------


def test_a_bug_of_ours_says_what_to_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> int:
        raise FileNotFoundError(2, "a simulated error that nobody caught")

    monkeypatch.setattr(demo, "run", broken)
    assert cli.main(["demo", "--seed", "5"]) == 70
    out, err = capsys.readouterr()
    assert out == ""
    for word in (
        "bug in bprocsim",
        "bprocsim demo --seed 5",
        "bprocsim 0.1.0, Python 3.",
        "Traceback",
        "nobody caught",
    ):
        assert word in err


def test_a_broken_pipe_in_a_simulation_is_a_bug_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A simulated EPIPE is a BrokenPipeError as well, but says nothing of our stdout."""
    monkeypatch.setattr(demo, "run", lambda *_: (_ for _ in ()).throw(BrokenPipeError(32, "simulated")))
    assert cli.main(["demo"]) == 70
    assert "simulated" in capsys.readouterr().err


def test_ctrl_c_in_the_same_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(demo, "run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr() == ("", "interrupted\n")


@posix
def test_ctrl_c() -> None:
    code = """
import sys, time
from bprocsim import cli
def run(options, screen):
    screen.write("begun\\n")
    screen.flush()
    time.sleep(60)
cli.demo.run = run
sys.exit(cli.main(["demo"]))
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment(), preexec_fn=minds_interrupts,  # noqa: PLW1509  (nobody has threads)
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == b"begun\n"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
    assert (child.returncode, out, err) == (130, b"", b"interrupted\n")


# ---- stdout that is closed, full, or not there -----------------------------------------------------

PATIENT = "import sys; sys.stdin.read()"


@pytest.mark.parametrize("arguments", [*EACH, ("--help",), ("--version",), ("errors", "--json")])
def test_a_closed_pipe_ends_quietly(arguments: Sequence[str]) -> None:
    code = f"{PATIENT}\nfrom bprocsim.cli import main\nsys.exit(main({list(arguments)!r}))"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        child.stdin.close()  # only now it writes
        err = child.stderr.read()
        child.wait(timeout=60)
    assert (child.returncode, err) == (0, b"")


@pytest.mark.linux
@pytest.mark.parametrize("arguments", [*EACH, ("--version",)])
def test_a_full_disk_is_told(arguments: Sequence[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bprocsim", *arguments],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == b"bprocsim: cannot write to stdout: No space left on device\n"


@posix
@pytest.mark.parametrize("arguments", [("demo",), ("--version",), ("nonsense",)])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_without_a_stream_nothing_breaks(arguments: Sequence[str], closed: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -m bprocsim "$@" {closed}', sys.executable, *arguments],
        env=environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == (2 if arguments == ("nonsense",) else 0)
    assert b"Traceback" not in done.stderr + done.stdout


def test_an_output_error_says_whether_anybody_reads() -> None:
    assert OutputError("x", closed=True).closed


# ---- results on stdout, everything else on stderr --------------------------------------------------


@pytest.mark.parametrize("arguments", EACH)
def test_results_are_on_stdout_and_plain_in_a_pipe(arguments: Sequence[str]) -> None:
    done = command(*arguments, TERM="xterm-256color")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\x1b" not in done.stdout
    assert b"\r" not in done.stdout
    assert done.stdout.endswith(b"\n")


def test_a_pipe_gets_the_same_without_rich() -> None:
    arguments = ("errors", "bproc_execmove")
    assert run_code(WITHOUT_RICH, *arguments).stdout == command(*arguments).stdout


@pytest.mark.parametrize("arguments", [("demo",), ("errors", "execve")])
def test_the_seed_is_on_the_last_line(arguments: Sequence[str]) -> None:
    assert text_of(command(*arguments).stdout).splitlines()[-1] == "seed 0"


# ---- colour ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rich", [False, True])
@pytest.mark.parametrize("arguments", [*EACH, ("--help",)])
def test_colour_is_forced(arguments: Sequence[str], rich: bool, here: Here) -> None:
    if rich:
        pytest.importorskip("rich_argparse")
    here.rich = rich
    status, text = here(*arguments, FORCE_COLOR="1")
    assert status == 0
    painted = rich or arguments != ("--help",) or sys.version_info >= (3, 14)  # argparse's own
    assert ("\x1b[" in text) == painted


@pytest.mark.parametrize("arguments", [*EACH, ("--help",)])
def test_no_color_wins(arguments: Sequence[str], here: Here) -> None:
    assert here(*arguments, FORCE_COLOR="1", NO_COLOR="1") == here(*arguments)
    assert "\x1b" not in here(*arguments)[1]


def test_the_option_wins_over_the_environment(here: Here) -> None:
    assert "\x1b[" in here("demo", "--color", "always", NO_COLOR="1")[1]
    assert "\x1b" not in here("demo", "--color", "never", FORCE_COLOR="1")[1]


@pytest.mark.parametrize("color", ["", "1"])
@pytest.mark.parametrize("rich", [False, True])
@pytest.mark.parametrize("columns", [40, 80, 120, 300])
@pytest.mark.parametrize("arguments", EACH)
def test_lines_fit(arguments: Sequence[str], columns: int, rich: bool, color: str, here: Here) -> None:
    here.rich = rich
    status, shown = here(*arguments, FORCE_COLOR=color, COLUMNS=str(columns))
    assert status == 0
    # Calls, commands and addresses are not broken: they are to be copied.
    whole = ("https://", "bproc", "bprocsim", "char *const")
    for line in without_escapes(shown).splitlines():
        assert len(line) < columns or columns == 40 or any(word in line for word in whole), line
        assert line == line.rstrip()


@terminal
@pytest.mark.parametrize(("before", "columns"), [(WITHOUT_RICH, 80), ("", 120)])
def test_a_terminal_gets_colour_and_lines_that_fit(before: str, columns: int) -> None:
    status, shown = in_terminal("errors", "bproc_execmove", columns=columns, before=before)
    assert status == 0
    assert "\x1b[" in shown
    longest = max(map(len, without_escapes(shown).splitlines()))
    assert columns * 3 // 4 < longest < columns


@terminal
@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_none_gets_none(variable: dict[str, str]) -> None:
    status, shown = in_terminal("demo", before=f"import os; os.environ.update({variable!r})")
    assert status == 0
    assert shown == text_of(command("demo").stdout)


def without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


# ---- encodings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "latin-1", "utf-8", "utf-16-le"])
@pytest.mark.parametrize("color", ["", "1"])
@pytest.mark.parametrize("arguments", [*EACH, ("--help",)])
def test_any_encoding_will_do(arguments: Sequence[str], color: str, encoding: str, here: Here) -> None:
    status, text = here(*arguments, encoding=encoding, FORCE_COLOR=color)
    assert status == 0
    assert "\\u" not in text  # no escape stands for an arrow


def test_arrows_are_arrows_where_they_can_be() -> None:
    assert "EBUSY → EFAULT" in text_of(command("explain", "bproc_execmove", "ENOENT").stdout)
    for encoding in ("cp1252", "ascii"):
        done = command("explain", "bproc_execmove", "ENOENT", PYTHONIOENCODING=encoding)
        assert b"EBUSY -> EFAULT" in done.stdout
        assert (done.returncode, done.stderr) == (0, b"")


# ---- imports ---------------------------------------------------------------------------------------

HEAVY = ("rich", "rich_argparse", "hypothesis", "pytest", "_pytest", "bprocsim.testing", "simpy", "tomllib")


@pytest.mark.parametrize(
    ("arguments", "without"),
    [
        (("--version",), HEAVY),
        (("demo",), ("rich", "hypothesis", "pytest", "_pytest", "bprocsim.testing", "bprocsim.sources")),
        (("errors", "execve"), ("rich", "hypothesis", "pytest", "_pytest")),
        (("explain", "execve"), ("rich", "hypothesis", "pytest", "_pytest")),
    ],
)
def test_a_command_imports_only_what_it_needs(arguments: Sequence[str], without: Sequence[str]) -> None:
    code = (
        "import atexit, sys; "
        "atexit.register(lambda: print(*sorted(sys.modules), sep='\\n', file=sys.stderr)); "
        "from bprocsim.cli import main; main(sys.argv[1:])"
    )
    done = python("-c", code, *arguments)
    imported = set(text_of(done.stderr).split())
    assert "bprocsim.cli" in imported
    assert not imported & set(without)


def test_the_console_script_is_main() -> None:
    import tomllib

    from tests.environment import TOP

    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"bprocsim": "bprocsim.cli:main"}
    assert os.access(TOP / "bprocsim" / "__main__.py", os.R_OK)
