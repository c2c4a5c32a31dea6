"""What can be amiss with the rest of a call: its arguments, the machine, and the journey."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from tests.opinion.building import LISTENED_PORT
from tests.opinion.drafts import APP, DYNAMIC, GROUPS, OLD_DYNAMIC, OLD_STATIC, OWNERS, STATIC, Draft
from tests.opinion.worlds import NOWHERE, Text, Vector


def bad_pointer(draft: Draft) -> None:
    rng = draft.rng
    which = rng.choice(("path", "argv", "envp", "argv string", "envp string", "empty path"))
    if which == "path":
        draft.set_call(path=rng.choice((None, NOWHERE)))
    elif which == "empty path":
        draft.path = ""
    elif which in ("argv", "envp"):
        draft.set_call(**{which: rng.choice((None, NOWHERE, NOWHERE))})
    else:
        draft.set_call(**{which.split()[0]: _with(draft, which.split()[0], rng.choice((None, NOWHERE)))})


def _with(draft: Draft, which: str, text: Text) -> Vector:
    vector: Vector = getattr(draft.call, which)
    if not isinstance(vector, tuple):
        return vector
    at = draft.rng.randrange(len(vector) + 1)
    return (*vector[:at], text, *vector[at:])


def many_strings(draft: Draft) -> None:
    """Strings of just under, exactly or just over what an exec takes, or far more."""
    rng = draft.rng
    total = rng.choice((131063, 131064, 131065, 131068, 131069, 200_000)) - (len(APP) + 1)
    which = rng.choice(("argv", "envp"))
    text = "A=" + "x" * (total // 2 - 3)
    rest = total - (len(text) + 1) - sum(len(given) + 1 for given in ("app",) if which == "envp")
    draft.set_call(**{which: (text, "B=" + "y" * (rest - 3)) if which == "envp" else (text, "y" * (rest - 1))})


ARGUMENTS: tuple[Callable[[Draft], None], ...] = (bad_pointer, bad_pointer, many_strings)


def no_files(draft: Draft) -> None:
    draft.set_world(files_left=draft.rng.choice((0, 1, 2)))


def no_memory(draft: Draft) -> None:
    draft.set_world(memory_left=False)


MACHINE: tuple[Callable[[Draft], None], ...] = (no_files, no_memory)


def other_node(draft: Draft) -> None:
    draft.set_call(node=draft.rng.choice((-1, -2, -3, -4, 2, 99, 0, 1)))


def other_place(draft: Draft) -> None:
    draft.set_world(at=0)


def down(draft: Draft) -> None:
    if draft.call.node != draft.world.at:
        draft.set_station(state="down")


def lost(draft: Draft) -> None:
    """The node has just lost its power, or hangs, or its link is cut, and nobody has noticed yet."""
    if draft.call.node != draft.world.at:
        draft.set_station(silent=draft.rng.choice(("power", "hang", "link")))


def other_state(draft: Draft) -> None:
    states = ("error", "unavailable") + (("reboot", "halt", "pwroff") if draft.world.edition == "scyld" else ())
    draft.set_station(state=draft.rng.choice(states))


def other_permission(draft: Draft) -> None:
    rng = draft.rng
    mode = rng.choice((0o111, 0o100, 0o010, 0o001, 0o000, 0o011))
    draft.set_station(mode=mode, uid=rng.choice(OWNERS), gid=rng.choice(GROUPS))


def other_port(draft: Draft) -> None:
    port = draft.rng.choice((0, LISTENED_PORT, LISTENED_PORT - 65536, LISTENED_PORT + 65536, 4001, 65536))
    draft.set_call(port=port, heard=port % 65536 == LISTENED_PORT)


def no_library(draft: Draft) -> None:
    draft.set_station(missing=("libc.so.6",))
    draft.change(APP, data=DYNAMIC)


def full(draft: Draft) -> None:
    if draft.call.node != draft.world.at:
        draft.set_station(full=True)


def other_arch(draft: Draft) -> None:
    draft.set_station(arch="i386")


def old_caller(draft: Draft) -> None:
    """A caller on a node of 32 bits, which runs images of its own machine alone; often all nodes are such."""
    rng = draft.rng
    stations = [attrs.evolve(each, arch="i386" if rng.random() < 0.7 else each.arch) for each in draft.world.stations]
    draft.set_world(at=0, stations=tuple(stations))
    draft.change(APP, data=rng.choice((STATIC, OLD_STATIC, OLD_STATIC, OLD_DYNAMIC)))


def no_master(draft: Draft) -> None:
    draft.set_world(master_gone=True)


JOURNEY: tuple[Callable[[Draft], None], ...] = (
    other_node, other_place, down, lost, full, other_state, other_permission, other_port, no_library, other_arch,
    old_caller, old_caller, no_master,
)  # fmt: skip
