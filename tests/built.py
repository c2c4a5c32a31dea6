"""`python -m tests.built`: build the sdist and the wheel, and use the wheel where there is nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

from tests.environment import TOP, interpreter

# Asked of the installed package: it must be the wheel's, whole, and need none of the extras.
QUESTION = """
import sys
from importlib.resources import files
import bprocsim
assert bprocsim.__file__.startswith(sys.prefix), bprocsim.__file__
assert files("bprocsim").joinpath("sources.toml").read_text(encoding="utf-8")
assert files("bprocsim").joinpath("py.typed").is_file()
print(bprocsim.__file__)
"""


def main() -> int:
    version = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    with tempfile.TemporaryDirectory(prefix="bprocsim-built-") as name:
        scratch = Path(name).resolve()
        dist = scratch / "dist"
        # The wheel is built from the sdist, so the sdist holds all that a wheel needs. The build
        # backend is already in .venv: no second download.
        _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(TOP)], TOP)
        (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
        faults = check_contents(sdist, wheel)
        if faults:
            print(*faults, sep="\n")
            return 1
        venv = scratch / "venv"
        _run([sys.executable, "-m", "venv", str(venv)], scratch)
        python = str(interpreter(venv))
        _run([python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", str(wheel)], scratch)
        command = str(interpreter(venv).with_name("bprocsim.exe" if os.name == "nt" else "bprocsim"))
        said = _run([command, "--version"], scratch)
        if said.split() != ["bprocsim", version]:
            print(f"bprocsim --version says {said.strip()!r}, pyproject.toml says {version}")
            return 1
        _run([command, "demo"], scratch)
        _run([python, "-c", QUESTION], scratch)
    return 0


def check_contents(sdist: Path, wheel: Path) -> list[str]:
    """Say which files of the clone the archives lack, and what the wheel holds besides the package."""
    package = {path.relative_to(TOP).as_posix() for path in sources(TOP / "bprocsim")}
    clone = package | {path.relative_to(TOP).as_posix() for path in sources(TOP / "tests", TOP / "examples")}
    clone |= {"LICENSE", "README.md", "pyproject.toml"}
    with tarfile.open(sdist) as archive:
        in_sdist = {member.partition("/")[2] for member in archive.getnames()}
    with zipfile.ZipFile(wheel) as archive_:
        in_wheel = set(archive_.namelist())
    strangers = {file for file in in_wheel - package if ".dist-info/" not in file}
    return [
        *(f"the sdist lacks {file}" for file in sorted(clone - in_sdist)),
        *(f"the wheel lacks {file}" for file in sorted(package | {"bprocsim/sources.toml"}) if file not in in_wheel),
        *(f"the wheel holds {file}" for file in sorted(strangers)),
    ]


def sources(*folders: Path) -> list[Path]:
    """The files below some folders of the clone, without what Python leaves there."""
    return [
        path for folder in folders for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]


def _run(command: list[str], folder: Path) -> str:
    """Run a command away from the clone; give its standard output, or end with all that it said."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    print("$", *command, flush=True)
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    print(done.stdout, done.stderr, sep="", flush=True)
    if done.returncode:
        sys.exit(f"it ended with status {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
