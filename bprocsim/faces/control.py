"""How a call that does not come back leaves a program: three private exceptions.

All are BaseExceptions, so that a program's `except Exception` never catches its own end. The
program's `finally` blocks run, which no real exec or kill would let them: the one documented lie.
"""

from __future__ import annotations

from typing import Any


class ImageReplaced(BaseException):
    """The process has become a new image; the old program is unwound."""

    def __init__(self, image: Any) -> None:
        super().__init__(image)
        self.image = image


class ProcessEnds(BaseException):
    """The process is over: with an exit status, or by a signal."""

    def __init__(self, *, exit_status: int | None = None, signal: int | None = None) -> None:
        super().__init__(exit_status, signal)
        self.exit_status = exit_status
        self.signal = signal


class RunStops(BaseException):
    """The whole run is over, for the simulator itself is wrong: `error` is what its user gets."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class Undocumented(RuntimeError):
    """A call reported what is not in the table of its errors: a mistake in bprocsim, told instead of passed on."""


class ForgottenYieldFrom(RuntimeError):
    """A program made a call and never ran it; the message names the call, the file and the line."""
