"""Tells hook plugins, and whoever watches a run, what happens in it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from dovetail_core import Failure, RunEvent, StepEvent, installed_hooks, utcnow
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store.records import Run

Watcher = Callable[[RunEvent | StepEvent], Any]
log: logging.Logger = logging.getLogger("dovetail")


class Events:
    """The events of one run. What a plugin or watcher raises is logged, and changes nothing."""

    def __init__(self, run: Run, stack: Stack, watcher: Watcher | None = None) -> None:
        self._run = run
        self._stack = stack
        self._watcher = watcher
        self._hooks = installed_hooks()
        self._heard = watcher is not None or self._hooks.implement("dovetail_step_event")
        self._began: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def run(self, state: str, failure: Failure | None = None) -> None:
        """Tell that the run began or ended."""
        run, now = self._run, utcnow()
        event = RunEvent(run.id, run.name, run.pipeline, state, now, self._duration("", state, now), failure)
        self._hooks.call("dovetail_run_event", event=event, stack=self._stack)
        self._watch(event)

    def step(self, step: str, attempt: int, state: str, failure: Failure | None = None) -> None:
        """Tell that a step began, ended, or will be tried again; costs nothing if nobody listens."""
        if not self._heard:
            return
        run, now = self._run, utcnow()
        event = StepEvent(run.id, run.name, run.pipeline, step, attempt, state, now, self._duration(step, state, now), failure)
        self._hooks.call("dovetail_step_event", event=event, stack=self._stack)
        self._watch(event)

    def _duration(self, step: str, state: str, now: datetime) -> float | None:
        if state == "running":
            self._began[step] = now
            return None
        began = self._began.get(step)
        return (now - began).total_seconds() if began else None

    def _watch(self, event: RunEvent | StepEvent) -> None:
        if self._watcher is None:
            return
        with self._lock:
            try:
                self._watcher(event)
            except Exception:
                log.exception("whoever watches run %s failed", self._run.name)
