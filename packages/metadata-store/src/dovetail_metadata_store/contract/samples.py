"""Records that rules put into stores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dovetail_core import new_id
from dovetail_metadata_store.interface import MetadataStore
from dovetail_metadata_store.records import Artifact, Link, Run, State, StepCommit

STEPS = ("load", "train", "test")


def a_run(**values: Any) -> Run:
    """Return a run that no store knows."""
    identifier = new_id()
    return Run(**{"id": identifier, "name": f"run-{identifier}", "pipeline": "pipeline", "stack": "stack", **values})


def started(store: MetadataStore, steps: Iterable[str] = STEPS, **values: Any) -> Run:
    """Return a run of a store that is running."""
    run = a_run(**values)
    store.create_run(run, tuple(steps), {"version": 1})
    return store.transition_run(run.id, State.RUNNING)


def an_artifact(run_id: str, step: str, output: str = "output", **values: Any) -> Artifact:
    """Return an artifact that no store knows."""
    identifier = new_id()
    key = f"runs/{run_id}/{step}.{output}"
    common = {"type": "builtins.int", "materializer": "json", "format": "json/1", "size": 1, "digest": f"blake3:{identifier * 2}"}
    return Artifact(
        **{"id": identifier, "run_id": run_id, "step": step, "output": output, "key": key, "uri": f"file:///{key}", **common, **values}
    )


def a_commit(
    run_id: str, step: str, *, attempt: int = 1, reads: Iterable[Artifact] = (), outputs: Iterable[str] = ("output",), **values: Any
) -> StepCommit:
    """Return a commit of a step that gives new artifacts."""
    written = tuple(Link(name, an_artifact(run_id, step, name)) for name in outputs)
    read = tuple(Link("input", artifact, index) for index, artifact in enumerate(reads))
    return StepCommit(**{"run_id": run_id, "step": step, "attempt": attempt, "outputs": written, "inputs": read, **values})


def executed(store: MetadataStore, run_id: str, step: str, **values: Any) -> Artifact:
    """Execute a step, and return the first artifact that it gave."""
    commit = a_commit(run_id, step, **values)
    store.begin_step(run_id, step, commit.attempt)
    store.commit_step(commit)
    return commit.outputs[0].artifact
