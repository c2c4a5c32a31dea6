"""Stage `format`: no format knows the file."""

from __future__ import annotations

from collections.abc import Iterator

from tests.kernel.building import NO_CAPABILITIES, USER, case, file
from tests.kernel.case import Case
from tests.kernel.images import ARGV, GOOD, GOOD_I386

FORMATS = {
    "empty": b"",
    "nul": b"\0",
    "nuls-64": bytes(64),
    "nuls-4096": bytes(4096),
    "text": b"plain text\n",
    "one-byte": b"x",
    "text-4096": b"line\n" * 800,
    "shell-without-line": b"echo hello\nexit 0\n",
    "colon": b":\n",
    "utf-8-mark": b"\xef\xbb\xbf#!/y\n",
    "omagic": (0o407).to_bytes(2, "little") + bytes(62),
    "nmagic": (0o410).to_bytes(2, "little") + bytes(62),
    "zmagic": (0o413).to_bytes(2, "little") + b"\x64" + bytes(1100),
    "qmagic": (0o314).to_bytes(2, "little") + b"\x64" + bytes(4096),
    "xcoff-32": b"\x01\xdf" + bytes(98),
    "xcoff-64": b"\x01\xf7" + bytes(98),
    "coff-i386": b"\x4c\x01" + bytes(98),
    "pe": b"MZ\x90\x00" + bytes(56) + b"\x80\0\0\0" + bytes(64) + b"PE\0\0" + bytes(100),
    "mach-o-64": b"\xcf\xfa\xed\xfe" + bytes(60),
    "mach-o-fat": b"\xca\xfe\xba\xbe\0\0\0\x02" + bytes(60),
    "java-class": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(60),
    "gzip": b"\x1f\x8b\x08" + bytes(30),
    "zip": b"PK\x03\x04" + bytes(30),
    "archive": b"!<arch>\n" + b" " * 60,
    "wasm": b"\0asm\x01\0\0\0",
    "flat": b"bFLT" + bytes(60),
    "som": b"\x02\x10\x01\x07" + bytes(60),
    "blank-before-line": b" #!/y\n",
    "newline-before-line": b"\n#!/y\n",
    "hash-alone": b"#",
    "hash-comment": b"# !/y\n",
    "bang-alone": b"!/y\n",
    "swapped-line": b"!#/y\n",
}


def cases() -> Iterator[Case]:
    """Give the cases of this stage."""
    y = file("/y", ARGV)
    for name, data in FORMATS.items():
        yield case(f"format/{name}", file("/x", data), y)
    for name in ("empty", "text", "omagic"):
        yield case(f"format/{name}-unreadable", file("/x", FORMATS[name], 0o111), who=USER)
        yield case(f"format/{name}-set-uid", file("/x", FORMATS[name], 0o4755, 7), who=USER)
        yield case(f"format/{name}-nocap", file("/x", FORMATS[name], 0o755), who=NO_CAPABILITIES)
    for bits, good in ((64, GOOD), (32, GOOD_I386)):
        for place in range(4):
            for change in (1, 0x20, 0x80):
                magic = bytearray(good)
                magic[place] ^= change
                yield case(f"format/magic-{bits}-{place}-{change:02x}", file("/x", bytes(magic)))
        for length in (
            1,
            2,
            3,
            4,
            5,
            15,
            16,
            17,
            18,
            19,
            20,
            51,
            52,
            53,
            63,
            64,
            65,
            119,
            120,
            121,
            175,
            176,
            500,
            len(good) - 1,
        ):
            yield case(f"format/elf{bits}-cut-{length}", file("/x", good[:length]))
        yield case(f"format/elf{bits}-longer", file("/x", good + bytes(5000)))
        yield case(f"format/elf{bits}-behind-a-byte", file("/x", b"\0" + good))
