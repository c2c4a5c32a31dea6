"""Stage `walk`: from the name to an inode, component by component."""

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
from tests.kernel.case import Case, Entry, Who
from tests.kernel.images import ARGV, asking_for

LONGEST, TOO_LONG = "n" * 255, "n" * 256


def chain(count: int, end: str, start: str = "l") -> list[Entry]:
    """Make links /l1 -> /l2 -> ... -> `end`, so many of them."""
    names = [f"/{start}{number}" for number in range(1, count + 1)]
    return [link(name, target) for name, target in zip(names, [*names[1:], end], strict=True)]


def missing() -> Iterator[Case]:
    """Give what is not there, and what is no directory."""
    x, d, pipe = file("/x"), folder("/d"), special("/f", "fifo")
    for name in (
        "none",
        "none/x",
        "none/../x",
        "d/none",
        "d/none/",
        "d/../none",
        "none/",
        "none/.",
        "none//",
        "./none",
    ):
        yield case(f"walk/absent-{name.replace('/', '_')}", x, d, cmd="/" + name)
    for name in ("x/y", "x/", "x/.", "x/..", "x/../x", "x//", "d/../x/", "f/", "f/y", "f/.", "x/none/.."):
        yield case(f"walk/no-directory-{name.replace('/', '_')}", x, d, pipe, cmd="/" + name)
    for name in ("/", "/d", "/d/", "/d/.", "/..", "/d/..", "//", "/."):
        yield case(f"walk/directory-{name.replace('/', '_')}", x, d, cmd=name)
    for name in ("//x", "/./x", "/d/../x", "/../x", "/../../x", "/d/./../x", "/d//..//x"):
        yield case(f"walk/leads-to-x-{name.replace('/', '_')}", x, d, cmd=name)
    yield case("walk/no-directory-null", special("/n", "chr"), cmd="/n/")
    yield case("walk/no-directory-socket", special("/s", "socket"), cmd="/s/x")


def relative() -> Iterator[Case]:
    """Give names that start in the caller's directory, there or removed, open or closed."""
    x, d = file("/x"), folder("/d")
    for name in ("x", "./x", "../x", "../d/../x", "none", ".", "..", "../none"):
        tag = name.replace("/", "_")
        yield case(f"walk/relative-{tag}", x, d, file("/d/x", ARGV), cmd=name, cwd=b"/d")
        yield case(f"walk/cwd-removed-{tag}", x, d, cmd=name, cwd=b"/d", cwd_removed=True)
    yield case("walk/cwd-removed-absolute", x, d, cmd="/x", cwd=b"/d", cwd_removed=True)
    yield case("walk/cwd-removed-by-its-name", x, d, cmd="/d/x", cwd=b"/d", cwd_removed=True)
    yield case("walk/cwd-removed-too-long", d, cmd=TOO_LONG, cwd=b"/d", cwd_removed=True)
    yield case("walk/cwd-removed-closed", folder("/d", 0o000), cmd="x", cwd=b"/d", cwd_removed=True, who=USER)
    yield case("walk/cwd-removed-closed-up", x, folder("/d", 0o000), cmd="../x", cwd=b"/d", cwd_removed=True, who=USER)
    for name in ("x", "./x", "../x", ".", "none", "/x"):
        tag = name.replace("/", "_")
        yield case(f"walk/cwd-closed-{tag}", x, folder("/d", 0o600), file("/d/x"), cmd=name, cwd=b"/d", who=USER)


def lengths() -> Iterator[Case]:
    """Give components around NAME_MAX, in good and bad directories."""
    d = folder("/d")
    yield case("walk/component-255", file("/" + LONGEST), cmd="/" + LONGEST)
    yield case("walk/component-255-absent", cmd="/" + LONGEST)
    for where, name in (
        ("root", TOO_LONG),
        ("root-with-more", f"{TOO_LONG}/x"),
        ("directory", f"d/{TOO_LONG}"),
        ("directory-with-slash", f"d/{TOO_LONG}/"),
        ("parent", f"d/../{TOO_LONG}"),
    ):
        yield case(f"walk/component-256-in-{where}", d, cmd="/" + name)
    yield case("walk/component-4000", cmd="/" + "a" * 4000)
    yield case("walk/component-256-below-absent", cmd=f"/none/{TOO_LONG}")
    yield case("walk/component-256-above-absent", cmd=f"/{TOO_LONG}/none")
    yield case("walk/component-256-below-file", file("/x"), cmd=f"/x/{TOO_LONG}")
    yield case("walk/component-256-below-closed", folder("/c", 0o600), cmd=f"/c/{TOO_LONG}", who=USER)
    yield case("walk/component-256-above-closed", folder("/c", 0o600), cmd=f"/{TOO_LONG}/c", who=USER)
    yield case("walk/component-256-in-link", link("/l", TOO_LONG), cmd="/l")
    yield case("walk/component-256-in-absolute-link", link("/l", f"/{TOO_LONG}"), cmd="/l")
    yield case(
        "walk/component-256-in-link-to-closed", folder("/c", 0o600), link("/l", f"c/{TOO_LONG}"), cmd="/l", who=USER
    )


