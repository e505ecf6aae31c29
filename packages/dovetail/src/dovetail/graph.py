"""The graph that a pipeline function builds when it is compiled: calls of steps give handles, and handles given to steps are edges."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from dovetail.not_yet_a_value import NotYetAValue, unknown
from dovetail.parameters import encode
from dovetail.signature import REQUIRED, Input, Output
from dovetail.wiring import assignable, element, shown
from dovetail_core import ConfigError, InvalidArgument, closest

if TYPE_CHECKING:
    from dovetail.options import StepOptions
    from dovetail.steps import Step

building: contextvars.ContextVar[Graph | None] = contextvars.ContextVar("building", default=None)


class OutputHandle(NotYetAValue):
    """An output of a step in a pipeline that is being compiled; its value exists only when the step has run."""

    def __init__(self, step: str, output: Output) -> None:
        super().__init__(step)
        self.step = step
        self.output = output

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        unknown(self.step)

    def __repr__(self) -> str:
        return f"<output {self.output.name} of step {self.step}>"


class StepHandle(NotYetAValue):
    """A step in a pipeline that is being compiled. Outputs are attributes, and items in order; with one output it stands for that one."""

    def __init__(self, name: str, outputs: tuple[Output, ...]) -> None:
        super().__init__(name)
        self._outputs = {output.name: OutputHandle(name, output) for output in outputs}

    def __getattr__(self, name: str) -> OutputHandle:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._outputs:
            outputs = ", ".join(self._outputs) or "none"
            raise ConfigError(f"step '{self._name}' has no output '{name}'{closest(name, self._outputs)}", remedy=f"outputs: {outputs}")
        return self._outputs[name]

    def __iter__(self) -> Iterator[OutputHandle]:
        if len(self._outputs) == 1:
            unknown(self._name)
        return iter(self._outputs.values())

    def __repr__(self) -> str:
        return f"<call of step {self._name}>"


@dataclass
class Node:
    """One step of the graph."""

    name: str
    step: Step[..., Any]
    options: StepOptions
    """The step's own, with those of pipelines that were called inside of the one that is compiled."""
    edges: dict[str, list[OutputHandle]] = field(default_factory=dict)
    """Per argument, the outputs it is given."""
    collected: set[str] = field(default_factory=set)
    """Arguments that take a list of outputs."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Per argument, a value as JSON data."""
    after: list[str] = field(default_factory=list)

    def upstream(self) -> tuple[str, ...]:
        """Return the steps that must have succeeded before this one, each once, in the order of the arguments."""
        names = [handle.step for handles in self.edges.values() for handle in handles]
        return tuple(dict.fromkeys([*names, *self.after]))


@dataclass
class Part:
    """The steps of one call of a pipeline's function, by the names that they have there."""

    overrides: Mapping[str, Mapping[str, Any]]
    """Values for arguments of steps, by step, that win over those in the pipeline function."""
    nodes: dict[str, Node] = field(default_factory=dict)

    def free(self, name: str) -> str:
        """Return the name that a step gets: its own, or with a number if that is taken."""
        if name not in self.nodes:
            return name
        return next(candidate for number in range(2, len(self.nodes) + 3) if (candidate := f"{name}_{number}") not in self.nodes)


