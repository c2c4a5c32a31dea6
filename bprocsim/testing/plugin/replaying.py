"""One command that runs a failed test again, so that it makes the same worlds."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import Any

import pytest

from bprocsim.testing.plugin.options import words_of

_OURS = "bprocsim.testing.plugin"


def command_of(item: pytest.Item, wrapped: Any) -> str:
    """Give the command; `wrapped` what Hypothesis keeps about the test, None if it is none of its tests."""
    config = item.config
    path, colons, inside = item.nodeid.partition("::")
    words = ["pytest", _from_here(item, path) + colons + inside, *words_of(config)]
    if _OURS in (config.getoption("plugins", None) or ()):
        words[1:1] = ["-p", _OURS]
    if wrapped is not None:
        words += _words_of_hypothesis(config, wrapped)
    return as_command(words)


def as_command(words: list[str]) -> str:
    """Write words as this system's command line takes them."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _from_here(item: pytest.Item, path: str) -> str:
    """Give the path of a test from where pytest was started; a node id starts at its root."""
    whole = item.config.rootpath / path
    try:
        return whole.relative_to(item.config.invocation_params.dir).as_posix()
    except ValueError:  # it lies elsewhere
        return str(whole)


def _words_of_hypothesis(config: pytest.Config, wrapped: Any) -> list[str]:
    """Give what brings the examples back that do not come again by themselves: their seed, or their profile."""
    given = config.getoption("hypothesis_seed", None)
    if given is not None:
        return [f"--hypothesis-seed={given}"]
    settings = getattr(wrapped, "_hypothesis_internal_use_settings", None)
    if getattr(settings, "derandomize", False):
        profile = getattr(sys.modules["hypothesis"].settings, "get_current_profile_name", lambda: "default")()
        return [] if profile == "default" else [f"--hypothesis-profile={profile}"]  # as CI has one by itself
    seed = getattr(wrapped, "_hypothesis_internal_use_generated_seed", None)
    return [f"--hypothesis-seed={seed}"] if seed is not None and getattr(settings, "database", None) is None else []
