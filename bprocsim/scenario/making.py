"""How each call of a scenario is made: its values as Python has them, then the method of that name."""

from __future__ import annotations

import inspect
import subprocess
from typing import Any

import attrs

from bprocsim.aix.constants import BINDTHREAD, R_THREAD, RS_ADDRESOURCE, RS_DELRESOURCE
from bprocsim.aix.records import RadInfo, RsetAttributes
from bprocsim.bproc.records import BprocAddress, BprocNodeInfo, BprocNodeSet, BprocVersion
from bprocsim.faces.errors import CallError
from bprocsim.posix.execcalls import execve_errors
from bprocsim.scenario.aixcalls import RsetTable
from bprocsim.scenario.aixkinds import Named, WorkValue, thread_of
from bprocsim.scenario.build import World
from bprocsim.scenario.callbase import MethodTable, parameters_of
from bprocsim.scenario.calltables import IdleTable, RunTable
from bprocsim.scenario.iokinds import io_value
from bprocsim.scenario.load import Loaded
from bprocsim.scenario.systems import ROOT, system_of
from bprocsim.scenario.values import bytes_of, c_value, variables_of, vector_of
from bprocsim.world.lpar import Lpar
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Timeout

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
        return self._method(system, number, call) if isinstance(call, MethodTable) else self._direct(system, call)

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
        """Make a call of bproc_execmove, or execve."""
        options = self._how(system, call)
        for name in ("argv", "envp"):
            if getattr(call, name) is not None:
                options[name] = vector_of(getattr(call, name))
        made: Outcome
        if call.call == "execve":
            made = system.execve(c_value(call.path), **options)
        elif hasattr(call, "port"):
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
        if hasattr(call, "listen"):
            options["listen"] = call.listen
        if getattr(call, "from_node", None) is not None and not isinstance(system, Lpar):
            options["from_node"] = call.from_node
        return options

    # ---- calls whose keys are a method's parameters ----

    def _method(self, system: Any, number: int, call: Any) -> Outcome:
        """Make a call of bp.Lpar or bp.Cluster by its own name."""
        parameters = parameters_of(type(call), call.call)
        own = {each.name: self._value(call, each.name) for each in parameters}
        if "child" in own:
            own["child"] = self._loaded.children[number].function
        self._fill(system, call, own)
        several = any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters)
        in_order: list[Any] = []
        by_name: dict[str, Any] = {}
        for parameter in parameters:
            name = parameter.name
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                in_order += own[name] or []
            elif several:
                in_order.append(own[name])
            elif getattr(call, name) is not None or own[name] is not None:
                by_name[name] = own[name]
        if call.call == "ra_execle":
            in_order.append({} if call.envp is None else self._value(call, "envp"))
        outcome: Outcome = getattr(system, call.call)(*in_order, **by_name, **self._how(system, call))
        if call.call == "rs_alloc" and call.name is not None and not outcome.failed:
            self._named.sets[call.name] = outcome.value
        return outcome

    def _value(self, call: Any, name: str) -> Any:
        """Give what a value of the file means to the method."""
        kind, value = attrs.fields_dict(type(call))[name].metadata["kind"], getattr(call, name)
        if value is None or name == "child":
            return value
        if isinstance(kind, WorkValue) and self._of_thread(call, name):
            return thread_of(value, self._named, name)
        if hasattr(kind, "means"):
            return kind.means(value, self._named, name)
        if name == "nodes" and isinstance(value, tuple):
            return list(value)
        if name in ("argv", "envp", "arguments"):
            return vector_of(value)
        if name == "port":
            return io_value(value)
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

    def _fill(self, system: Any, call: Any, own: dict[str, Any]) -> None:
        """Give what a call fills, where it was left out, and remember it."""
        name = call.fills.get(call.call)
        if name is None or not _takes(system, call, name):
            return
        if own[name] is None and getattr(call, name) is None:
            own[name] = fresh_of(system, call.call, name)
        own[name] = list(own[name]) if isinstance(own[name], tuple) else own[name]
        self.filled = own[name]
        if call.call == "rs_op" and own["command"] in (RS_ADDRESOURCE, RS_DELRESOURCE):
            self.filled = own["rset1"]
        if own.get("len", 0) is None:
            own["len"] = STATUS_BYTES


STATUS_BYTES = 16  # room for the longest state, and its NUL


def _takes(system: Any, call: Any, name: str) -> bool:
    """Tell whether a call takes an argument in the edition of the cluster."""
    service = None if isinstance(system, Lpar) else system.edition.calls().get(call.call)
    return service is None or service.takes is None or name in service.takes


def fresh_of(system: Any, call: str, name: str) -> Any:
    """Make what a call is to fill."""
    if isinstance(system, Lpar):
        return _FRESH[name]() if name in _FRESH else system.rset("")
    if call == "bproc_nodelist" and system.edition.bpfs:
        return BprocNodeSet()
    return _FRESH_OF_BPROC[name]()


_FRESH: dict[str, Any] = {"array": list, "attributes": RsetAttributes, "out": RadInfo}
_FRESH_OF_BPROC: dict[str, Any] = {
    "status": bytearray, "value": bytearray, "info": BprocNodeInfo, "list": list, "addr": BprocAddress,
    "version": BprocVersion, "ns": BprocNodeSet, "out": BprocNodeSet,
}  # fmt: skip


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
