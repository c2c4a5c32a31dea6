"""bpcp: copy files to nodes and from them, by rcp's protocol between a process here and one there."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from attrs import define, frozen, setters

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.bproc.tools import Tools
from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError
from bprocsim.faces.iolists import IO_SOCKET, BprocIo
from bprocsim.posix.network import Address
from bprocsim.posix.procs import Disposition
from bprocsim.programs.bproc.command import Ends, Steps, run, version_line
from bprocsim.programs.bproc.options import Options
from bprocsim.programs.bproc.rcp import Side
from bprocsim.signals import Signal

USAGE = "usage: bpcp [-p] f1 f2; or: bpcp [-pr] f1 ... fn directory"

_OPTIONS = Options("hvpr", {"help": "h", "version": "v"})
_HERE = None
_NOBODY = Address("", 0)
# For which of its descriptors a process connects to a port, in their order. Source: scyld-bproc_rfork.
_PORT_STREAMS = (1, 2, 0)
_PIECE_BYTES = 65536


@frozen
class Place:
    """A path, on a node, None for where bpcp runs."""

    node: int | None
    path: str


def place_of(word: str) -> Place:
    """Take `path` or `node:path`; a colon behind a slash is one of the path. Ends: the node is no number."""
    node, colon, path = word.partition(":")
    if not colon or not node or "/" in node:
        return Place(_HERE, word)
    if not re.fullmatch(r"-?[0-9]{1,9}", node, re.ASCII):
        raise Ends(1, f"Invalid node number: {node}")
    return Place(int(node), path or ".")


@define(on_setattr=setters.NO_OP, eq=False)
class _Peer:
    """A process of bpcp elsewhere: what it writes, what it reads, its pid, and what it tells the user, if it does."""

    reading: int
    writing: int
    pid: int
    errors: int | None = None


def bpcp(proc: BprocProc, tools: Tools) -> Steps:
    """Run it as a program; gives 1 if anything could not be copied."""

    def main(argv: list[str]) -> Steps:
        options, letters = _OPTIONS.of(argv), set[str]()
        for letter, _ in options:
            if letter == "h":
                raise Ends(0, USAGE, fd=1)
            if letter == "v":
                raise Ends(0, (yield from version_line(proc, "bpcp")), fd=1)
            letters.add(letter)
        if len(options.operands) < 2:
            raise Ends(1, USAGE)
        *sources, target = [place_of(word) for word in options.operands]
        yield from proc.sigaction(Signal.SIGPIPE, Disposition.IGNORE)
        yield from proc.sigaction(Signal.SIGCHLD, Disposition.DEFAULT)  # whoever started it may have ignored that
        copy = _Copy(proc, tools, "p" in letters, "r" in letters, len(sources) > 1)
        errors = 0
        for source in sources:
            errors += yield from copy.one(source, target)
        return 1 if errors else 0

    return (yield from run(proc, main))


@frozen
class _Copy:
    """What all copies of a command line share: -p, -r, and whether the target has to be a directory."""

    proc: BprocProc
    tools: Tools
    keeps: bool
    recursive: bool
    into: bool

    def _sender(self, path: str) -> Callable[[Side], Steps]:
        return lambda side: side.send_all([path], self.recursive)

    def _taker(self, path: str) -> Callable[[Side], Steps]:
        return lambda side: side.take_all(path, self.into)

    def one(self, source: Place, target: Place) -> Steps:
        """Copy one thing; gives how much of it could not be copied."""
        sends, takes = self._sender(source.path), self._taker(target.path)
        if source.node is _HERE:
            peer = yield from self._begin(target.node, takes)
            errors = yield from self._here(peer, sends)
        elif target.node is _HERE:
            peer = yield from self._begin(source.node, sends)
            errors = yield from self._here(peer, takes)
        else:
            errors = yield from self._between(source.node, sends, target.node, takes)
        return errors

    def _here(self, peer: _Peer, does: Callable[[Side], Steps]) -> Steps:
        """Do one side of a copy in this process."""
        side = Side(self.proc, peer.reading, peer.writing, keeps=self.keeps)
        yield from does(side)
        yield from self._end(peer)
        return side.errors

    def _between(
        self, source: int | None, sends: Callable[[Side], Steps], target: int | None, takes: Callable[[Side], Steps]
    ) -> Steps:
        """Let two nodes copy; children carry between them what each writes. Gives how many of them failed."""
        proc = self.proc
        one = yield from self._begin(source, sends, tells=True)
        other = yield from self._begin(target, takes)
        there = yield from proc.fork(_carry, one.reading, other.writing)
        back = yield from proc.fork(_carry, other.reading, one.writing)
        told = (yield from proc.fork(_carry, one.errors, 2)) if one.errors is not None else 0
        for fd in {one.reading, one.writing, other.reading, other.writing, one.errors} - {None}:
            yield from proc.close(fd)
        left, failed = {one.pid, other.pid}, 0
        while left:
            ended = yield from proc.wait()
            if ended.pid in left:
                left.discard(ended.pid)
                failed += ended.exit_status != 0
                for carrier in (there, back):  # one that is over has nothing more to say to the other
                    with suppress(CallError):
                        yield from proc.kill(carrier, Signal.SIGTERM)
        for carrier in (there, back, told):
            with suppress(CallError):  # it was waited for already
                yield from proc.waitpid(carrier) if carrier else ()
        return failed

    # ---- processes elsewhere ----

    def _begin(self, node: int | None, does: Callable[[Side], Steps], *, tells: bool = False) -> Steps:
        """Start the other side on a node, or here where it is not said where. Ends: it cannot be started.

        `tells` it says itself what is wrong.
        """
        proc = self.proc
        if node is _HERE or node == proc.node == NODE_MASTER:
            return (yield from self._begin_here(does, tells))
        listener = yield from proc.socket()
        yield from proc.bind(listener, _NOBODY)
        yield from proc.listen(listener, 3)
        port = (yield from proc.getsockname(listener)).port
        lists = self.tools.vector
        streams = (0, 2) if tells else (0,)
        io = [BprocIo(fd=fd, type=IO_SOCKET, addr=Address("", port)) for fd in streams] if lists else port
        pid = 0
        try:
            pid = yield from proc.bproc_rfork_io(node, io, _work, 0, 0 if lists else 1, self.keeps, does, tells)
        except CallError as error:
            if not error.silent:
                raise Ends(1, f"rfork: {error.error.message}") from None
            # The library gave the errno as a negative number, not -1, so it counts as a pid: nobody ever connects.
        ends = []
        for _ in streams if lists else _PORT_STREAMS:
            ends.append((yield from proc.accept(listener))[0])
        yield from proc.close(listener)
        if lists:
            return _Peer(ends[0], ends[0], pid, ends[1] if tells else None)
        if not tells:
            yield from proc.close(ends[1])
        return _Peer(ends[0], ends[2], pid, ends[1] if tells else None)

    def _begin_here(self, does: Callable[[Side], Steps], tells: bool) -> Steps:
        """Start the other side as a child, with two pipes between."""
        proc = self.proc
        (their_in, writing), (reading, their_out) = (yield from proc.pipe()), (yield from proc.pipe())

        def child(proc: BprocProc) -> Steps:
            yield from proc.close(writing)
            yield from proc.close(reading)
            return (yield from _work(proc, their_in, their_out, self.keeps, does, tells))

        try:
            pid = yield from proc.fork(child)
        except CallError as error:
            raise Ends(1, f"fork: {error.error.message}") from None
        yield from proc.close(their_in)
        yield from proc.close(their_out)
        return _Peer(reading, writing, pid)

    def _end(self, peer: _Peer) -> Steps:
        """Let the other side be over."""
        for fd in {peer.reading, peer.writing}:
            yield from self.proc.close(fd)
        yield from self.proc.waitpid(peer.pid)


def _work(
    proc: BprocProc, reading: int, writing: int, keeps: bool, does: Callable[[Side], Steps], tells: bool
) -> Steps:
    """Be the other side of a copy; gives 1 if anything went wrong."""
    side = Side(proc, reading, writing, remote=not tells, keeps=keeps)
    try:
        yield from does(side)
    except Ends:
        return 1
    return 1 if side.errors else 0


def _carry(proc: BprocProc, reading: int, writing: int) -> Steps:
    """Pass on what comes, up to its end."""
    with suppress(CallError):  # one of the sides is gone, which its status tells
        while data := (yield from proc.read(reading, _PIECE_BYTES)):
            yield from proc.write(writing, data)
