"""Programs, and the images behind which they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast, overload

from attrs import define, field, frozen, setters

from bprocsim.posix.arch import Arch
from bprocsim.posix.elf import ElfFile
from bprocsim.units import KiB, MiB

F = TypeVar("F", bound=Callable[..., Any])

# From this size on a file is kept in memory for what was read of it only if it is one of the last few.
_LARGE_BYTES = MiB


@frozen(eq=False)
class Program:
    """The behaviour behind an image.

    `function(proc)` a generator function (or a plain one) that gives the exit status; `name` what
    its image's note says; `needs` the shared libraries (empty: a static image); `memory_bytes` what
    it takes when loaded.
    """

    function: Callable[..., Any]
    name: str
    needs: tuple[str, ...] = ()
    memory_bytes: int = 64 * KiB

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def as_program(thing: Any) -> Program:
    """Take a Program or a function as a Program; TypeError says what was expected."""
    if isinstance(thing, Program):
        return thing
    if callable(thing):
        return Program(thing, name_of(thing))
    raise TypeError(f"program: expected a function such as `def hello(proc): ...`, got {thing!r}")


def name_of(function: Any) -> str:
    """Name a function, or an object that is called like one by its class."""
    return str(getattr(function, "__name__", "") or type(function).__name__)


@overload
def program(function: Callable[..., Any]) -> Program: ...
@overload
def program(
    *, name: str | None = None, needs: Sequence[str] = (), memory_bytes: int = 64 * KiB
) -> Callable[[Callable[..., Any]], Program]: ...
def program(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    needs: Any = (),
    memory_bytes: int = 64 * KiB,
) -> Program | Callable[[Callable[..., Any]], Program]:
    """Make a program of a function; with or without arguments, as a decorator.

    `needs` the shared libraries by soname (none: a static image); `memory_bytes` what the image
    takes when loaded; `name` what its image's note says. TypeError, ValueError: name the argument.
    """
    if not isinstance(needs, list | tuple) or not all(isinstance(each, str) for each in needs):
        raise TypeError(f"needs: expected a tuple of sonames such as ('libc.so.6',), got {needs!r}")
    if any(not each or "\0" in each for each in needs):
        raise ValueError(f"needs: expected sonames such as ('libc.so.6',), got {needs!r}")
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name: expected a str, got {name!r}")
    if name is not None and (not name or "\0" in name):
        raise ValueError(f"name: expected a name without NUL, got {name!r}")
    if isinstance(memory_bytes, bool) or not isinstance(memory_bytes, int):
        raise TypeError(f"memory_bytes: expected an int, got {memory_bytes!r}")
    if memory_bytes < 1:
        raise ValueError(f"memory_bytes: expected at least 1, got {memory_bytes}")

    def make(made: Callable[..., Any]) -> Program:
        if not callable(made):
            raise TypeError(f"function: expected a function such as `def hello(proc): ...`, got {made!r}")
        return Program(made, name or name_of(made), tuple(needs), memory_bytes)

    return make if function is None else make(function)


@lru_cache(maxsize=256)
def image_bytes(name: str, needs: tuple[str, ...], memory_bytes: int, arch: Arch) -> bytes:
    """Build the file of a program of ours for an architecture."""
    return arch.format.build(arch, name, needs, memory_bytes)


def read_once(function: F) -> F:
    """Let a function of a file's bytes, and of other things that can be hashed, read the same bytes once."""
    small, large = lru_cache(maxsize=256)(function), lru_cache(maxsize=4)(function)

    @wraps(function)
    def read(data: bytes, *others: Any) -> Any:
        return (small if len(data) < _LARGE_BYTES else large)(data, *others)

    return cast("F", read)


@read_once
def read_elf(data: bytes, arch: Arch) -> ElfFile:
    """Read a file as a kernel of `arch` does; the same bytes are read once."""
    return arch.parse(data)


@read_once
def program_named(data: bytes, arch: Arch) -> str | None:
    """Tell which program of ours a file names, None for a foreign one; the same bytes are read once."""
    return arch.format.program_of(read_elf(data, arch))


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Loaded:
    """An image in memory: what a process runs.

    `path` as it was named; `inode` the file; `elf` its headers; `program` the behaviour, None for a
    foreign image; `loader` the inode of its ELF interpreter; `script` the body, when a script was
    named and this is its interpreter; `memory_bytes` what it takes; `kill` the signal by which its
    headers kill it after the point of no return; `set_id` it changed the ids; `mapped` the loader and
    the libraries that it has loaded: path and inode of each.
    """

    path: bytes
    inode: Any
    elf: ElfFile
    program: Program | None = None
    loader: Any = None
    loader_path: bytes = b""
    script: bytes | None = None
    script_path: bytes = b""
    memory_bytes: int = 0
    kill: int = 0
    set_id: bool = False
    fresh: bool = field(default=True)
    mapped: tuple[tuple[bytes, Any], ...] = ()


@read_once
def memory_of(data: bytes, arch: Arch) -> int:
    """Give the memory that an image's segments take, in whole pages; the same bytes are counted once."""
    return arch.format.memory_of(arch, read_elf(data, arch))
