"""What BProc's commands do in each edition."""

from __future__ import annotations

from attrs import frozen


@frozen
class Tools:
    """What BProc's commands do in an edition.

    `vector` bpsh starts all processes by one bproc_vexecmove_io, else each by a fork and an execmove; with it
    commands say by lists what descriptors shall be, else by a port; `minus_one_is_master` its option -1 means the
    master, else nobody; `abnormal` what it says of a child that was killed, with `{node}`, and `abnormal_at_end`
    if it forwards nothing and only waits; `fixed_columns` bpstat's columns are those of 3.x, else they go by the
    terminal's width; `numbered_states` calls have a node's state as a number, else by its name; `sets_leaving`
    the calls of administration are Scyld's: a node is rebooted, halted or switched off by setting its state; else
    they are LANL's; `names_first_word` of a wrong specification bpstat shows the first word of the command line;
    `shows_master` bpstat has a line for a master that is named, of whom nothing but the number is known, for it
    shows the set of nodes that a specification makes; `purges_cache` bpctl has options for the libraries that a
    node keeps.
    Sources: bproc-4.0.0pre8-clients, bpsh-users, scyld-bpctl.
    """

    vector: bool
    minus_one_is_master: bool
    abnormal: str
    abnormal_at_end: str
    fixed_columns: bool
    numbered_states: bool = True
    sets_leaving: bool = False
    names_first_word: bool = False
    shows_master: bool = False
    purges_cache: bool = False


_ABNORMAL = "bpsh: Child process on node {node} exited abnormally."
_ABNORMAL_AT_END = "bpsh: Child process exited abnormally."
_SCYLD_ABNORMAL = "bpsh: Child process exit abnormally."

SCYLD_TOOLS = Tools(
    vector=False,
    minus_one_is_master=True,
    abnormal=_SCYLD_ABNORMAL,
    abnormal_at_end=_SCYLD_ABNORMAL,
    fixed_columns=True,
    sets_leaving=True,
    purges_cache=True,
)
LANL_TOOLS = Tools(
    vector=True,
    minus_one_is_master=True,
    abnormal=_ABNORMAL,
    abnormal_at_end=_ABNORMAL_AT_END,
    fixed_columns=True,
)
BPROC4_TOOLS = Tools(
    vector=True,
    minus_one_is_master=False,
    abnormal=_ABNORMAL,
    abnormal_at_end=_ABNORMAL_AT_END,
    fixed_columns=False,
    numbered_states=False,
    names_first_word=True,
    shows_master=True,
)
