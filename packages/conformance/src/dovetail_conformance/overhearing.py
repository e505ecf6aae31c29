"""What a flavor says while a rule runs, looked through for the secrets of its config: logs, warnings, errors, and children."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from dovetail_conformance.audit import audited
from dovetail_conformance.instruments.capture import SHORTEST, encodings, said_by, said_in
from dovetail_conformance.instruments.log_records import every_record


class Overheard:
    """The places where a secret was seen."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._forms: tuple[str, ...] = ()
        self._busy = threading.local()
        self.places: set[str] = set()

    def listen_for(self, secrets: Iterable[str]) -> None:
        """Look for more secrets from now on."""
        wanted = {secret for secret in secrets if len(secret) >= SHORTEST}
        if not wanted <= self._secrets:
            self._secrets |= wanted
            self._forms = tuple({form for secret in self._secrets for form in encodings(secret)})

    def hear(self, place: str, text: str) -> None:
        """Look for the secrets in a text."""
        if any(form in text for form in self._forms):
            self.places.add(place)

    def hear_error(self, error: BaseException) -> None:
        """Look for the secrets in how an exception and its causes present themselves."""
        if self._secrets:
            for place, text in said_by(error):
                self.hear(place, text)

    def hear_record(self, record: logging.LogRecord) -> None:
        """Look for the secrets in a log record. What is logged while one is looked at is not looked at."""
        if not self._secrets or getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            self.hear(f"log of {record.name}", said_in(record))
        finally:
            self._busy.now = False

    def masked(self, text: str) -> str:
        """Return a text without the secrets."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, "**********")
        return text


_listening: list[Overheard] = []


def overhear_error(error: BaseException) -> None:
    """Tell whoever listens what was raised, and caught by a rule."""
    for heard in _listening:
        heard.hear_error(error)


@contextmanager
def overhearing() -> Iterator[Overheard]:
    """Look at every log record of every level, every warning, and the arguments and environment of children that this thread starts."""
    heard = Overheard()
    with ExitStack() as stack:
        stack.enter_context(every_record(heard.hear_record))
        stack.enter_context(_warnings(heard))
        started = stack.enter_context(audited("subprocess.Popen", full=True))
        _listening.append(heard)
        try:
            yield heard
        finally:
            _listening.remove(heard)
            for _, text in started:
                heard.hear("arguments or environment of a child", text)


@contextmanager
def _warnings(heard: Overheard) -> Iterator[None]:
    show = warnings.showwarning

    def heard_show(message: Warning | str, *arguments: Any, **named: Any) -> None:
        heard.hear("a warning", str(message))
        show(message, *arguments, **named)

    warnings.showwarning = heard_show
    try:
        yield
    finally:
        warnings.showwarning = show
