"""Calls that do not hear Ctrl-C, made so that the main thread does."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_main = threading.main_thread().ident
_Answers = queue.SimpleQueue[tuple[Any, BaseException | None]]
_Calls = queue.SimpleQueue[tuple[Callable[[], Any], _Answers] | None]


class Interruptible:
    """Executes calls within which Ctrl-C is not heard. The main thread, which is to hear it, lets another execute them, and waits.

    That thread is kept until `close`, since to start one takes longer than a small request. It ends with the process.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: _Calls | None = None

    def do(self, call: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
        """Return what `call` returns. An interrupted wait leaves the call to end by itself, for nobody."""
        if threading.get_ident() != _main:
            return call(*given, **named)
        answers: _Answers = queue.SimpleQueue()
        with self._lock:
            calls = self._calls = self._calls or _served()
            calls.put((partial(call, *given, **named), answers))
        try:
            result, error = answers.get()
        except BaseException:
            self._end(calls)  # its thread is busy with what nobody waits for
            raise
        if error is not None:
            raise error
        returned: R = result
        return returned

    def close(self) -> None:
        """End the thread once it has executed what it was given."""
        self._end(self._calls)

    def __del__(self) -> None:
        self.close()

    def _end(self, calls: _Calls | None) -> None:
        with self._lock:
            if calls is not None and calls is self._calls:
                calls.put(None)
                self._calls = None


def _served() -> _Calls:
    """Return a queue whose calls a thread executes, until there is None."""
    calls: _Calls = queue.SimpleQueue()
    threading.Thread(target=_serve, args=(calls,), name="dovetail-s3-calls", daemon=True).start()
    return calls


def _serve(calls: _Calls) -> None:
    while (given := calls.get()) is not None:
        call, answers = given
        try:
            answers.put((call(), None))
        except BaseException as error:
            answers.put((None, error))
        del given, call, answers  # what they hold is not to wait for the next call
