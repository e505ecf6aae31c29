"""Earlier results that a run can take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dovetail.execution.session import RunSession
from dovetail.materializers.stored_files import presence_key
from dovetail_artifact_store import ArtifactStore
from dovetail_metadata_store.records import Link, StepCommit, StepRun


def planned_hits(session: RunSession, taken: Mapping[str, StepRun]) -> dict[str, StepRun]:
    """Return the steps, besides those that are `taken` already, whose results are known before anything runs, with one look-up for all.

    A hit counts only if its inputs are the very outputs that the steps before it gave, and all its artifacts still exist.
    """
    keys = {name: key for name, key in session.provenance.items() if name not in taken}
    if not keys:
        return {}
    found = session.metadata.find_cached(list(keys.values()))
    hits: dict[str, StepRun] = {}
    before = dict(taken)
    for step in session.plan.steps:
        hit = found.get(keys.get(step.name, ""))
        if hit is not None and _consistent(session, step.name, hit, before):
            hits[step.name] = before[step.name] = hit
    return _without_gaps(session, hits, usable(hits, session.store), taken)


def usable(hits: Mapping[str, StepRun], store: ArtifactStore) -> set[str]:
    """Return the names of the hits whose artifacts all exist; the existence of each is asked for once."""
    keys = {name: [presence_key(link.artifact) for link in hit.outputs] for name, hit in hits.items()}
    missing = store.missing([key for several in keys.values() for key in several])
    return {name for name, several in keys.items() if not missing.intersection(several)}


def _consistent(session: RunSession, name: str, hit: StepRun, before: Mapping[str, StepRun]) -> bool:
    """Tell whether a hit read the content that the hits before it give; two executions of one step may have given different bytes."""
    read = {(link.name, link.index): link.artifact.digest for link in hit.inputs}
    for argument, given in session.step(name).inputs.items():
        for index, source in enumerate(given.sources):
            outputs = before[source.step].outputs if source.step in before else ()
            if read.get((argument, index)) not in {link.artifact.digest for link in outputs if link.name == source.output}:
                return False
    return True


def _without_gaps(
    session: RunSession, hits: Mapping[str, StepRun], complete: Iterable[str], taken: Mapping[str, StepRun]
) -> dict[str, StepRun]:
    """Return the hits that are complete and stand only on complete ones: below a step that must execute, content decides later."""
    kept: dict[str, StepRun] = {}
    whole = set(complete)
    for step in session.plan.steps:
        sources = {source.step for given in step.inputs.values() for source in given.sources}
        if step.name in whole and sources <= kept.keys() | taken.keys():
            kept[step.name] = hits[step.name]
    return kept


def cached_commit(
    run_id: str, hit: StepRun, step: str, inputs: tuple[Link, ...], key: str | None, provenance: str | None, attempt: int
) -> StepCommit:
    """Return the commit by which a step of a run takes the outputs of an earlier execution."""
    return StepCommit(
        run_id=run_id,
        step=step,
        attempt=attempt,
        outputs=hit.outputs,
        inputs=inputs,
        cache_key=key,
        provenance_key=provenance,
        source_run=hit.source_run or hit.run_id,
    )


def commit_hits(session: RunSession, hits: Mapping[str, StepRun]) -> None:
    """Commit all hits in one transaction, with lineage to the artifacts of this run's own graph.

    They keep the keys of their execution: what a resumed run takes over may be of other code, and must not pass for a result of this one's.
    """
    commits = []
    for name, hit in hits.items():
        session.know(name, hit.outputs)
        inputs = {argument: session.artifacts(given) for argument, given in session.step(name).inputs.items()}
        lineage = tuple(Link(argument, artifact, index) for argument, found in inputs.items() for index, artifact in enumerate(found))
        commits.append(cached_commit(session.run.id, hit, name, lineage, hit.cache_key, hit.provenance_key, attempt=0))
    session.metadata.commit_steps(commits)
