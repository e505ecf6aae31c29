"""How hard state machines are run."""

from __future__ import annotations

from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import rule as step
from wired_gauge import WiredHarness

from dovetail_conformance import Effort, run_machine


class Reader(RuleBasedStateMachine):
    """Asks a server nine times in each step, or nothing."""

    begun = 0
    harness: WiredHarness | None = None

    def __init__(self) -> None:
        super().__init__()
        type(self).begun += 1
        self.component = self.harness.make() if self.harness else None

    @step()
    def read(self) -> None:
        for _ in range(9 if self.component else 0):
            self.component.readings()


def test_before_a_server_a_machine_ends_after_some_requests() -> None:
    class Own(Reader):
        pass

    with WiredHarness() as Own.harness:
        before = Own.harness.proxy.count
        run_machine(Own, Effort.QUICK, 1, harness=Own.harness)
        asked = Own.harness.proxy.count - before
    assert 5 <= Own.begun < 15, "it ran as many examples as without a server"
    assert 1000 < asked < 1000 + 5 * 15 * 9 * 2


def test_without_a_server_a_machine_runs_all_its_examples() -> None:
    class Own(Reader):
        pass

    run_machine(Own, Effort.STANDARD, 1)
    assert Own.begun >= 60
