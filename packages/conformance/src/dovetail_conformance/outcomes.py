"""How a rule can end, and the exceptions that say so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dovetail_conformance.effort import Effort


class Outcome(StrEnum):
    """How a rule ended."""

    PASSED = "passed"
    FAILED = "failed"
    ABSENT = "absent"
    """The capability is not declared, and the call properly raised `Unsupported`."""
    DEVIATION = "deviation"
    """It fails, as the flavor's author declared with a reason."""
    UNTESTED = "untested"
    """This environment cannot show it."""
    ADVISORY = "advisory"
    """It did not hold, and need not yet: it is newer than the flavor's interface, or a budget."""
    BLOCKED = "blocked"
    """Rule zero failed, so nothing else can be said."""
    ERROR = "error"
    """The suite or its environment failed, not the flavor."""


class Untested(Exception):
    """Raised by a rule, or by a hook of the harness, to say why this environment cannot show it."""


class Blocked(Exception):
    """Rule zero failed."""


class HarnessError(Exception):
    """The environment of a rule did not do what it was asked to."""


class RuleFailure(AssertionError):
    """A rule does not hold: what was done, what came, and the ways out."""

    def __init__(self, did: str, came: str, mend: str = "") -> None:
        self.did = did
        self.came = came
        self.mend = mend
        super().__init__(f"{did}: {came}")

    def __reduce__(self) -> tuple[type[RuleFailure], tuple[str, str, str]]:
        return type(self), (self.did, self.came, self.mend)


@dataclass(frozen=True)
class Deviation:
    """A rule that a flavor does not keep, said in advance: why, whose doing it is ("flavor" or "backend"), and where it is tracked.

    A rule about a state machine tries other operations with each seed, and may meet the deviation or not: it runs with this `seed` and
    `effort`, whatever those of the run, and is a failure where it holds with them. Without a seed that it holds once shows nothing.
    """

    reason: str
    owner: str
    link: str = ""
    seed: int | None = None
    """One with which it shows: what a run prints at its beginning where it was seen. For rules about state machines."""
    effort: Effort = Effort.STANDARD
    """The effort at which it shows with that seed."""

    def __post_init__(self) -> None:
        if self.owner not in ("flavor", "backend"):
            raise ValueError(f"the owner of a deviation is 'flavor' or 'backend', not {self.owner!r}")
        if not self.reason:
            raise ValueError("a deviation needs a reason")


@dataclass(frozen=True)
class Verdict:
    """What is said of a rule after it ran."""

    outcome: Outcome
    detail: str = ""
    crashed: bool = False
    """Whether it failed by an exception that no check expected: a mutant that dies so proves nothing."""
