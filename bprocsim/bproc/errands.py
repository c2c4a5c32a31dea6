"""Calls that the daemon of a slave carries out for a caller on the master: asked and answered by message.

The caller waits for the answer, unless a signal ends that; what was asked is done all the same. A
request whose node is lost is answered by the master. Source: bproc-4.0.0pre8-master.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen, setters

from bprocsim.bproc.information import NodeFacts
from bprocsim.bproc.nodes import Node
from bprocsim.bproc.service import Asker, Service
from bprocsim.manual import Fail, Row
from bprocsim.port import Port, Steps, WaitQueue, Why
from bprocsim.posix.credentials import ROOT, Credentials
from bprocsim.posix.paths import NOWHERE, Walk, walk
from bprocsim.posix.waiting import block

# The steps at which rows are decided: on the slave, and when the caller knows what became of its request.
THERE, ANSWER = "THERE", "ANSWER"


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Request:
    """What was asked of a node: `over` there is an answer, `row` what is against it, `fate` why there is no answer.

    `by` who asked, and what; `waiting` who waits for it.
    """

    node: Node
    by: tuple[Any, ...]
    over: bool = False
    row: Row | None = None
    fate: str = ""
    waiting: WaitQueue = field(factory=WaitQueue)

    def answer(self, port: Port, row: Row | None) -> None:
        """Let the caller have the node's answer."""
        self.over, self.row = True, row
        self.waiting.wake_all(port, Why.DONE)

    def fail(self, port: Port, fate: str) -> None:
        """Let the caller learn that there will be no answer."""
        self.over, self.fate = True, fate
        self.waiting.wake_all(port, Why.DONE)


@frozen(eq=False)
class Errand(Service):
    """A call that a slave's daemon carries out: `commit` does it there; `message` what is sent.

    `lasts_ns(facts)` how long that takes. Rows of the step THERE are decided on the slave, rows of ANSWER
    where there was none.
    """

    message: str = ""
    lasts_ns: Callable[[Any], int] = lambda _facts: 0

    def __call__(self, machine: Any, thread: Any, *args: Any) -> Steps:
        """Make it for a thread; see kernel.calls."""
        facts, errors, port = self.survey(self.asker(machine, thread), *args), self.errors, machine.port
        row = errors.first(facts)
        if not port.pass_at_once(machine.costs.syscall_ns):
            yield port.sleep(machine.costs.syscall_ns)
        if row is not None:
            return Fail(row, errors, self.subject(facts))
        request, since_ns = self._request(machine, thread, facts, args), port.now_ns
        why: Why | None = None
        while not request.over and why is not Why.SIGNAL:
            what = f"{errors.call}, an answer from {request.node.machine.name}"
            why = yield from block(port, thread, request.waiting, what, since_ns)
        facts.fate = request.fate if request.over else "interrupted"
        row = request.row or errors.first(facts, ANSWER)
        return 0 if row is None else Fail(row, errors, self.subject(facts))

    def _request(self, machine: Any, thread: Any, facts: Any, args: tuple[Any, ...]) -> Request:
        """Send the request; one that this thread has sent before, and whose answer is due, is not sent again."""
        master, port, node = machine.master, machine.port, facts.node
        by = (thread, self.errors.call, args)
        request: Request | None = next((each for each in master.requests if each.by == by), None)
        if request is not None:
            return request
        request = Request(node, by)
        master.requests.append(request)

        def answer(row: Row | None) -> None:
            if request in master.requests:
                master.requests.remove(request)
                request.answer(port, row)

        def there() -> None:
            if master.serves(node.machine):
                lasts_ns = self.lasts_ns(facts)
                if lasts_ns:
                    port.after(lasts_ns, carry_out)
                else:
                    carry_out()

        def carry_out() -> None:
            if master.serves(node.machine):
                row = self.errors.first(facts, THERE)
                if row is None:
                    self.commit(facts)
                master.tell(node.machine, machine, f"{self.message} response", lambda: answer(row))

        master.tell(machine, node.machine, self.message, there)
        return request


# ---- what can be wrong with any of them -------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class ErrandFacts(NodeFacts):
    """What such a call asks besides: `fate` why there was no answer, "" if there was one."""

    fate: str = ""


def slave_lost(f: ErrandFacts) -> bool:
    return f.fate == "lost"


def master_lost(f: ErrandFacts) -> bool:
    return f.fate == "orphaned"


def interrupted(f: ErrandFacts) -> bool:
    return f.fate == "interrupted"


# ---- the root directory of a slave's daemon ---------------------------------------------------------

PATH_BYTES = 4096  # with its NUL: what does not fit into a page is not sent


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class ChrootFacts(ErrandFacts):
    """What a change of the root directory asks; on the slave, by the names that chdir's rows ask for."""

    _walk: Walk | None = field(default=None, init=False)

    @property
    def machine(self) -> Any:
        """Give the slave."""
        assert self.node is not None, "decided"
        return self.node.machine

    @property
    def who(self) -> Credentials:
        """Give whose rights count: the daemon's."""
        return ROOT

    @property
    def path(self) -> bytes:
        """Give the directory's name."""
        assert isinstance(self.value, bytes), "decided"
        return self.value

    @property
    def walk(self) -> Walk:
        """Give where it leads on the slave, below the root that its daemon has had so far."""
        if self._walk is None:
            if not self.path:
                self._walk = NOWHERE
            else:
                assert self.node is not None, "decided"
                limits, root = self.machine.profile.paths, self.node.root
                self._walk = walk(self.machine.tree, root, self.path, ROOT, limits, root=root)
        return self._walk


def survey_chroot(asker: Asker, number: int, path: Any) -> ChrootFacts:
    """Gather what a change of a slave's root directory asks."""
    return ChrootFacts(asker, number, asker.master.node(number), value=path)


def directory_unreadable(f: ChrootFacts) -> bool:
    return not isinstance(f.value, bytes)


def directory_too_long(f: ChrootFacts) -> bool:
    return isinstance(f.value, bytes) and len(f.value) >= PATH_BYTES


def change_root(f: ChrootFacts) -> None:
    """Let a directory be the root of whoever comes to the slave from now on; who is there keeps his."""
    assert f.node is not None and f.walk.inode is not None, "every row was tested"
    f.node.root = f.walk.inode.number
