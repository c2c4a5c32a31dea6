"""How each call of a scenario is made: its values as Python has them, then the method of that name."""

from __future__ import annotations

import inspect
import subprocess
from typing import Any

import attrs

from bprocsim.aix.constants import BINDTHREAD, R_THREAD, RS_ADDRESOURCE, RS_DELRESOURCE
from bprocsim.aix.records import RadInfo, RsetAttributes
from bprocsim.faces.errors import CallError
from bprocsim.posix.execcalls import execve_errors
from bprocsim.scenario.aixcalls import FILLED, AixTable, RsetTable, parameters_of
from bprocsim.scenario.aixkinds import Named, WorkValue, thread_of
from bprocsim.scenario.build import World
from bprocsim.scenario.calltables import IdleTable, RunTable
from bprocsim.scenario.checks import ROOT
from bprocsim.scenario.iokinds import io_value
from bprocsim.scenario.load import Loaded
from bprocsim.scenario.systems import system_of
from bprocsim.scenario.values import bytes_of, c_value, variables_of, vector_of
from bprocsim.world.lpar import Lpar
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Timeout

# Keys that say who calls, and how; the others are the call's own.
_HOW = frozenset(("call", "expect", "user", "caller", "input", "cwd", "timeout_ns", "name", "system"))
_WORK_TYPES = {"rsid": "rstype", "rsid1": "rstype1", "who": "what"}


class Making:
    """Makes the calls of a scenario; `system` where the last one was made, `filled` what it has filled."""

    def __init__(self, world: World, loaded: Loaded) -> None:
        self._world, self._loaded = world, loaded
        self._named = Named()
        self._idle: dict[str, str] = {}  # the system of each process that waits
        self.system = ""
        self.filled: Any = None

    def make(self, number: int, call: Any) -> Outcome | None:
        """Make one call; None for one that only lets time pass, or makes a set.

        ValueError, TypeError: name the key. CallError: of the directory it is to start in.
        """
        self.filled = None
        if call.call == "sleep":
            next(iter(self._world.systems.values())).sleep(call.seconds)
            return None
        self.system = system_of(call, self._loaded.scenario, self._idle.get(getattr(call, "caller", None) or ""))
        system: Any = self._world.systems[self.system]
        self._named.lpar = system
        if isinstance(call, RsetTable):
            self._named.sets[call.name] = system.rset(call.processors)
            return None
        if isinstance(call, IdleTable):
            return self._idle_process(system, call)
        if isinstance(call, RunTable):
            return _run(system, call, _user_of(system, call))
        return self._aix(system, number, call) if isinstance(call, AixTable) else self._direct(system, call)

    def _idle_process(self, system: Any, call: Any) -> Outcome:
        """Start a process that waits; its pid is the value."""
        options = {name: value for name in ("node", "open_limit") if (value := getattr(call, name)) is not None}
        if isinstance(system, Lpar):
            options.pop("node", None)
        if call.name in self._named.processes:
            raise ValueError(f"name: there is a process {call.name!r} already")
        process = self._named.processes[call.name] = system.idle_process(_user_of(system, call), **options)
        self._idle[call.name] = self.system
        return Outcome("idle_process", process.pid, pid=process.pid, node=process.node, returned=True)

    def _direct(self, system: Any, call: Any) -> Outcome:
        """Make a call of BProc, or execve."""
        options = self._how(system, call)
        if call.from_node is not None and not isinstance(system, Lpar):
            options["from_node"] = call.from_node
        for name in ("argv", "envp"):
            if getattr(call, name) is not None:
                options[name] = vector_of(getattr(call, name))
        made: Outcome
        if call.call == "execve":
            made = system.execve(c_value(call.path), **options)
        elif hasattr(call, "port"):
            options["listen"] = call.listen
            made = system.bproc_execmove_io(call.node, io_value(call.port), c_value(call.cmd), **options)
        else:
            made = system.bproc_execmove(call.node, c_value(call.cmd), **options)
        return made

    def _how(self, system: Any, call: Any) -> dict[str, Any]:
        """Give who calls, and how."""
        options: dict[str, Any] = {}
        if call.caller is not None:
            options["caller"] = self._named.process(call.caller, "caller")
        elif call.user != ROOT:
            options["user"] = _user_of(system, call)
        if hasattr(call, "input"):
            options |= {"input": bytes_of(call.input), "cwd": call.cwd, "timeout_ns": call.timeout_ns}
        return options

    # ---- AIX ----

    def _aix(self, lpar: Lpar, number: int, call: Any) -> Outcome:
        """Make a call of bp.Lpar: its own keys are the method's parameters."""
        own: dict[str, Any] = {}
        for field in attrs.fields(type(call)):
            if field.name not in _HOW or (field.name == "name" and call.call in ("mkrset", "rmrset")):
                own[field.name] = self._value(call, field, getattr(call, field.name))
        if call.call == "ra_fork":
            own["child"] = self._loaded.children[number].function
        self._fill(call, own)
        parameters = parameters_of(call.call)
        several = any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters)
        in_order: list[Any] = []
        by_name: dict[str, Any] = {}
        for parameter in parameters:
            name = parameter.name
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                in_order += own[name] or []
            elif several:
                in_order.append(own[name])
            elif getattr(call, name) is not None or name == FILLED.get(call.call):
                by_name[name] = own[name]
        if call.call == "ra_execle":
            in_order.append(own["envp"] if call.envp is not None else {})
        outcome: Outcome = getattr(lpar, call.call)(*in_order, **by_name, **self._how(lpar, call))
        if call.call == "rs_alloc" and call.name is not None and not outcome.failed:
            self._named.sets[call.name] = outcome.value
        return outcome

    def _value(self, call: Any, field: Any, value: Any) -> Any:
        """Give what a value of the file means to the method."""
        kind, name = field.metadata["kind"], field.name
        if value is None or name == "child":
            return value
        if isinstance(kind, WorkValue) and self._of_thread(call, name):
            return thread_of(value, self._named, name)
        if hasattr(kind, "means"):
            return kind.means(value, self._named, name)
        if name in ("argv", "envp", "arguments"):
            return vector_of(value)
        if name == "args":
            return [c_value(each) for each in value]
        return c_value(value) if isinstance(value, dict) else value

    def _of_thread(self, call: Any, name: str) -> bool:
        """Tell whether the type beside an id says that it is a thread's."""
        beside = _WORK_TYPES.get(name)
        if beside is None:
            return False
        field = attrs.fields_dict(type(call))[beside]
        number = field.metadata["kind"].means(getattr(call, beside), self._named, beside)
        return bool(number == (BINDTHREAD if beside == "what" else R_THREAD))

    def _fill(self, call: Any, own: dict[str, Any]) -> None:
        """Give what a call fills, where it was left out, and remember it."""
        name = FILLED.get(call.call)
        if name is None:
            return
        if own[name] is None and getattr(call, name) is None:
            own[name] = _FRESH[name]() if name in _FRESH else self._named.lpar.rset("")
        own[name] = list(own[name]) if isinstance(own[name], tuple) else own[name]
        self.filled = own[name]
        if call.call == "rs_op" and own["command"] in (RS_ADDRESOURCE, RS_DELRESOURCE):
            self.filled = own["rset1"]


