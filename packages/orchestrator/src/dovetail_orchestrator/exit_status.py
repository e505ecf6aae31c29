"""What the end of a step's process means."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

from dovetail_core import Failure
from dovetail_orchestrator.plan import StepResult, StepState


def result_of(code: int, committed: StepResult | None, out_of_memory: bool) -> StepResult:
    """Return how an attempt ended whose process ended by itself: success needs both exit code 0 and a commit.

    `code` is negative for the signal that killed it. An attempt that was committed, or interrupted as Ctrl-C does it, is not retried.
    """
    if committed is not None and not committed.state.good:
        return committed
    if code == 0:
        return committed or _failed("Lost", "the process exited with code 0 and committed nothing")
    retry = committed is None and code != -signal.SIGINT
    what = _killed(-code, out_of_memory) if code < 0 else _exited(code)
    late = ", after its outputs were committed" if committed else ""
    return _failed("Killed" if code < 0 else "ExitCode", what + late, retry)


def timed_out(seconds: float) -> StepResult:
    """Return the result of an attempt that took longer than it may."""
    return _failed("Timeout", f"it took longer than {seconds:g} s, and was stopped with all that it started")


def _killed(number: int, out_of_memory: bool) -> str:
    text = f"the process was killed by {_name(number)} (signal {number})"
    if number == signal.SIGKILL and out_of_memory:
        return f"{text}: the system was out of memory, so it most likely took too much"
    return text


def _exited(code: int) -> str:
    text = f"the process exited with code {code}"
    number = code - 128  # how shells pass on that their command was killed (POSIX, Shell Command Language, 2.8.2)
    return f"{text}, as if killed by {_name(number)}" if number in set(signal.Signals) else text


def _name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"SIGRTMIN+{number - signal.SIGRTMIN}" if number > signal.SIGRTMIN else "an unknown signal"


def _failed(kind: str, message: str, retry: bool = True) -> StepResult:
    return StepResult(StepState.FAILED, Failure(kind, message), retry)


def memory_kills() -> int:
    """Return how many processes the system has killed for lack of memory until now (Linux, /proc/vmstat); 0 if it does not say."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
