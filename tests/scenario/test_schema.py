"""The JSON Schema: a second judge of scenario files, made of the same classes."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator

from bprocsim.scenario.jsonschema import json_schema, tables
from bprocsim.scenario.strict import structured
from bprocsim.scenario.tables import Scenario, written
from tests.environment import TOP
from tests.scenario.loading import HEAD
from tests.scenario.test_problems import BROKEN

SCHEMA = json_schema()
WHOLE = Draft202012Validator(SCHEMA)
RECORDS = [record for _, record in tables()]


def judge(record: type) -> Any:
    """Give the judge of one kind of table."""
    if record is Scenario:
        return WHOLE
    return Draft202012Validator({"$ref": f"#/$defs/{record.__name__}", "$defs": SCHEMA["$defs"]})


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("name", sorted(path.name for path in (TOP / "examples").glob("*.toml")))
def test_it_accepts_the_examples(name: str) -> None:
    values = tomllib.loads((TOP / "examples" / name).read_text(encoding="utf-8"))
    assert list(WHOLE.iter_errors(values)) == []
    # And what the records write down again, as a token has it.
    assert list(WHOLE.iter_errors(written(structured(values, Scenario)))) == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_it_refuses_keys_that_there_are_not(record: type) -> None:
    assert any("'nonsense' was unexpected" in each.message for each in judge(record).iter_errors({"nonsense": 1}))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_it_knows_and_describes_the_keys_that_there_are(record: type) -> None:
    schema = SCHEMA if record is Scenario else SCHEMA["$defs"][record.__name__]
    assert list(schema["properties"]) == [field.name for field in attrs.fields(record)]
    for field in attrs.fields(record):
        assert schema["properties"][field.name]["description"] == field.metadata["doc"]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_it_refuses_values_of_another_type(record: type) -> None:
    """No key takes a date, which in JSON is no value at all."""
    for field in attrs.fields(record):
        errors = [each for each in judge(record).iter_errors({field.name: date(2002, 1, 1)}) if each.absolute_path]
        assert [each.absolute_path[0] for each in errors] == [field.name] * len(errors)
        assert errors, field.name


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_it_misses_what_has_to_be_there(record: type) -> None:
    needed = {field.name for field in attrs.fields(record) if field.default is attrs.NOTHING}
    missed = {each.message.split("'")[1] for each in judge(record).iter_errors({}) if each.validator == "required"}
    assert missed == needed


def test_it_finds_in_a_broken_scenario_what_can_be_told_without_looking_further() -> None:
    found = {".".join(map(str, each.absolute_path)) for each in WHOLE.iter_errors(tomllib.loads(BROKEN))}
    assert {"", "cluster.edition", "user.0.gid", "file.0.program", "file.1", "fault.1.kind", "call.0"} <= found
    assert {"call.0.expect", "call.1", "call.1.node", "call.1.argv"} <= found


@pytest.mark.parametrize(
    "text",
    [
        '[[file]]\npath = "x"\ntext = ""\n',
        '[[file]]\npath = "/x"\nmode = 0o10000\n',
        '[[fault]]\nkind = "Loss"\na = 0\nb = 1\nprobability = 1.0\n',
        '[[call]]\ncall = "execve"\npath = { pointer = "nil" }\n',
        '[[call]]\ncall = "execve"\npath = { text = "x" }\n',
        '[[call]]\ncall = "run"\nargs = ["x"]\nenv = { "a=b" = "c" }\n',
        '[[call]]\ncall = "sleep"\nseconds = -1\n',
        '[[call]]\ncall = "sleep"\n',
        "[cluster]\nnodes = [{ cores = 0 }]\n",
    ],
)
def test_both_refuse(text: str) -> None:
    from tests.scenario.loading import problems

    assert problems(HEAD + text)
    assert not WHOLE.is_valid(tomllib.loads(HEAD + text))
