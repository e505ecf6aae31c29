"""Pipelines: functions that call steps."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from dovetail.compilation import Compiled, compile_pipeline
from dovetail.graph import building
from dovetail.nesting import called_in
from dovetail.options import RunOptions, merged, read_run_configuration
from dovetail.signature import Signature, signature_of
from dovetail.steps import Hook, _local_names, checked_name
from dovetail_core import InvalidArgument

if TYPE_CHECKING:
    from dovetail.execution.events import Watcher
    from dovetail.history import RunView
    from dovetail_core.stack_instance import Stack


class Pipeline:
    """A function that calls steps. Called, it runs on the chosen stack and returns the run; called inside another pipeline, its steps become part of that one."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str = "",
        options: RunOptions | None = None,
        on_success: Hook | None = None,
        on_failure: Hook | None = None,
        stack: Stack | None = None,
        names: Mapping[str, Any] | None = None,
    ) -> None:
        self.function = function
        self.name: str = checked_name(name or function.__name__, "pipeline")
        self.options: RunOptions = options or RunOptions()
        self.on_success = on_success
        self.on_failure = on_failure
        self._stack = stack
        self._names = names
        functools.update_wrapper(self, function)

    @property
    def has_stack(self) -> bool:
        """Whether it has a `Stack` to run on."""
        return self._stack is not None

    @functools.cached_property
    def signature(self) -> Signature:
        """What the pipeline takes."""
        return signature_of(self.function, self._names)

    def __call__(self, **parameters: Any) -> Any:
        if (graph := building.get()) is not None:
            return called_in(graph, self, parameters)
        return self.with_options(parameters=parameters).run()

    def with_options(
        self,
        *,
        config: str | Path | None = None,
        stack: str | Stack | None = None,
        on_success: Hook | None = None,
        on_failure: Hook | None = None,
        **options: Any,
    ) -> Pipeline:
        """Return the pipeline with other options: those of `RunOptions`, or the ones in the YAML file `config`, over which the others win.

        `stack` is the name of a stack of the project, or a `Stack`. Unknown options are refused by name. Raises `ConfigError`.
        """
        what = f"pipeline '{self.name}'"
        chosen = self.options
        configured = {} if config is None else read_run_configuration(Path(config))
        chosen = merged(RunOptions, chosen, configured, f"run configuration {config}")
        if isinstance(stack, str):
            options["stack"] = stack
        named = options.get("stack") or configured.get("stack")
        given = None if isinstance(stack, str) else stack
        chosen = merged(RunOptions, chosen, {name: value for name, value in options.items() if value is not None}, what)
        return Pipeline(
            self.function,
            name=self.name,
            options=chosen,
            on_success=on_success or self.on_success,
            on_failure=on_failure or self.on_failure,
            stack=given or (None if named else self._stack),
            names=self._names,
        )

    def compile(self) -> Compiled:
        """Return the plan that a run would execute. Raises `ConfigError` for wrong wiring, parameters and options."""
        return compile_pipeline(self.name, self.function, self.signature, self.options)

    def run(self, *, resume: str = "", on_event: Watcher | None = None) -> RunView:
        """Run the pipeline and return the run once it succeeded.

        `resume` is the name or id of a run that did not succeed: its options hold where this pipeline sets none, and what it committed is
        not executed again, unless it is given something else now. `on_event` is called with each
        `RunEvent` and `StepEvent`. Raises `RunFailed` if a step fails, and `ConfigError` before anything happens if something is wrong.
        """
        from dovetail.runner import run_pipeline

        return run_pipeline(self, self._stack, resume, on_event)

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"


@overload
def pipeline(function: Callable[..., Any], /) -> Pipeline: ...
@overload
def pipeline(
    *, name: str = "", on_success: Hook | None = None, on_failure: Hook | None = None, **options: Any
) -> Callable[[Callable[..., Any]], Pipeline]: ...
def pipeline(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str = "",
    on_success: Hook | None = None,
    on_failure: Hook | None = None,
    **options: Any,
) -> Any:
    """Make a function a pipeline. `options` are those of `RunOptions`: stack, run_name, cache, retries, failure_mode ...

    `on_success(run)` and `on_failure(run, failure)` are called when a run has ended so; what they raise is logged.
    """
    names = _local_names(sys._getframe(1))

    def decorate(function: Callable[..., Any]) -> Pipeline:
        if not callable(function) or not hasattr(function, "__name__"):
            raise InvalidArgument(f"@pipeline takes a function, not {type(function).__name__}", remedy="decorate a function")
        checked = merged(RunOptions, RunOptions(), options, f"pipeline '{name or function.__name__}'")
        return Pipeline(function, name=name, options=checked, on_success=on_success, on_failure=on_failure, names=names)

    return decorate if function is None else decorate(function)
