"""What the tests of scenarios share: a text becomes a scenario, or all that is wrong with it."""

from __future__ import annotations

from pathlib import Path

from bprocsim.scenario.build import build
from bprocsim.scenario.load import Loaded, load
from bprocsim.scenario.play import Result, play
from bprocsim.scenario.problems import Problem, ScenarioError

NAME = "test.toml"
HEAD = "schema = 1\n"


def loaded(text: str, *settings: str, beside: Path = Path()) -> Loaded:
    """Load a text as if it were a file called test.toml."""
    return load(text.encode(), NAME, beside, settings)


def problems(text: str, *settings: str, beside: Path = Path()) -> list[Problem]:
    """Give all that is wrong with a text, and with building its world."""
    try:
        build(loaded(text, *settings, beside=beside))
    except ScenarioError as error:
        return list(error.problems)
    return []


def told(text: str, *settings: str, beside: Path = Path()) -> list[str]:
    """Give all that is wrong with a text, as a user reads it."""
    return [str(each) for each in problems(text, *settings, beside=beside)]


def played(text: str, *settings: str, beside: Path = Path()) -> list[Result]:
    """Run a text to its end."""
    ready = loaded(text, *settings, beside=beside)
    return list(play(build(ready), ready))
