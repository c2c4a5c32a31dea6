"""What a program's arguments may be: checked once, for both faces, with errors that name them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from types import FunctionType
from typing import Any

from bprocsim.faces.pointers import BAD_ADDRESS, pointer_or_null

_BYTES = (bytes, bytearray, memoryview)


def integer(value: Any, argument: str, least: int | None = None) -> int:
    """Take an int (not a bool), and a named one as its number; TypeError or ValueError names the argument."""
    if value.__class__ is not int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{argument}: expected an int, got {value!r}")
        value = int(value)
    if least is not None and value < least:
        raise ValueError(f"{argument}: expected at least {least}, got {value}")
    number: int = value
    return number


def numbers(value: Any, argument: str) -> Any:
    """Take an array of ints, such as a list, or NULL or the address that nobody can read; TypeError names it."""
    if value is None or value is BAD_ADDRESS:
        return BAD_ADDRESS
    if isinstance(value, str | bytes | Mapping | AbstractSet) or not isinstance(value, Iterable):
        raise TypeError(f"{argument}: expected a list of ints, got {value!r}")
    return tuple([each if type(each) is int else integer(each, argument) for each in value])


def filled(value: Any, argument: str) -> Any:
    """Take a list that the call is to fill, or NULL or the address that nobody can write; TypeError names it."""
    if value is None or value is BAD_ADDRESS:
        return BAD_ADDRESS
    if not isinstance(value, list):
        raise TypeError(f"{argument}: expected a list, which the call fills, got {value!r}")
    return value


def node_address(value: Any, argument: str) -> Any:
    """Take a bp.Address or bp.BprocAddress, NULL, or a bad address; TypeError names the argument."""
    if value is None or value is BAD_ADDRESS or isinstance(getattr(value, "host", None), str):
        return value
    raise TypeError(f"{argument}: expected a bp.Address or a bp.BprocAddress, got {value!r}")


def data(value: Any, call: str) -> Any:
    """Take bytes to write, or the address that nobody can read."""
    if value.__class__ is bytes:
        return value
    if isinstance(value, str):
        raise TypeError(
            f"{call}: data: expected bytes, got str {value!r}; write b'...' or .encode(), or use proc.print(...)"
        )
    if value is BAD_ADDRESS:
        return value
    if not isinstance(value, _BYTES):
        raise TypeError(f"{call}: data: expected bytes, got {value!r}")
    return bytes(value)


def function(value: Any, call: str) -> Callable[..., Any]:
    """Take the function that a child, a thread or a handler runs."""
    if not callable(value):
        raise TypeError(f"{call}: expected a function (a generator cannot be copied), got {value!r}")
    made: Callable[..., Any] = value
    return made


def child_function(value: Any, call: str, args: tuple[Any, ...], *before: str) -> Callable[..., Any]:
    """Take what a child runs with `args`, and with what the call gives it `before` them, such as its index.

    TypeError: it cannot be called with that many.
    """
    made = function(value, call)
    if _surely_takes(made, 1 + len(before) + len(args)):
        return made
    try:
        signature = inspect.signature(made)
    except (TypeError, ValueError):  # one that Python knows no signature of
        return made
    try:
        signature.bind("proc", *before, *args)
    except TypeError as error:
        called = ", ".join(("proc", *before, *("..." for _ in args)))
        raise TypeError(f"{call}: child: expected a function that takes ({called}), got {made!r}: {error}") from None
    return made


def _surely_takes(made: Callable[..., Any], count: int) -> bool:
    """Tell of a plain function, without its signature, whether it takes so many; False also if it is another thing."""
    if made.__class__ is not FunctionType or made.__dict__:  # what wraps another has that one's signature
        return False
    code = made.__code__
    most = code.co_argcount
    return not code.co_kwonlyargcount and most - len(made.__defaults__ or ()) <= count <= most


def action(value: Any) -> Any:
    """Take what a signal shall do: a handler, or one of SIG_DFL and SIG_IGN, which are no functions."""
    if not callable(value) and getattr(value, "name", "") not in ("DEFAULT", "IGNORE"):
        raise TypeError(
            f"sigaction: action: expected a function handler(proc, signum), bp.SIG_DFL or bp.SIG_IGN, got {value!r}"
        )
    return value


def usable(rset: Any, call: str) -> Any:
    """Take a resource set that is one, and not freed; what a command does with it has no errno for that."""
    if not hasattr(rset, "processors"):
        raise TypeError(f"{call}: rset: expected a set such as rs_alloc gives, got {rset!r}")
    if rset.freed:
        raise ValueError(f"{call}: rset: this set was freed")
    return rset


def work_id(value: Any, argument: str) -> Any:
    """Take the id of a process or a thread, or a set in its place (an errno is for that); TypeError names it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if value is None or value is BAD_ADDRESS or hasattr(value, "processors"):
        return value
    hint = "; write .pid behind it" if hasattr(value, "pid") else ""
    raise TypeError(f"{argument}: expected the id of a process or a thread, got {value!r}{hint}")


def address(value: Any, call: str) -> Any:
    """Take a socket address: a dotted quad, or "" for any of the machine's own, and a port."""
    if not (hasattr(value, "host") and hasattr(value, "port")):
        raise TypeError(f"{call}: address: expected bp.Address(host, port), got {value!r}")
    if not isinstance(value.host, str) or not (value.host == "" or is_quad(value.host)):
        raise ValueError(f"{call}: address: host: expected a dotted quad or '', got {value.host!r}")
    if not 0 <= integer(value.port, "port") <= 0xFFFF:
        raise ValueError(f"{call}: address: port: expected 0 to 65535, got {value.port}")
    return value


def state_asked(node: Any, status: Any, len: Any) -> tuple[Any, ...]:
    """Take the arguments of bproc_nodestatus, of which some editions have only the first."""
    if len is None:
        return (node,) if status is None else (node, status)
    return node, status, len


def attribute_asked(node: Any, name: Any, value: Any, size: Any) -> tuple[Any, ...]:
    """Take the arguments of bproc_getnodeattr, which writes to `value`."""
    return integer(node, "node"), pointer_or_null(name, "name"), value, integer(size, "size")


def attribute(node: Any, name: Any, value: Any, size: Any) -> tuple[Any, ...]:
    """Take the arguments of bproc_setnodeattr, which reads bytes from `value`."""
    if value is not None:
        value = data(value, "bproc_setnodeattr")
    return attribute_asked(node, name, value, size)


def unchecked(value: Any, _argument: str) -> Any:
    """Take anything: what is wrong with it has an errno."""
    return value


def is_quad(host: str) -> bool:
    """Tell whether a text is a dotted quad."""
    parts = host.split(".")
    return len(parts) == 4 and all(each.isascii() and each.isdecimal() and int(each) <= 255 for each in parts)
