"""Spoilt scenarios: whatever is done to one, it runs or is told to be wrong, line by line, never a traceback."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bprocsim.scenario.build import build
from bprocsim.scenario.calltables import CALLS
from bprocsim.scenario.faulttables import FAULTS
from bprocsim.scenario.jsonschema import tables
from bprocsim.scenario.load import load
from bprocsim.scenario.play import Refused, play
from bprocsim.scenario.problems import ScenarioError
from tests.environment import TOP

EXAMPLES = [
    path.read_text(encoding="utf-8")
    for path in sorted((TOP / "examples").glob("*.toml"))
    if path.name != "real_files.toml"
]
KEYS = sorted({field.name for _, record in tables() for field in attrs.fields(record)})
HEADERS = [
    "[cluster]",
    "[lpar]",
    *(f"[[{name}]]" for name in ("user", "mount", "directory", "file", "link", "node", "fault")),
]
VALUES = [
    "0", "-1", "1", "3", "4096", "1_000_000_000_000_000_000_000", "9" * 5000, "0o755", "1.5", "nan", "inf", "true",
    '""', '"x"', '"/"', '"/x"', '"//x/../y"', '"/bin/sh"', '"all"', '"0-2"', '"root"', '"up"', '"down"', '"none"',
    '"ENOENT"', '"SIGKILL"', '"\\u0000"', '"é\\U0001F600"', "[]", "[[]]", "[1]", '["x"]', "{}", '{ hex = "ff" }',
    '{ text = "x", times = 3 }', '{ pointer = "null" }', '{ pointer = "bad" }', "{ x = 1 }", "1979-05-27",
    "[" * 500 + "]" * 500, '"hello"', '"sh"', '"m:f"', '"linux-6"', '"lanl32"', '"cold"', '"STUB"',
    '"lpar"', '"cluster"', '"0-3,6"', '"R_RSET"', '"R_ATTACH_STRSET"', '"RS_STSET"', '"RS_MYSELF"', '{ name = "a" }',
    '"p"', "13",
]  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """Some lines of an example taken away, doubled, or with another key or value."""
    lines = draw(st.sampled_from(EXAMPLES)).splitlines()
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        name, equals, value = lines[place].partition(" = ")
        match draw(st.integers(0, 5)):
            case 0:
                del lines[place]
            case 1:
                lines.insert(place, draw(st.sampled_from(lines)))
            case 2 if equals:
                lines[place] = f"{draw(st.sampled_from(KEYS))} = {value}"
            case 3:
                lines.insert(place, f"{draw(st.sampled_from(KEYS))} = {draw(st.sampled_from(VALUES))}")
            case 4:
                tags = [
                    *(f'[[call]]\ncall = "{name}"' for name in CALLS),
                    *(f'[[fault]]\nkind = "{name}"' for name in FAULTS),
                ]
                lines.insert(place, draw(st.sampled_from([*HEADERS, *tags])))
            case _ if equals:
                lines[place] = f"{name} = {draw(st.sampled_from(VALUES))}"
            case _:
                lines[place] = draw(st.text(max_size=8))
    return "\n".join(lines) + "\n"


def wrong(text: str, *changes: str) -> tuple[str, ...]:
    """Give what is wrong with a scenario, or with one of its calls; nothing if it ran."""
    try:
        ready = load(text.encode("utf-8", "surrogatepass"), "s.toml", Path("/nothing/of/this/name"), changes)
        for result in play(build(ready), ready):
            assert result.outcome is not None or result.raised or result.call.call == "sleep"
    except ScenarioError as error:
        return tuple(map(str, error.problems)) or ("",)
    except Refused as error:
        return (f"s.toml:{error.number}: {error}",)
    return ()


def judged(text: str, *changes: str) -> None:
    for line in wrong(text, *changes):
        assert re.match(r"(s\.toml:\d+: |s\.toml: this |--set )", line)


fuzzed = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@fuzzed
@given(spoilt())
def test_a_spoilt_scenario_runs_or_is_told_to_be_wrong(text: str) -> None:
    judged(text)


@fuzzed
@given(
    st.sampled_from(EXAMPLES),
    st.lists(st.sampled_from([*KEYS, "0", "1", "99", "x", ""]), min_size=1, max_size=4).map(".".join),
    st.sampled_from(VALUES),
)
def test_any_setting_runs_or_is_told_to_be_wrong(text: str, name: str, value: str) -> None:
    judged(text, f"{name}={value}")


@pytest.mark.parametrize("text", ["[" * 5000, "a = " + "[" * 5000, "a = " + "9" * 5000, "\ud800", "a = 1\x00"])
def test_what_no_reader_takes(text: str) -> None:
    judged(text)


@pytest.mark.slow
@fuzzed
@given(st.data(), st.sampled_from(EXAMPLES))
def test_a_misspelt_key_is_told_in_its_line(data: st.DataObject, text: str) -> None:
    lines = text.splitlines()
    pairs = [number for number, line in enumerate(lines) if re.match(r"\w+ = ", line)]
    place = data.draw(st.sampled_from([number for number in pairs if not lines[number].startswith(("call", "kind"))]))
    name = lines[place].partition(" = ")[0]
    lines[place] = lines[place].replace(name, f"{name}x", 1)
    # Whatever stands between: the line that is told is the key's.
    for number in sorted(data.draw(st.sets(st.integers(0, len(lines) - 1), max_size=6)), reverse=True):
        lines[number] = data.draw(st.sampled_from(["\n", "# x = 3\n", "\n\t\n  # [[\n"])) + lines[number]
    whole = "\n".join(lines) + "\n"
    line = next(number for number, each in enumerate(whole.splitlines(), 1) if each.startswith(f"{name}x = "))
    told = [each for each in wrong(whole) if f"{name}x: there is no such key here" in each]
    assert len(told) == 1
    assert told[0].startswith(f"s.toml:{line}: ")
