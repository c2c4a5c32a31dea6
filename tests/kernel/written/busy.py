"""Stage `busy`: the file is open for writing somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from tests.kernel.building import ROOT, USER, case, file, folder, link, mount, name_of, script, special
from tests.kernel.case import BAD, Case, Held
from tests.kernel.images import GOOD, asking_for

X = (Held(b"/x"),)


def cases() -> Iterator[Case]:
    """Give the cases of this stage."""
    x = file("/x")
    for who_name, who in (("root", ROOT), ("user", USER)):
        for how in ("writer", "mapping", "reader"):
            yield case(f"busy/{how}-{who_name}", x, held=(Held(b"/x", how),), who=who)
    yield case("busy/twice", x, held=X * 2)
    yield case("busy/writer-and-reader", x, held=(*X, Held(b"/x", "reader")))
    yield case("busy/other-name-of-it", file("/y"), name_of("/x", "/y"), held=(Held(b"/y"),))
    yield case("busy/by-the-other-name", x, name_of("/y", "/x"), cmd="/y", held=X)
    yield case("busy/mapped-by-the-other-name", x, name_of("/y", "/x"), cmd="/y", held=(Held(b"/x", "mapping"),))
    yield case("busy/by-a-link", x, link("/l", "x"), cmd="/l", held=X)
    yield case("busy/held-by-a-link", x, link("/l", "x"), held=(Held(b"/l"),))
    yield case("busy/another-file", x, file("/y"), held=(Held(b"/y"),))
    yield case("busy/by-dots", folder("/d"), x, cmd="/d/../x", held=X)
    yield case("busy/on-a-mount", *mount("/m"), file("/m/x"), cmd="/m/x", held=(Held(b"/m/x"),))
    yield case("busy/relative", folder("/d"), file("/d/x"), cmd="x", cwd=b"/d", held=(Held(b"/d/x"),))
    # The interpreters, too.
    yield case("busy/script", script("/s", b"/x\n"), x, cmd="/s", held=(Held(b"/s"),))
    yield case("busy/script-interpreter", script("/s", b"/x\n"), x, cmd="/s", held=X)
    yield case("busy/script-interpreter-mapped", script("/s", b"/x\n"), x, cmd="/s", held=(Held(b"/x", "mapping"),))
    yield case("busy/script-of-script", script("/s", b"/t\n"), script("/t", b"/x\n"), x, cmd="/s", held=X)
    yield case("busy/loader", file("/e", asking_for("/x")), x, cmd="/e", held=X)
    yield case("busy/loader-read", file("/e", asking_for("/x")), x, cmd="/e", held=(Held(b"/x", "reader"),))
    # With earlier and later faults.
    yield case("busy/and-no-x", file("/x", mode=0o644), held=X)
    yield case("busy/and-no-x-user", file("/x", mode=0o750), held=X, who=USER)
    yield case("busy/and-noexec", *mount("/m", "noexec"), file("/m/x"), cmd="/m/x", held=(Held(b"/m/x"),))
    yield case("busy/and-closed", folder("/c", 0o600), file("/c/x"), cmd="/c/x", held=(Held(b"/c/x"),), who=USER)
    yield case("busy/and-slash", x, cmd="/x/", held=X)
    yield case("busy/and-absent", x, cmd="/y", held=X)
    yield case("busy/fifo", special("/f", "fifo"), x, cmd="/f", held=X)
    for what, data in (
        ("empty", b""),
        ("text", b"text\n"),
        ("script-to-nothing", b"#!/none\n"),
        ("bad-elf", GOOD[:30]),
        ("no-loader", asking_for("/none")),
    ):
        yield case(f"busy/and-{what}", file("/x", data), held=X)
    for what, argv, envp in (
        ("bad-argv", BAD, ()),
        ("bad-envp", (b"x",), BAD),
        ("bad-string", (b"x", BAD), ()),
        ("big-string", (b"a" * 131072,), ()),
        ("null-argv", None, None),
    ):
        yield case(f"busy/and-{what}", x, argv=argv, envp=envp, held=X)
    yield case("busy/loader-and-bad-load", file("/e", asking_for("/x", phnum=0)), x, cmd="/e", held=X)
    yield case("busy/interpreter-and-text", script("/s", b"/x\n"), file("/x", b"text"), cmd="/s", held=X)
    yield case("busy/loader-and-text", file("/e", asking_for("/x")), file("/x", b"text"), cmd="/e", held=X)
