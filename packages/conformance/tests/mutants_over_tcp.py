"""Variants of a gauge behind a protocol of lines, for the rules about wires that are asked of every type."""

from __future__ import annotations

import uuid
from typing import Any

from line_gauge import LineGauge, LineHarness

from dovetail_conformance.mutants import equivalent, mutant


@mutant("XC-05", of=LineHarness)
class PutsAnewAtEachAttempt(LineGauge):
    """A repeated request cannot be told from a new one; only the loss of the answer to it shows that, and not of that to the login."""

    def _once(self, verb: str, *words: str) -> Any:
        return super()._once(verb, *((uuid.uuid4().hex, *words[1:]) if words else ()))


@mutant("XC-04", "XC-05", of=LineHarness)
class AsksOnce(LineGauge):
    """Nothing is tried again."""

    def _ask(self, verb: str, *words: str) -> Any:
        return self._once(verb, *words)


@mutant("XC-04", of=LineHarness)
class AsksAgainWhatWasDenied(LineGauge):
    """A refusal is tried again."""

    def _once(self, verb: str, *words: str) -> Any:
        try:
            return super()._once(verb, *words)
        except Exception:
            return super()._once(verb, *words)


@equivalent(of=LineHarness)
class LogsInFirst(LineGauge):
    """Each request comes after another one, in a session of its own."""

    def _ask(self, verb: str, *words: str) -> Any:
        super()._ask("GET")
        return super()._ask(verb, *words)