def searching() -> Iterator[Case]:
    """Give directories that may not be searched, by each class of callers."""
    owners = {"user": USER, "member": MEMBER, "nocap": NO_CAPABILITIES, "root": ROOT}
    for name, who in owners.items():
        for mode in (0o700, 0o070, 0o007, 0o666, 0o000, 0o711):
            for uid, gid in ((0, 0), (1000, 0), (0, 200)):
                tree = (folder("/d", mode, uid, gid), file("/d/x"))
                yield case(f"walk/search-{name}-{mode:03o}-{uid}-{gid}", *tree, cmd="/d/x", who=who)
    c, x = folder("/c", 0o600), file("/x")
    for name in ("c/none", "c/.", "c/..", "c/../x", "c/./x", "c/x/", "c/none/none", "none/c/x", "x/c/x", "c/"):
        yield case(f"walk/closed-{name.replace('/', '_')}", c, file("/c/x"), x, cmd="/" + name, who=USER)
    yield case("walk/closed-inner", folder("/d"), folder("/d/c", 0o600), file("/d/c/x"), cmd="/d/c/x", who=USER)
    yield case("walk/closed-outer", c, folder("/c/d"), file("/c/d/x"), cmd="/c/d/x", who=USER)
    yield case("walk/closed-by-link", c, file("/c/x"), link("/l", "c/x"), cmd="/l", who=USER)
    yield case("walk/closed-directory-of-link", c, x, link("/c/l", "/x"), cmd="/c/l", who=USER)
    yield case("walk/closed-root", folder("/c", 0o700, 1000), file("/c/x"), cmd="/c/x", who=NO_CAPABILITIES)
    for name, capability in (
        ("override", "CAP_DAC_OVERRIDE"),
        ("search", "CAP_DAC_READ_SEARCH"),
        ("owner", "CAP_FOWNER"),
    ):
        who = Who(1000, 1000, capabilities=(capability,))
        yield case(f"walk/closed-but-capable-{name}", c, file("/c/x"), cmd="/c/x", who=who)
    yield case("walk/closed-mount", *mount("/m"), folder("/m/d", 0o600), file("/m/d/x"), cmd="/m/d/x", who=USER)


def links() -> Iterator[Case]:
    """Give symbolic links: good, dangling, in loops, at the limit of 40, with slashes."""
    x, d = file("/x"), folder("/d")
    for name, target in (
        ("x", "x"),
        ("absolute", "/x"),
        ("dot", "./x"),
        ("up", "../x"),
        ("dangling", "none"),
        ("dangling-absolute", "/none/x"),
        ("self", "l"),
        ("file-as-directory", "x/y"),
        ("slash", "x/"),
        ("to-directory", "d"),
        ("to-directory-slash", "d/"),
        ("through-file-up", "x/../x"),
        ("many-slashes", "////x"),
        ("root", "/"),
        ("through-absent-up", "none/../x"),
    ):
        yield case(f"walk/link-{name}", x, d, link("/l", target), cmd="/l")
        yield case(f"walk/link-{name}-with-slash", x, d, link("/l", target), cmd="/l/")
        yield case(f"walk/link-{name}-below", x, d, file("/d/x"), link("/l", target), cmd="/l/x")
    yield case("walk/loop-of-two", link("/a", "b"), link("/b", "a"), cmd="/a")
    yield case("walk/loop-below", link("/a", "a/x"), cmd="/a")
    yield case("walk/loop-in-directory", d, link("/d/a", "../d/a"), cmd="/d/a/x")
    for count in (8, 9, 39, 40, 41):
        yield case(f"walk/chain-{count}", x, *chain(count, "/x"), cmd="/l1")
        yield case(f"walk/chain-{count}-to-absent", *chain(count, "/none"), cmd="/l1")
        yield case(f"walk/chain-{count}-slash", x, *chain(count, "/x"), cmd="/l1/")
        yield case(f"walk/many-{count}", x, link("/l", "."), cmd="/l" * count + "/x")
    yield case("walk/chain-40-to-closed", folder("/c", 0), file("/c/x"), *chain(40, "/c/x"), cmd="/l1", who=USER)
    yield case("walk/chain-41-to-closed", folder("/c", 0), file("/c/x"), *chain(41, "/c/x"), cmd="/l1", who=USER)
    yield case("walk/chain-41-to-too-long", *chain(41, "/" + TOO_LONG), cmd="/l1")
    yield case("walk/chain-40-twice", x, *chain(20, "/d"), d, *chain(20, "/x", "m"), link("/d/y", "/m1"), cmd="/l1/y")
    yield case("walk/chain-40-then-one", x, *chain(40, "/d"), d, file("/d/x"), cmd="/l1/x")
    yield case("walk/chain-40-and-a-link", x, *chain(40, "/d"), d, link("/d/y", "../x"), cmd="/l1/y")
    # Each file that exec opens has a budget of its own.
    yield case(
        "walk/fresh-budget-script",
        *chain(40, "/s"),
        script("/s", b"/m1\n"),
        *chain(40, "/a", "m"),
        file("/a", ARGV),
        cmd="/l1",
    )
    yield case(
        "walk/fresh-budget-loader", *chain(40, "/e"), file("/e", asking_for("/m1")), *chain(40, "/x", "m"), x, cmd="/l1"
    )
    yield case("walk/spent-budget-script", script("/s", b"/m1\n"), *chain(41, "/x", "m"), x, cmd="/s")


