"""Runs state machines against an oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from dovetail_conformance.effort import Effort
from dovetail_conformance.outcomes import RuleFailure

if TYPE_CHECKING:
    from dovetail_conformance.harness import Harness

_BATCH = 5
"""Examples between two looks at how many requests there were."""
_PHASES = (Phase.explicit, Phase.generate, Phase.shrink)


def run_machine(
    machine: Callable[[], RuleBasedStateMachine], effort: Effort, start: int, *, harness: Harness | None = None, shrink: bool = True
) -> None:
    """Run a state machine as hard as the effort says, beginning with a seed; `machine` makes one on an empty namespace each time.

    Where the harness has a proxy, no more examples begin after 1000 (quick), 1500 (standard) or 30 000 (full) requests: what takes
    seconds in a process takes many minutes before a slow server.
    Without `shrink` the first failure is said as it was found: for machines that wait, where each smaller example would wait as long.
    Its rules compare by `check` or `assert`. More than one failure at once is a failure of the rule all the same.
    """
    proxy = harness.proxy if harness is not None and harness.has("proxy") else None
    examples = effort.pick(15, 60, 300)
    batch = examples if proxy is None else _BATCH
    chosen = settings(
        max_examples=batch,
        stateful_step_count=effort.pick(15, 30, 50),
        deadline=None,
        database=None,
        phases=_PHASES if shrink else _PHASES[:-1],
        report_multiple_bugs=shrink,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    last = 0 if proxy is None else proxy.count + effort.pick(1000, 1500, 30_000)
    for begun in range(0, examples, batch):
        if proxy is not None and proxy.count > last:
            return
        _run_batch(machine, start + begun, chosen)


def _run_batch(machine: Callable[[], RuleBasedStateMachine], start: int, chosen: settings) -> None:
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
