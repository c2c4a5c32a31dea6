"""Odd command lines in each edition: impossible nodes, numbers and words; what each says, and its exit status."""

from __future__ import annotations

import pytest

import bprocsim as bp
from tests.commandline import typed

# What is said on descriptor 2, without the end of the line, and the status: in every edition, or in each of them.
Answer = tuple[int, str]
ODD: dict[str, Answer | tuple[Answer, Answer, Answer]] = {
    "bpsh 99 true": (0, ""),
    "bpsh -5 0 true": (1, "bpsh: invalid option -- 5"),
    "bpsh -- -5 true": (0, ""),
    "bpsh 3-1 false": (0, ""),
    "bpsh 99999999999999999999 false": (0, ""),
    "bpsh !! true": (1, 'Invalid node specification "!!"'),
    "bpsh 0x1 true": (1, 'Invalid node specification "0x1"'),
    "bpsh 0.0.0.0 true": (1, 'Invalid node specification "0.0.0.0"'),
    "bpsh -b 0 0 true": (1, "Invalid buffer size: 0"),
    "bpsh -b 99999999999999999999 0 true": (0, ""),
    "bpsh 0 /": ((1, "bproc_execmove: Permission denied"), (0, "0: Permission denied"), (0, "0: Permission denied")),
    "bpsh 0 /etc/passwd": (1, "bpsh: /etc/passwd: command not found"),
    "bpsh 0 bpsh 0 true": (1, "bpsh: true: command not found"),
    "bpsh 0 sleep x": (1, "sleep: invalid time interval `x'"),
    "bpsh --std= 0 true": (1, "bpsh: option `--std=' is ambiguous"),
    "bpstat 99": (0, ""),
    "bpstat -1": (1, "bpstat: invalid option -- 1"),
    "bpstat -- -1": (0, ""),
    "bpstat allup,,": (1, 'Invalid node specification "allup,,"'),
    "bpstat --sort": (1, "bpstat: option `--sort' is ambiguous"),
    "bpctl -S 99 -R": (0, ""),
    "bpctl -S -1 -s down": (0, ""),
    "bpctl -S master -s down": (
        (1, "-1: Input/output error"), (1, "-1: Invalid node number"), (1, "-1: No such file or directory"),
    ),
    "bpctl -M -R": ((1, "-1: Input/output error"), (1, "-1: Invalid node number"), (1, "-1: Invalid node number")),
    "bpctl -M -m 0": (
        (1, "-1: No such file or directory"), (1, "-1: Invalid node number"), (1, "-1: No such file or directory"),
    ),
    "bpctl -S 0 -m 0777": (1, "0: Operation not permitted"),
    "bpctl -S 0 -m -1": (1, "Invalid number: -1"),
    "bpctl -S 0 -m 377777777777777": (1, "Invalid number: 377777777777777"),
    "bpctl -S 0 -u -1": (1, "Invalid user id: -1"),
    "bpctl -S 0 -u 4294967296": (1, "Invalid user id: 4294967296"),
    "bpctl -S 0 -g 4294967294": (0, ""),
    "bpctl -S 0 -u 99999999999": (1, "Invalid user id: 99999999999"),
    "bpctl -S 0 -s boot": ((1, "0: Operation not permitted"), (1, "0: Invalid argument"), (0, "")),
    "bpctl -S 0 -s x_y": ((1, "Invalid node state: x_y"), (1, "Invalid node state: x_y"), (1, "0: Invalid argument")),
    "bpctl -S 0 -s down -s up": (
        (1, "0: Operation not permitted"), (1, "0: Invalid argument"), (1, "0: Invalid argument"),
    ),
    "bpctl -S 0 -R -H": ((1, "0: Operation not permitted"), (1, "0: Node is down"), (1, "0: Node is down")),
    "bpctl -S 0 -r /nosuch": (1, "0: No such file or directory"),
    "bpctl -f": (0, ""),
    "bpcp n0:/x /tmp": (1, "Invalid node number: n0"),
    "bpcp all:/x /tmp": (1, "Invalid node number: all"),
    "bpcp 9999999999:/x /tmp": (1, "Invalid node number: 9999999999"),
    "bpcp -1:/x /tmp": (1, "bpcp: invalid option -- 1"),
    "bpcp -- -1:/etc/passwd /tmp/y": (0, ""),
    "bpcp /etc 0:/tmp": (1, "rcp: /etc: not a plain file"),
    "bpcp 0: /tmp": (1, "rcp: .: not a plain file"),
    "bpcp /etc/passwd 0:/nosuch/x": (1, "rcp: /nosuch/x: No such file or directory"),
    "bpcp 0:/nosuch 1:/tmp": (1, "rcp: /nosuch: No such file or directory"),
    "ps -p -1": (1, "ps: -p: expected pids, got '-1'"),
    "ps -fp": (1, "ps: option requires an argument -- p"),
    "kill -- -5": (1, "kill: -5: No such process"),
    "kill - 1": (1, "kill: : invalid signal specification"),
    "kill 9999999999": (1, "kill: 9999999999: no such process"),
}  # fmt: skip
EDITIONS = ("scyld", "lanl32", "bproc4")


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("line", ODD)
def test_an_odd_line_is_answered(line: str, edition: str) -> None:
    said = typed(bp.Cluster(nodes=3, edition=edition, strict=True), line, input=b"in\n")
    known = ODD[line]
    status, text = known[EDITIONS.index(edition)] if len(known) == 3 else known
    assert (said.status, said.stderr) == (status, f"{text}\n" if text else "")


@pytest.mark.parametrize("words", ["/etc/passwd 99:/tmp", "99:/x /tmp", "-- -2:/x /tmp"])
def test_bpcp_and_a_node_that_there_is_not(words: str) -> None:
    """In 4.0 it waits for ever. Source: bproc-4.0.0pre8-bpcp."""
    for edition, text in (("scyld", "Invalid argument"), ("lanl32", "Invalid node number")):
        said = typed(bp.Cluster(nodes=3, edition=edition), f"bpcp {words}")
        assert (said.status, said.stdout, said.stderr) == (1, "", f"rfork: {text}\n")
    with pytest.raises(bp.Deadlock, match="accept"):
        typed(bp.Cluster(nodes=3, edition="bproc4"), f"bpcp {words}")
