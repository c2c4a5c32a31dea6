"""`python3 tests` runs every check of the project; `python3 tests --help` tells how to run fewer.

Grammar that Python 3.6 reads, so that an old Python is told what it lacks.
"""

import sys
from pathlib import Path
from typing import List

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests import environment  # (found only now)


def main(arguments: List[str]) -> int:
    from tests import steps  # written for the Python that is now known to be new enough

    options = steps.parse(arguments)
    return steps.run_all(options, environment.ensure(steps.extra_of(options)))


if __name__ == "__main__":
    sys.exit(environment.guarded(main))
