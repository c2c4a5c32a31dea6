"""bpsh: run a command on nodes, with what it reads and writes forwarded."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from attrs import define, field, setters

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.bproc.nodespec import parse
from bprocsim.bproc.tools import Tools
from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError
from bprocsim.posix.pathcalls import X_OK
from bprocsim.posix.procs import Disposition
from bprocsim.programs.bproc.command import Ends, Steps, run, version_line
from bprocsim.programs.bproc.forward import STREAMS, Forwarder, Job, Shape
from bprocsim.programs.bproc.launch import Command, launch_by_forks
from bprocsim.programs.bproc.nodes import listed, refused, specified
from bprocsim.programs.bproc.options import Options
from bprocsim.programs.bproc.vector import launch_by_vector
from bprocsim.signals import Signal
from bprocsim.units import ms

USAGE = """\
Usage: bpsh [options] nodes command
       bpsh -a [options] command
       bpsh -A [options] command
  -h           Display this message and exit.
  -v           Display version information and exit.
  -a           Run the command on all nodes which are up.
  -A           Run the command on all nodes which are not down.
  -1           Run the command on the master.
  -n           Redirect stdin from /dev/null.
  -N           No IO forwarding.
  -L           Line buffer output from remote nodes.
  -p           Prefix each line of output with the node number it is from (implies -L).
  -s           Show the output from each node sequentially.
  -d           Print a divider between the output from each node (implies -s).
  -I file      Read stdin from a file on each node.
  -O file      Write stdout to a file on each node.
  -E file      Write stderr to a file on each node.
  -b num       Set IO buffer size to num bytes.
  -t           Print the time that all took."""

_OPTIONS = Options(
    "+hvaAnNLpsdb:I:O:E:t1l:",
    {"help": "h", "version": "V", "stdin": "I", "stdout": "O", "stderr": "E", "time": "t"},
)

# Names of the caller's own machine, beside its host name, which none of the nodes has.
_HERE = ("n-1", "localhost")

# What an option says instead of a connection: the descriptor that is to be a file on the node.
_FILES = {"I": 0, "O": 1, "E": 2}

_USUAL_PATH = ":/bin:/usr/bin"
# A child whose connections have not come when it ends has so long for them. Source: bproc-4.0.0pre8-clients.
_LATE_NS = 50 * ms
_ABNORMAL_STATUS = 255


@define(on_setattr=setters.NO_OP, eq=False)
class _Asked:
    """What the command line asks for."""

    shape: Shape
    classes: str = ""  # "a", "A" or "1": which nodes, where no specification is given
    files: dict[int, str] = field(factory=dict)
    reads_stdin: bool = True
    forwards: bool = True
    timed: bool = False
    words: list[str] = field(factory=list)


def _asked(proc: BprocProc, tools: Tools, argv: list[str]) -> Steps:
    """Take the command line apart, which ends at the first word. Ends: it is wrong, or asks for no command."""
    options, letters = _OPTIONS.of(argv), list[str]()
    size, files = "4096", dict[int, str]()
    for letter, text in options:
        if letter == "h":
            raise Ends(1, USAGE, fd=1)
        if letter == "v":
            raise Ends(0, (yield from version_line(proc, "bpsh")), fd=1)
        if letter == "V":  # the long option leads to a short one that there never was
            raise Ends(1)
        if letter == "b":
            size = text
            if not (size.isascii() and size.isdecimal() and int(size[:10]) > 0):
                raise Ends(1, f"Invalid buffer size: {size}")
        elif letter in _FILES:
            if not tools.vector:
                raise Ends(1, f"{argv[0]}: -{letter}: files on nodes need I/O lists, which this BProc does not have")
            files[_FILES[letter]] = text
        letters.append(letter)
    divider, prefix = "d" in letters, "p" in letters
    shape = Shape(prefix, prefix or "L" in letters, divider or "s" in letters, divider, int(size[:10]))
    classes = next((letter for letter in reversed(letters) if letter in "aA1"), "")
    words = options.operands
    if len(words) < (1 if classes else 2):
        raise Ends(1, USAGE, fd=1)
    return _Asked(shape, classes, files, "n" not in letters, "N" not in letters, "t" in letters, words)


def _found(proc: BprocProc, word: str) -> Steps:
    """Find a command as the shell does, but on this node. Ends: there is none."""
    if "/" in word:
        places = [word]
    else:
        search = proc.env.get("PATH", _USUAL_PATH)
        places = [posixpath.join(directory, word) if directory else word for directory in search.split(":")]
    for place in places:
        try:
            yield from proc.access(place, X_OK)
        except CallError:
            continue
        return place
    raise Ends(1, f"{(proc.argv or ['bpsh'])[0]}: {word}: command not found")


_CLASSES: dict[str, Callable[[str], bool]] = {"a": lambda state: state == "up", "A": lambda state: state != "down"}


def _nodes(proc: BprocProc, asked: _Asked, text: str, tools: Tools) -> Steps:
    """Give the numbers of the nodes that are asked for. Ends: they are named wrongly, or cannot be asked."""
    if asked.classes == "1":
        return [NODE_MASTER] if tools.minus_one_is_master else []
    try:
        if asked.classes:
            wanted = _CLASSES[asked.classes]
            return [each.node for each in (yield from listed(proc, tools)) if wanted(each.status)]
        if parse(text) is None:
            by_address = [each.node for each in (yield from listed(proc, tools)) if each.addr.host == text]
            if by_address or text in _HERE:
                return by_address
        return (yield from specified(proc, tools, text))
    except CallError as error:
        raise refused(error.call, error) from None


def bpsh(proc: BprocProc, tools: Tools) -> Steps:
    """Run it as a program; gives the greatest exit status of its processes, 255 for one that was killed."""

    def main(argv: list[str]) -> Steps:
        asked = yield from _asked(proc, tools, argv)
        text = "" if asked.classes else asked.words.pop(0)
        path = yield from _found(proc, asked.words[0])
        nodes = yield from _nodes(proc, asked, text, tools)
        if not nodes and (text in _HERE or text == (yield from proc.gethostname())):
            yield from _become(proc, asked.words)
        yield from proc.sigaction(Signal.SIGCHLD, Disposition.DEFAULT)  # whoever started it may have ignored that
        began = yield from proc.gettimeofday()
        streams = tuple(fd for fd in STREAMS if asked.forwards and fd not in asked.files)
        forwarder = Forwarder([Job(node) for node in nodes], asked.shape, streams, asked.reads_stdin)
        command = Command(path, asked.words, proc.env, asked.forwards, asked.files)
        launch = launch_by_vector if tools.vector else launch_by_forks
        status = (yield from launch(proc, forwarder, command)) if nodes else 0
        forwarder.launched = True
        status = max(status, (yield from _wait(proc, forwarder, tools)))
        if any(job.pid and len(job.connected) < len(streams) for job in forwarder.jobs):
            yield from proc.sleep(_LATE_NS)
        yield from forwarder.finish(proc, forwarder.jobs)
        if asked.timed:
            ended = yield from proc.gettimeofday()
            micros = (ended[0] - began[0]) * 1_000_000 + ended[1] - began[1]
            yield from proc.print(f"{micros // 1_000_000}.{micros % 1_000_000:06}")
        return status

    return (yield from run(proc, main))


def _become(proc: BprocProc, words: list[str]) -> Steps:
    """Become the command here, for the node that was named is this one. Ends: it cannot be executed."""
    try:
        yield from proc.execvp(words[0], words)
    except CallError as error:
        raise Ends(1, f"{words[0]}: {error.error.message}") from None


def _wait(proc: BprocProc, forwarder: Forwarder, tools: Tools) -> Steps:
    """Wait for all jobs; gives the greatest of what they end with."""
    worst = 0
    left = {job.pid: job for job in forwarder.jobs if job.pid}
    yield from forwarder.feed_if_settled(proc)
    while left:
        waited = yield from proc.wait()
        job = left.pop(waited.pid, None)
        if job is None:
            continue  # a child that was there before it became bpsh
        if waited.signal is not None:
            said = tools.abnormal if forwarder.streams else tools.abnormal_at_end
            yield from proc.print(said.format(node=job.node), fd=2)
        worst = max(worst, waited.exit_status if waited.signal is None else _ABNORMAL_STATUS)
        job.ended = True
        yield from forwarder.feed_if_settled(proc)
    return worst
