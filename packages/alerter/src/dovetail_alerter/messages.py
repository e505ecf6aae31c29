"""What a flavor sends, and what its provider takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dovetail_alerter.alerts import Attachment, Level, Link
from dovetail_alerter.questions import Question


class Unit(StrEnum):
    """What a provider counts when it limits a text."""

    CHARACTERS = "characters"
    """Unicode code points."""
    UTF16 = "utf-16 units"
    """As JavaScript counts: most emoji are two."""
    BYTES = "bytes"
    """Of UTF-8."""

    def size(self, text: str) -> int:
        """Return the size of a text in this unit."""
        if self is Unit.CHARACTERS:
            return len(text)
        return len(text.encode()) if self is Unit.BYTES else len(text.encode("utf-16-le")) // 2


@dataclass(frozen=True)
class Limits:
    """What fits into one message of a provider, measured after escaping. What does not is split, or cut where it says so."""

    title: int = 200
    """Size of the title; a longer one is cut, and is whole at the beginning of the body."""
    body: int = 4000
    """Body and details together."""
    fields: int = 20
    """How many; the others are lines of the body."""
    field: int = 1000
    """Size of a field's value, and of its name; longer ones are lines of the body."""
    parts: int = 20
    """How many messages an alert becomes at most; what is left is cut, and how much is said."""
    attachment: int = 10 << 20
    """Size of a file, in bytes; a larger one is refused."""
    unit: Unit = Unit.CHARACTERS
    """What sizes of text are counted in."""


@dataclass(frozen=True)
class Message:
    """One message as a flavor sends it: within the limits, secrets masked, control characters made visible, text escaped.

    The first part of an alert has its fields and links, the last its attachments and its question.
    """

    key: str
    """A UUID: the same on every attempt to send this part of this alert to this target, another one for any other."""
    title: str
    """With `(1/3)` at its end if there are several parts."""
    body: str = ""
    """This part of the body, escaped; fields and links that are not given as such are lines of it."""
    details: str = ""
    """Preformatted; escaped by `_escape_details`."""
    level: Level = Level.INFO
    """How serious the alert is."""
    fields: tuple[tuple[str, str], ...] = ()
    """Name and value, both escaped; none without RICH."""
    links: tuple[Link, ...] = ()
    """The text is escaped, the address is as given; none without RICH."""
    attachments: tuple[Attachment, ...] = ()
    """Files to send along, each within `limits.attachment`; only the last part has any."""
    thread: str = ""
    """The thread as callers name it; empty: none."""
    reply_to: str = ""
    """The provider's reference of that thread; empty: this message begins it."""
    question: Question | None = None
    """What is asked by this message; its words are as given, unescaped."""
    part: int = 1
    """Number of this part, from 1."""
    parts: int = 1
    """How many parts the alert has."""
