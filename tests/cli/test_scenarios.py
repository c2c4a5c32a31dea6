"""`bprocsim run`, `check` and `init`: what they show, where, and with which exit status."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bprocsim import cli
from bprocsim.scenario.tokens import read_token
from tests.cli.command import Here, command, environment, has_terminals, in_terminal, minds_interrupts, text_of
from tests.environment import TOP

# Each test starts processes; what the scenarios come to is tested in tests/scenario, in one.
pytestmark = pytest.mark.slow

FIRST = str(TOP / "examples/first.toml")
HELLO = 'schema = 1\n[[file]]\npath = "/x"\nprogram = "hello"\n'
CALL = '[[call]]\ncall = "bproc_execmove"\nnode = 2\ncmd = "/x"\n'


def fed(text: str | bytes, *arguments: str, **changes: str) -> tuple[int, str, str]:
    """Run the command with a text on its stdin; give status, stdout, stderr."""
    data = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run(
        [sys.executable, "-m", "bprocsim", *arguments],
        input=data, cwd=TOP, env=environment(**changes), capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, text_of(done.stdout), text_of(done.stderr)


def document(text: str, *settings: str) -> dict[str, Any]:
    status, out, err = fed(text, "run", "-", "--json", *(each for one in settings for each in ("--set", one)))
    assert err == ""
    assert out.count("\n") == 1
    made: dict[str, Any] = json.loads(out)
    assert status == (0 if made["ok"] else 1)
    return made


# ---- run ---------------------------------------------------------------------------------------------


def test_as_expected() -> None:
    status, out, err = fed(HELLO + CALL + "expect = { exit_status = 0 }\n", "run", "-")
    assert (status, err) == (0, "")
    assert out.startswith('ok    call 0, line 5 at 0.000 ms\n      bproc_execmove(2, "/x")\n')
    assert "      came     exit 0, on node 2, in 5.5" in out
    assert "      stdout   hello from node 2\n" in out
    assert "\n1 call, 1 of 1 came as expected\n" in out
    assert re.search(r"\ndigest [0-9a-f]{64}\nreplay bprocsim replay bps1\.\S+\nseed 0\n$", out)


def test_of_a_call_for_several_nodes_each_slot_is_told() -> None:
    several = """schema = 1
