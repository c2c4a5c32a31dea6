"""The process as a program on AIX sees it: the calls that every Unix has, and those about processors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from bprocsim.faces.arguments import function as check_function
from bprocsim.faces.arguments import integer, usable, work_id
from bprocsim.faces.calls import Call
from bprocsim.faces.pointers import c_string, pointer, pointer_or_null, vector
from bprocsim.faces.pyos import Proc


class AixProc(Proc):
    """A simulated process of an AIX partition, seen from inside: bp.Proc, and AIX's own calls.

    A resource set is what `rs_alloc` gives, or lpar.rset; None is NULL, bp.BAD_ADDRESS a pointer to
    nowhere. What a call fills in C it fills here too: a set, a list, a bp.RsetAttributes.
    """

    __slots__ = ()

    def _call(self, name: str, *args: Any) -> Call[Any]:
        level = self.thread.process.machine.partition.level
        if name in level.lacks:
            raise AttributeError(f"proc.{name}(...): AIX {level.name} has no {name}")
        return Call(self._pending.made(2), self._pending, self._dispatch, self.thread, name, args)

    # ---- attached from the start ----

    def ra_execve(self, rstype: int, rsid: Any, flags: int, path: Any, argv: Any, envp: Any) -> Call[int]:
        """Become another image, attached to a resource. Errors: ra_exec."""
        return self._ra_exec("ra_execve", rstype, rsid, flags, path, argv, envp)

    def ra_exect(self, rstype: int, rsid: Any, flags: int, path: Any, argv: Any, envp: Any) -> Call[int]:
        """Become another image, attached to a resource, as a tracer would have it. Errors: ra_exec."""
        return self._ra_exec("ra_exect", rstype, rsid, flags, path, argv, envp)

    def ra_execv(self, rstype: int, rsid: Any, flags: int, path: Any, argv: Any) -> Call[int]:
        """Become another image, attached to a resource, keeping the environment. Errors: ra_exec."""
        return self._ra_exec("ra_execve", rstype, rsid, flags, path, argv)

    def ra_execvp(self, rstype: int, rsid: Any, flags: int, file: Any, argv: Any) -> Call[int]:
        """Become another image, attached to a resource, looked for along PATH. Errors: ra_exec."""
        return self._ra_exec("ra_execvp", rstype, rsid, flags, file, argv)

    def ra_execl(self, rstype: int, rsid: Any, flags: int, path: Any, *arguments: Any) -> Call[int]:
        """Become another image, attached to a resource; arguments one by one. Errors: ra_exec."""
        return self._ra_exec("ra_execve", rstype, rsid, flags, path, list(arguments))

    def ra_execle(self, rstype: int, rsid: Any, flags: int, path: Any, *arguments: Any) -> Call[int]:
        """Become another image, attached to a resource; the environment comes last. Errors: ra_exec."""
        if not arguments:
            raise TypeError("ra_execle: the environment comes last; there are no arguments")
        return self._ra_exec("ra_execve", rstype, rsid, flags, path, list(arguments[:-1]), arguments[-1])

    def ra_execlp(self, rstype: int, rsid: Any, flags: int, file: Any, *arguments: Any) -> Call[int]:
        """Become another image, attached to a resource, looked for along PATH. Errors: ra_exec."""
        return self._ra_exec("ra_execvp", rstype, rsid, flags, file, list(arguments))

    def _ra_exec(self, name: str, rstype: int, rsid: Any, flags: int, path: Any, *vectors: Any) -> Call[int]:
        where, arguments = pointer(path, "path"), vector(vectors[0], "argv")
        environment = vector(vectors[1], "envp") if len(vectors) > 1 else self._environment()
        numbers = integer(rstype, "rstype"), rsid, integer(flags, "flags")
        return self._call(name, *numbers, where, arguments, environment)

    def ra_fork(self, rstype: int, rsid: Any, flags: int, child: Callable[..., Any], *args: Any) -> Call[int]:
        """Make a child that runs `child(proc, *args)`, attached to a resource; returns its pid. Errors: ra_fork."""
        numbers = integer(rstype, "rstype"), rsid, integer(flags, "flags")
        return self._call("ra_fork", *numbers, check_function(child, "ra_fork"), args)

    # ---- attached while it runs ----

    def ra_attachrset(self, rstype: int, rsid: int, rset: Any, flags: int = 0) -> Call[int]:
        """Attach a process or a thread to a resource set. Errors: ra_attachrset."""
        work = integer(rstype, "rstype"), work_id(rsid, "rsid")
        return self._call("ra_attachrset", *work, rset, integer(flags, "flags"))

    def ra_attach(self, rstype1: int, rsid1: int, rstype2: int, rsid2: Any, flags: int = 0) -> Call[int]:
        """Attach a process or a thread to a resource set, or a thread to an SRAD. Errors: ra_attach."""
        work = integer(rstype1, "rstype1"), work_id(rsid1, "rsid1")
        return self._call("ra_attach", *work, integer(rstype2, "rstype2"), rsid2, integer(flags, "flags"))

    def ra_detachrset(self, rstype: int, rsid: int, flags: int = 0) -> Call[int]:
        """Detach a process or a thread from its resource set. Errors: ra_detachrset."""
        return self._call("ra_detachrset", integer(rstype, "rstype"), work_id(rsid, "rsid"), integer(flags, "flags"))

    def ra_getrset(self, rstype: int, rsid: int, flags: int, rset: Any) -> Call[int]:
        """Fill a set with the one in force; returns which it is (RS_EFFECTIVE_RSET, ...). Errors: ra_getrset."""
        return self._call("ra_getrset", integer(rstype, "rstype"), work_id(rsid, "rsid"), integer(flags, "flags"), rset)

    def bindprocessor(self, what: int, who: int, where: int) -> Call[int]:
        """Bind a process's threads, or one thread, to a processor by its bind id. Errors: bindprocessor."""
        return self._call("bindprocessor", integer(what, "what"), integer(who, "who"), integer(where, "where"))

    # ---- resource sets ----

    def rs_alloc(self, flags: int) -> Call[Any]:
        """Make a set: RS_EMPTY, RS_SYSTEM, RS_ALL or RS_PARTITION; returns its handle. Errors: rs_alloc."""
        return self._call("rs_alloc", integer(flags, "flags"))

    def rs_init(self, rset: Any, flags: int) -> Call[int]:
        """Fill a set as rs_alloc does. Errors: rs_init."""
        return self._call("rs_init", rset, integer(flags, "flags"))

    def rs_free(self, rset: Any) -> Call[None]:
        """Free a set; every later call finds a bad address."""
        return self._call("rs_free", rset)

    def rs_op(self, command: int, rset1: Any, rset2: Any, flags: int = 0, id: int = 0) -> Call[int]:
        """Combine, search or ask two sets; a result is stored in the second. Errors: rs_op."""
        return self._call(
            "rs_op", integer(command, "command"), rset1, rset2, integer(flags, "flags"), integer(id, "id")
        )

    def rs_getinfo(self, rset: Any, info_type: int, flags: int = 0) -> Call[int]:
        """Tell a number about a set or the system. Errors: rs_getinfo."""
        return self._call("rs_getinfo", rset, integer(info_type, "info_type"), integer(flags, "flags"))

    def rs_numrads(self, rset: Any, sdl: int, flags: int = 0) -> Call[int]:
        """Count the resource allocation domains of a level that a set has a part in. Errors: rs_numrads."""
        return self._call("rs_numrads", rset, integer(sdl, "sdl"), integer(flags, "flags"))

    def rs_getrad(self, rset: Any, rad: Any, sdl: int, index: int, flags: int = 0) -> Call[int]:
        """Store the part of a resource allocation domain that lies in a set. Errors: rs_getrad."""
        numbers = integer(sdl, "sdl"), integer(index, "index"), integer(flags, "flags")
        return self._call("rs_getrad", rset, rad, *numbers)

    def rs_getassociativity(self, kind: int, id: int, array: Any, size: int) -> Call[int]:
        """Store where a processor stands at each level. Errors: rs_getassociativity."""
        return self._call("rs_getassociativity", integer(kind, "kind"), integer(id, "id"), array, integer(size, "size"))

    def rs_get_homesrad(self) -> Call[int]:
        """Tell the home SRAD of this thread, SRADID_ANY without enhanced affinity."""
        return self._call("rs_get_homesrad")

    def rs_info(self, out: Any, command: int, arg1: int = 0, arg2: int = 0) -> Call[int]:
        """Store what a command asks about a set, an SRAD or a domain. Errors: rs_info."""
        return self._call("rs_info", out, integer(command, "command"), integer(arg1, "arg1"), integer(arg2, "arg2"))

    def rs_setpartition(self, pid: int, rset: Any, flags: int = 0) -> Call[int]:
        """Set a process's partition set, or take it away by RS_DEFAULT. Errors: rs_setpartition."""
        return self._call("rs_setpartition", integer(pid, "pid"), rset, integer(flags, "flags"))

    def rs_getpartition(self, pid: int, rset: Any) -> Call[int]:
        """Fill a set with a process's partition set; returns which it is. Errors: rs_getpartition."""
        return self._call("rs_getpartition", integer(pid, "pid"), rset)

    # ---- named sets ----

    def rs_registername(self, rset: Any, namespace: Any, rsname: Any, mode: int, command: int) -> Call[int]:
        """Give a set a name; RS_DEFINE a new one, RS_REDEFINE also one that is there. Errors: rs_registername."""
        names = pointer_or_null(namespace, "namespace"), pointer_or_null(rsname, "rsname")
        return self._call("rs_registername", rset, *names, integer(mode, "mode"), integer(command, "command"))

    def rs_getnamedrset(self, namespace: Any, rsname: Any, rset: Any) -> Call[int]:
        """Fill a set with a named one. Errors: rs_getnamedrset."""
        return self._call(
            "rs_getnamedrset", pointer_or_null(namespace, "namespace"), pointer_or_null(rsname, "rsname"), rset
        )

    def rs_discardname(self, namespace: Any, rsname: Any) -> Call[int]:
        """Take a name away. Errors: rs_discardname."""
        return self._call("rs_discardname", pointer_or_null(namespace, "namespace"), pointer_or_null(rsname, "rsname"))

    def rs_getnameattr(self, namespace: Any, rsname: Any, attributes: Any) -> Call[int]:
        """Tell a name's owner, group and permissions. Errors: rs_getnameattr."""
        names = pointer_or_null(namespace, "namespace"), pointer_or_null(rsname, "rsname")
        return self._call("rs_getnameattr", *names, attributes)

    def rs_setnameattr(self, namespace: Any, rsname: Any, command: int, attributes: Any) -> Call[int]:
        """Change a name's owner, group or permissions. Errors: rs_setnameattr."""
        names = pointer_or_null(namespace, "namespace"), pointer_or_null(rsname, "rsname")
        return self._call("rs_setnameattr", *names, integer(command, "command"), attributes)

    def rs_getrsetnames(self, namespace: Any = None) -> Call[list[tuple[str, str]]]:
        """List the names of a namespace, or of all: pairs (namespace, rsname), in order."""
        return self._call("rs_getrsetnames", pointer_or_null(namespace, "namespace"))

    def mkrset(self, name: Any, rset: Any) -> Call[int]:
        """Do what the command mkrset does: put a set under "namespace/name". Errors: mkrset."""
        return self._call("mkrset", c_string(name, "name"), usable(rset, "mkrset"))

    def rmrset(self, name: Any) -> Call[int]:
        """Do what the command rmrset does: take the name "namespace/name" away. Errors: rmrset."""
        return self._call("rmrset", c_string(name, "name"))

    # ---- the system ----

    def smtctl(self, threads: int) -> Call[int]:
        """Do what the command smtctl does: let `threads` hardware threads of each core be online. Errors: smtctl.

        ValueError: cores of this partition never have so many.
        """
        partition = self.thread.process.machine.partition
        return self._call("smtctl", partition.width_of(integer(threads, "threads", 1)))

    def getprocs(self) -> Call[list[Any]]:
        """List the processes, by pid: each with its pid, ppid, uid, state and argv."""
        return self._call("getprocs")

    def getthrds(self, pid: int) -> Call[list[Any]]:
        """List the threads of a process: each with its tid, pid, state, and the bind id to which it is bound, or None.

        A process that is not there has none.
        """
        return self._call("getthrds", integer(pid, "pid"))

    # ---- what AIX has not ----

    if not TYPE_CHECKING:  # which would take it as a promise that every name is there

        def __getattr__(self, name: str) -> NoReturn:
            """Say that a partition has no BProc."""
            raise no_bproc(self, "proc", name)


def no_bproc(asked: object, held_as: str, name: str) -> AttributeError:
    """Give the error of a name that a process on AIX has not; `held_as` what its program calls it."""
    if "bproc" in name:
        return AttributeError(f"{held_as}.{name}(...): this process is on an AIX partition, which has no BProc")
    return AttributeError(f"{type(asked).__name__!r} object has no attribute {name!r}")
