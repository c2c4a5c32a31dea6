"""I/O lists for the rows of a call that is given one: by a name, the list, and what the target is like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from attrs import frozen

import bprocsim as bp

FD = 5  # the descriptor that a list is about
_PLACE = "/io"
_FILE, _SPOILT, _RUNS = f"{_PLACE}/file", f"{_PLACE}/spoilt", f"{_PLACE}/runs"


def _nothing(_files: Any) -> None:
    """Leave the target as it is."""


@frozen
class IoWorld:
    """A list, and what the target's files are like: `prepare(fs)` makes them, in /io, which is everybody's.

    `io` the list, or where there is none; `spoilt` a directory that cannot be read; `runs` a program that
    runs there.
    """

    io: Any
    prepare: Callable[[Any], None] = _nothing
    spoilt: str = ""
    runs: str = ""


def _file(name: Any = _FILE, flags: int = 0, mode: int = 0o600, fd: int = FD) -> list[bp.BprocIo]:
    return [bp.BprocIo(fd, bp.BPROC_IO_FILE, 0, file_name=name, file_flags=flags, file_mode=mode)]


def _socket(port: int, host: str = "", flags: int = 0) -> list[bp.BprocIo]:
    return [bp.BprocIo(FD, bp.BPROC_IO_SOCKET, flags, bp.Address(host, port))]


def _of_root(files: Any) -> None:
    files.write_file(_FILE, b"", mode=0o600)


def _closed(files: Any) -> None:
    files.mkdir(f"{_PLACE}/closed", 0o700)


def _links(files: Any) -> None:
    files.symlink(f"{_PLACE}/circle", f"{_PLACE}/circle")


def _plain(files: Any) -> None:
    files.write_file(_FILE, b"text", mode=0o666)


def _read_only(files: Any) -> None:
    files.mkdir(f"{_PLACE}/fixed")
    files.mount(f"{_PLACE}/fixed", readonly=True)


def _others_directory(files: Any) -> None:
    files.mkdir(f"{_PLACE}/others", 0o755)


def _device(files: Any) -> None:
    files.mknod(f"{_PLACE}/device", "chr", 0o666)


PORT = 4100
_CREATE = bp.O_WRONLY | bp.O_CREAT

IO_WORLDS: Mapping[str, IoWorld] = MappingProxyType(
    {
        "none": IoWorld([]),
        "file": IoWorld(_file(), _plain),
        # More than what a kernel keeps for root alone, so that it is not the exec that finds no room.
        "many files": IoWorld([entry for fd in range(FD, FD + 12) for entry in _file(fd=fd)], _plain),
        "new file": IoWorld(_file(flags=_CREATE)),
        "sixteen": IoWorld(_file("/dev/null") * bp.BPROC_IO_MAX_LEN),
        "seventeen": IoWorld(_file("/dev/null") * (bp.BPROC_IO_MAX_LEN + 1)),
        "bad": IoWorld(bp.BAD_ADDRESS),
        "null": IoWorld(None),
        "memory": IoWorld([bp.BprocIo(FD, bp.BPROC_IO_MEMFILE)]),
        "type": IoWorld([bp.BprocIo(FD, 7)]),
        "negative type": IoWorld([bp.BprocIo(FD, -1)]),
        "high": IoWorld(_file("/dev/null", fd=1 << 20)),
        "negative": IoWorld(_file("/dev/null", fd=-1)),
        "makes directory": IoWorld(_file(flags=_CREATE | bp.O_DIRECTORY)),
        "no name": IoWorld(_file(b"")),
        "closed": IoWorld(_file(f"{_PLACE}/closed/file"), _closed),
        "slash": IoWorld(_file(f"{_FILE}/", _CREATE)),
        "absent": IoWorld(_file()),
        "beneath": IoWorld(_file(f"{_FILE}/below"), _plain),
        "links": IoWorld(_file(f"{_PLACE}/circle"), _links),
        "spoilt": IoWorld(_file(f"{_SPOILT}/file"), lambda files: files.mkdir(_SPOILT), spoilt=_SPOILT),
        "exists": IoWorld(_file(flags=_CREATE | bp.O_EXCL), _plain),
        "directory": IoWorld(_file(_PLACE, bp.O_WRONLY)),
        "no directory": IoWorld(_file(flags=bp.O_DIRECTORY), _plain),
        "read only": IoWorld(_file(f"{_PLACE}/fixed/file", _CREATE), _read_only),
        "others directory": IoWorld(_file(f"{_PLACE}/others/file", _CREATE), _others_directory),
        "others file": IoWorld(_file(), _of_root),
        "device": IoWorld(_file(f"{_PLACE}/device"), _device),
        "program": IoWorld(_file(_RUNS, bp.O_WRONLY), runs=_RUNS),
        "socket": IoWorld(_socket(PORT)),
        "informed socket": IoWorld(_socket(PORT, flags=bp.BPROC_IO_SEND_INFO)),
        "nowhere": IoWorld(_socket(PORT, "10.99.0.1")),
    }
)


def faults_of(world: IoWorld, node: int) -> Iterator[Any]:
    """Give what is to go wrong on the node."""
    if world.spoilt:
        yield bp.IoError(node, world.spoilt)


def prepare(cluster: bp.Cluster, world: IoWorld, node: int) -> None:
    """Make the files of a list's node, and let a program run there if one is to."""
    files = cluster.nodes[node].fs
    files.mkdir(_PLACE, 0o777)
    world.prepare(files)
    if world.runs:
        cluster.install(world.runs, _stays, on=node, mode=0o777)

        def goes(proc: bp.BprocProc) -> Iterator[Any]:
            yield from proc.bproc_rexec(node, world.runs, ["runs"], {})

        cluster.popen(goes)
        cluster.sleep(0.1)


def _stays(proc: bp.Proc) -> Iterator[Any]:
    """Run until a signal comes."""
    yield from proc.pause()
