"""How states advance: what may follow what, and when a repeated call is a success rather than a conflict."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from dovetail_core import Conflict, Failure
from dovetail_metadata_store.records import Attempt, Owner, Run, State, StepRun

RUN_STATES = (State.PENDING, State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED)
STEP_ENDS = (State.FAILED, State.CANCELLED, State.SKIPPED)
LOST = Failure("Lost", "the attempt ended without a word, and another one began")

_FOLLOWERS = {
    State.PENDING: frozenset({State.RUNNING, State.FAILED, State.CANCELLED}),
    State.RUNNING: frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED}),
}


def run_advances(run: Run, state: State, expected: Collection[State] | None, owner: Owner | None, failure: Failure | None) -> bool:
    """Return whether `run` is to be changed: False if it is so already. Raises `Conflict`, with the current state, if it may not be."""
    if run.state is state and (owner is None or owner == run.owner) and failure == run.failure:
        return False
    if state not in _FOLLOWERS.get(run.state, ()):
        raise run_conflict(run, f"cannot become {state.value}")
    if expected is not None and run.state not in expected:
        raise run_conflict(run, f"was expected to be {' or '.join(sorted(expected)) or 'in no state'}")
    return True


def step_begins(step: StepRun, attempts: Sequence[Attempt], run: Run, attempt: int) -> bool:
    """Return whether the attempt is to be begun: False if it has begun already. Raises `Conflict` if it may not begin."""
    if run.state.terminal:
        raise run_conflict(run, f"begins no step, and attempt {attempt} of '{step.name}' was to begin")
    if step.state.terminal or attempt < step.attempt:
        raise step_conflict(step, f"cannot begin attempt {attempt}")
    if attempt > step.attempt:
        return True
    if not _under_way(attempts, attempt):
        raise step_conflict(step, f"cannot begin attempt {attempt}, which has ended")
    return False


def step_ends(step: StepRun, attempts: Sequence[Attempt], attempt: int, state: State, failure: Failure | None, final: bool) -> bool:
    """Return whether the end of an attempt is to be recorded: False if it is already. Raises `Conflict` if it may not be."""
    ended = next((one for one in attempts if one.number == attempt and one.state is not State.RUNNING), None)
    if not final and ended is not None:
        if (ended.state, ended.failure) == (state, failure):
            return False
        raise step_conflict(step, f"cannot record attempt {attempt} as {state.value}: it was recorded as {ended.state.value}")
    if step.state.terminal:
        if final and (step.state, step.attempt, step.failure) == (state, attempt, failure):
            return False
        raise step_conflict(step, f"cannot become {state.value}")
    if attempt < step.attempt:
        raise step_conflict(step, f"cannot end attempt {attempt}, which is outdated")
    return True


def run_conflict(run: Run, problem: str, remedy: str = "read the run again") -> Conflict:
    """Return the error for a change of a run that may not be, with the run's state in its details."""
    return Conflict(f"run '{run.name}' is {run.state.value} and {problem}", remedy=remedy, **_details(run.state))


def step_conflict(step: StepRun, problem: str) -> Conflict:
    """Return the error for a change of a step that may not be, with the step's state and attempt in its details."""
    at = f"{step.state.value}, attempt {step.attempt}" if step.attempt else step.state.value
    return Conflict(
        f"step '{step.name}' of run {step.run_id} is {at} and {problem}",
        remedy="read the step again",
        attempt=step.attempt,
        **_details(step.state),
    )


def _details(state: State) -> dict[str, Any]:
    return {"state": state}


def _under_way(attempts: Sequence[Attempt], number: int) -> bool:
    return any(one.number == number and one.state is State.RUNNING for one in attempts)
