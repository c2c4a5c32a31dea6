"""bpstat: the nodes and their states, who may use them, and which processes are on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from bprocsim.bproc.nodes import NODE_ANY, NODE_MASTER, NODE_NONE
from bprocsim.bproc.records import BprocNodeInfo, BprocNodeSet
from bprocsim.bproc.tools import Tools
from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError
from bprocsim.programs.accounts import Accounts, accounts
from bprocsim.programs.bproc.command import Ends, Steps, run, version_line
from bprocsim.programs.bproc.nodes import listed, named, refused, wrong
from bprocsim.programs.bproc.options import Options
from bprocsim.programs.files import read_all

USAGE = """\
Usage: bpstat [options] [nodes ...]
  -h,--help          Display this message and exit.
  -v,--version       Display version information and exit.
  -c,--compact       Print compacted listing of nodes. (default)
  -l,--long          Print long listing of nodes.
  -a,--address       Print node addresses.
  -s,--status        Print node status.
  -n,--number        Print node numbers.
  -t,--total         Print total number of nodes.
  -R,--sort-reverse  Reverse sort order.
  -N,--sort-number   Sort by node number.
  -S,--sort-status   Sort by node status.
  -O,--keep-order    Don't sort node list.
  -U,--update        Continuously update status.
  -p                 Display the node of each process.
  -P                 Read the output of ps and add the node of each process.
The nodes are given as numbers (4), ranges (5-8), all, or allX, those in state X;
"not" before a state means those in any other."""

_OPTIONS = Options(
    "hvVclasntRNSOULA:pP",
    {
        "help": "h", "version": "v", "compact": "c", "long": "l", "address": "a", "status": "s", "number": "n",
        "total": "t", "sort-reverse": "R", "sort-number": "N", "sort-status": "S", "keep-order": "O", "update": "U",
        "lock": "L",
    },
)  # fmt: skip

# What a node is known by in a list that is not compact, and how such lists are sorted unless that is said.
_SHOWS: dict[str, Callable[[BprocNodeInfo], str]] = {
    "a": lambda node: node.addr.host, "s": lambda node: str(node.status), "n": lambda node: str(node.node),
}  # fmt: skip
_FORMATS = "clasnt"
_SORTS = "NSO"

_TERMINAL_COLUMNS = 80
# The columns of 3.x, the last as wide as it has to be. Source: bpstat-users.
_FIXED: tuple[int, ...] = (31, 13, 11, 11)
# Those of 4.0, behind a first one that takes what the terminal leaves. Source: bproc-4.0.0pre8-clients.
_OTHERS: tuple[int, ...] = (15, 10, 8, 8)
_NARROWEST = 11
_HEADS = ("Node(s)", "Status", "Mode", "User", "Group")
_LONG_HEAD = "Node Address         Status       Mode          User       Group"
_CLEAR = "\x1b[H\x1b[J"


def mode_text(mode: int) -> str:
    """Write a node's mode as ls does: only the right to execute can be there."""
    return "-" + "".join("--x" if mode & bit else "---" for bit in (0o100, 0o010, 0o001))


