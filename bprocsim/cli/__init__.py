"""The `bprocsim` command: one file per command, and here what they share.

Exit status: 0 done, 1 an expectation failed, 2 wrong usage or file, 70 a bug of ours, 130 Ctrl-C. Results
go to stdout, everything else to stderr; a closed pipe ends a command quietly.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bprocsim import __version__
from bprocsim.cli import about, check, demo, errors, explain, faults, init, replay, run
from bprocsim.cli.screen import OutputError, open_screen, output_error
from bprocsim.cli.usage import Command, Parser, UsageError, Version, add_color

DONE, USAGE, BUG, INTERRUPTED = 0, 2, 70, 130

COMMANDS = {
    "demo": demo, "errors": errors, "explain": explain, "init": init, "check": check, "run": run, "replay": replay,
    "faults": faults, "about": about,
}  # fmt: skip

DESCRIPTION = """\
A simulator of a BProc cluster and of AIX partitions: programs leave a simulated
master, run on its slaves and write home, or are tied to hardware threads by
ra_exec; and they fail with every errno of the manual pages."""

EPILOG = """\
examples:
  bprocsim demo                            a short tour, scene by scene
  bprocsim errors bproc_execmove           every documented error, provoked live
  bprocsim errors ra_exec                  ... of a call of AIX
  bprocsim explain bproc_execmove          the manual page, in our words
  bprocsim explain bproc_execmove ENOEXEC  what reports it, and what comes first
  bprocsim explain bproc_execmove 22       what an exit status of 22 may mean
  bprocsim init                            write first.toml, a scenario
  bprocsim run first.toml                  run it, compare with what it expects
  bprocsim faults first.toml --step RUN    run it with each death at that step

exit status: 0 done, 1 an expectation failed, 2 wrong usage or wrong file, 70 a
bug of ours, 130 Ctrl-C. NO_COLOR and FORCE_COLOR are respected.
`python -m bprocsim` is the same command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with `argv`, by default the process's own arguments; gives the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    with contextlib.ExitStack() as stack:
        _prepare_streams(stack)
        return _guarded(arguments)


def _guarded(arguments: list[str]) -> int:
    """Run the command; whatever ends it early has its exit status."""
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except UsageError as error:
        _say(f"bprocsim {arguments[0]}: {error}")
        return USAGE
    except OutputError as error:
        return _cannot_write(error)
    except Exception:
        _report_bug(arguments)
        return BUG


def _run(arguments: list[str]) -> int:
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as end:  # argparse has said what it has to say: help, version, or what is wrong
        _flush()
        return end.code if isinstance(end.code, int) else USAGE
    if options.command is None:
        _say(parser.format_help().rstrip())
        return USAGE
    screen = open_screen(sys.stdout, options.color)
    status: int = COMMANDS[options.command].run(options, screen)
    screen.flush()
    return status


def _parser() -> Parser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = Parser(prog="bprocsim", description=DESCRIPTION, epilog=EPILOG, formatter_class=shape)
    parser.add_argument("--version", action=Version, version=f"bprocsim {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=Command)
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name, help=module.SUMMARY, description=module.DESCRIPTION, epilog=module.EPILOG, formatter_class=shape
        )
        command.hint = getattr(module, "HINT", "")
        module.add_arguments(command)
        add_color(command)
    return parser


# ---- streams ---------------------------------------------------------------------------------------


def _prepare_streams(stack: contextlib.ExitStack) -> None:
    """See to it that stdout and stderr are there, and that a file gets the same bytes on every system."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the caller has closed it
            stack.callback(setattr, sys, name, None)
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (the stack closes it)
            setattr(sys, name, stack.enter_context(nowhere))
    if sys.platform == "win32" and not sys.stdout.isatty():
        reconfigure = getattr(sys.stdout, "reconfigure", None)  # a test's stdout may have none
        if reconfigure is not None:
            reconfigure(newline="\n")


def _flush() -> None:
    try:
        sys.stdout.flush()
    except OSError as error:
        raise output_error(error) from error


def _say(text: str) -> None:
    """Tell something on stderr; where that is closed too, nobody is there to be told."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _cannot_write(error: OutputError) -> int:
    """End quietly when the reader has gone; a disk that is full, for instance, is told."""
    # Python flushes stdout once more at its end, and would complain then.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.closed:
        return DONE
    _say(f"bprocsim: cannot write to stdout: {error}")
    return USAGE


def _report_bug(arguments: Sequence[str]) -> None:
    """Say what to report of an exception that no command should have let through."""
    import platform
    import shlex
    import traceback

    _say(
        f"bprocsim: this is a bug in bprocsim, and nothing that you did wrong. Please report these lines:\n"
        f"  command   {shlex.join(['bprocsim', *arguments])}\n"
        f"  versions  bprocsim {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{traceback.format_exc().rstrip()}"
    )
