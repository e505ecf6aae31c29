"""The runs of this process that nobody ended yet, and what becomes of them when the process ends.

Nothing is set up before the first run starts. SIGTERM is heard only while runs are open, and only where nobody else hears it.
"""

from __future__ import annotations

import contextlib
import dis
import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

from dovetail_core import NotFound
from dovetail_experiment_tracker import outbox, process_end
from dovetail_experiment_tracker.endings import Terminated
from dovetail_experiment_tracker.records import RunStatus

if TYPE_CHECKING:
    from dovetail_experiment_tracker.run import Run

log: logging.Logger = logging.getLogger("dovetail.experiment_tracker")

_open: dict[int, Run] = {}
_lock = threading.RLock()
_registered = False
_main: FrameType | None = None
"""The frame that the main thread's program runs in."""


def add(run: Run) -> None:
    """Note that a run was started in this process."""
    global _registered, _main
    with _lock:
        _open[id(run)] = run
        process_end.call_at_end(_at_exit)
        if not _registered:
            _registered = True
            _main = _outermost(sys._current_frames().get(threading.main_thread().ident or 0))
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=_forget)
        _hear()


def discard(run: Run) -> None:
    """Note that a run has ended."""
    with _lock:
        _open.pop(id(run), None)
        if not _open:
            _hear_no_more()


def _hear() -> None:
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def _hear_no_more() -> None:
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _terminate:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(number: int, frame: FrameType | None) -> None:
    global _terminated
    _terminated = True
    raise Terminated(128 + number)


_terminated = False


def _at_exit() -> None:
    status = _status_of_process()
    for run in list(_open.values()):
        try:
            run.end(status)
        except NotFound:
            continue  # it was deleted
        except Exception as error:  # the others still have to end
            log.error("run %s: %s", run.id, error)
    outbox.at_exit()
    if _terminated:  # the parent is to see that a signal ended the process
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


def _status_of_process() -> RunStatus:
    """Return how the process ends. Of SystemExit its code cannot be known here; it must not pass for a success."""
    error = getattr(sys, "last_value", None)
    if error is not None and not isinstance(error, KeyboardInterrupt):
        return RunStatus.FAILED
    return RunStatus.FINISHED if error is None and _returned(_main) else RunStatus.KILLED


def _outermost(frame: FrameType | None) -> FrameType | None:
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _returned(frame: FrameType | None) -> bool:
    """Tell whether a frame was left by its last instruction, a return, and not by an exception."""
    if frame is None or frame.f_lasti < 0:
        return False
    return dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN")


def _forget() -> None:
    """In a process that was forked: the runs are the parent's."""
    global _lock
    _lock = threading.RLock()
    _open.clear()
    with contextlib.suppress(ValueError):
        _hear_no_more()
