"""Small libraries and programs for the loader: what they are made of, made anew or as they were recorded.

Each is built without the C library, so that a file has one or two kilobytes and its bytes depend on
little but the linker. Nothing in them says where they lie.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from attrs import frozen

GCC = shutil.which("gcc")

# _start, which ends the process with what `run` gives. There is no C library to do it.
_MAIN = """
static int run(void);
void _start(void) {
    int status = run();
    __asm__ volatile("syscall" : : "a"(231), "D"(status));
    __builtin_unreachable();
}
"""

# Where a file names the directory in which it lies, this stands for it, and is as long as any.
TOP = "/" + "T" * 127

_COMMON = (
    "-nostdlib", "-fPIC", "-O1", "-s", "-fno-asynchronous-unwind-tables", "-fcf-protection=none",
    "-fno-stack-protector",
    "-Wl,--build-id=none,-z,noseparate-code,-z,norelro,-z,max-page-size=4096,--allow-shlib-undefined",
)  # fmt: skip


@frozen
class Source:
    """One file: its C text, what gcc is told, the libraries it is linked with, the linker's version script."""

    text: str
    options: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
    versions: str = ""

    @property
    def is_library(self) -> bool:
        """Tell whether it is a library; else it is a program."""
        return "run(void)" not in self.text


def _library(text: str, soname: str = "", *options: str, linked: tuple[str, ...] = (), versions: str = "") -> Source:
    named = (f"-Wl,-soname,{soname}",) if soname else ()
    return Source(text, ("-shared", *named, *options), linked, versions)


def _program(body: str, *linked: str, options: tuple[str, ...] = ("-Wl,-z,lazy",)) -> Source:
    names, _, result = body.rpartition(";")
    text = f"{names}; static int run(void) {{ return {result}; }}"
    return Source(text, ("-pie", *options), linked)


_NOW = ("-Wl,-z,now",)
_X, _Y, _Z = "int x(void) { return 0; }", "int y(void) { return 0; }", "int z(void) { return 0; }"
_V1, _V2 = "V1 { global: x; local: *; };", "V1 { global: x; }; V2 { global: y; } V1;"

