"""The options of BProc's commands: met one by one, as GNU's getopt_long meets them, each acting before the next."""

from __future__ import annotations

import pytest

import bprocsim as bp
from bprocsim.programs.bproc.command import Ends
from bprocsim.programs.bproc.options import Options
from tests.commandline import Said, typed

EDITIONS = ["scyld", "lanl32", "bproc4"]

LONG = {"help": "h", "state": "s", "status": "s", "free": "f", "from": "from:", "force": "v", "own-name": "own-name"}
PERMUTED = Options("hvs:f", LONG)
STOPPING = Options("+hb:", {"help": "h", "bytes": "b"})


def meet(options: Options, line: str) -> tuple[str, str, str]:
    """Give the options that were met, with their parameters, the operands, and what was wrong."""
    met, seen = options.of(["cmd", *line.split(" ")] if line else ["cmd"]), []
    try:
        seen += [f"{option}={value}" if value else option for option, value in met]
    except Ends as end:
        return "", "", f"{end.said}, status {end.status}"
    return " ".join(seen), " ".join(met.operands), ""


@pytest.mark.parametrize(
    ("line", "options", "operands"),
    [
        ("", "", ""),
        ("-hv x", "h v", "x"),
        ("-hsup x", "h s=up", "x"),
        ("-hs up x", "h s=up", "x"),
        ("-s -h x", "s=-h", "x"),
        ("-s -- x", "s=--", "x"),
        ("x -h y -v z", "h v", "x y z"),
        ("x -h -- -v --", "h", "x -v --"),
        ("-- -h", "", "-h"),
        ("- -h -", "h", "- -"),
        ("--state up --state=down x", "s=up s=down", "x"),
        ("--sta=up --h", "s=up h", ""),
        ("--state= x", "s", "x"),
        ("--own --from=a=b", "own-name from=a=b", ""),
        ("--fo --fre", "v f", ""),
    ],
)
def test_what_getopt_long_meets(line: str, options: str, operands: str) -> None:
    """Each as a C library answered it."""
    assert meet(PERMUTED, line) == (options, operands, "")


@pytest.mark.parametrize(
    ("line", "options", "operands"),
    [("-h 0 -b 3", "h", "0 -b 3"), ("-b3 -h", "b=3 h", ""), ("- -h", "", "- -h"), ("--by 4 -- -h", "b=4", "-h")],
)
def test_a_plus_ends_them_at_the_first_operand(line: str, options: str, operands: str) -> None:
    assert meet(STOPPING, line) == (options, operands, "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-q", "invalid option -- q"),
        ("-hq", "invalid option -- q"),
        ("-:", "invalid option -- :"),
        ("-h-", "invalid option -- -"),
        ("x -s", "option requires an argument -- s"),
        ("--nosuch=3", "unrecognized option `--nosuch=3'"),
        ("---", "unrecognized option `---'"),
        ("--fr", "option `--fr' is ambiguous"),
        ("--f=1", "option `--f=1' is ambiguous"),
        ("--he=1", "option `--help' doesn't allow an argument"),
        ("x --sta", "option `--sta' requires an argument"),
    ],
)
def test_what_getopt_long_refuses(line: str, said: str) -> None:
    assert meet(PERMUTED, line) == ("", "", f"cmd: {said}, status 1")
    assert meet(STOPPING, "-+") == ("", "", "cmd: invalid option -- +, status 1")


# ---- in the commands --------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", EDITIONS)
def test_what_stands_before_a_wrong_option_is_done(edition: str) -> None:
    cluster = bp.Cluster(nodes=3, edition=edition)
    assert typed(cluster, "bpctl -S0 -m100 -q -m 0") == Said(1, "", "bpctl: invalid option -- q\n")
    assert typed(cluster, "bpctl -S 1 -m 110 -m 9 -q") == Said(1, "", "Invalid number: 9\n")
    assert typed(cluster, "bpctl -S 2 -m 1 -S a/b -m 0") == Said(1, "", "")
    said = typed(cluster, "/usr/bin/bpctl --mod 1 -S 0 -m 111 --help=x")
    assert said == Said(1, "", "/usr/bin/bpctl: option `--help' doesn't allow an argument\n")
    assert [node.mode for node in cluster.nodes] == [0o111, 0o110, 0o001]


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_stray_word_is_told_at_the_end(edition: str) -> None:
    cluster = bp.Cluster(nodes=1, edition=edition)
    said = typed(cluster, "bpctl stray -S 0 -m 0")
    assert (said.status, said.stderr, cluster.nodes[0].mode) == (1, "", 0)
    assert said.stdout.startswith("Usage: bpctl [options]\n")


def test_help_and_version_end_a_command_where_they_stand() -> None:
    cluster = bp.Cluster(nodes=1)
    version = Said(0, "bpctl version 3.1.9\n", "")
    assert typed(cluster, "bpctl -S 0 -m 100 -vh -q -m 0") == version
    assert cluster.nodes[0].mode == 0o100
    assert typed(cluster, "bpstat -lVq") == Said(0, "bpstat version 3.1.9\n", "")
    assert typed(cluster, "bpstat -qV") == Said(1, "", "bpstat: invalid option -- q\n")
    assert typed(cluster, "bpcp /etc/passwd -v -q") == Said(0, "bpcp version 3.1.9\n", "")
    assert typed(cluster, "bpsh -vb x") == Said(0, "bpsh version 3.1.9\n", "")
    assert typed(cluster, "bpsh -bx -v") == Said(1, "", "Invalid buffer size: x\n")
    assert typed(cluster, "bpsh -b x -b 5 0 true") == Said(1, "", "Invalid buffer size: x\n")
    assert typed(cluster, "bpsh --version -h") == Said(1, "", "")


def test_options_behind_operands_count_but_for_those_of_bpshs_command() -> None:
    cluster = bp.Cluster(nodes=2)
    assert typed(cluster, "bpcp /etc/passwd 1:/tmp/copy -p") == Said(0, "", "")
    assert cluster.nodes[1].fs.exists("/tmp/copy")
    assert typed(cluster, "bpstat 0 -nR 1") == Said(0, "1\n0\n", "")
    assert typed(cluster, "bpstat -n -- 1 -n") == Said(1, "", 'Invalid node specification "-n"\n')
    assert typed(cluster, "bpsh 0 echo -s -p") == Said(0, "-s -p\n", "")
    assert typed(cluster, "bpsh -ps -- 0,1 echo -h") == Said(0, "  0: -h\n  1: -h\n", "")
    assert typed(cluster, "bpsh 0 -p hostname") == Said(1, "", "bpsh: -p: command not found\n")


def test_scyld_has_options_for_a_library_cache_in_which_nothing_ever_is() -> None:
    """Source: scyld-bpctl."""
    cluster = bp.Cluster(nodes=2)
    assert typed(cluster, "bpctl -S 0-1 --cache-purge -m 100 --cache-purge-fail") == Said(0, "", "")
    assert [(node.state, node.mode) for node in cluster.nodes] == [("up", 0o100)] * 2
    assert "--cache-purge-fail" in typed(cluster, "bpctl -h").stdout
    for edition in ("lanl32", "bproc4"):
        other = bp.Cluster(nodes=1, edition=edition)
        said = typed(other, "bpctl -S 0 --cache-purge")
        assert said == Said(1, "", "bpctl: unrecognized option `--cache-purge'\n")
        assert "--cache-purge" not in typed(other, "bpctl -h").stdout
