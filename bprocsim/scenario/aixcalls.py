"""[[call]] on a partition: a table for each call of bp.Lpar, made of the method's own parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from bprocsim.scenario.aixkinds import PROCESSORS, AttributesValue, Constant, RsetValue, WorkValue
from bprocsim.scenario.callbase import ENVIRONMENT, CallTable, MethodTable, MethodTables
from bprocsim.scenario.commonkinds import MODE, NAME, PATH, POINTER_OR_TEXT, PROGRAM, SYSTEM, TEXT, VECTOR
from bprocsim.scenario.kinds import Either, Integer, Kind, Listed, key
from bprocsim.world.lpar import Lpar

_TYPES = (
    "R_RSET", "R_SRADID", "R_PROCESS", "R_THREAD", "R_NADA", "R_SUBRANGE", "R_SHM", "R_FILDES", "R_PROCMEM",
)  # fmt: skip
_INFO = (
    "R_NUMPROCS", "R_NUMMEMPS", "R_MEMSIZE", "R_MAXSDL", "R_SMPSDL", "R_MCMSDL", "R_MAXPROCS", "R_MAXMEMPS",
    "R_LGPGFREE", "R_LGPGDEF", "R_SHMATTCAP", "R_L2CSDL", "R_PCORESDL", "R_REF1SDL", "R_SRADSDL",
)  # fmt: skip
_OPERATIONS = (
    "RS_UNION", "RS_INTERSECTION", "RS_EXCLUSION", "RS_COPY", "RS_FIRST", "RS_NEXT", "RS_NEXT_WRAP", "RS_ISEMPTY",
    "RS_ISEQUAL", "RS_ISCONTAINED", "RS_TESTRESOURCE", "RS_ADDRESOURCE", "RS_DELRESOURCE", "RS_STSET",
)  # fmt: skip
_KINDS = ("R_PROCS", "R_MEMPS", "R_ALL_RESOURCES")
_ATTACH = Constant(("R_ATTACH_STRSET",), "flag")
_INITIAL = Constant(("RS_EMPTY", "RS_SYSTEM", "RS_ALL", "RS_PARTITION"), "flag")
_SET, _FILLED = RsetValue(), "the set that is filled; left out: a fresh one"
_INTEGER = Integer()
_IDS = Either({str: PROCESSORS, list: Listed(Integer(0), "ids"), tuple: Listed(Integer(0), "ids")}, PROCESSORS.expected)

# Each parameter of a call: what it takes in a file, and what it means; some mean another thing in some calls.
AIX_KEYS: dict[str, tuple[Kind, str]] = {
    "rstype": (Constant(_TYPES, "type"), "what rsid is"),
    "rsid": (RsetValue(numbers=True), "the resource: a set, or an SRADID"),
    "rstype1": (Constant(_TYPES, "type"), "what is attached"),
    "rsid1": (WorkValue(), "the process or thread that is attached"),
    "rstype2": (Constant(_TYPES, "type"), "what it is attached to"),
    "rsid2": (RsetValue(numbers=True), "the resource: a set, or an SRADID"),
    "flags": (_ATTACH, "the policy of the attachment"),
    "path": (POINTER_OR_TEXT, "the file"),
    "file": (POINTER_OR_TEXT, "the file, looked for along PATH"),
    "argv": (VECTOR, "left out: the last name of the file"),
    "envp": (ENVIRONMENT, "environment; left out: empty"),
    "arguments": (VECTOR, "the arguments one by one"),
    "child": (PROGRAM, "what the child runs: a program of ours, or module:function"),
    "args": (Listed(TEXT, "texts"), "further arguments of the child's function"),
    "rset": (_SET, "the set"),
    "rset1": (_SET, "the first set"),
    "rset2": (_SET, "the second set, in which a result is stored; left out: a fresh one"),
    "rad": (_SET, _FILLED),
    "what": (Constant(("BINDPROCESS", "BINDTHREAD"), "type"), "what is bound"),
    "who": (WorkValue(), "the process or thread that is bound"),
    "bind_id": (Constant(("PROCESSOR_CLASS_ANY",), "bind id"), "the processor by its bind id, or none any more"),
    "pid": (WorkValue(), "the process"),
    "command": (Constant(_OPERATIONS, "command"), "what is done with the sets"),
    "id": (_INTEGER, "one processor or memory pool"),
    "info_type": (Constant(_INFO, "type of information"), "what is asked"),
    "sdl": (_INTEGER, "a level, as rs_getinfo tells them"),
    "index": (_INTEGER, "which domain of the level"),
    "kind": (Constant(_KINDS, "kind of resource"), "what id is of"),
    "size": (_INTEGER, "how many numbers there is room for"),
    "array": (Listed(_INTEGER, "numbers"), "the list that is filled; left out: a fresh one"),
    "out": (AttributesValue("{ pointer }"), "what is filled; left out: a fresh record"),
    "arg1": (_INTEGER, "what the command is about"),
    "arg2": (_INTEGER, "the second part of it"),
    "namespace": (POINTER_OR_TEXT, "the namespace"),
    "rsname": (POINTER_OR_TEXT, "the name in it"),
    "mode": (MODE, "who may use the name: permission bits"),
    "attributes": (AttributesValue(), "owner, group and mode"),
    "name": (NAME, "namespace/name"),
    "processors": (_IDS, "logical ids"),
    "memory": (_IDS, "memory pools"),
    "threads": (_INTEGER, "how many hardware threads of a core are to be online"),
    "core": (_INTEGER, "the core"),
}
_SPECIAL: dict[tuple[str, str], tuple[Kind, str]] = {
    ("ra_attachrset", "rsid"): (WorkValue(), "the process or thread that is attached"),
    ("ra_detachrset", "rsid"): (WorkValue(), "the process or thread that is detached"),
    ("ra_getrset", "rsid"): (WorkValue(), "the process or thread that is asked about"),
    ("ra_detachrset", "flags"): (Constant(("R_DETACH_ALLTHRDS",), "flag"), "whether threads lose their own sets too"),
    ("ra_getrset", "rset"): (_SET, _FILLED),
    ("rs_alloc", "flags"): (_INITIAL, "what the set is to hold"),
    ("rs_init", "flags"): (_INITIAL, "what the set is to hold"),
    ("rs_op", "flags"): (Constant((*_KINDS, "RS_NON_EXCLUSIVE"), "flag"), "which kinds of resources it is about"),
    ("rs_getinfo", "flags"): (_INTEGER, "always 0"),
    ("rs_numrads", "flags"): (_INTEGER, "always 0"),
    ("rs_getrad", "flags"): (Constant(("RS_UNION", "RS_EXCLUSION"), "flag"), "how it joins what rad holds"),
    ("rs_info", "command"): (
        Constant(("RS_CONTAINING_RAD", "RS_SRADID_LOADAVG", "RS_SRADID_USABLE_LOADAVG"), "command"), "what is asked",
    ),
    ("rs_setpartition", "rset"): (RsetValue(default=True), "the set, or RS_DEFAULT to take it away"),
    ("set_partition", "rset"): (RsetValue(default=True), "the set, or RS_DEFAULT to take it away"),
    ("rs_getpartition", "rset"): (_SET, _FILLED),
    ("rs_getnamedrset", "rset"): (_SET, _FILLED),
    ("rs_registername", "command"): (Constant(("RS_DEFINE", "RS_REDEFINE"), "command"), "whether it may be there"),
    ("rs_setnameattr", "command"): (Constant(("RS_OWNER", "RS_GROUP", "RS_PERM"), "command"), "what is changed"),
    ("rs_getnameattr", "attributes"): (AttributesValue(), "what is filled; left out: a fresh record"),
    ("mkrset", "processors"): (_IDS, "logical ids"),
}  # fmt: skip

# What a call fills, so that it may be left out and be expected: `filled` of expect.
FILLED = {
    "rs_op": "rset2", "rs_init": "rset", "rs_getrad": "rad", "ra_getrset": "rset", "rs_getpartition": "rset",
    "rs_getnamedrset": "rset", "rs_getassociativity": "array", "rs_getnameattr": "attributes", "rs_info": "out",
}  # fmt: skip

RA_EXEC = ("ra_execve", "ra_exect", "ra_execv", "ra_execvp", "ra_execl", "ra_execle", "ra_execlp")
AIX_CALLS = (
    *RA_EXEC, "ra_fork", "ra_attachrset", "ra_attach", "ra_detachrset", "ra_getrset", "bindprocessor", "rs_alloc",
    "rs_init", "rs_free", "rs_op", "rs_getinfo", "rs_numrads", "rs_getrad", "rs_getassociativity", "rs_get_homesrad",
    "rs_info", "rs_setpartition", "set_partition", "rs_getpartition", "rs_registername", "rs_getnamedrset",
    "rs_discardname", "rs_getnameattr", "rs_setnameattr", "mkrset", "rmrset", "smtctl", "dlpar_remove", "dlpar_add",
    "deallocate", "rs_getrsetnames",
)  # fmt: skip


@frozen(kw_only=True)
class AixTable(MethodTable):
    """A call of AIX, made by somebody on the partition."""

    made_of = Lpar
    fills = FILLED

    system: str | None = key(SYSTEM, "on which partition, if there are several", None)


@frozen(kw_only=True)
class AixRunTable(AixTable):
    """A call of AIX that runs a program."""

    input: Any = key(TEXT, "what stdin gives", "")
    cwd: str | None = key(PATH, "directory that it starts in; left out: /", None)
    timeout_ns: int | None = key(Integer(1, what="nanoseconds"), "how long the call may take", None)


@frozen(kw_only=True)
class RsetTable(CallTable):
    """Make a set that later calls name, as lpar.rset does."""

    name: str = key(NAME, "by which later calls name the set")
    processors: Any = key(_IDS, "logical ids; left out: none", "")
    system: str | None = key(SYSTEM, "of which partition, if there are several", None)


AIX_TABLES: Mapping[str, type] = MethodTables(
    AIX_CALLS,
    lambda call: AixRunTable if call in (*RA_EXEC, "ra_fork") else AixTable,
    lambda call, name: _SPECIAL.get((call, name), AIX_KEYS[name]),
    {
        "ra_execle": {"envp": key(ENVIRONMENT, "environment; it comes after the arguments; left out: empty", None)},
        "rs_alloc": {"name": key(NAME, "by which later calls name the set", None)},
    },
)
