"""Two faults at once, of every two stages that can be wrong together: the earlier one is told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from tests.kernel.building import USER, case, file, folder, link, mount, special
from tests.kernel.case import BAD, STAGES, Case, Entry, Held
from tests.kernel.images import GOOD, asking_for, image, load

# A fault is what it sets of a call to /m/d/x: where that is, what it is, who holds it, its arguments.
FAULTS: dict[str, dict[str, dict[str, Any]]] = {
    "walk": {
        "closed": {"folder": folder("/m/d", 0o600)},
        "absent": {"below": "/none"},
        "too-long": {"below": "/" + "n" * 256},
        "slash": {"below": "/x/"},
        "loop": {"folder": link("/m/d", "d")},
    },
    "file": {
        "noexec": {"flags": ("noexec",)},
        "no-x": {"mode": 0o666},
        "fifo": {"kind": "fifo"},
        "directory": {"kind": "dir"},
    },
    "busy": {"writer": {"how": "writer"}, "mapping": {"how": "mapping"}},
    "vectors": {"argv": {"argv": BAD}, "envp": {"envp": BAD}},
    "strings": {
        "bad": {"argv": (b"a", BAD)},
        "bad-env": {"envp": (BAD,)},
        "big": {"argv": (b"a" * 131072,)},
        "much": {"envp": (b"a" * 130000, b"b" * 70000)},
    },
    "format": {"empty": {"data": b""}, "text": {"data": b"text"}},
    "script": {"absent": {"data": b"#!/none\n"}, "nobody": {"data": b"#!\n"}, "no-x": {"data": b"#!/m/no-x\n"}},
    "elf": {
        "type": {"data": image(type=4)},
        "machine": {"data": image(machine="sparc")},
        "cut": {"data": GOOD[:100]},
        "unclosed": {"data": asking_for(b"/m/no-x")},
    },
    "interpreter": {
        "absent": {"data": asking_for("/none")},
        "text": {"data": asking_for("/m/text")},
        "no-x": {"data": asking_for("/m/no-x")},
    },
    "after": {"nowhere": {"data": image(segments=[load(p_vaddr=1 << 60)])}, "entry": {"data": image(entry=1 << 60)}},
}


def call(id: str, fault: dict[str, Any]) -> Case:
    """Make a call with all that faults have set."""
    place: Entry = fault.get("folder", folder("/m/d"))
    made = [place]
    if place.kind == "dir":
        if fault.get("kind") == "dir":
            made.append(folder("/m/d/x"))
        elif fault.get("kind") == "fifo":
            made.append(special("/m/d/x", "fifo"))
        else:
            made.append(file("/m/d/x", fault.get("data", GOOD), fault.get("mode", 0o755)))
    others = (file("/m/no-x", mode=0o666), file("/m/text", b"t" * 99))
    held = (Held(b"/m/d/x", fault["how"]),) if "how" in fault else ()
    return case(
        id,
        *mount("/m", *fault.get("flags", ())),
        *made,
        *others,
        cmd="/m/d" + fault.get("below", "/x"),
        held=held,
        argv=fault.get("argv", (b"x",)),
        envp=fault.get("envp", ()),
        who=USER,
        stack_bytes=524288,
    )


def can_be_built(made: Case) -> bool:
    """Tell whether what is held open is there, and a file with something in it to be mapped."""
    there = {each.path: each for each in made.tree}
    return all(
        each.path in there and there[each.path].kind == "file" and (each.how != "mapping" or there[each.path].data)
        for each in made.held
    )


def cases() -> Iterator[Case]:
    """Give every two faults that can stand together."""
    for first, second in combinations(FAULTS, 2):
        assert STAGES.index(first) < STAGES.index(second)
        for one, sets in FAULTS[first].items():
            for other, more in FAULTS[second].items():
                if sets.keys().isdisjoint(more):
                    made = call(f"{first}/pair-{one}-and-{second}-{other}", sets | more)
                    if can_be_built(made):
                        yield made
