"""Stage `script`: a `#!` line and what it names."""

from __future__ import annotations

from collections.abc import Iterator

from bprocsim.posix.elf import PT_INTERP, Segment
from tests.kernel.building import MEMBER, USER, case, file, folder, link, mount, script, special
from tests.kernel.case import Case, Held
from tests.kernel.images import ARGC, ARGV, GOOD, GOOD_I386, asking_for, image, load, with_table

ARGUMENTS = (b"zero", b"one", b"", b"three")

# One fault in the headers each, or two.
DAMAGED = {
    "type": image(type=1),
    "type-and-phentsize": image(type=1, phentsize=1),
    "phentsize": image(phentsize=57),
    "phnum-0": image(phnum=0),
    "phnum-1171": image(phnum=1171) + bytes(1171 * 56),
    "table-cut": image(phoff=len(GOOD)),
    "table-negative": image(phoff=1 << 63),
    "path-short": asking_for(b"/"),
    "path-long": asking_for(b"/" * 4096 + b"\0"),
    "path-open": asking_for(b"/x"),
    "path-cut": with_table(Segment(PT_INTERP, 4, 500, 0, 0, 100, 100, 1), load()),
    "path-negative": with_table(Segment(PT_INTERP, 4, 1 << 63, 0, 0, 3, 3, 1), load()),
    "path-negative-and-long": with_table(Segment(PT_INTERP, 4, 1 << 63, 0, 0, 5000, 3, 1), load()),
    "path-negative-and-short": with_table(Segment(PT_INTERP, 4, 1 << 63, 0, 0, 1, 3, 1), load()),
    "path-to-closed": asking_for("/c/" + "n" * 256),
}


def lines() -> Iterator[Case]:
    """Give the line itself, told by its interpreter."""
    for name, line in {
        "plain": b"/y\n",
        "no-newline": b"/y",
        "body": b"/y\nmore\n",
        "blank": b" /y\n",
        "blanks": b"   /y\n",
        "tab": b"\t/y\n",
        "both": b" \t /y\n",
        "trailing-blanks": b"/y  \n",
        "trailing-tab": b"/y\t\n",
        "argument": b"/y -o\n",
        "argument-tab": b"/y\t-o\n",
        "two-words": b"/y -o -p\n",
        "two-words-tabs": b"/y \t-o\t-p \n",
        "argument-no-newline": b"/y -o",
        "argument-trailing": b"/y -o \t \n",
        "carriage-return": b"/y\r\n",
        "argument-carriage-return": b"/y -o\r\n",
        "carriage-return-alone": b"/y\r",
        "empty": b"\n",
        "blanks-alone": b"  \t \n",
        "blanks-without-newline": b"   ",
        "nothing": b"",
        "newline-then-name": b"\n/y\n",
        "nul-first": b"\0/y\n",
        "nul-behind-name": b"/y\0z\n",
        "nul-in-argument": b"/y -o\0p\n",
        "nul-behind-blank": b"/y \0-o\n",
        "nul-before-newline": b"/y\0\n",
        "quotes": b"/y '-o -p' \"q\"\n",
        "backslash": b"/y a\\ b\n",
        "hash": b"/y #comment\n",
        "high-bytes": b"/y \xff\xfe\n",
        "vertical-tab": b"/y\x0b-o\n",
        "form-feed": b"/y\x0c\n",
        "second-line": b"/y -o\n#!/z\n",
        "dollar": b"$HOME/y\n",
        "space-slash": b"/ y\n",
        "dots": b"/./../y\n",
        "double-slash": b"//y\n",
        "bang-again": b"!/y\n",
        "env-like": b"/y FOO=1 y\n",
    }.items():
        yield case(f"script/line-{name}", script("/x", line), file("/y", ARGV), argv=ARGUMENTS)
    for length in (125, 126, 127, 128, 129, 200, 250, 251, 252, 253, 254, 255, 256, 257, 258, 300, 1000):
        # So many bytes up to and with the newline: of a name, of an argument, of trailing blanks.
        path = b"/" * (length - len(b"#!y\n")) + b"y"
        yield case(f"script/name-{length}", script("/x", path + b"\n"), file("/y", ARGV), argv=ARGUMENTS)
        yield case(f"script/name-{length}-no-newline", script("/x", path), file("/y", ARGV), argv=ARGUMENTS)
        argument = b"/y " + b"a" * (length - len(b"#!/y \n"))
        yield case(f"script/argument-{length}", script("/x", argument + b"\n"), file("/y", ARGV), argv=ARGUMENTS)
        yield case(f"script/argument-{length}-no-newline", script("/x", argument), file("/y", ARGV), argv=ARGUMENTS)
        blanks = b"/y" + b" " * (length - len(b"#!/y\n"))
        yield case(f"script/blanks-{length}", script("/x", blanks + b"\n"), file("/y", ARGV), argv=ARGUMENTS)
        yield case(
            f"script/blanks-before-{length}",
            script("/x", b" " * (length - 5) + b"/y\n"),
            file("/y", ARGV),
            argv=ARGUMENTS,
        )
        yield case(
            f"script/name-{length}-then-argument", script("/x", path + b" -o\n"), file("/y", ARGV), argv=ARGUMENTS
        )
    for last in (b" ", b"\t", b"\0", b"\n", b"z"):
        line = b"/" * 252 + b"y" + last
        yield case(f"script/byte-255-is-{last.hex()}", script("/x", line + b"more\n"), file("/y", ARGV))


