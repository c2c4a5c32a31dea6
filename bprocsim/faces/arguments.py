"""What a program's arguments may be: checked once, for both faces, with errors that name them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bprocsim.faces.pointers import BAD_ADDRESS


def integer(value: Any, argument: str, least: int | None = None) -> int:
    """Take an int (not a bool); TypeError or ValueError names the argument."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{argument}: expected an int, got {value!r}")
    if least is not None and value < least:
        raise ValueError(f"{argument}: expected at least {least}, got {value}")
    return value


def data(value: Any, call: str) -> Any:
    """Take bytes to write, or the address that nobody can read."""
    if isinstance(value, str):
        raise TypeError(
            f"{call}: data: expected bytes, got str {value!r}; write b'...' or .encode(), or use proc.print(...)"
        )
    if value is not BAD_ADDRESS and not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError(f"{call}: data: expected bytes, got {value!r}")
    return bytes(value) if value is not BAD_ADDRESS else value


def function(value: Any, call: str) -> Callable[..., Any]:
    """Take the function that a child, a thread or a handler runs."""
    if not callable(value):
        raise TypeError(f"{call}: expected a function (a generator cannot be copied), got {value!r}")
    made: Callable[..., Any] = value
    return made


def address(value: Any, call: str) -> Any:
    """Take a socket address."""
    if not (hasattr(value, "host") and hasattr(value, "port")):
        raise TypeError(f"{call}: address: expected bp.Address(host, port), got {value!r}")
    if not isinstance(value.host, str) or not 0 <= integer(value.port, "port") <= 0xFFFF:
        raise ValueError(f"{call}: address: expected a dotted quad and a port from 0 to 65535, got {value!r}")
    return value
