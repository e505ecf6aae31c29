"""What people are asked, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dovetail_alerter.alerts import Alert, Level, Link
from dovetail_alerter.text import require_text
from dovetail_core import InvalidArgument


@dataclass(frozen=True)
class Question:
    """A question to people, which is answered by one of a few words, or by a button for each. Raises `InvalidArgument` if it cannot be asked.

    An answer counts if it is one of the words and nothing else, whatever the case: "not ok" is no "ok".
    """

    title: str
    """One line, such as "Deploy model 12 to production?"."""
    body: str = ""
    """Any number of lines."""
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Short facts by name, in their order."""
    links: tuple[Link, ...] = ()
    """Addresses to read on at."""
    approve: tuple[str, ...] = ("approve", "yes")
    """Words that approve; the first one names the button."""
    reject: tuple[str, ...] = ("reject", "no")
    """Words that reject; the first one names the button."""
    thread: str = ""
    """As of an alert; needs THREADS."""

    def __post_init__(self) -> None:
        self.as_alert()
        object.__setattr__(self, "approve", _words(self.approve, "approve"))
        object.__setattr__(self, "reject", _words(self.reject, "reject"))
        both = set(map(_plain, self.approve)) & set(map(_plain, self.reject))
        if both:
            raise InvalidArgument(f"{min(both)!r} both approves and rejects", remedy="leave it out of `approve` or of `reject`")

    def decision(self, text: str) -> bool | None:
        """Return what a text decides: True approves, False rejects, None is no answer."""
        said = _plain(text)
        if said in map(_plain, self.approve):
            return True
        return False if said in map(_plain, self.reject) else None

    @property
    def instructions(self) -> str:
        """How to answer it, where there are no buttons."""
        return f"Answer with '{self.approve[0]}' or '{self.reject[0]}'."

    def as_alert(self) -> Alert:
        """Return what is posted."""
        return Alert(self.title, self.body, Level.WARNING, self.fields, self.links, thread=self.thread)


@dataclass(frozen=True)
class Reply:
    """What somebody said to a question, as a flavor heard it; whether it counts is for the base class to say."""

    by: str
    """The provider's id of the person: not a name that they can choose."""
    text: str
    """What was said, whole."""
    at: datetime
    """When it was said, timezone-aware UTC."""
    name: str = ""
    """How the person is called, for people to read."""


@dataclass(frozen=True)
class Answer:
    """What somebody who may decide has decided."""

    approved: bool
    """Whether they approved; False: they rejected."""
    by: str
    """The provider's id of the person."""
    at: datetime
    """When they said it, in UTC."""
    text: str
    """What they said."""
    name: str = ""
    """How the person is called."""


def _words(words: object, what: str) -> tuple[str, ...]:
    if isinstance(words, str) or not isinstance(words, tuple | list) or not words:
        raise InvalidArgument(f"`{what}` is no list of words", remedy=f"give at least one word that means {what}")
    for word in words:
        require_text(word, f"a word of `{what}`", one_line=True, empty=False)
    return tuple(words)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
