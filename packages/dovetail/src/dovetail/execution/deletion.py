"""Deletes what a run left."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from dovetail.execution.session import run_prefix
from dovetail.materializers import presence_key
from dovetail_core import Conflict, DovetailError
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store.records import Artifact, Run
from dovetail_orchestrator import Orchestrator, OrchestratorCapability

log: logging.Logger = logging.getLogger("dovetail")


def delete_run(run: Run, stack: Stack) -> int:
    """Delete a run's record, then the artifacts that no other run uses, and what the orchestrator keeps of it; return their number.

    With them goes what attempts left that never committed. Raises `Conflict` while it runs, and if its artifacts are in the store of
    another stack, where they would be left over.

    The record goes first: what is interrupted leaves bytes that nobody refers to, never a record of bytes that are gone.
    """
    if not run.state.terminal:
        raise Conflict(f"run '{run.name}' is still {run.state.value}", remedy=f"dovetail runs cancel {run.name}")
    made = _made(run, stack)
    _refuse_elsewhere(run, made, stack)
    artifacts = stack.metadata_store.delete_run(run.id)
    for artifact in artifacts:
        stack.artifact_store.rmtree(artifact.key)
    _delete_left_over(run, {artifact.key for artifact in made} - {artifact.key for artifact in artifacts}, stack)
    _forget(run, stack.orchestrator)
    return len(artifacts)


def _made(run: Run, stack: Stack) -> list[Artifact]:
    """Return the artifacts that a run made itself."""
    return [link.artifact for step in stack.metadata_store.get_steps(run.id) for link in step.outputs if link.artifact.run_id == run.id]


def _delete_left_over(run: Run, used: Collection[str], stack: Stack) -> None:
    """Delete what is below a run's prefix and belongs to no artifact that other runs use."""
    store = stack.artifact_store
    if not used:
        store.rmtree(run_prefix(run.id))
        return
    store.delete(info.key for info in list(store.list(run_prefix(run.id))) if not _within(info.key, used))


def _within(key: str, artifacts: Collection[str]) -> bool:
    """Tell whether an object is one of some artifacts or a file of one that is a tree."""
    parts = key.split("/")
    return any("/".join(parts[:end]) in artifacts for end in range(1, len(parts) + 1))


def _forget(run: Run, orchestrator: Orchestrator) -> None:
    """Remove what the orchestrator keeps of a run, where it can."""
    if OrchestratorCapability.FORGET in orchestrator.capabilities:
        try:
            orchestrator.forget(run.id)
        except DovetailError as error:  # such as a journal that is damaged, or a process of another machine that was lost
            log.warning("what %s keeps of run '%s' stays: %s", orchestrator.label, run.name, error)


def _refuse_elsewhere(run: Run, made: Iterable[Artifact], stack: Stack) -> None:
    other = [artifact for artifact in made if artifact.uri != stack.artifact_store.uri(artifact.key)]
    if other and set(map(presence_key, other)) <= stack.artifact_store.missing(map(presence_key, other)):
        raise Conflict(
            f"the artifacts of run '{run.name}' are in another artifact store than that of stack '{stack.name}', such as {other[0].uri}",
            remedy=f"choose the stack of the run, '{run.stack}'",
        )
