"""The environment in which `python3 examples` and `python3 tests` run: `.venv` at the top of the clone.

Standard library only, and grammar that Python 3.6 reads: a Python that is too old gets one sentence
about what is missing, not a SyntaxError. Whatever else is missing is told in one sentence too.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

TOP = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
UNMET = 2
INTERRUPTED = 130

# What pip says, in its several versions, when the package index cannot be reached.
NO_NETWORK = (
    "(from versions: none)",
    "connection broken by",
    "Could not fetch URL",
    "Failed to establish a new connection",
    "getaddrinfo failed",
    "Max retries exceeded",
    "NameResolutionError",
    "Network is unreachable",
    "Read timed out",
    "Temporary failure in name resolution",
)


class Unmet(Exception):
    """Something that this machine lacks; its text is the one sentence that says what."""


def guarded(main: Callable[[List[str]], int]) -> int:
    """Run `main` on the command line; what is missing ends in one sentence and 2, Ctrl-C in 130."""
    try:
        require_python()
        return main(sys.argv[1:])
    except Unmet as unmet:
        print(unmet, file=sys.stderr)
        return UNMET
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED


def require_python() -> None:
    """Refuse a Python that is too old."""
    version = tuple(sys.version_info[:3])
    if version < OLDEST:
        raise Unmet(
            "bprocsim needs Python {}.{} or later; this is {}.{}.{} ({}).".format(
                *(OLDEST + version + (sys.executable,))
            )
        )


def ensure(extra: str = "") -> Path:
    """Return the interpreter of `.venv`, made and filled first if need be.

    `extra` names the extra of pyproject.toml to install besides the package itself, or is "".
    """
    venv = TOP / ".venv"
    if not is_done(venv, extra):
        try:
            with locked(TOP / ".venv.lock"):
                if not is_done(venv, extra):  # another run may have done it while this one waited
                    make(venv)
                    install(venv, extra)
        except OSError as error:
            raise Unmet("bprocsim could not make its environment {}: {}.".format(venv, error)) from error
    return interpreter(venv)


def interpreter(venv: Path) -> Path:
    """The path of an environment's Python on this system."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


# ------------------------------------------------------------------------------- is it done already?
# The stamp is written last and tells what is installed; the mark of the unfinished stands in `.venv`
# while it is made or filled. So whatever a killed run left behind is known for what it is.


def stamp_path(venv: Path) -> Path:
    return venv / "bprocsim-installed.json"


def unfinished_path(venv: Path) -> Path:
    return venv / "bprocsim-unfinished"


def home(venv: Path) -> List[str]:
    """What an environment is bound to: its place (scripts hold absolute paths) and its Python."""
    return [str(venv), sys.version]


def pyproject_digest() -> str:
    return hashlib.sha256((TOP / "pyproject.toml").read_bytes()).hexdigest()


