"""What a hook plugin may implement: a module or object offered under the entry-point group `dovetail.hooks.v1`.

Mark implementations with `hookimpl`, from this module. An implementation that raises is logged, and hides or fails nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from dovetail_core.events import RunEvent, StepEvent
    from dovetail_core.stack import Finding, StackSpec

PROJECT = "dovetail"
hookspec: pluggy.HookspecMarker = pluggy.HookspecMarker(PROJECT)
hookimpl: pluggy.HookimplMarker = pluggy.HookimplMarker(PROJECT)


@hookspec
def dovetail_run_event(event: RunEvent, stack: Any) -> None:
    """A run of a pipeline began or ended. `stack` is the stack that it runs on."""


@hookspec
def dovetail_step_event(event: StepEvent, stack: Any) -> None:
    """A step of a run began, ended, or will be tried again.

    Called in the process that executes the run, also for a step that has a process of its own, and there in any thread, of several
    steps at the same time.
    """


@hookspec
def dovetail_validate_stack(spec: StackSpec) -> Iterable[Finding]:
    """Return what is wrong with a stack; no network."""
    return ()


@hookspec
def dovetail_materializers() -> Iterable[Any]:
    """Return materializer classes; they are asked before the built-in ones."""
    return ()


@hookspec
def dovetail_commands() -> Iterable[Any]:
    """Return click commands to add to `dovetail`."""
    return ()
