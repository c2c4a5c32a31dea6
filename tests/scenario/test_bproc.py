"""Scenarios that ask about nodes and processes, change them, and move what runs, in each edition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.cli.calltext import call_text
from bprocsim.programs.samples import hello
from bprocsim.scenario.build import build
from bprocsim.scenario.play import Result, play
from bprocsim.scenario.problems import ScenarioError
from bprocsim.scenario.tokens import read_token, write_token
from tests.scenario.loading import HEAD, loaded, played, told

SCYLD, LANL, BPROC4 = (
    f'{HEAD}[cluster]\nnodes = 3\nedition = "{edition}"\n' for edition in ("scyld", "lanl32", "bproc4")
)
ME = '[[call]]\ncall = "idle_process"\nname = "me"\n'
HELLO = '[[file]]\npath = "/usr/bin/hello"\nprogram = "hello"\non = ["master", "all"]\n'


def call(name: str, *lines: str, expect: str = "") -> str:
    """Write a call."""
    expected = (f"expect = {{ {expect} }}",) if expect else ()
    return "\n".join(("[[call]]", f'call = "{name}"', *lines, *expected)) + "\n"


def results(text: str) -> list[Result]:
    """Run a text in which nothing is wrong."""
    assert told(text) == []
    return played(text)


def missed(text: str) -> list[Any]:
    """Run a text, and give all that did not come as expected."""
    return [each for result in results(text) for each in result.missed]


def test_a_scenario_is_what_the_calls_would_have_done() -> None:
    text = (
        BPROC4
        + HELLO
        + ME
        + call("bproc_nodesetstatus", "node = 1", 'status = "odd"')
        + call("bproc_nodestatus", "node = 1")
        + call("bproc_setnodeattr", "node = 1", 'name = "cpus"', 'value = { hex = "3200" }', "size = 2")
        + call("bproc_getnodeattr", "node = 1", 'name = "cpus"', "size = 4", "from_node = -1")
        + call("bproc_nodelist")
        + call("bproc_nodespec", 'str = "!up"', 'user = "root"')
        + call("bproc_move", "node = 2", 'caller = "me"')
        + call("bproc_pidnode", 'pid = "me"')
        + call("bproc_rexec_io", "node = 0", "port = 4000", 'cmd = "/usr/bin/hello"', 'argv = ["hello"]')
        + call("bproc_rfork", "node = 1", 'child = "hello"')
        + call("_bproc_rfork_io", "node = 1", 'flags = "BPROC_DUMP_ALL"', "port = 0", 'child = "hello"')
    )
    ready = loaded(text)
    world = build(ready)
    filled = [result.filled for result in play(world, ready)]

    cluster = bp.Cluster(3, edition="bproc4", trace="all")
    cluster.install("/usr/bin/hello", hello, on=["master", "all"])
    me = cluster.idle_process()
    cluster.bproc_nodesetstatus(1, "odd")
    cluster.bproc_nodestatus(1, bytearray(), 16)
    cluster.bproc_setnodeattr(1, "cpus", b"2\0", 2)
    cluster.bproc_getnodeattr(1, "cpus", bytearray(), 4)
    cluster.bproc_nodelist(bp.BprocNodeSet())
    cluster.bproc_nodespec(bp.BprocNodeSet(), "!up")
    cluster.bproc_move(2, caller=me)
    cluster.bproc_pidnode(me.pid)
    cluster.bproc_rexec_io(0, 4000, "/usr/bin/hello", ["hello"])
    cluster.bproc_rfork(1, hello)
    cluster._bproc_rfork_io(1, bp.BPROC_DUMP_ALL, 0, hello)
    assert world.trace.text() == cluster.trace.text()
    assert filled[2] == "odd"
    assert filled[4] == "2"
    assert [each["status"] for each in filled[5]] == ["up", "odd", "up"]
    token = read_token(write_token(ready, world.trace.digest(), [], "0"))
    assert token is not None


def test_what_is_filled_can_be_expected() -> None:
    text = (
        BPROC4
        + call("bproc_nodestatus", "node = 1", expect='value = 3, filled = "up"')
        + call("bproc_nodeinfo", "node = 1", expect='filled = { status = "up", addr = { host = "10.54.1.1" } }')
        + call("bproc_nodelist", expect="value = 3, filled = [{ node = 0 }, {}, { node = 2, mode = 0o111 }]")
        + call("bproc_nodespec", 'str = "2,master"', expect="filled = [{ node = 2 }, { node = -1 }]")
        + call("bproc_nodeaddr", "node = 2", expect='filled = { host = "10.54.1.2", port = 0 }')
        + call("bproc_version", expect='filled = { version_string = "4.0.0pre8", magic = "BPr" }')
        + call("bproc_strerror", "errno = 301", expect='value = "Node is down"')
        + call("bproc_proclist", "node = -4", expect="value = 0, filled = []")
    )
    assert missed(text) == []


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ('filled = { status = "down" }', {"status": "up"}),
        ("filled = { mode = 1, node = 1 }", {"mode": 0o111}),
        ("filled = { none = 1 }", {}),
        ('filled = "1"', {}),
        ("filled = [1]", {}),
    ],
)
def test_what_is_filled_otherwise_is_missed(expected: str, got: dict[str, Any]) -> None:
    (only,) = missed(BPROC4 + call("bproc_nodeinfo", "node = 1", expect=expected))
    assert only.key == "filled"
    assert got.items() <= only.got.items()


@pytest.mark.parametrize(
    ("head", "status"),
    [(SCYLD, '"bproc_node_error"'), (SCYLD, "2"), (LANL, '"bproc_node_error"'), (BPROC4, '"error"')],
)
def test_a_state_is_written_as_the_edition_has_it(head: str, status: str) -> None:
    name = "bproc_setnodestatus" if head is SCYLD else "bproc_nodesetstatus"
    ready = loaded(head + call(name, "node = 1", f"status = {status}"))
    world = build(ready)
    assert [result.outcome.value for result in play(world, ready) if result.outcome is not None] == [0]
    assert world.cluster is not None
    assert world.cluster.nodes[1].state == "error"


@pytest.mark.parametrize("head", [SCYLD, LANL])
def test_a_state_is_expected_by_its_name(head: str) -> None:
    name = "bproc_setnodestatus" if head is SCYLD else "bproc_nodesetstatus"
    text = (
        head
        + call(name, "node = 1", 'status = "bproc_node_error"')
        + call("bproc_nodestatus", "node = 1", expect='value = "bproc_node_error"')
        + call("bproc_nodeinfo", "node = 1", expect='filled = { status = "bproc_node_error" }')
        + call(
            "bproc_nodelist", expect='filled = [{}, { status = "bproc_node_error", addr = { host = "10.54.1.1" } }, {}]'
        )
        + call("bproc_nodestatus", "node = 1", expect='value = "bproc_node_up"')
    )
    (only,) = missed(text)
    assert (only.key, only.expected, only.got) == ("value", bp.bproc_node_up, bp.bproc_node_error)


@pytest.mark.parametrize("head", [SCYLD, LANL])
@pytest.mark.parametrize("status", ["error", "nonsense", "bproc_node_eror"])
def test_a_word_is_no_state_but_in_bproc4(head: str, status: str) -> None:
    name = "bproc_setnodestatus" if head is SCYLD else "bproc_nodesetstatus"
    with pytest.raises(ScenarioError, match=rf"call\.0\.status: expected a state, got .*{status}.*bproc_node_error"):
        loaded(head + call(name, "node = 1", f'status = "{status}"'))


def test_a_list_of_descriptors_is_refused_before_the_run_where_there_are_none() -> None:
    body = call("bproc_move_io", "node = 1", "port = [{ fd = 1 }]")
    with pytest.raises(ScenarioError, match="edition scyld has no lists"):
        loaded(SCYLD + body)
    body = HELLO + call("bproc_execmove_io", "node = 1", "port = [{ fd = 1 }]", 'cmd = "/usr/bin/hello"')
    with pytest.raises(ScenarioError, match=r"call\.0\.port: expected a port, got a list: edition scyld has no lists"):
        loaded(SCYLD + body)
    assert loaded(LANL + body).scenario.call


def test_pointers_and_sets_are_as_in_c() -> None:
    bad, null = '{ pointer = "bad" }', '{ pointer = "null" }'
    text = (
        BPROC4
        + call("bproc_nodestatus", "node = 1", f"status = {bad}", "len = 16", expect='errno = "EFAULT"')
        + call("bproc_nodestatus", "node = 1", "len = 2", expect='errno = "ERANGE"')
        + call("bproc_nodelist", f"list = {null}", expect='cause = "set_unwritable"')
        + call("bproc_nodesetstatus", "node = 1", f"status = {null}", expect='cause = "status_unreadable"')
        + call("bproc_nodeset_add", "ns = [{ node = 5 }]", "node = { node = 6 }", expect="filled = [{node=5},{node=6}]")
        + call("bproc_nodeset_add", f"node = {bad}", expect='cause = "node_unreadable"')
        + call("bproc_nodeset_append", 'other = [{ node = 5, status = "x" }]', expect='filled = [{ status = "x" }]')
        + call("bproc_nodefilter", 'given = [{ node = 7, status = "up" }]', 'str = "7-9"', expect="filled = [{node=7}]")
        + call("bproc_nodefilter", f"given = {null}", 'str = "7"', expect='cause = "set_unreadable"')
        + call("bproc_nodeset_init", "size = 2", expect="filled = [{}, {}]")
        + call("bproc_setnodeattr", "node = 1", 'name = "a"', f"value = {bad}", "size = 1", expect='errno = "EFAULT"')
    )  # fmt: skip
    assert missed(text) == []


def test_records_of_other_editions_can_be_written_down() -> None:
    info = 'info = { node = 1, status = "bproc_node_up", mode = 0o100, user = 5 }'
    text = (
        SCYLD
        + '[[user]]\nname = "five"\nuid = 5\ngid = 5\n'
        + call("_bproc_access", info, "mode = 1", expect='cause = "none"')
        + call("_bproc_access", info, "mode = 1", 'user = "five"', expect="value = 0")
        + call("bproc_nodenumber", 'addr = { host = "10.54.1.2" }', expect="value = 2")
        + call("bproc_getnodebyname", 'name = "n2"', expect="value = 2")
        + call("bproc_masteraddr", expect='filled = { host = "10.54.0.1" }')
    )
    assert missed(text) == []


def test_launches_on_many_nodes_tell_of_each() -> None:
    text = (
        BPROC4
        + HELLO
        + '[[node]]\non = 1\nstate = "down"\n'
        + call(
            "bproc_vexecmove",
            "nodes = [0, 1, 2]",
            'cmd = "/usr/bin/hello"',
            expect='value = 3, causes = ["none", "node_down", "none"], stdout_contains = "hello from node 2"',
        )
        + call("bproc_vexecmove_io", "nodes = []", "port = 0", 'cmd = "/usr/bin/hello"', expect='errno = "EINVAL"')
    )
    assert missed(text) == []


def test_a_notifier_is_a_process_that_waits() -> None:
    text = (
        BPROC4
        + ME
        + call("bproc_notifier", 'caller = "me"', expect="value = 3")
        + call("bproc_nodelist_", 'caller = "me"', "fd = 3", expect="value = 3, filled = [{}, {}, {}]")
        + call("bproc_nodelist_", 'caller = "me"', "fd = 1", expect='errno = "EBADF"')
    )
    assert missed(text) == []


def test_a_child_gets_its_arguments(tmp_path: Path) -> None:
    code = "def child(proc, what):\n    yield from proc.print(what, proc.node)\n"
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    text = SCYLD + call("bproc_rfork", "node = 2", 'child = "mine:child"', 'args = ["went to"]')
    (result,) = played(text, beside=tmp_path)
    assert result.outcome is not None
    assert result.outcome.text == "went to 2\n"


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (SCYLD + call("bproc_nodespec", 'str = "0"'), "test.toml:6", ["edition scyld has no bproc_nodespec"]),
        (LANL + call("bproc_setnodestatus", "node = 1", "status = 3"), "test.toml:6", ["or bproc_nodesetstatus or"]),
        (SCYLD + call("bproc_nodestatus", "node = 1", "len = 4"), "test.toml:8", ["bproc_nodestatus takes node"]),
        (BPROC4 + call("bproc_nodesetstatus", "node = 1", "status = 3"), "test.toml:8", ["expected str, bytes"]),
        (LANL + call("bproc_nodesetstatus", "node = 1", 'status = "up"'), "test.toml:8", ['a state, got "up"']),
        (SCYLD + call("bproc_notifier"), "test.toml:5", ["caller: is missing"]),
        (SCYLD + call("bproc_pidnode", 'pid = "me"'), "test.toml:7", ["no idle_process before this call", '"me"']),
        (SCYLD + call("bproc_numnodes", 'caller = "me"'), "test.toml:7", ["no idle_process before this call"]),
        (SCYLD + call("bproc_numnodes", "from_node = 3"), "test.toml:7", ["there is no node 3"]),
        (SCYLD + call("bproc_nodestatus", "node = 1", 'expect = { errno = "ENOENT" }'), "test.toml:8", ["EIO, ENOMEM"]),
        (SCYLD + call("_bproc_move", "node = 1", 'flags = "BPROC_DUMP_EXE"'), "test.toml:8", ["BPROC_DUMP_EXEC"]),
        (SCYLD + call("bproc_move", "node = 1", 'expect = { errno = "ENOEXEC" }'), "test.toml:8", ["has no errno"]),
        (SCYLD + call("bproc_rfork", "node = 1", 'child = "helo"'), "test.toml:8", ["did you mean hello"]),
        (BPROC4 + call("bproc_nodeset_add", 'node = { nod = 1 }'), "test.toml:7", ["a table of node, status, mode"]),
        (BPROC4 + call("bproc_nodelist", "list = []"), "test.toml:7", ["expected { pointer }, got an empty list"]),
        (SCYLD + call("bproc_vexecmove", "nodes = [1]", 'cmd = "/x"'), "test.toml:6", ["scyld has no bproc_vexecm"]),
        (BPROC4 + call("bproc_vexecmove", 'nodes = "1"', 'cmd = "/x"'), "test.toml:7", ["a list of node numbers"]),
        (BPROC4 + call("bproc_strerror", 'errno = "ENOXEC"'), "test.toml:7", ["(did you mean ENOEXEC or "]),
        (BPROC4 + call("bproc_strerror", "errno = true"), "test.toml:7", ["a number, or the name of an errno such as"]),
        (SCYLD + call("bproc_access", "node = 1", 'mode = "X_OK"'), "test.toml:8", ['no mode "X_OK"', "BPROC_X_OK"]),
        (SCYLD + call("bproc_chmod", "node = 1", 'mode = "BPROC_X_OK"'), "test.toml:8", ["S_IXUSR, S_IXGRP"]),
        # Names.
        (SCYLD.replace("scyld", "scylt"), "test.toml:4", ['there is no edition "scylt" (did you mean scyld?)']),
        (SCYLD + 'costs = "fast"\n', "test.toml:5", ['there is no time model "fast"', "clustermatic-2002"]),
        (SCYLD + 'kernel = "linux-7"\n', "test.toml:5", ['there is no kernel "linux-7"', "linux-6"]),
        (SCYLD + '[[node]]\non = 1\nstate = "odd"\n', "test.toml:7", ['there is no state "odd"', "up"]),
        (BPROC4 + '[[node]]\non = 1\nstate = "in_use"\n', "test.toml:7", ["in BProc 4.0 any word", '"in_use"']),
        # Nodes that are named twice.
        (SCYLD + '[[node]]\non = "0-1,1"\nmode = 1\n', "test.toml:6", ["it names node 1 twice"]),
        (SCYLD + '[[node]]\non = [2, "all"]\nmode = 1\n', "test.toml:6", ["it names node 2 twice"]),
        (SCYLD + "[[node]]\non = 1\nmode = 1\n" * 2, "test.toml:9", ["node 1 is named by node.0 already"]),
        (SCYLD + '[[file]]\npath = "/x"\ntext = ""\non = "master,0,0"\n', "test.toml:8", ["it names node 0 twice"]),
        (SCYLD + '[[file]]\npath = "/x"\ntext = ""\non = ["master", -1]\n', "test.toml:8", ["the master twice"]),
    ],
)  # fmt: skip
def test_one_thing_is_wrong(text: str, where: str, words: list[str]) -> None:
    (line,) = told(text)
    assert line.startswith(f"{where}: "), line
    for word in words:
        assert word in line


def test_a_state_of_ones_own_is_a_nodes_in_bproc4() -> None:
    text = (
        BPROC4 + '[[node]]\non = "0-1"\nstate = "odd"\n' + call("bproc_nodestatus", "node = 1", expect='filled="odd"')
    )
    assert missed(text) == []


def test_a_child_that_cannot_take_its_index_is_refused() -> None:
    """As none of our programs can."""
    text = BPROC4 + call("bproc_vrfork", "nodes = [1]", 'child = "hello"')
    with pytest.raises(ScenarioError, match=r"call\.0\.child: expected a function that takes \(proc, index\)"):
        loaded(text)
    assert loaded(BPROC4 + call("bproc_rfork", "node = 1", 'child = "hello"')).children


def test_modes_and_errnos_go_by_names() -> None:
    text = (
        BPROC4
        + call("bproc_strerror", 'errno = "BE_NODEDOWN"', expect='value = "Node is down"')
        + call("bproc_strerror", 'errno = "ENOENT"', expect='value = "No such file or directory"')
        + call("bproc_strerror", "errno = -2", expect='value = "No such file or directory"')
        + call("bproc_chmod", "node = 1", 'mode = "S_IXUSR | S_IXOTH"', expect="value = 0")
        + call("bproc_nodeinfo", "node = 1", expect="filled = { mode = 0o101 }")
        + call("bproc_chmod", "node = 1", "mode = 0", expect="value = 0")
        + call("bproc_access", "node = 1", 'mode = "BPROC_X_OK"', expect='errno = "EACCES"')
        + call("bproc_access", "node = 1", "mode = 0", expect="value = 0")
    )
    assert missed(text) == []
    written = [call_text(each) for each in loaded(text).scenario.call]
    assert written[0] == "bproc_strerror(BE_NODEDOWN)"
    assert written[3::3] == ["bproc_chmod(1, S_IXUSR | S_IXOTH)", "bproc_access(1, BPROC_X_OK)"]
    assert written[5::2] == ["bproc_chmod(1, 0o0)", "bproc_access(1, 0o0)"]


def test_calls_are_told_as_c_would_have_them() -> None:
    text = (
        BPROC4
        + ME
        + call("bproc_nodestatus", "node = 1", "from_node = 2")
        + call("bproc_nodefilter", "given = [{ node = 7 }]", 'str = "7"')
        + call("_bproc_move", "node = 1", 'flags = "BPROC_DUMP_ALL"', 'caller = "me"')
        + call("bproc_pidnode", 'pid = "me"')
    )
    assert [call_text(each) for each in loaded(text).scenario.call] == [
        'idle_process("me")',
        "bproc_nodestatus(1, {}) from node 2",
        'bproc_nodefilter({}, [{node=7}], "7")',
        "_bproc_move(1, BPROC_DUMP_ALL) by me",
        "bproc_pidnode(me)",
    ]