def read_stamp(venv: Path) -> Dict[str, Any]:
    """The stamp as {"home": ..., "installed": {extra: digest}}; empty where there is none to read."""
    try:
        stamp = json.loads(stamp_path(venv).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_done(venv: Path, extra: str) -> bool:
    """Tell whether the stamp says that nothing is left to do."""
    stamp = read_stamp(venv)
    return (
        stamp.get("home") == home(venv)
        and stamp.get("installed", {}).get(extra) == pyproject_digest()
        and interpreter(venv).exists()
        and not unfinished_path(venv).exists()
    )


def is_sound(venv: Path) -> bool:
    """Tell whether `.venv` can be filled as it is: finished, not moved, of this very Python, with pip."""
    if unfinished_path(venv).exists() or read_stamp(venv).get("home", home(venv)) != home(venv):
        return False
    question = "import pip, sys; print(ascii([sys.version, sys.prefix != sys.base_prefix]))"
    try:
        answer = run([str(interpreter(venv)), "-I", "-c", question])
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == ascii([sys.version, True])


# ------------------------------------------------------------------------------------- make and fill


def make(venv: Path) -> None:
    """Make `.venv`, unless a sound one stands there."""
    if is_sound(venv):
        return
    if os.path.realpath(sys.prefix) == os.path.realpath(str(venv)):
        raise Unmet("bprocsim must remake {}: run this with a Python outside of it.".format(venv))
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise Unmet(
                "bprocsim needs the standard modules venv and ensurepip, but this Python ({}) comes without "
                "{}; on Debian and Ubuntu: apt install python{}.{}-venv".format(
                    sys.executable, module, *sys.version_info[:2]
                )
            )
    say("making {} with Python {}.{}.{}".format(venv, *sys.version_info[:3]))
    if venv.is_symlink() or venv.is_file():
        venv.unlink()
    elif venv.exists():
        shutil.rmtree(str(venv))
    venv.mkdir()
    unfinished_path(venv).touch()
    answer = run([sys.executable, "-m", "venv", str(venv)])
    if answer.returncode:
        raise Unmet("bprocsim could not make {}: {}".format(venv, last_line(answer.stdout)))


def install(venv: Path, extra: str) -> None:
    """Install the clone, editable, with one of its extras, and stamp the environment."""
    unfinished_path(venv).touch()
    what = ".[{}]".format(extra) if extra else "."
    say("installing {} into it (only now and when pyproject.toml changes)".format(what))
    started = time.monotonic()
    pip = [str(interpreter(venv)), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    answer = run([*pip, "-e", what])
    log = venv / "bprocsim-pip.log"
    log.write_text(answer.stdout, encoding="utf-8")
    if answer.returncode:
        unfinished_path(venv).unlink()  # pip itself gave up, and left no half of anything
        if any(sign in answer.stdout for sign in NO_NETWORK):
            raise Unmet(
                "bprocsim could not fetch the packages that it needs, for want of a network or of the "
                "package index behind it: connect, or tell pip of an index that answers (PIP_INDEX_URL), "
                "and run this again (what pip said is in {}).".format(log)
            )
        raise Unmet("bprocsim could not be installed: {} (more in {})".format(last_line(answer.stdout), log))
    stamp = read_stamp(venv)
    installed = dict(stamp.get("installed", {}), **{"": pyproject_digest(), extra: pyproject_digest()})
    # Written aside and moved into place: a stamp is there whole or not at all.
    aside = venv / "bprocsim-installed.new"
    aside.write_text(json.dumps({"home": home(venv), "installed": installed}), encoding="utf-8")
    aside.replace(stamp_path(venv))
    unfinished_path(venv).unlink()
    say("done in {:.0f} s".format(time.monotonic() - started))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep a second run from filling the same environment; the system frees a dead run's lock."""
    with path.open("w") as file:
        if sys.platform == "win32":
            import msvcrt

            while True:
                with contextlib.suppress(OSError):  # it gives up after ten seconds
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
        else:
            import fcntl

            with contextlib.suppress(OSError):  # some network file systems know no locks
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


# ------------------------------------------------------------------------------------------- helpers


def run(command: List[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command at the top of the clone; give its status and all that it said, as text."""
    environment = dict(os.environ, PYTHONIOENCODING="utf-8", PIP_NO_COLOR="1")
    environment.setdefault("PIP_RETRIES", "2")  # pip's five keep somebody without a network waiting
    return subprocess.run(
        command,
        cwd=str(TOP),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def hand_over(command: List[str]) -> int:
    """Become `command`; where the system cannot do that (Windows), run it and return its status."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # it is where its descriptor was closed
            stream.flush()
    if os.name != "nt":
        os.execv(command[0], command)
    return subprocess.call(command)


def last_line(text: str) -> str:
    """The last line that says something, without pip's advice about itself."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("[notice]")]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["no reason given"])[-1]


def say(what: str) -> None:
    """Show progress, on stderr: stdout belongs to what was asked for."""
    print("bprocsim: {}".format(what), file=sys.stderr, flush=True)
