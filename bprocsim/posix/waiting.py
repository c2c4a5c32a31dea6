"""Waiting for something: how every call does it that a signal may end."""

from __future__ import annotations

from typing import Any

from bprocsim.port import Port, Steps, Waiter, WaitQueue, Why
from bprocsim.posix.procs import State, Thread, is_called_away


def block(port: Port, thread: Thread, queue: WaitQueue, what: str, since_ns: int = -1) -> Steps:
    """Wait in a queue until woken, or not at all if a signal is due; gives the Why.

    `since_ns` when the wait began, if this is a further part of it.
    """
    process = thread.process
    if (process.pending or process.state is not State.RUNNING) and is_called_away(process):
        return Why.SIGNAL
    waiter = Waiter(what, port.now_ns if since_ns < 0 else since_ns)
    thread.waiting = waiter
    why = yield queue.join(port, waiter)
    thread.waiting = None
    return why


def withdraw(thread: Thread) -> None:
    """Let a thread wait no more: it leaves the queue that it stands in, and nobody wakes it."""
    waiter, thread.waiting = thread.waiting, None
    if waiter is not None and waiter.queue is not None:
        waiter.queue.leave(waiter)


def interrupted(f: Any) -> bool:
    return bool(f.interrupted)
