"""mkrset, rmrset and lsrset: named sets, made, taken away and shown."""

from __future__ import annotations

import attrs
import pytest

import bprocsim as bp
from tests.aix.commands import done, misused, power5, refused, shape
from tests.commandline import typed

HEADER = "T Name                 Owner    Group    Mode      CPU  Memory  Resources\n"


def named(lpar: bp.Lpar, name: str) -> bp.Rset:
    namespace, _, rsname = name.partition("/")
    found = lpar.rset("")
    lpar.rs_getnamedrset(namespace, rsname, found).check()
    return found


# ---- mkrset --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "processors"),
    [
        ("-c 0-7", "0-7"), ("-c 1 3 5-6 7", "1,3,5-7"), ("-c 1,3,5-6", "1,3,5-6"), ("-c1-3", "1-3"),
        ("-c 1 -c 2", "2"), ("-c 7-9 1023", "7-9,1023"), ("-c 0 1 -m 0", "0-1"), ("-m 0 -c 0 1", "0-1"),
        ("-c 0 --", "0"),
    ],
)  # fmt: skip
def test_mkrset_takes_lists(words: str, processors: str) -> None:
    lpar = power5()
    assert done(lpar, f"mkrset {words} test/some") == ""
    assert repr(named(lpar, "test/some")) == processors


def test_a_list_may_be_one_word() -> None:
    lpar = power5()
    done(lpar, ["mkrset", "-c", "1 3  5-6", "test/some"])
    assert repr(named(lpar, "test/some")) == "1,3,5-6"


def test_mkrset_makes_what_its_caller_owns() -> None:
    lpar = power5(srads=2)
    carol = lpar.user("carol", 502, 600, capabilities={"CAP_NUMA_ATTACH", "CAP_PROPAGATE"})
    done(lpar, "mkrset -c 0-3 -m 1 test/some", user=carol)
    told = bp.RsetAttributes()
    lpar.rs_getnameattr("test", "some", told).check()
    assert (told.owner, told.group, told.mode) == (502, 600, 0o644)
    found = named(lpar, "test/some")
    assert (found.processors, found.memory) == (0b1111, 0b10)


def test_an_exclusive_set_takes_its_processors_from_others() -> None:
    lpar = power5()
    lpar.mkrset("test/before", "0")
    done(lpar, "mkrset -c 2-7 sysxrset/app")
    assert lpar.partition.exclusive == 0b11111100
    assert lpar.ra_execve(bp.R_RSET, lpar.rset("2-3"), bp.R_ATTACH_STRSET, "/usr/bin/lsrset").check().rset == lpar.rset(
        "2"
    )
    done(lpar, "rmrset sysxrset/app")
    assert lpar.partition.exclusive == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-c 0-3,x test/some", "-c: '0-3,x': expected a number or a range such as 0-3 at position 5, got 'x'"),
        ("-c 0,5-1024 test/some", "-c: '0,5-1024': at position 3: ids go from 0 to 1023, got 1024"),
        ("-c 3-1 test/some", "-c: '3-1': at position 1: the range 3-1 runs backwards"),
        ("-c 0 -m 5 test/some", "-m: '5': at position 1: ids go from 0 to 0, got 5"),
        ("-c 99999999999999999999 test/some", "-c: '99999999999999999999': ids go from 0 to 1023"),
        ("-c 0 test", "test: Invalid argument"),
        ("-c 0 /some", "/some: Invalid argument"),
        ("-c 0 test/", "test/: Invalid argument"),
        ("-c 0 test/there", "test/there: File exists"),
    ],
)
def test_mkrset_refuses(words: str, said: str) -> None:
    lpar = power5()
    lpar.mkrset("test/there", "0")
    before = shape(lpar)
    assert refused(lpar, f"mkrset {words}") == f"mkrset: {said}"
    assert shape(lpar) == before


def test_an_empty_list_is_none() -> None:
    assert (
        refused(power5(), ["mkrset", "-c", " ", "test/some"]) == "mkrset: -c: expected a list such as 0-3, got nothing"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mkrset", ""),
        ("mkrset test/some", ""),
        ("mkrset -c 0", ""),
        ("mkrset -c 0 test/some more", ""),
        ("mkrset -c", "mkrset: A flag requires a parameter: c"),
        ("mkrset -z", "mkrset: Not a recognized flag: z"),
        ("rmrset", ""),
        ("rmrset test/some test/other", ""),
        ("rmrset -f test/some", "rmrset: Not a recognized flag: f"),
    ],
)
def test_usage(line: str, said: str) -> None:
    assert misused(power5(), line) == said


# ---- who may -------------------------------------------------------------------------------------

