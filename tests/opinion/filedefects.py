"""What can be amiss with files: on the way to one, with its rights, and with what it holds."""

from __future__ import annotations

from collections.abc import Callable

import attrs

import bprocsim as bp
from tests.opinion.drafts import APP, GROUPS, MODES, OTHER_NAME, OWNERS, STATIC, Draft
from tests.opinion.worlds import Entry, Mount


def absent(draft: Draft) -> None:
    draft.path = draft.rng.choice(("/work/no", "/no/app", "/work/d/no/app", "/work/no/..", "/work/d/e/app2"))


def in_file(draft: Draft) -> None:
    draft.path = draft.rng.choice(
        (f"{APP}/x", f"{APP}/", f"{APP}/.", f"{APP}/..", "/work/text/x", "/work/d/", "/work/text/../d/e/app")
    )


def closed_directory(draft: Draft) -> None:
    rng = draft.rng
    draft.change(rng.choice(("/work", "/work/d", "/work/d/e")), mode=rng.choice(MODES) & 0o777, uid=rng.choice(OWNERS))


def other_mode(draft: Draft) -> None:
    rng = draft.rng
    draft.change(APP, mode=rng.choice(MODES), uid=rng.choice(OWNERS), gid=rng.choice(GROUPS))


def other_kind(draft: Draft) -> None:
    draft.change(APP, kind=draft.rng.choice(("dir", "fifo", "socket", "chr", "blk")))


def link_chain(draft: Draft) -> None:
    """A chain of links, each the last name of the one before: they nest."""
    rng = draft.rng
    length = rng.choice((1, 2, 4, 5, 6, 7))
    end = rng.choice((APP, "d/e/app", "/work/d/../d/e/app", "no", "l1", "text", "d"))
    for at in range(length):
        draft.entries[f"/work/l{at}"] = Entry("link", target=f"l{at + 1}" if at + 1 < length else end)
    draft.path = "/work/l0" + rng.choice(("", "", "", "/", "/x"))


def link_row(draft: Draft) -> None:
    """Many links one after the other: they do not nest, but each counts."""
    draft.entries["/work/here"] = Entry("link", target=draft.rng.choice((".", "../work")))
    draft.path = "/work/" + "here/" * draft.rng.choice((39, 40, 41)) + "d/e/app"


def link_upward(draft: Draft) -> None:
    """What is above a link is above its target."""
    draft.entries["/work/up"] = Entry("link", target="d/e")
    draft.path = draft.rng.choice(("/work/up/../e/app", "/work/up/../d/e/app", "/work/up/app"))


def long_name(draft: Draft) -> None:
    rng = draft.rng
    name = "n" * rng.choice((255, 256))
    draft.path = rng.choice((f"/work/{name}", f"/work/d/{name}/app", f"/no/{name}", f"{APP}/{name}"))


def long_path(draft: Draft) -> None:
    length = draft.rng.choice((4094, 4095, 4096, 5000))
    draft.path = "/" * (length - len(APP)) + APP


def flagged_mount(draft: Draft) -> None:
    rng = draft.rng
    mount = Mount(nosuid=rng.random() < 0.7, noexec=rng.random() < 0.4)
    draft.set_tree(mounts={**draft.tree.mounts, rng.choice(("/work", "/work/d", "/work/d/e")): mount})
    if rng.random() < 0.7:
        draft.change(APP, mode=rng.choice((0o4755, 0o2755, 0o6755, 0o755, 0o4644)), uid=rng.choice(OWNERS))


def other_image(draft: Draft) -> None:
    draft.change(APP, data=draft.rng.choice(IMAGES))


def spoiled_image(draft: Draft) -> None:
    """A sound image in whose first bytes some are others."""
    rng = draft.rng
    data = bytearray(draft.entries[APP].data)
    for _ in range(rng.choice((1, 1, 2))):
        if data:
            data[rng.randrange(min(len(data), 64 + 56))] = rng.choice((0, 1, 2, 3, 6, 32, 56, 127, 255))
    draft.change(APP, data=bytes(data))


def script(draft: Draft) -> None:
    rng = draft.rng
    loader = rng.choice(
        (
            "/work/run",
            "/work/run",
            "/work/text",
            "/work/no",
            "/work",
            "/work/run/x",
            "run",
            "",
            "/work/inner",
            "/work/r2",
        )
    )
    line = b"#!" + rng.choice((b"", b" ", b"\t ")) + loader.encode() + rng.choice((b"", b" -x", b"  a b ", b"\r"))
    draft.entries["/work/inner"] = Entry(data=b"#!/work/run\n")
    draft.entries["/work/r2"] = Entry(data=STATIC, mode=rng.choice(MODES), uid=rng.choice(OWNERS))
    draft.change(APP, data=line + rng.choice((b"\n", b"\necho\n", b"")))


def other_loader(draft: Draft) -> None:
    """An image whose loader is another file, in one of many ways not fit."""
    rng = draft.rng
    draft.entries["/work/ld"] = Entry(
        data=rng.choice((STATIC, b"", b"text " * 20, b"#!/bin/x\n" * 20, FOREIGN)),
        mode=rng.choice((0o755, 0o755, 0o644, 0o700)), uid=rng.choice(OWNERS),
    )  # fmt: skip
    paths = ("/work/ld", "/work/ld", "/work/no", "/work", "/work/text/x", "work/ld", "/dev/null", "/work/" + "n" * 256)
    draft.change(APP, data=bp.ElfImage(interpreters=(rng.choice(paths),)).to_bytes())


