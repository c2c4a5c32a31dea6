"""Program files of your own computer on the simulated master: moved, or refused with ENOEXEC.

`python3 examples real_files` prints the same on every computer; with --details it also says what
its files are and what each came to, which differs from one computer to the next.
"""

import shutil
import sys
from pathlib import Path

from attrs import evolve

import bprocsim as bp

PPC, X86_64, I386, I486 = 20, 62, 3, 6  # machine numbers of ELF headers
RUN_HERE = (X86_64, I386, I486)  # those that the nodes of this cluster run; x86-64 is every node's default
NODE = 1


def program_file(name: str) -> Path:
    """Find a program of this computer; where it has none of that name, the Python that runs this."""
    found = shutil.which(name)
    # A `#!` script is something else: it would need its interpreter on the master too.
    if found is None or Path(found).read_bytes()[:2] == b"#!":
        return Path(sys.executable)
    return Path(found)


def expected(image: bp.ElfImage) -> str:
    """Say what the documents promise for a file: an ELF image for these nodes runs, nothing else does."""
    is_elf = image.to_bytes()[:4] == b"\x7fELF"
    return "exit 0" if is_elf and image.machine in RUN_HERE else "-1 ENOEXEC"


def prepare(cluster: bp.Cluster, image: bp.ElfImage) -> None:
    """Put the loader and the libraries that a file names where they are looked for.

    The loader is opened by the exec, on the master. The libraries do not travel: they must be on the
    node. Ours are stand-ins without code, for what is simulated is the loading, not the processor.
    """
    stand_in = bp.ElfImage(
        machine=image.machine, bits=image.bits, byteorder=image.byteorder, type="DYN", interpreters=()
    ).to_bytes()
    directory = "/lib64" if image.bits == 64 else "/lib"
    for files, paths in (
        (cluster.master.fs, [path for path in image.interpreters if isinstance(path, str) and path.startswith("/")]),
        (cluster.nodes[NODE].fs, [f"{directory}/{soname}" for soname in image.needed]),
    ):
        for path in paths:
            if not files.exists(path):
                files.mkdir(path.rpartition("/")[0] or "/", parents=True, exist_ok=True)
                files.write_file(path, stand_in, mode=0o755)


def move(image: bp.ElfImage, mode: int = 0o755) -> str:
    """Write a file on the master of a fresh cluster, move it to a node, and say what came of it."""
    cluster = bp.Cluster(nodes=2)
    if expected(image) == "exit 0":
        prepare(cluster, image)
    cluster.install("/usr/bin/file", None, image=image, mode=mode)
    out = cluster.bproc_execmove(NODE, "/usr/bin/file", user=cluster.user("alice", uid=500, gid=500))
    return f"-1 {out.errno.name}" if out.errno else f"exit {out.exit_status}"


def main() -> None:
    """Take three files, unchanged and spoilt in three ways."""
    print(f"{'':<12}{'unchanged':<16}{'for a ppc':<16}{'not executable':<16}{'cut to 20 bytes'}")
    details = []
    for name in ("true", "sh", "python"):
        path = Path(sys.executable) if name == "python" else program_file(name)
        image = bp.ElfImage.from_bytes(path.read_bytes())
        came = move(image)
        verdict = "as promised" if came == expected(image) else f"{came}, not {expected(image)}"
        print(
            f"{name:<12}{verdict:<16}"
            f"{move(evolve(image, machine=PPC)):<16}"  # one field of the header changed
            f"{move(image, mode=0o644):<16}"  # found before anybody looks into the file
            f"{move(evolve(image, truncate=20))}"
        )
        details.append(f"{path}: machine {image.machine}, {image.bits} bits, unchanged: {came}")
    print()
    print("Promised of an unchanged file: exit 0 if it is an ELF image for x86-64 or i386, else -1 ENOEXEC.")
    if "--details" in sys.argv[1:]:
        print(*details, sep="\n")


if __name__ == "__main__":
    main()