RIGHTS = {
    "root": None, "both": {"CAP_NUMA_ATTACH", "CAP_PROPAGATE"}, "attach": {"CAP_NUMA_ATTACH"},
    "propagate": {"CAP_PROPAGATE"}, "nobody": set(),
}  # fmt: skip


def user_with(lpar: bp.Lpar, rights: str) -> bp.User | None:
    return None if rights == "root" else lpar.user(rights, 500, 500, capabilities=RIGHTS[rights])


@pytest.mark.parametrize("rights", RIGHTS)
@pytest.mark.parametrize("namespace", ["test", "sysxrset"])
def test_who_may_make_a_set(rights: str, namespace: str) -> None:
    lpar = power5()
    who, line = user_with(lpar, rights), f"mkrset -c 2-3 {namespace}/some"
    if rights in ("root", "both"):
        done(lpar, line, user=who)
    else:
        assert refused(lpar, line, user=who) == f"mkrset: {namespace}/some: Operation not permitted"
    assert bool(lpar.partition.names) == (rights in ("root", "both"))


@pytest.mark.parametrize("rights", RIGHTS)
@pytest.mark.parametrize("mode", [0o644, 0o666])
def test_who_may_take_a_set_away(rights: str, mode: int) -> None:
    lpar = power5()
    lpar.mkrset("test/some", "0")
    lpar.rs_setnameattr("test", "some", bp.RS_PERM, bp.RsetAttributes(mode=mode)).check()
    may = rights == "root" or (rights in ("both", "attach") and mode == 0o666)
    who = user_with(lpar, rights)
    if may:
        done(lpar, "rmrset test/some", user=who)
    else:
        assert refused(lpar, "rmrset test/some", user=who) == "rmrset: test/some: Operation not permitted"
    assert (not lpar.partition.names) == may


def test_rmrset_refuses_what_is_not_there() -> None:
    assert refused(power5(), "rmrset test/some") == "rmrset: test/some: No such file or directory"
    assert refused(power5(), "rmrset some") == "rmrset: some: Invalid argument"


def test_at_a_level_where_root_alone_makes_exclusive_sets() -> None:
    lpar = power5(level=attrs.evolve(bp.levels["7.1"], exclusive_by_capability=False))
    both = user_with(lpar, "both")
    assert refused(lpar, "mkrset -c 0 sysxrset/some", user=both) == "mkrset: sysxrset/some: Operation not permitted"
    done(lpar, "mkrset -c 0 sysxrset/some")


# ---- lsrset: names -------------------------------------------------------------------------------


def full() -> bp.Lpar:
    lpar = power5(srads=2)
    alexandra = lpar.user("alexandra", 500, 601, capabilities={"CAP_NUMA_ATTACH", "CAP_PROPAGATE"})
    done(lpar, "mkrset -c 2-3 sysxrset/app")
    done(lpar, "mkrset -c 4-7 -m 1 test/half", user=alexandra)
    lpar.rs_registername(lpar.rset("0,2"), "test", "own", 0o600, bp.RS_DEFINE).check()
    return lpar


def test_all_names() -> None:
    lpar = full()
    system = ["sys/sys0", "sys/node.01.00000", "sys/node.01.00001", *(f"sys/cpu.02.0000{each}" for each in range(8))]
    assert done(lpar, "lsrset -a").splitlines() == [*system, "sysxrset/app", "test/half", "test/own"]
    assert done(lpar, "lsrset -n sys").splitlines() == system
    assert done(lpar, "lsrset -n test") == "test/half\ntest/own\n"
    assert done(lpar, "lsrset -r test/half") == "test/half\n"


def test_a_namespace_without_names() -> None:
    assert done(power5(), "lsrset -v -n sysxrset") == HEADER
    assert done(power5(), "lsrset -n sysxrset") == ""
    assert refused(power5(), "lsrset -n test") == "lsrset: test: No such file or directory"


def test_the_columns() -> None:
    lpar = full()
    assert done(lpar, "lsrset -f -n test") == (
        HEADER + "s test/half            alexandr 601      rwr-r-      4    2048  sys/node.01.00001\n"
        "a test/own             root     system   rw----      2       0  sys/cpu.02.00000 sys/cpu.02.00002\n"
    )
    assert "alexandra 601" in done(lpar, "lsrset -X -f -n test")
    assert done(lpar, "lsrset -vr sys/sys0") == (
        HEADER + "r sys/sys0             root     system   r-r-r-      8    4096  sys/sys0\nCPU:  0-7\nMEM:  0-1\n\n"
    )
    assert done(lpar, "lsrset -v -n sysxrset") == (
        HEADER + "s sysxrset/app         root     system   rwr-r-      2       0  sys/cpu.02.00002 sys/cpu.02.00003\n"
        "CPU:  2-3\nMEM:  <empty>\n\n"
    )


