"""lssrad, smtctl, bindprocessor and ps: the processors of a partition, and who is bound to them."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.aix.rset import Rset, listed
from bprocsim.programs.aix.lssrad import Srad, table
from tests.aix.commands import done, misused, power5, refused, shape
from tests.commandline import typed

# ---- lssrad --------------------------------------------------------------------------------------

SAMPLE = """\
REF1        SRAD        MEM        CPU
0
               0       32749.12    0-63
               1        9462.00    64-67 72-75
                                   80-83 88-91
1
               2        2471.19    92-95
2
               3        1992.00
               4         249.00
"""


def test_the_table_of_a_real_machine() -> None:
    """Source: lssrad-output."""
    srads = [
        Srad(number, ref1, memory, Rset(listed(processors, "processors", 127)))
        for number, ref1, memory, processors in (
            (0, 0, "32749.12", "0-63"), (1, 0, "9462.00", "64-67,72-75,80-83,88-91"), (2, 1, "2471.19", "92-95"),
            (3, 2, "1992.00", ""), (4, 2, "249.00", ""),
        )
    ]  # fmt: skip
    assert "".join(f"{line}\n" for line in table(srads)) == SAMPLE


def test_the_srads_of_a_partition() -> None:
    lpar = bp.Lpar(cores=12, smt=4, cpu="POWER7", srads=3)
    for core in (1, 3, 6):
        lpar.dlpar_remove(core=core).check()
    assert done(lpar, "lssrad -av") == (
        "REF1        SRAD        MEM        CPU\n0\n"
        "               0        1365.00    0-3 8-11\n"
        "               1        1365.00    16-23 28-31\n"
        "               2        1365.00    32-47\n"
    )
    assert done(lpar, "lssrad -a") == "REF1        SRAD\n0              0\n0              1\n0              2\n"
    assert done(lpar, "lssrad -vs 1").splitlines()[-1].split() == ["0", "1", "1365.00", "16-23", "28-31"]
    assert done(lpar, "lssrad -s 1") == "REF1        SRAD\n0              1\n"


def test_more_ranges_go_to_further_lines() -> None:
    lpar = bp.Lpar(cores=4, smt=2, cpu="POWER5")
    lpar.smtctl(threads=1).check()
    assert done(lpar, "lssrad -a -v").splitlines()[2:] == [
        "               0        4096.00    0 2",
        "                                   4 6",
    ]


def test_an_srad_without_processors() -> None:
    lpar = bp.Lpar(cores=2, smt=2, cpu="POWER7", srads=2)
    lpar.dlpar_remove(core=0).check()
    assert done(lpar, "lssrad -av").splitlines()[2:] == [
        "               0        2048.00",
        "               1        2048.00    2-3",
    ]


@pytest.mark.parametrize("words", ["", "-v", "-a more", "-a -s 0", "-s", "-s x", "-s -1", "-t"])
def test_lssrad_usage(words: str) -> None:
    misused(power5(), f"lssrad {words}")


def test_lssrad_refuses() -> None:
    assert refused(power5(), "lssrad -s 1") == "lssrad: 1: No such device"
    assert refused(power5(level="5.3"), "lssrad -a") == "lssrad: Invalid argument"


# ---- smtctl --------------------------------------------------------------------------------------

SMT8 = """\
This system is SMT capable.
This system supports up to 8 SMT threads per processor.
SMT is currently enabled.
SMT boot mode is not set.
SMT threads are bound to the same physical processor.

proc0 has 8 SMT threads.
Bind processor 0 is bound with proc0
Bind processor 1 is bound with proc0
Bind processor 2 is bound with proc0
Bind processor 3 is bound with proc0
Bind processor 4 is bound with proc0
Bind processor 5 is bound with proc0
Bind processor 6 is bound with proc0
Bind processor 7 is bound with proc0

