"""What the loader is tried with: which files lie where, which program is run, in which environment.

A file is named by its source (`loaderfiles`); `x|100` is its first 100 bytes, `x@18=40` has a byte
changed, and so has `x|100@18=40`; "directory" is one, "text" no library, "-> x" a link. The program is ./p, its
argv[0] is "name", and it runs in the directory where a and b lie, {top}; LD_LIBRARY_PATH is a:b if nothing
else is said.
"""

from __future__ import annotations

from attrs import frozen

from tests.calls.loaderfiles import TOP

TEXT = b"This is no library at all, but long enough to have the size of one. Really."


@frozen
class LoaderCase:
    """A program, its environment, and what lies where."""

    program: str
    env: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


def padded(top: str) -> str:
    """Write a directory so that it is as long as TOP: with slashes at its end."""
    assert len(top) <= len(TOP)
    return top.ljust(len(TOP), "/")


def content(what: str, files: dict[str, bytes], top: str) -> bytes:
    """Give the bytes of a file by what stands in a case."""
    if what == "text":
        return TEXT
    name, *changes = what.split("@")
    name, _, size = name.partition("|")
    data = bytearray(files[name][: int(size)] if size else files[name])
    for change in changes:
        place, _, value = change.partition("=")
        data[int(place)] = int(value)
    return bytes(data).replace(TOP.encode(), padded(top).encode())


def _cases(text: str) -> dict[str, LoaderCase]:
    """Read cases, one a line: title | program | NAME=value; ... | place: content, ..."""
    found: dict[str, LoaderCase] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        title, program, env, files = line.split(" | ")
        assert title not in found, title
        variables = tuple(env.split("; ")) if env != "-" else ()
        if not any(each.startswith("LD_LIBRARY_PATH=") for each in variables):
            variables = ("LD_LIBRARY_PATH=a:b", *variables)
        places = [entry.partition(": ") for entry in files.split(", ")] if files != "-" else []
        found[title] = LoaderCase(
            program,
            tuple(each.replace("{4095}", "n" * 4095).replace("{4096}", "n" * 4096) for each in variables),
            tuple((place, what) for place, _, what in places),
        )
    return found


