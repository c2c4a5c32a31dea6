"""The atlas of errors, as the command writes it."""

from __future__ import annotations

from tests.cli.command import command


def atlas_page() -> str:
    """Write the page."""
    done = command("errors", "--all", "--format", "markdown")
    assert (done.returncode, done.stderr) == (0, b""), done.stderr.decode("utf-8")
    return done.stdout.decode("utf-8")
