"""What a harness of an alerter supplies beyond what every harness does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dovetail_alerter.interface import Alerter
from dovetail_conformance import Harness, Untested


@dataclass(frozen=True)
class Arrived:
    """A message as the provider has it, decoded: what a reader sees."""

    id: str
    """The provider's id, as in `Posted.id`; empty where the provider gives none that can be looked up."""
    target: str
    title: str
    text: str = ""
    """Everything below the title: body, fields, links, details, one below the other, as shown."""
    thread: str = ""
    """The id of the message that it is shown below; empty: it stands by itself."""
    attachments: Mapping[str, bytes] = field(default_factory=dict)
    pings: tuple[str, ...] = ()
    """Whom its text would call: users, groups, everybody."""
    links: tuple[str, ...] = ()
    """Addresses that are behind another text than themselves."""


class AlerterHarness(Harness):
    """Base of the harnesses of alerters. `make` returns one with one target."""

    people: Sequence[str] = ()
    """Ids of people who can answer questions; two, if the provider knows more than one."""
    one_question_at_a_time: bool = False
    """Whether a question is posted only after the one before it is decided, as at a terminal."""
    refusals: ClassVar[Mapping[str, type[Exception] | tuple[type[Exception], ...]]] = {}
    """What the provider can refuse for good, by names that `refuse` knows, and the error that it must become."""
    retry_after: float = 0.5
    """Seconds that the provider asks for where it is `rate_limited`."""

    def received(self, component: Alerter) -> Sequence[Arrived]:
        """Return the messages that the provider has, of every target of the component, in the order of arrival."""
        raise Untested("the harness cannot see what arrived (`received`)")

    def refuse(
        self, component: Alerter, kind: str, *, target: str = "", times: int | None = None, after: int = 0
    ) -> AbstractContextManager[object]:
        """Let the provider refuse messages while a `with` block lasts: those to a target, or all; so many, after so many.

        Kinds: one of `refusals`; `unavailable` (for now); `rate_limited` (with `retry_after`); `lost` (accepted, the answer is lost).
        Raises `Untested` for what the provider never does.
        """
        raise Untested(f"the harness cannot let the provider refuse (`refuse`: {kind})")

    def attempts(self, component: Alerter) -> Sequence[float]:
        """Return when the provider was sent a message of the component, refused ones included, by `time.monotonic`."""
        raise Untested("the harness does not see attempts (`attempts`)")

    def acceptances(self, component: Alerter) -> Mapping[str, AbstractContextManager[object]]:
        """Return, by each way in which the provider can say that it has accepted a message, a block in which it says so."""
        raise Untested("the provider accepts in one way only (`acceptances`)")

    def several(self, count: int) -> Alerter:
        """Return a component with so many targets."""
        raise Untested("the harness makes no component with several targets (`several`)")

    def writer(self) -> Alerter | None:
        """Return a component whose credentials may post and nothing else, not even read what is there; None: whoever may post may read."""
        return None

    def answer(self, component: Alerter, message: str, by: str, text: str) -> None:
        """Let a person answer a question, by the id of its message."""
        raise Untested("nobody can answer (`answer`)")

    def remark(self, component: Alerter, by: str, text: str, *, during: bool) -> None:
        """Let a person say something at the target that answers no question: before one is asked, or `during` one."""
        raise Untested("nothing can be said but answers (`remark`)")

    def wrong_settings(self) -> Iterable[Mapping[str, Any]]:
        """Return settings, each of which is wrong: a channel, a token, a scheme that cannot be."""
        return ()
