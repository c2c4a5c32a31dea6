"""Scripts by chance, in the language of language.py: one process, few files, all calls about descriptors."""

from __future__ import annotations

import random

WORLD = """@file f 644 "contents of f"
@file g 600 "gg"
@dir d 755
@link l f
@link dangling nowhere
@link loop loop
@link ll l
ignore SIGPIPE
catch SIGUSR1
catch SIGUSR2
"""
PATHS = (
    "f", "g", "d", "d/x", "f/x", "l", "dangling", "loop", "new1", "new2", "", "d/", "f/", "new3/", "missing/x", ".",
    "..", "./f", "d/../f", "ll", "d/.", "l/",
)  # fmt: skip
FLAGS = ("O_CREAT", "O_EXCL", "O_TRUNC", "O_APPEND", "O_DIRECTORY", "O_CLOEXEC")
DATA = ('""', '"abc"', '300*"z"')
CALLS = (
    "pipe", "open", "open", "open", "close", "dup2", "read", "read", "write", "write", "socket", "bind", "listen",
    "connect", "accept", "host", "kill", "block", "unblock", "write_nowhere",
)  # fmt: skip


class Writer:
    """What writes a script, line by line, and remembers which names it has given."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(f"script {seed}")
        self.descriptors = ["0", "3", "4", "5", "77"]
        self.fresh: list[str] = []
        self.ports: list[str] = []
        self.count = 0

    def script(self) -> str:
        """Write a script of five to forty calls."""
        lines = [self._line(self.chance.choice(CALLS)) for _ in range(self.chance.randrange(5, 41))]
        return WORLD + "\n".join(lines) + "\n"

    def _name(self, letter: str) -> str:
        self.count += 1
        self.descriptors.append(f"{letter}{self.count}")
        return self.descriptors[-1]

    def _line(self, call: str) -> str:
        chance = self.chance
        fd = chance.choice(self.descriptors)
        match call:
            case "pipe":
                return f"{self._name('r')} {self._name('w')} = pipe"
            case "open":
                flags = chance.sample(FLAGS, chance.choice((0, 0, 1, 1, 2)))
                if {"O_CREAT", "O_DIRECTORY"} <= set(flags):  # on which kernels do not agree
                    flags.remove("O_DIRECTORY")
                flags.append(chance.choice(("O_RDONLY", "O_WRONLY", "O_RDWR")))
                return f'{self._name("a")} = open "{chance.choice(PATHS)}" {"|".join(flags)}'
            case "dup2":
                return f"dup2 {fd} {chance.choice(('3', '5', '9', chance.choice(self.descriptors)))}"
            case "read":
                return f"read {fd} {chance.choice((0, 1, 5, 100))}"
            case "write":
                return f"write {fd} {chance.choice(DATA)}"
            case "socket":
                self.fresh.append(self._name("s"))
                return f"{self.fresh[-1]} = socket"
            case "bind" if self.fresh:
                # What is bound is not connected later: to its own port it could be, on a real kernel.
                self.ports.append(f"p{len(self.ports)}")
                name = self.fresh.pop()
                return f"bind {name} 0\n{self.ports[-1]} = port {name}"
            case "listen":
                return f"listen {fd} {chance.choice((0, 1, 5, -1))}"
            case "connect" if self.fresh:
                return f"connect {chance.choice(self.fresh)} {chance.choice(self.ports or ['1'])}"
            case "accept":
                return f"{self._name('c')} = accept {fd}"
            case "kill":
                return f"kill me {chance.choice(('0', 'SIGUSR1', 'SIGUSR2', 'SIGCHLD', '65'))}"
            case "block" | "unblock":
                return f"{call} {chance.choice(('SIGUSR1', 'SIGUSR2', 'SIGCHLD'))}"
            case "host" | "write_nowhere":
                return f"{call} {fd}"
        return f"close {fd}"