def physical() -> Iterator[Case]:
    """Give `..` behind links: it goes up from where the link led."""
    tree = (folder("/a"), folder("/a/b"), folder("/a/b/c"), link("/l", "/a/b/c"), file("/x"), file("/a/b/x", ARGV))
    for name in ("l/../x", "l/../../x", "l/../../../x", "l/../c/../x", "l/./../x", "a/b/c/../x"):
        yield case(f"walk/physical-{name.replace('/', '_')}", *tree, cmd="/" + name)
    closed = (folder("/a"), folder("/a/b", 0o600), folder("/a/b/c"), file("/a/x"))
    yield case("walk/physical-out-of-closed", *closed, cwd=b"/a/b/c", cmd="../../x", who=USER)
    yield case("walk/physical-dot-in-open", *closed, file("/a/b/c/x"), cwd=b"/a/b/c", cmd="./x", who=USER)
    yield case("walk/physical-out-of-mount", *mount("/m"), file("/x"), cmd="/m/../x")
    yield case("walk/physical-covered", folder("/m"), file("/m/x"), Entry(b"/m", "mount"), cmd="/m/x")


def unfollowed() -> Iterator[Case]:
    """Give links on a mount that follows none."""
    m, x = mount("/m", "nosymfollow"), file("/x")
    inside = (folder("/m/d"), file("/m/d/y"), link("/m/l", "d"), link("/m/x", "/x"), link("/m/none", "/none/none"))
    for name in ("l", "l/", "l/y", "l/none", "l/..", "x", "x/", "none", "none/", "d/../x", "d/y", "l/../d/y", "./x"):
        tag = name.replace("/", "_")
        yield case(f"walk/unfollowed-{tag}", *m, *inside, x, cmd="/m/" + name)
        yield case(f"walk/unfollowed-{tag}-cwd", *m, *inside, x, cmd=name, cwd=b"/m", who=USER)
        yield case(f"walk/unfollowed-{tag}-by-a-link", *m, *inside, x, link("/o", "/m/" + name), cmd="/o")
    yield case("walk/unfollowed-closed", *m, folder("/m/c", 0o600), link("/m/c/l", "/x"), x, cmd="/m/c/l", who=USER)
    yield case("walk/unfollowed-too-long", *m, link("/m/l", TOO_LONG), cmd="/m/l")
    yield case("walk/unfollowed-41", *m, link("/m/l", "/x"), *chain(41, "/m/l"), x, cmd="/l1")
    yield case("walk/unfollowed-hard-link", *m, link("/m/l", "/x"), name_of("/m/k", "/m/l"), x, cmd="/m/k")
    yield case("walk/unfollowed-noexec", *mount("/m", "nosymfollow", "noexec"), link("/m/l", "/x"), x, cmd="/m/l")
    yield case("walk/unfollowed-mounted-inside", *m, *mount("/m/n"), link("/m/n/l", "/x"), x, cmd="/m/n/l")
    yield case("walk/unfollowed-script", *m, link("/m/l", "/x"), script("/s", b"/m/l\n"), x, cmd="/s")
    yield case("walk/unfollowed-loader", *m, link("/m/l", "/x"), file("/e", asking_for("/m/l")), x, cmd="/e")


def cases() -> Iterator[Case]:
    """Give the cases of this stage."""
    for family in (missing, relative, lengths, searching, links, physical, unfollowed):
        yield from family()
