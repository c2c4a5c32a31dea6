"""`bprocsim replay`: the run that a token holds, once more, and whether it came out the same."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bprocsim import __version__
from bprocsim.cli import scenarios
from bprocsim.cli.screen import Screen
from bprocsim.cli.usage import UsageError

if TYPE_CHECKING:
    from bprocsim.scenario.tokens import Token

SUMMARY = "run once more what a replay token holds"
DESCRIPTION = """\
Run once more what a replay token holds: its world, calls, faults and seed.
`bprocsim run` prints one for every run. The trace's digest is compared with
that of the first run. A token holds no code: a program given as
"module:function" is taken from --beside DIR, a file of the host from where it
was, and it is said if either differs."""
EPILOG = """\
examples:
  bprocsim run first.toml | bprocsim replay -

exit status: 0 it came out the same, and as expected; 1 it did not; 2 no token,
or something that it needs is not here."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `bprocsim replay --help`."""
    parser.add_argument("token", metavar="TOKEN", help="a token, or - to find one in standard input")
    parser.add_argument("--beside", metavar="DIR", help="where modules and relative files of the scenario lie")
    parser.add_argument("--json", action="store_true", help="write one JSON document, of one line, in place of text")


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Replay a token; the last line is the seed."""
    from bprocsim.scenario.load import Where, understand
    from bprocsim.scenario.materials import Outside
    from bprocsim.scenario.tokens import VERSION, TokenError, outcomes_hash, read_token

    try:
        token = read_token(_found(scenarios.read_input("-")[0]) if options.token == "-" else options.token)
    except TokenError as error:
        raise UsageError(str(error)) from None
    if token.version != VERSION or token.made_by != __version__:
        _warn(
            f"this token is of bprocsim {token.made_by} (bps{token.version}), this is {__version__} (bps{VERSION}); "
            "it is tried all the same"
        )
    outside = Outside(Path(options.beside or "."), imports=options.beside is not None)
    with scenarios.told_of():
        loaded = understand(token.scenario, Where("the token", None), outside)
        world = scenarios.built(loaded)
    _compare(token, outside.used)
    report = scenarios.run_all(loaded, world)
    same = (report.digest, outcomes_hash(report.results)) == (token.digest, token.outcomes)
    if options.json:
        screen.write(json.dumps(scenarios.document(report) | {"same": same}, sort_keys=True) + "\n")
    else:
        scenarios.tell(screen, report)
        _tell(screen, token, report.digest, same)
        screen.put((f"seed {report.seed}", "dim"))
    screen.flush()
    return scenarios.status_of(report) or (0 if same else 1)


def _found(data: bytes) -> str:
    """Find the token in a text, such as all that a run has printed."""
    token = rb"bps\d+\.[A-Za-z0-9_-]+\.[0-9a-f]{8}"
    # A mail may have broken it over lines.
    found = re.search(rb"\b" + token + rb"\b", data) or re.search(token, b"".join(data.split()))
    return found[0].decode() if found else ""


def _compare(token: Token, used: dict[str, str]) -> None:
    for name, digest in used.items():
        if token.used.get(name) != digest:
            _warn(f"{name} is not what it was when the token was made")


def _tell(screen: Screen, token: Token, digest: str | None, same: bool) -> None:
    if digest is not None:
        screen.put(("digest ", "label"), (digest, ""))
    if same:
        screen.put(("the same as in the first run", "ok"))
    else:
        what = f"the digest was {token.digest}" if token.digest is not None else "outcomes differ"
        screen.put((f"NOT the same as in the first run: {what}", "fail"))


def _warn(text: str) -> None:
    print(f"bprocsim replay: warning: {text}", file=sys.stderr)
