"""Secrets stay secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dovetail_conformance.checking import check
from dovetail_conformance.config_secrets import secret_values
from dovetail_conformance.crosscutting.base import Asked, finish
from dovetail_conformance.harness import Harness
from dovetail_conformance.instruments import capture
from dovetail_conformance.outcomes import Untested
from dovetail_conformance.rules import rule


class SecrecyRules(Asked):
    """Rules about what can be seen from outside."""

    @rule("XC-01", severity=1, kind="security")
    def test_no_secret_is_shown(self, harness: Harness) -> None:
        """No secret of the config appears in a log, in what is printed, in a warning, an error or a representation, whether calls succeed or fail.

        The secrets that the harness puts into the config are looked for, as they are and in the usual encodings, in everything that
        can be observed while every operation is called with good credentials, with bad ones, and with a backend that fails. The same is
        looked for around every other rule, in logs of every level, output, warnings, errors and children; what is found there fails this one.
        A secret of fewer than eight characters is found where nobody put it, and not looked for.
        """
        with harness.make() as component:
            secrets = set(secret_values(component.config))
            if not secrets:
                raise Untested("the config that the harness makes holds no secret")
            with capture() as seen:
                seen.look_at(component)
                for operation in self.operations(component):
                    _call(operation.call, seen)
                for broken in _broken(harness):
                    with broken:
                        seen.look_at(broken)
                        secrets |= set(secret_values(broken.config))
                        for operation in self.operations(broken):
                            _call(operation.call, seen)
        places = seen.places(secrets)
        mend = "wrap it in SecretStr, and mask it where the SDK prints it"
        check(not places, did="looked for the secrets of the config wherever something can be seen", came=", ".join(places), mend=mend)


def _call(call: Any, seen: Any) -> None:
    try:
        finish(call())
    except Exception as error:  # what it says is looked at; whether it may fail is for other rules
        seen.add_error(error)


def _broken(harness: Harness) -> Iterator[Any]:
    if harness.has("credentials"):
        for kind in ("bad", "expired"):
            try:
                yield harness.credentials(kind)
            except Untested:
                continue
