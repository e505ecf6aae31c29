"""What an alerter may do beyond the mandatory."""

from __future__ import annotations

from dovetail_alerter.alerts import Alert, Attachment
from dovetail_alerter.capabilities import AlerterCapability as Capability
from dovetail_alerter.contract.harness import AlerterHarness
from dovetail_alerter.contract.samples import alert, having, prose, unique
from dovetail_alerter.interface import Alerter
from dovetail_conformance import Untested, check, raises, rule
from dovetail_core.errors import InvalidArgument


class OptionRules:
    """Rules about keys and files."""

    @rule("AL-26", severity=1, needs=Capability.IDEMPOTENT_DELIVERY)
    def test_a_key_is_shown_once(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """Alerts with one key are shown once, whoever posts them, and the receipt names the one that is there; other keys are other alerts."""
        first = Alert(unique(), prose(3 * alerter.limits.body // 2), key=unique("key"))
        ids = [alerter.post(first).id, alerter.post(first).id]
        try:
            with harness.second(alerter) as other:
                ids.append(other.post(first).id)
        except Untested:
            ids.append(ids[0])
        parts = [part.title for part in having(harness, alerter, first.title)]
        check(
            len(parts) == len(set(parts)) > 1,
            did="posted an alert with a key three times",
            came=parts,
            mend="give the provider `message.key`",
        )
        check(len(set(ids)) == 1, did="compared the receipts", came=ids, mend="return the id of the message that is there")
        other_key = Alert(unique(), key=unique("key"))
        alerter.post(other_key)
        there = having(harness, alerter, other_key.title)
        check(len(there) == 1, did="posted an alert with another key", came=f"{len(there)} messages", mend="compare the whole key")

    @rule("AL-28", severity=2, needs=Capability.ATTACHMENTS)
    def test_files_arrive_byte_for_byte(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """Files arrive once, with their names and bytes; one that is too large is refused before anything is sent."""
        files = {"a b.bin": bytes(range(256)) * 5, "\u65e5\u672c.txt": b"", "log.txt": b"\r\nline\r\n"}
        sent = alert(prose(3 * alerter.limits.body // 2), attachments=tuple(Attachment(name, data) for name, data in files.items()))
        alerter.post(sent)
        found = [item for part in having(harness, alerter, sent.title) for item in part.attachments.items()]
        check(
            sorted(found) == sorted(files.items()),
            did="posted an alert with three files",
            came=[name for name, _ in found],
            mend="send them once",
        )
        large = alert(attachments=(Attachment("large", bytes(alerter.limits.attachment + 1)),))
        with raises(InvalidArgument, did="posted a file above the limit", mend="let `limits.attachment` be the provider's"):
            alerter.post(large)
        check(not having(harness, alerter, large.title), did="posted a file above the limit", came="a message", mend="refuse it first")
