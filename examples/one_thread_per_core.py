"""One process per core at a whole core's speed: what R_ATTACH_STRSET gives, what it costs the rest."""

import attrs

import bprocsim as bp
from bprocsim.units import ms

# Four cores of POWER7, each with four hardware threads: core 2 is {8-11}, core 3 is {12-15}. A thread that
# has its core to itself runs at full speed; with one, two, three busy siblings at 0.7, 0.5, 0.4 of it.
CORES, SMT = 4, 4
OURS = "8-15"  # two of the four cores
WORK_NS = 1000 * ms  # what each process of ours has to compute, at full speed
TURN_NS = 10 * ms  # of one who has a processor while others wait

WAYS = {
    "attached to nothing": None,
    "exclusive set, flags 0": 0,
    "exclusive set, R_ATTACH_STRSET": bp.R_ATTACH_STRSET,
}


def solver(proc: bp.Proc) -> object:
    """Be one process of ours: do the work, and end."""
    yield from proc.compute(WORK_NS)


class Rest:
    """The other work of the machine: a process for every hardware thread, each busy for ever."""

    def __init__(self) -> None:
        self.done_ns = 0

    def worker(self, proc: bp.Proc) -> object:
        """Work in pieces as long as a turn on a processor, and count them."""
        while True:
            yield from proc.compute(TURN_NS)
            self.done_ns += TURN_NS


def launcher(proc: bp.AixProc, flags: int | None, processes: int) -> object:
    """Start some solvers, attached in one way, and wait for all."""

    def child(proc: bp.AixProc) -> object:
        if flags is None:
            yield from proc.execv("/usr/bin/solver", ["solver"])
        rset = yield from proc.rs_alloc(bp.RS_EMPTY)
        yield from proc.rs_getnamedrset("sysxrset", "ours", rset)
        yield from proc.ra_execv(bp.R_RSET, rset, flags or 0, "/usr/bin/solver", ["solver"])

    for _ in range(processes):
        yield from proc.fork(child)
    for _ in range(processes):
        yield from proc.wait()


def measure(flags: int | None, processes: int) -> tuple[float, float]:
    """Give how long our processes take, in ms, and how much of its work the rest does in a ms of that."""
    costs = attrs.evolve(bp.costs["clustermatic-2002"], quantum_ns=TURN_NS)
    lpar = bp.Lpar(cores=CORES, smt=SMT, cpu="POWER7", costs=costs)
    lpar.install("/usr/bin/solver", solver)
    if flags is not None:
        lpar.mkrset("sysxrset/ours", OURS)
    rest = Rest()
    for _ in range(CORES * SMT):
        lpar.popen(rest.worker)
    lpar.sleep(1)  # by now they are at it
    before_ns, began_ns = rest.done_ns, lpar.sim.now_ns
    lpar.popen(lambda proc: launcher(proc, flags, processes)).wait()
    took_ns = lpar.sim.now_ns - began_ns
    return took_ns / ms, (rest.done_ns - before_ns) / took_ns


def main() -> None:
    """Compare the three ways, for one process per core and for one per hardware thread."""
    for processes in (2, 8):
        print(
            f"{processes} processes, each with {WORK_NS // ms} ms of work, on a machine that is busy with other things:"
        )
        print()
        print(f"  {'':<31} ours take   the rest does")
        for way, flags in WAYS.items():
            took, rest = measure(flags, processes)
            print(f"  {way:<31} {took:6.0f} ms   {rest:.1f} ms of work per ms")
        print()
    print("With one process per core each has the core to itself: work that names no set keeps off exclusive")
    print("processors, and the siblings idle. The rest pays with half of the machine. With more processes than")
    print("cores R_ATTACH_STRSET costs ours, too: they take turns on one thread per core, while the others, which")
    print("would have brought 1.6 times the work out of each core, stay idle.")


if __name__ == "__main__":
    main()
