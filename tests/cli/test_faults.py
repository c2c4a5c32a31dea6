"""bprocsim faults: each single fault of a scenario file, from the command line."""

from __future__ import annotations

import json

import pytest

from bprocsim import cli
from tests.environment import TOP

FIRST = str(TOP / "examples" / "first.toml")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = cli.main(["faults", FIRST, *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_what_is_wrong_is_told_with_its_token(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "--call", "write")
    lines = out.splitlines()
    assert (status, err) == (1, "")
    assert lines[0].startswith("1st write, by pid 1001 on node 2: bp.CallFails('write', bp.Errno.")
    assert lines[1].strip().startswith("crashes: a program on node 2 raised CallError")
    token = next(line for line in lines if "bprocsim replay" in line).split()[-1]
    assert cli.main(["replay", token]) == 1  # other than that file expects, but the same as in the run that was told
    assert "the same as in the first run" in capsys.readouterr().out
    assert lines[-2].strip() == f"{out.count('bprocsim replay')} crashes"
    assert lines[-1] == "seed 7"


def test_nothing_wrong_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "--step", "STREAM", "--seed", "3")
    assert (status, err) == (0, "")
    head, told, seed = out.splitlines()
    assert head.endswith("; 4 single faults")
    assert (told.strip(), seed) == ("nothing is wrong", "seed 3")


def test_all_runs_are_shown_if_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--step", "STREAM", "--all")
    assert out.startswith("without any fault\n")
    assert out.count("bprocsim replay") == 5
    assert "node 2 loses power as pid 1001 reaches STREAM: bp.PowerOff(2, step=bp.Step.STREAM)" in out


def test_a_document_has_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--call", "write", "--json")
    document = json.loads(out)
    assert (status, document["ok"], document["seed"], document["schema"]) == (1, False, 7, 1)
    assert {finding["verdict"] for each in document["runs"] for finding in each["findings"]} == {"CRASH"}
    assert all(each["token"].startswith("bps1.") and each["struck"] for each in document["runs"])
    assert document["usual"]["findings"] == []


def test_what_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "--call", "bproc_mov")
    assert (status, out) == (2, "")
    assert "--call: this scenario makes no call 'bproc_mov'; it makes bproc_execmove" in err
    assert run(capsys, "--set", "cluster.nod=3")[0] == 2
    assert cli.main(["faults"]) == 2
