"""Executes one attempt of one step: inputs, function, outputs, commit."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from typing import Any, get_origin

from dovetail.cache_keys import content_key
from dovetail.execution.cached_steps import cached_commit, usable
from dovetail.execution.capture import captured
from dovetail.execution.context import StepContext
from dovetail.execution.failures import failure_of
from dovetail.execution.session import RunSession, run_prefix
from dovetail.materializers import load, save
from dovetail.parameters import decode
from dovetail.plan import RunStep
from dovetail.returned_values import is_one
from dovetail.signature import Signature
from dovetail.wiring import element, plain, shown
from dovetail_core import ConfigError, DovetailError, Failure, new_id
from dovetail_metadata_store.records import Artifact, Link, StepCommit
from dovetail_orchestrator.plan import LogSink, StepResult, StepState


class StepExecution:
    """Executes attempts of a run's steps in this process; may be called from several threads."""

    def __init__(self, session: RunSession) -> None:
        self.session = session
        self.errors: dict[str, BaseException] = {}
        """The latest exception of each step that failed here."""
        self._lock = threading.Lock()

    def __call__(self, name: str, attempt: int, log: LogSink | None = None) -> StepResult:
        """Execute an attempt and return how it ended. Only KeyboardInterrupt and an orchestrator's interruption pass through."""
        try:
            return self._attempt(self.session.step(name), attempt, log)
        except SystemExit as error:
            self.errors[name] = error
            said = f"the step ended the process with sys.exit({error.code!r})"
            return StepResult(StepState.FAILED, Failure("SystemExit", said, retryable=False), retry=False)
        except Exception as error:
            self.errors[name] = error
            failure = failure_of(error)
            return StepResult(StepState.FAILED, failure, retry=failure.retryable)

    def _attempt(self, step: RunStep, attempt: int, log: LogSink | None) -> StepResult:
        session = self.session
        session.metadata.begin_step(session.run.id, step.name, attempt)
        inputs = {name: session.artifacts(given) for name, given in step.inputs.items()}
        key = content_key(step, inputs) if step.fingerprint else None
        if step.cache and key and self._take_cached(step, attempt, key, inputs):
            return StepResult(StepState.CACHED)
        outputs = self._execute(step, attempt, inputs, log)
        commit = StepCommit(
            run_id=session.run.id,
            step=step.name,
            attempt=attempt,
            outputs=outputs,
            inputs=links(inputs),
            cache_key=key,
            provenance_key=session.provenance.get(step.name),
        )
        session.metadata.commit_step(commit)
        session.know(step.name, outputs)
        return StepResult(StepState.SUCCEEDED)

    def _take_cached(self, step: RunStep, attempt: int, key: str, inputs: Mapping[str, list[Artifact]]) -> bool:
        session = self.session
        hit = session.metadata.find_cached([key]).get(key)
        if hit is None or not usable({step.name: hit}, session.store):
            return False
        commit = cached_commit(session.run.id, hit, step.name, links(inputs), key, session.provenance.get(step.name), attempt)
        session.metadata.commit_step(commit)
        session.know(step.name, commit.outputs)
        return True

    def _execute(self, step: RunStep, attempt: int, inputs: Mapping[str, list[Artifact]], log: LogSink | None) -> tuple[Link, ...]:
        function, signature = self.session.functions(step.name)
        parameters = {name: decode(value, signature.inputs[name].annotation) for name, value in step.parameters.items()}
        context = StepContext(self.session.run, step.name, attempt, self.session.stack, parameters, step.experiment_tracker)
        with captured(log) if log is not None else nullcontext():
            arguments = {name: self._loaded(found, step, name, signature) for name, found in inputs.items()}
            with context:
                result = function(**parameters, **arguments)
                return self._saved(result, step, attempt, signature)

    def _loaded(self, found: list[Artifact], step: RunStep, name: str, signature: Signature) -> Any:
        session, annotation = self.session, signature.inputs[name].annotation
        if not step.inputs[name].collected:
            return load(found[0], session.store, annotation=annotation, registry=session.registry)
        items = [load(artifact, session.store, annotation=element(annotation), registry=session.registry) for artifact in found]
        return tuple(items) if (get_origin(plain(annotation)) or plain(annotation)) is tuple else items

    def _saved(self, result: Any, step: RunStep, attempt: int, signature: Signature) -> tuple[Link, ...]:
        values = _split(result, step, signature)
        _refuse_other_classes(values, step, signature)
        made: list[Link] = []
        try:
            for output, value in zip(signature.outputs, values, strict=True):
                made.append(Link(output.name, self._artifact(value, step, attempt, output.name, output.annotation)))
        except BaseException:
            self._remove(made)
            raise
        return tuple(made)

    def _remove(self, made: Iterable[Link]) -> None:
        """Delete what an attempt stored that failed before it committed, as far as that is possible now."""
        for link in made:
            with suppress(Exception):  # the error that is on its way says more than one of this
                self.session.store.rmtree(link.artifact.key)

    def _artifact(self, value: Any, step: RunStep, attempt: int, output: str, annotation: Any) -> Artifact:
        session = self.session
        key = f"{run_prefix(session.run.id)}/{session.position(step.name):04}-{step.name}.{attempt}.{output}"
        try:
            saved = save(value, session.store, key, annotation=annotation, registry=session.registry)
        except DovetailError as error:
            raise type(error)(
                f"step '{step.name}', output '{output}': {error.message}", remedy=error.remedy, retryable=error.retryable
            ) from error
        return Artifact(
            id=new_id(),
            run_id=session.run.id,
            step=step.name,
            output=output,
            key=saved.key,
            uri=saved.uri,
            type=saved.type,
            materializer=saved.materializer,
            format=saved.format,
            size=saved.size,
            digest=saved.digest,
            metadata=saved.metadata,
        )


def links(inputs: Mapping[str, Iterable[Artifact]]) -> tuple[Link, ...]:
    """Return the lineage of a step's inputs."""
    return tuple(Link(name, artifact, index) for name, found in inputs.items() for index, artifact in enumerate(found))


def _split(result: Any, step: RunStep, signature: Signature) -> tuple[Any, ...]:
    """Return a step's result as one value per output. Raises `ConfigError` if the number is wrong."""
    expected = len(signature.outputs)
    if expected == 1 and not signature.unpacked:
        return (result,)
    if expected == 0 and result is None:
        return ()
    if not isinstance(result, tuple) or len(result) != expected:
        got = f"a tuple of {len(result)}" if isinstance(result, tuple) else type(result).__qualname__
        names = ", ".join(step.outputs) or "none"
        raise ConfigError(
            f"step '{step.name}' returned {got}, and its annotation says {expected} output{'s' * (expected != 1)} ({names})",
            remedy="return one value per output",
        )
    return result


def _refuse_other_classes(values: tuple[Any, ...], step: RunStep, signature: Signature) -> None:
    """Raise `ConfigError` if a value clearly is not what the step's annotation says, so before anything of it is stored."""
    for output, value in zip(signature.outputs, values, strict=True):
        if not is_one(value, output.classes):
            wanted, given = shown(output.annotation), shown(type(value))
            raise ConfigError(
                f"step '{step.name}', output '{output.name}': annotated {wanted}, and the function returned {given}",
                remedy=f"return {wanted}, or change the annotation",
            )
