"""Worlds built and calls made: what a scenario says is what the Python calls would have done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

import bprocsim as bp
from bprocsim.programs.samples import SAMPLES, hello
from bprocsim.scenario.build import build
from bprocsim.scenario.play import Missed, Refused, play
from tests.environment import TOP
from tests.scenario.loading import HEAD, loaded, played

HELLO = HEAD + '[[file]]\npath = "/usr/bin/hello"\nprogram = "hello"\n'
RUN = '[[call]]\ncall = "run"\n'
E, ENV = ('[[call]]\ncall = "execve"\npath = "/' + name + '"\n' for name in ("e", "env"))
MOVE = '[[call]]\ncall = "bproc_execmove"\nnode = 2\ncmd = "/usr/bin/hello"\n'


def test_a_scenario_is_what_the_calls_would_have_done() -> None:
    """The same world by hand: the same trace, byte for byte."""
    text = f"""{HEAD}seed = 7
[cluster]
nodes = [{{ count = 2, arch = "i386" }}, {{ cores = 2 }}]
edition = "lanl32"
master = {{ arch = "x86-64" }}
[[user]]
name = "alice"
uid = 500
gid = 501
groups = [7]
[[file]]
path = "/usr/bin/hello"
program = "hello"
owner = "alice"
mode = 0o700
[[fault]]
kind = "PowerOff"
node = 2
step = "THAW"
[[fault]]
kind = "Loss"
a = -1
b = 0
probability = 0.25
[[call]]
call = "bproc_execmove_io"
node = 2
port = 4000
cmd = "/usr/bin/hello"
argv = ["hello", "x"]
envp = {{ B = "2", A = "1" }}
user = "alice"
"""
    ready = loaded(text)
    world = build(ready)
    cluster = world.cluster
    assert cluster is not None
    (result,) = play(world, ready)

    by_hand = bp.Cluster(
        [bp.NodeSpec(arch="i386"), bp.NodeSpec(arch="i386"), bp.NodeSpec(cores=2)],
        seed=7,
        edition="lanl32",
        master=bp.NodeSpec(),
        trace="all",
        faults=[bp.PowerOff(node=2, step=bp.Step.THAW), bp.Loss(a=-1, b=0, probability=0.25)],
    )
    alice = by_hand.user("alice", 500, 501, [7])
    by_hand.install("/usr/bin/hello", hello, mode=0o700, uid=500, gid=501)
    outcome = by_hand.bproc_execmove_io(2, 4000, "/usr/bin/hello", ["hello", "x"], {"B": "2", "A": "1"}, user=alice)
    assert repr(result.outcome) == repr(outcome)
    assert cluster.trace.text() == by_hand.trace.text()
    assert cluster.trace.digest() == by_hand.trace.digest()


def test_an_edition_and_costs_of_ones_own() -> None:
    text = HELLO + (
        '[cluster]\nedition = { late_failure = "return", ping_timeout_ns = 4 }\n'
        'costs = { thaw_ns = 0, tcp_retries_ns = [1, 2] }\n'
        '[[call]]\ncall = "bproc_execmove"\nnode = 9\ncmd = "/usr/bin/hello"\n'
        'expect = { errno = "EINVAL", value = -1 }\n'
    )  # fmt: skip
    ready = loaded(text)
    world = build(ready)
    cluster = world.cluster
    assert cluster is not None
    assert (cluster.edition.name, cluster.edition.late_failure, cluster.edition.ping_timeout_ns) == (
        "scyld",
        "return",
        4,
    )
    assert (cluster.costs.thaw_ns, cluster.costs.tcp_retries_ns) == (0, (1, 2))
    assert cluster.costs == attrs.evolve(bp.costs["clustermatic-2002"], thaw_ns=0, tcp_retries_ns=(1, 2))
    (result,) = play(world, ready)
    assert result.ok, result.missed


def test_files_of_every_sort() -> None:
    world = build(
        loaded(f"""{HEAD}
