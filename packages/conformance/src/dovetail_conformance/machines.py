"""Runs state machines against an oracle."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from dovetail_conformance.effort import Effort
from dovetail_conformance.outcomes import RuleFailure

_PHASES = (Phase.explicit, Phase.generate, Phase.shrink)


def run_machine(machine: Callable[[], RuleBasedStateMachine], effort: Effort, start: int, *, shrink: bool = True) -> None:
    """Run a state machine as hard as the effort says, beginning with a seed; `machine` makes one on an empty namespace each time.

    Without `shrink` the first failure is said as it was found: for machines that wait, where each smaller example would wait as long.
    Its rules compare by `check` or `assert`. More than one failure at once is a failure of the rule all the same.
    """
    chosen = settings(
        max_examples=effort.pick(15, 60, 300),
        stateful_step_count=effort.pick(15, 30, 50),
        deadline=None,
        database=None,
        phases=_PHASES if shrink else _PHASES[:-1],
        report_multiple_bugs=shrink,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    try:
        run_state_machine_as_test(seed(start)(_Factory(machine)), settings=chosen)  # type: ignore[arg-type]
    except BaseExceptionGroup as group:
        if group.split(AssertionError)[1] is not None:
            raise
        raise RuleFailure("ran the state machine", "; ".join(str(error) for error in group.exceptions)) from group


class _Factory:
    """Makes machines; an object, since Hypothesis keeps the seed on it."""

    def __init__(self, machine: Callable[[], RuleBasedStateMachine]) -> None:
        self._machine = machine

    def __call__(self) -> RuleBasedStateMachine:
        return self._machine()
