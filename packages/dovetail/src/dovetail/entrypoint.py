"""Executes one step of a run in a process of its own, from nothing but the run's id, the step's name, and the stack's description.

    python -m dovetail.entrypoint RUN_ID STEP [--attempt N] [--stack FILE]

The description is JSON: {"stack": ..., "flavors": ...}; without --stack it is taken from the environment variable DOVETAIL_STACK.
The code is the archive that the run's plan names; where the project itself has the same, it is imported from there.
Exit code 0: the step is committed; 1: it failed, and the failure is recorded.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dovetail.code import find
from dovetail.code_archive import code_directory
from dovetail.execution.launcher import STACK_VARIABLE
from dovetail.execution.session import Function, RunSession
from dovetail.execution.step_execution import StepExecution
from dovetail.plan import RunPlan
from dovetail.signature import Signature
from dovetail.steps import Step
from dovetail_core import ConfigError, DovetailError, FlavorCatalog, StackSpec
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store.records import State
from dovetail_orchestrator.plan import StepState


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the step that the arguments name and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dovetail.entrypoint", description="Execute one step of a run.")
    parser.add_argument("run", help="id of the run")
    parser.add_argument("step", help="name of the step")
    parser.add_argument("--attempt", type=int, default=1, help="number of the attempt, from 1")
    parser.add_argument("--stack", type=Path, help=f"file with the stack's description; default: the variable {STACK_VARIABLE}")
    given = parser.parse_args(arguments)
    try:
        with _stack(given.stack) as stack:
            return _execute(stack, given.run, given.step, given.attempt)
    except DovetailError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


def _stack(file: Path | None) -> Stack:
    description = _description(file)
    spec = StackSpec.from_dict(description["stack"])
    return Stack(spec, FlavorCatalog(description.get("flavors") or None, Path(spec.root) if spec.root else None))


def _description(file: Path | None) -> dict[str, Any]:
    """Return what --stack or the environment says of the stack. Raises `ConfigError`; the text, which may hold secrets, is not shown."""
    where = f"--stack {file}" if file else STACK_VARIABLE
    try:
        text = file.read_text() if file else os.environ.pop(STACK_VARIABLE, "")
        description = json.loads(text) if text else None
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror}", remedy="check the path") from error
    except ValueError:
        raise ConfigError(f"{where} is no JSON", remedy="give what the run's launcher gave") from None
    if description is None:
        raise ConfigError("the stack is not described", remedy=f"give --stack FILE, or set {STACK_VARIABLE}")
    if not isinstance(description, dict) or not isinstance(description.get("stack"), dict):
        raise ConfigError(f"{where} describes no stack", remedy='it is of the form {"stack": ..., "flavors": ...}')
    return description


def _execute(stack: Stack, run_id: str, name: str, attempt: int) -> int:
    metadata: Any = stack.metadata_store
    run = metadata.get_run(run_id)
    plan = RunPlan.model_validate(metadata.get_plan(run_id))
    root = code_directory(plan.archive, plan.source_root, stack.artifact_store) if plan.archive else None
    execution = StepExecution(RunSession(run, plan, stack, lambda step: _function(plan, step, root)))
    result = execution(name, attempt)
    if result.state is StepState.FAILED:
        if result.failure is not None:
            print(result.failure.traceback or f"{result.failure.kind}: {result.failure.message}", file=sys.stderr)
        metadata.end_step(run_id, name, attempt, State.FAILED, failure=result.failure, final=False)
        return 1
    return 0


def _function(plan: RunPlan, step: str, root: Path | None) -> tuple[Function, Signature]:
    found = find(plan.step(step).code, root)
    if not isinstance(found, Step):
        raise ConfigError(
            f"'{plan.step(step).code.qualname}' of {plan.step(step).code.module} is no step any more", remedy="decorate it with @step"
        )
    return found.function, found.signature


if __name__ == "__main__":
    raise SystemExit(main())
