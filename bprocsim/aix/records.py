"""What calls fill for their callers, beside sets and lists: records that can be changed, as structures of C."""

from __future__ import annotations

from attrs import define, setters


@define(on_setattr=setters.NO_OP)
class RsetAttributes:
    """What rs_getnameattr fills and rs_setnameattr reads: `owner` and `group` ids, permission bits, and who made it."""

    owner: int = 0
    group: int = 0
    mode: int = 0
    type: int = 0


@define(on_setattr=setters.NO_OP)
class RadInfo:
    """What rs_info fills: `rad` an index; `load_average` in thousandths of a thread; `cpu_count` processors."""

    rad: int = 0
    load_average: int = 0
    cpu_count: int = 0
