"""A run in one word: a scenario, its seed, and what its trace came to, to be replayed anywhere.

A token is `bps1.` (the version), the scenario as JSON, compressed, in base64url, and a checksum. What
lies outside of the scenario, modules and files of the host, is named in it with its SHA-256. A token
holds no code, and reading one runs nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Iterable
from typing import Any

from attrs import frozen

from bprocsim.scenario.load import Loaded
from bprocsim.scenario.play import Result, told
from bprocsim.scenario.tables import written

VERSION = 1
LARGEST_BYTES = 64 * 1024 * 1024  # of JSON: what a word that somebody sent may grow to


class TokenError(ValueError):
    """A word that is no token, or a damaged one; the text is the one sentence that says so."""


@frozen
class Token:
    """What a token holds.

    `version` of the form; `scenario` as a file would have it; `used` what lies outside of it, with
    its SHA-256; `digest` that of the trace, None if the run kept none; `outcomes` a hash of what its
    calls came to; `made_by` the version of bprocsim.
    """

    version: int
    scenario: dict[str, Any]
    used: dict[str, str]
    digest: str | None
    outcomes: str
    made_by: str


def write_token(loaded: Loaded, digest: str | None, results: Iterable[Result], made_by: str) -> str:
    """Put a run into one word."""
    held = {
        "scenario": written(loaded.scenario),
        "used": loaded.outside.used,
        "digest": digest,
        "outcomes": outcomes_hash(results),
        "made_by": made_by,
    }
    packed = zlib.compress(json.dumps(held, ensure_ascii=False, separators=(",", ":")).encode(), 9)
    word = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return f"bps{VERSION}.{word}.{_checksum(word)}"


def read_token(text: str) -> Token:
    """Take a token apart. TokenError: it is none, or damaged."""
    found = re.fullmatch(r"bps(\d+)\.([A-Za-z0-9_-]+)\.([0-9a-f]{8})", "".join(text.split()), re.ASCII)
    if found is None and re.match(r"bps\d+\.[A-Za-z0-9_-]", text.lstrip(), re.ASCII):
        raise TokenError("this token is damaged: it does not end in a checksum; copy the whole word, to its end")
    if found is None:
        raise TokenError("this is no replay token: one is a word like bps1.<text>.<checksum>, as `bprocsim run` prints")
    version, word, checksum = int(found[1]), found[2], found[3]
    if _checksum(word) != checksum:
        raise TokenError("this token is damaged: its checksum is wrong; copy the whole word")
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)), LARGEST_BYTES)
        held = json.loads(data)
        token = Token(version, held["scenario"], held["used"], held["digest"], held["outcomes"], held["made_by"])
    except (binascii.Error, zlib.error, ValueError, KeyError, TypeError, RecursionError):
        raise TokenError(f"this token is damaged, or of a version that cannot be read (bps{version})") from None
    if (type(held["scenario"]), type(held["used"]), type(held["outcomes"])) != (dict, dict, str):
        raise TokenError(f"this token is damaged, or of a version that cannot be read (bps{version})")
    return token


def outcomes_hash(results: Iterable[Result]) -> str:
    """Hash what calls came to."""
    plain = [
        [
            each.number, each.raised, None if each.outcome is None else plain_outcome(each.outcome),
            *([each.filled] if each.filled is not None else []),
        ]
        for each in results
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def plain_outcome(outcome: Any) -> dict[str, Any]:
    """Give an outcome as JSON holds it."""
    return {name: plain(value) for name, value in told(outcome).items()}


def plain(value: Any) -> Any:
    """Give a value as JSON holds it: bytes as a text, or if they are no UTF-8 in base64, as a scenario has them."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _checksum(word: str) -> str:
    return f"{zlib.crc32(word.encode()):08x}"
