"""Published launch times beside simulated ones, with the errors, and what else was published."""

from bprocsim.calibration import (
    LAUNCHERS,
    Comparison,
    compare,
    context,
    leave_one_out,
    mean_error,
    ping_pong,
    points,
    predict,
)
from bprocsim.costs import PRESET_SOURCES
from bprocsim.sources import source
from bprocsim.units import MiB

XCPU, BPROC = LAUNCHERS["xcpu"], LAUNCHERS["bproc"]


def show_group(mode: str) -> None:
    """Print the points of one mode, each beside what was simulated, also by constants fitted without it."""
    found = [compare(XCPU, point) for point in XCPU.points(mode)]
    without = leave_one_out(XCPU, mode)
    print(f"xcpu, {mode}, on pinkish:")
    print("  nodes    MiB   measured  simulated   error   fitted without it   error")
    for each, other in zip(found, without, strict=True):
        print(f"{line(each)}   {other.seconds:>15.3f} s  {other.error:>+6.1%}")
    print(f"  mean error of {len(found)} points: {mean_error(found):.1%}; without each: {mean_error(without):.1%}")
    print()


def line(each: Comparison) -> str:
    """Write a measured and a simulated time on one line."""
    point, times = each.point, f"{each.point.seconds:>7.3f} s  {each.seconds:>7.3f} s"
    return f"  {point.nodes:>5}  {point.image_mib:>5}  {times}  {each.error:>+6.1%}"


def main() -> None:
    """Print what is fitted, held against measurements, only told, and predicted."""
    print("Launch times come out of messages, copies and processes, and of these fitted constants:")
    for constant in XCPU.constants:
        count = len(XCPU.points(constant.mode))
        print(f"  {constant.name:<11} {constant.ns / 1e6:>6.2f} ms, on {count} {constant.mode} points: {constant.what}")
    print()
    for mode in ("flat", "tree"):
        show_group(mode)

    print("xcpu2, the next version, beside the programs of xcpu (nothing is fitted on it):")
    for point in points():
        if point.launcher == "xcpu2":
            print(line(compare(XCPU, point)), "", point.mode)
    print()

    move = ping_pong()
    print(f"bproc, one move of a small process: measured {move.point.seconds:g} s, simulated {move.seconds:.4f} s")
    for mode in ("flat", "tree"):
        for point in BPROC.points(mode):
            most = "at most " if point.bound else ""
            print(f"bproc, {mode}, on {point.system}: {point.procs} processes took {most}{point.seconds:g} s,")
            many = point.procs if point.procs == point.nodes else point.procs // 10
            took = predict("bproc", mode, point.nodes, point.image_bytes, system=point.system, procs=many)
            fitted = PRESET_SOURCES[point.system].get("link_ns_per_mib", "").startswith("choice-fit-")
            how = "its links are fitted on it: exact, not good" if fitted else "nothing is fitted on it"
            print(f"  {'they' if many == point.procs else 'a tenth of them'} take {took:.2f} s ({how})")
    print()

    print("measured and not simulated:")
    for point in points():
        if not point.launcher.startswith(("xcpu", "bproc")):
            most = "at most " if point.bound else ""
            size = f"{point.procs:>5} processes on {point.nodes:>3} nodes"
            print(f"  {point.launcher:<13} {size}: {most}{point.seconds:g} s ({point.mode}; {point.system})")
    for other in context():
        print(f"  {other.launcher}: {other.told}")
    print()

    print("predicted for a program of 12 MiB on pinkish, up to a size that it never had:")
    for nodes in (64, 256):
        flat = predict("xcpu", "flat", nodes, 12 * MiB, system="pinkish")
        trees = [predict("xcpu", "tree", nodes, 12 * MiB, system="pinkish", fanout=each) for each in (2, 8)]
        told = ", ".join(f"{seconds:.1f} s" for seconds in trees)
        print(f"  {nodes:>5} nodes: flat {flat:.1f} s; trees of fanout 2 and 8: {told}")
    print()
    print("measured by:")
    for name in dict.fromkeys(point.source for point in points()):
        print(f"  {source(name).title}")


if __name__ == "__main__":
    main()
