"""What execvp is tried with: a tree of files, PATH, a name and an argv; each in a root directory of its own.

What runs is `args`, which writes its argv and its environment, one a line; /bin/sh is `args` too, so
that one sees what a shell is given, unless the case says otherwise.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class SearchCase:
    """One call of execvp.

    `file` its name, `path` the PATH, None for none; `argv` what is passed behind the name, None for
    NULL and () for nothing at all; `things` one "path mode content" a line, where content is `args`,
    `dir`, `fifo`, `-> target`, `written` (args, and somebody has it open for writing), or a text.
    `user` neither root nor the owner; `cwd` where it is called; `huge` how long a last argument is.
    """

    file: str
    path: str | None = "/a:/b"
    things: str = ""
    argv: tuple[str, ...] | None = ("name", "one", "two words")
    user: bool = True
    cwd: str = "/"
    huge: int = 0


_ARGS_A, _ARGS_B = "/a/p 755 args", "/b/p 755 args"
_ALIEN = r"\x7fELF\x02\x01\x01" + r"\0" * 9 + r"\x02\0\x28\0\x01" + r"\0" * 43
_BAD_LOADER = "foreign-loader"
_THEN_B = f"; {_ARGS_B}"

CASES: dict[str, SearchCase] = {
    # where it is looked for
    "first directory": SearchCase("p", things=_ARGS_A),
    "second directory": SearchCase("p", things=_ARGS_B),
    "both": SearchCase("p", things=f"{_ARGS_A}; {_ARGS_B}"),
    "neither": SearchCase("p"),
    "a slash": SearchCase("a/p", things=_ARGS_A, path="/b"),
    "a slash, missing": SearchCase("b/p", things=_ARGS_A),
    "a slash at the end": SearchCase("p/", things=_ARGS_A),
    "a slash alone": SearchCase("/"),
    "a dot": SearchCase("."),
    "two dots": SearchCase(".."),
    "an empty name": SearchCase("", things=_ARGS_A),
    "an empty name, no PATH": SearchCase("", path=None),
    "no PATH, in /bin": SearchCase("p", path=None, things="/bin/p 755 args"),
    "no PATH, in /usr/bin": SearchCase("p", path=None, things="/usr/bin/p 755 args"),
    "no PATH, in both": SearchCase("p", path=None, things="/bin/p 755 echo\n; /usr/bin/p 755 echo\n"),
    "no PATH, here": SearchCase("p", path=None, things="/p 755 args"),
    "no PATH, nowhere": SearchCase("p", path=None),
    "an empty PATH, here": SearchCase("p", path="", things="/w/p 755 args", cwd="/w"),
    "an empty PATH, not here": SearchCase("p", path="", things="/bin/p 755 args", cwd="/w"),
    "an empty element first": SearchCase("p", path=":/a", things=f"/w/p 755 args; {_ARGS_A}", cwd="/w"),
    "an empty element last": SearchCase("p", path="/a:", things="/w/p 755 args", cwd="/w"),
    "an empty element between": SearchCase("p", path="/a::/b", things=f"/w/p 755 args; {_ARGS_B}", cwd="/w"),
    "only colons": SearchCase("p", path=":::", things="/w/p 755 args", cwd="/w"),
    "a relative element": SearchCase("p", path="b", things=_ARGS_B),
    "a slash at an element's end": SearchCase("p", path="/b/", things=_ARGS_B),
    "an element too long, then a good one": SearchCase("p", path="/" + "n" * 300 + ":/b", things=_ARGS_B),
    "a path too long, then a good one": SearchCase("p", path="/" + "n/" * 2047 + "n:/b", things=_ARGS_B),
    "a path too long, alone": SearchCase("p", path="/" + "n/" * 2047 + "n"),
    "a path just short enough": SearchCase("p", path="/" + "./" * 2045 + "b:/a", things=_ARGS_B),
    "an element of 4096, then a good one": SearchCase("p", path="/" * 4096 + ":/b", things=f"{_ARGS_B}; /p 755 args"),
    "an element of 4094": SearchCase("p", path="/" * 4094 + ":/b", things=f"{_ARGS_B}; /p 755 args"),
    "an element of 4093": SearchCase("p", path="/" * 4093 + ":/b", things=f"{_ARGS_B}; /p 755 args"),
    "an element of 4095, then a good one": SearchCase("p", path="/" * 4095 + ":/b", things=_ARGS_B),
    "nothing, then an element of 4096": SearchCase("p", path="/b:" + "/" * 4096),
    "denied, then an element of 4096": SearchCase("p", path="/a:" + "/" * 4096, things="/a/p 644 args"),
    "an element of 5000 alone": SearchCase("p", path="/" * 5000, things="/p 755 args"),
    "a long element, a name of 200": SearchCase("q" * 200, path="/" * 4000 + ":/b", things=f"/b/{'q' * 200} 755 args"),
    "a name of 255": SearchCase("n" * 255, things=f"/b/{'n' * 255} 755 args"),
    "a name of 256": SearchCase("n" * 256),
    "a name of 256, then a good directory": SearchCase("n" * 256, path="/missing:/b", user=False),
    "a name of 256, in no directory": SearchCase("n" * 256, path="/missing:/f", things="/f 644 x"),
    "a name of 256, a closed directory, then a good one": SearchCase("n" * 256, path="/a:/b", things="/a 0 dir"),
    "a name of 300, in no directory": SearchCase("n" * 300, path="/missing"),
    "a name of 256, in a closed directory": SearchCase("n" * 256, path="/a", things="/a 0 dir"),
    "a name of 256 with a slash": SearchCase("/" + "n" * 256),
    # what the search goes on after
    "denied, then a good one": SearchCase("p", things="/a/p 644 args" + _THEN_B),
    "denied": SearchCase("p", things="/a/p 644 args"),
    "denied, last": SearchCase("p", things="/b/p 644 args"),
    "denied to root": SearchCase("p", things="/a/p 644 args", user=False),
    "a closed directory, then a good one": SearchCase("p", things="/a 0 dir" + _THEN_B),
    "a closed directory": SearchCase("p", things="/a 0 dir"),
    "a closed directory, then a file": SearchCase("p", path="/a:/f", things="/a 0 dir; /f 644 x"),
    "a directory of that name, then a good one": SearchCase("p", things="/a/p 755 dir" + _THEN_B),
    "a directory of that name": SearchCase("p", things="/a/p 755 dir"),
    "a FIFO of that name": SearchCase("p", things="/a/p 755 fifo"),
    "a file for a directory, then a good one": SearchCase("p", path="/f:/b", things="/f 755 args" + _THEN_B),
    "a file for a directory": SearchCase("p", path="/f", things="/f 755 args"),
    "a file, then nothing": SearchCase("p", path="/f:/b", things="/f 755 args"),
    "nothing, then a file": SearchCase("p", path="/b:/f", things="/f 755 args"),
    "denied, then a file": SearchCase("p", path="/a:/f", things="/a/p 644 args; /f 644 x"),
    "a dangling link, then a good one": SearchCase("p", things="/a/p - -> nowhere" + _THEN_B),
    "a missing interpreter, then a good one": SearchCase("p", things="/a/p 755 #!/nowhere\n" + _THEN_B),
    "a missing interpreter": SearchCase("p", things="/a/p 755 #!/nowhere\n"),
    "a denied interpreter": SearchCase("p", things="/a/p 755 #!/f\n; /f 644 args"),
    "a denied interpreter, then a good one": SearchCase("p", things="/a/p 755 #!/f\n; /f 644 args" + _THEN_B),
    "an interpreter in a file": SearchCase("p", things="/a/p 755 #!/f/x\n; /f 644 args"),
    "an interpreter": SearchCase("p", things="/a/p 755 #!/f opt\n; /f 755 args"),
    "an interpreter that is no program": SearchCase("p", things="/a/p 755 #!/f\n; /f 755 echo\n"),
    "an interpreter of a name too long": SearchCase("p", things=f"/a/p 755 #!/{'n' * 256}x\n" + _THEN_B),
    "a missing ELF interpreter, then a good one": SearchCase("p", things="/a/p 755 absent-loader" + _THEN_B),
    "a missing ELF interpreter": SearchCase("p", things="/a/p 755 absent-loader"),
    # what it stops at
    "a loop, then a good one": SearchCase("p", things="/a/p - -> p" + _THEN_B),
    "a loop of directories, then a good one": SearchCase("p", things="/a - -> a" + _THEN_B),
    "denied, then a loop": SearchCase("p", things="/a/p 644 args; /b/p - -> p"),
    "being written, then a good one": SearchCase("p", things="/a/p 755 written" + _THEN_B),
    "denied, then being written": SearchCase("p", things="/a/p 644 args; /b/p 755 written"),
    "arguments too big, then a good one": SearchCase("p", things=f"{_ARGS_A}; {_ARGS_B}", huge=200_000),
    "arguments too big, nowhere": SearchCase("p", huge=200_000),
    "arguments too big, denied": SearchCase("p", things="/a/p 644 args", huge=200_000),
    "an ELF interpreter that is none, then a good one": SearchCase("p", things=f"/a/p 755 {_BAD_LOADER}" + _THEN_B),
    "denied, then an ELF interpreter that is none": SearchCase(
        "p", things=f"/a/p 644 args; /b/p 755 {_BAD_LOADER}"),
    # what goes to the shell
    "a script": SearchCase("p", things="/a/p 755 echo\n"),
    "a script, second": SearchCase("p", things="/b/p 755 echo\n"),
    "a script before a good one": SearchCase("p", things="/a/p 755 echo\n" + _THEN_B),
    "a script by a slash": SearchCase("/a/p", things="/a/p 755 echo\n"),
    "a script by a relative slash": SearchCase("./p", things="/a/p 755 echo\n", cwd="/a"),
    "a script here": SearchCase("p", path="", things="/a/p 755 echo\n", cwd="/a"),
    "a script by a relative element": SearchCase("p", path="a", things="/a/p 755 echo\n"),
    "a script, no arguments": SearchCase("p", things="/a/p 755 echo\n", argv=("name",)),
    "a script, an argument of spaces": SearchCase("p", things="/a/p 755 echo\n", argv=("name", "", " ", "-c")),
    "a script, argv empty": SearchCase("p", things="/a/p 755 echo\n", argv=()),
    "a script, by a slash, argv empty": SearchCase("/a/p", things="/a/p 755 echo\n", argv=()),
    "an empty file": SearchCase("p", things="/a/p 755 "),
    "an alien program": SearchCase("p", things=f"/a/p 755 {_ALIEN}"),
    "an alien program by a slash": SearchCase("/a/p", things=f"/a/p 755 {_ALIEN}"),
    "a script of half a line": SearchCase("p", things="/a/p 755 #!\n"),
    "denied, then a script": SearchCase("p", things="/a/p 644 args; /b/p 755 echo\n"),
    "a script that is not executable": SearchCase("p", things="/a/p 644 echo\n"),
    "a script, no shell": SearchCase("p", things="/a/p 755 echo\n; /bin/sh - gone"),
    "a script, no shell, then a good one": SearchCase("p", things="/a/p 755 echo\n; /bin/sh - gone" + _THEN_B),
    "a script by a slash, no shell": SearchCase("/a/p", things="/a/p 755 echo\n; /bin/sh - gone"),
    "a script, a shell that is denied": SearchCase("p", things="/a/p 755 echo\n; /bin/sh 644 args"),
    "a script, a shell that is denied, then a good one": SearchCase(
        "p", things="/a/p 755 echo\n; /bin/sh 644 args" + _THEN_B),
    "a script, a shell that is a script": SearchCase("p", things="/a/p 755 echo\n; /bin/sh 755 echo\n"),
    "a script, a shell that is a script with a line": SearchCase(
        "p", things="/a/p 755 echo\n; /bin/sh 755 #!/f\n; /f 755 args"),
    "a script, arguments too big": SearchCase("p", things="/a/p 755 echo\n", huge=200_000),
    # argv as it arrives
    "argv empty": SearchCase("p", things=_ARGS_A, argv=()),
    "argv NULL": SearchCase("p", things=_ARGS_A, argv=None),
    "argv of an empty string": SearchCase("p", things=_ARGS_A, argv=("",)),
    "PATH twice": SearchCase("p", path="/a\nPATH=/b", things=f"{_ARGS_A}; {_ARGS_B}"),
}  # fmt: skip