_FRESH: dict[str, Any] = {"array": list, "attributes": RsetAttributes, "out": RadInfo}


def _user_of(system: Any, call: Any) -> Any:
    return None if call.user == ROOT else system.users[call.user]


def _run(system: Any, call: Any, user: Any) -> Outcome:
    """Run a command line, and tell of it as of any call."""
    began_ns = system.sim.now_ns
    try:
        done = system.popen(
            [c_value(each) for each in call.args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, shell=call.shell, cwd=call.cwd, user=user,
            env=None if call.env is None else variables_of(call.env),
        )  # fmt: skip
    except CallError as error:
        errors = execve_errors(system.home.profile)
        if error.cause not in [row.cause for row in errors.rows]:
            raise
        return Outcome(
            "run", -1, errors.row(error.cause), errors, elapsed_ns=system.sim.now_ns - began_ns, returned=True
        )
    try:
        out, err = done.communicate(bytes_of(call.input), call.timeout)
    except subprocess.TimeoutExpired:
        done.kill()
        done.wait()
        raise Timeout(f"run did not end within {call.timeout:g} s") from None
    status = done.returncode or 0
    process = done.process
    late = process.late
    return Outcome(
        "run", None, None if late is None else late.row, None, late is not None, status if status >= 0 else None,
        -status if status < 0 else None, out or b"", err or b"", done.pid, done.node,
        system.sim.now_ns - began_ns, process.exception,
    )  # fmt: skip
