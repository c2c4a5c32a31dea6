"""Every key of every table: documented, taken, and refused when misspelt, missing, or of another type."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs
import pytest
from cattrs import ClassValidationError

import bprocsim as bp
from bprocsim.scenario.aixcalls import AIX_CALLS
from bprocsim.scenario.bproccalls import BPROC_CALLS
from bprocsim.scenario.callbase import ExpectTable
from bprocsim.scenario.calltables import CALLS
from bprocsim.scenario.faulttables import FAULT_KEYS, FAULTS
from bprocsim.scenario.jsonschema import tables
from bprocsim.scenario.problems import Problem
from bprocsim.scenario.strict import problems_of, structured
from bprocsim.scenario.tables import Scenario

RECORDS = [record for _, record in tables()]
KEYS = [(record, field) for record in RECORDS for field in attrs.fields(record)]
IDS = [f"{record.__name__}.{field.name}" for record, field in KEYS]


def wrong(values: dict[str, Any], record: type) -> list[Problem]:
    with pytest.raises(ClassValidationError) as caught:
        structured(values, record)
    return list(problems_of(caught.value))


def test_the_tables_are_found() -> None:
    names = {record.__name__ for record in RECORDS}
    assert {"Scenario", "ClusterTable", "NodesTable", "FileTable", "ImageTable", "SegmentTable"} <= names
    assert {"ExpectTable", "ExecmoveIoTable", "RunTable", "PowerOffTable", "LibraryMissingTable"} <= names
    assert len(KEYS) > 150


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_table_is_documented(record: type) -> None:
    assert (record.__doc__ or "").partition("\n")[0].rstrip().endswith(".")


@pytest.mark.parametrize(("record", "field"), KEYS, ids=IDS)
def test_a_key_is_documented(record: type, field: Any) -> None:
    assert len(field.metadata["doc"]) > 4
    assert not field.metadata["doc"].endswith(".")
    assert field.metadata["kind"].expected


@pytest.mark.slow
@pytest.mark.parametrize(("record", "field"), KEYS, ids=IDS)
def test_a_misspelt_key_is_refused_and_the_right_one_named(record: type, field: Any) -> None:
    misspelt = field.name[:-1] + "zz" if len(field.name) > 3 else field.name + "zz"
    told = [each for each in wrong({misspelt: 1}, record) if each.path == (misspelt,)]
    assert len(told) == 1
    assert told[0].at_key
    assert "there is no such key here" in told[0].what
    assert field.name in told[0].what
    if len(field.name) > 5:
        assert "did you mean" in told[0].what


@pytest.mark.slow
@pytest.mark.parametrize(("record", "field"), KEYS, ids=IDS)
def test_a_key_refuses_what_it_does_not_take(record: type, field: Any) -> None:
    """No key takes a date; the error is at the key, and says what is expected."""
    told = [each for each in wrong({field.name: date(2002, 1, 1)}, record) if each.path == (field.name,)]
    assert len(told) == 1
    assert told[0].what.startswith("expected ")
    assert "2002-01-01" in told[0].what


@pytest.mark.slow
@pytest.mark.parametrize(
    ("record", "field"),
    [pair for pair in KEYS if pair[1].default is attrs.NOTHING],
    ids=[name for name, pair in zip(IDS, KEYS, strict=True) if pair[1].default is attrs.NOTHING],
)
def test_a_key_that_has_to_be_there_is_missed(record: type, field: Any) -> None:
    told = [each for each in wrong({}, record) if each.path == (field.name,)]
    assert len(told) == 1
    assert told[0].what.startswith("is missing; expected ")
    assert field.metadata["doc"] in told[0].what


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_true_is_no_number(record: type) -> None:
    """In Python it is; in a file it would be a mistake."""
    for field in attrs.fields(record):
        kind = field.metadata["kind"]
        if kind.schema().get("type") in ("integer", "number"):
            assert any(each.path == (field.name,) for each in wrong({field.name: True}, record))


# ---- the parameters of the Python calls ------------------------------------------------------------


def test_every_fault_has_its_table() -> None:
    public = {name for name in bp.__all__ if isinstance(getattr(bp, name), type) and _is_fault(getattr(bp, name))}
    assert set(FAULTS) == public
    assert {field.name for name in public for field in attrs.fields(getattr(bp, name))} == set(FAULT_KEYS)


def _is_fault(kind: type) -> bool:
    from bprocsim.faults import Fault

    return issubclass(kind, Fault)


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_has_the_fields_of_its_class(name: str) -> None:
    fields = attrs.fields_dict(FAULTS[name])
    assert [each for each in fields if each not in ("kind", "system")] == [
        field.name for field in attrs.fields(getattr(bp, name))
    ]


# Of an outcome, what cannot be written in a file: records, an object that stands for itself.
NOT_TOLD = {"row", "errors", "subject", "call", "system", "placed"}


def test_every_field_of_an_outcome_can_be_expected() -> None:
    properties = {name for name, value in vars(bp.Outcome).items() if isinstance(value, property)}
    of_outcome = {field.name for field in attrs.fields(bp.Outcome)} | properties
    own = {"stdout_contains", "stderr_contains", "raises", "filled"}
    assert {field.name for field in attrs.fields(ExpectTable)} == (of_outcome - NOT_TOLD) | own


OURS = {"call", "expect", "system"}  # keys that are no parameters


@pytest.mark.parametrize(
    "name", ["bproc_execmove", "bproc_execmove_io", "_bproc_execmove_io", "execve", "idle_process"]
)
def test_a_direct_call_has_the_parameters_of_the_method(name: str) -> None:
    import inspect

    method = inspect.signature(getattr(bp.Cluster, name)).parameters
    keys = {field.name for field in attrs.fields(CALLS[name])} - OURS
    assert keys - ({"name"} if name == "idle_process" else set()) == set(method) - {"self"}


def test_every_call_of_a_partition_has_its_table() -> None:
    methods = {name for name, method in vars(bp.Lpar).items() if _gives_an_outcome(method)}
    methods |= {name for kind in bp.Lpar.__mro__ for name, method in vars(kind).items() if _gives_an_outcome(method)}
    assert methods <= set(CALLS)
    assert {"ra_execlp", "ra_fork", "rs_op", "mkrset", "smtctl", "set_partition"} <= set(AIX_CALLS)


def _gives_an_outcome(method: Any) -> bool:
    return getattr(method, "__annotations__", {}).get("return") == "Outcome"


@pytest.mark.parametrize("name", AIX_CALLS)
def test_a_call_of_a_partition_has_the_parameters_of_the_method(name: str) -> None:
    import inspect

    method = inspect.signature(getattr(bp.Lpar, name)).parameters
    keys = {field.name for field in attrs.fields(CALLS[name])} - OURS
    who = {"user", "caller", *(("input", "cwd", "timeout_ns") if "Runs" in str(method["by"].annotation) else ())}
    # The environment of ra_execle comes last among the arguments; a set that rs_alloc makes can be named.
    more = {"ra_execle": {"envp"}, "rs_alloc": {"name"}}.get(name, set())
    assert keys == (set(method) - {"self", "by"}) | who | more


def test_every_call_of_a_cluster_has_its_table() -> None:
    methods = {name for kind in bp.Cluster.__mro__ for name, method in vars(kind).items() if _gives_an_outcome(method)}
    assert methods <= set(CALLS)
    assert methods == {*BPROC_CALLS, "bproc_execmove", "bproc_execmove_io", "_bproc_execmove_io", "execve"}


@pytest.mark.parametrize("name", BPROC_CALLS)
def test_a_call_of_a_cluster_has_the_parameters_of_the_method(name: str) -> None:
    import inspect

    method = inspect.signature(getattr(bp.Cluster, name)).parameters
    keys = {field.name for field in attrs.fields(CALLS[name])} - OURS
    how = str(method["by"].annotation)
    who = {"user", "caller", "from_node", *(() if "From" in how else ("input", "cwd", "timeout_ns"))}
    assert keys == (set(method) - {"self", "by"}) | who | ({"listen"} if "ByPort" in how else set())


def test_the_cluster_has_the_parameters_of_the_class() -> None:
    import inspect

    parameters = set(inspect.signature(bp.Cluster).parameters) - {"faults", "name", "sim"}
    keys = {field.name for record in RECORDS[:2] for field in attrs.fields(record)}
    assert RECORDS[0] is Scenario
    assert parameters <= keys


def test_the_partition_has_the_parameters_of_the_class() -> None:
    import inspect

    (lpar,) = [record for record in RECORDS if record.__name__ == "LparTable"]
    parameters = set(inspect.signature(bp.Lpar).parameters) - {"faults", "sim"}
    assert {field.name for field in attrs.fields(lpar)} == parameters - {"seed", "trace", "trace_limit"}


def test_an_image_has_the_fields_of_elf_image() -> None:
    (image,) = [record for record in RECORDS if record.__name__ == "ImageTable"]
    theirs = {str(field.alias) for field in attrs.fields(bp.ElfImage)}
    assert {field.name for field in attrs.fields(image)} == theirs - {"program", "raw"}


def test_a_machine_has_the_fields_of_node_spec() -> None:
    (machine,) = [record for record in RECORDS if record.__name__ == "MachineTable"]
    assert [field.name for field in attrs.fields(machine)] == [field.name for field in attrs.fields(bp.NodeSpec)]
