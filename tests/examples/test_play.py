"""How an example ends that is cut short."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.test_goldens import EXAMPLES


def command(folder: Path, text: str, *arguments: str) -> list[str]:
    """Write an example and give what runs it."""
    (folder / "mine.py").write_text(text, encoding="utf-8")
    return [sys.executable, str(EXAMPLES / "_play.py"), str(folder / "mine.py"), *arguments]


def test_an_example_is_run_as_if_it_were_run_itself(tmp_path: Path) -> None:
    text = "import sys\nprint(__name__, sys.argv[0] == __file__, sys.argv[1:])\nsys.exit(3)\n"
    done = subprocess.run(command(tmp_path, text, "-x", "y"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "__main__ True ['-x', 'y']\n", "")


def test_control_c_ends_it_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(command(tmp_path, "raise KeyboardInterrupt\n"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\ninterrupted\n")


@pytest.mark.parametrize("lines", [2, 100_000])
def test_a_reader_that_has_gone_ends_it_without_a_traceback(lines: int, tmp_path: Path) -> None:
    """Before all is written, or when what is left is flushed."""
    text = f"import sys\nprint('first', flush=True)\nsys.stdin.read()\nfor _ in range({lines}): print('more')\n"
    with subprocess.Popen(
        command(tmp_path, text), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "first\n"
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
