"""`bprocsim demo`: what the story promises. Its bytes are a golden of the examples."""

from __future__ import annotations

import re

import pytest

from tests.cli.command import Here


@pytest.fixture
def story(here: Here) -> str:
    """Give the whole demo, as a pipe gets it."""
    status, text = here("demo")
    assert status == 0
    return text


def test_it_fits_in_80_columns_of_ascii(story: str) -> None:
    assert story.isascii()
    assert max(map(len, story.splitlines())) < 80
    assert all(line == line.rstrip() for line in story.splitlines())


def test_it_ends_with_the_seed(here: Here, story: str) -> None:
    assert story.splitlines()[-1] == "seed 0"
    status, other = here("demo", "--seed", "-7")
    assert (status, other.splitlines()[-1]) == (0, "seed -7")


@pytest.mark.parametrize(
    "fact",
    [
        "hello from node 2",
        "exit 127  solve: error while loading shared libraries:",
        "-1 ENOENT  ENOENT: cmd does not exist",
        "exit 22    EINVAL: the node is down",
        "I read: (end of file)",
        "I read: go on",
        "exit 111",
        "ECONNREFUSED: nobody listens on the port for I/O forwarding",
        "EIO: the slave was lost while the process was on its way",
        "FAIL         ENOENT        cmd does not exist (cmd_absent)",
        "it runs on {8-15}, and exits",
        "it runs on {8,12}, and exits",
        "FAIL         EINVAL   R_ATTACH_STRSET is given, and an available processor of",
    ],
)
def test_it_shows(fact: str, story: str) -> None:
    assert fact in story


def test_every_scene_says_what_was_called_and_why(story: str) -> None:
    scenes = re.split(r"\n\d\. ", story)[1:]
    assert len(scenes) == 9
    for scene in scenes:
        assert "\nwhy  " in scene
        assert "bproc_execmove" in scene or "called on node" in scene or "ra_execv(" in scene or "{0-3}" in scene


def test_time_goes_on_in_every_timeline(story: str) -> None:
    for scene in re.split(r"\n\d\. ", story)[1:]:
        times = [
            float(found) for found in re.findall(r"^\S* +(\d+\.\d{3})  (?:master|node|lpar|    )", scene, re.MULTILINE)
        ]
        assert times == sorted(times)


def test_the_lost_node_is_found_in_the_time_that_pings_take(story: str) -> None:
    found = re.search(r"gives node 3 up, (\d+\.\d) s later", story)
    assert found
    assert 30 <= float(found[1]) <= 45


def test_busy_siblings_cost_what_the_model_says(story: str) -> None:
    """100 ms of work at 1000, 700, 500, 400 per mille, and alone once more; the rest is the exec."""
    took = [float(found) for found in re.findall(r"^(\d+\.\d{3}) ms  \{0\}", story, re.MULTILINE)]
    exec_ms = took[0] - 100
    assert 0 < exec_ms < 2
    assert [round(each - exec_ms, 3) for each in took] == [100, 142.857, 200, 250, 100]
