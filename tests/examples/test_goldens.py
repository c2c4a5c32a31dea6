"""Every example, and the demo, prints what was recorded: the same bytes in every run, everywhere."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import TOP

EXAMPLES = TOP / "examples"
GOLDEN = EXAMPLES / "golden"
NAMES = sorted(path.stem for path in EXAMPLES.glob("[!_]*.py") if not path.stem.startswith("test_"))
LAUNCHERS = sorted(path.stem for path in EXAMPLES.glob("test_*.py"))  # tests, which pytest finds there
SCENARIOS = sorted(path.name for path in EXAMPLES.glob("[!_]*.toml"))
ALL = [*NAMES, *SCENARIOS, "demo"]
LONG = {"launch_times", "one_thread_per_core", "real_files", "real_files.toml", "st_set.toml"}
# What differs from one computer to the next: the compressor of Python's zlib, and the host's own files.
PER_COMPUTER = [(r"bps1\.\S+", "bps1...")]
PER_FILE = [(r"^digest .*", "digest ..."), (r"\b[\d.]+ ms", "... ms")]
REFRESH = "python3 tests --only pytest -- tests/examples --refresh-golden"


def output_of(name: str, *arguments: str, **environment: str) -> str:
    """Run an example, or the demo, and give what it printed; it says nothing on stderr."""
    command = [str(EXAMPLES / f"{name}.py")]
    if name == "demo":
        command = ["-m", "bprocsim", "demo"]
    elif name in SCENARIOS:
        command = ["-m", "bprocsim", "run", f"examples/{name}"]
    inherited = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "COLUMNS")}
    path = os.pathsep.join([str(TOP), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, *command, *arguments],
        cwd=TOP,
        env=inherited | {"PYTHONPATH": path} | environment,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    # An example is a plain program: on Windows its prints end lines as Windows does.
    printed = done.stdout.replace(b"\r\n", b"\n").decode("utf-8")
    for pattern, instead in [*PER_COMPUTER, *(PER_FILE if name == "real_files.toml" else [])]:
        printed = re.sub(pattern, instead, printed, flags=re.MULTILINE)
    return printed


def needs_linux_files(name: str) -> None:
    """Skip the example of a Linux computer's own files on another one."""
    if name != "real_files.toml":
        return
    import bprocsim as bp

    file = Path("/bin/true")
    image = bp.ElfImage.from_bytes(file.read_bytes()) if file.is_file() else None
    if image is None or image.machine != 62 or image.needed not in ((), ("libc.so.6",)):
        pytest.skip("needs a /bin/true for x86-64 Linux that uses no library but libc.so.6")


@pytest.mark.parametrize(
    "hash_seed", ["0", pytest.param("1", marks=pytest.mark.slow), pytest.param("2", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in ALL])
def test_it_prints_what_was_recorded(name: str, hash_seed: str, refresh_golden: bool) -> None:
    needs_linux_files(name)
    golden = GOLDEN / f"{name}.txt"
    printed = output_of(name, PYTHONHASHSEED=hash_seed)
    if refresh_golden and hash_seed == "0":
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(printed.encode())
    assert printed == golden.read_bytes().decode(), f"{name} prints something else; if it should: {REFRESH}"


@pytest.mark.parametrize("name", ALL)
@pytest.mark.slow
def test_it_prints_the_same_in_any_encoding(name: str) -> None:
    needs_linux_files(name)
    golden = (GOLDEN / f"{name}.txt").read_bytes().decode()
    assert golden.isascii()
    assert output_of(name, PYTHONIOENCODING="cp1252") == golden


def test_no_golden_is_left_behind() -> None:
    assert sorted(path.name.removesuffix(".txt") for path in GOLDEN.iterdir()) == sorted(ALL)


@pytest.mark.parametrize("name", [*NAMES, *LAUNCHERS])
def test_it_says_what_it_shows(name: str) -> None:
    """`python3 examples --list` shows the first line."""
    tree = ast.parse((EXAMPLES / f"{name}.py").read_text(encoding="utf-8"))
    first = (ast.get_docstring(tree) or "").partition("\n")[0]
    assert first.endswith(".")
    assert len(first) <= 100


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_says_what_it_shows(name: str) -> None:
    first = (EXAMPLES / name).read_text(encoding="utf-8").partition("\n")[0]
    assert re.fullmatch(r"# [A-Z].{,98}\.", first)


def test_the_first_example_is_six_lines_of_code() -> None:
    tree = ast.parse((EXAMPLES / "hello_cluster.py").read_text(encoding="utf-8"))
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)][1:]  # the docstring is none
    assert len({node.lineno for node in statements}) == 6


# ---- real files: whatever a computer has ----------------------------------------------------------

HOSTS = {
    # The first bytes of a program file; None: an ELF image, made when asked for.
    "macOS": b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01" + bytes(4096),
    "Windows": b"MZ\x90\x00" + bytes(4096),
    "an ARM Linux": None,
    "a 32-bit Linux": None,
}


def host_file(host: str) -> bytes:
    """Give a program file as that host has them."""
    import bprocsim as bp

    if host == "an ARM Linux":
        return bp.ElfImage(machine="aarch64", needed=("libc.so.6",)).to_bytes()
    if host == "a 32-bit Linux":
        return bp.ElfImage(machine="i386", interpreters=("/lib/ld-musl-i386.so.1",), needed=("libc.so",)).to_bytes()
    data = HOSTS[host]
    assert data is not None
    return data


@pytest.mark.slow
@pytest.mark.parametrize("host", HOSTS)
def test_real_files_print_the_same_on_other_hosts(host: str, tmp_path: Path) -> None:
    """The example is run with its files replaced by what another host has."""
    file = tmp_path / "program"
    file.write_bytes(host_file(host))
    code = (
        "import runpy, shutil, sys; from pathlib import Path; "
        f"shutil.which = lambda name: {str(file)!r}; sys.executable = {str(file)!r}; "
        f"sys.argv = ['real_files']; runpy.run_path({str(EXAMPLES / 'real_files.py')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(TOP)},
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.replace(b"\r\n", b"\n") == (GOLDEN / "real_files.txt").read_bytes()


def test_real_files_tells_details_when_asked() -> None:
    printed = output_of("real_files", "--details")
    assert printed.startswith((GOLDEN / "real_files.txt").read_bytes().decode())
    assert len(printed.splitlines()) == len((GOLDEN / "real_files.txt").read_bytes().splitlines()) + 3


def test_every_example_is_found_by_its_listed_name_and_by_its_file() -> None:
    spec = importlib.util.spec_from_file_location("examples_main", EXAMPLES / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    main = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(main)
    assert set(main.examples()) == {*NAMES, *LAUNCHERS, *SCENARIOS}
    for name in main.examples():
        assert main.find(name) == EXAMPLES / (name if name in SCENARIOS else f"{name}.py")
    assert main.find("hello_cluster.py") == EXAMPLES / "hello_cluster.py"
    assert main.find("first") == EXAMPLES / "first.toml"
    assert main.find("nothing") is main.find("golden") is main.find("__main__.py") is None


@pytest.mark.slow
@pytest.mark.parametrize("name", LAUNCHERS)
def test_a_launcher_under_test_tells_what_the_kit_found(name: str) -> None:
    """What is found first depends on Hypothesis, so only the end of the story is the same everywhere."""
    told = output_of(name).splitlines()
    assert len(told) > 2
    assert told[-1] == {
        "test_all_or_none": "  nothing is wrong",
        "test_launcher": "everywhere_mended does not tell of node none",
        "test_retry": "run_once_mended did the work on nodes [0]",
    }.get(name)
