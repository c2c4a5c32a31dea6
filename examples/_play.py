"""Run an example so that Ctrl-C and a closed pipe end it without a traceback: _play.py EXAMPLE [ARGUMENTS ...]."""

from __future__ import annotations

import os
import runpy
import sys

INTERRUPTED = 130  # as a shell tells of who was ended by SIGINT


def main() -> int:
    """Be the example; gives its exit status."""
    del sys.argv[0]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
        if sys.stdout is not None:  # it is where its descriptor was closed
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has gone, as after `| head`. Python flushes once more at its end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
