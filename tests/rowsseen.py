"""A pytest plugin: a row of a table that no test has seen fails the run in which all tests were run.

A row is seen when a call comes to it, whoever makes the call, or when it reaches Python as an
exception. What is only decided, with nobody who is told, does not count, nor what another process
than pytest's or its workers' does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

TITLE = "rows of tables that no test has seen"
ADVICE = "Each wants a test in which a call comes to it, or to be taken out of its table (see tests/rowsseen.py)."

Key = tuple[str, str, str]  # call, cause, errno


def every_table() -> Iterator[tuple[Any, str]]:
    """Give every table under all rules that there are, and under which rules it decides."""
    import bprocsim as bp
    from bprocsim.manual import Errors
    from bprocsim.posix import directory, fs
    from bprocsim.testing import tables

    for room in (fs, directory):
        yield from ((thing, "") for thing in vars(room).values() if isinstance(thing, Errors))
    for edition in bp.editions:
        for kernel in bp.kernels:
            for table in tables(edition, kernel).values():
                yield table, f"edition {edition}, kernel {kernel}"
    for level in bp.levels:
        for table in tables(level=level).values():
            yield table, f"level {level}"


def known_rows() -> dict[Key, str]:
    """Give all rows of all tables, with under which rules the first that has it decides."""
    found: dict[Key, str] = {}
    for table, rules in every_table():
        for row in table.rows:
            found.setdefault((table.call, row.cause, row.errno_name), rules)
    return found


class RowsSeen:
    """What the tests of a run, or of one of its workers, have seen; `known` gives what there is to see."""

    def __init__(self, config: pytest.Config, known: Any = known_rows) -> None:
        self.config = config
        self.seen: set[Key] = set()
        self.unseen: dict[Key, str] = {}
        self._known = known

    def watch(self) -> Iterator[None]:
        """Note what calls come to, and what is raised, until this is driven on."""
        from bprocsim.faces import errors as faces
        from bprocsim.kernel import documented
        from bprocsim.posix import fs

        look_up, make_error = documented.look_up, faces.make_error

        def looked_up(machine: Any, call_name: str, pid: int, row: Any) -> Any:
            table = look_up(machine, call_name, pid, row)
            self.seen.add((table.call, row.cause, row.errno_name))
            return table

        def made(errors: Any, row: Any, subject: Any = b"", system: str = "linux") -> Any:
            self.seen.add((errors.call, row.cause, row.errno_name))
            return make_error(errors, row, subject, system)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(documented, "look_up", looked_up)
            for room in (faces, fs):
                patch.setattr(room, "make_error", made)
            yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Iterator[None]:
        """Watch while the tests run."""
        watching = self.watch()
        next(watching)
        try:
            return (yield)
        finally:
            next(watching, None)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Learn from a worker of xdist what its tests have seen."""
        self.seen |= {tuple(each) for each in getattr(node, "workeroutput", {}).get("rows_seen", ())}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a whole run that has not seen all; a worker tells its controller."""
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["rows_seen"] = sorted(self.seen)
        elif is_whole(self.config) and session.exitstatus == pytest.ExitCode.OK:
            self.unseen = {key: rules for key, rules in self._known().items() if key not in self.seen}
            if self.unseen:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the rows."""
        if self.unseen:
            terminalreporter.section(TITLE, red=True)
            for (call, cause, errno), rules in self.unseen.items():
                terminalreporter.line(f"{call}: {errno} {cause}{f' ({rules})' if rules else ''}")
            terminalreporter.line(ADVICE)


def is_whole(config: pytest.Config) -> bool:
    """Tell whether a run is one of all tests: none chosen, none left out."""
    if any(getattr(config.option, name, None) for name in _CHOOSING):
        return False
    asked = {(config.invocation_params.dir / arg).resolve() for arg in config.args}
    everything = {(config.rootpath / path).resolve() for path in config.getini("testpaths")}
    return config.rootpath.resolve() in asked or (bool(everything) and asked >= everything)


# Options by which not all tests are run.
_CHOOSING = (
    "keyword", "markexpr", "deselect", "ignore", "ignore_glob", "collectonly", "without_slow", "lf", "stepwise",
    "maxfail",
)  # fmt: skip
