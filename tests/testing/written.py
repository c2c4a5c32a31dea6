"""Where what the kit writes as Python can be read again."""

from __future__ import annotations

from functools import cache
from typing import Any

import bprocsim as bp
import bprocsim.testing


@cache
def namespace() -> dict[str, Any]:
    """Give the public names, as `from bprocsim import *` and `import bprocsim as bp` would."""
    assert bprocsim.testing.__all__
    return {"bp": bp, **{name: getattr(bp, name) for name in bp.__all__}}
