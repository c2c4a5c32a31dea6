"""BProc's calls about nodes and processes as direct calls: each under its own name, each giving an Outcome.

What a call fills in C it fills here too: a list, a bp.BprocNodeInfo; None is NULL, bp.BAD_ADDRESS a
pointer to nowhere. The value of the Outcome is what C returns. Who calls is said by `user=`,
`from_node=` or `caller=`. AttributeError: the edition of the cluster lacks a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bprocsim.faces.arguments import integer
from bprocsim.faces.pointers import pointer_or_null
from bprocsim.world.outcome import Outcome
from bprocsim.world.system import System

if TYPE_CHECKING:
    from typing import Unpack

    from bprocsim.world.bprocdirect import From


def serve(*args: Any) -> Outcome:
    """Make a call; see bprocdirect, which most worlds never need."""
    from bprocsim.world import bprocdirect

    return bprocdirect.serve(*args)


class NodeCalls(System):
    """What a program calls about nodes and processes, made from outside."""

    # ---- what is known of nodes ----

    def bproc_numnodes(self, **by: Unpack[From]) -> Outcome:
        """Count the slaves, which are numbered from 0. Errors: bproc_numnodes."""
        return serve(self, "bproc_numnodes", (), by)

    def bproc_currnode(self, **by: Unpack[From]) -> Outcome:
        """Tell the number of the node that the process is on, -1 for the master."""
        return serve(self, "bproc_currnode", (), by)

    def bproc_nodestatus(self, node: int, **by: Unpack[From]) -> Outcome:
        """Tell the state of a node: bp.bproc_node_up, ... Errors: bproc_nodestatus."""
        return serve(self, "bproc_nodestatus", (integer(node, "node"),), by)

    def bproc_nodeinfo(self, node: int, info: Any, **by: Unpack[From]) -> Outcome:
        """Fill a bp.BprocNodeInfo with what is known of a node. Errors: bproc_nodeinfo."""
        return serve(self, "bproc_nodeinfo", (integer(node, "node"), info), by)

    def bproc_nodelist(self, list: Any, **by: Unpack[From]) -> Outcome:
        """Fill a list with a bp.BprocNodeInfo for each slave; the value is how many. Errors: bproc_nodelist."""
        return serve(self, "bproc_nodelist", (list,), by)

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

    def bproc_nodesetstatus(self, node: int, status: int, **by: Unpack[From]) -> Outcome:
        """Set a node's state; down disconnects it. Errors: bproc_nodesetstatus."""
        return serve(self, "bproc_nodesetstatus", (integer(node, "node"), integer(status, "status")), by)

    def bproc_nodereboot(self, node: int, **by: Unpack[From]) -> Outcome:
        """Reboot a node: it disconnects at once. Errors: bproc_nodereboot."""
        return serve(self, "bproc_nodereboot", (integer(node, "node"),), by)

    def bproc_nodehalt(self, node: int, **by: Unpack[From]) -> Outcome:
        """Halt a node: it disconnects at once. Errors: bproc_nodehalt."""
        return serve(self, "bproc_nodehalt", (integer(node, "node"),), by)

    def bproc_nodepwroff(self, node: int, **by: Unpack[From]) -> Outcome:
        """Switch a node off: it disconnects at once. Errors: bproc_nodepwroff."""
        return serve(self, "bproc_nodepwroff", (integer(node, "node"),), by)

    # ---- processes ----

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
