"""What is looked at around every rule: what it leaves behind, which secrets it shows, what it asks of the backend, whether its faults were done."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from dovetail_conformance.config_secrets import secret_values
from dovetail_conformance.harness import Harness
from dovetail_conformance.instruments.census import OWN_FOLDER, Census
from dovetail_conformance.instruments.clock import time_zone
from dovetail_conformance.instruments.faults import Disturbances, disturbances
from dovetail_conformance.outcomes import RuleFailure
from dovetail_conformance.overhearing import Overheard, overhearing
from dovetail_conformance.rules import Rule

TIME_ZONE = "America/St_Johns"
"""Rules run where the time is not UTC, and not by whole hours."""
_PATIENCE = 5.0
_HURRY = 0.3
_BACKEND = "in the backend: "


class Watch:
    """Around one rule, from before its component is made until after it is closed."""

    def __init__(self, rule: Rule, harness: Harness, temporary: Path, sure: bool) -> None:
        self._rule = rule
        self._harness = harness
        self._temporary = temporary
        self._seconds = _HURRY if sure else _PATIENCE
        self._stack = ExitStack()
        self._made: list[Any] = []
        self._proxy = _proxy(harness)
        self._mark = 0
        self.noted: Disturbances = Disturbances()
        self.heard: Overheard = Overheard()
        self.passed = False
        """Whether the rule's body held. Of one that did not, the exception that pytest keeps keeps alive what was used."""
        self.left: dict[str, int] = {}
        """What is left behind, once it is over; nothing unless it passed."""

    def begin(self) -> None:
        """Begin to look."""
        self._stack.enter_context(time_zone(TIME_ZONE))
        self._stack.enter_context(_temporary(self._temporary))
        self._before = Census.glance()
        self.noted = self._stack.enter_context(disturbances())
        self.heard = self._stack.enter_context(overhearing())
        self._stack.enter_context(_seeing_components(self._harness, self._saw))
        self._mark = self._proxy.count if self._proxy is not None else 0

    def end(self) -> None:
        """Look at what is left, and stop to look."""
        try:
            left = self._in_the_backend() if self.passed else Counter()
            self._made.clear()  # what nobody but this holds is garbage
            self.noted.forget()
            if self.passed:
                self.left = {**left, **Census.settled(self._before, self._seconds)}
        finally:
            self._stack.close()

    @property
    def requests(self) -> int | None:
        """How many requests went through the proxy so far; None if there is none."""
        return self._proxy.count - self._mark if self._proxy is not None else None

    def _saw(self, component: Any) -> None:
        if self._harness.has("census"):
            self._made.append(component)
        self.heard.listen_for(secret_values(component.config))

    def _in_the_backend(self) -> Counter[str]:
        """Count what is left in the backend. What a fault or a kill leaves there is for the rules about them to say."""
        found: Counter[str] = Counter()
        if self.noted.faults or self.noted.kills:
            return found
        for component in self._made:
            with suppress(Exception):  # such as one with credentials that may not look
                found.update({f"{_BACKEND}{what}": count for what, count in self._harness.census(component).items() if count})
        return found


def leak(rule: Rule, left: dict[str, int]) -> RuleFailure:
    """Return the failure that is left behind."""
    came = ", ".join(f"{what} ({count})" for what, count in sorted(left.items()))
    mend = "release it in close(), and on every way out"
    if any(what.startswith(_BACKEND) for what in left):
        mend += "; or, if it belongs in the backend, do not count it in the harness's `census`"
    return RuleFailure(f"ran {rule.id}, and closed the component", f"left behind: {came}", mend)


def shown(rule: Rule, places: set[str]) -> RuleFailure:
    """Return the failure that is a secret of the config in some places."""
    mend = "wrap it in SecretStr, and mask it where the SDK prints it"
    return RuleFailure(f"ran {rule.id}, and looked for the secrets of the config", ", ".join(sorted(places)), mend)


def own_folder() -> Path:
    """Make a directory for the temporary files of rules; short, since the paths of sockets may not be long."""
    return Path(tempfile.mkdtemp(prefix=OWN_FOLDER))


def _proxy(harness: Harness) -> Any:
    if not harness.has("proxy"):
        return None
    with suppress(Exception):
        return harness.proxy
    return None


@contextmanager
def _temporary(folder: Path) -> Iterator[None]:
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        if variable is None:
            os.environ.pop("TMPDIR", None)
        else:
            os.environ["TMPDIR"] = variable


@contextmanager
def _seeing_components(harness: Harness, see: Any) -> Iterator[None]:
    """Let every component be seen that the harness makes."""
    make = harness.make

    def seen(**config: Any) -> Any:
        component = make(**config)
        see(component)
        return component

    harness.make = seen  # type: ignore[method-assign]
    try:
        yield
    finally:
        del harness.make
