"""What Hypothesis finds by itself: the strategies of our classes, told to it when it is imported."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# The strategy of each class, by the names of both. It is fetched when somebody asks for it.
_STRATEGIES = {
    "Cluster": "clusters",
    "Credentials": "credentials",
    "ElfImage": "elf_images",
    "Lpar": "topologies",
    "User": "users",
}


def register() -> None:
    """Tell Hypothesis the strategies of our classes, so that `from_type(bp.Cluster)` finds them.

    The entry point `hypothesis` of the package, which runs whenever Hypothesis is imported, so it is quick:
    a class that nobody has fetched yet is told of once somebody does.
    """
    import bprocsim as bp

    if _tell in bp._told:
        return
    bp._told.append(_tell)
    for name in _STRATEGIES.keys() & vars(bp).keys():
        _tell(name, getattr(bp, name))


def _tell(name: str, kind: Any) -> None:
    if name in _STRATEGIES:
        from hypothesis import strategies as st

        st.register_type_strategy(kind, lambda _kind: _made(_STRATEGIES[name]))


def _made(name: str) -> Any:
    return getattr(import_module("bprocsim.testing.strategies"), name)()