[[directory]]
path = "/srv/deep/er"
mode = 0o1750
uid = 3
gid = 4
[[directory]]
path = "/tmp"
mode = 0o700
[[file]]
path = "/srv/text"
text = "a\\nü"
[[file]]
path = "/srv/hex"
hex = "00 ff"
mode = 0o600
[[file]]
path = "/srv/base64"
base64 = "AP8="
on = "master, 1-2"
[[file]]
path = "/srv/long"
text = {{ text = "ab", times = 3 }}
[[file]]
path = "/srv/fifo"
kind = "fifo"
[[file]]
path = "/srv/image"
image = {{ machine = "ppc", magic = {{ hex = "7f454c47" }}, truncate = 10 }}
[[link]]
path = "/srv/soft"
target = "nowhere"
[[link]]
path = "/srv/hard"
target = "/srv/text"
hard = true
[[mount]]
path = "/mnt/x"
noexec = true
[[file]]
path = "/mnt/x/program"
program = "hello"
[[file]]
path = "/mnt/empty"
text = ""
on = []
""")
    )
    cluster = world.cluster
    assert cluster is not None
    fs = cluster.master.fs
    assert (fs.stat("/srv/deep/er").mode, fs.stat("/srv/deep/er").uid, fs.stat("/srv/deep/er").gid) == (0o1750, 3, 4)
    assert fs.stat("/tmp").mode == 0o700
    assert fs.read_file("/srv/text") == "a\nü".encode()
    assert (fs.stat("/srv/text").mode, fs.stat("/srv/hex").mode) == (0o644, 0o600)
    assert fs.read_file("/srv/hex") == fs.read_file("/srv/base64") == b"\0\xff"
    assert [node.fs.exists("/srv/base64") for node in cluster.nodes] == [False, True, True, False]
    assert fs.read_file("/srv/long") == b"ababab"
    assert fs.stat("/srv/fifo").kind == "fifo"
    assert fs.read_file("/srv/image") == bp.ElfImage(machine="ppc", magic=b"\x7fELG", truncate=10).to_bytes()
    assert fs.stat("/srv/image").mode == 0o755
    assert fs.readlink("/srv/soft") == "nowhere"
    assert fs.stat("/srv/hard").number == fs.stat("/srv/text").number
    assert fs.stat("/mnt/x/program").mount == "/mnt/x"
    assert not fs.exists("/mnt/empty")


@pytest.mark.parametrize(
    ("flag", "call", "cause"),
    [
        ("noexec", "/m/x", "noexec_mount"),
        ("nosuid", "/m/x", "suid_on_nosuid"),
        ("nosymfollow", "/m/link", "too_many_links"),
        ("readonly", "/m/x", ""),
        ("foreign_ids", "/m/x", ""),
        ("silent", "/m/x", "path_io_error"),
    ],
)
def test_the_flags_of_a_mount(flag: str, call: str, cause: str) -> None:
    (result,) = played(
        f'{HEAD}[[mount]]\npath = "/m"\n{flag} = true\n'
        '[[file]]\npath = "/m/x"\nprogram = "hello"\nmode = 0o4755\n[[link]]\npath = "/m/link"\ntarget = "x"\n'
        f'[[call]]\ncall = "execve"\npath = "{call}"\nexpect = {{ cause = "{cause or "none"}" }}\n'
    )
    assert result.ok, result


def test_a_program_may_have_an_image_made_to_order() -> None:
    (result,) = played(
        HEAD + '[[file]]\npath = "/x"\nprogram = "hello"\nimage = { interpreters = ["/lib/absent"] }\n'
        '[[call]]\ncall = "execve"\npath = "/x"\nexpect = { errno = "ENOENT", cause = "interpreter_cmd_absent" }\n'
    )
    assert result.ok, result
    (result,) = played(
        HEAD + '[[file]]\npath = "/x"\nprogram = "hello"\nimage = { flags = 3 }\n'
        '[[call]]\ncall = "execve"\npath = "/x"\nexpect = { text = "hello from node -1\\n" }\n'
    )
    assert result.ok, result


def test_states_and_rights_of_nodes() -> None:
    text = HELLO + (
        '[[user]]\nname = "alice"\nuid = 5\ngid = 6\n'
        '[[node]]\non = 1\nstate = "down"\n'
        '[[node]]\non = "2"\nowner = "alice"\nmode = 0o100\n'
        '[[node]]\non = [3]\nuid = 7\ngid = 8\n'
    )  # fmt: skip
    world = build(loaded(text))
    cluster = world.cluster
    assert cluster is not None
    assert [node.state for node in cluster.nodes] == ["up", "down", "up", "up"]
    assert (cluster.nodes[2].uid, cluster.nodes[2].gid, cluster.nodes[2].mode) == (5, 6, 0o100)
    assert (cluster.nodes[3].uid, cluster.nodes[3].gid, cluster.nodes[3].mode) == (7, 8, 0o111)


def test_pointers_bytes_and_repetitions() -> None:
    results = played(
        HEAD
        + '[[file]]\npath = "/e"\nprogram = "echo"\n[[file]]\npath = "/env"\nprogram = "env"\n'
        + '[[call]]\ncall = "execve"\npath = { pointer = "null" }\nexpect = { errno = "EFAULT" }\n'
        + E + 'argv = { pointer = "bad" }\nexpect = { cause = "argv_unreadable" }\n'
        + E + 'argv = { pointer = "null" }\nexpect = { text = "\\n" }\n'
        + E + 'argv = ["e", "a", { pointer = "null" }, "b"]\nexpect = { text = "a\\n" }\n'
        + E + 'argv = ["e", { text = "ab", times = 2 }]\nexpect = { text = "abab\\n" }\n'
        + E + 'argv = ["e", { hex = "ff" }]\n'
        + 'expect = { stdout = { hex = "ff0a" }, stdout_contains = { base64 = "/w==" } }\n'
        + ENV + 'envp = { pointer = "bad" }\nexpect = { cause = "envp_unreadable" }\n'
        + ENV + 'envp = ["pointer=bad", "b=c"]\nexpect = { text = "pointer=bad\\nb=c\\n" }\n'
        + ENV + 'envp = { B = "2", A = "1" }\nexpect = { text = "B=2\\nA=1\\n" }\n'
    )  # fmt: skip
    assert [result.missed for result in results] == [()] * 9


def test_command_lines() -> None:
    results = played(
        HELLO + '[[file]]\npath = "/bin/cat"\nprogram = "cat"\n[[file]]\npath = "/bin/exit"\nprogram = "exit"\n'
        '[[file]]\npath = "/bin/sleep"\nprogram = "sleep"\n[[file]]\npath = "/bin/abort"\nprogram = "abort"\n'
        + RUN + 'args = ["cat"]\ninput = "abc"\nexpect = { stdout = "abc", exit_status = 0, errno = "none" }\n'
        + RUN + 'args = ["exit", "7"]\nexpect = { exit_status = 7, failed = false }\n'
        + RUN + 'args = ["abort"]\nexpect = { signal = "SIGABRT", exit_status = "none" }\n'
        + RUN + 'args = ["absent"]\nexpect = { errno = "ENOENT", cause = "cmd_absent", value = -1 }\n'
        + RUN + 'args = ["sleep", "5000"]\ntimeout = 1.5\nexpect = { raises = "Timeout" }\n'
        + RUN + 'args = ["exit 3"]\nshell = true\nexpect = { exit_status = 3 }\n'
        + '[[call]]\ncall = "sleep"\nseconds = 2\n'
        + RUN + 'args = ["hello"]\nenv = { PATH = "/usr/bin" }\nexpect = { node = -1, pid = 1007 }\n'
    )  # fmt: skip
    assert [result.missed for result in results] == [()] * 8
    assert results[7].at_ns - results[6].at_ns == 2_000_000_000


def test_what_was_missed_is_told() -> None:
    expect = "expect = { exit_status = 3, text = 'x', stdout_contains = 'y', signal = 9, errno = 'ENOENT', node = 2 }\n"
    (result,) = played(HELLO + MOVE + expect)
    assert not result.ok
    assert result.missed == (
        Missed("errno", "ENOENT", None),
        Missed("exit_status", 3, 0),
        Missed("signal", 9, None),
        Missed("text", "x", "hello from node 2\n"),
        Missed("stdout_contains", b"y", b"hello from node 2\n"),
    )


CAT = HEAD + '[[file]]\npath = "/bin/sleep"\nprogram = "sleep"\n'


def test_a_call_that_does_not_end() -> None:
    call = '[[call]]\ncall = "execve"\npath = "/bin/sleep"\nargv = ["sleep", "50"]\ntimeout_ns = 10_000_000\n'
    (result,) = played(CAT + call + 'expect = { raises = "Timeout" }\n')
    assert result.ok
    assert result.outcome is None
    (result,) = played(CAT + call + "expect = { exit_status = 0 }\n")
    assert result.missed == (Missed("raises", None, "Timeout"), Missed("exit_status", 0, None))
    (result,) = played(CAT + call)
    assert result.missed == (Missed("raises", None, "Timeout"),)
    (result,) = played(CAT + call.replace("timeout_ns = 10_000_000\n", "") + 'expect = { raises = "Timeout" }\n')
    assert result.missed == (Missed("raises", "Timeout", None),)


PROGRAMS = """
import bprocsim as bp

