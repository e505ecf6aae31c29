"""How a run ends: by what ended the block, or the process, that it was in."""

from __future__ import annotations

from asyncio import CancelledError

from dovetail_core import Cancelled
from dovetail_experiment_tracker.records import RunStatus


class Terminated(SystemExit):
    """SIGTERM arrived while runs were open; the process ends with this exception, so that blocks are left and runs ended."""


def status_after(error: BaseException | None) -> RunStatus:
    """Return how a run ended whose block was left with `error`, or normally."""
    match error:
        case None:
            return RunStatus.FINISHED
        case Terminated() | KeyboardInterrupt() | CancelledError() | Cancelled() | GeneratorExit():
            return RunStatus.KILLED
        case SystemExit(code=None | 0):
            return RunStatus.FINISHED
        case _:
            return RunStatus.FAILED
