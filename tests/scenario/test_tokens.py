"""Replay tokens: a run in one word, which comes out the same in every process and on every Python."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bprocsim import __version__
from bprocsim.cli.replay import _found
from bprocsim.scenario.build import build
from bprocsim.scenario.load import Where, understand
from bprocsim.scenario.materials import Outside
from bprocsim.scenario.play import play
from bprocsim.scenario.tokens import TokenError, outcomes_hash, read_token, write_token
from tests.cli.command import command, text_of
from tests.environment import TOP
from tests.scenario.loading import HEAD, loaded

EXAMPLES = sorted(path.name for path in (TOP / "examples").glob("*.toml") if path.name != "real_files.toml")


def token_of(text: str, beside: Path = Path()) -> str:
    ready = loaded(text, beside=beside)
    cluster = build(ready)
    results = list(play(cluster, ready))
    return write_token(ready, cluster.trace.digest() if cluster.trace.all else None, results, __version__)


def example(name: str) -> str:
    return (TOP / "examples" / name).read_text(encoding="utf-8")


def remade(token: str, **changes: Any) -> str:
    """Give a token of which some parts are others, with the right checksum."""
    version, word, _ = token.split(".")
    held = json.loads(zlib.decompress(urlsafe_b64decode(word + "=" * (-len(word) % 4))))
    data = json.dumps(held | changes).encode()
    return sealed(version, data)


def sealed(version: str, data: bytes) -> str:
    word = urlsafe_b64encode(zlib.compress(data)).decode().rstrip("=")
    return f"{version}.{word}.{zlib.crc32(word.encode()):08x}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_token_holds_the_whole_run(name: str) -> None:
    token = read_token(token_of(example(name)))
    again = understand(token.scenario, Where("the token", None), Outside(Path("/nowhere"), imports=False))
    assert again.scenario == loaded(example(name)).scenario
    cluster = build(again)
    results = list(play(cluster, again))
    assert all(result.ok for result in results)
    assert (cluster.trace.digest(), outcomes_hash(results)) == (token.digest, token.outcomes)


def test_a_token_is_one_word_that_a_shell_leaves_alone() -> None:
    for name in EXAMPLES:
        token = token_of(example(name))
        assert re.fullmatch(r"bps1\.[A-Za-z0-9_-]+\.[0-9a-f]{8}", token)
        assert len(token) < 2500


def test_the_order_of_variables_survives() -> None:
    """It is the order of the strings in memory, so it must not be sorted on the way."""
    text = HEAD + '[[file]]\npath = "/env"\nprogram = "env"\n[[call]]\ncall = "execve"\npath = "/env"\n'
    token = read_token(token_of(text + 'envp = { B = "2", A = "1" }\nexpect = { text = "B=2\\nA=1\\n" }\n'))
    assert list(token.scenario["call"][0]["envp"]) == ["B", "A"]


# ---- in other processes ------------------------------------------------------------------------------


@pytest.mark.parametrize("hash_seed", ["0", "1", "2"])
@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.slow
def test_it_replays_to_the_same_digest_in_another_process(name: str, hash_seed: str) -> None:
    done = command("replay", token_of(example(name)), PYTHONHASHSEED=hash_seed)
    assert (done.returncode, done.stderr) == (0, b"")
    ready = loaded(example(name))
    cluster = build(ready)
    list(play(cluster, ready))
    lines = text_of(done.stdout).splitlines()
    assert lines[-3:] == [f"digest {cluster.trace.digest()}", "the same as in the first run", lines[-1]]
    assert lines[-1] == f"seed {ready.scenario.seed}"


def other_pythons() -> list[str]:
    """Find the other Pythons of this machine: those on the PATH, and those that pyenv installed."""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found: dict[str, str] = {}
    on_path = map(Path, os.environ.get("PATH", "").split(os.pathsep))
    pyenvs = {Path.home() / ".pyenv", *(each.parent for each in on_path if each.name == "shims")}
    for minor in range(11, 16):
        name = f"3.{minor}"
        pythons = sorted(each for pyenv in pyenvs for each in pyenv.glob(f"versions/{name}.*/bin/python"))
        path = str(pythons[-1]) if pythons else shutil.which(f"python{name}")
        if path and name != here and _runs(path):
            found[name] = path
    return list(found.values())


def _runs(python: str) -> bool:
    """Tell whether it is a Python: pyenv leaves a stand-in on the PATH for each that is not chosen."""
    done = subprocess.run([python, "-c", "pass"], capture_output=True, check=False, timeout=60)
    return done.returncode == 0


NEEDED = ("simpy", "attrs", "attr", "cattrs", "cattr", "typing_extensions.py", "exceptiongroup")


@pytest.mark.slow
def test_it_replays_to_the_same_digest_on_every_python(tmp_path: Path) -> None:
    """They use the pure-Python packages of this one."""
    import cattrs

    packages = Path(cattrs.__file__).parent.parent
    for name in NEEDED:
        if (packages / name).exists():
            (tmp_path / name).symlink_to(packages / name)
    tokens = {name: token_of(example(name)) for name in EXAMPLES}
    tried = []
    for python in other_pythons():
        for token in tokens.values():
            done = subprocess.run(
                [python, "-m", "bprocsim", "replay", token],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join([str(TOP), str(tmp_path)]),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                capture_output=True,
                check=False,
                timeout=120,
            )
            assert (done.returncode, done.stderr) == (0, b""), python
            assert b"the same as in the first run" in done.stdout
        tried.append(python)
    if not tried:
        pytest.skip("there is no other Python from 3.11 on here")


# ---- what lies outside of a token ---------------------------------------------------------------------

MODULE = HEAD + '[[file]]\npath = "/x"\nprogram = "mine:main"\n[[call]]\ncall = "execve"\npath = "/x"\n'
HOST = HEAD + '[[file]]\npath = "/x"\nhost = "data"\n[[call]]\ncall = "execve"\npath = "/x"\n'


@pytest.mark.slow
def test_a_token_holds_no_code(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def main(proc):\n    return 7\n", encoding="utf-8")
    token = token_of(MODULE, beside=tmp_path)
    assert list(read_token(token).used) == ["mine.py"]

    done = command("replay", token)
    assert (done.returncode, done.stdout) == (2, b"")
    said = text_of(done.stderr).splitlines()
    assert said == [
        "the token: file.0.program: mine:main is code, which no token holds; say --beside DIR, where its file lies",
        "bprocsim replay: one thing is wrong with the token; nothing was run",
    ]
    done = command("replay", token, "--beside", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"exit 7" in done.stdout

    file.write_text("def main(proc):\n    return 8\n", encoding="utf-8")
    done = command("replay", token, "--beside", str(tmp_path))
    assert done.returncode == 1
    assert text_of(done.stderr) == ("bprocsim replay: warning: mine.py is not what it was when the token was made\n")
    assert b"NOT the same" in done.stdout
    file.unlink()
    done = command("replay", token, "--beside", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"mine.py is not there" in done.stderr


@pytest.mark.slow
def test_a_token_holds_no_file_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"#!/bin/sh\nexit 3\n")
    token = token_of(HOST, beside=tmp_path)
    assert command("replay", token, "--beside", str(tmp_path)).returncode == 0
    done = command("replay", token)
    assert done.returncode == 2
    assert b"file.0.host: data cannot be read" in done.stderr
    (tmp_path / "data").write_bytes(b"#!/bin/sh\nexit 4\n")
    done = command("replay", token, "--beside", str(tmp_path))
    assert done.returncode == 1
    assert b"warning: data is not what it was" in done.stderr


@pytest.mark.slow
def test_replaying_reads_no_module_without_being_told(tmp_path: Path) -> None:
    """Not even one that lies in the current directory."""
    (tmp_path / "mine.py").write_text("def main(proc):\n    pass\n", encoding="utf-8")
    token = token_of(MODULE, beside=tmp_path)
    (tmp_path / "mine.py").write_text("open('touched', 'w')\ndef main(proc):\n    pass\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "bprocsim", "replay", token],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(TOP)}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert not (tmp_path / "touched").exists()


# ---- other versions, damage --------------------------------------------------------------------------


@pytest.mark.slow
def test_a_token_of_another_version_is_tried_with_a_warning() -> None:
    token = token_of(example("first.toml"))
    for other in (remade(token, made_by="9.9").replace("bps1.", "bps2."), remade(token, made_by="9.9")):
        done = command("replay", other)
        assert done.returncode == 0
        (line,) = text_of(done.stderr).splitlines()
        assert line.startswith("bprocsim replay: warning: this token is of bprocsim 9.9 (bps")
        assert b"the same as in the first run" in done.stdout


def test_a_run_that_comes_out_otherwise_is_told() -> None:
    done = command("replay", remade(token_of(example("first.toml")), digest="0" * 64))
    assert done.returncode == 1
    assert f"NOT the same as in the first run: the digest was {'0' * 64}" in text_of(done.stdout)


@pytest.mark.slow
def test_without_a_digest_the_outcomes_are_compared() -> None:
    token = token_of(example("first.toml").replace("seed = 7", 'seed = 7\ntrace = "errors"'))
    assert read_token(token).digest is None
    done = command("replay", token)
    assert done.returncode == 0
    assert b"digest" not in done.stdout
    assert b"the same as in the first run" in done.stdout
    assert b"outcomes differ" in command("replay", remade(token, outcomes="0")).stdout


@pytest.mark.parametrize("text", ["", "x", "bps1.abc", "bps1.abc.00000000", "bps1..00000000", "bps1.abc.0000000g"])
@pytest.mark.slow
def test_what_is_no_token_is_told_in_one_sentence(text: str) -> None:
    done = command("replay", text or "-")
    assert (done.returncode, done.stdout) == (2, b"")
    assert re.fullmatch(r"bprocsim replay: this (is no replay token|token is damaged).*\n", text_of(done.stderr))


TOKEN = token_of(HEAD)


@pytest.mark.parametrize(
    "token",
    [
        sealed("bps1", b"{}"),
        sealed("bps1", b"[1]"),
        sealed("bps1", b"\xff"),
        sealed("bps1", b"[" * 100_000),
        sealed("bps3", b'{"scenario": 3}'),
        remade(TOKEN, scenario=3),
        remade(TOKEN, used=[]),
        f"bps1.abcd.{zlib.crc32(b'abcd'):08x}",
        f"bps1.a.{zlib.crc32(b'a'):08x}",
    ],
    ids=range(9),
)
def test_a_token_with_a_right_checksum_and_nonsense_within(token: str) -> None:
    with pytest.raises(TokenError, match="this token is damaged, or of a version that cannot be read"):
        read_token(token)


def test_a_token_whose_scenario_is_wrong_is_told_like_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    from bprocsim.cli import main

    assert main(["replay", remade(TOKEN, scenario={"schema": 1, "cluster": {"nodes": "x"}})]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0].startswith("the token: cluster.nodes: expected ")


def test_a_word_that_grows_is_cut() -> None:
    """What somebody sent must not fill the memory."""
    word = sealed("bps1", b" " * (80 * 1024 * 1024))
    with pytest.raises(TokenError, match="damaged"):
        read_token(word)


@settings(max_examples=200)
@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("aB7_-. \n0"))
def test_one_wrong_character_is_noticed(place: int, other: str) -> None:
    damaged = TOKEN[:place] + other + TOKEN[place + 1 :]
    if "".join(damaged.split()) == TOKEN:
        return
    try:
        token = read_token(damaged)
    except TokenError:
        return
    assert token.version != 1  # another version is told, and tried


@pytest.mark.parametrize("length", [8, 20, len(TOKEN) - 9, len(TOKEN) - 1])
def test_a_token_that_was_cut_is_told(length: int) -> None:
    with pytest.raises(TokenError, match="damaged: it does not end in a checksum; copy the whole word"):
        read_token(TOKEN[:length])


def test_a_token_is_found_in_a_run_that_was_broken_over_lines() -> None:
    data = f"replay bprocsim replay {TOKEN}\nseed 0\n".encode()
    for broken in (data, b"\n".join(data[at : at + 30] for at in range(0, len(data), 30))):
        assert _found(broken) == TOKEN


def test_a_token_may_be_broken_over_lines() -> None:
    """As a mail program does."""
    assert read_token("\n ".join(TOKEN[at : at + 20] for at in range(0, len(TOKEN), 20))) == read_token(TOKEN)
