"""Whatever is done, exactly the alerts that were posted arrive."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition
from hypothesis.stateful import rule as step

from dovetail_alerter.alerts import Alert
from dovetail_alerter.capabilities import AlerterCapability as Capability
from dovetail_alerter.contract.harness import AlerterHarness
from dovetail_alerter.contract.samples import prose, unique
from dovetail_alerter.interface import Alerter
from dovetail_alerter.receipts import PartialDelivery, Receipt
from dovetail_conformance import Effort, Untested, rule, run_machine
from dovetail_core.errors import DovetailError

_LONG = 3  # of alerts of several messages in one sequence: they take their time


class MachineRules:
    """The rule about everything at once."""

    @rule("AL-27", severity=1, kind="machine")
    def test_exactly_what_was_posted_arrives(self, harness: AlerterHarness, effort: Effort, seed: int) -> None:
        """Whatever is posted, refused and posted again, the provider has exactly the messages that receipts say were accepted, in their order."""
        run_machine(lambda: AlerterMachine(harness), effort, seed, harness=harness)


class AlerterMachine(RuleBasedStateMachine):
    """Keeps a list of the titles that must have arrived, and compares."""

    def __init__(self, harness: AlerterHarness) -> None:
        super().__init__()
        self.harness = harness
        self.alerter: Alerter = harness.make()
        self.arrived: list[str] = []
        self.unfinished: list[Receipt] = []
        self.long: int = 0

    def teardown(self) -> None:
        self.alerter.close()

    def expect(self, call: Callable[[], Receipt], before: int) -> None:
        """Call, and note what its receipt says arrived beyond the parts that were there."""
        try:
            receipt = call()
        except PartialDelivery as error:
            receipt = error.receipt
            self.unfinished.append(receipt)
        except DovetailError:
            return
        delivery = receipt.deliveries[0]
        self.arrived += [_title(receipt.alert.title, part, delivery.parts) for part in range(before + 1, len(delivery.messages) + 1)]

    @step(
        fields=st.dictionaries(st.sampled_from("abc"), st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20))
    )
    def post(self, fields: dict[str, str]) -> None:
        sent = Alert(unique(), "body", fields=fields)
        self.expect(lambda: self.alerter.post(sent), 0)
        assert self.arrived[-1:] == [sent.title], "an alert that nothing refused was not accepted"

    @precondition(lambda self: self.long < _LONG)
    @step(tenths=st.integers(10, 19))
    def post_long(self, tenths: int) -> None:
        self.long += 1
        sent = Alert(unique(), prose(self.alerter.limits.body * tenths // 10))
        self.expect(lambda: self.alerter.post(sent), 0)

    @precondition(lambda self: self.long < _LONG and self.harness.refusals)
    @step(after=st.integers(0, 1))
    def be_refused(self, after: int) -> None:
        self.long += 1
        sent = Alert(unique(), prose(self.alerter.limits.body * 3 // 2))
        with suppress(Untested), self.harness.refuse(self.alerter, next(iter(self.harness.refusals)), after=after):
            self.expect(lambda: self.alerter.post(sent), 0)

    @precondition(lambda self: self.unfinished)
    @step()
    def retry(self) -> None:
        receipt = self.unfinished.pop()
        self.expect(lambda: self.alerter.retry(receipt), len(receipt.deliveries[0].messages))

    @precondition(lambda self: Capability.THREADS in self.alerter.capabilities)
    @step(number=st.integers(0, 2))
    def post_in_a_thread(self, number: int) -> None:
        sent = Alert(unique(), thread=f"thread {number}")
        self.expect(lambda: self.alerter.post(sent), 0)

    @invariant()
    def everything_is_there(self) -> None:
        """Compare the titles of what arrived, in their order."""
        assert [message.title for message in self.harness.received(self.alerter)] == self.arrived


def _title(title: str, part: int, parts: int) -> str:
    return f"{title} ({part}/{parts})" if parts > 1 else title
