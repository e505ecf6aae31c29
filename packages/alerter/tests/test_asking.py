"""Questions in memory, as tests of pipelines ask them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dovetail_alerter import InMemoryAlerter, Message, Posted, Question, Reply
from dovetail_alerter.memory import forget
from dovetail_conformance import until
from dovetail_core import Cancelled, InvalidArgument, NotFound, Timeout, utcnow


@pytest.fixture
def alerter() -> Iterator[InMemoryAlerter]:
    with InMemoryAlerter(space="asking", groups={"admins": ["ada", "bob"], "empty": []}) as made:
        yield made
    forget("asking")


def test_an_answer_may_be_given_in_advance() -> None:
    with InMemoryAlerter(space="advance", answer="yes", answered_by="ada") as alerter:
        answer = alerter.ask(Question("Deploy?"), approvers=["ada"])
        assert (answer.approved, answer.by, answer.text) == (True, "ada", "yes")
        with pytest.raises(Timeout):
            alerter.ask(Question("Deploy?"), approvers=["bob"], timeout=0.05)
    forget("advance")


def test_a_group_stands_for_its_members(alerter: InMemoryAlerter) -> None:
    def answer() -> None:
        until(lambda: alerter.questions)
        alerter.reply("approve", by="eve")
        alerter.reply("reject", by="bob")

    threading.Thread(target=answer).start()
    assert alerter.ask(Question("Deploy?"), approvers=["admins"], timeout=20).by == "bob"
    assert alerter.questions == ()


@pytest.mark.parametrize(
    "arguments",
    [{"timeout": 0}, {"timeout": True}, {"timeout": float("nan")}, {"approvers": "ada"}, {"approvers": [""]}, {"approvers": ["empty"]}],
)
def test_wrong_arguments_are_refused_before_anything_is_asked(alerter: InMemoryAlerter, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        alerter.ask(Question("Deploy?"), **arguments)
    with pytest.raises(InvalidArgument):
        alerter.ask("Deploy?")  # type: ignore[arg-type]
    assert alerter.outbox == ()


def test_nobody_can_answer_what_was_not_asked(alerter: InMemoryAlerter) -> None:
    with pytest.raises(NotFound):
        alerter.reply("yes", by="ada")


def test_what_breaks_off_the_waiting_is_raised_and_the_question_is_closed() -> None:
    class Breaking(InMemoryAlerter):
        def _replies(self, message: Message, posted: Posted, target: str, deadline: float) -> Iterator[Reply]:
            yield Reply("ada", "hm", utcnow())
            raise Cancelled("the connection was closed")

    with Breaking(space="breaking") as alerter:
        with pytest.raises(Cancelled):
            alerter.ask(Question("Deploy?"))
        assert alerter.questions == ()
    forget("breaking")


def test_an_answer_after_the_deadline_is_none() -> None:
    class Late(InMemoryAlerter):
        def _replies(self, message: Message, posted: Posted, target: str, deadline: float) -> Iterator[Reply]:
            yield from ()
            threading.Event().wait(0.1)
            yield Reply("ada", "yes", utcnow())

    with Late(space="late") as alerter, pytest.raises(Timeout):
        alerter.ask(Question("Deploy?"), timeout=0.05)
    forget("late")
