"""bpctl: set the states of nodes and who may use them.

Each option acts as it is met, on the nodes that -S named last; what is wrong behind it does not undo that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from attrs import evolve

from bprocsim.bproc.nodes import NODE_MASTER, NodeState, status_of
from bprocsim.bproc.tools import Tools
from bprocsim.faces.arguments import is_quad
from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError
from bprocsim.posix.network import Address
from bprocsim.programs.accounts import accounts
from bprocsim.programs.bproc.command import Ends, Steps, run, version_line
from bprocsim.programs.bproc.nodes import refused, specified
from bprocsim.programs.bproc.options import Options

USAGE = """\
Usage: bpctl [options]
  -h,--help          Display this message and exit.
  -v,--version       Display version information and exit.
  -M,--master        Act on the master.
  -S,--slave nodes   Act on these nodes.
  -s,--state state   Set their state.
  -r,--root dir      Let a directory of theirs be their root.
  -R,--reboot        Reboot them.
  -H,--halt          Halt them.
  -P,--pwroff        Switch them off.
  -m,--mode mode     Say who may use them, in octal.
  -u,--user user     Give them to a user.
  -g,--group group   Give them to a group.
  --reconnect remote[:port][,local[:port]]
                     Let them connect anew to the master at an address, and from one.
  -f,--fast          Do not wait until it is done."""

_OPTIONS = Options(
    "hvVMS:s:r:RHPm:u:g:f",
    {
        "help": "h", "version": "v", "master": "M", "slave": "S", "state": "s", "root": "r", "reboot": "R", "halt": "H",
        "pwroff": "P", "mode": "m", "user": "u", "group": "g", "fast": "f",
        "reconnect": "reconnect:",
    },
)  # fmt: skip

# Scyld's own, for what a node keeps of libraries; no simulated node keeps any, so there is nothing to purge.
_CACHE = ("cache-purge", "cache-purge-fail")
_WITH_CACHE = evolve(_OPTIONS, long={**_OPTIONS.long, **{name: name for name in _CACHE}})
_USAGE_OF_CACHE = """
  --cache-purge      Let them forget the libraries that they keep.
  --cache-purge-fail Let them forget which libraries they could not get."""

# What changes nothing.
_NOTHING = ("f", *_CACHE)

# What --reconnect takes, the port on which the master listens unless another is given, and how long addresses are.
_ADDRESSES = re.compile(
    r"(?P<rem>[0-9.]+)(:(?P<port>[0-9]{1,5}))?(,(?P<loc>[0-9.]+)(:(?P<from>[0-9]{1,5}))?)?", re.ASCII
)
_MASTERS_PORT, _LAST_PORT = 2223, 65535
_ADDRESS_BYTES = 16

_LEAVING = {"R": NodeState.REBOOT, "H": NodeState.HALT, "P": NodeState.PWROFF}


def _usage(tools: Tools) -> str:
    return USAGE + _USAGE_OF_CACHE * tools.purges_cache


# What an option does with a node.
Action = Callable[[int], Any]


def _state_setter(proc: BprocProc, tools: Tools, text: str) -> Action:
    """Give what sets nodes to a state by its name. Ends: there is no such state."""
    if not tools.numbered_states:
        return lambda node: proc.bproc_nodesetstatus(node, text)
    state = next((each for each in NodeState if each.value == text), None)
    if state is None:
        raise Ends(1, f"Invalid node state: {text}")
    number = status_of(state)
    if tools.sets_leaving:
        return lambda node: proc.bproc_setnodestatus(node, number)
    return lambda node: proc.bproc_nodesetstatus(node, number)


def _leaver(proc: BprocProc, tools: Tools, state: NodeState) -> Action:
    """Give what sends nodes away."""
    if tools.sets_leaving:
        return lambda node: proc.bproc_setnodestatus(node, status_of(state))
    calls: dict[NodeState, Action] = {
        NodeState.REBOOT: proc.bproc_nodereboot,
        NodeState.HALT: proc.bproc_nodehalt,
        NodeState.PWROFF: proc.bproc_nodepwroff,
    }
    return calls[state]


def _reconnecter(proc: BprocProc, tools: Tools, text: str) -> Action:
    """Give what lets nodes connect anew. Ends: that is not to be had, or the addresses are none."""
    if tools.sets_leaving:
        raise Ends(1, "bpctl: --reconnect: this BProc does not have it")
    found = _ADDRESSES.fullmatch(text)
    if found is None or not all(is_quad(host) for host in (found["rem"], found["loc"] or "0.0.0.0")):
        raise Ends(1, f"Invalid address: {text}")
    rem = Address(found["rem"], int(found["port"] or _MASTERS_PORT))
    loc = Address(found["loc"] or "", int(found["from"] or 0))
    if max(rem.port, loc.port) > _LAST_PORT:
        raise Ends(1, f"Invalid address: {text}")
    return lambda node: proc.bproc_nodereconnect(node, rem, _ADDRESS_BYTES, loc, _ADDRESS_BYTES)


def _action(proc: BprocProc, tools: Tools, letter: str, text: str) -> Steps:
    """Give what an option does with a node. Ends: nothing can be made of its parameter."""
    if letter == "s":
        return _state_setter(proc, tools, text)
    if letter == "r":
        chroot = proc.bproc_slave_chroot if tools.sets_leaving else proc.bproc_nodechroot
        return lambda node: chroot(node, text)
    if letter == "reconnect":
        return _reconnecter(proc, tools, text)
    if letter in _LEAVING:
        return _leaver(proc, tools, _LEAVING[letter])
    if letter == "m":
        if not re.fullmatch("[0-7]{1,11}", text, re.ASCII):
            raise Ends(1, f"Invalid number: {text}")
        return lambda node: proc.bproc_chmod(node, int(text, 8))
    who = yield from accounts(proc)
    number = who.uid(text) if letter == "u" else who.gid(text)
    if number is None:
        raise Ends(1, f"Invalid user id: {text}")  # so it says of groups too
    return lambda node: (proc.bproc_chown if letter == "u" else proc.bproc_chgrp)(node, number)


def bpctl(proc: BprocProc, tools: Tools) -> Steps:
    """Run it as a program; gives 1 if anything was refused."""

    def main(argv: list[str]) -> Steps:
        options = (_WITH_CACHE if tools.purges_cache else _OPTIONS).of(argv)
        nodes: list[int] = []
        status, given = 0, False
        for option, text in options:
            given = True
            if option == "h":
                raise Ends(0, _usage(tools), fd=1)
            if option in ("v", "V"):
                raise Ends(0, (yield from version_line(proc, "bpctl")), fd=1)
            if option == "M":
                nodes = [NODE_MASTER]
            elif option == "S":
                nodes = yield from _nodes(proc, tools, text)
            elif option not in _NOTHING:
                status |= yield from _on_all(proc, nodes, (yield from _action(proc, tools, option, text)))
        if options.operands or not given:
            raise Ends(1, _usage(tools), fd=1)
        return status

    return (yield from run(proc, main))


def _nodes(proc: BprocProc, tools: Tools, text: str) -> Steps:
    """Give the nodes that -S names. Ends: without a word, if it names them wrongly."""
    try:
        return (yield from specified(proc, tools, text))
    except CallError as error:
        raise refused(error.call, error) from None
    except Ends:
        raise Ends(1) from None


def _on_all(proc: BprocProc, nodes: list[int], action: Action) -> Steps:
    """Do something with each node; gives 1 if it was refused for any, and says for which."""
    status = 0
    for node in nodes:
        try:
            yield from action(node)
        except CallError as error:
            yield from proc.print(f"{node}: {error.error.message}", fd=2)
            status = 1
    return status