def other_interpreter(draft: Draft) -> None:
    """A script or an image whose interpreter is in one of many ways not fit, or not to be had."""
    rng = draft.rng
    sound = Entry(data=STATIC)
    draft.entries.update({
        "/alt": Entry("dir"), "/alt/worn": Entry("dir"), "/alt/worn/x": sound,
        "/alt/closed": Entry("dir", mode=0o700), "/alt/closed/x": sound,
        "/alt/noexec": Entry("dir"), "/alt/noexec/x": sound, "/alt/nosuid": Entry("dir"),
        "/alt/nosuid/x": attrs.evolve(sound, mode=rng.choice((0o4755, 0o2755, 0o755))),
        "/alt/loop": Entry("link", target="loop"), "/alt/link": Entry("link", target="../work/run"),
        "/alt/fifo": Entry("fifo"), "/alt/busy": sound, "/alt/disk": sound,
        "/alt/mode": attrs.evolve(sound, mode=0o644),
        "/alt/bad": Entry(data=bp.ElfImage(phentsize=32).to_bytes()), "/alt/foreign": Entry(data=FOREIGN),
        "/alt/two": Entry(data=bp.ElfImage(interpreters=("/lib64/ld-linux-x86-64.so.2", "/no")).to_bytes()),
        "/alt/odd": Entry(data=bp.ElfImage(interpreters=("/no",)).to_bytes()), "/alt/text": Entry(data=b"text\n" * 30),
    })  # fmt: skip
    mounts = {**draft.tree.mounts, "/alt/noexec": Mount(noexec=True), "/alt/nosuid": Mount(nosuid=True)}
    draft.set_tree(
        mounts=mounts,
        written=(*draft.tree.written, "/alt/busy"),
        unreadable=(*draft.tree.unreadable, "/alt/disk", "/alt/worn"),
    )
    run_by(draft, rng.choice(UNFIT) + rng.choice(("", "", "", "/", "/x")), is_script=rng.random() < 0.5)


def run_by(draft: Draft, path: str, *, is_script: bool) -> None:
    """Let the image name that interpreter."""
    image = f"#!{path} -x\n".encode() if is_script else bp.ElfImage(interpreters=(path,)).to_bytes()
    draft.change(APP, data=image)


def written(draft: Draft) -> None:
    rng = draft.rng
    if draft.entries[APP].kind != "file":
        return
    name = APP
    if rng.random() < 0.3:
        name = OTHER_NAME
        draft.entries[name] = Entry(same_as=APP)
    path = rng.choice((name, name, "/work/run", "/lib64/ld-linux-x86-64.so.2"))
    draft.set_tree(written=(*draft.tree.written, path))


def failing_disk(draft: Draft) -> None:
    path = draft.rng.choice((APP, APP, "/work/d", "/work/run", "/lib64/ld-linux-x86-64.so.2"))
    draft.set_tree(unreadable=(*draft.tree.unreadable, path))


# Interpreters that are not fit, or not to be had (one, behind a link, is).
UNFIT = tuple(
    f"/alt/{name}"
    for name in (
        "closed/x", "noexec/x", "nosuid/x", "worn/x", "loop", "link", "fifo", "busy", "disk", "mode", "bad", "foreign",
        "two", "odd", "text", "closed", "none",
    )
)  # fmt: skip
FOREIGN = bp.ElfImage(machine=8).to_bytes()
IMAGES = (
    b"", b"\x7fELF", b"plain text\n", b"#!", b"#!\n", b"\x01\xdf" + bytes(100), STATIC[:60], STATIC[:100], FOREIGN,
    bp.ElfImage(machine=3).to_bytes(), bp.ElfImage(machine=6).to_bytes(), bp.ElfImage(machine=183).to_bytes(),
    bp.ElfImage(type="DYN").to_bytes(), bp.ElfImage(type="REL").to_bytes(), bp.ElfImage(type="CORE").to_bytes(),
    bp.ElfImage(phentsize=32).to_bytes(), bp.ElfImage(phnum=0).to_bytes(), bp.ElfImage(phnum=1171).to_bytes(),
    bp.ElfImage(phnum=1170).to_bytes(), bp.ElfImage(phoff=1 << 40).to_bytes(),
    bp.ElfImage(interpreters=("/lib64/ld-linux-x86-64.so.2", "/no")).to_bytes(),
    bp.ElfImage(interpreters=("/no", "/no")).to_bytes(),
    bp.ElfImage(interpreters=("",)).to_bytes(), bp.ElfImage(interpreters=("", "/no")).to_bytes(),
    bp.ElfImage(interpreters=("/" + "x" * 4094,)).to_bytes(), bp.ElfImage(interpreters=("/" + "x" * 4095,)).to_bytes(),
    bp.ElfImage(interpreters=("/lib64/ld-linux-x86-64.so.2",)).to_bytes(),
    bp.ElfImage(machine=3, interpreters=("/lib/ld-linux.so.2",)).to_bytes(),
    bp.ElfImage(machine=3, interpreters=("/lib64/ld-linux-x86-64.so.2",)).to_bytes(),
    bp.ElfImage(interpreters=("/lib/ld-linux.so.2",)).to_bytes(),
)  # fmt: skip
FILES: tuple[Callable[[Draft], None], ...] = (
    absent, in_file, closed_directory, other_mode, other_mode, other_kind, link_chain, link_row, link_upward, long_name,
    long_path, flagged_mount, flagged_mount, other_image, other_image, spoiled_image, script, script, other_loader,
    other_loader, other_interpreter, other_interpreter, other_interpreter, written, failing_disk,
)  # fmt: skip
