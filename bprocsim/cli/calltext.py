"""A call of a scenario as C, or the command line, would have it."""

from __future__ import annotations

import json
from typing import Any

import attrs

SHOWN_CHARACTERS = 40


def call_text(call: Any) -> str:
    """Write a call with what it was given, and who makes it."""
    if call.call == "sleep":
        return f"sleep({call.seconds:g})"
    if call.call == "run":
        return "run " + " ".join(argument_text(each) for each in call.args)
    by = "" if getattr(call, "user", "root") == "root" else f" by {call.user}"
    if getattr(call, "caller", None) is not None:
        by = f" by {call.caller}"
    node = getattr(call, "from_node", None)
    given = _of_method(call) if _is_of_method(call) else _given(call)
    return f"{call.call}({', '.join(given)}){by}" + ("" if node in (None, -1) else f" from node {node}")


def _is_of_method(call: Any) -> bool:
    from bprocsim.scenario.callbase import MethodTable

    return isinstance(call, MethodTable)


def _given(call: Any) -> list[str]:
    """Write the arguments of a call of BProc or POSIX, or of one that makes something by name."""
    names = ("node", "port", "path", "cmd", "argv", "envp", "name", "processors")
    return [argument_text(value) for name in names if (value := getattr(call, name, None)) is not None]


def _of_method(call: Any) -> list[str]:
    """Write the arguments of a call in their order: constants by their names; what was left out at the end is."""
    from bprocsim.scenario.aixkinds import Constant, WorkValue
    from bprocsim.scenario.bprockinds import ErrnoValue
    from bprocsim.scenario.callbase import parameters_of

    written: list[str] = []
    for parameter in parameters_of(type(call), call.call):
        value = getattr(call, parameter.name)
        kind = attrs.fields_dict(type(call))[parameter.name].metadata["kind"]
        if value is None:
            written.append("" if parameter.name != call.fills.get(call.call) else "{}")
        elif parameter.kind is parameter.VAR_POSITIONAL and isinstance(value, list | tuple):
            written += [argument_text(each) for each in value]
        else:
            named = isinstance(kind, Constant | WorkValue | ErrnoValue) and isinstance(value, str)
            written.append(value if named else argument_text(value, parameter.name))
    while written and not written[-1]:
        written.pop()
    return [each or "-" for each in written]


def argument_text(value: Any, name: str = "") -> str:
    """Write a value as a file, or C, would have it; `name` that of its key: a mode is octal."""
    if isinstance(value, dict):
        if set(value) == {"pointer"}:
            return "NULL" if value["pointer"] == "null" else "BAD_ADDRESS"
        if set(value) == {"text", "times"}:
            return f"{argument_text(value['text'])} * {value['times']}"
        return "{" + ", ".join(f"{key}={argument_text(each, key)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(argument_text(each) for each in value)}]"
    if attrs.has(type(value)):
        fields = attrs.fields(type(value))
        given = {each.name: own for each in fields if (own := getattr(value, each.name)) != each.default}
        return argument_text(given)
    if name == "mode" and isinstance(value, int):
        return f"{value:#o}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 4] + '..."'
