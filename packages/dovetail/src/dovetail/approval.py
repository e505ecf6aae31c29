"""Approval by people, in the midst of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dovetail.execution.context import StepContext, step_context
from dovetail_alerter import Alerter, AlerterCapability, Answer, Question
from dovetail_core import ConfigError, DovetailError, Timeout, closest


class NotApproved(DovetailError):
    """Somebody rejected what a step asked, or nobody answered in time."""


def decide(question: Question, timeout: float, approvers: Iterable[str], alerter: str, required: bool) -> bool:
    """Ask people, record who answered what and when in the step's metadata, and return whether it was approved.

    With `required`, raises `NotApproved` for a rejection and for no answer in time; without, those are False. Raises `ConfigError` if
    the stack has no alerter that can ask.
    """
    context = step_context()
    chosen = _asking(context, alerter)
    if AlerterCapability.THREADS in chosen.capabilities:
        question = replace(question, thread=context.run.id)
    try:
        answer = chosen.ask(question, timeout=timeout, approvers=tuple(approvers))
    except Timeout as error:
        context.add_metadata(answer={"approved": False, "asked": question.title, "alerter": chosen.name, "within": timeout})
        return _refused(f"nobody answered '{question.title}' within {timeout:g} s", required, error)
    context.add_metadata(answer=_recorded(answer, question, chosen))
    if answer.approved:
        return True
    return _refused(f"{answer.name or answer.by} answered '{question.title}' with '{answer.text}'", required, None)


def _refused(why: str, required: bool, cause: Exception | None) -> bool:
    if required:
        raise NotApproved(why, remedy="run the pipeline again, or resume the run, to ask again", retryable=False) from cause
    return False


def _recorded(answer: Answer, question: Question, alerter: Alerter) -> dict[str, object]:
    return {
        "approved": answer.approved,
        "asked": question.title,
        "by": answer.by,
        "name": answer.name,
        "at": answer.at.isoformat(),
        "text": answer.text,
        "alerter": alerter.name,
    }


def _asking(context: StepContext, name: str) -> Alerter:
    """Return the alerter of that name, or the first of the stack that can ask."""
    stack = context.stack
    specs = stack.spec.of("alerter")
    names = [spec.name for spec in specs]
    if name and name not in names:
        raise ConfigError(
            f"step '{context.step}': stack '{stack.name}' has no alerter '{name}'{closest(name, names)}",
            remedy=f"alerters: {', '.join(names) or 'none'}",
        )
    for spec in specs:
        alerter = stack.component(spec)
        if isinstance(alerter, Alerter) and spec.name == (name or spec.name) and (name or AlerterCapability.ASK in alerter.capabilities):
            return alerter
    raise ConfigError(
        f"step '{context.step}' asks people, and stack '{stack.name}' has no alerter that can ask",
        remedy=f"dovetail stack update {stack.name} --alerter NAME",
    )