CASES = _cases("""
there | plain | - | a/libx.so: x
missing | plain | - | -
empty | plain | - | a/libx.so: x|0
63 bytes | plain | - | a/libx.so: x|63
64 bytes | plain | - | a/libx.so: x|64
cut in the table | plain | - | a/libx.so: x|100
cut in a long library, first page | plain | - | a/libx.so: x-long|4096
cut in a long library, a byte more | plain | - | a/libx.so: x-long|4097
cut in a long library, constants | plain | - | a/libx.so: x-long|8000
cut in a long library, data | plain | - | a/libx.so: x-long|16000
cut in a long library, page before the last | plain | - | a/libx.so: x-long|16384
cut in a long library, last page | plain | - | a/libx.so: x-long|16385
cut in a long library, near its end | plain | - | a/libx.so: x-long|18000
long library | plain | - | a/libx.so: x-long
long library cut in a preload | plain | LD_PRELOAD=one.so libpre.so | a/libx.so: x, a/libpre.so: x-long|4096
long library cut, then one missing | deep | - | a/liby.so: x-long|4096
text | plain | - | a/libx.so: text
a directory | plain | - | a/libx.so: directory
a loop | plain | - | a/libx.so: -> libx.so
class of 32 bits, then a good one | plain | - | a/libx.so: x@4=1, b/libx.so: x
class of 32 bits, then wrong machine | plain | - | a/libx.so: x@4=1, b/libx.so: x@18=40
class of 32 bits, big-endian | plain | - | a/libx.so: x@4=1@5=2
no class | plain | - | a/libx.so: x@4=0
big-endian | plain | - | a/libx.so: x@5=2
version of the identification | plain | - | a/libx.so: x@6=0
version of the file | plain | - | a/libx.so: x@20=7
system | plain | - | a/libx.so: x@7=85
GNU's system | plain | - | a/libx.so: x@7=3
version of the system | plain | - | a/libx.so: x@8=7
padding | plain | - | a/libx.so: x@9=7
size of program headers | plain | - | a/libx.so: x@54=0
no program headers | plain | - | a/libx.so: x@56=0
nothing to load | plain | - | a/libx.so: x@64=0@120=0@176=0
relocatable and cut | plain | - | a/libx.so: x|64@16=1
big-endian, wrong machine | plain | - | a/libx.so: x@18=40@5=2
padding, wrong machine | plain | - | a/libx.so: x@18=40@9=7
version of the file, wrong machine | plain | - | a/libx.so: x@18=40@20=7
magic, wrong machine | plain | - | a/libx.so: x@18=40@0=7
short, then a good one | plain | - | a/libx.so: x|5, b/libx.so: x
a loop, then a good one | plain | - | a/libx.so: -> libx.so, b/libx.so: x
a directory, then a good one | plain | - | a/libx.so: directory, b/libx.so: x
a file for a directory | plain | LD_LIBRARY_PATH=q:b | q: x, b/libx.so: x
an absolute file for a directory | plain | LD_LIBRARY_PATH={top}/q:b | q: x, b/libx.so: x
a loop for a directory | plain | LD_LIBRARY_PATH=q:b | q: -> q, b/libx.so: x
an absolute loop for a directory | plain | LD_LIBRARY_PATH={top}/q:b | q: -> q, b/libx.so: x
a loop in an absolute directory | plain | LD_LIBRARY_PATH={top}/a:b | a/libx.so: -> libx.so, b/libx.so: x
no path | plain | LD_LIBRARY_PATH= | a/libx.so: x
semicolons | plain | LD_LIBRARY_PATH=a;b | b/libx.so: x|9
an empty element at the end | plain | LD_LIBRARY_PATH=a: | libx.so: x|9
an empty element alone | plain | LD_LIBRARY_PATH=: | libx.so: x|9
an empty element first | plain | LD_LIBRARY_PATH=:a | libx.so: x|9, a/libx.so: x
dots in the path | plain | LD_LIBRARY_PATH=./b/../a | a/libx.so: x|9
slashes at the end | plain | LD_LIBRARY_PATH=a// | a/libx.so: x|9
an absolute path | plain | LD_LIBRARY_PATH={top}/a | a/libx.so: x|9
origin in the path | plain | LD_LIBRARY_PATH=$ORIGIN/a | a/libx.so: x|9
RPATH | rpath | LD_LIBRARY_PATH= | a/libx.so: x
RPATH before the environment | rpath | LD_LIBRARY_PATH=b | a/libx.so: x|9, b/libx.so: text
RPATH with an origin | rpath-origin | LD_LIBRARY_PATH= | a/libx.so: x|9
RUNPATH | runpath | LD_LIBRARY_PATH= | a/libx.so: x
RUNPATH after the environment | runpath | LD_LIBRARY_PATH=b | a/libx.so: x|9, b/libx.so: text
RUNPATH after an environment without | runpath | LD_LIBRARY_PATH=b | a/libx.so: x|9
RUNPATH with origins | origin | LD_LIBRARY_PATH= | b/libx.so: x|9
RPATH counts for libraries | deep-rpath | LD_LIBRARY_PATH= | a/liby.so: y, b/libx.so: x
RUNPATH does not | deep-runpath | LD_LIBRARY_PATH= | a/liby.so: y, b/libx.so: x
RPATH does not for one with a RUNPATH | deep-rpath | LD_LIBRARY_PATH= | a/liby.so: y-runpath, b/libx.so: x
absolute | absolute | - | a/libx.so: x
absolute, missing | absolute | - | b/libx.so: x
absolute, short | absolute | - | a/libx.so: x|9
absolute, wrong machine | absolute | - | a/libx.so: x@18=40
absolute, other class | absolute | - | a/libx.so: x@4=1
absolute, a loop | absolute | - | a/libx.so: -> libx.so
absolute, a directory | absolute | - | a/libx.so: directory
absolute, executable | absolute | - | a/libx.so: x@16=2
wrong machine | plain | - | a/libx.so: x@18=40
wrong machine, then a good one | plain | - | a/libx.so: x@18=40, b/libx.so: x
other class | plain | - | a/libx.so: x@4=1
relocatable | plain | - | a/libx.so: x@16=1
an executable | plain | - | a/libx.so: x@16=2
a core | plain | - | a/libx.so: x@16=4
a position-independent program | plain | - | a/libx.so: plain
with a slash | slash | - | a/libzed.so: z
with a slash, missing | slash | - | b/libzed.so: z
with a slash, short | slash | - | a/libzed.so: z|9
with a slash, a directory | slash | - | a/libzed.so: directory
with a slash, other class | slash | - | a/libzed.so: z@4=1

preload | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: pre
preload missing | plain | LD_PRELOAD=libpre.so | a/libx.so: x
preload missing with a slash | plain | LD_PRELOAD=./a/libpre.so | a/libx.so: x
preload with a slash | plain | LD_PRELOAD=./libpre.so | a/libx.so: x, libpre.so: pre
preload two missing, a space | plain | LD_PRELOAD=one.so two.so | a/libx.so: x
preload two missing, a colon | plain | LD_PRELOAD=one.so:two.so | a/libx.so: x
preload colons and spaces | plain | LD_PRELOAD=: one.so : :two.so: | a/libx.so: x
preload a semicolon | plain | LD_PRELOAD=one.so;two.so | a/libx.so: x
preload a tab | plain | LD_PRELOAD=one.so\ttwo.so | a/libx.so: x
preload nothing | plain | LD_PRELOAD= | a/libx.so: x
preload the same twice | plain | LD_PRELOAD=one.so one.so | a/libx.so: x
preload short | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: pre|20
preload text | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: text
preload a directory | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: directory
preload other class | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: pre@4=1
preload wrong machine | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: pre@18=40
preload cut | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: pre|100
preload relocatable | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: pre@16=1
preload a loop | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: -> libpre.so
preload missing and library missing | plain | LD_PRELOAD=one.so | -
preload needs what is missing | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: pre-y
preload and program need what is missing | plain | LD_PRELOAD=libpre.so | a/libpre.so: pre-y
preload gives the symbol | plain | LD_PRELOAD=libpre.so | a/libx.so: x-bare, a/libpre.so: pre-x
preload gives the status | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: pre-x
preload by the needed name | plain | LD_PRELOAD=libx.so | a/libx.so: x
preload by the needed name with a slash | plain | LD_PRELOAD=b/libx.so | a/libx.so: x-bare, b/libx.so: x
preload undefined symbol | plain | LD_PRELOAD=libpre.so | a/libx.so: x, a/libpre.so: pre-under
preload second in the list good | plain | LD_PRELOAD=one.so libpre.so | a/libx.so: x-bare, a/libpre.so: pre-x
preload with an origin | plain | LD_PRELOAD=$ORIGIN/libpre.so | a/libx.so: x, libpre.so: pre-under
preload for a program that needs nothing of it | none | LD_PRELOAD=one.so | a/libzed.so: z, a/liby.so: y
preload a long name | plain | LD_PRELOAD={4095} | a/libx.so: x
preload a longer name | plain | LD_PRELOAD={4096} | a/libx.so: x
preload a longer name and another | plain | LD_PRELOAD={4096} one.so | a/libx.so: x
preload a program | plain | LD_PRELOAD=./p | a/libx.so: x
preload another program | plain | LD_PRELOAD=./q | a/libx.so: x, q: now
the last value counts | plain | LD_PRELOAD=one.so; LD_PRELOAD=two.so | a/libx.so: x
the last value counts, empty | plain | LD_PRELOAD=one.so; LD_PRELOAD= | a/libx.so: x
the last path counts | plain | LD_LIBRARY_PATH=a; LD_LIBRARY_PATH=b | a/libx.so: x|9, b/libx.so: x
the last path counts, empty | plain | LD_LIBRARY_PATH=a; LD_LIBRARY_PATH= | a/libx.so: x|9
preload with an empty path | plain | LD_PRELOAD=libpre.so; LD_LIBRARY_PATH= | libx.so: x

version there | v1 | - | a/libx.so: x-v1
version there, newer library | v1 | - | a/libx.so: x-v2
version there, both needed | v2 | - | a/libx.so: x-v2
version missing | v2 | - | a/libx.so: x-v1
version missing, two of them | v2 | - | a/libx.so: x-v1z
version missing, only newer there | v1 | - | a/libx.so: x-v2only
version missing, bound now | v2-now | - | a/libx.so: x-v1
versions missing, two of them | v2 | - | a/libx.so: x-v3
versions missing, for both | both-v | - | a/libx.so: x-v3, a/liby.so: y-v2
version there, symbol not, old hash table | v1-now | - | a/libx.so: x-v1z-sysv
old and new version | v1-now | - | a/libx.so: x-old
old and new version, none asked for | now | - | a/libx.so: x-old
old version only | v1-now | - | a/libx.so: x-gone
old version only, none asked for | now | - | a/libx.so: x-gone
old newer version only, none asked for | now | - | a/libx.so: x-gone2
versions in the program, indices in the library | v1-now | - | a/libx.so: x-indexed, a/libver.so: ver
versions in the program, indices in the library, one missing | v1-now | - | a/libx.so: x-indexed, a/libver.so: x-v3
versions in the program, indices in the library, and no file | v1-now | - | a/libx.so: x-indexed
newer versions, none asked for | two-now | - | a/libx.so: x-v2
versions in the library only | plain | - | a/libx.so: x-v1
versions in the library only, two | two | - | a/libx.so: x-v2
versions in the program only | v1 | - | a/libx.so: x
versions in the program only, bound now | v1-now | - | a/libx.so: x
versions in the program only, symbol missing | v1-now | - | a/libx.so: x-bare
versions in the program only, preloaded | v1-now | LD_PRELOAD=libpre.so | a/libx.so: x-bare, a/libpre.so: pre-x
version there, symbol not | v1 | - | a/libx.so: x-v1z
version there, symbol not, bound now | v1-now | - | a/libx.so: x-v1z
symbol in the other version | v2-now | - | a/libx.so: x-v1moved
symbol in the other version, lazily | v2 | - | a/libx.so: x-v1moved
version required by a library | deep-v1 | - | a/libx.so: x-v1z, a/liby.so: y-v1
version missing for a library | deep | - | a/libx.so: x-v1, a/liby.so: y-v2
version missing for both | both-v | - | a/libx.so: x-v2only, a/liby.so: y-v1
version missing for both and more | both-v | - | a/libx.so: x-v1z, a/liby.so: y-v2
version missing, library needs a missing one | both-v | - | a/liby.so: y-v2
version missing and preload missing | v2 | LD_PRELOAD=one.so | a/libx.so: x-v1
version missing for a preload | plain | LD_PRELOAD=liby.so | a/libx.so: x-v1, a/liby.so: y-v2
version missing before a symbol | v2-now | - | a/libx.so: x-v1z
no version table, for a library | deep | - | a/libx.so: x, a/liby.so: y-v1
no version table, for both | both-v | - | a/libx.so: x-xy, a/liby.so: y-v2
library of b has the version | v2 | - | a/libx.so: x-v1, b/libx.so: x-v2

symbol missing, lazily | plain | - | a/libx.so: x-bare
symbol missing, now | now | - | a/libx.so: x-bare
symbol missing, lazily but LD_BIND_NOW | plain | LD_BIND_NOW=1 | a/libx.so: x-bare
symbol missing, lazily and LD_BIND_NOW empty | plain | LD_BIND_NOW= | a/libx.so: x-bare
symbol missing, not called | uncalled | - | a/libx.so: x
symbol missing, not called, LD_BIND_NOW | uncalled | LD_BIND_NOW=1 | a/libx.so: x
two symbols missing | two | - | a/libx.so: x-bare
two symbols missing, now | two-now | - | a/libx.so: x-bare
second symbol missing | two-now | - | a/libx.so: x
data missing | data | - | a/libx.so: x
data there | data | - | a/libx.so: x-data
weak missing | weak | - | a/libx.so: x
weak there | weak | - | a/libx.so: x-xy
symbol hidden | now | - | a/libx.so: x-hidden
symbol weak in the library | now | - | a/libx.so: x-weak
old hash table | now | - | a/libx.so: x-sysv
old hash table, missing | uncalled | LD_BIND_NOW=1 | a/libx.so: x-sysv
library without a name | now | - | a/libx.so: x-nameless
symbol missing in a library, lazily | deep | - | a/libx.so: x, a/liby.so: y-under
symbol missing in a library, now | deep | - | a/libx.so: x, a/liby.so: y-undernow
symbol missing in a library, not called | deep | - | a/libx.so: x, a/liby.so: y-uncalled
symbol missing in a library, not called, LD_BIND_NOW | deep | LD_BIND_NOW=1 | a/libx.so: x, a/liby.so: y-uncalled
symbol missing in both | deep-now | - | a/libx.so: x, a/liby.so: y-undernow
symbol missing for a library of a library | deep-now | - | a/libx.so: x-bare, a/liby.so: y-now
symbol missing for both, libraries first | both | LD_BIND_NOW=1 | a/libx.so: x-bare, a/liby.so: y-now
symbol from a library that is needed elsewhere | deep-now | - | a/libx.so: x-xy, a/liby.so: y-under
symbol from what the library needs | deep-now | - | a/libx.so: x-xy, a/liby.so: z
both missing, the second's library is first | x-y-z | - | a/libx.so: x-under, a/liby.so: y-two, a/libzed.so: z-under
both missing, the first needs the second | y-z | - | a/liby.so: y-needsz, a/libzed.so: z-under
both missing, the second needs the first | y-z | - | a/liby.so: y-two, a/libzed.so: z-y-under
both missing, each needs the other | y-z | - | a/liby.so: y-needsz, a/libzed.so: z-y-under
missing in the preload and in a library | plain | LD_PRELOAD=libpre.so | a/libx.so: x-under, a/libpre.so: pre-under
missing in the program and in a library | data-now | - | a/libx.so: x, a/liby.so: y-two
missing in the program and in a library's function | data-now | - | a/libx.so: x, a/liby.so: y-under
missing in the program and in a library's function, now | data-now | - | a/libx.so: x, a/liby.so: y-undernow
data before functions | deep | - | a/liby.so: y-alone, a/libx.so: x
data before functions, lazily | deep | - | a/liby.so: y-data, a/libx.so: x
data missing and a function missing, now | data-now | - | a/libx.so: x, a/liby.so: z
a copied variable | copied | - | a/libx.so: x-data
a copied variable, missing | copied | - | a/libx.so: x
program at a fixed address | fixed | - | a/libx.so: x
program at a fixed address, missing | fixed | - | a/libx.so: x-bare

breadth first, first missing | three | - | -
breadth first, second missing | three | - | a/libzed.so: z-needs
breadth first, third missing | three | - | a/libzed.so: z-needs, a/liby.so: y
breadth first, all there | three | - | a/libzed.so: z-needs, a/liby.so: y, a/libx.so: x
breadth first, missing before text | three | - | a/libzed.so: text
library needs itself by name | deep | - | a/liby.so: y, b/libx.so: x
same file by two names, missing | both | - | a/libx.so: x-under, a/liby.so: -> libx.so
same file by two names | both | - | a/libx.so: x, a/liby.so: -> libx.so
""")
