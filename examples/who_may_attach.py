"""Who may attach a process to a resource set, who may not, and why: one caller after another."""

import bprocsim as bp

APP = "/usr/bin/app"


def app(proc: bp.AixProc) -> object:
    """Say what it is attached to."""
    rset = yield from proc.rs_alloc(bp.RS_EMPTY)
    yield from proc.ra_getrset(bp.R_PROCESS, bp.RS_MYSELF, 0, rset)
    yield from proc.print(f"attached to {rset}")


def forks_and_attaches(proc: bp.AixProc) -> object:
    """Let a child make the call, as a launcher does."""

    def child(proc: bp.AixProc) -> object:
        rset = yield from proc.rs_alloc(bp.RS_EMPTY)
        for processor in (2, 3):
            yield from proc.rs_op(bp.RS_ADDRESOURCE, rset, None, bp.R_PROCS, processor)
        try:
            yield from proc.ra_execv(bp.R_RSET, rset, 0, APP, ["app"])
        except bp.CallError as error:
            yield from proc.print(f"-1 {error.error.name}, {error.cause}")

    yield from proc.fork(child)
    yield from proc.wait()


def tell(who: str, out: bp.Outcome) -> None:
    """Say in one line what became of a call."""
    print(f"  {who:<44}", f"-1 {out.errno.name}, {out.cause}" if out.errno else out.text.rstrip())


def main() -> None:
    """Ask for processors 2 and 3 as root, as users with and without capabilities, bound, and bounded."""
    lpar = bp.Lpar(cores=4, smt=2, cpu="POWER5")
    lpar.install(APP, app)
    lpar.install("/usr/bin/launcher", forks_and_attaches)
    bob = lpar.user("bob", 501, 501)
    ann = lpar.user("ann", 502, 502, capabilities={"CAP_NUMA_ATTACH"})
    eve = lpar.user("eve", 503, 503, capabilities={"CAP_NUMA_ATTACH", "CAP_PROPAGATE"})
    rset = lpar.rset("2-3")

    print("the process itself:")
    tell("root", lpar.ra_execv(bp.R_RSET, rset, 0, APP))
    tell("bob, who has no capability", lpar.ra_execv(bp.R_RSET, rset, 0, APP, user=bob))
    tell("ann, who has CAP_NUMA_ATTACH", lpar.ra_execv(bp.R_RSET, rset, 0, APP, user=ann))

    # A capability is lost by a fork, unless CAP_PROPAGATE hands it on.
    print("a child of its:")
    tell("of ann, who has CAP_NUMA_ATTACH", lpar.execve("/usr/bin/launcher", user=ann))
    tell("of eve, who has CAP_PROPAGATE as well", lpar.execve("/usr/bin/launcher", user=eve))

    # A binding by bindprocessor and an attachment exclude each other, for root as well.
    print("root, with a thread bound by bindprocessor:")
    bound = lpar.idle_process()
    lpar.bindprocessor(bp.BINDPROCESS, bound.pid, 2).check()
    tell("bound to processor 2, which is in the set", lpar.ra_execv(bp.R_RSET, rset, 0, APP, caller=bound))
    lpar.bindprocessor(bp.BINDPROCESS, bound.pid, bp.PROCESSOR_CLASS_ANY).check()
    tell("bound no more", lpar.ra_execv(bp.R_RSET, rset, 0, APP, caller=bound))

    # A partition set, which root alone may set, bounds every later attachment, those of root as well.
    print("root, with a partition set:")
    bounded = lpar.idle_process()
    lpar.set_partition(bounded.pid, lpar.rset("2,4-7")).check()
    tell("{2,4-7}, in which 3 is missing", lpar.ra_execv(bp.R_RSET, rset, 0, APP, caller=bounded))
    lpar.set_partition(bounded.pid, lpar.rset("2-7")).check()
    tell("{2-7}", lpar.ra_execv(bp.R_RSET, rset, 0, APP, caller=bounded))

    # All of these are EPERM: only the cause tells them apart, and a real AIX tells none.
    print()
    print(lpar.ra_execv(bp.R_RSET, rset, 0, APP, user=bob).explain().partition("  not reached")[0], end="")


if __name__ == "__main__":
    main()
