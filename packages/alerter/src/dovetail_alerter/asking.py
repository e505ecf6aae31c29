"""Which reply to a question counts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from dovetail_alerter.questions import Answer, Question, Reply

log: logging.Logger = logging.getLogger("dovetail.alerter")


def first_decision(replies: Iterable[Reply], question: Question, allowed: frozenset[str], deadline: float) -> Answer | None:
    """Return the first reply that decides, of somebody in `allowed` (empty: anybody), heard before `deadline` (monotonic), or None."""
    for reply in replies:
        if time.monotonic() > deadline:
            return None
        decision = question.decision(reply.text)
        if decision is None:
            continue
        if allowed and reply.by not in allowed:
            log.info("an answer to '%s' does not count: %s is no approver", question.title, reply.by)
            continue
        return Answer(decision, reply.by, reply.at, reply.text, reply.name)
    return None
