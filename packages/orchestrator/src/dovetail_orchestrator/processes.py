"""Attempts in processes of their own: started without a shell, watched, and stopped with everything that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
from dovetail_core import Failure

from dovetail_orchestrator import guard
from dovetail_orchestrator.plan import Command, LogSink

_LINE = 64 * 1024


class StepProcess:
    """A command that executes an attempt. `wait` returns its exit code, negative for a signal; `stop` may be called from any thread."""

    def __init__(self, command: Command, log: LogSink, grace: float) -> None:
        self._grace = grace
        self._log = log
        self.stopped = False
        guarded = sys.platform == "linux"
        prefix = [sys.executable, "-I", "-S", str(Path(guard.__file__)), str(grace)] if guarded else []
        self._process = subprocess.Popen(
            [*prefix, *command.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **command.environment},
            start_new_session=True,
        )
        # the guard is told of the death of the thread that started it: that thread is the one that waits
        self._pump = threading.Thread(target=self._copy_output, daemon=True)
        self._pump.start()

    def _copy_output(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            while line := output.readline(_LINE):
                self._log.write(line)

    def wait(self, timeout: float | None) -> int | None:
        """Return the exit code once everything has ended, or None if it was stopped for taking longer than `timeout` seconds."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.stop()
            self._process.wait()
            code = None
        self._pump.join(self._grace + 5)
        return code

    def stop(self) -> None:
        """Stop the command and everything below it: asked first, killed after the time of grace. Returns when that is done."""
        self.stopped = True
        try:
            below = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return
        self._process.terminate()
        try:
            self._process.wait(self._grace + 12)
        except subprocess.TimeoutExpired:
            self._process.kill()
        _kill(below)

    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.poll() is None


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def kill_tree(process: psutil.Process, grace: float) -> None:
    """Stop a process and everything below it: asked first, killed after `grace` seconds."""
    try:
        tree = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.NoSuchProcess:
        return
    _, alive = psutil.wait_procs(tree, timeout=grace)
    _kill(alive)
    psutil.wait_procs(alive, timeout=5)


def failure_of(code: int) -> Failure:
    """Return why a command that committed nothing failed."""
    if code == 0:
        return Failure("Lost", "the process exited with code 0 and committed nothing")
    if code > 0:
        return Failure("ExitCode", f"the process exited with code {code}")
    name = signal.Signals(-code).name if -code in set(signal.Signals) else "an unknown signal"
    hint = "; unless somebody sent it, the machine ran out of memory" if -code == signal.SIGKILL else ""
    return Failure("Killed", f"the process was killed by {name} (signal {-code}){hint}")
