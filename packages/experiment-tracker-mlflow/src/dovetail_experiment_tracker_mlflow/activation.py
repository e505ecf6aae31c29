"""MLflow's own active run, so that code which calls `mlflow.log_metric` lands in the run that is active here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from dovetail_experiment_tracker_mlflow.config import MlflowConfig
from dovetail_experiment_tracker_mlflow.redirection import Autologging, Redirection

log: logging.Logger = logging.getLogger("dovetail.experiment_tracker")

_redirection = Redirection()
_autologging = Autologging()


@contextmanager
def native(config: MlflowConfig, run: Any, autolog: bool) -> Iterator[None]:
    """Make a run MLflow's active one in this thread within a block; leaving it does not end it.

    MLflow can talk to one tracker at a time: where a run of another one is active, its own client is left alone, with a warning.
    """
    import mlflow
    from mlflow.tracking import fluent

    if not _redirection.enter(config, run.info.experiment_id):
        log.warning("a run of another MLflow tracker is active: calls of mlflow itself go there, and not to run %s", run.info.run_id)
        yield
        return
    try:
        stack = fluent._active_run_stack.get()
        active = _Active(mlflow.ActiveRun(run))
        stack.append(active.run)
        with _autologging.on() if autolog else nullcontext():
            try:
                yield
            finally:
                active.leave(stack)
    finally:
        _redirection.leave()


class _Active:
    """An entry of MLflow's stack of active runs, which is the thread's."""

    entered: set[int] = set()
    """Identities of the entries of this kind in any stack."""

    def __init__(self, run: Any) -> None:
        self.run = run
        self.entered.add(id(run))

    def leave(self, stack: list[Any]) -> None:
        """Remove it, and the runs above it that code inside began and left active; not those of other tasks of this thread."""
        self.entered.discard(id(self.run))
        index = next((index for index, run in enumerate(stack) if run is self.run), None)
        if index is None:  # the code inside ended it
            return
        stack.pop(index)
        while index < len(stack) and id(stack[index]) not in self.entered:
            stack.pop(index)
