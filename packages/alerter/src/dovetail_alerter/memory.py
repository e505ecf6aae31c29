"""An alerter in memory: the contract in code, and what tests of other software use."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from dovetail_alerter.capabilities import AlerterCapability as Capability
from dovetail_alerter.interface import Alerter, AlerterConfig
from dovetail_alerter.messages import Message
from dovetail_alerter.questions import Answer, Reply
from dovetail_alerter.receipts import AnswerLost, Posted
from dovetail_core import ComponentConfig, InvalidArgument, NotFound, Reach, utcnow


@dataclass(frozen=True)
class SentMessage:
    """A message that an alerter in memory has accepted."""

    id: str
    target: str
    message: Message
    at: datetime


@dataclass
class Failing:
    """What messages meet in place of being accepted."""

    error: Exception
    target: str
    """Empty: any."""
    times: int | None
    """How many; None: all."""
    after: int
    """How many are accepted first."""

    def takes(self, target: str) -> bool:
        """Tell whether a message meets it, and count that."""
        if self.target not in ("", target) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times = None if self.times is None else self.times - 1
        return True


@dataclass
class Space:
    """What alerters of one name share."""

    sent: list[SentMessage] = field(default_factory=list)
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    """What was said to each question that is open, by the id of its message."""
    failures: list[Failing] = field(default_factory=list)
    attempts: list[float] = field(default_factory=list)
    """When something was sent, by `time.monotonic`, what failed included."""
    changed: threading.Condition = field(default_factory=threading.Condition)


class InMemoryAlerter(Alerter):
    """Keeps what it is told in the memory of this process. Alerters that are configured with one `space` share it; it ends with the process.

    A test looks at `outbox`, answers by `reply`, or in advance by the settings `answer` and `answered_by`, and makes it fail by `fail`.
    """

    flavor = "memory"
    capabilities: frozenset[Any] = frozenset(Capability)
    spaces: ClassVar[dict[str, Space]] = {}
    _guard: ClassVar[threading.Lock] = threading.Lock()

    class Config(AlerterConfig):
        """Settings of the alerter in memory."""

        space: str = Field(default="default", description="Name of what alerters share; another name, another outbox.")
        targets: tuple[str, ...] = Field(default=("inbox",), min_length=1, description="Names of the targets that each alert goes to.")
        groups: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="People by the name of the group that they are in.")
        answer: str = Field(default="", description="What is said to every question at once; empty: wait for `reply`.")
        answered_by: str = Field(default="tester", description="Who says it.")

    config: Config

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """Only this machine, and of it only this process."""
        return Reach.MACHINE

    @property
    def _space(self) -> Space:
        with self._guard:
            return self.spaces.setdefault(self.config.space, Space())

    # What tests use

    @property
    def outbox(self) -> tuple[SentMessage, ...]:
        """Every message that was accepted, in that order."""
        with self._space.changed:
            return tuple(self._space.sent)

    @property
    def questions(self) -> tuple[SentMessage, ...]:
        """The messages whose question waits for an answer."""
        with self._space.changed:
            return tuple(sent for sent in self._space.sent if sent.id in self._space.replies)

    def reply(self, text: str, *, by: str, to: str = "") -> None:
        """Say something to the question of a message, by its id; else to the latest. Raises `NotFound` if no such question is open."""
        space = self._space
        with space.changed:
            question = to or next(reversed(space.replies), "")
            if question not in space.replies:
                raise NotFound("there is no such open question", remedy="look at `questions`")
            space.replies[question].append(Reply(by, text, utcnow(), by))
            space.changed.notify_all()

    def fail(self, error: Exception, *, target: str = "", times: int | None = 1, after: int = 0) -> None:
        """Let messages to a target, or to any, meet an error: so many (None: all), after so many. With `AnswerLost` they are accepted."""
        with self._space.changed:
            self._space.failures.append(Failing(error, target, times, after))

    def recover(self) -> None:
        """Let nothing fail from now on."""
        with self._space.changed:
            self._space.failures.clear()

    # Primitives

    def _targets(self) -> Sequence[str]:
        return self.config.targets

    def _post(self, message: Message, target: str) -> Posted:
        space = self._space
        with space.changed:
            space.attempts.append(time.monotonic())
            failure = next((failing.error for failing in space.failures if failing.takes(target)), None)
            if failure is not None and not isinstance(failure, AnswerLost):
                raise failure
            posted = self._accepted(message, target)
            space.changed.notify_all()
            if failure is not None:
                raise failure
            return posted

    def _accepted(self, message: Message, target: str) -> Posted:
        """Keep a message, unless there is one with its key. Raises `InvalidArgument` for one that is too long, as providers do."""
        space = self._space
        if len(message.title) > self.limits.title or len(message.body) + len(message.details) > self.limits.body:
            raise InvalidArgument("the message is too long", remedy="keep to `limits`")
        sent = next((sent for sent in space.sent if sent.message.key == message.key), None)
        if sent is None:
            sent = SentMessage(f"m{len(space.sent) + 1}", target, message, utcnow())
            space.sent.append(sent)
            if message.question is not None:
                space.replies[sent.id] = self._replies_at_once()
        return Posted(sent.id, thread=sent.message.reply_to)

    def _replies_at_once(self) -> list[Reply]:
        config = self.config
        return [Reply(config.answered_by, config.answer, utcnow(), config.answered_by)] if config.answer else []

    def _find_thread(self, thread: str, target: str) -> str:
        sent = next((sent for sent in self.outbox if (sent.message.thread, sent.target) == (thread, target)), None)
        return sent.message.reply_to or sent.id if sent else ""

    def _people(self, name: str) -> Collection[str]:
        return self.config.groups.get(name, (name,))

    def _replies(self, message: Message, posted: Posted, target: str, deadline: float) -> Iterator[Reply]:
        space, heard = self._space, 0
        while True:
            with space.changed:
                while len(said := space.replies[posted.id]) == heard:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        return
                    space.changed.wait(left)
            yield said[heard]
            heard += 1

    def _close_question(self, message: Message, posted: Posted, target: str, answer: Answer | None) -> None:
        with self._space.changed:
            self._space.replies.pop(posted.id, None)


def forget(space: str) -> None:
    """Drop everything that alerters of a space were told."""
    InMemoryAlerter.spaces.pop(space, None)
