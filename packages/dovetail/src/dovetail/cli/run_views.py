"""What is told of runs and their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dovetail.cli.printing import print_record, print_rows, print_sections
from dovetail.cli.progress import seconds

if TYPE_CHECKING:
    from dovetail.history import RunView
    from dovetail_core import Failure
    from dovetail_metadata_store.records import Artifact, Run, StepRun

RUN_COLUMNS = ("name", "id", "pipeline", "stack", "state", "created", "duration")
_STEP_COLUMNS = ("step", "state", "attempt", "duration", "outputs", "failure")


def run_record(run: Run) -> dict[str, Any]:
    """Return what is known of a run."""
    record: dict[str, Any] = {key: getattr(run, key) for key in ("name", "id", "pipeline", "stack", "state", "created", "started", "ended")}
    record |= {"duration": _duration(run), "parameters": dict(run.parameters), "resumed_from": run.resumed_from}
    return record | {"failure": _failure(run.failure)}


def artifact_record(artifact: Artifact) -> dict[str, Any]:
    """Return what is known of an artifact."""
    keys = ("id", "run_id", "step", "output", "type", "size", "format", "materializer", "digest", "uri", "key", "created")
    return {key: getattr(artifact, key) for key in keys} | {"metadata": dict(artifact.metadata)}


def print_run(view: RunView, output: str) -> None:
    """Print a run with its steps and what they recorded."""
    steps = [_step_record(step.record) for step in view.steps.values()]
    record = run_record(view.record) | {"metadata": view.metadata}
    if output != "table":
        print_record({**record, "steps": steps}, output)
        return
    shown = {key: value for key, value in record.items() if value not in (None, {}, "")}
    shown["duration"] = _shown(record["duration"])
    print_record(shown, output)
    click.echo()
    print_rows([_step_row(step) for step in steps], _STEP_COLUMNS, output, "it has no steps")
    recorded = [{"step": name, **{"recorded": step.metadata}} for name, step in view.steps.items() if step.metadata]
    print_sections({"Recorded by steps:": (recorded, ("step", "recorded"))})


def run_row(run: Run) -> dict[str, Any]:
    """Return a run as a row of a table."""
    return run_record(run) | {"duration": _shown(_duration(run))}


def _step_record(step: StepRun) -> dict[str, Any]:
    outputs = {link.name: link.artifact.id for link in step.outputs}
    record: dict[str, Any] = {"step": step.name, "state": step.state, "attempt": step.attempt, "started": step.started, "ended": step.ended}
    return record | {"duration": _duration(step), "outputs": outputs, "source_run": step.source_run, "failure": _failure(step.failure)}


def _step_row(step: dict[str, Any]) -> dict[str, Any]:
    outputs = [f"{name} {identifier}" for name, identifier in step["outputs"].items()]
    attempt = step["attempt"] or None
    return {**step, "attempt": attempt, "outputs": outputs, "duration": _shown(step["duration"])}


def _failure(failure: Failure | None) -> str | None:
    return None if failure is None else f"{failure.kind}: {failure.message}"


def _duration(record: Run | StepRun) -> float | None:
    if record.started is None or record.ended is None:
        return None
    return (record.ended - record.started).total_seconds()


def _shown(duration: float | None) -> str:
    return "" if duration is None else seconds(duration)
