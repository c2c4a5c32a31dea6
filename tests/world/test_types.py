"""What a type checker sees of the package is what there is."""

from __future__ import annotations

import ast
import inspect
from enum import Enum
from importlib import import_module
from pathlib import Path

import attrs
import pytest

import bprocsim as bp

TOP = Path(bp.__file__).parent


def seen_by_type_checkers() -> dict[str, tuple[str, str]]:
    """Each public name with the room and the name that it is imported from, where only checkers look."""
    module = ast.parse((TOP / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in module.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return {
        alias.asname or alias.name: (str(each.module), alias.name)
        for each in block.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }


def test_every_name_that_is_fetched_late_is_seen() -> None:
    seen = seen_by_type_checkers()
    others = {
        "__version__",
        "costs",
        "Signal",
        *(name for name in dir(bp) if name.startswith("SIG") and "_" not in name),
    }
    assert set(seen) == set(bp.__all__) - others


@pytest.mark.parametrize(("name", "home"), seen_by_type_checkers().items())
def test_and_is_the_same_thing(name: str, home: tuple[str, str]) -> None:
    room, known_as = home
    assert getattr(bp, name) is getattr(import_module(room), known_as)


def test_the_package_says_that_it_is_typed() -> None:
    assert (TOP / "py.typed").exists()


@pytest.mark.parametrize("name", [name for name in bp.__all__ if inspect.isclass(getattr(bp, name))])
def test_arguments_of_public_classes_have_names_and_types(name: str) -> None:
    kind = getattr(bp, name)
    if issubclass(kind, BaseException | Enum) or attrs.has(kind):
        return
    for parameter in inspect.signature(kind).parameters.values():
        assert parameter.kind is not parameter.VAR_KEYWORD
        assert parameter.annotation is not parameter.empty


def test_errno_is_an_enum() -> None:
    assert issubclass(bp.Errno, Enum)
    assert issubclass(bp.Timeout, TimeoutError)
    assert issubclass(bp.CallError, OSError)
