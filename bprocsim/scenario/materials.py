"""What [[file]] tables are made of: programs of ours or of the user, files of the host, images.

What does not stand in the scenario itself, a module beside it or a file of the host, is read here and
nowhere else; each is kept with its SHA-256, so that a replay can tell whether it is still the same.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path as HostPath
from types import ModuleType
from typing import Any

import attrs
from attrs import define, field, frozen

from bprocsim.posix.elf import Segment
from bprocsim.posix.elfbuild import ElfImage
from bprocsim.posix.image import Program, as_program
from bprocsim.programs import BUILTIN
from bprocsim.programs.samples import SAMPLES
from bprocsim.scenario.filetables import FileTable
from bprocsim.scenario.problems import WrongValue, choices
from bprocsim.scenario.tables import written
from bprocsim.scenario.values import bytes_of

CONTENTS = ("program", "host", "text", "hex", "base64", "image", "kind")


@frozen
class Material:
    """What is written into a file: a `program`, an `image`, or `data`; nothing for a special file."""

    program: Program | None = None
    image: ElfImage | None = None
    data: bytes | None = None


@define
class Outside:
    """What lies outside of a scenario: the `directory` beside which it is looked for, and what was used.

    `imports` whether modules may be imported; `used` the SHA-256 of each file, by the name that the
    scenario gives it.
    """

    directory: HostPath
    imports: bool = True
    used: dict[str, str] = field(factory=dict)
    _modules: dict[str, ModuleType] = field(factory=dict)

    def read(self, name: str) -> bytes:
        """Read a file of the host. WrongValue: it cannot be read."""
        path = self.directory / name
        try:
            if path.exists() and not (path.is_file() or path.is_dir()):
                raise ValueError("it is no regular file")  # a device or a FIFO may have no end
            data = path.read_bytes()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise WrongValue(f"{path} cannot be read: {why}") from None
        self.used[name] = hashlib.sha256(data).hexdigest()
        return data

    def function(self, name: str) -> Any:
        """Find `module:function` beside the scenario. WrongValue: it cannot be imported."""
        module_name, _, function_name = name.partition(":")
        if not all(part.isidentifier() for part in (*module_name.split("."), function_name)):
            raise WrongValue(f'expected "module:function", got "{name}"')
        if not self.imports:
            raise WrongValue(f"{name} is code, which no token holds; say --beside DIR, where its file lies")
        module = self._modules.get(module_name)
        if module is None:
            module = self._modules[module_name] = self._module(module_name)
        found = getattr(module, function_name, None)
        if not callable(found) and not isinstance(found, Program):
            names = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
            raise WrongValue(f"{module_name}.py has no function {function_name}{choices(names, function_name)}")
        return found

    def _module(self, name: str) -> ModuleType:
        path = self.directory.joinpath(*name.split(".")).with_suffix(".py")
        if not path.is_file():
            raise WrongValue(f"{path} is not there")
        data = self.read(path.relative_to(self.directory).as_posix())
        # A name of its own: a module of the user may be called as one that we need.
        spec = importlib.util.spec_from_file_location(f"bprocsim_scenario_{name.replace('.', '_')}", path)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module.__name__] = module
        sys.path.insert(0, str(self.directory))
        try:
            # What it prints is none of our results.
            with contextlib.redirect_stdout(sys.stderr):
                exec(compile(data, str(path), "exec"), module.__dict__)
        except Exception as error:
            raise WrongValue(f"{path} cannot be imported: {_told(error, path)}") from None
        except SystemExit:
            raise WrongValue(f"{path} cannot be imported: it ends Python") from None
        finally:
            with contextlib.suppress(ValueError):  # it may have changed the list itself
                sys.path.remove(str(self.directory))
        return module


def _told(error: Exception, path: HostPath) -> str:
    """Tell what a module raised, and in which of its lines."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}" + (f" (line {line})" if line else "")


def material_of(table: FileTable, outside: Outside) -> Material:
    """Find what a file is made of. WrongValue, with the key: it cannot be."""
    given = [name for name in CONTENTS if getattr(table, name) is not None]
    mixed = set(given) - {"image"} if {"program", "host"} & set(given) else set(given)
    if len(mixed) != 1:
        raise WrongValue(f"expected one of {', '.join(CONTENTS)}, got {' and '.join(given) or 'none of them'}")
    for name in ("needs", "memory_bytes"):
        if getattr(table, name) is not None and table.program is None:
            raise WrongValue("belongs to a file with program", (name,))
    if table.program is not None:
        program = _at("program", lambda: _program(table, outside))
        return Material(program, None if table.image is None else _image(table.image, program=program.name))
    if table.host is not None:
        data = _at("host", lambda: outside.read(table.host or ""))
        if table.image is None:
            return Material(data=data)
        return Material(image=_image(table.image, ElfImage.from_bytes(data)))
    if table.image is not None:
        return Material(image=_image(table.image))
    if table.text is not None:
        return Material(data=bytes_of(table.text))
    if table.hex is not None:
        return Material(data=_at("hex", lambda: _decoded(table.hex, "hex")))
    if table.base64 is not None:
        return Material(data=_at("base64", lambda: _decoded(table.base64, "base64")))
    return Material()


def _at(name: str, make: Any) -> Any:
    try:
        return make()
    except WrongValue as wrong:
        raise WrongValue(wrong.what, (name, *wrong.at)) from None


def program_named(name: str, outside: Outside) -> Program:
    """Find a program of ours, or `module:function` beside the scenario. WrongValue: it cannot be imported."""
    return as_program(outside.function(name)) if ":" in name else {**BUILTIN, **SAMPLES}[name]


def _program(table: FileTable, outside: Outside) -> Program:
    found = program_named(table.program or "", outside)
    needs = found.needs if table.needs is None else tuple(table.needs)
    memory_bytes = found.memory_bytes if table.memory_bytes is None else table.memory_bytes
    return Program(found.function, found.name, needs, memory_bytes)


def _decoded(text: Any, form: str) -> bytes:
    try:
        return bytes.fromhex(text) if form == "hex" else base64.b64decode(text, validate=True)
    except ValueError:
        raise WrongValue(
            "expected hexadecimal digits, two for each byte" if form == "hex" else "expected base64"
        ) from None


def _image(table: Any, base: ElfImage | None = None, program: str | None = None) -> ElfImage:
    """Make the image of a table, or change another. WrongValue: names the field of `image`."""
    asked: dict[str, Any] = {**written(table)}
    for name in ("code", "magic", "ident"):
        if name in asked:
            asked[name] = bytes_of(asked[name])
    if "interpreters" in asked:
        asked["interpreters"] = tuple(
            each if isinstance(each, str) else bytes_of(each) for each in asked["interpreters"]
        )
    if "segments" in asked:
        asked["segments"] = tuple(Segment(**each) for each in asked["segments"])
    try:
        made = attrs.evolve(base, **asked) if base is not None else ElfImage(program=program, **asked)
        made.to_bytes()
    except (ValueError, TypeError) as error:
        name, _, what = str(error).partition(": ")
        place = name if name in asked else next(iter(asked))
        raise WrongValue(what if place == name else str(error), ("image", place)) from None
    return made


def materials_of(files: tuple[FileTable | None, ...], outside: Outside) -> Iterator[Material | WrongValue | None]:
    """Find what each file is made of; None for one that could not be read, a WrongValue for what is wrong."""
    for table in files:
        try:
            yield None if table is None else material_of(table, outside)
        except WrongValue as wrong:
            yield wrong
