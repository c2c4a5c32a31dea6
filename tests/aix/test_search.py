"""The p forms: what the search goes on after, what it remembers, and what goes to the shell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import bprocsim as bp
from bprocsim import Errno
from bprocsim.aix.execrules import SEARCH
from bprocsim.aix.placement import of_process
from bprocsim.aix.rset import written
from bprocsim.faces.pointers import BAD_ADDRESS, Vector, of_strings, vector
from bprocsim.manual import Errors, Fail, Row
from bprocsim.posix.search import EXECVP_ERRORS, GLIBC, SearchRules, search_path

Steps = Any


class Process:
    def __init__(self, *env: bytes) -> None:
        self.env = env


class Thread:
    def __init__(self, *env: bytes) -> None:
        self.process = Process(*env)


def failing(errno: Errno) -> Fail:
    def always(_facts: object) -> bool:
        return True

    table = Errors("tried", page="posix-exec", order="posix-exec", rows=(Row(errno, always, "it fails"),))
    return Fail(table.rows[0], table)


class Tries:
    """An exec that answers by path: an errno, or "done"; what is not named is absent."""

    def __init__(self, answers: dict[bytes, Errno | str]) -> None:
        self.answers = answers
        self.seen: list[tuple[Any, tuple[bytes, ...]]] = []

    def __call__(self, _machine: Any, _thread: Any, path: Any, argv: Vector, _envp: Vector) -> Steps:
        yield from ()
        self.seen.append((path, argv.strings))
        answer = self.answers.get(path, Errno.ENOENT)
        if isinstance(answer, str):
            return answer
        failed = failing(answer)
        failed.subject = path if isinstance(path, bytes) else b""
        return failed

    @property
    def paths(self) -> list[Any]:
        return [path for path, _ in self.seen]


def search(
    answers: dict[bytes, Errno | str], path: bytes | None = b"/a:/b:/c", file: Any = b"p", rules: SearchRules = SEARCH
) -> tuple[Any, Tries]:
    tries = Tries(answers)
    thread: Any = Thread() if path is None else Thread(b"X=1", b"PATH=" + path)
    machine: Any = None
    steps = search_path(machine, thread, file, of_strings((b"p", b"one")), vector({}, "envp"), tries, rules)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value, tries


def told(result: Any) -> Any:
    return (result.row.errno, result.subject) if isinstance(result, Fail) else result


@pytest.mark.parametrize(
    ("answers", "came", "paths"),
    [
        ({}, (Errno.ENOENT, b"/c/p"), [b"/a/p", b"/b/p", b"/c/p"]),
        ({b"/b/p": "done"}, "done", [b"/a/p", b"/b/p"]),
        ({b"/a/p": Errno.ENOTDIR, b"/c/p": "done"}, "done", [b"/a/p", b"/b/p", b"/c/p"]),
        ({b"/a/p": Errno.EACCES, b"/c/p": "done"}, "done", [b"/a/p", b"/b/p", b"/c/p"]),
        ({b"/a/p": Errno.EACCES}, (Errno.EACCES, b"/a/p"), [b"/a/p", b"/b/p", b"/c/p"]),
        ({b"/a/p": Errno.EACCES, b"/b/p": Errno.EACCES}, (Errno.EACCES, b"/a/p"), [b"/a/p", b"/b/p", b"/c/p"]),
        ({b"/b/p": Errno.EACCES, b"/c/p": Errno.ENOTDIR}, (Errno.EACCES, b"/b/p"), [b"/a/p", b"/b/p", b"/c/p"]),
        *(
            ({b"/a/p": Errno.EACCES, b"/b/p": errno, b"/c/p": "done"}, (errno, b"/b/p"), [b"/a/p", b"/b/p"])
            for errno in (
                Errno.EPERM, Errno.EINVAL, Errno.ENODEV, Errno.EFAULT, Errno.ENOTSUP, Errno.E2BIG, Errno.ENOMEM,
                Errno.ETXTBSY, Errno.EIO, Errno.ELOOP, Errno.ENAMETOOLONG, Errno.ESTALE, Errno.ETIMEDOUT,
            )
        ),
    ],
)  # fmt: skip
def test_what_the_search_of_aix_does(answers: dict[bytes, Errno | str], came: Any, paths: list[bytes]) -> None:
    result, tries = search(answers)
    assert (told(result), tries.paths) == (came, paths)
    assert {argv for _, argv in tries.seen} == {(b"p", b"one")}


def test_where_it_looks() -> None:
    assert search({}, b"")[1].paths == [b"p"]
    assert search({}, b":/a:")[1].paths == [b"p", b"/a/p", b"p"]
    assert search({}, b"x:/a/")[1].paths == [b"x/p", b"/a//p"]
    assert search({}, None)[1].paths == [b"/usr/bin/p", b"/bin/p"]
    for file in (b"/p", b"d/p", b"p/", b"", BAD_ADDRESS):
        assert search({}, file=file)[1].paths == [file]


def test_a_file_in_no_format_goes_to_the_shell() -> None:
    headerless: dict[bytes, Errno | str] = {b"/b/p": Errno.ENOEXEC, b"/usr/bin/sh": "shell"}
    result, tries = search(headerless)
    assert result == "shell"
    assert tries.seen[-1] == (b"/usr/bin/sh", (b"/usr/bin/sh", b"/b/p", b"one"))
    assert search(headerless, file=b"/b/p")[0] == "shell"
    # What is wrong with the shell is what is wrong.
    result, tries = search({b"/a/p": Errno.ENOEXEC, b"/usr/bin/sh": Errno.EPERM, b"/b/p": "done"})
    assert told(result) == (Errno.EPERM, b"/usr/bin/sh")
    assert search(headerless, rules=GLIBC)[1].seen[-1][0] == b"/c/p"  # its shell is absent


def test_how_the_c_library_of_linux_differs() -> None:
    for errno in (Errno.ESTALE, Errno.ENODEV, Errno.ETIMEDOUT):
        answers: dict[bytes, Errno | str] = {b"/a/p": errno, b"/b/p": "done"}
        assert search(answers, rules=GLIBC)[0] == "done"
        assert told(search(answers)[0]) == (errno, b"/a/p")
    long = b"x" * 4096
    assert search({}, long + b":/a", rules=GLIBC)[1].paths == [b"/a/p"]
    assert search({}, long + b":/a")[1].paths == [long + b"/p", b"/a/p"]


def test_elements_that_are_all_too_long_are_told_of() -> None:
    machine: Any = SimpleNamespace(
        port=SimpleNamespace(sleep=lambda duration_ns: duration_ns), costs=bp.costs["clustermatic-2002"]
    )
    thread: Any = Thread(b"PATH=" + b"x" * 4096)
    steps = search_path(machine, thread, b"p", Vector(), Vector(), Tries({}), GLIBC)
    assert next(steps) == machine.costs.syscall_ns
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value.errors is EXECVP_ERRORS


# ---- on a machine ----------------------------------------------------------------------------------


def shows(proc: bp.Proc) -> Steps:
    attached = of_process(proc.thread.process).effective
    yield from proc.print(proc.argv, "anywhere" if attached is None else written(attached.processors))


def test_ra_execvp_searches_and_attaches_the_shell_too() -> None:
    lpar = bp.Lpar(cores=2, smt=2)
    lpar.install("/opt/app", shows)
    lpar.machine.fs.write_file("/opt/words", b"app two\n", mode=0o755)
    lpar.machine.fs.write_file("/tmp/app", b"", mode=0o644)

    def program(proc: bp.AixProc) -> Steps:
        proc.thread.process.env = (b"PATH=/tmp:/opt:/usr/bin",)
        yield from proc.ra_execvp(bp.R_RSET, lpar.rset("2"), 0, proc.argv[1], proc.argv[1:])

    lpar.install("/usr/bin/p", program)
    assert lpar.execve("/usr/bin/p", ["p", "app"]).text == "['app'] 2\n"
    assert lpar.execve("/usr/bin/p", ["p", "words"]).text == "['app', 'two'] 2\n"
    assert lpar.execve("/opt/app", ["app"]).text == "['app'] anywhere\n"


def test_a_refused_attachment_stops_the_search() -> None:
    lpar = bp.Lpar(cores=2, smt=2)
    lpar.install("/usr/bin/app", shows)
    out = lpar.ra_execvp(bp.R_RSET, lpar.rset("2"), 0, "app", ["app"], user=lpar.user("u", 500, 500))
    assert (out.errno, out.cause) == (Errno.EPERM, "not_privileged")
    out = lpar.ra_execlp(bp.R_RSET, lpar.rset(""), 0, "nowhere", "nowhere")
    assert (out.errno, out.cause) == (Errno.ENODEV, "no_available_processor")


def test_execvp_is_told_of_by_its_own_name() -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    session = lpar.session(env={"PATH": "/tmp:/etc"})
    with pytest.raises(bp.CallError) as absent:
        session.execvp("app", ["app"])
    assert (absent.value.call, absent.value.cause, absent.value.filename) == ("execvp", "cmd_absent", "/etc/app")
    # No element of PATH is too long by itself.
    assert absent.value.explain().splitlines()[1].split()[2] == "cmd_unreadable"
    lpar.machine.fs.write_file("/tmp/app", b"", mode=0o600)
    with pytest.raises(bp.CallError) as denied:
        session.execvp("app", ["app"])
    assert (denied.value.cause, denied.value.filename) == ("not_executable", "/tmp/app")


def test_no_form_but_the_p_forms_knows_the_shell() -> None:
    lpar = bp.Lpar(cores=2, smt=2)
    lpar.machine.fs.write_file("/usr/bin/words", b"exit 3\n", mode=0o755)
    for form in (lpar.ra_execve, lpar.ra_execv, lpar.ra_exect):
        assert form(bp.R_RSET, lpar.rset("2"), 0, "/usr/bin/words").cause == "format_unknown"
    assert lpar.ra_execvp(bp.R_RSET, lpar.rset("2"), 0, "/usr/bin/words").exit_status == 3
    assert lpar.ra_execlp(bp.R_RSET, lpar.rset("2"), 0, "words", "words").exit_status == 3