SOURCES: dict[str, Source] = {
    # Libraries. All that begin with x are called libx.so by who needs them.
    "z": _library(_Z, "libzed.so"),
    "x": _library(_X, "libx.so"),
    "x-sysv": _library(_X, "libx.so", "-Wl,--hash-style=sysv"),
    "x-now": _library(_X, "libx.so", *_NOW),
    "x-nameless": _library(_X),
    "x-absolute": _library(_X, TOP + "/a/libx.so"),
    "x-long": _library("const char text[9000] = {1}; char data[9000] = {1}; char zeros[9000];" + _X, "libx.so"),
    "x-bare": _library(_Z, "libx.so"),
    "x-data": _library("int d = 1;" + _X, "libx.so"),
    "x-xy": _library(_X + _Y, "libx.so"),
    "x-hidden": _library('__attribute__((visibility("hidden")))' + _X + _Z, "libx.so"),
    "x-weak": _library("__attribute__((weak))" + _X, "libx.so"),
    "x-v1": _library(_X, "libx.so", versions=_V1),
    "x-v2": _library(_X + _Y, "libx.so", versions=_V2),
    "x-v2only": _library(_X + _Y, "libx.so", versions="V2 { global: x; y; local: *; };"),
    "x-v1z": _library(_X + _Z, "libx.so", versions="V1 { global: z; local: *; };"),
    "x-v3": _library(_Z, "libx.so", versions="V3 { global: z; local: *; };"),
    "x-v1z-sysv": _library(_X + _Z, "libx.so", "-Wl,--hash-style=sysv", versions="V1 { global: z; local: *; };"),
    "x-old": _library(
        '__asm__(".symver old, x@V1"); __asm__(".symver new, x@@V2"); int old(void) { return 0; } int new(void) '
        "{ return 0; }", "libx.so", versions="V1 { }; V2 { global: x; local: *; } V1;"),
    "x-gone": _library(
        '__asm__(".symver old, x@V1"); int old(void) { return 0; }' + _Z, "libx.so",
        versions="V1 { }; V2 { global: z; local: *; } V1;"),
    "x-gone2": _library(
        '__asm__(".symver old, x@V2"); int old(void) { return 0; }' + _Z,
        "libx.so",
        versions="V1 { global: z; local: *; }; V2 { } V1;",
    ),
    "ver": _library("int v(void) { return 0; }", "libver.so", versions="V9 { global: v; local: *; };"),
    "x-indexed": _library("int v(void); int x(void) { return v(); }", "libx.so", linked=("ver",)),
    "x-v1moved": _library(_X + _Y, "libx.so", versions="V1 { global: x; y; }; V2 { } V1;"),
    "y": _library("int x(void); int y(void) { return x(); }", "liby.so", linked=("x",)),
    "y-runpath": _library(
        "int x(void); int y(void) { return x(); }", "liby.so", "-Wl,--enable-new-dtags,-rpath,nowhere", linked=("x",)),
    "y-now": _library("int x(void); int y(void) { return x(); }", "liby.so", *_NOW, linked=("x",)),
    "y-v1": _library("int x(void); int y(void) { return x(); }", "liby.so", linked=("x-v1",)),
    "y-v2": _library("int x(void); int y(void); int w(void) { return x() + y(); }", "liby.so", linked=("x-v2",)),
    "y-under": _library("int no(void); int y(void) { return no(); }", "liby.so"),
    "y-undernow": _library("int no(void); int y(void) { return no(); }", "liby.so", *_NOW),
    "y-uncalled": _library("int no(void); int unused(void) { return no(); } int y(void) { return 0; }", "liby.so"),
    "y-alone": _library("int no(void); extern int more; int y(void) { return no() + more; }", "liby.so", *_NOW),
    "y-data": _library("int no(void); extern int more; int y(void) { return no() + more; }", "liby.so"),
    "y-needsz": _library("extern int one; int *y(void) { return &one; }", "liby.so", linked=("z",)),
    "z-under": _library("extern int two; int *z(void) { return &two; }", "libzed.so"),
    "z-y-under": _library("extern int two; int *z(void) { return &two; }", "libzed.so", linked=("y",)),
    "y-two": _library("extern int one; int *y(void) { return &one; }", "liby.so"),
    "x-under": _library("extern int three; int *x(void) { return &three; }", "libx.so"),
    "z-needs": _library("int y(void); int z(void) { return y(); }", "libzed.so", linked=("y",)),
    "pre": _library("int pre(void) { return 0; }", "libpre.so"),
    "pre-x": _library("int x(void) { return 0; }", "libpre.so"),
    "pre-y": _library("int y(void); int pre(void) { return y(); }", "libpre.so", linked=("y",)),
    "pre-under": _library("extern int no; int *pre(void) { return &no; }", "libpre.so"),
    # Programs, by what they need; they end with 0 if all is well.
    "none": _program("; 0", "z"),
    "plain": _program("int x(void); x()", "x"),
    "now": _program("int x(void); x()", "x", options=_NOW),
    "uncalled": _program("static volatile int never; int x(void), y(void); never ? y() : x()", "x-xy"),
    "two": _program("int x(void), y(void); x() + y()", "x-xy"),
    "two-now": _program("int y(void), x(void); x() + y()", "x-xy", options=_NOW),
    "data": _program("extern int d; int x(void); x() + d - 1", "x-data"),
    "weak": _program("__attribute__((weak)) int y(void); int x(void); y ? y() : x()", "x-xy"),
    "v1": _program("int x(void); x()", "x-v1"),
    "v1-now": _program("int x(void); x()", "x-v1", options=_NOW),
    "v2": _program("int x(void), y(void); x() + y()", "x-v2"),
    "v2-now": _program("int x(void), y(void); x() + y()", "x-v2", options=_NOW),
    "deep": _program("int y(void); y()", "y"),
    "deep-now": _program("int y(void); y()", "y", options=_NOW),
    "deep-v1": _program("int y(void); y()", "y-v1"),
    "both": _program("int x(void), y(void); x() + y()", "x", "y"),
    "both-v": _program("int x(void), w(void); x() + w()", "x-v1", "y-v2"),
    "three": _program("int z(void), y(void); z() + y()", "z-needs", "y"),
    "slash": _program("int z(void); z()", "a/libzed.so"),
    "absolute": _program("int x(void); x()", "x-absolute"),
    "rpath": _program("int x(void); x()", "x", options=("-Wl,--disable-new-dtags,-rpath,a",)),
    "runpath": _program("int x(void); x()", "x", options=("-Wl,--enable-new-dtags,-rpath,a",)),
    "rpath-origin": _program("int x(void); x()", "x", options=("-Wl,--disable-new-dtags,-rpath,$ORIGIN/a",)),
    "origin": _program("int x(void); x()", "x", options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/a:${ORIGIN}/b",)),
    "deep-rpath": _program("int y(void); y()", "y", options=("-Wl,--disable-new-dtags,-rpath,a:b",)),
    "deep-runpath": _program("int y(void); y()", "y", options=("-Wl,--enable-new-dtags,-rpath,a:b",)),
    "x-y-z": _program("int x(void), y(void), z(void); x() + y() + z()", "x", "y", "z"),
    "y-z": _program("int y(void), z(void); y() + z()", "y", "z"),
    "data-now": _program("extern int d; int y(void); y() + d - 1", "x-data", "y", options=_NOW),
    "copied": Source(
        "extern int d; static int run(void) { return d - 1; }", ("-no-pie", "-fno-pic", "-Wl,-z,lazy"), ("x-data",)
    ),
    "fixed": Source(
        "int x(void); static int run(void) { return x(); }", ("-no-pie", "-fno-pic", "-Wl,-z,lazy"), ("x",)
    ),
}  # fmt: skip


def build(top: Path) -> dict[str, bytes]:
    """Build all files in an empty directory; give their bytes by name."""
    (top / "a").mkdir()
    subprocess.run(
        [str(GCC), *_COMMON, "-shared", "-xc", "-", "-o", "a/libzed.so"], cwd=top, input=_Z.encode(), check=True
    )
    made: dict[str, bytes] = {}
    for name, source in SOURCES.items():
        (top / "it.c").write_text(source.text + ("" if source.is_library else _MAIN))
        (top / "it.map").write_text(source.versions)
        versions = (f"-Wl,--version-script={top}/it.map",) if source.versions else ()
        linked = [each if "/" in each else f"./{each}.so" for each in source.linked]
        subprocess.run(
            [str(GCC), *_COMMON, "it.c", "-o", f"{name}.so", *source.options, *versions, "-Wl,--no-as-needed", *linked],
            cwd=top, check=True,
        )  # fmt: skip
        made[name] = (top / f"{name}.so").read_bytes()
    return made