proc8 has 8 SMT threads.
Bind processor 8 is bound with proc8
Bind processor 9 is bound with proc8
Bind processor 10 is bound with proc8
Bind processor 11 is bound with proc8
Bind processor 12 is bound with proc8
Bind processor 13 is bound with proc8
Bind processor 14 is bound with proc8
Bind processor 15 is bound with proc8
"""


def test_the_report_of_a_real_machine() -> None:
    """Source: aix-smtctl-output."""
    lpar = bp.Lpar(cores=2, cpu="POWER8")
    assert done(lpar, "smtctl", user=lpar.user("bob", 501, 501)) == SMT8


def test_the_report_after_a_change() -> None:
    lpar = power5()
    lpar.dlpar_remove(core=1).check()
    assert done(lpar, "smtctl -m off -w now") == "smtctl: SMT is now disabled.\n"
    assert done(lpar, "smtctl") == (
        "This system is SMT capable.\nThis system supports up to 2 SMT threads per processor.\n"
        "SMT is currently disabled.\nSMT boot mode is not set.\n"
        "\nproc0 has 1 SMT threads.\nBind processor 0 is bound with proc0\n"
        "\nproc4 has 1 SMT threads.\nBind processor 1 is bound with proc4\n"
        "\nproc6 has 1 SMT threads.\nBind processor 2 is bound with proc6\n"
    )


@pytest.mark.parametrize(
    ("words", "online", "boot"),
    [
        ("-m off", "0,4", "set to disabled"), ("-m on", "0-7", "set to enabled"), ("-m off -w now", "0,4", "not set"),
        ("-m off -w boot", "0-7", "set to disabled"), ("-t 2", "0-1,4-5", "set to enabled"),
        ("-t 1 -w now", "0,4", "not set"), ("-t 4 -w boot", "0-7", "set to enabled"),
        ("-m suspend", "0-7", "set to suspended"), ("-m suspend -w boot", "0-7", "set to suspended"),
        ("-m limit -t 2", "0-7", "set to limited to 2 SMT threads"),
        ("-m limit -w boot", "0-7", "set to limited to 4 SMT threads"),
        ("-m recommended", "0-7", "set to recommended"), ("-m recommended -w now", "0-7", "not set"),
    ],
)  # fmt: skip
def test_changes_of_smt(words: str, online: str, boot: str) -> None:
    lpar = bp.Lpar(cores=2, smt=4, cpu="POWER7")
    assert done(lpar, f"smtctl {words}").startswith("smtctl: SMT ")
    assert repr(Rset(lpar.partition.online)) == online
    assert f"SMT boot mode is {boot}.\n" in done(lpar, "smtctl")


def test_a_later_boot_mode_takes_the_place_of_an_earlier_one() -> None:
    lpar = power5()
    done(lpar, "smtctl -m limit -t 2 -w boot")
    done(lpar, "smtctl -m on -w boot")
    assert "SMT boot mode is set to enabled.\n" in done(lpar, "smtctl")


@pytest.mark.parametrize("when", ["", " -w now"])
def test_smtctl_is_refused_by_what_is_bound_and_changes_nothing(when: str) -> None:
    lpar = power5()
    p = lpar.idle_process()
    lpar.bindprocessor(bp.BINDPROCESS, p.pid, 7).check()
    before = shape(lpar)
    assert refused(lpar, f"smtctl -m off{when}") == "smtctl: 1 SMT threads: Device or resource busy"
    assert shape(lpar) == before
    done(lpar, "smtctl -m off -w boot")


@pytest.mark.parametrize(
    ("words", "said"),
    [("-t 3", "3: Invalid argument"), ("-t 4", "4: Invalid argument"), ("-m limit -t 0", "0: Invalid argument")],
)
def test_smtctl_refuses(words: str, said: str) -> None:
    lpar = power5()
    before = shape(lpar)
    assert refused(lpar, f"smtctl {words}") == f"smtctl: {said}"
    assert shape(lpar) == before


@pytest.mark.parametrize(
    "words",
    ["more", "-w now", "-w boot", "-m sideways", "-m on -w later", "-m on -t 2", "-m suspend -t 1",
     "-m suspend -w now", "-m limit -w now", "-t x", "-t -1", "-m", "-x"],
)  # fmt: skip
def test_smtctl_usage(words: str) -> None:
    misused(power5(), f"smtctl {words}")


@pytest.mark.parametrize("capabilities", [None, {"CAP_NUMA_ATTACH", "CAP_PROPAGATE"}])
def test_root_alone_changes_smt(capabilities: Any) -> None:
    lpar = power5()
    bob = lpar.user("bob", 501, 501, capabilities=capabilities)
    before = shape(lpar)
    for words in ("-m off", "-m off -w now", "-m off -w boot", "-m suspend"):
        assert refused(lpar, f"smtctl {words}", user=bob) == "smtctl: Operation not permitted"
    assert shape(lpar) == before


def test_cores_of_one_thread() -> None:
    lpar = bp.Lpar(cores=2, smt=1, cpu="POWER5")
    assert done(lpar, "smtctl") == "This system is not SMT capable.\n"
    assert refused(lpar, "smtctl -m on") == "smtctl: This system is not SMT capable."


def test_a_boot_record_that_cannot_be_written_changes_nothing() -> None:
    lpar = power5()
    lpar.inject(bp.IoError(bp.BPROC_NODE_MASTER, "/etc/objrepos/smtctl"))
    assert refused(lpar, "smtctl -m off") == "smtctl: /etc/objrepos/smtctl: Input/output error"
    assert lpar.partition.width == 2


def test_smtctl_without_its_file() -> None:
    lpar = power5()
    lpar.machine.fs.unlink("/etc/objrepos/smtctl")
    assert "SMT boot mode is not set.\n" in done(lpar, "smtctl")
    assert refused(lpar, "smtctl -m off") == "smtctl: /etc/objrepos/smtctl: No such file or directory"
    assert lpar.partition.width == 2
    done(lpar, "smtctl -m off -w now")


# ---- bindprocessor -------------------------------------------------------------------------------


def test_the_line_of_bind_ids() -> None:
    """Source: aix-bindprocessor-command."""
    lpar = bp.Lpar(cores=2, smt=2, cpu="POWER5")
    assert done(lpar, "bindprocessor -q") == "The available processors are:  0 1 2 3\n"
    lpar.smtctl(threads=1).check()
    assert done(lpar, "bindprocessor -q") == "The available processors are:  0 1\n"


@pytest.mark.parametrize(
    ("width", "words", "ids"),
    [
        (4, "-s 0", "0 4 8"), (4, "-s 1", "1 5 9"), (4, "-s 3", "3 7 11"), (4, "-b 0", "0 1 2 3"),
        (4, "-b 6", "4 5 6 7"), (2, "-s 0", "0 2 4"), (2, "-s 1", "1 3 5"), (2, "-s 2", ""), (2, "-b 5", "4 5"),
        (1, "-s 0", "0 1 2"), (1, "-b 2", "2"),
    ],
)  # fmt: skip
def test_the_hardware_threads_of_a_kind_and_of_a_core(width: int, words: str, ids: str) -> None:
    lpar = bp.Lpar(cores=3, smt=4, cpu="POWER7")
    lpar.smtctl(threads=width)
    assert done(lpar, f"bindprocessor {words}") == f"The available processors are:  {ids}\n"


def bound(lpar: bp.Lpar, pid: int) -> list[int | None]:
    found: list[int | None] = []

    def look(proc: bp.AixProc) -> Any:
        found.extend(thread.bound for thread in (yield from proc.getthrds(pid)))

    assert lpar.popen(look).wait() == 0
    return found


def test_a_process_is_bound_and_set_free() -> None:
    lpar = power5()
    p = lpar.idle_process()
    assert done(lpar, f"bindprocessor {p.pid} 3") == ""
    assert bound(lpar, p.pid) == [3]
    assert done(lpar, f"bindprocessor -u {p.pid}") == ""
    assert bound(lpar, p.pid) == [None]
    assert done(lpar, f"bindprocessor -u {p.pid}") == ""


def test_without_a_bind_id_some_processor_is_taken_that_can_be() -> None:
    lpar = power5()
    lpar.mkrset("sysxrset/most", "0-2,4-7").check()
    p = lpar.idle_process()
    done(lpar, f"bindprocessor {p.pid}")
    assert bound(lpar, p.pid) == [3]
    lpar.mkrset("sysxrset/rest", "3").check()
    assert refused(lpar, f"bindprocessor {p.pid}") == f"bindprocessor: {p.pid}: Invalid argument"
    assert bound(lpar, p.pid) == [3]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{pid} 8", "{pid} 8: Invalid argument"), ("{pid} 2", "{pid} 2: Invalid argument"),
        ("4 0", "4 0: No such process"), ("4", "4: No such process"), ("-u 4", "4: No such process"),
        ("-s 2", "2: Invalid argument"), ("-b 8", "8: Invalid argument"),
        ("{attached} 0", "{attached} 0: Operation not permitted"),
        ("{attached}", "{attached}: Operation not permitted"),
    ],
)  # fmt: skip
def test_bindprocessor_refuses(words: str, said: str) -> None:
    lpar = power5()
    lpar.mkrset("sysxrset/app", "2").check()
    numbers = {"pid": lpar.idle_process().pid, "attached": lpar.idle_process().pid}
    lpar.ra_attachrset(bp.R_PROCESS, numbers["attached"], lpar.rset("1")).check()
    before = shape(lpar)
    assert refused(lpar, "bindprocessor " + words.format(**numbers)) == "bindprocessor: " + said.format(**numbers)
    assert shape(lpar) == before


@pytest.mark.parametrize(
    "words", ["", "1001 1 2", "-q 1", "-q -u 1", "-u", "-u x", "-s", "-s x", "-b -1", "x", "1001 x", "-z"]
)
def test_bindprocessor_usage(words: str) -> None:
    misused(power5(), f"bindprocessor {words}")


def test_whose_processes_may_be_bound() -> None:
    lpar = power5()
    bob, eve = lpar.user("bob", 501, 501), lpar.user("eve", 502, 502, capabilities={"CAP_NUMA_ATTACH"})
    p = lpar.idle_process(user=bob)
    assert refused(lpar, f"bindprocessor {p.pid} 1", user=eve) == f"bindprocessor: {p.pid} 1: Operation not permitted"
    assert refused(lpar, f"bindprocessor -u {p.pid}", user=eve) == f"bindprocessor: {p.pid}: Operation not permitted"
    done(lpar, f"bindprocessor {p.pid} 1", user=bob)
    done(lpar, f"bindprocessor {p.pid} 2")
    assert bound(lpar, p.pid) == [2]


# ---- ps ------------------------------------------------------------------------------------------

PS_HEADER = "    USER     PID    PPID       TID ST  CP PRI SC    WCHAN        F     TT BND COMMAND\n"


def sleeps(proc: bp.AixProc) -> Any:
    def idle(inner: bp.AixProc) -> Any:
        yield from inner.sleep(10**12)

    yield from proc.thread_create(idle)
    yield from proc.thread_create(idle)
    yield from proc.compute(10**12)


def test_the_binding_column() -> None:
    lpar = power5()
    bob = lpar.user("bob", 501, 501)
    lpar.install("/usr/bin/sleeps", sleeps)
    pid = lpar.popen(["sleeps", "a", "b"], user=bob).pid
    lpar.sleep(0.01)
    lpar.bindprocessor(bp.BINDTHREAD, pid * 65536 + 2, 5).check()
    threads = [pid * 65536 + number for number in (1, 2, 3)]
    assert done(lpar, f"ps -mo THREAD -p {pid}") == (
        PS_HEADER + f"     bob {pid:>7}       1         -  A   -   -  -        -        -      -   - sleeps a b\n"
        f"       -       -       - {threads[0]:>9}  R   -   -  -        -        -      -   - -\n"
        f"       -       -       - {threads[1]:>9}  S   -   -  -        -        -      -   5 -\n"
        f"       -       -       - {threads[2]:>9}  S   -   -  -        -        -      -   - -\n"
    )
    lpar.bindprocessor(bp.BINDPROCESS, pid, 5).check()
    columns = [line.split()[11] for line in done(lpar, f"ps -m -o THREAD -p {pid}").splitlines()]
    assert columns == ["BND", "5", "5", "5", "5"]
    assert done(lpar, f"ps -o THREAD -p {pid}").count("\n") == 2


def test_which_processes_are_shown() -> None:
    lpar = power5()
    bob = lpar.user("bob", 501, 501)
    mine, theirs = lpar.idle_process(user=bob).pid, lpar.idle_process().pid

    def pids(words: str) -> set[str]:
        return {line.split()[1] for line in done(lpar, f"ps {words} -o THREAD", user=bob).splitlines()[1:]}

    # Beside ps itself.
    assert pids("") & {str(mine), str(theirs)} == {str(mine)}
    for words in ("-e", "-A", "-a", "-em"):
        assert {str(mine), str(theirs)} <= pids(words)
    assert pids(f"-p {theirs}") == {str(theirs)}
    assert done(lpar, ["ps", "-o", "THREAD", "-p", f"{mine},{theirs} {mine}"]).count("\n") == 3


def test_a_stopped_process_and_one_that_has_ended() -> None:
    lpar = power5()

    def parent(proc: bp.AixProc) -> Any:
        yield from proc.fork(lambda inner: 0)
        yield from proc.sleep(10**9)

    stopped, waits = lpar.idle_process(), lpar.popen(parent).pid
    lpar.sleep(0.01)
    lpar.run(["sh", "-c", ":"])
    lpar.popen(lambda proc: (yield from proc.kill(stopped.pid, bp.SIGSTOP))).wait()
    shown = {line.split()[1]: line.split() for line in done(lpar, "ps -e -o THREAD").splitlines()}
    assert shown[str(stopped.pid)][4] == "T"
    ended = next(cells for cells in shown.values() if cells[2] == str(waits))
    assert ended[4] == "Z"
    states = [line.split()[4] for line in done(lpar, f"ps -m -o THREAD -p {stopped.pid}").splitlines()]
    assert states == ["ST", "T", "T"]


def test_ps_refuses() -> None:
    said = typed(power5(), "ps -o THREAD -p 4")
    assert (said.status, said.stdout, said.stderr) == (1, PS_HEADER, "ps: 4: No such process\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", ""), ("-e", ""), ("-o pid", "ps: pid: the only format known here is THREAD"), ("-o THREAD more", ""),
        ("-o THREAD -p x", "ps: x: expected the number of a process"), ("-f", "ps: Not a recognized flag: f"),
    ],
)  # fmt: skip
def test_ps_usage(words: str, said: str) -> None:
    assert misused(power5(), f"ps {words}") == said


def test_an_empty_list_of_processes() -> None:
    assert misused(power5(), ["ps", "-o", "THREAD", "-p", ","]) == "ps: A flag requires a parameter: p"
