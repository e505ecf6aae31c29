"""Secrets stay secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from dovetail_conformance.checking import check
from dovetail_conformance.config_secrets import can_hold_secrets, secret_values
from dovetail_conformance.crosscutting.base import Asked, made, make, prepare
from dovetail_conformance.harness import Harness
from dovetail_conformance.instruments import Refusal, ResetBefore, capture, workers
from dovetail_conformance.outcomes import Untested
from dovetail_conformance.rules import rule
from dovetail_conformance.wires import answering, refusal


class SecrecyRules(Asked):
    """Rules about what can be seen from outside."""

    @rule("XC-01", severity=1, kind="security")
    def test_no_secret_is_shown(self, harness: Harness) -> None:
        """No secret of the config appears in a log, in what is printed, in a warning, an error or a representation, whether calls succeed or fail.

        The secrets that the harness puts into the config are looked for, as they are and in the usual encodings, in everything that
        can be observed while every operation is called with good credentials, with bad ones, and, where there is a wire, with a backend that
        resets connections, and one that refuses for now. The same is looked for around every other rule, in logs of every level, output,
        warnings, errors and children; what is found there fails this one. A config that has no setting for a secret, nor for an address that
        may hold a password, shows none. A secret of fewer than eight characters is found where nobody put it, and not looked for.
        """
        with harness.make() as component:
            if not can_hold_secrets(type(component.config)):
                return
            secrets = set(secret_values(component.config))
            if not secrets:
                raise Untested("the config that the harness makes holds no secret")
            with capture() as seen:
                seen.look_at(component)
                for operation in self.operations(component):
                    _call(partial(make, operation, component), seen)
                for broken in _broken(harness):
                    with broken:
                        seen.look_at(broken)
                        secrets |= set(secret_values(broken.config))
                        for operation in self.operations(broken):
                            _call(partial(made, operation), seen)
                secrets |= self._called_in_vain(harness, seen)
        places = seen.places(secrets)
        mend = "wrap it in SecretStr, and mask it where the SDK prints it"
        check(not places, did="looked for the secrets of the config wherever something can be seen", came=", ".join(places), mend=mend)

    def _called_in_vain(self, harness: Harness, seen: Any) -> set[str]:
        """Make every call, all at once since each may take its time, while the backend fails in each of some ways; return the secrets."""
        if not harness.has("proxy"):
            return set()
        with harness.make(**harness.impatient) as component:
            operations = list(self.operations(component))
            for operation in operations:
                _call(partial(prepare, operation, component), seen)
            for failure in _failures(harness):
                component.close()  # a backend may fail at the login
                with answering(harness, failure, None):
                    results = workers(made, [(operation,) for operation in operations])
                for error in filter(lambda result: isinstance(result, BaseException), results):
                    seen.add_error(error)
            return set(secret_values(component.config))


def _call(call: Callable[[], object], seen: Any) -> None:
    try:
        call()
    except Exception as error:  # what it says is looked at; whether it may fail is for other rules
        seen.add_error(error)


def _failures(harness: Harness) -> Iterator[Refusal]:
    """Yield how a backend may fail, as far as the harness can make it."""
    yield Refusal(ResetBefore())
    with suppress(Untested):
        yield refusal(harness, "unavailable")


def _broken(harness: Harness) -> Iterator[Any]:
    if harness.has("credentials"):
        for kind in ("bad", "expired"):
            try:
                yield harness.credentials(kind)
            except Untested:
                continue
