"""Stage `strings`: argv and envp copied, from the last string of envp to the first of argv; how much fits."""

from __future__ import annotations

from collections.abc import Iterator

from tests.kernel.building import USER, case, file, folder, link, mount, script
from tests.kernel.case import BAD, Case, Held, Text, Vector
from tests.kernel.images import ARGC, NO_PROGRAMS

KIB, MIB = 1 << 10, 1 << 20
LONGEST = 131071  # of one string, without its NUL
POINTER = 8
LEAST, MOST = 128 * KIB, 6 * MIB

BIG = b"a" * (LONGEST + 1)


def limit_of(stack_bytes: int) -> int:
    """Give about how much fits; what exactly is the question."""
    return min(max(stack_bytes // 4, LEAST), MOST, stack_bytes)


def filling(total: int, cmd: str = "/x", longest: int = LONGEST) -> tuple[bytes, ...]:
    """Give strings that, with their pointers and the file's name, take so many bytes."""
    room = total - len(cmd) - 1
    count = -(-room // (longest + 1 + POINTER))
    last = room - (count - 1) * (longest + 1 + POINTER) - 1 - POINTER
    if last >= 0:
        return (b"a" * longest,) * (count - 1) + (b"a" * last,)
    # The last one would have no room for its pointer: the one before it gives some.
    return (b"a" * longest,) * (count - 2) + (b"a" * (longest + last), b"")


def limits() -> Iterator[Case]:
    """Give what just fits and what just does not, at several limits of the stack."""
    x = file("/x")
    stacks = (
        64 * KIB,
        128 * KIB,
        256 * KIB,
        512 * KIB,
        512 * KIB + 4 * KIB,
        MIB,
        8 * MIB,
        24 * MIB,
        24 * MIB + 4 * KIB,
        64 * MIB,
    )
    for stack_bytes in stacks:
        for excess in (-4096, -1, 0, 1, 4096):
            total = limit_of(stack_bytes) + excess
            tag = f"{stack_bytes // KIB}K{excess:+d}"
            yield case(f"strings/argv-{tag}", x, argv=filling(total), stack_bytes=stack_bytes)
            if stack_bytes in (64 * KIB, 256 * KIB, 8 * MIB):
                # The place of an argv[0] is counted even if there is none.
                yield case(f"strings/envp-{tag}", x, argv=(), envp=filling(total - POINTER), stack_bytes=stack_bytes)
                half = filling(total // 2)
                rest = filling(total - total // 2 + len("/x") + 1)
                yield case(f"strings/both-{tag}", x, argv=half, envp=rest, stack_bytes=stack_bytes)
    for stack_bytes in (128 * KIB, 512 * KIB):
        for excess in (-9, -1, 0, 1, 9):
            count, over = divmod(limit_of(stack_bytes) + excess - len("/x") - 1, 1 + POINTER)
            argv = (b"a" * over, *(b"",) * (count - 1))
            yield case(f"strings/pointers-{stack_bytes // KIB}K{excess:+d}", x, argv=argv, stack_bytes=stack_bytes)
    for cmd in ("/" * 100 + "x", "/./" * 1000 + "x"):
        for excess in (0, 1):
            yield case(
                f"strings/name-{len(cmd)}{excess:+d}", x, cmd=cmd, argv=filling(LEAST + excess, cmd), stack_bytes=LEAST
            )
    yield case("strings/counted", file("/x", ARGC), argv=(b"",) * 77)


def one_string() -> Iterator[Case]:
    """Give one string at the limit of one string, in every place."""
    x = file("/x")
    for length in (LONGEST - 1, LONGEST, LONGEST + 1, LONGEST + 2, 4 * LONGEST):
        text = b"a" * length
        yield case(f"strings/one-argv-{length}", x, argv=(text,))
        yield case(f"strings/one-envp-{length}", x, envp=(text,))
        yield case(f"strings/last-argv-{length}", x, argv=(b"a", b"b", text))
        yield case(f"strings/first-envp-{length}", x, envp=(text, b"b"))
    yield case("strings/one-small-stack", x, argv=(BIG,), stack_bytes=64 * KIB)
    yield case("strings/one-big-stack", x, argv=(BIG,), stack_bytes=64 * MIB)


def orders() -> Iterator[Case]:
    """Give a bad string and one that is too big, one before the other, in every order."""
    x = file("/x")
    pairs: dict[str, tuple[Vector, Vector]] = {
        "bad-then-big": ((BAD, BIG), ()),
        "big-then-bad": ((BIG, BAD), ()),
        "bad-argv-big-envp": ((BAD,), (BIG,)),
        "big-argv-bad-envp": ((BIG,), (BAD,)),
        "envp-bad-then-big": ((), (BAD, BIG)),
        "envp-big-then-bad": ((), (BIG, BAD)),
        "bad-first": ((BAD, b"a"), ()),
        "bad-last": ((b"a", BAD), ()),
        "bad-envp": ((b"a",), (BAD,)),
        "all-bad": ((BAD,), (BAD,)),
    }
    for name, (argv, envp) in pairs.items():
        yield case(f"strings/order-{name}", x, argv=argv, envp=envp)
    much = filling(LEAST + 10 * KIB, longest=40000)
    pairs = {
        "bad-then-much": ((BAD, *much), ()),
        "much-then-bad": ((*much, BAD), ()),
        "bad-argv-much-envp": ((BAD,), much),
        "much-argv-bad-envp": (much, (BAD,)),
        "much-in-both": (much, much),
        "much-bad-in-the-middle": ((*much[:2], BAD, *much[2:]), ()),
        "bad-before-little": ((BAD, *much[1:]), ()),
    }
    for name, (argv, envp) in pairs.items():
        yield case(f"strings/order-{name}", x, argv=argv, envp=envp, stack_bytes=LEAST)
    count = LEAST // POINTER
    many = (b"",) * count
    vectors: dict[str, Vector] = {"only": many, "bad-first": (BAD, *many), "bad-last": (*many, BAD)}
    for name, argv in vectors.items():
        yield case(f"strings/order-pointers-{name}", x, argv=argv, stack_bytes=LEAST)
    yield case("strings/order-pointers-bad-envp", x, argv=many, envp=BAD, stack_bytes=LEAST)


def with_others() -> Iterator[Case]:
    """Give bad strings with a fault before or after them."""
    bad: dict[str, tuple[Text, ...]] = {"bad": (b"x", BAD), "big": (BIG,)}
    for name, argv in bad.items():
        for what, data in NO_PROGRAMS.items():
            yield case(f"strings/{name}-and-{what}", file("/x", data), argv=argv)
        yield case(f"strings/{name}-and-no-x", file("/x", mode=0o644), argv=argv, who=USER)
        yield case(f"strings/{name}-and-absent", argv=argv)
        yield case(f"strings/{name}-and-loop", link("/x", "x"), argv=argv)
        yield case(
            f"strings/{name}-and-busy-interpreter", script("/x", b"/y\n"), file("/y"), argv=argv, held=(Held(b"/y"),)
        )
        yield case(f"strings/{name}-in-envp-and-bad-argv", file("/x"), argv=BAD, envp=argv)
        yield case(f"strings/{name}-and-noexec", *mount("/m", "noexec"), file("/m/x"), cmd="/m/x", argv=argv)


def scripts() -> Iterator[Case]:
    """Give scripts whose interpreter's words do not fit any more, or just do."""
    for line, words in ((b"/y\n", ("/y",)), (b"/y -o\n", ("/y", "-o"))):
        added = sum(len(word) + 1 for word in (*words, "/x"))
        for behind, found in (("there", file("/y")), ("absent", file("/z"))):
            # argv[0] makes room for them.
            for first in (b"", b"x" * 100):
                room = LEAST - len("/x") - 1 - 3 * POINTER - len(first) - 1
                edges = {-added - 1, -added, -added + 1, -added + len(first), -added + len(first) + 1, 0}
                for excess in sorted(edges):
                    rest = b"b" * 1000
                    argv = (first, b"a" * (room - len(rest) - 1 + excess - 1), rest)
                    id = f"strings/script-{len(words)}-{behind}-{len(first)}{excess:+d}"
                    yield case(id, script("/x", line), found, argv=argv, stack_bytes=LEAST)
    full = (b"", b"a" * (LEAST - len("/x") - 1 - 2 * POINTER - 2))
    for where, closed in (("/c/y", 0o600), ("/c/" + "n" * 240, 0o755), ("/c/l/y", 0o755), ("/c/y/", 0o755)):
        tree = (folder("/c", closed), file("/c/y"), link("/c/l", "l"))
        line = where.encode() + b"\n"
        yield case(
            f"strings/script-full-{where[:6]}", script("/x", line), *tree, argv=full, stack_bytes=LEAST, who=USER
        )
    for excess in (-1, 0, 1):
        # The usual stack.
        yield case(f"strings/argv-usual{excess:+d}", file("/x"), argv=filling(2 * MIB + excess))
    deep = [script(f"/s{number}", b"/s%d -%s\n" % (number + 1, b"o" * 200)) for number in range(4)]
    for spare in (0, 300, 500, 700, 900):
        strings = (b"", b"a" * (LEAST - spare - 5 - 9 - 9 - 2))
        yield case(f"strings/script-deep-{spare}", *deep, file("/s4"), cmd="/s0", argv=strings, stack_bytes=LEAST)


def cases() -> Iterator[Case]:
    """Give the cases of this stage."""
    for family in (limits, one_string, orders, with_others, scripts):
        yield from family()
