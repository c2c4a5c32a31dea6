"""Archives in AIX's big format, in which shared libraries lie: read without ever failing, and made.

Source: aix-ar-format.
"""

from __future__ import annotations

from collections.abc import Mapping

MAGIC = b"<bigaf>\n"
_NUMBER_BYTES = 20
# Behind the magic: member table, two symbol tables, first and last member, free list.
HEADER_BYTES = len(MAGIC) + 6 * _NUMBER_BYTES
_FIRST = len(MAGIC) + 3 * _NUMBER_BYTES
# Size, next, previous (20 digits each), date, uid, gid, mode (12 each), length of the name (4).
_MEMBER_BYTES = 3 * 20 + 4 * 12 + 4
_NAME_LENGTH = slice(_MEMBER_BYTES - 4, _MEMBER_BYTES)
_END_OF_HEADER = b"`\n"
MEMBERS_LIMIT = 4096


def is_archive(data: bytes) -> bool:
    """Tell whether a file begins as an archive does."""
    return data.startswith(MAGIC)


def read_members(data: bytes) -> dict[str, bytes]:
    """Give the members of an archive by name, the first of each; what makes no sense ends the list."""
    found: dict[str, bytes] = {}
    if not is_archive(data):
        return found
    place = _number(data[_FIRST : _FIRST + _NUMBER_BYTES])
    for _ in range(MEMBERS_LIMIT):
        head = data[place : place + _MEMBER_BYTES]
        if place < HEADER_BYTES or len(head) < _MEMBER_BYTES:
            break
        size, following = _number(head[:20]), _number(head[20:40])
        length = _number(head[_NAME_LENGTH])
        name = data[place + _MEMBER_BYTES : place + _MEMBER_BYTES + length]
        start = _even(place + _MEMBER_BYTES + length) + len(_END_OF_HEADER)
        if name:
            found.setdefault(name.decode("utf-8", "surrogateescape"), data[start : start + size])
        place = following
    return found


def build_archive(members: Mapping[str, bytes]) -> bytes:
    """Make an archive of members by name, in order, with a table of them at its end."""
    body, places, place = b"", [], HEADER_BYTES
    for index, (name, data) in enumerate(members.items()):
        text = name.encode("utf-8", "surrogateescape")
        places.append(place)
        end = _even(_even(place + _MEMBER_BYTES + len(text)) + len(_END_OF_HEADER) + len(data))
        following = end if index + 1 < len(members) else 0
        body += _member(text, data, following, places[index - 1] if index else 0)
        place = end
    names = [name.encode("utf-8", "surrogateescape") for name in members]
    table = b"".join(_digits(each) for each in (len(places), *places)) + b"".join(name + b"\0" for name in names)
    ends = (places[0], places[-1]) if places else (0, 0)
    header = MAGIC + b"".join(_digits(each) for each in (place, 0, 0, *ends, 0))
    return header + body + _member(b"", table, 0, ends[1])


def _member(name: bytes, data: bytes, following: int, previous: int) -> bytes:
    numbers = b"".join(_digits(each) for each in (len(data), following, previous))
    rest = b"".join(_digits(each, 12) for each in (0, 0, 0)) + b"755".ljust(12) + _digits(len(name), 4)
    head = numbers + rest + name
    return head + bytes(len(head) % 2) + _END_OF_HEADER + data + bytes(len(data) % 2)


def _even(place: int) -> int:
    return place + place % 2


def _digits(number: int, width: int = _NUMBER_BYTES) -> bytes:
    return b"%d" % number + b" " * (width - len(str(number)))


def _number(text: bytes) -> int:
    """Read decimal digits up to a blank; 0 for what is none."""
    digits = text.partition(b" ")[0].rstrip(b"\0")
    return int(digits) if digits.isdigit() else 0
