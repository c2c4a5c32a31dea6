"""The numbered steps of an execmove, so that a death "exactly here" can be named."""

from __future__ import annotations

from enum import Enum


class Step(Enum):
    """What happens, in order, between the call and the image's first instruction on the target.

    A is the caller's node, M the master's daemon, B the target. Source: bproc-4.0.0pre8-move.
    """

    ENTRY = 1  # A: the system call; is there a master?
    ARGUMENTS = 2  # A: arguments and caller's credentials are copied
    EXEC = 3  # A: an ordinary execve of the image; after it there is no way back
    SUID_CHECK = 4  # A: may a set-id image move?
    MOVE_REQUEST = 5  # A: the request is built and a socket listens
    GHOST = 6  # A: the request is queued and the process becomes a ghost
    ROUTE = 7  # M: unknown, down, same, permitted? then the process belongs to B
    STUB = 8  # B: a stub process takes over the pid
    CONNECT_BACK = 9  # B: it connects to A
    STREAM = 10  # A to B: the frozen process
    THAW = 11  # B: memory is rebuilt; the directory is entered
    IO_SETUP = 12  # B: descriptors 0, 1 and 2
    PTRACE_TRAP = 13  # B: a traced process stops
    RESPONSE = 14  # B to M: it worked
    FORWARD_RESPONSE = 15  # M to A
    HANDOVER = 16  # A: the ghost sleeps, the link goes to iod
    RUN = 17  # B: the image's first instruction
