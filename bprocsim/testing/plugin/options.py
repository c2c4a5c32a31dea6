"""The plugin's options: --bprocsim-seed and --bprocsim-trace."""

from __future__ import annotations

import argparse
import random
from typing import Any

import pytest

SEED = "bprocsim_seed"
TRACE = "bprocsim_trace"
LEVELS = ("off", "errors", "all")  # as bprocsim.trace has them; importing it for the help would cost every run


def add_options(parser: pytest.Parser) -> None:
    """Add the options to the command line."""
    group = parser.getgroup("bprocsim", "simulated clusters and partitions (bprocsim)")
    group.addoption(
        "--bprocsim-seed", dest=SEED, type=_seed, default=None, metavar="N",
        help="the seed of worlds that bprocsim's fixtures and factories make, where nothing else gives one: "
        "a number (default: 0), or 'random', a new one for each run, told in the header",
    )  # fmt: skip
    group.addoption(
        "--bprocsim-trace", dest=TRACE, choices=LEVELS, default=None,
        help="what the trace of such worlds keeps: nothing, failures and faults (default), or everything",
    )  # fmt: skip


def settle(config: pytest.Config) -> None:
    """Choose a random seed once and for all; a worker of pytest-xdist takes that of the run that started it."""
    if config.getoption(SEED) == "random":
        given = getattr(config, "workerinput", {}).get(SEED)
        setattr(config.option, SEED, random.Random().getrandbits(32) if given is None else given)


def hand_on(config: pytest.Config, workerinput: dict[str, Any]) -> None:
    """Let a worker of pytest-xdist have the seed of the run that starts it."""
    workerinput[SEED] = config.getoption(SEED)


def defaults(config: pytest.Config) -> dict[str, Any]:
    """Give the keywords of a world about which nothing else is said."""
    trace = config.getoption(TRACE)
    return {"seed": config.getoption(SEED) or 0, **({} if trace is None else {"trace": trace})}


def header(config: pytest.Config) -> str | None:
    """Tell of the options in force, where there are any."""
    told = {"--bprocsim-seed": config.getoption(SEED), "--bprocsim-trace": config.getoption(TRACE)}
    given = [f"{name}={value}" for name, value in told.items() if value is not None]
    return f"bprocsim: {' '.join(given)}" if given else None


def words_of(config: pytest.Config) -> list[str]:
    """Give the words of a command line by which another run makes the same worlds."""
    trace = config.getoption(TRACE)
    return [f"--bprocsim-seed={config.getoption(SEED) or 0}", *([] if trace is None else [f"--bprocsim-trace={trace}"])]


def _seed(text: str) -> int | str:
    if text == "random":
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, or random, got {text!r}") from None
