"""Secrets in what is sent, and in what is said of failures."""

from __future__ import annotations

import uuid
from contextlib import suppress

from dovetail_alerter.alerts import Alert, Attachment, Link
from dovetail_alerter.capabilities import AlerterCapability as Capability
from dovetail_alerter.contract.harness import AlerterHarness
from dovetail_alerter.contract.samples import alert, having, unique
from dovetail_alerter.interface import Alerter
from dovetail_conformance import Untested, check, rule
from dovetail_conformance.config_secrets import can_hold_secrets, secret_values
from dovetail_conformance.instruments import capture
from dovetail_core import remember_secret
from dovetail_core.errors import DovetailError


class SecrecyOfTextRules:
    """Rules about secrets."""

    @rule("AL-04", severity=1, kind="security")
    def test_no_failure_shows_a_secret(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """No token, webhook address or password is in what is raised, logged or printed when posting fails, whatever the provider answers."""
        if not can_hold_secrets(type(alerter.config)):
            return
        secrets = set(secret_values(alerter.config))
        if not secrets:
            raise Untested("the config that the harness makes holds no secret")
        with harness.make(attempts=1) as hasty, capture() as seen:
            for kind in (*harness.refusals, "unavailable", "rate_limited", "lost"):
                with suppress(Untested), harness.refuse(hasty, kind):
                    try:
                        hasty.post(alert("body"))
                    except DovetailError as error:
                        seen.add_error(error)
        places = seen.places(secrets)
        mend = "keep it in SecretStr, and let no cause or log record of the client show the request"
        check(not places, did="looked for the secrets of the config where posting failed", came=", ".join(places), mend=mend)

    @rule("AL-25", severity=1, kind="security")
    def test_known_secrets_are_masked_in_what_is_sent(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """A secret that this process knows is sent to nobody: it is masked wherever it stands in an alert, also in a file of text."""
        secret = f"canary-{uuid.uuid4().hex}"
        remember_secret(secret)
        said = f"password={secret}!"
        files = (Attachment("log.txt", said.encode()),) if Capability.ATTACHMENTS in alerter.capabilities else ()
        title = unique()
        link = Link(f"https://example.org/?key={secret}", said)
        alerter.post(Alert(f"{title} {said}", said, fields={said: said}, links=(link,), details=said, attachments=files))
        for message in having(harness, alerter, title):
            everything = f"{message.title}{message.text}{message.links}{dict(message.attachments)}"
            check(
                secret not in everything,
                did="posted an alert with a secret in every part",
                came=everything,
                mend="send what the base class gives",
            )
            check(
                "password=" in message.text,
                did="posted an alert with a secret in it",
                came=message.text,
                mend="mask the secret, and only it",
            )
