"""Compiles a pipeline function into the plan of a run."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from dovetail.code import reference_to, source_root
from dovetail.fingerprint import fingerprint, untold
from dovetail.graph import Graph, Node, building
from dovetail.options import RunOptions
from dovetail.parameters import decode, encode
from dovetail.plan import CodeReference, InputPlan, OutputReference, RunPlan, RunStep
from dovetail.signature import REQUIRED, Signature
from dovetail.steps import Step
from dovetail_core import ConfigError, Resources, closest
from dovetail_orchestrator.plan import StepPlan

log: logging.Logger = logging.getLogger("dovetail")


class Compiled:
    """A plan, and the steps that it was made of."""

    def __init__(self, plan: RunPlan, steps: Mapping[str, Step[..., Any]]) -> None:
        self.plan = plan
        self.steps = steps


def compile_pipeline(name: str, function: Callable[..., Any], signature: Signature, options: RunOptions) -> Compiled:
    """Return the plan of a run with these options. Raises `ConfigError` for anything in it that could not run."""
    given = pipeline_arguments(name, signature, options.parameters)
    graph = build_graph(function, signature, given, options)
    if not graph.nodes:
        raise ConfigError(f"pipeline '{name}' has no steps", remedy="call at least one step in it")
    refuse_unknown_steps(name, options, graph.nodes)
    root = source_root(function)
    described = functools.cache(functools.partial(_described, root=root))  # of one step called a hundred times, once
    steps = tuple(_run_step(node, options, *described(node.step)) for node in graph.nodes.values())
    _warn_of_uncached(graph, options, steps)
    code = reference_to(function, root)
    plan = RunPlan(
        pipeline=name,
        code=code,
        source_root=str(root) if root else None,
        failure_mode=options.failure_mode,
        parameters=given,
        steps=steps,
        options=_recorded(options, given, graph),
    )
    return Compiled(plan, {node.name: node.step for node in graph.nodes.values()})


def _warn_of_uncached(graph: Graph, options: RunOptions, steps: Iterable[RunStep]) -> None:
    """Say of which steps nobody can know whether they were executed before, although they may be cached; of each function once."""
    nodes = [graph.nodes[step.name] for step in steps if not step.fingerprint]
    wanted = {node.step.function: node.name for node in reversed(nodes) if options.for_step(node.name, node.options).cache}
    for function, name in wanted.items():
        log.warning(
            "step '%s' is never cached: its code uses %s, whose content cannot be told (give it to the step as an argument, or say cache=False)",
            name,
            untold(function),
        )


def pipeline_arguments(name: str, signature: Signature, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pipeline's arguments as JSON data, defaults filled in. Raises `ConfigError` for unknown, missing and wrong ones."""
    encoded = encoded_arguments(name, signature, given)
    missing = {argument.name: argument.default for argument in signature.inputs.values() if argument.name not in given}
    for argument in (argument for argument, default in missing.items() if default is REQUIRED):
        raise ConfigError(f"pipeline '{name}': parameter '{argument}' is missing", remedy="give it a value")
    encoded |= encoded_arguments(name, signature, missing)
    return {argument: encoded[argument] for argument in signature.inputs}


def encoded_arguments(name: str, signature: Signature, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of the pipeline as JSON data. Raises `ConfigError` for unknown and wrong ones."""
    for unknown in given.keys() - signature.inputs.keys():
        known = ", ".join(signature.inputs) or "none"
        raise ConfigError(
            f"pipeline '{name}' has no parameter '{unknown}'{closest(unknown, signature.inputs)}", remedy=f"parameters: {known}"
        )
    return {
        argument: encode(value, signature.inputs[argument].annotation, f"pipeline '{name}', parameter '{argument}'")
        for argument, value in given.items()
    }


def build_graph(function: Callable[..., Any], signature: Signature, arguments: Mapping[str, Any], options: RunOptions) -> Graph:
    """Call the pipeline function and return the graph that its calls of steps make."""
    graph = Graph(step_parameters(options))
    token = building.set(graph)
    try:
        function(**{name: decode(value, signature.inputs[name].annotation) for name, value in arguments.items()})
    finally:
        building.reset(token)
    return graph


def step_parameters(options: RunOptions) -> dict[str, Mapping[str, Any]]:
    """Return the values that options set for arguments of steps, by step."""
    return {step: given.parameters for step, given in options.steps.items() if given.parameters}


def _recorded(options: RunOptions, given: Mapping[str, Any], graph: Graph) -> dict[str, Any]:
    """Return the options that were set as JSON data, with the parameters as they were validated."""
    data = options.model_dump(mode="json", exclude_unset=True, exclude={"parameters": True, "steps": {"__all__": {"parameters"}}})
    for name, step in options.steps.items():
        data["steps"][name]["parameters"] = {argument: graph.nodes[name].parameters[argument] for argument in step.parameters}
    return {**data, "parameters": dict(given)}


def refuse_unknown_steps(name: str, options: RunOptions, nodes: Mapping[str, Node]) -> None:
    """Raise `ConfigError` if options are for a step that the pipeline does not have."""
    for step in options.steps:
        if step not in nodes:
            raise ConfigError(f"pipeline '{name}' has no step '{step}'{closest(step, nodes)}", remedy=f"steps: {', '.join(nodes)}")


def _described(step: Step[..., Any], root: Path | None) -> tuple[CodeReference, str]:
    """Return where a step's function is found again, and the digest of its code, empty if it cannot be told."""
    return reference_to(step.function, root), fingerprint(step.function) or ""


def _run_step(node: Node, options: RunOptions, code: CodeReference, digest: str) -> RunStep:
    chosen = options.for_step(node.name, node.options)
    environment = chosen.environment or {}
    plan = StepPlan(
        name=node.name,
        upstream=node.upstream(),
        resources=chosen.resources or Resources(),
        retry=chosen.policy(),
        timeout=chosen.timeout,
        isolated=bool(chosen.isolated or environment),
        operator=chosen.operator,
        settings=chosen.settings or {},
    )
    if not code.importable and (plan.isolated or plan.timeout):
        raise ConfigError(
            f"step '{node.name}' needs a process of its own, and '{node.step.function.__qualname__}' cannot be imported there",
            remedy="define the step at the top level of a module, or leave out isolated, timeout and environment",
        )
    return RunStep(
        plan=plan,
        code=code,
        fingerprint=digest,
        inputs={name: _input(node, name) for name in node.edges},
        parameters=node.parameters,
        outputs=tuple(output.name for output in node.step.signature.outputs),
        cache=bool(chosen.cache and digest),
        environment=environment,
        experiment_tracker=chosen.experiment_tracker,
    )


def _input(node: Node, argument: str) -> InputPlan:
    sources = tuple(OutputReference(step=handle.step, output=handle.output.name) for handle in node.edges[argument])
    return InputPlan(sources=sources, collected=argument in node.collected)
