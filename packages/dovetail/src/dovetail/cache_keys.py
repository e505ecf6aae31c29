"""Cache keys: digests that are equal only if a step would compute the same thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dovetail.digests import digest
from dovetail.plan import RunPlan, RunStep
from dovetail_metadata_store.records import Artifact

_FORMAT = 2


def content_key(step: RunStep, inputs: Mapping[str, Sequence[Artifact]]) -> str:
    """Return the digest of a step's code, parameters, environment, and of its inputs: what they hold, and what their bytes mean."""
    content = {name: [[artifact.digest, artifact.type, artifact.format] for artifact in found] for name, found in inputs.items()}
    return digest(["content", _own(step), content])


def provenance_keys(plan: RunPlan, known: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Return, per step, the digest of everything that leads to it; known before anything runs.

    A step below one that must execute has none: what that step will give is not known. `known` are the keys of steps whose results are
    of an earlier execution, whose code may have been another; None where that one had none.
    """
    keys = {name: key for name, key in (known or {}).items() if key is not None}
    for step in plan.steps:
        if known and step.name in known:
            continue
        sources = {name: [(source.step, source.output) for source in given.sources] for name, given in step.inputs.items()}
        needed = {upstream for given in sources.values() for upstream, _ in given}
        if step.cache and needed <= keys.keys():
            leading = {name: [[keys[upstream], output] for upstream, output in given] for name, given in sources.items()}
            keys[step.name] = digest(["provenance", _own(step), leading])
    return keys


def _own(step: RunStep) -> list[object]:
    collected = sorted(name for name, given in step.inputs.items() if given.collected)  # f(x) and f([x]) are given the same outputs
    return [_FORMAT, step.fingerprint, step.parameters, collected, list(step.outputs), step.environment]
