"""Copies what a step prints and logs to the log of its attempt, while steps run side by side in one process."""

from __future__ import annotations

import contextlib
import contextvars
import io
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

from dovetail_orchestrator.plan import LogSink

_sink: contextvars.ContextVar[LogSink | None] = contextvars.ContextVar("log_sink", default=None)
_active: list[LogSink] = []
_lock = threading.Lock()
_users = 0


@contextlib.contextmanager
def captured(sink: LogSink) -> Iterator[None]:
    """Within the block, output of this context goes to `sink` as well as where it went before."""
    token = _sink.set(sink)
    with _lock:
        _active.append(sink)
    try:
        yield
    finally:
        with _lock:
            _active.remove(sink)
        _sink.reset(token)


@contextlib.contextmanager
def capturing() -> Iterator[None]:
    """Within the block, standard output, standard error and the root logger are watched. May be nested, and used by several threads."""
    _install()
    try:
        yield
    finally:
        _uninstall()


def _current() -> LogSink | None:
    """Return where output belongs. A thread that a step started has no context of its own; with one step active it can only be that one's."""
    sink = _sink.get()
    if sink is None and len(_active) == 1:
        with contextlib.suppress(IndexError):
            return _active[0]
    return sink


class _Forwarding:
    """What is asked of a stream that stands before another is answered by that one; the classes of `io` have answers of their own."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def flush(self) -> None:
        if not getattr(self.stream, "closed", False):  # this object may outlive its stream, and is flushed when it is collected
            self.stream.flush()

    def fileno(self) -> int:
        return int(self.stream.fileno())

    def isatty(self) -> bool:
        return bool(self.stream.isatty())

    def writable(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _ByteTee(_Forwarding, io.BufferedIOBase):
    """A stream of bytes that also writes to the current step's log."""

    def write(self, data: Any) -> int:
        sink = _current()
        if sink is not None:
            sink.write(bytes(data))
        written: int = self.stream.write(data)
        return written


class _Tee(_Forwarding, io.TextIOBase):
    """A text stream that also writes to the current step's log."""

    def write(self, text: str) -> int:
        sink = _current()
        if sink is not None:
            sink.write(text.encode("utf-8", "backslashreplace"))
        written: int = self.stream.write(text)
        return written

    @property
    def buffer(self) -> _ByteTee:
        return _ByteTee(self.stream.buffer)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self.stream, "encoding", None) or "utf-8"  # one that keeps text as text says None

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return getattr(self.stream, "errors", None)

    @property
    def newlines(self) -> Any:  # type: ignore[override]
        return getattr(self.stream, "newlines", None)


class _Records(logging.Handler):
    """Writes log records to the current step's log, and to standard error where nothing else would show them."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write(self.format(record) + "\n", record.levelno)
        except Exception:  # a call of a library whose arguments do not fit its format fails no step
            self.handleError(record)

    def _write(self, line: str, level: int) -> None:
        sink = _current()
        if sink is not None:
            sink.write(line.encode("utf-8", "backslashreplace"))
        if len(logging.getLogger().handlers) == 1 and level >= logging.WARNING and isinstance(sys.stderr, _Tee):
            sys.stderr.stream.write(line)


_handler = _Records()
_handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))


def _install() -> None:
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            sys.stdout, sys.stderr = _Tee(sys.stdout), _Tee(sys.stderr)
            logging.getLogger().addHandler(_handler)


def _uninstall() -> None:
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            logging.getLogger().removeHandler(_handler)
            # somebody else may have replaced the streams meanwhile: theirs stay
            if isinstance(sys.stdout, _Tee):
                sys.stdout = sys.stdout.stream
            if isinstance(sys.stderr, _Tee):
                sys.stderr = sys.stderr.stream
