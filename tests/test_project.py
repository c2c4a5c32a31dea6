"""The repository keeps the shape that its README promises."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.environment import TOP

PYPROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
RUNTIME = ["simpy>=4.1", "attrs>=24", "cattrs>=24.1"]
# What a machine with a Python that is too old, or bare, reads of the project.
ENTRIES = ("tests/__main__.py", "examples/__main__.py")
READ_BY_OLD_PYTHONS = (*ENTRIES, "tests/__init__.py", "tests/environment.py")


def name_of(requirement: str) -> str:
    """The distribution that a requirement names."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return found[0].lower()


def test_nothing_else_stands_at_the_top() -> None:
    allowed = {"pyproject.toml", "bprocsim", "tests", "examples", "README.md", "LICENSE"}
    top = {name.partition("/")[0] for name in tracked_files()}
    assert {name for name in top if not name.startswith(".")} == allowed


def tracked_files() -> list[str]:
    """What git keeps; where there is no git (an unpacked sdist), what lies there."""
    git = shutil.which("git")
    if git and (TOP / ".git").exists():
        listed = subprocess.run([git, "ls-files"], cwd=TOP, capture_output=True, encoding="utf-8", check=False)
        if listed.stdout:
            return listed.stdout.splitlines()
    return [path.name for path in TOP.iterdir()]


def test_ci_runs_the_command_that_the_readme_gives() -> None:
    lines = (TOP / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    commands = [line for line in lines if not line.startswith("#")]
    assert commands == ['cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit', "exec python3 tests"]


# ----------------------------------------------------------------------- Pythons that will not do


@pytest.mark.parametrize("name", READ_BY_OLD_PYTHONS)
def test_an_old_python_can_read_it(name: str) -> None:
    ast.parse((TOP / name).read_text(encoding="utf-8"), feature_version=(3, 6))


def run_in_bare_clone(folder: Path, entry: str, before: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an entry in a clone that has no .venv, in a Python to which `before` was done."""
    for name in (*READ_BY_OLD_PYTHONS, "pyproject.toml"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(TOP / name, folder / name)
    shutil.copy(TOP / "tests/steps.py", folder / "tests/steps.py")
    main = folder / entry
    code = f"import runpy, sys; {before}; sys.argv[1:] = {list(arguments)!r}; "
    code += f"runpy.run_path({str(main.parent)!r}, run_name='__main__')"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, encoding="utf-8", check=False)


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The program ended with status 2 and said one line, with these words in it, on stderr."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_old_python_is_told_what_is_needed(entry: str, tmp_path: Path) -> None:
    done = run_in_bare_clone(tmp_path, entry, "sys.version_info = (3, 10, 13, 'final', 0)")
    assert_one_sentence(done, "bprocsim needs Python 3.11 or later", "this is 3.10.13")
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_what_to_install(entry: str, module: str, tmp_path: Path) -> None:
    done = run_in_bare_clone(tmp_path, entry, f"sys.modules[{module!r}] = None")
    assert_one_sentence(done, f"without {module}", "-venv")
    assert not (tmp_path / ".venv").exists()


@pytest.mark.slow
def test_without_a_network_one_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody listens there
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    done = run_in_bare_clone(tmp_path, "examples/__main__.py", "pass")
    *progress, last = done.stderr.splitlines()
    assert done.returncode == 2
    assert all(line.startswith("bprocsim: ") for line in progress)
    assert "for want of a network" in last


@pytest.mark.parametrize("entry", ENTRIES)
def test_help_needs_no_environment(entry: str, tmp_path: Path) -> None:
    done = run_in_bare_clone(tmp_path, entry, "pass", "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: python3 " + entry.partition("/")[0])
    assert not (tmp_path / ".venv").exists()


def test_an_example_runs_for_who_has_closed_his_stdout(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    shutil.copy(TOP / "examples/_play.py", tmp_path / "examples")
    (tmp_path / "examples/mine.py").write_text('"""Mine."""\nprint("ran")\n', encoding="utf-8")
    found = (
        "from pathlib import Path; from tests import environment; environment.ensure = lambda _: Path(sys.executable)"
    )
    done = run_in_bare_clone(tmp_path, "examples/__main__.py", f"{found}; sys.stdout = None", "mine")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")


# ----------------------------------------------------------------------------------- dependencies


def test_runtime_dependencies_are_exactly_those_declared() -> None:
    assert PROJECT["dependencies"] == RUNTIME
    installed = importlib.metadata.requires("bprocsim") or []
    core = {name_of(requirement) for requirement in installed if "extra ==" not in requirement}
    assert core == {name_of(requirement) for requirement in RUNTIME}


def test_the_package_imports_what_it_declares_and_no_more() -> None:
    optional = {name_of(line) for extra in PROJECT["optional-dependencies"].values() for line in extra}
    runtime = {name_of(requirement) for requirement in RUNTIME}
    imported = imported_distributions()
    assert runtime <= imported
    assert imported - runtime <= optional


def imported_distributions() -> set[str]:
    """The distributions from which some file of the package imports, wherever in it."""
    modules = set()
    for path in (TOP / "bprocsim").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    foreign = modules - sys.stdlib_module_names - {"bprocsim"}
    providers = importlib.metadata.packages_distributions()
    return {providers.get(module, [module])[0].lower() for module in foreign}


def test_every_folder_of_the_package_says_so() -> None:
    """Without an __init__.py the import contracts would pass over a whole room in silence."""
    folders = {path.parent for path in (TOP / "bprocsim").rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_the_public_names_stand_on_neither_the_command_nor_the_testing_kit() -> None:
    code = "import sys, bprocsim; print(*sorted(sys.modules), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    unwanted = {"bprocsim.cli", "bprocsim.testing", "pytest", "hypothesis", "rich", "cattrs", "tomlkit"}
    assert unwanted.isdisjoint(done.stdout.split())


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_the_readme_explains_every_extra(extra: str) -> None:
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"`{extra}`|\[{extra}\]", readme), f"the extra {extra!r}"
    for requirement in PROJECT["optional-dependencies"][extra]:
        assert re.search(rf"\b{re.escape(name_of(requirement))}\b", readme, re.IGNORECASE), requirement


@pytest.mark.parametrize("requirement", RUNTIME)
def test_the_readme_explains_every_dependency(requirement: str) -> None:
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{name_of(requirement)}\b", readme, re.IGNORECASE)


def test_the_version_is_told_alike_everywhere() -> None:
    assert importlib.metadata.version("bprocsim") == PROJECT["version"]
