"""Versions and symbols: what the objects of one process ask of one another, and what is not there.

A library without a hash table, such as an image made by `ElfImage`, stands in for a real one: it has
the versions and symbols that are asked of it. Source: linux-6.18-measured.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, setters

from bprocsim.posix.elfsymbols import Definition, NeededVersion, Reference
from bprocsim.posix.libraries import Object

# What ld.so 2.36 says of a symbol that has to be of a version, and its library knows of none.
_INCONSISTENT = (
    b"Inconsistency detected by ld.so: dl-lookup.c: 107: check_match: Assertion "
    b"`version->filename == NULL || ! _dl_name_match_p (version->filename, map)' failed!\n"
)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Bound:
    """All objects of a process: `objects` in the order in which they were loaded, the image first.

    `ld_so` the loader, which may be one of them; `program` the name that its messages begin with,
    None if there is no argv[0].
    """

    objects: list[Object]
    ld_so: Object | None
    program: bytes | None

    @property
    def shown(self) -> bytes:
        """Give what messages begin with."""
        return b"<program name unknown>" if self.program is None else self.program

    def name_of(self, thing: Object) -> bytes:
        """Give the name that messages call an object by."""
        return thing.path or (b"<main program>" if self.program is None else self.program)


# ---- versions ------------------------------------------------------------------------------------


def missing_versions(bound: Bound) -> tuple[list[bytes], bool]:
    """Hold the versions that each object asks for against the files it asks them of.

    Gives what the loader says, line by line, and whether it gives up.
    """
    said: list[bytes] = []
    gives_up = False
    for asking in bound.objects:
        for version in asking.symbols.needed:
            asked = next((each for each in bound.objects if version.file in each.names), None)
            if asked is None or not asked.symbols.has_table or version.name in asked.symbols.offered:
                continue
            if not asked.symbols.defines_versions:
                text = b"no version information available"
            else:
                text = b"%sversion `%s' not found" % (b"weak " if version.weak else b"", version.name)
                gives_up = gives_up or not version.weak
            required = b" (required by %s)\n" % bound.name_of(asking)
            said.append(bound.shown + b": " + bound.name_of(asked) + b": " + text + required)
    return said, gives_up


# ---- symbols -------------------------------------------------------------------------------------


def missing_symbol(bound: Bound, at_once: bool) -> bytes | None:
    """Bind every symbol that an object asks for; give what the loader says of the first that fails.

    What is bound before the program begins comes first, libraries before those who need them;
    `at_once` that is everything. No code of a foreign image is run, so of the functions that are
    left each counts as called: the image's own first.
    """
    if not any(each.symbols.references for each in bound.objects):
        return None  # as with all images of ours
    for asking in _by_dependence(bound):
        whole = at_once or asking.symbols.bound_at_once
        for reference in asking.symbols.references:
            if (whole or not reference.lazy) and (said := _bind(bound, asking, reference)) is not None:
                return said
    for asking in bound.objects:
        for reference in asking.symbols.references:
            if reference.lazy and (said := _bind(bound, asking, reference)) is not None:
                return said
    return None


def _by_dependence(bound: Bound) -> Iterator[Object]:
    """Give the objects in the order in which they are relocated: what each needs before it."""
    seen: set[int] = set()

    def visit(thing: Object) -> Iterator[Object]:
        if id(thing) not in seen:
            seen.add(id(thing))
            for each in thing.needs:
                yield from visit(each)
            yield thing

    for each in reversed(bound.objects):
        yield from visit(each)


def _bind(bound: Bound, asking: Object, reference: Reference) -> bytes | None:
    """Look for a symbol in all objects; gives what the loader says if it is nowhere."""
    version = reference.version
    for each in bound.objects:
        if reference.copied and each is asking:
            continue
        if not each.symbols.has_table:
            if _stands_in(bound, asking, each, version):
                return None
            continue
        definitions = each.symbols.exports.get(reference.name, ())
        if definitions and version is not None and not each.symbols.has_indices and version.file in each.names:
            return _INCONSISTENT
        if _accepts(each, definitions, version):
            return None
    if reference.weak:
        return None
    wanted = reference.name + (b", version " + version.name if version is not None else b"")
    return b"%s: symbol lookup error: %s: undefined symbol: %s\n" % (bound.shown, bound.name_of(asking), wanted)


def _accepts(owner: Object, definitions: tuple[Definition, ...], version: NeededVersion | None) -> bool:
    """Tell whether one of the definitions of a name is what was asked for."""
    versions = owner.symbols.versions
    if not owner.symbols.has_indices:
        return bool(definitions)
    if version is not None:
        return any(
            versions.get(each.version_index) == version.name
            or not (version.hidden or each.hidden or each.version_index in versions)
            for each in definitions
        )
    # Who names no version gets the oldest, or the only one that is not hidden.
    return any(each.version_index < 3 for each in definitions) or sum(not each.hidden for each in definitions) == 1


def _stands_in(bound: Bound, asking: Object, owner: Object, version: NeededVersion | None) -> bool:
    """Tell whether a library without symbols counts as one that has what is asked for.

    A linker names the version of all that comes from a library that has some: from such a library
    nothing comes without one, and from the loader neither.
    """
    if version is not None:
        return version.file in owner.names
    versioned = any(each.file in owner.names for each in asking.symbols.needed)
    return not versioned and owner is not bound.ld_so and owner is not asking
