"""Running the command as a user does: in a process of its own, or in a terminal."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys

import pytest

from tests.environment import TOP

# What a caller's shell may have set, and what would change what a command prints.
CLEARED = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "CI", "TERM", "PYTHONIOENCODING", "PYTHONUTF8")


def environment(**changes: str) -> dict[str, str]:
    """Give an environment in which nothing speaks of colour or encoding but `changes`."""
    kept = {name: value for name, value in os.environ.items() if name not in CLEARED}
    path = os.pathsep.join([str(TOP), *filter(None, [os.environ.get("PYTHONPATH")])])
    return kept | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"} | changes


def command(*arguments: str, **changes: str) -> subprocess.CompletedProcess[bytes]:
    """Run `bprocsim` and give what came of it; `changes` are made to its environment."""
    return python("-m", "bprocsim", *arguments, **changes)


def python(*arguments: str, **changes: str) -> subprocess.CompletedProcess[bytes]:
    """Run Python."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=TOP,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )


def minds_interrupts() -> None:
    """Let a child mind SIGINT (as `preexec_fn`): it is born deaf to it where the tests run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# Before the command is imported: an installation without the extra `cli`.
WITHOUT_RICH = "import sys; sys.modules['rich'] = sys.modules['rich_argparse'] = None"


def run_code(before: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a Python that does `before` first."""
    code = f"{before}\nimport sys\nfrom bprocsim.cli import main\nsys.exit(main({list(arguments)!r}))"
    return python("-c", code, **changes)


def text_of(data: bytes) -> str:
    """Decode what a command printed; Windows ends lines on stderr in its own way."""
    return data.decode("utf-8").replace("\r\n", "\n")


def has_terminals() -> bool:
    """Tell whether this Python can make a terminal; Windows, for one, cannot."""
    try:
        import fcntl  # noqa: F401
        import pty  # noqa: F401
        import termios  # noqa: F401
    except ImportError:
        return False
    return True


def in_terminal(
    *arguments: str, columns: int = 80, before: str = "", with_stderr: bool = False, **changes: str
) -> tuple[int, str]:
    """Run the command in a terminal of so many columns; give its status and what was shown there.

    `with_stderr` the terminal shows that too. Only where it `has_terminals`.
    """
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    code = f"{before}\nimport sys\nfrom bprocsim.cli import main\nsys.exit(main({list(arguments)!r}))"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=TOP,
        env=environment(TERM="xterm-256color", **changes),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs if with_stderr else subprocess.DEVNULL,
    ) as child:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux tells the end of a terminal
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
    return child.returncode, shown.decode("utf-8").replace("\r\n", "\n")


class Here:
    """Runs the command in this process, on a stdout made to order: faster than a process of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.rich = True

    def __call__(self, *arguments: str, encoding: str = "utf-8", **changes: str) -> tuple[int, str]:
        """Give the exit status and what was printed; `changes` are made to the environment."""
        from bprocsim.cli import main

        printed = io.BytesIO()
        with self._monkeypatch.context() as patch:
            for name in CLEARED:
                patch.delenv(name, raising=False)
            for name, value in changes.items():
                patch.setenv(name, value)
            for module in () if self.rich else ("rich", "rich.console", "rich_argparse", "bprocsim.cli.richhelp"):
                patch.setitem(sys.modules, module, None)
            stdout = io.TextIOWrapper(printed, encoding=encoding, newline="")
            patch.setattr(sys, "stdout", stdout)
            status = main(list(arguments))
            stdout.flush()
        return status, printed.getvalue().decode(encoding)
