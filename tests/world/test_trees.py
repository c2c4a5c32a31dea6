"""What a fresh node holds, what install writes, and who may run it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import MiB

ARCHES = list(bp.ARCHES)
DIRECTORIES = {
    "/": 0o755,
    "/bin": 0o755,
    "/usr": 0o755,
    "/usr/bin": 0o755,
    "/lib": 0o755,
    "/lib64": 0o755,
    "/etc": 0o755,
    "/dev": 0o755,
    "/tmp": 0o1777,
}


def whoami(proc: bp.Proc) -> Any:
    yield from proc.print(proc.uid, proc.euid, proc.gid, proc.egid)


def nothing(proc: bp.Proc) -> None:
    pass


def elf(fs: Any, path: str) -> Any:
    return bp.ElfImage.from_bytes(fs.read_file(path))


# ---- a fresh node --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [-1, 0, 3])
@pytest.mark.parametrize("name", ARCHES)
def test_every_machine_begins_with_these_files(name: str, number: int) -> None:
    cluster = bp.Cluster(nodes=[bp.NodeSpec(arch=name)] * 4)
    fs = cluster.master.fs if number < 0 else cluster.nodes[number].fs
    for path, mode in DIRECTORIES.items():
        status = fs.stat(path)
        assert (path, status.kind, status.mode, status.uid, status.gid) == (path, "directory", mode, 0, 0)
    null = fs.stat("/dev/null")
    assert (null.kind, null.device, null.mode) == ("chr", "null", 0o666)
    for path in ("/bin/sh", "/lib/ld-linux.so.2", "/lib64/ld-linux-x86-64.so.2"):
        status = fs.stat(path)
        assert (status.kind, status.mode, status.uid, status.gid) == ("file", 0o755, 0, 0)
        assert fs.read_file(path).startswith(b"\x7fELF")
    assert fs.exists("/lib/libc.so.6") or fs.exists("/lib64/libc.so.6")
    assert elf(fs, "/bin/sh").machine == bp.ARCHES[name].machine
    assert elf(fs, "/bin/sh").program == "sh"


def test_the_usual_loaders_are_of_their_own_kinds() -> None:
    fs = bp.Cluster().nodes[1].fs
    assert (elf(fs, "/lib/ld-linux.so.2").machine, elf(fs, "/lib/ld-linux.so.2").bits) == (3, 32)
    assert (elf(fs, "/lib64/ld-linux-x86-64.so.2").machine, elf(fs, "/lib64/ld-linux-x86-64.so.2").bits) == (62, 64)
    assert elf(fs, "/lib64/libc.so.6").machine == 62


def test_machines_change_their_files_apart() -> None:
    cluster = bp.Cluster()
    cluster.nodes[1].fs.write_file("/etc/hostname", b"one")
    cluster.nodes[1].fs.chmod("/bin/sh", 0)
    assert cluster.nodes[1].fs.read_file("/etc/hostname") == b"one"
    for fs in (cluster.master.fs, cluster.nodes[0].fs, bp.Cluster().nodes[1].fs):
        assert not fs.exists("/etc/hostname")
        assert fs.stat("/bin/sh").mode == 0o755


def test_building_takes_no_time_and_no_umask() -> None:
    cluster = bp.Cluster(trace="all")
    cluster.master.fs.mkdir("/a/b/c", mode=0o777, uid=5, gid=6, parents=True)
    cluster.master.fs.write_file("/a/b/c/f", b"1", mode=0o666)
    cluster.install("/a/b/x", nothing, mode=0o7777)
    assert cluster.sim.now_ns == 0
    assert cluster.trace.records == ()
    assert cluster.master.fs.stat("/a/b/c").mode == 0o777
    assert cluster.master.fs.stat("/a/b/c/f").mode == 0o666
    assert cluster.master.fs.stat("/a/b/x").mode == 0o7777


def test_mistakes_in_building_are_ordinary_oserrors() -> None:
    fs = bp.Cluster().master.fs
    with pytest.raises(FileNotFoundError):
        fs.read_file("/absent")
    with pytest.raises(NotADirectoryError):
        fs.mkdir("/bin/sh/x")
    with pytest.raises(IsADirectoryError):
        bp.Cluster().install("/bin", nothing)


# ---- install -------------------------------------------------------------------------------------

EVERYWHERE = [-1, 0, 1, 2, 3, 4, 5]
ON: list[tuple[Any, list[int]]] = [
    ("master", [-1]),
    (-1, [-1]),
    (2, [2]),
    ("2", [2]),
    ("0-2,5", [0, 1, 2, 5]),
    ("0-2, 5", [0, 1, 2, 5]),
    ("4-", [4, 5]),
    ("all", [0, 1, 2, 3, 4, 5]),
    ("all,master", EVERYWHERE),
    (["master", "all"], EVERYWHERE),
    ([1, "3-4", -1], [-1, 1, 3, 4]),
    ((0, 0, "0"), [0]),
    (range(2), [0, 1]),
    ([], []),
]


@pytest.mark.parametrize(("on", "numbers"), ON, ids=str)
def test_on_which_nodes(on: Any, numbers: list[int]) -> None:
    cluster = bp.Cluster(nodes=6)
    cluster.install("/opt/tools/x", nothing, on=on)
    machines = {-1: cluster.master, **dict(enumerate(cluster.nodes))}
    assert [number for number, machine in machines.items() if machine.fs.exists("/opt/tools/x")] == numbers


def test_by_default_on_the_master() -> None:
    cluster = bp.Cluster()
    cluster.install("/bin/x", nothing)
    assert cluster.master.fs.exists("/bin/x")
    assert not any(node.fs.exists("/bin/x") for node in cluster.nodes)


@pytest.mark.parametrize("path", ["/opt/x/y", b"/opt/x/y", PurePosixPath("/opt/x/y"), "//opt///x/y", "/opt/./x/y"])
def test_missing_parents_are_made(path: Any) -> None:
    cluster = bp.Cluster()
    cluster.install(path, nothing, mode=0o640, uid=3, gid=4)
    fs = cluster.master.fs
    assert [(fs.stat(each).mode, fs.stat(each).uid, fs.stat(each).gid) for each in ("/opt", "/opt/x", "/opt/x/y")] == [
        (0o755, 0, 0),
        (0o755, 0, 0),
        (0o640, 3, 4),
    ]


def test_a_file_in_the_root() -> None:
    cluster = bp.Cluster()
    cluster.install("/x", whoami)
    assert cluster.bproc_execmove(0, "/x").text == "0 0 0 0\n"


def test_the_image_is_for_the_nodes_architecture_and_names_the_program() -> None:
    cluster = bp.Cluster(nodes=[bp.NodeSpec(arch="x86-64"), bp.NodeSpec(arch="ppc"), bp.NodeSpec(arch="i386")])
    made = cluster.install("/bin/who", whoami, on="0-2")
    assert (made.name, made.function) == ("who" + "ami", whoami)  # type: ignore[union-attr]
    images = [elf(node.fs, "/bin/who") for node in cluster.nodes]
    assert [(image.machine, image.program) for image in images] == [(62, "whoami"), (20, "whoami"), (3, "whoami")]
    assert [image.interpreters for image in images] == [()] * 3


def test_a_program_that_needs_libraries_has_them_in_its_image() -> None:
    @bp.program(needs=("libc.so.6", "libm.so.6"), memory_bytes=4 * MiB)
    def dynamic(proc: bp.Proc) -> None:
        pass

    cluster = bp.Cluster(nodes=1)
    cluster.install("/bin/dynamic", dynamic, on=0)
    image = elf(cluster.nodes[0].fs, "/bin/dynamic")
    assert image.needed == ("libc.so.6", "libm.so.6")
    assert image.interpreters == ("/lib64/ld-linux-x86-64.so.2",)
    assert image.memory_bytes >= 4 * MiB


def test_install_replaces() -> None:
    cluster = bp.Cluster()
    cluster.install("/bin/x", nothing, mode=0o700, uid=5)
    cluster.install("/bin/x", whoami)
    assert (cluster.master.fs.stat("/bin/x").mode, cluster.master.fs.stat("/bin/x").uid) == (0o755, 0)
    assert cluster.bproc_execmove(0, "/bin/x").text == "0 0 0 0\n"


def test_an_image_in_place_of_the_usual_one_still_names_the_program() -> None:
    cluster = bp.Cluster()
    cluster.install("/bin/x", whoami, image=bp.ElfImage(machine="i386"))
    assert elf(cluster.master.fs, "/bin/x").machine == 3
    assert cluster.bproc_execmove(0, "/bin/x").text == "0 0 0 0\n"
    cluster.install("/bin/wrong", whoami, image=bp.ElfImage(machine="sparc"))
    assert cluster.execve("/bin/wrong").errno is bp.Errno.ENOEXEC
    cluster.install("/bin/two", whoami, image=bp.ElfImage(interpreters=("/lib64/ld-linux-x86-64.so.2",) * 2))
    assert cluster.execve("/bin/two").cause == "second_interpreter"


def test_an_image_without_a_program_is_written_unchanged() -> None:
    cluster = bp.Cluster()
    image = bp.ElfImage(needed=("libc.so.6",))
    assert cluster.install("/bin/foreign", None, image=image) is None
    cluster.install("/bin/bytes", None, image=b"\x7fELF and then nothing")
    cluster.install("/bin/empty", None, image=b"")
    fs = cluster.master.fs
    assert fs.read_file("/bin/foreign") == image.to_bytes()
    assert fs.read_file("/bin/bytes") == b"\x7fELF and then nothing"
    assert fs.read_file("/bin/empty") == b""
    assert cluster.execve("/bin/foreign").exit_status == 0
    assert cluster.execve("/bin/empty").errno is bp.Errno.ENOEXEC


def test_bytes_with_a_program_are_written_unchanged() -> None:
    cluster = bp.Cluster()
    data = bp.ElfImage(program="whoami").to_bytes()
    cluster.install("/bin/x", whoami, image=data)
    assert cluster.master.fs.read_file("/bin/x") == data
    assert cluster.execve("/bin/x").text == "0 0 0 0\n"
    foreign = bp.ElfImage.from_bytes(bp.ElfImage().to_bytes())
    cluster.install("/bin/y", whoami, image=foreign)
    assert cluster.master.fs.read_file("/bin/y") == foreign.to_bytes()
    assert cluster.execve("/bin/y").text == ""  # its bytes name no program of ours


def test_an_image_that_names_no_program_of_ours_is_loaded_and_exits() -> None:
    cluster = bp.Cluster()
    small, large = bp.ElfImage(needed=("libc.so.6",)), bp.ElfImage(code=b"\x90" * MiB)
    cluster.install("/bin/small", None, image=small)
    cluster.install("/bin/large", None, image=large)
    out = {name: cluster.bproc_execmove(1, f"/bin/{name}") for name in ("small", "large")}
    assert [(each.exit_status, each.stdout) for each in out.values()] == [(0, b"")] * 2
    assert out["large"].elapsed_ns > out["small"].elapsed_ns + cluster.costs.image_read_ns(MiB)
    cluster.nodes[1].fs.unlink("/lib64/libc.so.6")
    cluster.nodes[1].fs.unlink("/lib/libc.so.6")
    missing = cluster.bproc_execmove(1, "/bin/small")
    assert (missing.exit_status, missing.late_errno, missing.returned) == (127, None, False)
    assert "libc.so.6" in missing.text
    assert cluster.execve("/bin/small").exit_status == 0


def test_nothing_to_write_is_said() -> None:
    with pytest.raises(ValueError, match="image"):
        bp.Cluster().install("/bin/x", None)


def speaker(word: str) -> Callable[[bp.Proc], Any]:
    def speak(proc: bp.Proc) -> Any:
        yield from proc.print(word)

    return speak


class Greeting:
    """Something that is called as a function is."""

    def __init__(self, word: str) -> None:
        self.word = word

    def __call__(self, proc: bp.Proc) -> Any:
        yield from proc.print(self.word)

    def method(self, proc: bp.Proc) -> Any:
        yield from proc.print("method", self.word)


def test_two_functions_of_one_name() -> None:
    cluster = bp.Cluster()
    names = [cluster.install(f"/bin/{word}", speaker(word)).name for word in ("one", "two", "three")]  # type: ignore[union-attr]
    assert names == ["speak", "speak-2", "speak-3"]
    assert [cluster.execve(f"/bin/{word}").text for word in ("one", "two", "three")] == ["one\n", "two\n", "three\n"]


def test_the_same_function_twice() -> None:
    cluster = bp.Cluster()
    first, second = cluster.install("/bin/a", whoami), cluster.install("/bin/b", whoami, on="all")
    assert first is second
    assert cluster.master.fs.read_file("/bin/a") == cluster.nodes[0].fs.read_file("/bin/b")


def test_one_function_with_and_without_libraries() -> None:
    cluster = bp.Cluster()
    cluster.install("/bin/static", whoami)
    cluster.install("/bin/dynamic", bp.program(needs=("libc.so.6",))(whoami))
    assert cluster.execve("/bin/static").text == cluster.execve("/bin/dynamic").text == "0 0 0 0\n"
    assert elf(cluster.master.fs, "/bin/static").needed == ()


def test_a_program_may_be_called_like_one_of_ours() -> None:
    def sh(proc: bp.Proc) -> Any:
        yield from proc.print("mine")

    cluster = bp.Cluster()
    cluster.install("/bin/mine", sh)
    assert cluster.execve("/bin/mine").text == "mine\n"
    assert cluster.execve("/bin/sh", ["sh", "-c", "echo ours"]).text == "ours\n"


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (lambda proc: (yield from proc.print("lambda")) - 7, "lambda\n"),
        (Greeting("object"), "object\n"),
        (Greeting("bound").method, "method bound\n"),
        (functools.partial(lambda word, proc: (yield from proc.print(word)) - 8, "partial"), "partial\n"),
        (bp.program(speaker("decorated")), "decorated\n"),
        (bp.program(name="renamed")(speaker("renamed")), "renamed\n"),
    ],
    ids=["lambda", "object", "method", "partial", "program", "renamed"],
)
def test_whatever_can_be_called_is_a_program(program: Any, text: str) -> None:
    cluster = bp.Cluster()
    cluster.install("/bin/x", program)
    out = cluster.bproc_execmove(1, "/bin/x")
    assert (out.text, out.exit_status, out.exception) == (text, 0, None)


# ---- users and credentials -----------------------------------------------------------------------


def test_users() -> None:
    cluster = bp.Cluster()
    alice = cluster.user("alice", uid=500, gid=600, groups=(7, 8))
    assert (alice.name, alice.uid, alice.gid, alice.credentials.groups) == ("alice", 500, 600, (7, 8))
    assert cluster.users == {"alice": alice}
    cluster.install("/bin/who", whoami, on="all,master")
    assert cluster.execve("/bin/who", user=alice).text == "500 500 600 600\n"
    assert cluster.bproc_execmove(1, "/bin/who", user=alice).text == "500 500 600 600\n"
    assert cluster.execve("/bin/who").text == "0 0 0 0\n"
    with pytest.raises(ValueError, match=r"name: .*'alice'"):
        cluster.user("alice", 1, 1)


def test_credentials_stand_for_a_user() -> None:
    cluster = bp.Cluster()
    cluster.install("/bin/who", whoami)
    assert cluster.execve("/bin/who", user=bp.Credentials(500, 600, euid=0, egid=1)).text == "500 0 600 1\n"


def test_groups_and_capabilities_count() -> None:
    cluster = bp.Cluster()
    cluster.install("/bin/x", nothing, mode=0o050, gid=77)
    assert cluster.execve("/bin/x", user=bp.Credentials(500, 500)).cause == "not_executable"
    assert cluster.execve("/bin/x", user=bp.Credentials(500, 500, groups=(77,))).exit_status == 0
    assert cluster.execve("/bin/x", user=bp.Credentials(500, 500, capabilities={"CAP_DAC_OVERRIDE"})).exit_status == 0
    assert cluster.execve("/bin/x", user=bp.Credentials(0, 0, capabilities=())).cause == "not_executable"


@pytest.mark.parametrize(
    ("mode", "text"),
    [(0o755, "500 500 600 600\n"), (0o4755, "500 3 600 600\n"), (0o2755, "500 500 600 4\n"), (0o6755, "500 3 600 4\n")],
)
def test_set_id_programs(mode: int, text: str) -> None:
    cluster = bp.Cluster()
    alice = cluster.user("alice", 500, 600)
    cluster.install("/bin/who", whoami, mode=mode, uid=3, gid=4)
    assert cluster.execve("/bin/who", user=alice).text == text
    assert cluster.bproc_execmove(1, "/bin/who", user=alice).text == text


def test_a_set_id_program_is_not_permitted_more_on_nodes() -> None:
    """Node permission is the caller's, not the new image's."""
    cluster = bp.Cluster()
    cluster.install("/bin/root", whoami, mode=0o4755)
    cluster.nodes[1].chmod(0o100)
    assert cluster.bproc_execmove(1, "/bin/root", user=bp.Credentials(500, 500)).cause == "node_not_permitted"
