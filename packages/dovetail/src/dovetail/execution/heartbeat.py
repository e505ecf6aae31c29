"""Shows that the process of a run is alive, and notices requests to cancel it."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from dovetail_core import DovetailError
from dovetail_metadata_store import MetadataStore
from dovetail_metadata_store.records import Owner, Run

INTERVAL = 2.0
"""Seconds between heartbeats."""
SILENCE = 60.0
"""Seconds after which the process of a run on another machine counts as dead."""

log: logging.Logger = logging.getLogger("dovetail")


def this_process() -> Owner:
    """Return the identity of this process."""
    return Owner(socket.gethostname(), os.getpid(), _started(os.getpid()))


def alive(owner: Owner) -> bool | None:
    """Tell whether a process lives; None if it is on another machine."""
    if owner.host != socket.gethostname():
        return None
    try:
        return bool(psutil.Process(owner.pid).status() != psutil.STATUS_ZOMBIE and abs(_started(owner.pid) - owner.started) < 1)
    except psutil.NoSuchProcess:
        return False


def _started(pid: int) -> float:
    """Return when a process started, on a clock that nobody can set, where the system has one.

    Linux dates processes from when it booted, and tells that in whole seconds of the time of day, which differ once the clock is set.
    Raises `psutil.NoSuchProcess`.
    """
    booted = psutil.boot_time() if psutil.LINUX else 0.0  # before the process is looked at, so that both stand on one reading
    return float(psutil.Process(pid).create_time() - booted)


@contextmanager
def beating(run: Run, metadata: MetadataStore, on_cancel: Callable[[], object]) -> Iterator[None]:
    """Within the block, record heartbeats of a run; `on_cancel` is called once, from another thread, if cancellation is requested."""
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(run, metadata, on_cancel, done), name=f"heartbeat-{run.name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat(run: Run, metadata: MetadataStore, on_cancel: Callable[[], object], done: threading.Event) -> None:
    asked = False
    while not done.wait(INTERVAL):
        try:
            requested = metadata.heartbeat(run.id)
            if requested and not asked:
                on_cancel()
                asked = True
        except DovetailError as error:  # the store may be away for a while; the run goes on
            log.warning("heartbeat of run %s failed: %s", run.name, error)
