"""Where what the kit writes as Python can be read again."""

from __future__ import annotations

from typing import Any

import bprocsim as bp
import bprocsim.testing


def namespace() -> dict[str, Any]:
    """Give what `import bprocsim as bp` gives, and the kit below it."""
    assert bprocsim.testing.__all__
    return {"bp": bp}
