"""Prints lines to a standard stream, a terminal or a file, each call as one write."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from dovetail_core import NotReady, Unavailable

_writing = threading.Lock()  # the streams are the process's, whichever alerter prints


@dataclass(frozen=True)
class Line:
    """A line, and how it looks at a terminal."""

    text: str
    style: str = ""
    end: str = "\n"


class Printer:
    """Prints to what a config names; it is looked up and opened at each call."""

    def __init__(self, stream: str, device: Path | None, color: str) -> None:
        self._stream = stream
        self._device = device
        self._color = color

    def print(self, lines: Iterable[Line]) -> None:
        """Write lines, and return after they were flushed. Raises `NotReady` if there is no stream, `Unavailable` if it takes nothing."""
        found = list(lines)
        try:
            with _writing:
                if self._device is not None:
                    self._append(self._device, found)
                else:
                    self._write(found)
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            raise Unavailable(
                f"the console cannot be written to: {type(error).__name__}: {getattr(error, 'strerror', None) or error}",
                remedy="check `device` and `stream`",
                retryable=False,
            ) from error

    def _append(self, device: Path, lines: list[Line]) -> None:
        descriptor = os.open(device, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOCTTY", 0), 0o600)
        try:
            data = self._text(lines, os.isatty(descriptor)).encode("utf-8")
            while data:
                data = data[os.write(descriptor, data) :]
        finally:
            os.close(descriptor)

    def _write(self, lines: list[Line]) -> None:
        stream: TextIO | None = getattr(sys, self._stream)
        if stream is None:
            raise NotReady(f"this program has no {self._stream}", remedy="set `device`", retryable=False)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(self._text(lines, stream.isatty()).encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()

    def _text(self, lines: list[Line], terminal: bool) -> str:
        colored = self._color == "always" or (self._color == "auto" and terminal and not os.environ.get("NO_COLOR"))
        return _styled(lines) if colored and lines else "".join(line.text + line.end for line in lines)


def _styled(lines: list[Line]) -> str:
    from rich.console import Console
    from rich.text import Text

    out = io.StringIO()
    console = Console(
        file=out, force_terminal=True, color_system="standard", no_color=False, soft_wrap=True, highlight=False, markup=False, emoji=False
    )
    for line in lines:
        console.print(Text(line.text, line.style, end=""), end=line.end)
    return out.getvalue()