[cluster]
nodes = 4
edition = "bproc4"
[[file]]
path = "/x"
program = "hello"
[[fault]]
kind = "PowerOff"
node = 1
[[call]]
call = "bproc_vexecmove"
nodes = [0, 1, 2, 1, 99]
cmd = "/x"
expect = { value = 5, causes = ["none", "node_down", "none", "node_down", "node_unknown"] }
"""
    status, out, err = fed(several, "run", "-")
    assert (status, err) == (0, "")
    assert "      slots    [1002, -301, 1004, -301, -300]\n" in out
    assert "      row      slot 1, 3: BE_NODEDOWN, node_down: the node is down\n" in out
    assert "      row      slot 4: BE_INVALIDNODE, node_unknown: " in out
    made = document(several, "call.0.expect.pids=[1, 2]")
    assert not made["ok"]
    assert "pids" in json.dumps(made["calls"][0])


def test_not_as_expected() -> None:
    expect = 'expect = { exit_status = 3, text = "x" }\n'
    status, out, err = fed(HELLO + CALL + expect, "run", "-")
    assert (status, err) == (1, "")
    assert out.startswith("FAIL  call 0, line 5")
    assert "FAIL     standard input:9: exit_status: expected 3, got 0\n" in out
    assert 'standard input:9: text: expected "x", got "hello from node 2' in out
    assert "1 call, 0 of 1 came as expected" in out


def test_nothing_expected() -> None:
    status, out, _ = fed(HELLO + CALL + '[[call]]\ncall = "sleep"\nseconds = 1.5\n', "run", "-")
    assert status == 0
    assert out.startswith("done  call 0")
    assert "done  call 1, line 9 at 5.5" in out
    assert "      sleep(1.5)\n" in out
    assert "2 calls, nothing expected\n" in out


def test_the_seed_and_the_digest() -> None:
    text = HELLO + '[[fault]]\nkind = "Loss"\na = -1\nb = 2\nprobability = 0.5\n' + CALL
    by_seed = {seed: fed(text, "run", "-", "--seed", seed)[1] for seed in ("1", "2", "1 ")}
    assert by_seed["1"] == by_seed["1 "] != by_seed["2"]
    assert by_seed["2"].endswith("\nseed 2\n")
    assert fed(text, "run", "-", "--set", "seed=2")[1] == by_seed["2"]


def test_a_fault_that_never_struck() -> None:
    fault = '[[fault]]\nkind = "Hang"\nnode = 1\nat_ns = 9_000_000_000\n'
    text = HELLO + fault + CALL + "expect = { exit_status = 0 }\n"
    status, out, _ = fed(text, "run", "-")
    assert status == 0
    assert "fault    bp.Hang(1, at_ns=9000000000) never struck\n" in out
    assert fed(text, "run", "-", "--set", "cluster.strict_faults=true")[0] == 1


def test_nothing_is_run_if_anything_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"def main(proc):\n    open({str(tmp_path / 'ran')!r}, 'w')\n", encoding="utf-8")
    file = tmp_path / "s.toml"
    text = 'schema = 1\n[[file]]\npath = "/x"\nprogram = "mine:main"\n' + CALL
    file.write_text(text + "[[call]]\ncal = 3\n", encoding="utf-8")
    done = command("run", str(file))
    assert (done.returncode, done.stdout) == (2, b"")
    first, last = text_of(done.stderr).splitlines()
    assert first.startswith(f"{file}:9: call.1.call: is missing")
    assert last == f"bprocsim run: one thing is wrong with {file}; nothing was run"
    assert not (tmp_path / "ran").exists()
    file.write_text(text, encoding="utf-8")
    assert command("run", str(file)).returncode == 0
    assert (tmp_path / "ran").exists()


def test_a_call_that_cannot_be_made_ends_the_run() -> None:
    text = HELLO + '[[fault]]\nkind = "PowerOff"\nnode = 1\n' + CALL + (CALL + "from_node = 1\n") + CALL
    status, out, err = fed(text, "run", "-")
    assert status == 2
    assert "1 call, nothing expected" in out
    assert err.splitlines() == [
        "standard input:16: call.1.from_node: node 1 is down: nobody there can make a call",
        "bprocsim run: call 1 cannot be made; it and those after it were not",
    ]


@pytest.mark.parametrize("name", ["nothing.toml", "."])
def test_a_file_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    done = command("run", str(tmp_path / name))
    assert (done.returncode, done.stdout) == (2, b"")
    assert text_of(done.stderr).startswith(f"bprocsim run: {tmp_path / name} cannot be read: ")


def test_without_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert [cli.main(["run"]), cli.main(["check"])] == [2, 2]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("which scenario? give its file, ") == 2


def test_stdin_is_read_and_named() -> None:
    assert fed("schema = 3\n", "run", "-")[2].startswith("standard input:1: schema: ")
    assert fed(b"\xff", "check", "-")[2].startswith("standard input:1: expected UTF-8")


def test_output_that_a_terminal_would_obey_is_escaped() -> None:
    call = '[[call]]\ncall = "execve"\npath = "/e"\nargv = ["e", "\\u001b[31m\\u0007red"]\n'
    _, out, _ = fed('schema = 1\n[[file]]\npath = "/e"\nprogram = "echo"\n' + call, "run", "-")
    assert "      stdout   \\x1b[31m\\x07red\n" in out
    assert "\x1b" not in out


def test_only_the_end_of_a_line_ends_a_line() -> None:
    """Other characters, at which Python would break, are shown."""
    call = '[[call]]\ncall = "execve"\npath = "/e"\nargv = ["e", "a\\fb\\u2028c\\r\\n\\nd"]\n'
    _, out, _ = fed('schema = 1\n[[file]]\npath = "/e"\nprogram = "echo"\n' + call, "run", "-")
    assert "      stdout   a\\x0cb\\u2028c\n\n               d\n\n" in out


def test_long_outputs_are_cut() -> None:
    argv = 'argv = ["e", { text = "line\\n", times = 100 }, { text = "x", times = 99 }]\n'
    call = '[[call]]\ncall = "execve"\npath = "/e"\n' + argv
    _, out, _ = fed('schema = 1\n[[file]]\npath = "/e"\nprogram = "echo"\n' + call, "run", "-")
    assert out.count("line\n") == 8
    assert "... and 93 lines more\n" in out
    assert max(len(line) for line in out.splitlines() if not line.startswith("replay")) < 80


# ---- --set -------------------------------------------------------------------------------------------


def test_values_are_set() -> None:
    expect = 'expect = { text = "hello from node 2\\n" }\n'
    assert document(HELLO + CALL + expect)["ok"]
    settings = ("call.0.node=3", 'call.0.argv = ["a", "b"]', "call.0.envp.A='b'", "cluster.nodes=5")
    made = document(HELLO + CALL + expect, *settings)
    assert made["calls"][0]["outcome"]["text"] == "hello from node 3\n"
    assert made["calls"][0]["call"]["argv"] == ["a", "b"]
    assert made["calls"][0]["call"]["envp"] == {"A": "b"}
    assert read_token(made["token"]).scenario["cluster"] == {"nodes": 5}
    assert document(HELLO + CALL + expect, "call.0.node=3", 'call.0.expect.text="hello from node 3\\n"')["ok"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("cluster.nodes=x", "expected a value as TOML has it, such as 8, true or '\"text\"', got x"),
        ("cluster.kernel=linux-6", "got linux-6; as a text: --set 'cluster.kernel=\"linux-6\"'"),
        ("cluster.nodes=", "got none"),
        ("cluster.nodes=1\nx=2", "got 1\nx=2"),
        ("cluster.nodes", "expected key=value, such as cluster.nodes=8"),
        ("=3", "expected key=value"),
        ("cluster..nodes=3", "expected key=value"),
        ("call.1.node=3", "there is no call.1; there are 0 to 0"),
        ("fault.0.node=3", "there is no fault.0; the list is empty"),
        ("call.x=3", "there is no call.x; there are 0 to 0"),
        ("call.0.node.x=3", "call.0.node is no table"),
        ("clutser.nodes=3", "clutser: there is no such key here (did you mean cluster or user?)"),
        ("cluster.nods=3", "cluster.nods: there is no such key here (did you mean nodes?)"),
        ('cluster.nodes="3"', "cluster.nodes: expected a number, or a list of tables"),
        ('call.0.user="bob"', 'call.0.user: there is no user "bob"'),
    ],
)
def test_a_wrong_setting_is_named(setting: str, said: str) -> None:
    status, out, err = fed(HELLO + CALL, "run", "-", "--set", setting)
    assert (status, out) == (2, "")
    assert err.startswith(f"--set {setting}: ")
    assert said in err


# ---- --json and --trace ------------------------------------------------------------------------------


def test_json_tells_all() -> None:
    made = document(HELLO + CALL + 'expect = { exit_status = 3, signal = "SIGKILL" }\n' + CALL.replace("/x", "/y"))
    assert sorted(made) == ["calls", "digest", "faults", "file", "ok", "problem", "schema", "seed", "token"]
    assert (made["schema"], made["seed"], made["file"], made["ok"]) == (1, 0, "standard input", False)
    first, second = made["calls"]
    assert sorted(first) == ["at_ns", "call", "line", "missed", "number", "ok", "outcome", "raised", "why"]
    assert (first["line"], first["ok"], first["outcome"]["node"]) == (5, False, 2)
    assert first["missed"] == [
        {"key": "exit_status", "expected": 3, "got": 0}, {"key": "signal", "expected": 9, "got": None}
    ]  # fmt: skip
    assert (second["ok"], second["outcome"]["errno"], second["outcome"]["cause"]) == (True, "ENOENT", "cmd_absent")
    assert read_token(made["token"]).digest == made["digest"]


def test_json_holds_bytes_that_are_no_text() -> None:
    text = 'schema = 1\n[[file]]\npath = "/e"\nprogram = "echo"\n[[call]]\ncall = "execve"\npath = "/e"\n'
    made = document(text + 'argv = ["e", { hex = "ff" }]\n')
    assert made["calls"][0]["outcome"]["stdout"] == {"base64": "/wo="}


def test_what_a_module_prints_is_not_among_the_results(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("print('imported')\ndef main(proc):\n    return 0\n", encoding="utf-8")
    (tmp_path / "s.toml").write_text('schema = 1\n[[file]]\npath = "/x"\nprogram = "mine:main"\n', encoding="utf-8")
    done = command("run", str(tmp_path / "s.toml"), "--json")
    assert json.loads(done.stdout)["ok"]
    assert text_of(done.stderr) == "imported\n"


def test_json_is_the_same_in_every_run() -> None:
    first, second = (command("run", FIRST, "--json", PYTHONHASHSEED=each).stdout for each in ("1", "2"))
    assert first == second


def test_the_trace_is_written(tmp_path: Path) -> None:
    lines, text = tmp_path / "trace.jsonl", tmp_path / "trace.txt"
    assert command("run", FIRST, "--trace", str(lines)).returncode == 0
    assert command("run", FIRST, "--trace", str(text)).returncode == 0
    records = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert records[0]["kind"] == "fault"
    assert len(text.read_text(encoding="utf-8").splitlines()) == len(records) > 50
    shown = text_of(command("run", FIRST, "--trace", "-").stdout)
    assert text.read_text(encoding="utf-8") in shown
    assert shown.endswith("\nseed 7\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--json", "--trace", "-"), "--json and --trace - both write to standard output"),
        (("--trace", "/nothing/of/this/name"), "--trace: /nothing/of/this/name cannot be written"),
        (("--trace", "-", "--set", 'trace="off"'), "the scenario keeps no trace"),
    ],
)
def test_a_trace_that_cannot_be_written(arguments: tuple[str, ...], said: str) -> None:
    done = command("run", FIRST, *arguments)
    assert done.returncode == 2
    assert said in text_of(done.stderr)


def test_a_trace_does_not_replace_its_scenario(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(HELLO, encoding="utf-8")
    done = command("run", str(file), "--trace", str(tmp_path / "." / "s.toml"))
    assert (done.returncode, file.read_text(encoding="utf-8")) == (2, HELLO)
    assert "is the scenario itself" in text_of(done.stderr)


# ---- check and init ----------------------------------------------------------------------------------


def test_check() -> None:
    done = command("check", FIRST)
    assert (done.returncode, done.stderr) == (0, b"")
    assert text_of(done.stdout) == f"{FIRST}: nothing is wrong (3 files, 1 fault, 5 calls)\n"
    status, out, err = fed(HELLO + CALL, "check", "-", "--set", "call.0.user='x'")
    assert (status, out) == (2, "")
    assert "there is no user" in err


def test_check_makes_no_call() -> None:
    assert fed(HELLO + CALL + "expect = { exit_status = 3 }\n", "check", "-")[0] == 0


def test_every_key_is_told(here: Here) -> None:
    import attrs

    from bprocsim.scenario.jsonschema import tables

    status, shown = here("check", "--keys", COLUMNS="120")
    assert status == 0
    place = 0
    for _, record in tables():
        for field in attrs.fields(record):
            place = shown.index(f"\n{field.name} ", place)
    for columns in ("40", "80"):
        assert max(map(len, here("check", "--keys", COLUMNS=columns)[1].splitlines())) < 80
    assert "\x1b[" in here("check", "--keys", FORCE_COLOR="1")[1]


def test_init_writes_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    done = command("init", str(file))
    assert (done.returncode, done.stderr) == (0, b"")
    assert text_of(done.stdout) == f"{file} is written; now: bprocsim run {file}\n"
    assert file.read_bytes() == (TOP / "examples/first.toml").read_bytes()
    file.write_text("mine", encoding="utf-8")
    done = command("init", str(file))
    assert (done.returncode, done.stdout) == (2, b"")
    said = f"bprocsim init: {file} is there already; give another name, or --force to overwrite it\n"
    assert text_of(done.stderr) == said
    assert file.read_text(encoding="utf-8") == "mine"
    assert command("init", str(file), "--force").returncode == 0
    assert command("run", str(file)).returncode == 0
    assert command("init", str(tmp_path / "no" / "x")).returncode == 2


def test_init_has_a_name_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["first.toml"]


# ---- Ctrl-C, terminals -------------------------------------------------------------------------------

ENDLESS = """
def main(proc):
    open("begun", "w").close()
    while True:
        yield from proc.sleep(1)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")
def test_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(ENDLESS, encoding="utf-8")
    text = 'schema = 1\n[[file]]\npath = "/x"\nprogram = "mine:main"\n[cluster]\nmax_events = 1_000_000_000\n' + CALL
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "bprocsim", "run", "s.toml", "--set", 'trace="errors"'],
        cwd=tmp_path, env=environment(), preexec_fn=minds_interrupts,  # noqa: PLW1509  (nobody has threads)
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        deadline = time.monotonic() + 60
        while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (130, b"", b"interrupted\n")


@pytest.mark.skipif(not has_terminals(), reason="needs pseudo-terminals")
def test_a_terminal_sees_how_far_it_is_and_lines_that_fit() -> None:
    status, shown = in_terminal("run", FIRST, with_stderr=True)
    assert status == 0
    assert "\rcalls 5/5" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.rpartition("\r")[2])
    assert max(len(line) for line in plain.splitlines() if not line.startswith("replay")) < 80
    assert plain == text_of(command("run", FIRST).stdout)
