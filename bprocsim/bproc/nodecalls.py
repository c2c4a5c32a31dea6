"""The calls about nodes and processes by their names; the edition of a cluster says what each does."""

from __future__ import annotations

from bprocsim.bproc.service import Call

BPROC_NUMNODES = Call("bproc_numnodes")
BPROC_CURRNODE = Call("bproc_currnode")
BPROC_NODESTATUS = Call("bproc_nodestatus")
BPROC_NODEINFO = Call("bproc_nodeinfo")
BPROC_NODELIST = Call("bproc_nodelist")
BPROC_NODEADDR = Call("bproc_nodeaddr")
BPROC_MASTERADDR = Call("bproc_masteraddr")
BPROC_NODENUMBER = Call("bproc_nodenumber")
BPROC_GETNODEBYNAME = Call("bproc_getnodebyname")
BPROC_VERSION = Call("bproc_version")
BPROC_NOTIFIER = Call("bproc_notifier")
BPROC_STRERROR = Call("bproc_strerror")
BPROC_ACCESS = Call("bproc_access")
_BPROC_ACCESS = Call("_bproc_access")
BPROC_CHMOD = Call("bproc_chmod")
BPROC_CHOWN = Call("bproc_chown")
BPROC_CHGRP = Call("bproc_chgrp")
BPROC_SETNODESTATUS = Call("bproc_setnodestatus")
BPROC_NODESETSTATUS = Call("bproc_nodesetstatus")
BPROC_NODEREBOOT = Call("bproc_nodereboot")
BPROC_NODEHALT = Call("bproc_nodehalt")
BPROC_NODEPWROFF = Call("bproc_nodepwroff")
BPROC_PROCLIST = Call("bproc_proclist")
BPROC_PIDNODE = Call("bproc_pidnode")
BPROC_PIDGHOSTNODE = Call("bproc_pidghostnode")
