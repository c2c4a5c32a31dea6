"""Stage `vectors`: argv and envp as lists of pointers."""

from __future__ import annotations

from collections.abc import Iterator

from tests.kernel.building import case, file, folder, script
from tests.kernel.case import BAD, Case, Vector
from tests.kernel.images import ARGC, ARGV, NO_PROGRAMS


def cases() -> Iterator[Case]:
    """Give the cases of this stage."""
    x, tells, counts = file("/x"), file("/x", ARGV), file("/x", ARGC)
    vectors: dict[str, Vector] = {
        "bad": BAD,
        "null": None,
        "empty": (),
        "one": (b"x",),
        "null-first": (None,),
        "bad-element": (b"x", BAD),
    }
    for first, argv in vectors.items():
        for second, envp in vectors.items():
            yield case(f"vectors/argv-{first}-envp-{second}", x, argv=argv, envp=envp)
    told: dict[str, Vector] = {
        "null": None,
        "empty": (),
        "null-first": (None, b"a"),
        "two": (b"a", b"b"),
        "empty-strings": (b"", b"", b""),
        "null-between": (b"a", None, b"b"),
        "bad-behind-null": (b"a", None, BAD),
        "hundred": (b"a",) * 100,
        "high-bytes": (b"\xff\x01", b" ", b"\n"),
    }
    for name, argv in told.items():
        yield case(f"vectors/told-{name}", tells, argv=argv)
        yield case(f"vectors/counted-{name}", counts, argv=argv)
        yield case(f"vectors/script-{name}", script("/x", b"/y -o\n"), file("/y", ARGV), argv=argv)
    yield case("vectors/envp-not-told", tells, argv=(b"a",), envp=(b"A=1", b"B=2"))
    yield case("vectors/envp-odd", x, envp=(b"", b"=", b"A", b"A=", b"A=1", b"A=2"))
    yield case("vectors/envp-bad-behind-null", x, envp=(None, BAD))
    # With earlier and later faults.
    for name, argv, envp in (("argv", BAD, ()), ("envp", (b"x",), BAD), ("both", BAD, BAD)):
        for what, data in NO_PROGRAMS.items():
            yield case(f"vectors/bad-{name}-and-{what}", file("/x", data), argv=argv, envp=envp)
        yield case(f"vectors/bad-{name}-and-no-x", file("/x", mode=0o644), argv=argv, envp=envp)
        yield case(f"vectors/bad-{name}-and-absent", argv=argv, envp=envp)
        yield case(f"vectors/bad-{name}-and-directory", folder("/x"), argv=argv, envp=envp)
    # The pointers alone fill a quarter of this stack, before any string is looked at.
    for count in (16383, 16384):
        for what, last in (("good", b""), ("bad", BAD)):
            argv = (b"",) * (count - 1) + (last,)
            yield case(f"vectors/{count}-pointers-the-last-{what}", x, argv=argv, stack_bytes=512 * 1024)
    yield case("vectors/bad-envp-and-big-string", x, argv=(b"a" * 131072,), envp=BAD)
    yield case("vectors/bad-argv-and-big-string", x, argv=BAD, envp=(b"a" * 131072,))
    yield case("vectors/bad-argv-and-bad-string", x, argv=BAD, envp=(BAD,))
    yield case("vectors/bad-envp-and-bad-string", x, argv=(BAD,), envp=BAD)
    yield case("vectors/bad-envp-and-too-much", x, argv=(b"a" * 60000,) * 3, envp=BAD, stack_bytes=65536)
