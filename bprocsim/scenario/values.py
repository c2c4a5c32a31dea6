"""What values of a scenario file mean to the world: strings as C has them, pointers, bytes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from bprocsim.faces.pointers import BAD_ADDRESS


def c_value(value: Any) -> Any:
    """Give what a text of the file stands for: str, bytes, None (NULL) or BAD_ADDRESS."""
    if not isinstance(value, Mapping):
        return value
    if "pointer" in value:
        return None if value["pointer"] == "null" else BAD_ADDRESS
    if "hex" in value:
        return bytes.fromhex(value["hex"])
    if "base64" in value:
        return base64.b64decode(value["base64"], validate=True)
    return value["text"] * value["times"]


def bytes_of(value: Any) -> bytes:
    """Give the bytes that a text of the file stands for; a str is UTF-8."""
    made = c_value(value)
    data: bytes = made.encode("utf-8") if isinstance(made, str) else made
    return data


def vector_of(value: Any) -> Any:
    """Give an argv or envp as the calls take it."""
    if isinstance(value, Mapping):
        return c_value(value) if set(value) == {"pointer"} else variables_of(value)
    return [c_value(each) for each in value]


def variables_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """Give an environment."""
    return {name: c_value(text) for name, text in value.items()}
