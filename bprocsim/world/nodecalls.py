"""BProc's calls about nodes and processes as direct calls: each under its own name, each giving an Outcome.

What a call fills in C it fills here too: a list, a bp.BprocNodeInfo; None is NULL, bp.BAD_ADDRESS a
pointer to nowhere. The value of the Outcome is what C returns. Who calls is said by `user=`,
`from_node=` or `caller=`. AttributeError: the edition of the cluster lacks a call.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from bprocsim.faces.arguments import attribute, attribute_asked, integer, state_asked
from bprocsim.faces.pointers import pointer_or_null
from bprocsim.world.outcome import Outcome
from bprocsim.world.system import System

if TYPE_CHECKING:
    from typing import Unpack

    from bprocsim.world.bprocdirect import From


def serve(*args: Any) -> Outcome:
    """Make a call; see bprocdirect."""
    return _server()(*args)


@cache
def _server() -> Callable[..., Outcome]:
    """Fetch what makes a call; most worlds never need it."""
    from bprocsim.world.bprocdirect import serve as found

    return found


class NodeCalls(System):
    """What a program calls about nodes and processes, made from outside."""

    # ---- what is known of nodes ----

    def bproc_numnodes(self, **by: Unpack[From]) -> Outcome:
        """Count the slaves, which are numbered from 0. Errors: bproc_numnodes."""
        return serve(self, "bproc_numnodes", (), by)

    def bproc_currnode(self, **by: Unpack[From]) -> Outcome:
        """Tell the number of the node that the process is on, -1 for the master."""
        return serve(self, "bproc_currnode", (), by)

    def bproc_nodestatus(
        self, node: int, status: Any = None, len: int | None = None, **by: Unpack[From]
    ) -> Outcome:  # fmt: skip
        """Tell the state of a node: bp.bproc_node_up, ... Errors: bproc_nodestatus.

        In BProc 4.0 a word is written to the bytearray `status`, with the NUL that ends it, if it has
        no more than `len` bytes; the value is how many.
        """
        return serve(self, "bproc_nodestatus", state_asked(node, status, len), by)

    def bproc_nodeinfo(self, node: int, info: Any, **by: Unpack[From]) -> Outcome:
        """Fill a bp.BprocNodeInfo with what is known of a node. Errors: bproc_nodeinfo."""
        return serve(self, "bproc_nodeinfo", (integer(node, "node"), info), by)

    def bproc_nodelist(self, list: Any, **by: Unpack[From]) -> Outcome:
        """Fill a list with a bp.BprocNodeInfo for each slave; the value is how many. Errors: bproc_nodelist.

        In BProc 4.0 it is a bp.BprocNodeSet that is filled.
        """
        return serve(self, "bproc_nodelist", (list,), by)

    def bproc_nodelist_(self, ns: Any, fd: int, **by: Unpack[From]) -> Outcome:
        """Fill a bp.BprocNodeSet by way of a notifier of `caller`, which has told its news then.

        Errors: bproc_nodelist_.
        """
        return serve(self, "bproc_nodelist_", (ns, integer(fd, "fd")), by)

    def bproc_nodespec(self, ns: Any, str: Any, **by: Unpack[From]) -> Outcome:
        """Fill a bp.BprocNodeSet with the nodes that a specification means: "0-3,!up". Errors: bproc_nodespec."""
        return serve(self, "bproc_nodespec", (ns, pointer_or_null(str, "str")), by)

    def bproc_nodefilter(self, out: Any, given: Any, str: Any, **by: Unpack[From]) -> Outcome:
        """Fill a bp.BprocNodeSet with those of another that a specification means. Errors: bproc_nodefilter."""
        return serve(self, "bproc_nodefilter", (out, given, pointer_or_null(str, "str")), by)

    def bproc_nodeset_init(self, ns: Any, size: int, **by: Unpack[From]) -> Outcome:
        """Let a bp.BprocNodeSet have so many empty records. Errors: bproc_nodeset_init."""
        return serve(self, "bproc_nodeset_init", (ns, integer(size, "size")), by)

    def bproc_nodeset_grow(self, ns: Any, size: int, **by: Unpack[From]) -> Outcome:
        """Let a bp.BprocNodeSet have at least so many records. Errors: bproc_nodeset_grow."""
        return serve(self, "bproc_nodeset_grow", (ns, integer(size, "size")), by)

    def bproc_nodeset_free(self, ns: Any, **by: Unpack[From]) -> Outcome:
        """Empty a bp.BprocNodeSet. Errors: bproc_nodeset_free."""
        return serve(self, "bproc_nodeset_free", (ns,), by)

    def bproc_nodeset_add(self, ns: Any, node: Any, **by: Unpack[From]) -> Outcome:
        """Put a copy of a bp.BprocNodeInfo behind those of a bp.BprocNodeSet. Errors: bproc_nodeset_add."""
        return serve(self, "bproc_nodeset_add", (ns, node), by)

    def bproc_nodeset_append(self, ns: Any, other: Any, **by: Unpack[From]) -> Outcome:
        """Put the nodes of another set behind those of a bp.BprocNodeSet. Errors: bproc_nodeset_append."""
        return serve(self, "bproc_nodeset_append", (ns, other), by)

    def bproc_getnodeattr(self, node: int, name: Any, value: Any, size: int, **by: Unpack[From]) -> Outcome:
        """Write a node's attribute to the bytearray `value`, if it has no more than `size` bytes.

        The Outcome's value is how many. Errors: bproc_getnodeattr.
        """
        return serve(self, "bproc_getnodeattr", attribute_asked(node, name, value, size), by)

    def bproc_nodeaddr(self, node: int, addr: Any, **by: Unpack[From]) -> Outcome:
        """Fill a bp.BprocAddress with a node's. Errors: bproc_nodeaddr."""
        return serve(self, "bproc_nodeaddr", (integer(node, "node"), addr), by)

    def bproc_masteraddr(self, addr: Any, **by: Unpack[From]) -> Outcome:
        """Fill a bp.BprocAddress with the master's. Errors: bproc_masteraddr."""
        return serve(self, "bproc_masteraddr", (addr,), by)

    def bproc_nodenumber(self, addr: Any, **by: Unpack[From]) -> Outcome:
        """Tell which node has a bp.Address or bp.BprocAddress; BPROC_NODE_NONE if none has."""
        return serve(self, "bproc_nodenumber", (addr,), by)

    def bproc_getnodebyname(self, name: Any, **by: Unpack[From]) -> Outcome:
        """Tell the number of a node by its name: master, self, n3, .3 or 3; BPROC_NODE_NONE if there is none."""
        return serve(self, "bproc_getnodebyname", (pointer_or_null(name, "name"),), by)

    def bproc_version(self, version: Any, **by: Unpack[From]) -> Outcome:
        """Fill a bp.BprocVersion. Errors: bproc_version."""
        return serve(self, "bproc_version", (version,), by)

    def bproc_notifier(self, **by: Unpack[From]) -> Outcome:
        """Give a descriptor of the idle process `caller`, which tells of changes. Errors: bproc_notifier.

        A fresh process would be gone before it could read. TypeError: there is no `caller`.
        """
        if by.get("caller") is None:
            raise TypeError("bproc_notifier: caller: the descriptor is an idle process's; without one, write a session")
        return serve(self, "bproc_notifier", (), by)

    def bproc_strerror(self, errno: int, **by: Unpack[From]) -> Outcome:
        """Tell what a number of an errno means, negative or not; BProc's own are known."""
        return serve(self, "bproc_strerror", (integer(errno, "errno"),), by)

    # ---- who may use a node ----

    def bproc_access(self, node: int, mode: int, **by: Unpack[From]) -> Outcome:
        """Tell whether the caller may move processes to a node; `mode` bp.BPROC_X_OK. Errors: bproc_access."""
        return serve(self, "bproc_access", (integer(node, "node"), integer(mode, "mode")), by)

    def _bproc_access(self, info: Any, mode: int, **by: Unpack[From]) -> Outcome:
        """Tell it of a node that a bp.BprocNodeInfo describes. Errors: _bproc_access."""
        return serve(
            self,
            "_bproc_access",
            (
                info,
                integer(mode, "mode"),
            ),
            by,
        )

    def bproc_chmod(self, node: int, mode: int, **by: Unpack[From]) -> Outcome:
        """Say who may move processes to a node; only the bits 0111 can be set. Errors: bproc_chmod."""
        return serve(self, "bproc_chmod", (integer(node, "node"), integer(mode, "mode")), by)

    def bproc_chown(self, node: int, uid: int, **by: Unpack[From]) -> Outcome:
        """Give a node to a user; -1 leaves it as it is. Errors: bproc_chown."""
        return serve(self, "bproc_chown", (integer(node, "node"), integer(uid, "uid")), by)

    def bproc_chgrp(self, node: int, gid: int, **by: Unpack[From]) -> Outcome:
        """Give a node to a group; -1 leaves it as it is. Errors: bproc_chgrp."""
        return serve(self, "bproc_chgrp", (integer(node, "node"), integer(gid, "gid")), by)

    # ---- states ----

    def bproc_setnodestatus(self, node: int, status: int, **by: Unpack[From]) -> Outcome:
        """Set a node's state; reboot, halt and pwroff are done, down disconnects it. Errors: bproc_setnodestatus."""
        return serve(self, "bproc_setnodestatus", (integer(node, "node"), integer(status, "status")), by)

    def bproc_nodesetstatus(self, node: int, status: Any, **by: Unpack[From]) -> Outcome:
        """Set a node's state, a number, in BProc 4.0 any word; down disconnects it. Errors: bproc_nodesetstatus."""
        return serve(self, "bproc_nodesetstatus", (node, status), by)

    def bproc_setnodeattr(self, node: int, name: Any, value: Any, size: int, **by: Unpack[From]) -> Outcome:
        """Let a node have an attribute: the first `size` bytes of `value`. Errors: bproc_setnodeattr."""
        return serve(self, "bproc_setnodeattr", attribute(node, name, value, size), by)

    def bproc_nodereboot(self, node: int, **by: Unpack[From]) -> Outcome:
        """Reboot a node: it disconnects at once. Errors: bproc_nodereboot."""
        return serve(self, "bproc_nodereboot", (integer(node, "node"),), by)

    def bproc_nodehalt(self, node: int, **by: Unpack[From]) -> Outcome:
        """Halt a node: it disconnects at once. Errors: bproc_nodehalt."""
        return serve(self, "bproc_nodehalt", (integer(node, "node"),), by)

    def bproc_nodepwroff(self, node: int, **by: Unpack[From]) -> Outcome:
        """Switch a node off: it disconnects at once. Errors: bproc_nodepwroff."""
        return serve(self, "bproc_nodepwroff", (integer(node, "node"),), by)

    def bproc_slave_chroot(self, node: int, path: Any, **by: Unpack[From]) -> Outcome:
        """Let a directory of a node be the root of whoever comes there from now on. Errors: bproc_slave_chroot."""
        return serve(self, "bproc_slave_chroot", (integer(node, "node"), pointer_or_null(path, "path")), by)

    def bproc_nodechroot(self, node: int, path: Any, **by: Unpack[From]) -> Outcome:
        """Let a directory of a node be the root of whoever comes there from now on. Errors: bproc_nodechroot."""
        return serve(self, "bproc_nodechroot", (integer(node, "node"), pointer_or_null(path, "path")), by)

    def bproc_nodereboot_async(self, node: int, **by: Unpack[From]) -> Outcome:
        """Reboot a node, as bproc_nodereboot does, which does not wait either. Errors: bproc_nodereboot_async."""
        return serve(self, "bproc_nodereboot_async", (integer(node, "node"),), by)

    def bproc_nodehalt_async(self, node: int, **by: Unpack[From]) -> Outcome:
        """Halt a node, as bproc_nodehalt does, which does not wait either. Errors: bproc_nodehalt_async."""
        return serve(self, "bproc_nodehalt_async", (integer(node, "node"),), by)

    def bproc_nodepwroff_async(self, node: int, **by: Unpack[From]) -> Outcome:
        """Switch off a node, as bproc_nodepwroff does, which does not wait either. Errors: bproc_nodepwroff_async."""
        return serve(self, "bproc_nodepwroff_async", (integer(node, "node"),), by)

    def bproc_nodereconnect(
        self, node: int, rem: Any, remsz: int, loc: Any, locsz: int, **by: Unpack[From]
    ) -> Outcome:  # fmt: skip
        """Let a node connect to the master anew, at the address `rem` and from `loc`. Errors: bproc_nodereconnect.

        Each is a bp.Address or a bp.BprocAddress, with its size in bytes, 16.
        """
        args = integer(node, "node"), rem, integer(remsz, "remsz"), loc, integer(locsz, "locsz")
        return serve(self, "bproc_nodereconnect", args, by)

    # ---- processes ----

    def bproc_detach(self, code: int, **by: Unpack[From]) -> Outcome:
        """Let the calling process leave BProc's space: it exits with `code`, and what runs on ends at once.

        Errors: bproc_detach.
        """
        return serve(self, "bproc_detach", (integer(code, "code"),), by)

    def bproc_proclist(self, node: int, list: Any, **by: Unpack[From]) -> Outcome:
        """Fill a list with a bp.BprocProcInfo for each process on a node; gives how many. Errors: bproc_proclist.

        bp.BPROC_NODE_ANY is all slaves; what runs on the master is not among them.
        """
        return serve(self, "bproc_proclist", (integer(node, "node"), list), by)

    def bproc_pidnode(self, pid: int, **by: Unpack[From]) -> Outcome:
        """Tell which slave a process is on; BPROC_NODE_NONE for the master, and on failure. Errors: bproc_pidnode."""
        return serve(self, "bproc_pidnode", (integer(pid, "pid"),), by)

    def bproc_pidghostnode(self, pid: int, **by: Unpack[From]) -> Outcome:
        """Tell which node has a process's ghost; BPROC_NODE_NONE if it has none. Errors: bproc_pidghostnode."""
        return serve(self, "bproc_pidghostnode", (integer(pid, "pid"),), by)
