"""The generated pages of `bprocsim about` say what the tables, the recordings and the README say now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

import bprocsim as bp
from bprocsim.bproc.tools import Tools
from bprocsim.cli.about import PAGES as SHOWN
from tests.about import editions
from tests.about.atlas import atlas_page
from tests.about.kernels import FIELDS, kernels_page
from tests.about.launch import launch_page
from tests.about.trust import trust_page
from tests.cli.command import command

ABOUT = Path(bp.__file__).parent / "about"
REFRESH = "python3 tests --only pytest -- tests/about --refresh-golden"

PAGES: dict[str, Callable[[], str]] = {
    "atlas": atlas_page,
    "editions": editions.editions_page,
    "kernels": kernels_page,
    "launch": launch_page,
    "trust": trust_page,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_it_would_be_written_now(name: str, refresh_golden: bool) -> None:
    path, text = ABOUT / f"{name}.md", PAGES[name]()
    if refresh_golden:
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text, f"write it anew: {REFRESH}"


def test_there_are_no_other_pages() -> None:
    assert {path.stem for path in ABOUT.glob("*")} == set(PAGES) == set(SHOWN)


def test_the_command_lists_the_pages_and_shows_each() -> None:
    listed = command("about").stdout.decode("utf-8").splitlines()
    assert [line.split()[:3] for line in listed] == [["bprocsim", "about", name] for name in SHOWN]
    for name in PAGES:
        assert command("about", name).stdout == (ABOUT / f"{name}.md").read_bytes()


def test_a_page_that_is_not_there_is_refused_by_name() -> None:
    done = command("about", "edition")
    assert (done.returncode, done.stdout) == (2, b"")
    assert "there is no page 'edition' (did you mean editions?)" in done.stderr.decode("utf-8")


def test_every_field_of_a_profile_is_told_or_left_out_on_purpose() -> None:
    assert set(FIELDS) == {each.name for each in attrs.fields(bp.ExecProfile)}


def test_every_field_of_an_edition_is_told_or_left_out_on_purpose() -> None:
    assert set(editions.FIELDS) == {each.name for each in attrs.fields(bp.Edition)}
    assert set(editions.TOOLS) == {each.name for each in attrs.fields(Tools)}
