"""A component in another process: what an independent client is."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from dovetail_conformance.outcomes import HarnessError

_START = 60.0


class Elsewhere:
    """A component of a class and a config, in a process of its own.

    Its methods take and return what can be pickled; an iterator comes back as a list, and an exception is raised here. As a context
    manager, or by `close()`, it ends the process.
    """

    def __init__(self, kind: type[Any], config: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._mine, theirs = context.Pipe()
        self._lock = threading.Lock()
        self._process = context.Process(target=_serve, args=(theirs, pickle.dumps((kind, config))), daemon=True)
        self._process.start()
        theirs.close()
        try:
            if not self._mine.poll(_START):
                raise HarnessError("a second process did not start in time")
            with self._alive("while it started"):
                answer = self._mine.recv()
            self._taken(answer)
        except BaseException:
            self.close()
            raise
        self.config = config

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **named: self._ask(name, arguments, named)

    def _ask(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        with self._lock:
            with self._alive(f"in {name}"):
                self._mine.send((name, arguments, named))
                answer = self._mine.recv()
            return self._taken(answer)

    @contextmanager
    def _alive(self, when: str) -> Iterator[None]:
        """Say that the process died where its connection ends."""
        try:
            yield
        except (EOFError, ConnectionError) as error:
            raise HarnessError(f"the second process died {when}") from error

    def _taken(self, answer: tuple[bool, Any]) -> Any:
        good, value = answer
        if good:
            return value
        raise value

    @property
    def process_id(self) -> int:
        """Number of the process."""
        return self._process.pid or 0

    def close(self) -> None:
        """End the process."""
        self._mine.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _serve(connection: Connection, made: bytes) -> None:
    try:
        kind, config = pickle.loads(made)
        component = kind(config)
    except BaseException as error:
        connection.send((False, _portable(error)))
        return
    connection.send((True, None))
    while True:
        try:
            name, arguments, named = connection.recv()
        except (EOFError, OSError):
            component.close()
            return
        connection.send(_answer(partial(_call, component, name, arguments, named)))


def _call(component: Any, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    result = getattr(component, name)(*arguments, **named)
    return list(result) if isinstance(result, Iterator) else result


def _answer(call: Callable[[], Any]) -> tuple[bool, Any]:
    try:
        result = call()
        pickle.dumps(result)
    except BaseException as error:
        return False, _portable(error)
    return True, result


def _portable(error: BaseException) -> BaseException:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return HarnessError("".join(traceback.format_exception(error)))
    return error
