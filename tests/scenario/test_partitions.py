"""Partitions in scenario files: their calls, sets and processes by name, and a cluster beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.scenario.build import build
from bprocsim.scenario.play import Result
from bprocsim.scenario.tables import written
from tests.scenario.loading import HEAD, loaded, played, told

LPAR = HEAD + '[lpar]\ncores = 4\nsmt = 2\ncpu = "POWER5"\n'
BOTH = LPAR + "[cluster]\nnodes = 2\n"
APP = '[[file]]\npath = "/usr/bin/app"\nprogram = "hello"\n'
BOB = '[[user]]\nname = "bob"\nuid = 501\ngid = 501\ncapabilities = ["CAP_NUMA_ATTACH"]\n'
IDLE = '[[call]]\ncall = "idle_process"\nname = "p"\n'


def call(_call: str, **keys: Any) -> str:
    """Write a [[call]]; a str is TOML as it is to stand there."""
    return f'[[call]]\ncall = "{_call}"\n' + "".join(f"{key} = {value}\n" for key, value in keys.items())


def outcomes(text: str, *settings: str) -> list[Result]:
    results = played(text, *settings)
    assert [result.missed for result in results if result.missed] == []
    return results


# ---- a partition alone -------------------------------------------------------------------------------


def test_a_scenario_is_what_the_calls_would_have_done() -> None:
    text = LPAR + BOB + APP + call("mkrset", name='"sysxrset/a"', processors='"2-7"')
    text += call(
        "ra_execve", rstype='"R_RSET"', rsid='"2-7"', flags='"R_ATTACH_STRSET"', path='"/usr/bin/app"', user='"bob"',
        expect='{ rset = "2,4,6", sradid = "none", exit_status = 0 }',
    )  # fmt: skip
    ready = loaded(text)
    world = build(ready)
    assert world.cluster is None
    results = outcomes(text)

    lpar = bp.Lpar(cores=4, smt=2, cpu="POWER5", trace="all")
    bob = lpar.user("bob", 501, 501, capabilities={"CAP_NUMA_ATTACH"})
    from bprocsim.programs.samples import SAMPLES

    lpar.install("/usr/bin/app", SAMPLES["hello"])
    lpar.mkrset("sysxrset/a", "2-7")
    by_hand = lpar.ra_execve(bp.R_RSET, lpar.rset("2-7"), bp.R_ATTACH_STRSET, "/usr/bin/app", user=bob)
    assert repr(results[1].outcome) == repr(by_hand)


def test_the_keys_of_the_partition_are_those_of_the_class() -> None:
    text = HEAD + (
        '[lpar]\ncores = 6\nsmt = 4\ncpu = { name = "POWER8", speeds = [9, 8, 7, 6, 5, 4, 3, 2] }\n'
        'level = { name = "7.2", library_failure = "sigkill" }\nenhanced_affinity = true\nsrads = 2\n'
        'memory_bytes = 1_000_000\nopen_files = 7\ncosts = { name = "clustermatic-2002", fork_ns = 5 }\n'
    )
    lpar = build(loaded(text)).lpar
    assert lpar is not None
    shape = lpar.partition.topology
    assert (shape.cores, shape.smt, shape.srads) == (6, 4, 2)
    assert (lpar.cpu.name, lpar.cpu.speeds[0], lpar.level.name, lpar.level.library_failure) == (
        "POWER8", 9, "7.2", "sigkill",
    )  # fmt: skip
    assert lpar.partition.enhanced_affinity
    assert (lpar.costs.fork_ns, lpar.machine.memory.total_bytes) == (5, 1_000_000)


@pytest.mark.parametrize(
    ("form", "keys"),
    [
        ("ra_execv", {"path": '"/usr/bin/app"', "argv": '["x"]'}),
        ("ra_exect", {"path": '"/usr/bin/app"', "envp": '{ A = "1" }'}),
        ("ra_execvp", {"file": '"app"'}),
        ("ra_execl", {"path": '"/usr/bin/app"', "arguments": '["app", "1"]'}),
        ("ra_execle", {"path": '"/usr/bin/app"', "arguments": '["app"]', "envp": '["A=1"]'}),
        ("ra_execlp", {"file": '"app"', "arguments": '["app"]'}),
    ],
)
def test_every_form_of_ra_exec(form: str, keys: dict[str, str]) -> None:
    file = '[[file]]\npath = "/usr/bin/app"\nprogram = "env"\n'
    expect = '{ rset = "0-1", exit_status = 0' + (', stdout_contains = "A=1" }' if "envp" in keys else " }")
    outcomes(LPAR + file + call(form, rstype='"R_RSET"', rsid='"0,1"', flags="0", expect=expect, **keys))


def test_ra_fork_runs_a_program_by_its_name() -> None:
    (result,) = outcomes(
        LPAR + call("ra_fork", rstype='"R_RSET"', rsid='"0"', flags="0", child='"hello"', expect="{ returned = true }")
    )
    assert result.outcome is not None
    assert result.outcome.text == "hello from node -1\n"


def test_processes_live_on_and_are_named() -> None:
    text = LPAR + BOB + IDLE + 'user = "bob"\n'
    text += call(
        "bindprocessor", what='"BINDPROCESS"', who='"p"', bind_id="1", user='"bob"', expect="{ value = 0 }"
    ) + call("ra_attachrset", rstype='"R_PROCESS"', rsid='"p"', rset='"0-1"', expect='{ cause = "thread_bound" }')
    text += call("bindprocessor", what='"BINDTHREAD"', who='"p"', bind_id='"PROCESSOR_CLASS_ANY"')
    text += call("ra_attachrset", rstype='"R_PROCESS"', rsid='"p"', rset='"0-1"', caller='"p"', expect="{ value = 0 }")
    text += call(
        "ra_getrset", rstype='"R_PROCESS"', rsid='"p"', flags="0", expect='{ value = 2, filled = "0,1" }'
    ) + call("ra_getrset", rstype='"R_THREAD"', rsid='"RS_MYSELF"', flags="0", caller='"p"', expect="{ value = 2 }")
    text += call("set_partition", pid='"p"', rset='"0-3"', expect="{ value = 0 }")
    text += call("rs_getpartition", pid='"p"', expect='{ value = 3, filled = "0-3" }')
    text += call("set_partition", pid='"p"', rset='"RS_DEFAULT"', expect="{ value = 0 }")
    text += call("rs_getpartition", pid='"p"', expect="{ value = 4 }")
    outcomes(text)


def test_sets_live_on_and_are_named() -> None:
    text = LPAR + call("rset", name='"a"', processors='"2-7"') + call("rset", name='"b"')
    text += call("rs_op", command='"RS_COPY"', rset1='{ name = "a" }', rset2='{ name = "b" }')
    text += call("rs_op", command='"RS_DELRESOURCE"', rset1='{ name = "b" }', flags='"R_PROCS"', id="3",
                 expect='{ filled = "2,4-7" }')  # fmt: skip
    text += call("rs_op", command='"RS_STSET"', rset1='{ name = "b" }', expect='{ filled = "4,6" }')
    text += call("rs_alloc", flags='"RS_ALL"', name='"c"', expect='{ value = "0-7" }')
    text += call("rs_op", command='"RS_ISCONTAINED"', rset1='{ name = "a" }', rset2='{ name = "c" }',
                 expect="{ value = 1 }")  # fmt: skip
    text += call("rs_free", rset='{ name = "a" }')
    text += call("rs_op", command='"RS_ISEMPTY"', rset1='{ name = "a" }', expect='{ errno = "EFAULT" }')
    text += call("rs_op", command='"RS_ISEMPTY"', rset1='{ pointer = "null" }', expect='{ errno = "EFAULT" }')
    text += call("rs_op", command="99", rset1='""', expect='{ errno = "EINVAL" }')
    outcomes(text)


def test_what_calls_fill() -> None:
    text = LPAR + call("mkrset", name='"test/a"', processors="[2, 3]", memory='"0"')
    text += call("rs_getnamedrset", namespace='"test"', rsname='"a"', expect='{ filled = "2-3" }')
    text += call("rs_getnameattr", namespace='"test"', rsname='"a"',
                 expect="{ filled = { owner = 0, group = 0, mode = 0o644, type = 0o1000 } }")  # fmt: skip
    text += call("rs_setnameattr", namespace='"test"', rsname='"a"', command='"RS_OWNER | RS_PERM"',
                 attributes="{ owner = 7, mode = 0o600 }", expect="{ value = 0 }")  # fmt: skip
    text += call("rs_getnameattr", namespace='"test"', rsname='"a"',
                 expect="{ filled = { owner = 7, group = 0, mode = 0o600, type = 0o1000 } }")  # fmt: skip
    text += call("rs_getassociativity", kind='"R_PROCS"', id="3", size="9", expect="{ value = 0 }")
    text += call("rs_getrad", rset='"0-7"', sdl="2", index="1", flags="0", expect='{ filled = "2-3" }')
    results = outcomes(text)
    assert isinstance(results[5].filled, list)
    assert results[5].filled


def test_processors_come_and_go() -> None:
    text = LPAR + call("smtctl", threads="1", expect="{ value = 0 }")
    text += call("rs_op", command='"RS_STSET"', rset1='"0-7"', expect='{ filled = "0,2,4,6" }')
    text += call("dlpar_remove", core="3", expect="{ value = 0 }") + call("dlpar_add", core="3", expect="{ value = 0 }")
    text += call("deallocate", core="9", expect='{ cause = "no_such_core" }')
    outcomes(text)


def test_faults_strike_a_partition() -> None:
    text = LPAR + APP + '[[fault]]\nkind = "CoreFails"\ncore = 3\nat_ns = 5\n'
    text += '[[fault]]\nkind = "IoError"\nnode = -1\npath = "/usr/bin/app"\n'
    text += call("sleep", seconds="1") + call("rs_getinfo", rset='"0-7"', info_type='"R_NUMPROCS"', flags="0",
                                              expect="{ value = 6 }")  # fmt: skip
    text += call("execve", path='"/usr/bin/app"', expect='{ errno = "EIO" }')
    world = build(loaded(text))
    assert len(world.planned) == 2
    outcomes(text)


def test_an_elf_file_is_no_program_there() -> None:
    file = '[[file]]\npath = "/usr/bin/elf"\nimage = {}\n'
    outcomes(LPAR + file + call("execve", path='"/usr/bin/elf"', expect='{ errno = "ENOEXEC" }'))


def test_it_can_be_written_down_again() -> None:
    text = BOTH + BOB + call("rs_op", command='"RS_STSET"', rset1='"2-3"', expect='{ filled = "2" }')
    scenario = loaded(text).scenario
    again = written(scenario)
    assert set(again) == {"schema", "cluster", "lpar", "user", "call"}
    assert again["lpar"] == {"smt": 2, "cpu": "POWER5"}  # four cores are the usual
    assert again["call"][0]["rset1"] == "2-3"


# ---- a cluster beside it -----------------------------------------------------------------------------


def test_a_cluster_and_a_partition_have_one_clock() -> None:
    text = BOTH + BOB + APP.replace("\nprogram", '\nsystem = "lpar"\nprogram') + APP + 'on = "master"\n'
    text += call(
        "bproc_execmove", node="1", cmd='"/usr/bin/app"', user='"bob"', expect='{ text = "hello from node 1\\n" }'
    )
    text += call("ra_execv", rstype='"R_RSET"', rsid='"0"', flags="0", path='"/usr/bin/app"', user='"bob"',
                 expect='{ rset = "0" }')  # fmt: skip
    text += call("execve", system='"lpar"', path='"/usr/bin/app"') + call("run", system='"cluster"', args='["app"]')
    text += IDLE + 'system = "lpar"\n' + call("execve", caller='"p"', path='"/usr/bin/app"')
    text += IDLE.replace('"p"', '"q"') + "node = 1\n"
    results = outcomes(text)
    assert [result.system for result in results] == [
        "cluster", "lpar", "lpar", "cluster", "lpar", "lpar", "cluster",
    ]  # fmt: skip
    ended = 0
    for result in results:
        assert result.at_ns == ended
        assert result.outcome is not None
        ended = result.at_ns + result.outcome.elapsed_ns
    assert [result.outcome.node for result in results[4:] if result.outcome is not None] == [-1, -1, 1]


def test_an_account_is_on_both_unless_one_is_named() -> None:
    users = BOB + BOB.replace("501", "7").replace("bob", "ann") + 'system = "cluster"\n'
    users += BOB.replace("501", "8").replace("bob", "ann") + 'system = "lpar"\n'
    world = build(loaded(BOTH + users))
    assert world.cluster is not None
    assert world.lpar is not None
    assert set(world.cluster.users) == set(world.lpar.users) == {"bob", "ann"}
    assert (world.cluster.users["ann"].uid, world.lpar.users["ann"].uid) == (7, 8)


def test_several_partitions_have_names() -> None:
    text = HEAD + '[[lpar]]\nname = "A"\ncores = 1\n[[lpar]]\nname = "B"\ncores = 2\nsmt = 1\n'
    text += IDLE + 'system = "B"\n' + call("ra_attachrset", rstype='"R_PROCESS"', rsid='"p"', rset='"0"', caller='"p"')
    text += call("rs_getinfo", rset='"0-7"', info_type='"R_NUMPROCS"', system='"A"', expect="{ value = 4 }")
    text += call("rs_getinfo", rset='"0-7"', info_type='"R_NUMPROCS"', system='"B"', expect="{ value = 2 }")
    results = outcomes(text)
    assert [result.system for result in results] == ["B", "B", "A", "B"]
    world = build(loaded(text))
    assert [system.name for system in world.systems.values()] == ["A", "B"]


# ---- what is wrong -----------------------------------------------------------------------------------

TWO = HEAD + '[[lpar]]\nname = "A"\n[[lpar]]\ncores = 2\n'
ATTACH = '[[call]]\ncall = "ra_attachrset"\nrstype = "R_PROCESS"\n'


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (LPAR + 'level = "7.9"\n', "test.toml:6", ["there is no level", "7.1"]),
        (LPAR.replace("POWER5", "POWER55"), "test.toml:5", ["did you mean POWER5"]),
        (LPAR.replace("smt = 2", "smt = 4"), "test.toml:4", ["lpar.smt", "a core of POWER5 has 1, 2"]),
        (LPAR.replace("cores = 4", "cores = 2000"), "test.toml:3", ["at most 1024"]),
        (LPAR + "enhanced_affinity = true\n", "test.toml:6", ["needs POWER7"]),
        (HEAD + "[lpar]\ncpu = { name = \"POWER5\", speeds = [1] }\n", "test.toml:3", ["speeds", "expected 2"]),
        (HEAD + "[lpar]\nnodes = 3\n", "test.toml:3", ["it belongs to [cluster]"]),
        # Which system.
        (LPAR + '[[call]]\ncall = "bproc_execmove"\nnode = 1\ncmd = "/x"\n', "test.toml:7", ["no [cluster]"]),
        (HEAD + '[[call]]\ncall = "smtctl"\nthreads = 1\n', "test.toml:3", ["no [lpar]"]),
        (HEAD + '[[fault]]\nkind = "CoreFails"\ncore = 1\n', "test.toml:3", ["no [lpar]"]),
        (LPAR + '[[fault]]\nkind = "PowerOff"\nnode = 1\n', "test.toml:7", ["no [cluster]"]),
        (BOTH + '[[file]]\npath = "/x"\ntext = ""\n', "test.toml:8", ['expected "cluster" or "lpar"']),
        (BOTH + '[[call]]\ncall = "execve"\npath = "/x"\n', "test.toml:8", ["system: is missing"]),
        (BOTH + '[[call]]\ncall = "execve"\npath = "/x"\nsystem = "lpa"\n', "test.toml:11", ["did you mean lpar"]),
        (LPAR + '[[file]]\npath = "/x"\ntext = ""\nsystem = "cluster"\n', "test.toml:9", ["no [cluster]"]),
        (LPAR + '[[file]]\npath = "/x"\ntext = ""\non = 1\n', "test.toml:9", ["nodes are a cluster's"]),
        (LPAR + '[[call]]\ncall = "execve"\npath = "/x"\nfrom_node = 1\n', "test.toml:9", ["nodes are a cluster's"]),
        (LPAR + '[[fault]]\nkind = "IoError"\nnode = 2\npath = "/x"\n', "test.toml:8", ["nodes are a cluster's"]),
        (LPAR + '[[fault]]\nkind = "CoreFails"\ncore = 4\n', "test.toml:8", ["there is no core 4"]),
        (LPAR + '[[node]]\non = 1\nstate = "down"\n', "test.toml:6", ["no [cluster]"]),
        (LPAR + "max_events = 5\n[cluster]\nmax_events = 6\n", "test.toml:6", ["the whole world's"]),
        (LPAR + 'order = "chance"\n', "test.toml:6", ["fifo, random"]),
        (BOTH + BOB + BOB.replace("501", "7") + 'system = "lpar"\n', "test.toml:14", ["a user \"bob\" already"]),
        (BOTH + BOB + 'system = "lpar"\n' + '[[call]]\ncall = "bproc_execmove"\nnode = 1\ncmd = "/x"\nuser = "bob"\n',
         "test.toml:18", ["there is no user \"bob\""]),
        (TWO + '[[call]]\ncall = "smtctl"\nthreads = 1\n', "test.toml:6", ['expected "A" or "lpar"']),
        (TWO + '[[call]]\ncall = "smtctl"\nthreads = 1\nsystem = "AB"\n', "test.toml:9", ["no system", "mean A"]),
        (TWO + '[[lpar]]\nname = "A"\n', "test.toml:7", ['there is a system "A" already']),
        (TWO + "[[lpar]]\n", "test.toml:6", ['there is a system "lpar" already']),
        (TWO + '[[lpar]]\nname = "cluster"\n', "test.toml:7", ["already"]),
        (TWO + '[[lpar]]\nname = "C"\nsmt = 3\n', "test.toml:8", ["lpar.2.smt", "POWER7"]),
        # Values.
        (LPAR + ATTACH + 'rsid = 1\nrset = "0-3,x"\n', "test.toml:10", ["expected a number or a range", "position 5"]),
        (LPAR + ATTACH + 'rsid = 1\nrset = "3-1"\n', "test.toml:10", ["runs backwards"]),
        (LPAR + ATTACH + "rsid = 1\nrset = 3\n", "test.toml:10", ["expected a set: logical ids"]),
        (LPAR + ATTACH + "rsid = 1\nrset = { nam = \"a\" }\n", "test.toml:10", ["{ name }"]),
        (LPAR + ATTACH.replace("R_PROCESS", "R_PROCES") + 'rsid = 1\nrset = "0"\n', "test.toml:8", ["mean R_PROCESS"]),
        (LPAR + '[[call]]\ncall = "rs_op"\ncommand = "RS_STSETT"\nrset1 = ""\n', "test.toml:8", ["mean RS_STSET"]),
        (LPAR + '[[call]]\ncall = "smtctl"\nthreads = 1\nexpect = { rset = "x" }\n', "test.toml:9", ["position 1"]),
        (LPAR + '[[call]]\ncall = "smtctl"\nthreads = 1\nexpect = { errno = "ENOENT" }\n', "test.toml:9",
         ["smtctl has no errno"]),
        (LPAR + '[[call]]\ncall = "ra_fork"\nrstype = 2\nrsid = "0"\nflags = 0\nchild = "helo"\n', "test.toml:11",
         ["did you mean hello"]),
        (LPAR + '[[call]]\ncall = "ra_fork"\nrstype = 2\nrsid = "0"\nflags = 0\nchild = "m:f"\n', "test.toml:11",
         ["m.py is not there"]),
        (LPAR.replace('"POWER5"', '"POWER5"\nlevel = "5.3"') + '[[call]]\ncall = "rs_get_homesrad"\n', "test.toml:8",
         ["AIX 5.3 has no rs_get_homesrad"]),
        # Names.
        (LPAR + ATTACH + 'rsid = "p"\nrset = "0"\n', "test.toml:9", ["no idle_process before this call has the name"]),
        (LPAR + ATTACH + 'rsid = "p"\nrset = "0"\n' + IDLE, "test.toml:9", ["no idle_process before this call"]),
        (LPAR + IDLE + ATTACH + 'rsid = "pp"\nrset = "0"\n', "test.toml:12", ["expected one of p"]),
        (LPAR + IDLE + '[[call]]\ncall = "smtctl"\nthreads = 1\ncaller = "q"\n', "test.toml:12", ["no idle_process"]),
        (LPAR + BOB + IDLE + '[[call]]\ncall = "smtctl"\nthreads = 1\ncaller = "p"\nuser = "bob"\n', "test.toml:18",
         ["who has a user already"]),
        (BOTH + IDLE + "node = 1\n" + ATTACH + 'rsid = "p"\nrset = "0"\n', "test.toml:15", ["no idle_process"]),
        (LPAR + '[[call]]\ncall = "rs_free"\nrset = { name = "a" }\n', "test.toml:8", ["no rset or rs_alloc"]),
    ],
)  # fmt: skip
def test_one_thing_is_wrong(text: str, where: str, words: Sequence[str]) -> None:
    (line,) = told(text)
    assert line.startswith(f"{where}: "), line
    for word in words:
        assert word in line


def test_what_follows_from_a_mistake_is_not_told_as_well() -> None:
    (line,) = told(LPAR + 'srads = "x"\n' + '[[call]]\ncall = "smtctl"\nthreads = 1\nexpect = { cause = "not_root" }\n')
    assert line.startswith("test.toml:6: lpar.srads: ")


def test_a_call_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    from bprocsim.scenario.play import Refused

    for text, key, words in (
        (call("smtctl", threads="8"), "threads", "POWER5"),
        (IDLE + IDLE, "name", "there is a process 'p' already"),
        (APP + IDLE + call("execve", path='"/usr/bin/app"', caller='"p"') * 2, "caller", "is not idle"),
    ):
        with pytest.raises(Refused, match=words) as caught:
            played(LPAR + text, beside=tmp_path)
        assert caught.value.key == key


@pytest.mark.parametrize("head", [LPAR, "schema = 1\n[cluster]\n"])
def test_the_order_of_events_is_the_worlds(head: str) -> None:
    assert build(loaded(head + 'order = "random"\n')).sim.order == "random"
    assert build(loaded(head)).sim.order == "fifo"
