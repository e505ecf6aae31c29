"""Pipelines that are called inside of another one, whose steps become part of that one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dovetail.compilation import encoded_arguments, refuse_unknown_steps, step_parameters
from dovetail.parameters import decode
from dovetail_core import ConfigError

if TYPE_CHECKING:
    from dovetail.graph import Graph
    from dovetail.pipelines import Pipeline

_OF_RUNS = ("stack", "run_name", "failure_mode")
"""Options that a run has once, and no part of it has its own of."""


def called_in(graph: Graph, pipeline: Pipeline, parameters: Mapping[str, Any]) -> Any:
    """Call a pipeline's function and return what it returns; the pipeline's options hold for the steps that it adds to `graph`.

    They stand below what the outer pipeline says of single steps, and above what it says of all. Raises `ConfigError` for unknown ones,
    and for those that only a whole run can have.
    """
    if foreign := list(_of_runs(pipeline)):
        raise ConfigError(
            f"pipeline '{pipeline.name}' is called inside of another one, where its {', '.join(foreign)} cannot hold",
            remedy=f"set it on the outer pipeline; {pipeline.name}.function(...) adds the steps without any options",
        )
    with graph.part(step_parameters(pipeline.options)) as part:
        result = pipeline.function(**{**_set(pipeline), **parameters})
    refuse_unknown_steps(pipeline.name, pipeline.options, part.nodes)
    for name, node in part.nodes.items():
        node.options = pipeline.options.for_step(name, node.options)
    return result


def _of_runs(pipeline: Pipeline) -> Iterator[str]:
    yield from (name for name in _OF_RUNS if name in pipeline.options.model_fields_set or (name == "stack" and pipeline.has_stack))
    yield from (name for name in ("on_success", "on_failure") if getattr(pipeline, name) is not None)


def _set(pipeline: Pipeline) -> dict[str, Any]:
    """Return the arguments that the pipeline's options set."""
    if not pipeline.options.parameters:
        return {}
    encoded = encoded_arguments(pipeline.name, pipeline.signature, pipeline.options.parameters)
    return {name: decode(value, pipeline.signature.inputs[name].annotation) for name, value in encoded.items()}
