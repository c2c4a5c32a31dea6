"""predict: a cluster is built, a launcher is run on it, and the clock is read."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from attrs import evolve

from bprocsim.calibration.launchers import LAUNCHERS, Launcher
from bprocsim.calibration.systems import System, system_of
from bprocsim.posix.arch import Arch, arch
from bprocsim.posix.image import image_bytes as smallest_image
from bprocsim.units import KiB, ms, s
from bprocsim.world.cluster import Cluster
from bprocsim.world.specs import at_least, named_record

_JOB, _LAUNCHER, _DAEMON = "/usr/bin/job", "/usr/bin/launcher", "/usr/sbin/daemon"
_JOB_MEMORY_BYTES = 64 * KiB
# Descriptors that a launcher needs beside one for each session.
_OTHER_FILES = 64


def predict(
    launcher: str, mode: str, nodes: int, image_bytes: int, *, system: str | System, fanout: int | None = None,
    procs: int | None = None,
) -> float:  # fmt: skip
    """Run a launch and tell how many seconds it took, from the launcher's exec to its exit.

    `launcher` a name of LAUNCHERS; `mode` "flat" or "tree"; `nodes` from 1 on; `image_bytes` the
    size of the program, at least that of its headers; `system` a name of SYSTEMS or a System;
    `fanout` of a tree, from 1 on, the launcher's usual one if left out; `procs` processes in all,
    in turns over the nodes, at least one on each. TypeError, ValueError: name the argument.
    RuntimeError: the launch failed; tells the first line of what was said.
    """
    made: Launcher = named_record(launcher, LAUNCHERS, Launcher, "launcher")
    return launch(made, mode, nodes, image_bytes, system_of(system), fanout, procs)


def launch(
    launcher: Launcher, mode: str, nodes: int, image_bytes: int, system: System, fanout: int | None = None,
    procs: int | None = None,
) -> float:  # fmt: skip
    """Do what `predict` does, with a launcher as a record. TypeError, ValueError: name the argument."""
    if mode not in launcher.programs:
        raise ValueError(f"mode: {launcher.name} has no {mode!r}; expected one of {', '.join(launcher.programs)}")
    at_least("nodes", nodes, 1)
    at_least("image_bytes", image_bytes, 0)
    if fanout is not None and mode == "flat":
        raise ValueError(f"fanout: only a tree has one; with mode='flat' leave it out, got {fanout!r}")
    width = at_least("fanout", launcher.fanout if fanout is None else fanout, 1)
    if launcher.fanout_fixed and width != launcher.fanout:
        raise ValueError(f"fanout: {launcher.name} has a tree of fanout {launcher.fanout} alone, got {width}")
    count = nodes if procs is None else at_least("procs", procs, nodes)
    cluster = _cluster(launcher, mode, nodes, count, system)
    cluster.install(_JOB, launcher.job, image=_image(launcher.job.__name__, image_bytes, system.node.arch))
    places = [launcher.place(cluster.nodes[number % nodes]) for number in range(count)]
    told = ["-n", str(width)] if mode == "tree" and not launcher.fanout_fixed else []
    words = [*told, ",".join(places), _JOB]
    caller = cluster.idle_process(open_limit=count + _OTHER_FILES)
    out = cluster.execve(_LAUNCHER, ["launcher", *words], caller=caller)
    if out.exit_status:
        said = out.stderr.decode("utf-8", "replace").partition("\n")[0]
        raise RuntimeError(f"the launch failed with status {out.exit_status}: {said}")
    return out.elapsed_ns / s


def _cluster(launcher: Launcher, mode: str, nodes: int, procs: int, system: System) -> Cluster:
    """Build the cluster, and start on every node what the launcher needs there."""
    files = max(system.front.open_files, procs + 2 * _OTHER_FILES)
    front = evolve(system.front, open_files=files)
    cluster = Cluster([system.node] * nodes, costs=system.costs, master=front, edition=launcher.edition)
    figures = launcher.figures
    cluster.install(_LAUNCHER, launcher.programs[mode](figures))
    if launcher.daemon is not None:
        cluster.install(_DAEMON, launcher.daemon(figures), on="all")
        for number in range(nodes):
            cluster.session(node=number).spawn(_DAEMON)
        cluster.sleep(1 * ms / s)  # until the last of them listens
    return cluster


@lru_cache(maxsize=4)
def _image(name: str, size_bytes: Any, kind: str | int | Arch) -> bytes:
    """Make the image of the job, as large as asked. TypeError, ValueError: it cannot be."""
    headers = smallest_image(name, (), _JOB_MEMORY_BYTES, arch(kind))
    at_least("image_bytes", size_bytes, len(headers))
    return headers.ljust(size_bytes, b"\1")  # a page that is all zero would not travel