def test_only_what_is_online() -> None:
    lpar = full()
    lpar.smtctl(threads=1).check()
    assert done(lpar, "lsrset -o -r test/half").endswith("      2    2048  sys/cpu.02.00004 sys/cpu.02.00006\n")
    assert done(lpar, "lsrset -f -r test/half").endswith("      4    2048  sys/node.01.00001\n")


@pytest.mark.parametrize(("processors", "chosen"), [("0-7", "0 2 4 6"), ("0-2", "0"), ("1,2", "<empty>")])
def test_the_st_set_of_any_set(processors: str, chosen: str) -> None:
    lpar = power5()
    lpar.mkrset("test/some", processors)
    assert f"\nCPU:  {chosen}\n" in done(lpar, "lsrset -v -S -r test/some")
    assert repr(named(lpar, "test/some")) == repr(lpar.rset(processors))


def test_a_set_that_the_caller_may_not_read() -> None:
    lpar = full()
    bob = lpar.user("bob", 501, 501)
    assert done(lpar, "lsrset -v -n test", user=bob).endswith(
        "a test/own             root     system   rw----      -       -  -\n"
    )
    assert refused(lpar, "lsrset -r test/own", user=bob) == "lsrset: test/own: Operation not permitted"
    assert refused(lpar, "lsrset -r test/none", user=bob) == "lsrset: test/none: No such file or directory"
    assert refused(lpar, "lsrset -r sys/none", user=bob) == "lsrset: sys/none: No such file or directory"


def test_names_of_users_come_from_the_files() -> None:
    lpar = full()
    lpar.machine.fs.write_file("/etc/group", b"system:!:0:\n:::\nstaff:!:601:alexandra\nother:!:601:\nbad:!:x:\n")
    assert " alexandr staff " in done(lpar, "lsrset -f -r test/half")
    lpar.machine.fs.unlink("/etc/passwd")
    assert " 500      staff " in done(lpar, "lsrset -f -r test/half")


# ---- lsrset: processes ---------------------------------------------------------------------------


def test_the_set_of_a_process() -> None:
    lpar = power5()
    bob = lpar.user("bob", 501, 501)
    p = lpar.idle_process(user=bob)
    assert done(lpar, f"lsrset -p {p.pid}") == "Default rset: 8 CPUs, 4096 MB\n"
    lpar.set_partition(p.pid, lpar.rset("0-5")).check()
    assert done(lpar, f"lsrset -vp {p.pid}") == "Partition rset: 6 CPUs, 0 MB\nCPU:  0-5\nMEM:  <empty>\n"
    lpar.ra_attachrset(bp.R_PROCESS, p.pid, lpar.rset("1,4-5")).check()
    assert done(lpar, f"lsrset -v -p {p.pid}", user=bob) == "Effective rset: 3 CPUs, 0 MB\nCPU:  1 4-5\nMEM:  <empty>\n"
    assert done(lpar, f"lsrset -P -p {p.pid}") == "Partition rset: 6 CPUs, 0 MB\n"
    lpar.smtctl(threads=1).check()
    assert done(lpar, f"lsrset -o -p {p.pid}") == "Effective rset: 1 CPUs, 0 MB\n"
    assert refused(lpar, "lsrset -p 4") == "lsrset: 4: No such process"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", ""), ("-a -n test", ""), ("-a more", ""), ("-v -o -a", ""), ("-S -a", ""), ("-S -n test", ""),
        ("-P -a", ""), ("-f -p 1", ""), ("-p x", "lsrset: x: expected the number of a process"),
        ("-p -1", "lsrset: -1: expected the number of a process"), ("-r", "lsrset: A flag requires a parameter: r"),
        ("-p 99999999999", "lsrset: 99999999999: expected the number of a process"),
        ("-q", "lsrset: Not a recognized flag: q"), ("--all", "lsrset: Not a recognized flag: all"),
    ],
)  # fmt: skip
def test_lsrset_usage(words: str, said: str) -> None:
    assert misused(power5(), f"lsrset {words}") == said


def test_nobody_hears_of_a_refusal_whose_descriptor_is_closed() -> None:
    lpar = power5()

    def quiet(proc: bp.AixProc) -> object:
        yield from proc.close(2)
        yield from proc.execvp("rmrset", ["rmrset", "test/some"])

    lpar.install("/usr/bin/quiet", quiet)
    assert typed(lpar, "quiet") == (1, "", "")