def interpreters() -> Iterator[Case]:
    """Give what can be wrong with the file that the line names."""
    s, x = script("/s", b"/x\n"), file("/x")
    yield case("script/absent", s, cmd="/s")
    yield case("script/absent-directory", script("/s", b"/none/x\n"), cmd="/s")
    yield case("script/file-as-directory", script("/s", b"/x/y\n"), x, cmd="/s")
    yield case("script/slash", script("/s", b"/x/\n"), x, cmd="/s")
    yield case("script/loop", script("/s", b"/l\n"), link("/l", "l"), cmd="/s")
    yield case("script/dangling", script("/s", b"/l\n"), link("/l", "none"), cmd="/s")
    yield case("script/by-link", script("/s", b"/l\n"), link("/l", "x"), file("/x", ARGV), cmd="/s")
    yield case("script/named-by-link", s, link("/l", "s"), file("/x", ARGV), cmd="/l")
    yield case("script/too-long-component", script("/s", b"/" + b"n" * 200 + b"\n"), cmd="/s")
    yield case("script/directory", script("/s", b"/d\n"), folder("/d"), cmd="/s")
    yield case("script/root", script("/s", b"/\n"), cmd="/s")
    yield case("script/dot", script("/s", b".\n"), cmd="/s")
    for kind in ("fifo", "chr", "socket"):
        yield case(f"script/{kind}", script("/s", b"/f\n"), special("/f", kind), cmd="/s")
    yield case("script/no-x", s, file("/x", mode=0o644), cmd="/s")
    for who_name, who in (("user", USER), ("member", MEMBER)):
        yield case(f"script/no-x-{who_name}", s, file("/x", mode=0o705, gid=200), cmd="/s", who=who)
        yield case(
            f"script/closed-{who_name}",
            script("/s", b"/c/x\n"),
            folder("/c", 0o705, gid=200),
            file("/c/x"),
            cmd="/s",
            who=who,
        )
    for name, data in (
        ("empty", b""),
        ("text", b"text\n"),
        ("cut", GOOD[:63]),
        ("nuls", bytes(200)),
        ("no-line", b"#!\n"),
        ("no-loader", asking_for("/none")),
    ):
        yield case(f"script/interpreter-{name}", s, file("/x", data), cmd="/s")
    for name, data in DAMAGED.items():
        yield case(f"script/interpreter-{name}", s, file("/x", data), cmd="/s")
        yield case(f"script/interpreter-{name}-behind-two", script("/t", b"/s\n"), s, file("/x", data), cmd="/t")
    yield case("script/interpreter-i386", s, file("/x", GOOD_I386), cmd="/s")
    yield case("script/interpreter-foreign", s, file("/x", GOOD[:18] + b"\x15" + GOOD[19:]), cmd="/s")
    yield case("script/interpreter-with-loader", s, file("/x", asking_for("/y")), file("/y"), cmd="/s")
    yield case("script/interpreter-unreadable", s, file("/x", ARGV, 0o711), cmd="/s", who=USER)
    yield case("script/unreadable", file("/s", b"#!/x\n", 0o711), file("/x", ARGV), cmd="/s", who=USER)
    for path in (b"x", b"./x", b"../x", b"d/x", b"d/../x"):
        tree = (script("/s", path + b"\n"), file("/x", ARGV), folder("/d"), file("/d/x", ARGC))
        for cwd in (b"/", b"/d"):
            yield case(
                f"script/relative-{path.decode().replace('/', '_')}-in{cwd.decode().replace('/', '_')}",
                *tree,
                cmd="/s",
                cwd=cwd,
            )
    yield case(
        "script/relative-cwd-removed", script("/s", b"x\n"), folder("/d"), x, cmd="/s", cwd=b"/d", cwd_removed=True
    )
    yield case(
        "script/relative-up-cwd-removed",
        script("/s", b"../x\n"),
        folder("/d"),
        x,
        cmd="/s",
        cwd=b"/d",
        cwd_removed=True,
    )
    yield case("script/itself", script("/x", b"/x\n"))
    yield case("script/named-relative", script("/s", b"/x\n"), file("/x", ARGV), cmd="s", argv=ARGUMENTS)
    yield case("script/named-dotted", script("/s", b"/x\n"), file("/x", ARGV), cmd="./../s", argv=ARGUMENTS)


