"""Attempts in processes of their own: started without a shell, watched, and stopped with everything that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from dovetail_orchestrator import guard
from dovetail_orchestrator.plan import Command, LogSink
from dovetail_orchestrator.process_identity import TICK, uptime_at_start

_CHUNK = 64 * 1024
_LOOK = 0.02  # seconds between two looks; the end of another's process cannot be waited for


class StepProcess:
    """A command that executes an attempt. `wait` is called by the thread that made this; `stop` may be called from any thread.

    Its environment is this process's, with the command's own variables; Python in it does not buffer its output, so that nothing
    printed is lost in a crash.
    """

    def __init__(self, command: Command, log: LogSink, grace: float) -> None:
        self._grace = grace
        self._log = log
        self._guarded = sys.platform == "linux"
        prefix = [sys.executable, "-I", "-S", str(Path(guard.__file__)), str(os.getpid()), str(grace)] if self._guarded else []
        self._process = subprocess.Popen(
            [*prefix, *command.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PYTHONUNBUFFERED": "1", **os.environ, **command.environment},
            start_new_session=True,
        )
        # the guard is told of the death of the thread that started it: that thread is the one that waits
        self._pump = threading.Thread(target=self._copy_output, name=f"output-{self._process.pid}", daemon=True)
        self._pump.start()

    def _copy_output(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            while data := os.read(output.fileno(), _CHUNK):
                self._log.write(data)

    def wait(self, timeout: float | None) -> int | None:
        """Return the exit code once all has ended, negative for a signal; or None after `timeout` seconds, when it was stopped."""
        try:
            code: int | None = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.stop()
            self._process.wait()
            code = None
        self._pump.join(self._grace + 5)
        return code

    def stop(self) -> None:
        """Stop the command and everything below it: asked first, killed after the time of grace. Returns when that is done."""
        try:
            process = psutil.Process(self._process.pid)
            below = process.children(recursive=True)
        except psutil.NoSuchProcess:
            return
        if self._guarded:
            self._process.terminate()
            await_end([process], self._grace + 12)
        else:
            end([process, *below], self._grace)
        kill([process, *below])


class Ending:
    """Stops processes: each is asked once, and what is left `grace` seconds after the first was asked is killed."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._asked: dict[psutil.Process, None] = {}
        self._deadline: float | None = None

    def ask(self, processes: Iterable[psutil.Process]) -> None:
        """Ask those to end that were not asked before. Not safe for several threads."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._grace
        for process in processes:
            if process not in self._asked:
                self._asked[process] = None
                with suppress(psutil.Error):
                    process.send_signal(signal.SIGTERM)

    def finish(self) -> None:
        """Return once all have ended."""
        left = await_end(list(self._asked), (self._deadline or 0.0) - time.monotonic())
        kill(left)
        await_end(left, 1.0)


def end(processes: Iterable[psutil.Process], grace: float) -> None:
    """Stop processes: asked first, killed after `grace` seconds."""
    ending = Ending(grace)
    ending.ask(processes)
    ending.finish()


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill those that live."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def kill_run(driver: psutil.Process, grace: float) -> None:
    """Kill the process that executes a run; what it started is stopped by its guards, or here."""
    try:
        below = driver.children(recursive=True)
    except psutil.NoSuchProcess:
        return
    kill([driver])
    end(below, grace + 1)
    await_end([driver], 5)


def children_of_thread(thread: int, since: float) -> list[psutil.Process]:
    """Return the processes that a thread of this process has started since a time of `uptime` (Linux with CONFIG_PROC_CHILDREN; else none).

    What a thread that has ended has started is one of the main thread's for Linux.
    """
    try:
        found = Path(f"/proc/self/task/{thread}/children").read_text().split()
    except OSError:
        return []
    children = []
    for child in map(int, found):
        with suppress(psutil.Error, OSError):
            process = psutil.Process(child)
            if (began := uptime_at_start(child)) is not None and began > since - TICK:
                children += [process, *process.children(recursive=True)]
    return children


def await_end(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until processes have ended, and return those that have not after some seconds.

    They are not reaped: whoever started them could not learn their exit code then.
    """
    deadline = time.monotonic() + seconds
    while (left := [process for process in processes if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(_LOOK)
    return left


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
