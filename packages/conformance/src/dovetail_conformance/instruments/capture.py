"""Everything that can be seen of a component from outside, kept so that a secret can be looked for in it."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import pickle
import traceback
import warnings
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from dovetail_conformance.audit import audited
from dovetail_conformance.instruments.log_records import every_record
from dovetail_conformance.outcomes import Untested

SHORTEST = 8
"""Characters that a secret has at least: a shorter one is found where nobody put it."""


class Captured:
    """What was seen, by the place where it was."""

    def __init__(self) -> None:
        self._texts: list[tuple[str, str]] = []

    def add(self, place: str, text: str) -> None:
        """Keep a text."""
        self._texts.append((place, text))

    def add_record(self, record: logging.LogRecord) -> None:
        """Keep what a log record says."""
        self.add(f"log of {record.name}", said_in(record))

    def add_error(self, error: BaseException) -> None:
        """Keep what an exception says, with its causes and contexts, and its traceback."""
        self.add(f"{type(error).__name__} and its causes", "".join(traceback.format_exception(error)))
        for place, text in said_by(error):
            self.add(place, text)

    def look_at(self, component: Any) -> None:
        """Keep how a component and its config present themselves. What they pickle is not shown to anybody, and may hold secrets."""
        self.add("str and repr of the component", f"{component} {component!r}")
        self.add("attributes of the component", repr(vars(component)))
        self.add("str and repr of the config", f"{component.config} {component.config!r}")
        self.add("dump of the config", f"{component.config.model_dump()!r} {component.config.model_dump_json()}")
        with contextlib.suppress(Exception):
            self.add("repr after pickling", repr(pickle.loads(pickle.dumps(component))))

    def places(self, secrets: Iterable[str]) -> list[str]:
        """Return the places where any of some secrets can be read. Raises `Untested` if each is too short to look for."""
        wanted = set(secrets)
        long = {secret for secret in wanted if len(secret) >= SHORTEST}
        return sorted({place for secret in long or wanted for place in self.finds(secret)})

    def finds(self, secret: str) -> list[str]:
        """Return the places where a secret can be read, as it is or in a usual encoding. Raises `Untested` if it is too short to look for."""
        if len(secret) < SHORTEST:
            raise Untested(f"the secret is too short to look for: let the harness give one of at least {SHORTEST} characters")
        forms = set(encodings(secret))
        return sorted({place for place, text in self._texts if any(form in text for form in forms)})


def said_by(error: BaseException) -> Iterator[tuple[str, str]]:
    """Yield how an exception, and what caused it, present themselves, each with the name of the place."""
    seen: BaseException | None = error
    known: set[int] = set()
    while seen is not None and id(seen) not in known:  # what is raised again while it is handled is its own context
        known.add(id(seen))
        yield f"str and repr of {type(seen).__name__}", f"{seen} {seen!r} {getattr(seen, '__notes__', '')} {vars(seen)!r}"
        seen = seen.__cause__ or seen.__context__


def said_in(record: logging.LogRecord) -> str:
    """Return what a log record says, with its arguments and its exception."""
    error = record.exc_info[1] if record.exc_info else None
    try:
        return f"{record.getMessage()} {record.args!r} {error or ''!r}"
    except Exception:  # what cannot be formatted is shown to nobody
        return ""


def encodings(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and the ways in which it is often written."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    data = secret.encode()
    for shift in range(3):  # in base64 the text depends on where in a group of three the secret begins
        encoded = base64.b64encode(b"\0" * shift + data).decode()
        yield encoded[(0, 2, 3)[shift] : len(encoded) - 4]
    yield data.hex()


@contextlib.contextmanager
def capture() -> Iterator[Captured]:
    """Keep every log record of every level, what is printed, warnings, and the arguments and environment of children."""
    seen = Captured()
    out, err = io.StringIO(), io.StringIO()
    with (
        every_record(seen.add_record),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(record=True) as warned,
        audited("subprocess.Popen", full=True) as started,
    ):
        warnings.simplefilter("always")
        try:
            yield seen
        finally:
            seen.add("standard output", out.getvalue())
            seen.add("standard error", err.getvalue())
            for warning in warned:
                seen.add("a warning", str(warning.message))
            for _, text in started:
                seen.add("arguments or environment of a child", text)
