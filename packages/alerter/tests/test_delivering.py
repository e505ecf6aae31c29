"""What is sent again, what is looked for, and what is accounted for."""

from __future__ import annotations

import pickle
import threading
import time
from typing import Any

import pytest

from dovetail_alerter import Alert, Alerter, AnswerLost, Guarantee, InMemoryAlerter, Message, PartialDelivery, Posted
from dovetail_alerter import AlerterCapability as Capability
from dovetail_alerter.memory import forget
from dovetail_alerter.throttle import Throttle
from dovetail_core import InvalidArgument, NotFound, PermissionDenied, RateLimited, Unavailable, Unsupported


class Scripted(Alerter):
    """Does at each attempt what it is told to."""

    flavor = "scripted"

    def setup(self) -> None:
        super().setup()
        self.script: list[Exception | None] = []
        self.arrived: list[str] = []
        self.attempts = 0

    def _post(self, message: Message, target: str) -> Posted:
        self.attempts += 1
        failure = self.script.pop(0) if self.script else None
        if failure is None or isinstance(failure, AnswerLost):
            self.arrived.append(message.key)
        if failure is not None:
            raise failure
        return Posted(str(self.attempts))


class Findable(Scripted):
    """Can be asked what arrived; at first it cannot."""

    flavor = "findable"
    looked: int
    blind = 0

    def _find(self, message: Message, target: str) -> Posted | None:
        if self.blind:
            self.blind -= 1
            raise Unavailable("not now")
        return Posted("found") if message.key in self.arrived else None


def test_an_answer_that_was_lost_is_found() -> None:
    alerter = Findable()
    alerter.script = [AnswerLost("lost")]
    assert alerter.post(Alert("a")).id == "found" and alerter.attempts == 1


def test_it_is_looked_for_again_before_anything_is_sent_again() -> None:
    alerter = Findable()
    alerter.script, alerter.blind = [AnswerLost("lost")], 2
    assert alerter.post(Alert("a")).id == "found" and alerter.attempts == 1