def levels() -> Iterator[Case]:
    """Give scripts behind scripts, at the limit of levels, with good and bad ends."""
    for count in (1, 2, 3, 4, 5, 6, 7):
        chain = [script(f"/s{number}", b"/s%d -%d\n" % (number + 1, number)) for number in range(1, count + 1)]
        end = f"/s{count + 1}"
        yield case(f"script/levels-{count}", *chain, file(end, ARGV), cmd="/s1", argv=ARGUMENTS)
        yield case(f"script/levels-{count}-absent", *chain, cmd="/s1")
        yield case(f"script/levels-{count}-text", *chain, file(end, b"text"), cmd="/s1")
        yield case(f"script/levels-{count}-no-x", *chain, file(end, mode=0o644), cmd="/s1")
        yield case(f"script/levels-{count}-busy", *chain, file(end), cmd="/s1", held=(Held(end.encode()),))
        yield case(f"script/levels-{count}-loader", *chain, file(end, asking_for("/y")), file("/y"), cmd="/s1")
        yield case(f"script/levels-{count}-no-loader", *chain, file(end, asking_for("/none")), cmd="/s1")
        yield case(f"script/levels-{count}-no-line", *chain, file(end, b"#!\n"), cmd="/s1")
        yield case(f"script/levels-{count}-foreign", *chain, file(end, GOOD[:18] + b"\x15" + GOOD[19:]), cmd="/s1")
    yield case("script/two-in-a-circle", script("/a", b"/b\n"), script("/b", b"/a\n"), cmd="/a")
    yield case(
        "script/level-on-noexec",
        *mount("/m", "noexec"),
        script("/s", b"/m/t\n"),
        script("/m/t", b"/y\n"),
        file("/y"),
        cmd="/s",
    )


def cases() -> Iterator[Case]:
    """Give the cases of this stage."""
    for family in (lines, interpreters, levels):
        yield from family()
