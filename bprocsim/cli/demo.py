"""`bprocsim demo`: a short story in scenes, told by a cluster and a partition that are simulated meanwhile.

Nothing is written down beforehand but the words: every time, status and output comes from a world.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import bprocsim as bp
from bprocsim.cli import lpardemo
from bprocsim.cli.screen import Screen, Table
from bprocsim.cli.telling import Moment, end_of, happened, ms_of, output_of, row_of, tell_why, verdict
from bprocsim.cli.usage import add_seed

if TYPE_CHECKING:
    from bprocsim.trace import Record

SUMMARY = "a short tour: programs leave a master, run, and fail with reason"
DESCRIPTION = """\
Tell a short story in scenes: what was called, what happened when, and why.
All of it happens in a simulated cluster and a simulated AIX partition, and
takes about a second."""
EPILOG = """\
examples:
  bprocsim demo
  bprocsim demo --seed 7"""

HELLO = "/usr/bin/hello"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `bprocsim demo --help`."""
    add_seed(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Tell all scenes; the last line is the seed."""
    screen.put((f"bprocsim {bp.__version__}", "title"), (": a BProc cluster and an AIX partition inside Python", ""))
    screen.put()
    screen.paragraph(
        "In a BProc cluster, programs are started on a master and run on slaves, yet "
        "each keeps its place in the master's process table. Here the machines, files, "
        "processes and the clock are all simulated: nothing touches your computer. "
        "Times are simulated milliseconds since the machines were switched on."
    )
    for number, scene in enumerate((*SCENES, *lpardemo.SCENES), 1):
        if scene is lpardemo.SCENES[0]:
            lpardemo.interlude(screen)
        screen.heading(f"{number}. {(scene.__doc__ or '').rstrip('.')}")
        scene(screen, options.seed)
    _close(screen)
    screen.put((f"seed {options.seed}", "dim"))
    return 0


# ---- the worlds ------------------------------------------------------------------------------------


def solve(proc: bp.Proc) -> Iterator[Any]:
    """Need a library; see `needs` where it is installed."""
    yield from proc.print("pi is about 3.14159")


def _sample(name: str) -> bp.Program:
    """Give a program of ours; only a world that runs it needs to have it."""
    from bprocsim.programs.samples import SAMPLES

    return SAMPLES[name]


def _cluster(seed: int, *faults: Any) -> bp.Cluster:
    cluster = bp.Cluster(nodes=4, seed=seed, trace="all", faults=faults)
    cluster.install(HELLO, _sample("hello"))
    return cluster


# ---- the scenes ------------------------------------------------------------------------------------

STEPS = {
    "ENTRY": "the call: is there a master? yes",
    "EXEC": "hello is loaded, as any exec would do",
    "GHOST": "the caller becomes a ghost: it keeps {about}",
    "ROUTE": "the daemon: node 2 is known, up, and allowed",
    "STUB": "a stub process takes over the pid",
    "STREAM": "the image has arrived: {about}",
    "THAW": "it is rebuilt in memory; no file was needed",
    "RUN": "its first instruction",
}


def a_program_leaves_the_master(screen: Screen, seed: int) -> None:
    """A program leaves the master."""
    cluster = _cluster(seed)
    outcome = cluster.bproc_execmove(2, HELLO, ["hello"])
    screen.labelled("called", f'bproc_execmove(2, "{HELLO}", ["hello"])', "code")
    happened(screen, [moment for record in cluster.trace.records if (moment := _moment_of(record))])
    screen.labelled("the end", end_of(outcome), "ok")
    screen.labelled("stdout", outcome.text.rstrip(), "code")
    screen.labelled(
        "why",
        "The binary image travels, so no slave needs the file. The page says: the call "
        "does not return on success. The caller has become hello, and its parent on the "
        "master waits for it as if it had never left.",
    )


def _moment_of(record: Record) -> Moment | None:
    """Tell a record of the trace in the story's words; None for what the story leaves out."""
    if record.kind == "step" and record.step in STEPS:
        return record.at_ns, record.node, STEPS[record.step].format(about=record.about)
    if record.kind == "write":
        return record.at_ns, record.node, f'it writes "{record.data.decode().rstrip()}"'
    if record.kind == "exit":
        return record.at_ns, record.node, f"it exits with status {record.status}"
    return None


def a_library_stays_behind(screen: Screen, seed: int) -> None:
    """A library stays behind."""
    cluster = _cluster(seed)
    path, library = "/usr/bin/solve", bp.ElfImage(type="DYN", interpreters=(), soname="libm.so.6").to_bytes()
    cluster.install(path, bp.program(needs=("libm.so.6",))(solve))
    cluster.master.fs.write_file("/lib64/libm.so.6", library, mode=0o755)
    screen.paragraph("solve needs libm.so.6. The master has it, the slaves have not.")
    at_home = cluster.execve(path)
    away = cluster.bproc_execmove(1, path)
    cluster.nodes[1].fs.write_file("/lib64/libm.so.6", library, mode=0o755)
    mended = cluster.bproc_execmove(1, path)
    screen.put()
    screen.table(
        Table(
            ("called", "where", "the end", "output"),
            [
                (("execve", "code"), ("master", ""), verdict(at_home), (output_of(at_home), "")),
                (("bproc_execmove", "code"), ("node 1", ""), verdict(away), (output_of(away), "")),
                (("bproc_execmove", "code"), ("node 1", ""), verdict(mended), (output_of(mended), "")),
            ],
            indent=0,
        )
    )
    screen.put()
    screen.labelled(
        "why",
        "The page says: the image is moved, but not the dynamically loaded libraries, "
        "which must be present on the remote system. So the launch succeeded; then the "
        "loader on node 1 found no libm.so.6, said so, and exited with 127. Between the "
        "second and the third line the library was copied to node 1.",
    )


def returned_or_exited(screen: Screen, seed: int) -> None:
    """Returned, or exited: two errors on one dead node."""
    cluster = _cluster(seed, bp.PowerOff(node=3))
    screen.paragraph("Node 3 was never switched on. One call names a missing file, the other a good one.")
    calls = [(path, cluster.bproc_execmove(3, path)) for path in ("/usr/bin/hallo", HELLO)]
    screen.put()
    screen.table(
        Table(
            ("called on node 3", "took", "the end", "the page's row"),
            [
                ((path, "code"), (ms_of(outcome.elapsed_ns), ""), verdict(outcome), (row_of(outcome), ""))
                for path, outcome in calls
            ],
            indent=0,
        )
    )
    screen.put()
    screen.labelled(
        "why",
        "The image is loaded first, on the calling node: a missing file is found there, "
        "and -1 is returned, whatever the node. Once the exec has succeeded there is "
        "no caller left to return to. So what the master finds out later ends the "
        "process, with the errno's number as its exit status: EINVAL is 22.",
    )


def three_streams(screen: Screen, seed: int) -> None:
    """Where the output goes: port 0, three connections, nobody."""
    cluster = _cluster(seed)
    cluster.install("/usr/bin/talk", _sample("talk"))
    path = "/usr/bin/talk"
    screen.paragraph("talk writes to stdout and to stderr, then reads stdin. It is given the input 'go on'.")
    calls = {
        "port 0": cluster.bproc_execmove_io(1, 0, path, input=b"go on"),
        "port 4000, listened on": cluster.bproc_execmove_io(1, 4000, path, input=b"go on"),
        "port 4001, nobody there": cluster.bproc_execmove_io(1, 4001, path, listen=False),
    }
    screen.put()
    for port, outcome in calls.items():
        screen.put((f"_bproc_execmove_io: {port}", "code"))
        for name, data in (("stdout", outcome.stdout), ("stderr", outcome.stderr)):
            for place, line in enumerate(data.decode().splitlines()):
                screen.put((f"  {'' if place else name:<9} ", "label"), (line, ""))
        text, style = verdict(outcome)
        screen.put((f"  {'the end':<9} ", "label"), (text, style))
        if outcome.row is not None:
            screen.put((f"  {'the row':<9} ", "label"), (row_of(outcome), ""))
    screen.put()
    screen.labelled(
        "why",
        "Port 0 uses the socket that the process came through, for stdout and stderr "
        "only: both come out of the caller's stdout, and stdin is at its end. "
        "Any other port is connected back to three times, for stdout, stderr and stdin. "
        "Where nobody listens the exec has long succeeded, so it is a status again.",
    )


def a_node_is_lost(screen: Screen, seed: int) -> None:
    """A node loses power while the image is on its way."""
    cluster = _cluster(seed, bp.PowerOff(node=3, step=bp.Step.STUB))
    cluster.sim.run(until_ns=7_000_000_000)
    outcome = cluster.bproc_execmove(3, HELLO)
    screen.labelled("called", f'bproc_execmove(3, "{HELLO}"), seven seconds after the start', "code")
    words = {
        "ENTRY": "the call",
        "ROUTE": "the daemon: node 3 is up, go ahead",
        "STUB": STEPS["STUB"],
    }
    moments: list[Moment] = []
    for record in cluster.trace.records:
        if record.kind == "step" and record.step in words:
            moments.append((record.at_ns, record.node, words[record.step]))
        elif record.kind == "fault":
            lost_ns = record.at_ns
            moments.append((lost_ns, "node 3", "loses power; nobody is told"))
        elif record.kind == "node":
            moments.append((record.at_ns, "master", f"gives node 3 up, {ms_of(record.at_ns - lost_ns)} later"))
    happened(screen, moments)
    screen.labelled("the end", end_of(outcome), "late")
    screen.labelled("the row", row_of(outcome))
    screen.labelled(
        "why",
        "Nothing on a network says that a machine has gone: it is only silent. The "
        "master pings its slaves and looks every 15 s who has answered; one that has "
        "not for 30 s is given up. So that takes 30 to 45 s, and this call takes as long.",
    )


def ask_why(screen: Screen, seed: int) -> None:
    """Ask any answer why."""
    cluster = _cluster(seed, bp.PowerOff(node=3))
    outcome = cluster.bproc_execmove(3, "/usr/bin/hallo")
    screen.labelled("called", 'print(bproc_execmove(3, "/usr/bin/hallo").explain())', "code")
    screen.put()
    tell_why(screen, outcome, "among them node_down")
    screen.put()
    screen.labelled(
        "why",
        "Each call has its page's ERRORS section as a table, in the order of decision; "
        "the first row that holds is what the call reports.",
    )


SCENES = (
    a_program_leaves_the_master, a_library_stays_behind, returned_or_exited, three_streams, a_node_is_lost, ask_why,
)  # fmt: skip


def _close(screen: Screen) -> None:
    screen.heading("In short")
    for text in (
        "A program is loaded where it is called, and its image travels; a library does not.",
        "What is wrong before the exec is returned; after it, an exit status is all there is.",
        "A set bounds where work runs, and exclusive use keeps others out of it.",
        "Every answer has a row of a table, which names the page that it comes from.",
    ):
        for place, line in enumerate(screen.wrap(text, 2)):
            screen.put(("  " if place else "- ", "label"), (line, ""))
    screen.heading("To go on")
    for command, what in (
        ("bprocsim errors bproc_execmove", "every documented error, provoked live"),
        ("bprocsim explain bproc_execmove EINVAL", "who reports it, and what comes first"),
        ("bprocsim explain ra_exec EPERM", "... of an AIX call"),
        ("bprocsim run examples/st_set.toml", "a scenario of three AIX machines"),
        ("python3 examples --list", "short programs to read and to change"),
    ):
        screen.put((command.ljust(40), "code"), (what, ""))
    screen.put()
