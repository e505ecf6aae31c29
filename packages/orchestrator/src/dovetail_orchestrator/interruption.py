"""Interrupts code that executes in this process.

A thread cannot be killed. It gets an exception at its next bytecode; what blocks in C ends first, save that in the main thread, where a
signal ends a wait.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, ParamSpec, TypeVar

from dovetail_orchestrator.plan import StepInterrupted

P = ParamSpec("P")
R = TypeVar("R")
_executing = threading.local()
"""`place`: what executes in a thread, if anything does."""


class Interruptible:
    """Executes calls in one thread until any thread interrupts it: what executes gets `StepInterrupted`, and nothing does after that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread = 0
        self.native_thread: int = 0
        """The system's number of the thread that executes."""
        self.interrupted: bool = False
        self._leaving = False
        self._signals = 0
        self._outer: Interruptible | None = None

    @property
    def executing(self) -> bool:
        """Whether a call executes, which a signal may break into."""
        return self._thread != 0 and not self._leaving

    @property
    def interrupted_around(self) -> bool:
        """Whether it is not this that was interrupted, but what executes this in the same thread."""
        return not self.interrupted and self._outer is not None and (self._outer.interrupted or self._outer.interrupted_around)

    def is_here(self) -> bool:
        """Tell whether the caller is what executes."""
        return self._thread == threading.get_ident()

    def execute(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what `call` returns. `StepInterrupted` may be raised even though the call has ended well."""
        with self._lock:
            if self.interrupted:
                raise StepInterrupted
            self._thread = threading.get_ident()
            self.native_thread = threading.get_native_id()
            self._leaving = False
        self._outer, _executing.place = getattr(_executing, "place", None), self
        try:
            return call(*args, **kwargs)
        finally:
            self._leaving = True  # a signal would break into the wait for the lock
            _executing.place = self._outer
            self._leave()

    def while_executing(self, look: Callable[[], R]) -> R | None:
        """Return what `look` returns; what executes does not end meanwhile. None if nothing executes any more."""
        with self._lock:
            return look() if self._thread else None

    def interrupt(self) -> None:
        """Interrupt what executes; happens once."""
        with self._lock:
            if not self.interrupted:
                self.interrupted = True
                if self._thread and not self._signal_main():
                    _set_exception(self._thread, StepInterrupted)

    def _signal_main(self) -> bool:
        """Interrupt the main thread by a signal, which unlike an exception also ends a call that blocks, where that can be done."""
        if self._thread != threading.main_thread().ident or _owner(signal.getsignal(signal.SIGINT)) is None:
            return False
        self._signals = 1
        signal.pthread_kill(self._thread, signal.SIGINT)
        return True

    def signalled(self) -> bool:
        """Tell, once, whether the signal that arrived was sent by `interrupt`."""
        was, self._signals = self._signals, 0
        return was > 0

    def _leave(self) -> None:
        with self._lock:
            self._thread = 0
            if self.interrupted:  # it may not have arrived, and must not arrive later
                _set_exception(threading.get_ident(), None)


class ControlC:
    """Within the block, SIGINT interrupts the step that executes in the main thread, or else wakes who executes the steps.

    Handled here only if nobody else does. So Ctrl-C never breaks into the bookkeeping between two steps. Where it is ignored, as in
    what a shell script starts in the background, it stays so; only what `Interruptible` sends arrives.

    Blocks may be nested, where a step runs steps itself. What interrupts a step around the inner block stops everything in it, as
    Ctrl-C does, and `error` says which of the two is to be raised then.
    """

    def __init__(self, wake: Callable[[], object]) -> None:
        self.count: int = 0
        """How often it was pressed, or a step around this block was interrupted."""
        self.error: type[BaseException] = KeyboardInterrupt
        """What whoever called is to be told once everything has stopped."""
        self._wake = wake
        self._place = Interruptible()
        self._before: Any = None
        self._ignored = False
        self._outer: ControlC | None = None

    def watch(self, place: Interruptible) -> None:
        """Interrupt what executes in `place` from now on."""
        self._place = place

    def __enter__(self) -> ControlC:
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            self._outer = _owner(handler)
            if handler in (signal.default_int_handler, signal.SIG_IGN) or self._outer is not None:
                self._ignored = self._outer._ignored if self._outer is not None else handler == signal.SIG_IGN
                self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        place = self._place
        if not self._is_around():
            if place.signalled():
                if place.executing:
                    raise StepInterrupted
                return
            if self._ignored:
                return
            self.count += 1
        if place.executing:
            raise KeyboardInterrupt
        self._wake()

    def _is_around(self) -> bool:
        """Tell whether the signal interrupts a step around this block; every block within that step is then to stop."""
        outer = self._outer
        if outer is None or not (outer._is_around() or outer._place.signalled()):
            return False
        self.count += 1
        self.error = StepInterrupted
        return True


def _owner(handler: object) -> ControlC | None:
    """Return the block that handles a signal, if one does."""
    owner = getattr(handler, "__self__", None)
    return owner if isinstance(owner, ControlC) else None


def _set_exception(thread: int, kind: type[BaseException] | None) -> None:
    target = ctypes.py_object(kind) if kind is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), target)
