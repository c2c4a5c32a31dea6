"""What a call's port may be: a number, or a list of tables, one for each descriptor that the process is to have."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from bprocsim.faces import iolists
from bprocsim.faces.iolists import BprocIo
from bprocsim.posix import openfile
from bprocsim.posix.network import Address
from bprocsim.scenario.aixkinds import Constant
from bprocsim.scenario.commonkinds import MODE, TEXT
from bprocsim.scenario.kinds import Either, Integer, Tables, Word, key
from bprocsim.scenario.values import c_value

_OPEN = ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_CREAT", "O_EXCL", "O_TRUNC", "O_APPEND", "O_DIRECTORY", "O_CLOEXEC")
_PREFIX = "BPROC_"


@frozen(kw_only=True)
class IoTable:
    """One descriptor: a file of the node, or a connection."""

    fd: int = key(Integer(what="a descriptor"), "its number")
    type: Any = key(
        Constant(("BPROC_IO_FILE", "BPROC_IO_SOCKET", "BPROC_IO_MEMFILE"), "type"), "what it is", "BPROC_IO_FILE"
    )
    flags: Any = key(Constant(("BPROC_IO_SEND_INFO", "BPROC_IO_DELAY"), "flag"), "how it is done", 0)
    host: str = key(Word("a dotted quad such as 10.54.0.1"), "left out: where the process comes from", "")
    port: int = key(Integer(0, 0xFFFF, "a port"), "of a connection", 0)
    file_name: Any = key(TEXT, "of a file of the node", "")
    file_flags: Any = key(Constant(_OPEN, "flag"), "with which the file is opened", 0)
    file_mode: int = key(MODE, "of a file that is made", 0)
    file_offset: int = key(Integer(0), "which changes nothing, as in BProc", 0)


PORT_OR_LIST = Either(
    {int: Integer(what="a port"), list: Tables(IoTable), tuple: Tables(IoTable)},
    "a port, or a list of tables with fd, type, ...",
)


def io_value(value: Any) -> Any:
    """Give what a call takes for a port, or for a list of tables."""
    return [_entry(each) for each in value] if isinstance(value, list | tuple) else value


def _entry(table: IoTable) -> BprocIo:
    return BprocIo(
        table.fd,
        _number(table.type),
        _number(table.flags),
        Address(table.host, table.port),
        c_value(table.file_name),
        _number(table.file_flags),
        table.file_mode,
        table.file_offset,
    )


def _number(value: Any) -> int:
    """Give the number of constants by their names."""
    if isinstance(value, int):
        return value
    number = 0
    for name in (part.strip() for part in value.split("|")):
        known = iolists if name.startswith(_PREFIX) else openfile
        number |= getattr(known, name.removeprefix(_PREFIX))
    return number
