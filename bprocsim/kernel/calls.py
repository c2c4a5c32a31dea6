"""The dispatch of calls: from a name to what runs it, signals on the way back, and the trace."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import cache
from importlib import import_module
from typing import Any

from bprocsim.errnos import Errno
from bprocsim.faces.pyos import Proc
from bprocsim.kernel import documented
from bprocsim.manual import Done, Exit, Fail, Placed, Replaced
from bprocsim.port import Steps
from bprocsim.posix.procs import (
    State,
    Thread,
)
from bprocsim.trace import as_now

# Every call by its name: the room and the function that runs it. Rooms are fetched when a program
# first makes one of their calls, so that a world in which little happens begins fast.
CALLS: dict[str, tuple[str, str]] = {
    "read": ("posix.fileio", "read"),
    "write": ("posix.fileio", "write"),
    "close": ("posix.fileio", "close"),
    "dup2": ("posix.fileio", "dup2"),
    "pipe": ("posix.fileio", "pipe"),
    "open": ("posix.openfile", "open_"),
    "access": ("posix.pathcalls", "access"),
    "stat": ("posix.pathcalls", "stat"),
    "chmod": ("posix.pathcalls", "chmod"),
    "mkdir": ("posix.pathcalls", "mkdir"),
    "scandir": ("posix.pathcalls", "scandir"),
    "gethostname": ("posix.hostcalls", "gethostname"),
    "gettimeofday": ("posix.hostcalls", "gettimeofday"),
    "socket": ("posix.sockets", "socket"),
    "bind": ("posix.sockets", "bind"),
    "listen": ("posix.sockets", "listen"),
    "accept": ("posix.sockets", "accept"),
    "connect": ("posix.sockets", "connect"),
    "getsockname": ("posix.sockets", "getsockname"),
    "fork": ("posix.life", "fork"),
    "waitpid": ("posix.life", "waitpid"),
    "setpgid": ("posix.life", "setpgid"),
    "setsid": ("posix.life", "setsid"),
    "nanosleep": ("posix.life", "sleep"),
    "compute": ("posix.life", "compute"),
    "thread_create": ("posix.life", "thread_create"),
    "thread_join": ("posix.life", "thread_join"),
    "kill": ("posix.signaling", "kill"),
    "sigaction": ("posix.signaling", "sigaction"),
    "sigprocmask": ("posix.signaling", "sigprocmask"),
    "pause": ("posix.signaling", "pause"),
    "alarm": ("posix.signaling", "alarm"),
    "execve": ("posix.execcalls", "execve"),
    "execvp": ("posix.execcalls", "execvp"),
    "_bproc_execmove_io": ("bproc.move", "execmove"),
    "_bproc_move_io": ("bproc.move", "move"),
    "_bproc_rexec_io": ("bproc.rexec", "rexec"),
    "_bproc_rfork_io": ("bproc.rfork", "rfork"),
    "_bproc_vrfork_io": ("bproc.vector", "vrfork"),
    "bproc_vexecmove_io": ("bproc.vector", "vexecmove"),
    "bproc_numnodes": ("bproc.nodecalls", "BPROC_NUMNODES"),
    "bproc_currnode": ("bproc.nodecalls", "BPROC_CURRNODE"),
    "bproc_nodestatus": ("bproc.nodecalls", "BPROC_NODESTATUS"),
    "bproc_nodeinfo": ("bproc.nodecalls", "BPROC_NODEINFO"),
    "bproc_nodelist": ("bproc.nodecalls", "BPROC_NODELIST"),
    "bproc_nodelist_": ("bproc.nodecalls", "BPROC_NODELIST_"),
    "bproc_nodespec": ("bproc.nodecalls", "BPROC_NODESPEC"),
    "bproc_nodefilter": ("bproc.nodecalls", "BPROC_NODEFILTER"),
    "bproc_nodeset_init": ("bproc.nodecalls", "BPROC_NODESET_INIT"),
    "bproc_nodeset_grow": ("bproc.nodecalls", "BPROC_NODESET_GROW"),
    "bproc_nodeset_free": ("bproc.nodecalls", "BPROC_NODESET_FREE"),
    "bproc_nodeset_add": ("bproc.nodecalls", "BPROC_NODESET_ADD"),
    "bproc_nodeset_append": ("bproc.nodecalls", "BPROC_NODESET_APPEND"),
    "bproc_nodeaddr": ("bproc.nodecalls", "BPROC_NODEADDR"),
    "bproc_masteraddr": ("bproc.nodecalls", "BPROC_MASTERADDR"),
    "bproc_nodenumber": ("bproc.nodecalls", "BPROC_NODENUMBER"),
    "bproc_getnodebyname": ("bproc.nodecalls", "BPROC_GETNODEBYNAME"),
    "bproc_version": ("bproc.nodecalls", "BPROC_VERSION"),
    "bproc_notifier": ("bproc.nodecalls", "BPROC_NOTIFIER"),
    "bproc_strerror": ("bproc.nodecalls", "BPROC_STRERROR"),
    "bproc_getnodeattr": ("bproc.nodecalls", "BPROC_GETNODEATTR"),
    "bproc_setnodeattr": ("bproc.nodecalls", "BPROC_SETNODEATTR"),
    "bproc_access": ("bproc.nodecalls", "BPROC_ACCESS"),
    "_bproc_access": ("bproc.nodecalls", "_BPROC_ACCESS"),
    "bproc_chmod": ("bproc.nodecalls", "BPROC_CHMOD"),
    "bproc_chown": ("bproc.nodecalls", "BPROC_CHOWN"),
    "bproc_chgrp": ("bproc.nodecalls", "BPROC_CHGRP"),
    "bproc_setnodestatus": ("bproc.nodecalls", "BPROC_SETNODESTATUS"),
    "bproc_nodesetstatus": ("bproc.nodecalls", "BPROC_NODESETSTATUS"),
    "bproc_nodereboot": ("bproc.nodecalls", "BPROC_NODEREBOOT"),
    "bproc_nodehalt": ("bproc.nodecalls", "BPROC_NODEHALT"),
    "bproc_nodepwroff": ("bproc.nodecalls", "BPROC_NODEPWROFF"),
    "bproc_slave_chroot": ("bproc.nodecalls", "BPROC_SLAVE_CHROOT"),
    "bproc_nodechroot": ("bproc.nodecalls", "BPROC_NODECHROOT"),
    "bproc_nodereboot_async": ("bproc.nodecalls", "BPROC_NODEREBOOT_ASYNC"),
    "bproc_nodehalt_async": ("bproc.nodecalls", "BPROC_NODEHALT_ASYNC"),
    "bproc_nodepwroff_async": ("bproc.nodecalls", "BPROC_NODEPWROFF_ASYNC"),
    "bproc_nodereconnect": ("bproc.nodecalls", "BPROC_NODERECONNECT"),
    "bproc_detach": ("bproc.nodecalls", "BPROC_DETACH"),
    "bproc_proclist": ("bproc.nodecalls", "BPROC_PROCLIST"),
    "bproc_pidnode": ("bproc.nodecalls", "BPROC_PIDNODE"),
    "bproc_pidghostnode": ("bproc.nodecalls", "BPROC_PIDGHOSTNODE"),
    "readproctab": ("bproc.proctab", "readproctab"),
    "rs_alloc": ("aix.rsetcalls", "RS_ALLOC"),
    "rs_init": ("aix.rsetcalls", "RS_INIT"),
    "rs_free": ("aix.rsetcalls", "RS_FREE"),
    "rs_op": ("aix.rsetcalls", "RS_OP"),
    "rs_getinfo": ("aix.radcalls", "RS_GETINFO"),
    "rs_numrads": ("aix.radcalls", "RS_NUMRADS"),
    "rs_getrad": ("aix.radcalls", "RS_GETRAD"),
    "rs_getassociativity": ("aix.radcalls", "RS_GETASSOCIATIVITY"),
    "rs_get_homesrad": ("aix.sradcalls", "RS_GET_HOMESRAD"),
    "rs_info": ("aix.sradcalls", "RS_INFO"),
    "rs_setpartition": ("aix.partitioncalls", "RS_SETPARTITION"),
    "rs_getpartition": ("aix.partitioncalls", "RS_GETPARTITION"),
    "rs_registername": ("aix.registrycalls", "RS_REGISTERNAME"),
    "rs_getnamedrset": ("aix.registrycalls", "RS_GETNAMEDRSET"),
    "rs_discardname": ("aix.registrycalls", "RS_DISCARDNAME"),
    "rs_getnameattr": ("aix.registrycalls", "RS_GETNAMEATTR"),
    "rs_setnameattr": ("aix.registrycalls", "RS_SETNAMEATTR"),
    "smtctl": ("aix.processors", "SMTCTL"),
    "dlpar_remove": ("aix.processors", "DLPAR_REMOVE"),
    "dlpar_add": ("aix.processors", "DLPAR_ADD"),
    "deallocate": ("aix.processors", "DEALLOCATE"),
    "rs_getrsetnames": ("aix.registrycalls", "RS_GETRSETNAMES"),
    "getprocs": ("aix.processlist", "GETPROCS"),
    "getthrds": ("aix.processlist", "GETTHRDS"),
    "mkrset": ("aix.setcommands", "MKRSET"),
    "rmrset": ("aix.setcommands", "RMRSET"),
    "ra_execve": ("aix.raexec", "ra_execve"),
    "ra_exect": ("aix.raexec", "ra_exect"),
    "ra_execvp": ("aix.raexec", "ra_execvp"),
    "ra_fork": ("aix.raexec", "ra_fork"),
    "ra_attachrset": ("aix.attach", "RA_ATTACHRSET"),
    "ra_attach": ("aix.attach", "RA_ATTACH"),
    "ra_detachrset": ("aix.attach", "RA_DETACHRSET"),
    "ra_getrset": ("aix.attach", "RA_GETRSET"),
    "bindprocessor": ("aix.bind", "BINDPROCESSOR"),
}


@cache
def runner(call_name: str) -> Callable[..., Steps]:
    """Fetch what runs a call; its arguments are as the faces pass them."""
    room, function = CALLS[call_name]
    found: Callable[..., Steps] = getattr(import_module(f"bprocsim.{room}"), function)
    return found


# Looking a member up in an Enum is slow, and each call asks for these.
_EINTR, _RUNNING = Errno.EINTR, State.RUNNING

# Calls that write a record of their own, with the bytes.
HAVE_OWN_RECORDS = frozenset({"read", "write"})

# What a call comes to when nothing is there any more that it could come back to.
_NO_WAY_BACK = frozenset({Exit, Replaced})

# Calls that a caught signal always ends, whatever its handler asked for. Source: linux-signal7.
NEVER_RESTARTED = frozenset({"pause", "nanosleep"})


def call(thread: Thread, call_name: str, args: tuple[Any, ...], surveyed: Any = None) -> Generator[Any, Any, Any]:
    """Make a call for a thread, deliver signals on the way back, and write it into the trace.

    `surveyed` the call's own survey, if it was made at this very instant. What comes back is an
    Outcome or a plain value.
    """
    process = thread.process
    rules = process.machine.rules
    if rules.by_call and (refused := rules.refuse(process.machine, process.pid, call_name)) is not None:
        yield process.machine.port.sleep(process.machine.costs.syscall_ns)
        row = refused.row
        documented.vouch(process.machine, call_name, process.pid, refused)
        process.machine.record(
            process.pid, "fail", call_name, as_now(args), row.errno_name, row.cause, refused.returned
        )
        if rules.hearers:
            rules.tell(call_name, refused)
        return refused
    run = runner(call_name)
    shown = as_now(args) if process.machine.trace.all else args
    while True:
        thread.restart = None
        if surveyed is None:
            result = yield from run(process.machine, thread, *args)
        else:
            result = yield from run(process.machine, thread, *args, surveyed)
            surveyed = None
        kind = result.__class__
        failed = kind is Fail
        if kind in _NO_WAY_BACK:
            if kind is Exit:
                documented.vouch(process.machine, call_name, process.pid, result)
            break  # it exits whatever is pending, or its new image takes the signals when it begins
        interrupted = failed and result.row.errno is _EINTR
        if process.pending or process.state is not _RUNNING or interrupted:
            restart = yield from process.machine.take_signals(thread)
            # Where no handler ran (it was stopped, or another thread took the signal) nobody sees a thing.
            if interrupted and (restart is None or (restart and call_name not in NEVER_RESTARTED)):
                continue
        break
    trace = process.machine.trace
    if failed:
        row = result.row
        if row not in rules.documented.get(call_name, ()):
            documented.vouch(process.machine, call_name, process.pid, result)
        process.machine.record(process.pid, "fail", call_name, as_now(args), row.errno_name, row.cause, result.returned)
    elif kind is Placed:
        documented.vouch(process.machine, call_name, process.pid, result)
    if trace.all and not failed and kind is not Exit and call_name not in HAVE_OWN_RECORDS:
        plain = result.value if isinstance(result, Done) else result
        value = "(new image)" if isinstance(result, Replaced) else as_now((plain,))[0]
        process.machine.record(process.pid, "call", call_name, shown, value)
    if rules.hearers:
        rules.tell(call_name, result)
    return result


def proc_of(thread: Thread) -> Proc:
    """Give the inside view of a thread: what its program calls on."""
    process = thread.process
    face: type[Proc] = process.machine.face
    if thread is not process.threads[0]:
        return face(thread, call)
    if process.proc is None:
        process.proc = face(thread, call)
    proc: Proc = process.proc
    return proc