def breaks(proc):
    yield from proc.print("before")
    raise ValueError("broken")

@bp.program(needs=("libc.so.6",), memory_bytes=123456)
def fine(proc):
    return 4

def stuck(proc):
    yield from proc.pause()

def endless(proc):
    while True:
        yield from proc.sleep(1)
"""


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(PROGRAMS, encoding="utf-8")
    return tmp_path


def of_mine(name: str, more: str = "", call: str = "") -> str:
    file = f'[[file]]\npath = "/x"\nprogram = "mine:{name}"\n{more}'
    return HEAD + file + f'[[call]]\ncall = "execve"\npath = "/x"\n{call}'


def test_a_program_of_the_user(beside: Path) -> None:
    ready = loaded(of_mine("fine"), beside=beside)
    program = ready.materials[0].program
    assert program is not None
    assert (program.name, program.needs, program.memory_bytes) == ("fine", ("libc.so.6",), 123456)
    changed = loaded(of_mine("fine", "needs = []\nmemory_bytes = 5000\n"), beside=beside).materials[0].program
    assert changed is not None
    assert (changed.needs, changed.memory_bytes) == ((), 5000)
    (result,) = played(of_mine("fine", call="expect = { exit_status = 4 }\n"), beside=beside)
    assert result.ok


def test_a_program_that_raises(beside: Path) -> None:
    call = 'expect = { exit_status = 1, exception = "ValueError", stderr_contains = "broken" }\n'
    (result,) = played(of_mine("breaks", call=call), beside=beside)
    assert result.ok, result.missed
    strict = "[cluster]\nstrict = true\n"
    (result,) = played(of_mine("breaks", call="expect = { exit_status = 1 }\n") + strict, beside=beside)
    assert [(each.key, each.expected) for each in result.missed] == [("exception", None)]
    assert "ValueError" in str(result.missed[0].got)
    (result,) = played(of_mine("breaks", call=call) + strict, beside=beside)
    assert result.ok
    (result,) = played(of_mine("breaks", call="") + strict, 'trace="off"', beside=beside)
    assert not result.ok


def test_a_deadlock(beside: Path) -> None:
    text = of_mine("stuck", call='expect = { raises = "Deadlock" }\n') + RUN + 'args = ["sh", "-c", "exit 3"]\n'
    stuck, after = played(text, beside=beside)
    assert stuck.ok
    assert "waits in pause" in stuck.why
    assert after.outcome is not None
    assert after.outcome.exit_status == 3
    (result, _) = played(text.replace("Deadlock", "Timeout"), beside=beside)
    assert result.missed == (Missed("raises", "Timeout", "Deadlock"),)


def test_after_a_runaway_nothing_more_is_called(beside: Path) -> None:
    text = of_mine("endless") + '[[call]]\ncall = "execve"\npath = "/x"\n[cluster]\nmax_events = 100\n'
    (result,) = played(text, beside=beside)
    assert result.raised == "Runaway"


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('[[fault]]\nkind = "PowerOff"\nnode = 1\n' + MOVE + "from_node = 1\n", "from_node", "is down"),
        (MOVE + 'cwd = "/absent"\n', "cwd", "/absent"),
        (RUN + 'args = ["hello"]\ncwd = "/absent"\n', "cwd", "No such file"),
    ],
)
def test_a_call_that_cannot_be_made(text: str, key: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as caught:
        played(HELLO + text)
    assert (caught.value.number, caught.value.key) == (0, key)


# ---- the programs that there are ---------------------------------------------------------------------


def run_sample(name: str, *arguments: str, **options: Any) -> bp.Outcome:
    cluster = bp.Cluster(nodes=2)
    cluster.install("/x", SAMPLES[name])
    return cluster.bproc_execmove_io(1, 4000, "/x", [name, *arguments], {"A": "b"}, **options)


def test_samples() -> None:
    assert run_sample("hello").text == "hello from node 1\n"
    assert run_sample("talk", input=b"go").stdout == b"result: 42\nI read: go\n"
    assert run_sample("talk").stderr == b"warning: it is hot\n"
    assert run_sample("echo", "a", "b").text == "a b\n"
    assert run_sample("env").text == "A=b\n"
    assert run_sample("cat", input=b"\xffx").stdout == b"\xffx"
    assert run_sample("exit", "9").exit_status == 9
    assert run_sample("exit").exit_status == 0
    assert run_sample("abort").signal == bp.SIGABRT
    assert run_sample("compute", "5").text == "computed for 5 ms\n"
    fast, slow = (run_sample("compute", each).elapsed_ns for each in ("5", "9"))
    assert slow - fast == 4_000_000
    fast, slow = (run_sample("sleep", each).elapsed_ns for each in ("5", "x"))
    assert slow - fast == 95_000_000


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_is_documented_and_listed_by_its_name(name: str) -> None:
    assert SAMPLES[name].name == name
    assert (SAMPLES[name].function.__doc__ or "").endswith(".")


# ---- what init writes --------------------------------------------------------------------------------


def test_the_first_example_is_what_init_writes() -> None:
    from bprocsim.scenario.first import first_scenario

    assert (TOP / "examples/first.toml").read_text(encoding="utf-8") == first_scenario()


def test_the_first_scenario_of_a_partition_comes_as_expected() -> None:
    from bprocsim.scenario.first import LPAR_TEXT, first_scenario

    assert all(result.ok for result in played(first_scenario(LPAR_TEXT)))


@pytest.mark.parametrize("of", ["TEXT", "LPAR_TEXT"])
def test_each_key_of_the_first_scenario_is_commented_once(of: str) -> None:
    from bprocsim.scenario import first

    text = getattr(first, of)
    pairs = [line.partition(" = ")[0] for line in text.splitlines() if " = " in line and not line.startswith("#")]
    commented = first.first_scenario(text)
    assert len(pairs) > 30
    for name in dict.fromkeys(pairs):
        assert commented.count(f"\n{name} = ") == pairs.count(name)
    assert max(map(len, commented.splitlines())) < 80


def test_a_port_may_be_a_list_of_what_descriptors_shall_be() -> None:
    text = f"""{HEAD}
[cluster]
nodes = 2
edition = "bproc4"
[[file]]
path = "/usr/bin/cat"
program = "cat"
[[file]]
path = "/in"
on = 1
text = "hello"
[[call]]
call = "bproc_execmove_io"
node = 1
cmd = "/usr/bin/cat"
port = [
  {{ fd = 0, file_name = "/in" }},
  {{ fd = 1, type = "BPROC_IO_SOCKET", flags = "BPROC_IO_SEND_INFO", port = 4000 }},
]
expect = {{ stdout = "hello", exit_status = 0 }}
[[call]]
call = "bproc_execmove_io"
node = 1
cmd = "/usr/bin/cat"
port = [{{ fd = 1, file_name = "/new/file", file_flags = "O_WRONLY | O_CREAT", file_mode = 0o644 }}]
expect = {{ late_errno = "ENOENT", cause = "io_file_absent" }}
"""
    assert [result.missed for result in played(text)] == [(), ()]
