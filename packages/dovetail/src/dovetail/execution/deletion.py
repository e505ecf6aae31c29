"""Deletes what a run left."""

from __future__ import annotations

import logging

from dovetail.materializers import presence_key
from dovetail_core import Conflict
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store.records import Run
from dovetail_orchestrator import Orchestrator, OrchestratorCapability

log: logging.Logger = logging.getLogger("dovetail")


def delete_run(run: Run, stack: Stack) -> int:
    """Delete a run's record, then the artifacts that no other run uses, and what the orchestrator keeps of it; return their number.

    Raises `Conflict` while it runs, and if its artifacts are in the store of another stack, where they would be left over.

    The record goes first: what is interrupted leaves bytes that nobody refers to, never a record of bytes that are gone.
    """
    if not run.state.terminal:
        raise Conflict(f"run '{run.name}' is still {run.state.value}", remedy=f"dovetail runs cancel {run.name}")
    _refuse_elsewhere(run, stack)
    artifacts = stack.metadata_store.delete_run(run.id)
    for artifact in artifacts:
        stack.artifact_store.rmtree(artifact.key)
    _forget(run, stack.orchestrator)
    return len(artifacts)


def _forget(run: Run, orchestrator: Orchestrator) -> None:
    """Remove what the orchestrator keeps of a run, where it can."""
    if OrchestratorCapability.FORGET in orchestrator.capabilities:
        try:
            orchestrator.forget(run.id)
        except Conflict as conflict:  # its process was lost, and the orchestrator cannot know
            log.warning("what %s keeps of run '%s' stays: %s", orchestrator.label, run.name, conflict)


def _refuse_elsewhere(run: Run, stack: Stack) -> None:
    made = [link.artifact for step in stack.metadata_store.get_steps(run.id) for link in step.outputs if link.artifact.run_id == run.id]
    other = [artifact for artifact in made if artifact.uri != stack.artifact_store.uri(artifact.key)]
    if other and set(map(presence_key, other)) <= stack.artifact_store.missing(map(presence_key, other)):
        raise Conflict(
            f"the artifacts of run '{run.name}' are in another artifact store than that of stack '{stack.name}', such as {other[0].uri}",
            remedy=f"choose the stack of the run, '{run.stack}'",
        )
