"""Judges what came of a rule's body."""

from __future__ import annotations

from dovetail_conformance.contract import Contract
from dovetail_conformance.harness import Harness
from dovetail_conformance.outcomes import Blocked, Deviation, HarnessError, Outcome, RuleFailure, Untested, Verdict
from dovetail_conformance.rules import AROUND_EVERY_RULE, Rule
from dovetail_core.errors import Unsupported


class Judge:
    """Judges the rules of one contract, run with one harness."""

    def __init__(self, contract: type[Contract], harness: Harness) -> None:
        self._harness = harness
        self._deviations = {**harness.deviations, **contract.deviations}
        self._interface = contract.interface or harness.flavor.interface

    def unready(self, rule: Rule) -> str:
        """Return why this environment cannot show a rule, or nothing."""
        if reason := self._harness.lacks.get(rule.id):
            return reason
        missing = [hook for hook in rule.hooks if not self._harness.has(hook)]
        return f"the harness has no `{missing[0]}`" if missing else ""

    def deviation(self, rule: Rule) -> Deviation | None:
        """Return the deviation that is declared from a rule."""
        return self._deviations.get(rule.id)

    def verdict(self, rule: Rule, error: BaseException | None) -> Verdict:
        """Return what is to be said of a rule whose body ended with `error`, or well."""
        match error:
            case Untested():
                return Verdict(Outcome.UNTESTED, str(error))
            case Blocked():
                return Verdict(Outcome.BLOCKED, str(error))
            case HarnessError():
                return Verdict(Outcome.ERROR, f"{type(error).__name__}: {error}")
        undeclared = [capability for capability in rule.needs if capability not in self._harness.capabilities]
        verdict = _of_absence(rule, error, undeclared[0].name) if undeclared else _of_promise(rule, error)
        return self.softened(rule, verdict)

    def within_budget(self, rule: Rule, verdict: Verdict, requests: int | None) -> Verdict:
        """Return a verdict, or the advisory that a rule that holds took more requests than it should."""
        if verdict.outcome is not Outcome.PASSED or rule.budget is None or requests is None or requests <= rule.budget:
            return verdict
        failure = RuleFailure("ran the rule", f"{requests} requests; its budget is {rule.budget}", "ask the backend less often")
        return Verdict(Outcome.ADVISORY, failure_text(rule, failure))

    def softened(self, rule: Rule, verdict: Verdict) -> Verdict:
        """Return a verdict as what is declared makes it: a deviation, or an advisory where the rule is newer than the flavor's interface."""
        deviation = self.deviation(rule)
        if deviation is not None and (
            verdict.outcome is Outcome.FAILED or (verdict.outcome is Outcome.PASSED and _by_chance(rule, deviation))
        ):
            return Verdict(Outcome.DEVIATION, f"{deviation.reason} (owner: {deviation.owner}) {deviation.link}".strip())
        if deviation is not None and verdict.outcome in (Outcome.PASSED, Outcome.ABSENT):
            came = f"it is declared as a deviation ({deviation.reason}), and the rule is kept"
            mend = "remove the deviation" + ("" if deviation.seed is None else ", or name a seed and an effort with which it shows")
            return Verdict(Outcome.FAILED, failure_text(rule, RuleFailure("ran the rule", came, mend)))
        if verdict.outcome is Outcome.FAILED and (rule.advisory or newer(rule.since, self._interface)):
            return Verdict(Outcome.ADVISORY, verdict.detail)
        return verdict


def _by_chance(rule: Rule, deviation: Deviation) -> bool:
    """Tell whether a rule that holds once may be deviated from all the same."""
    return rule.id in AROUND_EVERY_RULE or (rule.kind == "machine" and deviation.seed is None)


def _of_promise(rule: Rule, error: BaseException | None) -> Verdict:
    if error is None:
        return Verdict(Outcome.PASSED)
    if isinstance(error, Unsupported):
        needed = ", ".join(capability.name for capability in rule.needs)
        mend = f"make it work, or do not declare {needed}" if needed else "every flavor must do this: there is no capability to leave out"
        return Verdict(Outcome.FAILED, failure_text(rule, RuleFailure("called what the flavor declares", f"Unsupported: {error}", mend)))
    if isinstance(error, AssertionError):
        return Verdict(Outcome.FAILED, failure_text(rule, error))
    return Verdict(Outcome.FAILED, failure_text(rule, error), crashed=True)


def _of_absence(rule: Rule, error: BaseException | None, capability: str) -> Verdict:
    if isinstance(error, Unsupported):
        return Verdict(Outcome.ABSENT, f"{capability} is not declared")
    came = "it worked" if error is None else f"{type(error).__name__}: {error}"
    mend = f"raise Unsupported before anything is done, or declare {capability} and keep the rule"
    return Verdict(Outcome.FAILED, failure_text(rule, RuleFailure(f"used {capability}, which is not declared", came, mend)))


def failure_text(rule: Rule, error: BaseException) -> str:
    """Return the message of a rule that does not hold: the rule, what was done, what came, the ways out, where to read on."""
    lines = [f"{rule.id}: {rule.text}"]
    if isinstance(error, RuleFailure):
        lines += [f"  done: {error.did}", f"  came: {error.came}"]
        lines += [f"  mend: {error.mend}"] if error.mend else []
    else:
        lines.append(f"  came: {type(error).__name__}: {error}")
    return "\n".join([*lines, f"  more: dovetail conformance explain {rule.id}"])


def newer(since: str, interface: str) -> bool:
    """Tell whether a rule came with a later version of the interface than another one."""
    return _numbers(since) > _numbers(interface)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
