"""Deletes what a run left."""

from __future__ import annotations

from dovetail_core import Conflict
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store.records import Run


def delete_run(run: Run, stack: Stack) -> int:
    """Delete a run's record, then the artifacts that no other run uses; return their number. Raises `Conflict` while it runs.

    The record goes first: what is interrupted leaves bytes that nobody refers to, never a record of bytes that are gone.
    """
    if not run.state.terminal:
        raise Conflict(f"run '{run.name}' is still {run.state.value}", remedy=f"dovetail runs cancel {run.name}")
    artifacts = stack.metadata_store.delete_run(run.id)
    for artifact in artifacts:
        stack.artifact_store.rmtree(artifact.key)
    return len(artifacts)