@pytest.mark.parametrize(("guarantee", "attempts"), [(Guarantee.AT_MOST_ONCE, 1), (Guarantee.AT_LEAST_ONCE, 2)])
def test_where_it_may_not_be_looked_for_the_guarantee_decides(guarantee: Guarantee, attempts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hidden(Findable):
        def _find(self, message: Message, target: str) -> Posted | None:
            raise PermissionDenied("the token may only post")

    monkeypatch.setattr(Scripted, "guarantee", guarantee)
    alerter = Hidden()
    alerter.script = [AnswerLost("lost")]
    if guarantee is Guarantee.AT_MOST_ONCE:
        with pytest.raises(PermissionDenied):
            alerter.post(Alert("a"))
    else:
        assert alerter.post(Alert("a")).id == "2"
    assert alerter.attempts == attempts


def test_looking_for_it_in_vain_does_not_take_the_place_of_sending_it() -> None:
    alerter = Findable(attempts=6)
    alerter.script, alerter.blind = [AnswerLost("lost")], 100
    assert alerter.post(Alert("a")).id == "2"
    assert alerter.blind == 97


def test_an_alert_whose_thread_cannot_be_looked_for_begins_one(caplog: pytest.LogCaptureFixture) -> None:
    class Threaded(Scripted):
        capabilities = frozenset({Capability.THREADS})

        def _find_thread(self, thread: str, target: str) -> str:
            raise RateLimited("history: not now", retry_after=30)

    alerter = Threaded()
    began = time.monotonic()
    assert alerter.post(Alert("a", thread="run 1")).id == "1"
    assert time.monotonic() - began < 5
    assert "history: not now" in caplog.text


def test_what_did_not_arrive_is_sent_again() -> None:
    class Dropping(Findable):
        def _find(self, message: Message, target: str) -> Posted | None:
            self.arrived.clear()
            return None

    alerter = Dropping()
    alerter.script = [AnswerLost("lost")]
    assert alerter.post(Alert("a")).id == "2"


@pytest.mark.parametrize(("guarantee", "attempts"), [(Guarantee.AT_MOST_ONCE, 1), (Guarantee.AT_LEAST_ONCE, 2)])
def test_without_a_way_to_know_the_guarantee_decides(guarantee: Guarantee, attempts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scripted, "guarantee", guarantee)
    alerter = Scripted()
    alerter.script = [AnswerLost("lost")]
    if guarantee is Guarantee.AT_MOST_ONCE:
        with pytest.raises(AnswerLost):
            alerter.post(Alert("a"))
    else:
        alerter.post(Alert("a"))
    assert alerter.attempts == attempts


def test_a_message_of_which_something_is_there_is_not_said_to_be_absent() -> None:
    class InTwoSteps(Scripted):
        """Shows a text, and then its files, which may be refused."""

        texts = 0

        def _post(self, message: Message, target: str) -> Posted:
            self.texts = self.texts or 1
            return super()._post(message, target)

        def _has_begun(self, message: Message, target: str) -> bool:
            return self.texts > 0

    alerter = InTwoSteps()
    alerter.script = [PermissionDenied("files may not be shared")]
    with pytest.raises(PartialDelivery, match="files may not be shared") as raised:
        alerter.post(Alert("a"))
    (delivery,) = raised.value.receipt.deliveries
    assert (delivery.begun, delivery.messages, delivery.complete) == (True, (), False)
    (delivery,) = alerter.retry(raised.value.receipt).deliveries
    assert (delivery.begun, delivery.complete) == (False, True)


def test_attempts_are_bounded() -> None:
    alerter = Scripted(attempts=3)
    alerter.script = [Unavailable("no")] * 9
    with pytest.raises(Unavailable):
        alerter.post(Alert("a"))
    assert alerter.attempts == 3


def test_a_flavor_s_own_mistake_is_raised_as_it_is() -> None:
    alerter = Scripted()
    alerter.script = [KeyError("x")]
    with pytest.raises(KeyError):
        alerter.post(Alert("a"))


@pytest.fixture
def several() -> Any:
    with InMemoryAlerter(space="several", targets=["a", "b", "c"]) as alerter:
        yield alerter
    forget("several")


def test_where_every_target_refuses_the_first_refusal_is_raised_with_the_others(several: InMemoryAlerter) -> None:
    for target in "abc":
        several.fail(NotFound(f"no {target}"), target=target)
    with pytest.raises(NotFound, match="no a") as caught:
        several.post(Alert("x"))
    assert caught.value.__notes__ == ["b: NotFound: no b", "c: NotFound: no c"]


def test_a_partial_delivery_travels_and_is_completed_elsewhere(several: InMemoryAlerter) -> None:
    several.fail(NotFound("no b"), target="b")
    with pytest.raises(PartialDelivery) as caught:
        several.post(Alert("x"))
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.receipt.delivered, error.receipt.failed) == (("a", "c"), ("b",))
    assert error.receipt.deliveries[1].failure.kind == "NotFound" and not error.retryable
    whole = InMemoryAlerter(space="several", targets=["a", "b", "c"]).retry(error.receipt)
    assert whole.delivered == ("a", "b", "c") and [sent.target for sent in several.outbox] == ["a", "c", "b"]
    with pytest.raises(InvalidArgument, match="no target 'b'"):
        InMemoryAlerter(space="several", targets=["a"]).retry(error.receipt)


def test_only_names_targets_that_there_are(several: InMemoryAlerter) -> None:
    for only in ("a", [], ["a", "z"]):
        with pytest.raises(InvalidArgument):
            several.post(Alert("x"), only=only)
    assert several.post(Alert("x"), only={"c", "a"}).delivered == ("a", "c")


def test_what_is_not_declared_is_refused_before_anything_is_sent() -> None:
    alerter = Scripted()
    for alert in (Alert("a", thread="t"), Alert("a", key="k")):
        with pytest.raises(Unsupported):
            alerter.post(alert)
    assert alerter.attempts == 0 and alerter.post(alerter.adapted(Alert("a", thread="t", key="k"))).id == "1"


def test_a_third_party_s_alerter_is_a_few_lines() -> None:
    assert Scripted().capabilities == frozenset() and Capability.ASK not in Scripted().capabilities


def test_after_a_pause_one_request_tries_and_the_others_wait_for_it() -> None:
    throttle, trying, most = Throttle(), [], []
    with pytest.raises(RateLimited), throttle.turn(time.monotonic() + 5):
        raise RateLimited("slow down", retry_after=0.1)
    first = threading.Event()

    def request() -> None:
        with throttle.turn(time.monotonic() + 5):
            trying.append(1)
            most.append(len(trying) if not first.is_set() else 0)
            first.wait(0.2)
            first.set()
            trying.pop()

    threads = [threading.Thread(target=request) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 10 and max(most) == 1


def test_no_turn_before_the_deadline_is_an_error_at_once() -> None:
    throttle = Throttle()
    with pytest.raises(RateLimited), throttle.turn(time.monotonic() + 60):
        raise RateLimited("slow down", retry_after=30)
    began = time.monotonic()
    with pytest.raises(RateLimited) as caught, throttle.turn(time.monotonic() + 1):
        raise AssertionError("there is no turn")
    assert time.monotonic() - began < 1 and 25 < (caught.value.retry_after or 0) <= 30
