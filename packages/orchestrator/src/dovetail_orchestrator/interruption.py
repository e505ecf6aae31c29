"""Stops user code that executes in a thread of this process, as far as Python can."""

from __future__ import annotations

import ctypes
import signal
import threading


class StepInterrupted(BaseException):
    """The step is to stop: raised in its thread. Not an Exception, so that user code that catches those does not go on."""


def interrupt(thread: int) -> None:
    """Raise in a thread, by its identifier. In the main thread also a system call that blocks is interrupted; in others it ends first."""
    main = threading.main_thread().ident
    if thread == main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.pthread_kill(thread, signal.SIGINT)
    else:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(StepInterrupted))
