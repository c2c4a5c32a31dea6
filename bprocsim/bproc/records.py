"""What calls fill for their callers: records that can be changed, as structures of C."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar

from attrs import Attribute, define, field, setters

from bprocsim.bproc.nodes import NODE_NONE
from bprocsim.posix.network import Address

API_VERSION = 4  # of the header of BProc 4.0. Source: bproc-common.
NO_ADDRESS = Address("0.0.0.0", 0)


def _check_int(_record: Any, attribute: Attribute[Any], value: Any) -> None:
    if value.__class__ is not int and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(f"{attribute.name}: expected an int, got {value!r}")


def _check_status(_record: Any, _attribute: Any, value: Any) -> None:
    if value.__class__ is not int and (isinstance(value, bool) or not isinstance(value, int | str)):
        raise TypeError(f"status: expected a number such as bp.bproc_node_up, in BProc 4.0 a word, got {value!r}")


def _check_address(_record: Any, _attribute: Any, value: Any) -> None:
    if not isinstance(value, Address):
        raise TypeError(f"addr: expected a bp.Address, got {value!r}")


@define(on_setattr=setters.validate)
class BprocNodeInfo:
    """What bproc_nodeinfo fills: `node` its number; `status` its state; `mode`, `user`, `group`; `addr`.

    The state is a number (bproc_node_up, ...), in BProc 4.0 a word ("up"). Only the bits 0111 of the
    mode count; the address of a node that is down is 0.0.0.0. TypeError names the
    field. Sources: scyld-bproc_nodes, bproc-bpfs.
    """

    changes_later: ClassVar[bool] = True  # see trace.as_now
    node: int = field(default=NODE_NONE, validator=_check_int)
    status: int | str = field(default=0, validator=_check_status)
    mode: int = field(default=0, validator=_check_int)
    user: int = field(default=0, validator=_check_int)
    group: int = field(default=0, validator=_check_int)
    addr: Address = field(default=NO_ADDRESS, validator=_check_address)


@define(on_setattr=setters.NO_OP)
class BprocNodeSet:
    """A set of nodes of BProc 4.0: `node` what is known of each, in order; a node may stand there twice."""

    changes_later: ClassVar[bool] = True  # see trace.as_now
    node: list[BprocNodeInfo] = field(factory=list)

    @property
    def size(self) -> int:
        """Count its nodes."""
        return len(self.node)

    def __copy__(self) -> BprocNodeSet:
        """Give a set that stays as this is now."""
        return BprocNodeSet([copy(each) for each in self.node])


@define(on_setattr=setters.NO_OP)
class BprocProcInfo:
    """One entry of bproc_proclist: the process `pid` and the `node` that it is on."""

    changes_later: ClassVar[bool] = True  # see trace.as_now
    pid: int = 0
    node: int = NODE_NONE


@define(on_setattr=setters.NO_OP)
class BprocAddress:
    """What bproc_nodeaddr and bproc_masteraddr fill: `host` a dotted quad, `port`."""

    changes_later: ClassVar[bool] = True  # see trace.as_now
    host: str = ""
    port: int = 0


@define(on_setattr=setters.NO_OP)
class BprocVersion:
    """What bproc_version fills: `magic`, `arch` a number (x86 1, alpha 2, ppc 3, x86_64 4, ppc64 5), `version_string`.

    `version_magic` tells builds apart; here it is 0. Source: bproc-common.
    """

    changes_later: ClassVar[bool] = True  # see trace.as_now
    magic: bytes = b""
    arch: int = 0
    version_magic: int = 0
    version_string: str = ""
