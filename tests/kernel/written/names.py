"""Stage `name`: what is wrong with the name before anything is looked up."""

from __future__ import annotations

from collections.abc import Iterator

from tests.kernel.building import ROOT, USER, case, file, folder, link
from tests.kernel.case import BAD, Case, Held
from tests.kernel.images import ARGV


def padded(length: int, end: str = "x") -> str:
    """Give a path of so many bytes to what `/` holds under the name `end`."""
    slashes = length - len(end)
    return "/" * slashes + end


def dotted(length: int) -> str:
    """Give a path to /x of so many bytes, mostly `/.`."""
    steps = (length - 2) // 2
    return "/." * steps + "/" * (length - 2 - 2 * steps) + "/x"


def cases() -> Iterator[Case]:
    """Give the cases of this stage."""
    x = file("/x")
    yield case("name/bad-pointer", x, cmd=BAD)
    yield case("name/null", x, cmd=None)
    yield case("name/empty", x, cmd="")
    for length in (4094, 4095, 4096, 4097, 8192, 100_000):
        yield case(f"name/slashes-{length}", x, cmd=padded(length))
    for length in (4095, 4096):
        yield case(f"name/dots-{length}", x, cmd=dotted(length))
        yield case(f"name/slashes-{length}-to-nothing", cmd=padded(length, "nothing"))
        yield case(f"name/dots-{length}-as-user", x, cmd=dotted(length), who=USER)
        yield case(
            f"name/relative-{length}", folder("/d"), x, cwd=b"/d", cmd="../x".rjust(length, ".").replace("...", "./.")
        )
    yield case("name/4096-through-a-missing-directory", cmd="/none" + padded(4091))
    yield case("name/4096-with-a-component-of-4000", cmd="/" + "a" * 4000 + padded(95))
    yield case("name/4095-with-a-component-of-4000", cmd="/" + "a" * 4000 + padded(94))
    yield case("name/4096-behind-a-closed-directory", folder("/d", 0o000), cmd="/d" + padded(4094), who=USER)
    yield case("name/4095-behind-a-closed-directory", folder("/d", 0o000), cmd="/d" + padded(4093), who=USER)
    yield case("name/4096-and-busy", x, cmd=padded(4096), held=(Held(b"/x"),))
    yield case("name/4095-and-busy", x, cmd=padded(4095), held=(Held(b"/x"),))
    # Two faults: the name's comes first, whatever else there is.
    for what, cmd in (("bad", BAD), ("empty", ""), ("too-long", padded(4096))):
        yield case(f"name/{what}-and-bad-argv", x, cmd=cmd, argv=BAD)
        yield case(f"name/{what}-and-bad-string", x, cmd=cmd, argv=(b"x", BAD))
        yield case(f"name/{what}-and-too-big-string", x, cmd=cmd, argv=(b"a" * 131072,))
    yield case("name/empty-in-a-removed-directory", folder("/d"), cmd="", cwd=b"/d", cwd_removed=True)
    yield case("name/empty-in-a-closed-directory", folder("/d", 0o000), cmd="", cwd=b"/d", who=USER)
    for what, name in (
        ("space", b"/a b"),
        ("newline", b"/a\nb"),
        ("high-bytes", b"/\xff\x80"),
        ("backslash", b"/a\\b"),
        ("three-dots", b"/..."),
        ("utf-8", "/\u00fc".encode()),
        ("control", b"/\x01\x7f"),
    ):
        yield case(f"name/is-bytes-{what}", file(name, ARGV), cmd=name, argv=(name,), who=ROOT)
    yield case("name/link-to-4095-bytes", x, link("/l", dotted(4095)), cmd="/l")
