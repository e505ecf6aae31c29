"""What rules post, and how they look for it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from dovetail_alerter.alerts import Alert
from dovetail_alerter.contract.harness import AlerterHarness, Arrived
from dovetail_alerter.interface import Alerter
from dovetail_conformance import Untested

SCRIPTS = "na\u00efve \U0001f469\u200d\U0001f680\U0001f1eb\U0001f1f7 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 e\u0301 \u65e5\u672c\u8a9e"
"""Emoji of several code points, text from right to left, a combining accent, wide characters."""


def refusals_of(harness: AlerterHarness) -> list[str]:
    """Return what the provider can refuse for good. Raises `Untested` if it is nothing."""
    if not harness.refusals:
        raise Untested("the harness cannot let the provider refuse for good (`refusals`)")
    return list(harness.refusals)


def unique(words: str = "alert") -> str:
    """Return a title that no other alert has."""
    return f"{words} {uuid.uuid4().hex[:12]}"


def alert(body: str = "", **parts: object) -> Alert:
    """Return an alert with a title of its own."""
    return Alert(unique(), body, **parts)  # type: ignore[arg-type]


def having(harness: AlerterHarness, component: Alerter, title: str) -> Sequence[Arrived]:
    """Return the messages that arrived whose title begins so."""
    return [message for message in harness.received(component) if message.title.startswith(title)]


def pressed(text: str) -> str:
    """Return a text without white space: where lines end is the provider's affair."""
    return "".join(text.split())


def prose(size: int) -> str:
    """Return a text of so many characters, with words, lines, and emoji of several code points; each word is another one."""
    words: list[str] = []
    length = number = 0
    while length < size:
        word = f"w{number}" if number % 7 else f"w{number}\U0001f469\u200d\U0001f680" + ("\n" if number % 21 == 0 else "")
        words.append(word)
        length += len(word) + 1
        number += 1
    return " ".join(words)[:size].rstrip("\u200d\U0001f469")