def numbers_text(numbers: list[int]) -> str:
    """Write numbers: two and more that follow one another as a range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


class _Table:
    """What is needed to write nodes: names of users and groups, and how wide columns are."""

    def __init__(self, who: Accounts, tools: Tools, columns: int) -> None:
        self.who, self.tools, self.columns = who, tools, columns

    def user(self, node: BprocNodeInfo) -> str:
        """Name the user whose a node is; one without a name goes by a number."""
        return self.who.users.get(node.user, f"#{node.user}")

    def group(self, node: BprocNodeInfo) -> str:
        """Name the group likewise."""
        return self.who.groups.get(node.group, f"#{node.group}")

    def compact(self, nodes: list[BprocNodeInfo]) -> Iterator[str]:
        """Write nodes, those that follow one another and do not differ on one line. Ends: there is no room."""
        widths = _FIXED
        if not self.tools.fixed_columns:
            first = self.columns - sum(_OTHERS) - 5
            if first < _NARROWEST:
                raise Ends(1, "Window to small.")
            widths = (first, *_OTHERS)
        yield self._row(_HEADS, widths)
        groups: list[tuple[tuple[str, ...], list[int]]] = []
        for node in nodes:
            told: tuple[str, ...] = (str(node.status), mode_text(node.mode), self.user(node), self.group(node))
            if not groups or groups[-1][0] != told:
                groups.append((told, []))
            groups[-1][1].append(node.node)
        for told, numbers in groups:
            yield self._row((numbers_text(numbers), *told), widths)

    def _row(self, cells: tuple[str, ...], widths: tuple[int, ...]) -> str:
        if self.tools.fixed_columns:
            return "".join(cell.ljust(width) for cell, width in zip(cells, (*widths, 0), strict=True))
        return " ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))

    def long(self, nodes: list[BprocNodeInfo]) -> Iterator[str]:
        """Write nodes, a line each."""
        yield _LONG_HEAD
        for node in nodes:
            first = f"{node.node:>4} {node.addr.host:<15} {node.status:<12} {mode_text(node.mode)}"
            yield f"{first}\t{self.user(node):<10} {self.group(node):<10}"


class _Asked:
    """What the options ask for."""

    def __init__(self, letters: list[str], tools: Tools) -> None:
        self.format = next((each for each in reversed(letters) if each in _FORMATS), "c")
        usual = "S" if self.format == "c" else "N"
        self.order = next((each for each in reversed(letters) if each in _SORTS), usual)
        self.reverse = "R" in letters
        self.tools = tools

    def sorted(self, nodes: list[BprocNodeInfo], table: _Table) -> list[BprocNodeInfo]:
        """Sort nodes as is asked; by status, those of 3.x come by owner before they come by number."""
        keys: dict[str, Callable[[BprocNodeInfo], Any]] = {
            "N": lambda node: node.node,
            "S": lambda node: (
                (node.status, table.user(node), table.group(node), node.mode, node.node)
                if self.tools.fixed_columns
                else (node.status, node.node)
            ),
        }
        found = sorted(nodes, key=keys[self.order]) if self.order in keys else list(nodes)
        return found[::-1] if self.reverse else found


def bpstat(proc: BprocProc, tools: Tools) -> Steps:
    """Run it as a program."""

    def main(argv: list[str]) -> Steps:
        options, letters = _OPTIONS.of(argv), list[str]()
        for letter, _ in options:
            if letter == "h":
                raise Ends(0, USAGE, fd=1)
            if letter in ("v", "V"):
                raise Ends(0, (yield from version_line(proc, "bpstat")), fd=1)
            if letter == "A":
                raise Ends(1, f"{argv[0]}: -A does not work, as it never has: write -a to see the addresses")
            letters.append(letter)
        if "p" in letters:
            yield from _processes(proc)
        elif "P" in letters:
            yield from _augment(proc)
        else:
            yield from _nodes(proc, _Asked(letters, tools), options.operands, "U" in letters)

    return (yield from run(proc, main))


def _nodes(proc: BprocProc, asked: _Asked, specifications: list[str], again: bool) -> Steps:
    """Write the nodes; with `again` once more whenever anything about them changes.

    BProc 4.0's asks for the news in any case. Source: bproc-4.0.0pre8-clients.
    """
    try:
        news = (yield from proc.bproc_notifier()) if again or not asked.tools.numbered_states else None
    except CallError as error:
        raise refused("bproc_notifier", error) from None
    text = proc.env.get("COLUMNS", "")
    columns = int(text) if re.fullmatch("[0-9]{1,4}", text, re.ASCII) else _TERMINAL_COLUMNS
    while True:
        try:
            nodes = yield from _listed(proc, asked.tools, news)
        except CallError as error:
            raise refused(error.call, error) from None
        if specifications:
            nodes = [node for each in specifications for node in _named(proc, asked.tools, each, nodes)]
        table = _Table((yield from accounts(proc)), asked.tools, columns)
        lines = list(_written(asked, asked.sorted(nodes, table), table))
        if again:
            lines[:1] = [_CLEAR + "".join(lines[:1])]
        if lines:
            yield from proc.print("\n".join(lines))
        if not again or news is None:
            return
        yield from proc.read(news)


def _listed(proc: BprocProc, tools: Tools, news: int | None) -> Steps:
    """List the slaves; BProc 4.0's reads them from what tells it the news. CallError: as that call."""
    if news is None or tools.numbered_states:
        return (yield from listed(proc, tools))
    nodes = BprocNodeSet()
    yield from proc.bproc_nodelist_(nodes, news)
    return nodes.node


def _named(proc: BprocProc, tools: Tools, text: str, nodes: list[BprocNodeInfo]) -> list[BprocNodeInfo]:
    """Give those of all nodes that a specification names. Ends: it cannot be read."""
    try:
        found = named(text, nodes)
    except Ends as end:
        raise (Ends(1, wrong(proc.argv[1])) if tools.names_first_word else end) from None
    return [node for node in found if tools.shows_master or node.node != NODE_MASTER]


def _written(asked: _Asked, nodes: list[BprocNodeInfo], table: _Table) -> Iterator[str]:
    if asked.format == "c":
        return table.compact(nodes)
    if asked.format == "l":
        return table.long(nodes)
    if asked.format == "t":
        return iter([str(len(nodes))])
    return map(_SHOWS[asked.format], nodes)


# ---- processes -------------------------------------------------------------------------------------


def _processes(proc: BprocProc) -> Steps:
    found: list[Any] = []
    try:
        yield from proc.bproc_proclist(NODE_ANY, found)
    except CallError as error:
        raise refused("bproc_proclist", error) from None
    yield from proc.print("\n".join(["PID\tNode", *(f"{each.pid}\t{each.node}" for each in found)]))


def _augment(proc: BprocProc) -> Steps:
    """Read what ps has written, and write it with the node of each process before it."""
    lines = (yield from read_all(proc, 0)).decode("utf-8", "surrogateescape").splitlines()
    head = lines[0].split() if lines else []
    if "PID" not in head:
        raise Ends(1, "bpstat: -P: expected what ps writes on stdin, with a column PID")
    place = head.index("PID")
    written = [f"NODE\t{lines[0]}"]
    for line in lines[1:]:
        words, node = line.split(), NODE_NONE
        if len(words) > place and words[place].isdecimal():
            with suppress(CallError):  # it has ended meanwhile
                node = yield from proc.bproc_pidnode(int(words[place]))
        written.append(f"{'' if node < 0 else node}\t{line}")
    yield from proc.print("\n".join(written))
