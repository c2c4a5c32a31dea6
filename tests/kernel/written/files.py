"""Stage `file`: what may be executed at all. Permission by class, kinds, mounts."""

from __future__ import annotations

from collections.abc import Iterator

from tests.kernel.building import (
    MEMBER,
    NO_CAPABILITIES,
    ROOT,
    USER,
    case,
    file,
    folder,
    link,
    mount,
    name_of,
    script,
    special,
)
from tests.kernel.case import Case, Held, Who
from tests.kernel.images import EGID, EUID, asking_for

CALLERS = {
    "root": ROOT,
    "user": USER,
    "member": MEMBER,
    "nocap": NO_CAPABILITIES,
    "euid": Who(1000, 1000, euid=2000),  # whose files are those of the effective ids
    "egid": Who(1000, 1000, egid=200),
    "root-as-user": Who(0, 0, euid=1000),
    "user-as-root": Who(1000, 1000, euid=0),
    "rgid": Who(1000, 200, egid=1000),  # the real group never counts
}
OWNERS = ((0, 0), (1000, 0), (0, 200), (1000, 200), (2000, 1000))


def classes() -> Iterator[Case]:
    """Give one execute bit at a time, and what stands for none."""
    for name, who in CALLERS.items():
        for uid, gid in OWNERS:
            for mode in (0o100, 0o010, 0o001):
                yield case(
                    f"file/class-{name}-{uid}-{gid}-{mode:03o}", file("/x", mode=mode, uid=uid, gid=gid), who=who
                )
    for mode in (0o000, 0o666, 0o677, 0o766, 0o767, 0o4000, 0o6666, 0o1000, 0o111, 0o7777):
        for name in ("root", "user", "nocap"):
            yield case(f"file/mode-{name}-{mode:04o}", file("/x", mode=mode), who=CALLERS[name])
            yield case(f"file/mode-own-{name}-{mode:04o}", file("/x", mode=mode, uid=1000, gid=1000), who=CALLERS[name])
    yield case("file/second-supplementary-group", file("/x", mode=0o010, gid=300), who=MEMBER)
    yield case("file/no-longer-a-member", file("/x", mode=0o010, gid=400), who=MEMBER)
    for name, capability in (
        ("override", "CAP_DAC_OVERRIDE"),
        ("search", "CAP_DAC_READ_SEARCH"),
        ("owner", "CAP_FOWNER"),
    ):
        who = Who(1000, 1000, capabilities=(capability,))
        for mode in (0o100, 0o000):
            yield case(f"file/capable-{name}-{mode:03o}", file("/x", mode=mode), who=who)


def kinds() -> Iterator[Case]:
    """Give what is no regular file."""
    for kind in ("fifo", "socket", "chr", "blk"):
        for name, who in (("root", ROOT), ("user", USER)):
            yield case(f"file/{kind}-{name}", special("/x", kind), who=who)
            yield case(f"file/{kind}-no-x-{name}", special("/x", kind, 0o666), who=who)
        yield case(f"file/{kind}-by-link", special("/f", kind), link("/x", "f"))
    for mode in (0o777, 0o000):
        yield case(f"file/directory-{mode:03o}", folder("/x", mode))
        yield case(f"file/directory-{mode:03o}-user", folder("/x", mode), who=USER)
    yield case("file/hard-link", file("/y"), name_of("/x", "/y"))
    yield case("file/hard-link-to-link", file("/y"), link("/l", "y"), name_of("/x", "/l"))
    yield case("file/unreadable", file("/x", mode=0o111), who=USER)