class Graph:
    """The steps of a pipeline, in the order in which they were called, which is an order in which they can run."""

    def __init__(self, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._parts = [Part(overrides or {})]
        """The pipelines that are being called, the outermost first."""

    @property
    def nodes(self) -> dict[str, Node]:
        """All steps, by name."""
        return self._parts[0].nodes

    @contextlib.contextmanager
    def part(self, overrides: Mapping[str, Mapping[str, Any]]) -> Iterator[Part]:
        """Within the block, the steps that are added are also those of a pipeline that is called inside of the others."""
        self._parts.append(Part(overrides))
        try:
            yield self._parts[-1]
        finally:
            self._parts.pop()

    def add(self, step: Step[..., Any], arguments: Mapping[str, Any], after: Iterable[Any] = (), name: str = "") -> StepHandle:
        """Add a call of a step. Raises `ConfigError` for wrong wiring, naming step, argument and both types."""
        names = [part.free(name or step.name) for part in self._parts]
        node = Node(names[0], step, step.options)
        given = dict(arguments)
        for part, known in reversed(list(zip(self._parts, names, strict=True))):
            given |= part.overrides.get(known, {})
        self._refuse_unknown(node, given)
        for argument in step.signature.inputs.values():
            self._bind(node, argument, given.get(argument.name, argument.default))
        node.after = [_step_of(handle, node.name) for handle in after]
        for part, known in zip(self._parts, names, strict=True):
            part.nodes[known] = node
        return StepHandle(node.name, step.signature.outputs)

    def _refuse_unknown(self, node: Node, given: Mapping[str, Any]) -> None:
        known = node.step.signature.inputs
        for name in given:
            if name not in known:
                takes = f"it takes {', '.join(known)}" if known else "it takes no arguments"
                raise ConfigError(f"step '{node.name}' has no argument '{name}'{closest(name, known)}", remedy=takes)

    def _bind(self, node: Node, argument: Input, value: Any) -> None:
        handles = _handles(value, node, argument)
        if handles is None:
            if value is REQUIRED:
                raise ConfigError(f"step '{node.name}': argument '{argument.name}' is missing", remedy="give it a value or a step's output")
            _refuse_outputs_within(value, node, argument)
            node.parameters[argument.name] = encode(value, argument.annotation, f"step '{node.name}', argument '{argument.name}'")
            return
        target = argument.annotation
        if isinstance(value, (list, tuple)):
            node.collected.add(argument.name)
            target = element(target)
        for handle in handles:
            self._check(node, argument, handle, target)
        node.edges[argument.name] = handles

    def _check(self, node: Node, argument: Input, handle: OutputHandle, target: Any) -> None:
        if handle.step not in self.nodes:
            raise ConfigError(
                f"step '{node.name}', argument '{argument.name}': the output of '{handle.step}' belongs to another pipeline",
                remedy="call the step in this pipeline",
            )
        if target is None or not assignable(handle.output.annotation, target):
            wanted = shown(argument.annotation)
            given = shown(handle.output.annotation) + (" (several of them)" if argument.name in node.collected else "")
            raise ConfigError(
                f"step '{node.name}', argument '{argument.name}' takes {wanted}, and output '{handle.output.name}' of step '{handle.step}' is {given}",
                remedy="give it an output of that type, or change one of the annotations",
            )


def _handles(value: Any, node: Node, argument: Input) -> list[OutputHandle] | None:
    """Return the outputs that an argument is given, or None if it is given a plain value."""
    if isinstance(value, (StepHandle, OutputHandle)):
        return [_single(value, node, argument)]
    if isinstance(value, (list, tuple)) and any(isinstance(item, (StepHandle, OutputHandle)) for item in value):
        if not all(isinstance(item, (StepHandle, OutputHandle)) for item in value):
            raise ConfigError(
                f"step '{node.name}', argument '{argument.name}' is given outputs of steps and plain values in one list",
                remedy="pass the plain values in another argument, or let a step return them",
            )
        return [_single(item, node, argument) for item in value]
    return None


def _refuse_outputs_within(value: Any, node: Node, argument: Input) -> None:
    """Raise `ConfigError` if a step's output is somewhere inside of a plain value, where no edge leads."""
    if isinstance(value, NotYetAValue):
        raise ConfigError(
            f"step '{node.name}', argument '{argument.name}' is given {value!r} inside of another value",
            remedy="give it the output itself or a list of outputs, or make the value in a step",
        )
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple, set, frozenset)) else ()
    for item in inner:
        _refuse_outputs_within(item, node, argument)


def _single(value: StepHandle | OutputHandle, node: Node, argument: Input) -> OutputHandle:
    if isinstance(value, OutputHandle):
        return value
    if len(value._outputs) != 1:
        names = ", ".join(value._outputs) or "none"
        raise ConfigError(
            f"step '{node.name}', argument '{argument.name}': step '{value._name}' has {len(value._outputs)} outputs ({names})",
            remedy=f"name one of them: {value._name}.{next(iter(value._outputs))}" if value._outputs else "return something from it",
        )
    return next(iter(value._outputs.values()))


def _step_of(handle: Any, name: str) -> str:
    if isinstance(handle, StepHandle):
        return handle._name
    if isinstance(handle, OutputHandle):
        return handle.step
    raise InvalidArgument(
        f"step '{name}': after= takes calls of steps, not {type(handle).__name__}", remedy="pass what the step's call returned"
    )
