"""Questions, and which answers count."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from dovetail_alerter.capabilities import AlerterCapability as Capability
from dovetail_alerter.contract.harness import AlerterHarness, Arrived
from dovetail_alerter.contract.samples import having, unique
from dovetail_alerter.interface import Alerter
from dovetail_alerter.questions import Answer, Question
from dovetail_conformance import Untested, check, raises, rule, until, within
from dovetail_core.errors import DovetailError, InvalidArgument, Timeout

_SHORT = 0.3
_LONG = 60.0
_NO_ANSWERS = ("not ok", "ok?", "approve of what", "yes and no", "\u2705", "approveapprove", "Answer with 'approve' or 'reject'.")


class Asked(threading.Thread):
    """A question that is asked in a thread of its own."""

    def __init__(self, alerter: Alerter, question: Question, approvers: Sequence[str] = (), timeout: float = _LONG) -> None:
        super().__init__(daemon=True)
        self.title: str = question.title
        self.came: Any = None
        self._call: Callable[[], Answer] = lambda: alerter.ask(question, timeout=timeout, approvers=approvers)
        self.start()

    def run(self) -> None:
        try:
            self.came = self._call()
        except Exception as error:
            self.came = error

    def end(self, did: str) -> Any:
        """Return the answer, or what was raised."""
        self.join(_LONG)
        check(not self.is_alive(), did=did, came="ask() did not return", mend="hear every answer to the question")
        return self.came


class AskingRules:
    """Rules about `ask`."""

    @rule("AL-14", severity=2, needs=Capability.ASK)
    def test_a_question_that_nobody_answers_is_not_approved(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """A question is posted before anybody waits; if nobody answers in time, `Timeout` is raised, and if it cannot be posted, the refusal."""
        question = Question(unique("question"), "body", {"a": "b"})
        did = "asked, and nobody answered"
        with raises(Timeout, did=did, mend="end `_replies` at the deadline"):
            within(_LONG, lambda: alerter.ask(question, timeout=_SHORT), did=did, mend="end `_replies` at the deadline")
        there = having(harness, alerter, question.title)
        check(len(there) == 1, did="looked for the question", came=f"{len(there)} messages", mend="post it before waiting")
        for kind in harness.refusals:
            unasked = Question(unique("question"))
            did = f"asked; the provider's answer was: {kind}"
            with harness.refuse(alerter, kind), raises(DovetailError, did=did) as caught:
                within(_LONG, lambda question=unasked: alerter.ask(question, timeout=10 * _SHORT), did=did, mend="do not wait")  # type: ignore[misc]
            check(not isinstance(caught.error, Timeout), did=did, came=caught.error, mend="raise what refused it, and do not wait")

    @rule("AL-15", severity=1, needs=Capability.ASK, kind="security")
    def test_only_a_decision_of_an_approver_counts(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """A question is decided only by an answer to it, after it, by somebody who may decide, that is one of the words and nothing else."""
        with raises(InvalidArgument, did="asked with one approver given as text"):
            alerter.ask(Question("question"), approvers="somebody")
        if not harness.people:
            raise Untested("nobody can answer (`people`)")
        for word, approved in (("approve", True), ("REJECT", False)):
            self._decided(alerter, harness, word, approved)
        if len(harness.people) > 1:
            self._by_approvers(alerter, harness)

    def _decided(self, alerter: Alerter, harness: AlerterHarness, word: str, approved: bool) -> None:
        person = harness.people[0]
        with suppress(Untested):
            harness.remark(alerter, person, "approve", during=False)
        began = datetime.now(UTC)
        asked = Asked(alerter, Question(unique("question")), [person])
        message = _posted(harness, alerter, asked)
        with suppress(Untested):
            harness.remark(alerter, person, "approve", during=True)
        for text in _NO_ANSWERS:
            harness.answer(alerter, message.id, person, text)
        harness.answer(alerter, message.id, person, word)
        answer = asked.end(f"answered {word!r}")
        did = f"answered {_NO_ANSWERS} and then {word!r}, after 'approve' was said elsewhere"
        came = (answer.approved, answer.by, answer.text.strip()) if isinstance(answer, Answer) else repr(answer)
        check(came == (approved, person, word), did=did, came=came, mend="yield answers to this message only, as they were said")
        aware = answer.at.utcoffset() == timedelta(0) and began - timedelta(minutes=1) <= answer.at <= datetime.now(UTC) + timedelta(
            minutes=1
        )
        check(aware, did="looked at the time of the answer", came=answer.at.isoformat(), mend="return when it was said, in UTC")

    def _by_approvers(self, alerter: Alerter, harness: AlerterHarness) -> None:
        stranger, approver = harness.people[:2]
        asked = Asked(alerter, Question(unique("question")), [approver])
        message = _posted(harness, alerter, asked)
        harness.answer(alerter, message.id, stranger, "approve")
        harness.answer(alerter, message.id, approver, "reject")
        answer = asked.end("answered by an approver")
        came = (answer.approved, answer.by) if isinstance(answer, Answer) else repr(answer)
        did = "somebody else approved, and then an approver rejected"
        check(came == (False, approver), did=did, came=came, mend="yield the id of the person, which nobody can choose")
        unanswered = Asked(alerter, Question(unique("question")), [approver], timeout=2 * _SHORT)
        harness.answer(alerter, _posted(harness, alerter, unanswered).id, stranger, "approve")
        came = unanswered.end("approved by somebody else only")
        check(isinstance(came, Timeout), did="somebody else approved, and nobody else answered", came=came, mend="count approvers only")

    @rule("AL-35", severity=1, needs=Capability.ASK, kind="race")
    def test_questions_do_not_steal_answers(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """Of several questions at once each gets the answer that was given to it, whichever is answered first."""
        with raises(InvalidArgument, did="asked without any time to answer"):
            alerter.ask(Question("question"), timeout=0)
        if not harness.people:
            raise Untested("nobody can answer (`people`)")
        both = {Asked(alerter, Question(unique("question"))): word for word in ("reject", "approve")}
        waiting = list(both)
        if not harness.one_question_at_a_time:
            until(lambda: all(having(harness, alerter, asked.title) for asked in waiting), did="asked two questions at once")
        while waiting:
            until(lambda: any(having(harness, alerter, asked.title) for asked in waiting), did="waited for a question")
            asked = next(asked for asked in reversed(waiting) if having(harness, alerter, asked.title))
            harness.answer(alerter, having(harness, alerter, asked.title)[0].id, harness.people[0], both[asked])
            came = asked.end("answered one of two questions")
            approved = came.approved if isinstance(came, Answer) else came
            mend = "yield what answers this message, and nothing that answers another"
            check(approved == (both[asked] == "approve"), did="answered one of two questions", came=approved, mend=mend)
            waiting.remove(asked)


def _posted(harness: AlerterHarness, alerter: Alerter, asked: Asked) -> Arrived:
    until(lambda: having(harness, alerter, asked.title) or not asked.is_alive(), did="waited for the question")
    found = having(harness, alerter, asked.title)
    check(found, did="asked", came=repr(asked.came), mend="post the question before waiting")
    return found[0]
