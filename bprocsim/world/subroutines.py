"""AIX's subroutines as direct calls: each under its own name, each giving an Outcome.

The arguments are those of C: a resource set is what `lpar.rset` or `rs_alloc` gives, None is NULL,
bp.BAD_ADDRESS a pointer to nowhere; what a call fills in C (a set, a list, a bp.RsetAttributes) it
fills here too. The value of the Outcome is what C returns. Who calls is said by `user=` or `caller=`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bprocsim.faces.arguments import integer, work_id
from bprocsim.faces.pointers import pointer_or_null
from bprocsim.world.aixdirect import By, Runs, ra_exec, ra_fork, serve
from bprocsim.world.directcalls import LEFT_OUT
from bprocsim.world.outcome import Outcome
from bprocsim.world.system import System

if TYPE_CHECKING:
    from typing import Unpack


class Subroutines(System):
    """What a program on AIX calls about processors, made from outside."""

    # ---- attached from the start ----

    def ra_execve(
        self, rstype: int, rsid: Any, flags: int, path: Any, argv: Any = LEFT_OUT, envp: Any = (), **by: Unpack[Runs]
    ) -> Outcome:
        """Become another image, attached to a resource; `argv` left out is [last name of path]. Errors: ra_exec."""
        return ra_exec(self, "ra_execve", "ra_execve", (rstype, rsid, flags), path, argv, envp, by)

    def ra_exect(
        self, rstype: int, rsid: Any, flags: int, path: Any, argv: Any = LEFT_OUT, envp: Any = (), **by: Unpack[Runs]
    ) -> Outcome:
        """Become another image, attached to a resource, as a tracer would have it. Errors: ra_exec."""
        return ra_exec(self, "ra_exect", "ra_exect", (rstype, rsid, flags), path, argv, envp, by)

    def ra_execv(
        self, rstype: int, rsid: Any, flags: int, path: Any, argv: Any = LEFT_OUT, **by: Unpack[Runs]
    ) -> Outcome:
        """Become another image, attached to a resource, with the caller's environment. Errors: ra_exec."""
        return ra_exec(self, "ra_execv", "ra_execve", (rstype, rsid, flags), path, argv, LEFT_OUT, by)

    def ra_execvp(
        self, rstype: int, rsid: Any, flags: int, file: Any, argv: Any = LEFT_OUT, **by: Unpack[Runs]
    ) -> Outcome:
        """Become another image, attached to a resource, looked for along PATH. Errors: ra_exec."""
        return ra_exec(self, "ra_execvp", "ra_execvp", (rstype, rsid, flags), file, argv, LEFT_OUT, by)

    def ra_execl(self, rstype: int, rsid: Any, flags: int, path: Any, *arguments: Any, **by: Unpack[Runs]) -> Outcome:
        """Become another image, attached to a resource; arguments one by one. Errors: ra_exec."""
        argv = list(arguments) or LEFT_OUT
        return ra_exec(self, "ra_execl", "ra_execve", (rstype, rsid, flags), path, argv, LEFT_OUT, by)

    def ra_execle(self, rstype: int, rsid: Any, flags: int, path: Any, *arguments: Any, **by: Unpack[Runs]) -> Outcome:
        """Become another image, attached to a resource; the environment comes last. Errors: ra_exec."""
        if not arguments:
            raise TypeError("ra_execle: the environment comes last; there are no arguments")
        resource = rstype, rsid, flags
        return ra_exec(self, "ra_execle", "ra_execve", resource, path, list(arguments[:-1]), arguments[-1], by)

    def ra_execlp(self, rstype: int, rsid: Any, flags: int, file: Any, *arguments: Any, **by: Unpack[Runs]) -> Outcome:
        """Become another image, attached to a resource, looked for along PATH. Errors: ra_exec."""
        argv = list(arguments) or LEFT_OUT
        return ra_exec(self, "ra_execlp", "ra_execvp", (rstype, rsid, flags), file, argv, LEFT_OUT, by)

    def ra_fork(
        self, rstype: int, rsid: Any, flags: int, child: Callable[..., Any], *args: Any, **by: Unpack[Runs]
    ) -> Outcome:
        """Make a child that runs `child(proc, *args)`, attached to a resource; wait for its end. Errors: ra_fork."""
        return ra_fork(self, (rstype, rsid, flags), child, args, by)

    # ---- attached while it runs ----

    def ra_attachrset(self, rstype: int, rsid: int, rset: Any, flags: int = 0, **by: Unpack[By]) -> Outcome:
        """Attach a process or a thread to a resource set. Errors: ra_attachrset."""
        args = integer(rstype, "rstype"), work_id(rsid, "rsid"), rset, integer(flags, "flags")
        return serve(self, "ra_attachrset", args, by)

    def ra_attach(
        self, rstype1: int, rsid1: int, rstype2: int, rsid2: Any, flags: int = 0, **by: Unpack[By]
    ) -> Outcome:
        """Attach a process or a thread to a resource set, or a thread to an SRAD. Errors: ra_attach."""
        work, resource = (integer(rstype1, "rstype1"), work_id(rsid1, "rsid1")), (integer(rstype2, "rstype2"), rsid2)
        return serve(self, "ra_attach", (*work, *resource, integer(flags, "flags")), by)

    def ra_detachrset(self, rstype: int, rsid: int, flags: int = 0, **by: Unpack[By]) -> Outcome:
        """Detach a process or a thread from its resource set. Errors: ra_detachrset."""
        args = integer(rstype, "rstype"), work_id(rsid, "rsid"), integer(flags, "flags")
        return serve(self, "ra_detachrset", args, by)

    def ra_getrset(self, rstype: int, rsid: int, flags: int, rset: Any, **by: Unpack[By]) -> Outcome:
        """Fill a set with the one in force; the value is which it is. Errors: ra_getrset."""
        args = integer(rstype, "rstype"), work_id(rsid, "rsid"), integer(flags, "flags"), rset
        return serve(self, "ra_getrset", args, by)

    def bindprocessor(self, what: int, who: int, bind_id: int, **by: Unpack[By]) -> Outcome:
        """Bind a process's threads (bp.BINDPROCESS) or one thread (bp.BINDTHREAD) to a processor by its bind id.

        bp.PROCESSOR_CLASS_ANY unbinds. Errors: bindprocessor.
        """
        args = integer(what, "what"), integer(who, "who"), integer(bind_id, "bind_id")
        return serve(self, "bindprocessor", args, by)

    # ---- resource sets ----

    def rs_alloc(self, flags: int, **by: Unpack[By]) -> Outcome:
        """Make a set: bp.RS_EMPTY, RS_SYSTEM, RS_ALL or RS_PARTITION; the value is the set. Errors: rs_alloc."""
        return serve(self, "rs_alloc", (integer(flags, "flags"),), by)

    def rs_init(self, rset: Any, flags: int, **by: Unpack[By]) -> Outcome:
        """Fill a set as rs_alloc does. Errors: rs_init."""
        return serve(self, "rs_init", (rset, integer(flags, "flags")), by)

    def rs_free(self, rset: Any, **by: Unpack[By]) -> Outcome:
        """Free a set; every later call finds a bad address."""
        return serve(self, "rs_free", (rset,), by)

    def rs_op(
        self, command: int, rset1: Any, rset2: Any, flags: int = 0, id: int = 0, **by: Unpack[By]
    ) -> Outcome:  # fmt: skip
        """Combine, search or ask two sets; a result is stored in the second. Errors: rs_op."""
        args = integer(command, "command"), rset1, rset2, integer(flags, "flags"), integer(id, "id")
        return serve(self, "rs_op", args, by)

    def rs_getinfo(self, rset: Any, info_type: int, flags: int = 0, **by: Unpack[By]) -> Outcome:
        """Tell a number about a set or the system. Errors: rs_getinfo."""
        return serve(self, "rs_getinfo", (rset, integer(info_type, "info_type"), integer(flags, "flags")), by)

    def rs_numrads(self, rset: Any, sdl: int, flags: int = 0, **by: Unpack[By]) -> Outcome:
        """Count the resource allocation domains of a level that a set has a part in. Errors: rs_numrads."""
        return serve(self, "rs_numrads", (rset, integer(sdl, "sdl"), integer(flags, "flags")), by)

    def rs_getrad(
        self, rset: Any, rad: Any, sdl: int, index: int, flags: int = 0, **by: Unpack[By]
    ) -> Outcome:  # fmt: skip
        """Store in `rad` the part of a resource allocation domain that lies in a set. Errors: rs_getrad."""
        numbers = integer(sdl, "sdl"), integer(index, "index"), integer(flags, "flags")
        return serve(self, "rs_getrad", (rset, rad, *numbers), by)

    def rs_getassociativity(self, kind: int, id: int, array: Any, size: int, **by: Unpack[By]) -> Outcome:
        """Store in the list `array` where a processor stands at each level. Errors: rs_getassociativity."""
        args = integer(kind, "kind"), integer(id, "id"), array, integer(size, "size")
        return serve(self, "rs_getassociativity", args, by)

    def rs_get_homesrad(self, **by: Unpack[By]) -> Outcome:
        """Tell the home SRAD of the calling thread, SRADID_ANY without enhanced affinity."""
        return serve(self, "rs_get_homesrad", (), by)

    def rs_info(self, out: Any, command: int, arg1: int = 0, arg2: int = 0, **by: Unpack[By]) -> Outcome:
        """Store in `out` what a command asks about a set, an SRAD or a domain. Errors: rs_info."""
        return serve(
            self, "rs_info", (out, integer(command, "command"), integer(arg1, "arg1"), integer(arg2, "arg2")), by
        )

    def rs_setpartition(self, pid: int, rset: Any, flags: int = 0, **by: Unpack[By]) -> Outcome:
        """Set a process's partition set, or take it away by bp.RS_DEFAULT. Errors: rs_setpartition."""
        return serve(self, "rs_setpartition", (integer(pid, "pid"), rset, integer(flags, "flags")), by)

    def rs_getpartition(self, pid: int, rset: Any, **by: Unpack[By]) -> Outcome:
        """Fill a set with a process's partition set; the value is which it is. Errors: rs_getpartition."""
        return serve(self, "rs_getpartition", (integer(pid, "pid"), rset), by)

    # ---- named sets ----

    def rs_registername(
        self, rset: Any, namespace: Any, rsname: Any, mode: int, command: int, **by: Unpack[By]
    ) -> Outcome:  # fmt: skip
        """Give a set a name; bp.RS_DEFINE a new one, RS_REDEFINE also one that is there. Errors: rs_registername."""
        names = pointer_or_null(namespace, "namespace"), pointer_or_null(rsname, "rsname")
        args = rset, *names, integer(mode, "mode"), integer(command, "command")
        return serve(self, "rs_registername", args, by)

    def rs_getnamedrset(self, namespace: Any, rsname: Any, rset: Any, **by: Unpack[By]) -> Outcome:
        """Fill a set with a named one. Errors: rs_getnamedrset."""
        return serve(
            self,
            "rs_getnamedrset",
            (pointer_or_null(namespace, "namespace"), pointer_or_null(rsname, "rsname"), rset),
            by,
        )

    def rs_discardname(self, namespace: Any, rsname: Any, **by: Unpack[By]) -> Outcome:
        """Take a name away. Errors: rs_discardname."""
        return serve(
            self, "rs_discardname", (pointer_or_null(namespace, "namespace"), pointer_or_null(rsname, "rsname")), by
        )

    def rs_getnameattr(self, namespace: Any, rsname: Any, attributes: Any, **by: Unpack[By]) -> Outcome:
        """Tell a name's owner, group and permissions. Errors: rs_getnameattr."""
        names = pointer_or_null(namespace, "namespace"), pointer_or_null(rsname, "rsname")
        return serve(self, "rs_getnameattr", (*names, attributes), by)

    def rs_setnameattr(
        self, namespace: Any, rsname: Any, command: int, attributes: Any, **by: Unpack[By]
    ) -> Outcome:  # fmt: skip
        """Change a name's owner, group or permissions. Errors: rs_setnameattr."""
        names = pointer_or_null(namespace, "namespace"), pointer_or_null(rsname, "rsname")
        return serve(self, "rs_setnameattr", (*names, integer(command, "command"), attributes), by)