def mounts() -> Iterator[Case]:
    """Give files on mounts with flags, and links from here to there."""
    noexec, x = mount("/m", "noexec"), file("/x")
    yield case("file/noexec", *noexec, file("/m/x"), cmd="/m/x")
    yield case("file/noexec-user", *noexec, file("/m/x"), cmd="/m/x", who=USER)
    yield case("file/noexec-no-x", *noexec, file("/m/x", mode=0), cmd="/m/x")
    yield case("file/noexec-text", *noexec, file("/m/x", b"text"), cmd="/m/x")
    yield case("file/noexec-script", *noexec, file("/m/x", b"#!/x\n"), x, cmd="/m/x")
    yield case("file/noexec-link-out", *noexec, x, link("/m/l", "/x"), cmd="/m/l")
    yield case("file/noexec-link-in", *noexec, file("/m/x"), link("/l", "/m/x"), cmd="/l")
    yield case("file/noexec-up-and-out", *noexec, x, cmd="/m/../x")
    yield case("file/noexec-directory", *noexec, cmd="/m")
    yield case("file/noexec-absent", *noexec, cmd="/m/x")
    yield case("file/noexec-fifo", *noexec, special("/m/f", "fifo"), cmd="/m/f")
    yield case("file/noexec-slash", *noexec, file("/m/x"), cmd="/m/x/")
    yield case("file/noexec-in-noexec", *noexec, *mount("/m/n"), file("/m/n/x"), cmd="/m/n/x")
    yield case("file/noexec-inside-good", *mount("/m"), *mount("/m/n", "noexec"), file("/m/n/x"), cmd="/m/n/x")
    yield case("file/noexec-script-interpreter", *noexec, file("/m/x"), script("/s", b"/m/x\n"), cmd="/s")
    yield case("file/noexec-loader", *noexec, file("/m/x"), file("/e", asking_for("/m/x")), cmd="/e")
    for flags in (("readonly",), ("nosuid",), ("nosuid", "readonly"), ("noexec", "readonly")):
        yield case(f"file/mounted-{'-'.join(flags)}", *mount("/m", *flags), file("/m/x"), cmd="/m/x")
    yield case("file/mounted-readonly-no-x", *mount("/m", "readonly"), file("/m/x", mode=0o644), cmd="/m/x", who=USER)


def set_ids() -> Iterator[Case]:
    """Give set-id files: whose ids the new image has, seen by itself."""
    for what, program, bit, ids in (("uid", EUID, 0o4000, (7, 0)), ("gid", EGID, 0o2000, (0, 8))):
        for name, who in (("root", ROOT), ("user", USER), ("member", MEMBER)):
            yield case(f"file/set-{what}-{name}", file("/x", program, 0o755 | bit, *ids), who=who)
            yield case(
                f"file/set-{what}-nosuid-{name}",
                *mount("/m", "nosuid"),
                file("/m/x", program, 0o755 | bit, *ids),
                cmd="/m/x",
                who=who,
            )
        yield case(f"file/set-{what}-unset", file("/x", program, 0o755, *ids), who=USER)
        yield case(
            f"file/set-{what}-script", script("/x", b"/y\n", 0o755 | bit), file("/y", program, 0o755, *ids), who=USER
        )
        yield case(
            f"file/set-{what}-script-own", file("/x", b"#!/y\n", 0o755 | bit, *ids), file("/y", program), who=USER
        )
        yield case(
            f"file/set-{what}-interpreter", script("/x", b"/y\n"), file("/y", program, 0o755 | bit, *ids), who=USER
        )
        yield case(f"file/set-{what}-link", file("/y", program, 0o755 | bit, *ids), link("/x", "/y"), who=USER)
        yield case(f"file/set-{what}-alone", file("/x", program, bit, *ids), who=USER)
    yield case("file/set-gid-without-group-x", file("/x", EGID, 0o2705, 0, 8), who=USER)
    yield case("file/set-gid-without-group-x-member", file("/x", EGID, 0o2745, 0, 8), who=Who(1000, 1000, groups=(7,)))
    yield case("file/set-both", file("/x", EGID, 0o6755, 7, 8), who=USER)
    yield case("file/set-uid-own-file", file("/x", EUID, 0o4711, 1000, 1000), who=USER)
    yield case(
        "file/set-uid-nosuid-busy",
        *mount("/m", "nosuid"),
        file("/m/x", EUID, 0o4755, 7),
        cmd="/m/x",
        held=(Held(b"/m/x"),),
    )


def cases() -> Iterator[Case]:
    """Give the cases of this stage."""
    for family in (classes, kinds, mounts, set_ids):
        yield from family()
