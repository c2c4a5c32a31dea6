"""What a program on a BProc cluster calls about nodes and processes."""

from __future__ import annotations

from typing import Any

from bprocsim.faces.arguments import attribute, attribute_asked, integer, state_asked
from bprocsim.faces.calls import Call
from bprocsim.faces.pointers import pointer_or_null
from bprocsim.faces.pyos import Proc


class NodeProc(Proc):
    """A simulated process of a cluster, and its calls about nodes and processes.

    AttributeError: the edition lacks a call.
    """

    __slots__ = ()

    def _call_of_edition(self, name: str, *args: Any) -> Call[Any]:
        edition = self.thread.process.machine.master.edition
        service = edition.calls().get(name)
        if service is None:
            raise AttributeError(f"proc.{name}(...): {edition.lacking(name)}")
        args = service.ready(args)
        return Call(self._pending.made(2), self._pending, self._dispatch, self.thread, name, args)

    # ---- what is known of nodes ----

    def bproc_numnodes(self) -> Call[int]:
        """Count the slaves, which are numbered from 0. Errors: bproc_numnodes."""
        return self._call_of_edition("bproc_numnodes")

    def bproc_currnode(self) -> Call[int]:
        """Tell the number of the node that the process is on, -1 for the master."""
        return self._call_of_edition("bproc_currnode")

    def bproc_nodestatus(self, node: int, status: Any = None, len: int | None = None) -> Call[int]:
        """Tell the state of a node: bp.bproc_node_up, ... Errors: bproc_nodestatus.

        In BProc 4.0 a word is written to the bytearray `status`, with the NUL that ends it, if it has
        no more than `len` bytes; returns how many.
        """
        return self._call_of_edition("bproc_nodestatus", *state_asked(node, status, len))

    def bproc_nodeinfo(self, node: int, info: Any) -> Call[int]:
        """Fill a bp.BprocNodeInfo with what is known of a node. Errors: bproc_nodeinfo."""
        return self._call_of_edition("bproc_nodeinfo", integer(node, "node"), info)

    def bproc_nodelist(self, list: Any) -> Call[int]:
        """Fill a list with a bp.BprocNodeInfo for each slave; returns how many. Errors: bproc_nodelist.

        In BProc 4.0 it is a bp.BprocNodeSet that is filled.
        """
        return self._call_of_edition("bproc_nodelist", list)

    def bproc_nodelist_(self, ns: Any, fd: int) -> Call[int]:
        """Fill a bp.BprocNodeSet by way of a notifier, which has told its news then. Errors: bproc_nodelist_."""
        return self._call_of_edition("bproc_nodelist_", ns, integer(fd, "fd"))

    def bproc_nodespec(self, ns: Any, str: Any) -> Call[int]:
        """Fill a bp.BprocNodeSet with the nodes that a specification means: "0-3,!up". Errors: bproc_nodespec."""
        return self._call_of_edition("bproc_nodespec", ns, pointer_or_null(str, "str"))

    def bproc_nodefilter(self, out: Any, given: Any, str: Any) -> Call[int]:
        """Fill a bp.BprocNodeSet with those of another that a specification means. Errors: bproc_nodefilter."""
        return self._call_of_edition("bproc_nodefilter", out, given, pointer_or_null(str, "str"))

    def bproc_nodeset_init(self, ns: Any, size: int) -> Call[int]:
        """Let a bp.BprocNodeSet have so many empty records. Errors: bproc_nodeset_init."""
        return self._call_of_edition("bproc_nodeset_init", ns, integer(size, "size"))

    def bproc_nodeset_grow(self, ns: Any, size: int) -> Call[int]:
        """Let a bp.BprocNodeSet have at least so many records. Errors: bproc_nodeset_grow."""
        return self._call_of_edition("bproc_nodeset_grow", ns, integer(size, "size"))

    def bproc_nodeset_free(self, ns: Any) -> Call[int]:
        """Empty a bp.BprocNodeSet. Errors: bproc_nodeset_free."""
        return self._call_of_edition("bproc_nodeset_free", ns)

    def bproc_nodeset_add(self, ns: Any, node: Any) -> Call[int]:
        """Put a copy of a bp.BprocNodeInfo behind those of a bp.BprocNodeSet. Errors: bproc_nodeset_add."""
        return self._call_of_edition("bproc_nodeset_add", ns, node)

    def bproc_nodeset_append(self, ns: Any, other: Any) -> Call[int]:
        """Put the nodes of another set behind those of a bp.BprocNodeSet. Errors: bproc_nodeset_append."""
        return self._call_of_edition("bproc_nodeset_append", ns, other)

    def bproc_getnodeattr(self, node: int, name: Any, value: Any, size: int) -> Call[int]:
        """Write a node's attribute to the bytearray `value`, if it has no more than `size` bytes.

        Returns how many. Errors: bproc_getnodeattr.
        """
        return self._call_of_edition("bproc_getnodeattr", *attribute_asked(node, name, value, size))

    def bproc_nodeaddr(self, node: int, addr: Any) -> Call[int]:
        """Fill a bp.BprocAddress with a node's. Errors: bproc_nodeaddr."""
        return self._call_of_edition("bproc_nodeaddr", integer(node, "node"), addr)

    def bproc_masteraddr(self, addr: Any) -> Call[int]:
        """Fill a bp.BprocAddress with the master's. Errors: bproc_masteraddr."""
        return self._call_of_edition("bproc_masteraddr", addr)

    def bproc_nodenumber(self, addr: Any) -> Call[int]:
        """Tell which node has a bp.Address or bp.BprocAddress; BPROC_NODE_NONE if none has."""
        return self._call_of_edition("bproc_nodenumber", addr)

    def bproc_getnodebyname(self, name: Any) -> Call[int]:
        """Tell the number of a node by its name: master, self, n3, .3 or 3; BPROC_NODE_NONE if there is none."""
        return self._call_of_edition("bproc_getnodebyname", pointer_or_null(name, "name"))

    def bproc_version(self, version: Any) -> Call[int]:
        """Fill a bp.BprocVersion. Errors: bproc_version."""
        return self._call_of_edition("bproc_version", version)

    def bproc_notifier(self) -> Call[int]:
        """Give a descriptor; a read waits until anything about the nodes changes. Errors: bproc_notifier."""
        return self._call_of_edition("bproc_notifier")

    def bproc_strerror(self, errno: int) -> Call[str]:
        """Tell what a number of an errno means, negative or not; BProc's own are known."""
        return self._call_of_edition("bproc_strerror", integer(errno, "errno"))

    # ---- who may use a node ----

    def bproc_access(self, node: int, mode: int) -> Call[int]:
        """Tell whether the caller may move processes to a node; `mode` bp.BPROC_X_OK. Errors: bproc_access."""
        return self._call_of_edition("bproc_access", integer(node, "node"), integer(mode, "mode"))

    def _bproc_access(self, info: Any, mode: int) -> Call[int]:
        """Tell it of a node that a bp.BprocNodeInfo describes. Errors: _bproc_access."""
        return self._call_of_edition("_bproc_access", info, integer(mode, "mode"))

    def bproc_chmod(self, node: int, mode: int) -> Call[int]:
        """Say who may move processes to a node; only the bits 0111 can be set. Errors: bproc_chmod."""
        return self._call_of_edition("bproc_chmod", integer(node, "node"), integer(mode, "mode"))

    def bproc_chown(self, node: int, uid: int) -> Call[int]:
        """Give a node to a user; -1 leaves it as it is. Errors: bproc_chown."""
        return self._call_of_edition("bproc_chown", integer(node, "node"), integer(uid, "uid"))

    def bproc_chgrp(self, node: int, gid: int) -> Call[int]:
        """Give a node to a group; -1 leaves it as it is. Errors: bproc_chgrp."""
        return self._call_of_edition("bproc_chgrp", integer(node, "node"), integer(gid, "gid"))

    # ---- states ----

    def bproc_setnodestatus(self, node: int, status: int) -> Call[int]:
        """Set a node's state; reboot, halt and pwroff are done, down disconnects it. Errors: bproc_setnodestatus."""
        return self._call_of_edition("bproc_setnodestatus", integer(node, "node"), integer(status, "status"))

    def bproc_nodesetstatus(self, node: int, status: Any) -> Call[int]:
        """Set a node's state, a number, in BProc 4.0 any word; down disconnects it. Errors: bproc_nodesetstatus."""
        return self._call_of_edition("bproc_nodesetstatus", node, status)

    def bproc_setnodeattr(self, node: int, name: Any, value: Any, size: int) -> Call[int]:
        """Let a node have an attribute: the first `size` bytes of `value`. Errors: bproc_setnodeattr."""
        return self._call_of_edition("bproc_setnodeattr", *attribute(node, name, value, size))

    def bproc_nodereboot(self, node: int) -> Call[int]:
        """Reboot a node: it disconnects at once. Errors: bproc_nodereboot."""
        return self._call_of_edition("bproc_nodereboot", integer(node, "node"))

    def bproc_nodehalt(self, node: int) -> Call[int]:
        """Halt a node: it disconnects at once. Errors: bproc_nodehalt."""
        return self._call_of_edition("bproc_nodehalt", integer(node, "node"))

    def bproc_nodepwroff(self, node: int) -> Call[int]:
        """Switch a node off: it disconnects at once. Errors: bproc_nodepwroff."""
        return self._call_of_edition("bproc_nodepwroff", integer(node, "node"))

    def bproc_slave_chroot(self, node: int, path: Any) -> Call[int]:
        """Let a directory of a node be the root of whoever comes there from now on. Errors: bproc_slave_chroot."""
        return self._call_of_edition("bproc_slave_chroot", integer(node, "node"), pointer_or_null(path, "path"))

    def bproc_nodechroot(self, node: int, path: Any) -> Call[int]:
        """Let a directory of a node be the root of whoever comes there from now on. Errors: bproc_nodechroot."""
        return self._call_of_edition("bproc_nodechroot", integer(node, "node"), pointer_or_null(path, "path"))

    def bproc_nodereboot_async(self, node: int) -> Call[int]:
        """Reboot a node, as bproc_nodereboot does, which does not wait either. Errors: bproc_nodereboot_async."""
        return self._call_of_edition("bproc_nodereboot_async", integer(node, "node"))

    def bproc_nodehalt_async(self, node: int) -> Call[int]:
        """Halt a node, as bproc_nodehalt does, which does not wait either. Errors: bproc_nodehalt_async."""
        return self._call_of_edition("bproc_nodehalt_async", integer(node, "node"))

    def bproc_nodepwroff_async(self, node: int) -> Call[int]:
        """Switch off a node, as bproc_nodepwroff does, which does not wait either. Errors: bproc_nodepwroff_async."""
        return self._call_of_edition("bproc_nodepwroff_async", integer(node, "node"))

    def bproc_nodereconnect(self, node: int, rem: Any, remsz: int, loc: Any, locsz: int) -> Call[int]:
        """Let a node connect to the master anew, at the address `rem` and from `loc`. Errors: bproc_nodereconnect.

        Each is a bp.Address or a bp.BprocAddress, with its size in bytes, 16.
        """
        sizes = integer(remsz, "remsz"), integer(locsz, "locsz")
        return self._call_of_edition("bproc_nodereconnect", integer(node, "node"), rem, sizes[0], loc, sizes[1])

    # ---- processes ----

    def bproc_detach(self, code: int) -> Call[int]:
        """Leave BProc's space and run on under another pid; others see an exit with `code`. Errors: bproc_detach."""
        return self._detach(code)

    def _detach(self, code: int) -> Call[int]:
        return self._call_of_edition("bproc_detach", integer(code, "code"))

    def bproc_proclist(self, node: int, list: Any) -> Call[int]:
        """Fill a list with a bp.BprocProcInfo for each process on a node; returns how many. Errors: bproc_proclist.

        bp.BPROC_NODE_ANY is all slaves; what runs on the master is not among them.
        """
        return self._call_of_edition("bproc_proclist", integer(node, "node"), list)

    def bproc_pidnode(self, pid: int) -> Call[int]:
        """Tell which slave a process is on; BPROC_NODE_NONE for the master, and on failure. Errors: bproc_pidnode."""
        return self._call_of_edition("bproc_pidnode", integer(pid, "pid"))

    def bproc_pidghostnode(self, pid: int) -> Call[int]:
        """Tell which node has a process's ghost; BPROC_NODE_NONE if it has none. Errors: bproc_pidghostnode."""
        return self._call_of_edition("bproc_pidghostnode", integer(pid, "pid"))

    def readproctab(self) -> Call[list[Any]]:
        """List the processes that can be seen from here, by pid, as libproc does for ps.

        On the master these are all of the cluster; of one elsewhere it is known what it did when its node was last
        asked, and no arguments.
        """
        return self._call("readproctab")
