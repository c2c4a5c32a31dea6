"""Who a process is."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError

import bprocsim
from bprocsim.posix.credentials import ROOT, Credentials, check_id


def test_effective_ids_are_the_real_ones_unless_given() -> None:
    alice = Credentials(500, 501)
    assert (alice.euid, alice.egid) == (500, 501)
    set_id = Credentials(500, 501, euid=0, egid=7)
    assert (set_id.uid, set_id.gid, set_id.euid, set_id.egid) == (500, 501, 0, 7)


@pytest.mark.parametrize(
    ("who", "overrides", "reads_all"),
    [
        (ROOT, True, True),
        (Credentials(500, 500), False, False),
        (Credentials(500, 500, euid=0), True, True),
        (Credentials(0, 0, euid=500), False, False),
        (Credentials(0, 0, capabilities=()), False, False),
        (Credentials(0, 0, capabilities={"CAP_NUMA_ATTACH"}), False, False),
        (Credentials(500, 500, capabilities={"CAP_DAC_OVERRIDE"}), True, True),
        (Credentials(500, 500, capabilities={"CAP_DAC_READ_SEARCH"}), False, True),
    ],
)
def test_who_overrides_permissions(who: Credentials, overrides: bool, reads_all: bool) -> None:
    assert (who.overrides, who.reads_all) == (overrides, reads_all)


def test_an_explicit_set_is_exactly_that_set() -> None:
    bob = Credentials(501, 501, capabilities=["CAP_NUMA_ATTACH"])
    assert bob.can("CAP_NUMA_ATTACH")
    assert not bob.can("CAP_PROPAGATE")
    assert ROOT.can("CAP_NUMA_ATTACH")
    assert not Credentials(0, 0, capabilities=["CAP_PROPAGATE"]).can("CAP_NUMA_ATTACH")


def test_groups_are_the_effective_one_and_the_supplementary_ones() -> None:
    who = Credentials(500, 500, egid=40, groups=[50, 60])
    assert [gid for gid in (40, 50, 60, 500, 0) if who.in_group(gid)] == [40, 50, 60]


def test_set_id_keeps_real_ids_and_recomputes_implied_capabilities_only() -> None:
    alice = Credentials(500, 501, groups=(7,))
    set_uid = alice.with_effective(euid=0)
    assert set_uid == Credentials(500, 501, euid=0, egid=501, groups=(7,))
    assert set_uid.overrides
    assert not set_uid.with_effective(500).overrides
    set_gid = alice.with_effective(egid=0)
    assert (set_gid.egid, set_gid.euid, set_gid.in_group(501)) == (0, 500, False)
    bob = Credentials(501, 501, capabilities=["CAP_NUMA_ATTACH"]).with_effective(0, 0)
    assert bob.capabilities == frozenset({"CAP_NUMA_ATTACH"})
    assert not bob.overrides


def test_they_are_frozen_values() -> None:
    alice = Credentials(500, 500, groups=[1, 2])
    assert alice == Credentials(500, 500, groups=(1, 2))
    assert len({alice, Credentials(500, 500, groups=(1, 2))}) == 1
    assert evolve(alice, euid=0).overrides
    with pytest.raises(FrozenInstanceError):
        alice.uid = 0  # type: ignore[misc]


@pytest.mark.parametrize(
    "who", [ROOT, Credentials(1, 2, 3, 4, (5, 6), ["CAP_B", "CAP_A"]), Credentials(1, 2, capabilities=())]
)
def test_repr_builds_it_again(who: Credentials) -> None:
    assert eval(repr(who), {"bp": bprocsim}) == who


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"uid": "root"}, TypeError, "uid"),
        ({"uid": True}, TypeError, "uid"),
        ({"uid": -1}, ValueError, "uid"),
        ({"gid": 2**32 - 1}, ValueError, "gid"),
        ({"euid": 1.0}, TypeError, "euid"),
        ({"egid": -5}, ValueError, "egid"),
        ({"groups": 5}, TypeError, "groups"),
        ({"groups": "wheel"}, TypeError, "groups"),
        ({"groups": [None]}, TypeError, "groups"),
        ({"groups": [-1]}, ValueError, "groups"),
        ({"capabilities": "CAP_NUMA_ATTACH"}, TypeError, "capabilities"),
        ({"capabilities": 3}, TypeError, "capabilities"),
        ({"capabilities": [3]}, TypeError, "capabilities"),
        ({"capabilities": ["numa_attach"]}, ValueError, "capabilities"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], error: type[Exception], name: str) -> None:
    with pytest.raises(error, match=f"^{name}: "):
        Credentials(**{"uid": 1, "gid": 1, **arguments})


def test_check_id_names_its_argument() -> None:
    assert check_id("owner", 0) == 0
    with pytest.raises(ValueError, match="owner"):
        check_id("owner", -1)
