"""What calls fill for their callers, beside sets and lists: records that can be changed, as structures of C."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
from attrs import define, field, setters


def _is_int(_record: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{attribute.name}: expected an int, got {value!r}")


@define(on_setattr=setters.validate)
class RsetAttributes:
    """What rs_getnameattr fills and rs_setnameattr reads: `owner` and `group` ids, permission bits, and who made it."""

    changes_later: ClassVar[bool] = True  # see trace.as_now
    owner: int = field(default=0, validator=_is_int)
    group: int = field(default=0, validator=_is_int)
    mode: int = field(default=0, validator=_is_int)
    type: int = field(default=0, validator=_is_int)


@define(on_setattr=setters.NO_OP)
class RadInfo:
    """What rs_info fills: `rad` an index; `load_average` in thousandths of a thread; `cpu_count` processors."""

    changes_later: ClassVar[bool] = True  # see trace.as_now
    rad: int = 0
    load_average: int = 0
    cpu_count: int = 0
