"""`python -m bprocsim` is the command `bprocsim`."""

from __future__ import annotations

import sys

from bprocsim.cli import main

if __name__ == "__main__":
    sys.exit(main())
