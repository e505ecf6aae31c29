"""On a terminal, the command asks for what it is not given."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

PATIENCE = 60.0
"""Seconds that a question may take to appear."""


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._end, inner = os.openpty()
        command = [sys.executable, "-m", "dovetail_flavor_template", *words]
        self._program = subprocess.Popen(command, cwd=folder, stdin=inner, stdout=inner, stderr=inner, start_new_session=True)
        os.close(inner)
        self.said = ""

    def answer(self, question: str, text: str) -> None:
        """Type a line once a question has appeared."""
        deadline = time.monotonic() + PATIENCE
        while question not in self.said:
            assert time.monotonic() < deadline, f"{question!r} was not asked: {self.said}"
            self._hear()
        self.said = self.said.partition(question)[2]
        os.write(self._end, f"{text}\r".encode())

    def _hear(self) -> None:
        if select.select([self._end], [], [], 0.5)[0]:
            try:
                self.said += os.read(self._end, 1 << 16).decode("utf-8", "replace")
            except OSError:  # the program has ended
                pytest.fail(self.said)

    def end(self) -> int:
        """Return the exit code of the program."""
        deadline = time.monotonic() + PATIENCE
        while self._program.poll() is None and time.monotonic() < deadline:
            if select.select([self._end], [], [], 0.1)[0]:
                try:
                    os.read(self._end, 1 << 16)
                except OSError:
                    break
        code = self._program.wait(PATIENCE)
        os.close(self._end)
        return code


def test_what_is_not_given_is_asked_and_nothing_else(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "new", "alerter", "--license", "MIT")
    terminal.answer("Name of the flavor", "pager")
    terminal.answer("What is it, in one sentence?", "")
    terminal.answer("Which SDK does it use?", "h11>=0.14")
    terminal.answer("What is imported of the SDK?", "")
    terminal.answer("What stands for the service in tests?", "")
    terminal.answer("Who are its authors?", "")
    assert terminal.end() == 0
    project = tomllib.loads((tmp_path / "dovetail-alerter-pager" / "pyproject.toml").read_text())["project"]
    assert project["license"] == "MIT" and "h11>=0.14" in project["dependencies"]
    assert project["description"] == "Alerters of Dovetail in pager."
