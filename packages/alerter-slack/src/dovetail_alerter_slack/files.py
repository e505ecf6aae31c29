"""Files of a message: each is uploaded to an address that Slack gives, and then all are shared below the message in one request."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_alerter import Attachment, Posted
from dovetail_alerter_slack._client import Client
from dovetail_alerter_slack.errors import BROKEN, broken, refused, while_reading


class Files:
    """Uploads the files of one message. Nothing of it is visible before `share`.

    What fails for a passing reason is not tried again here: whoever calls again goes on where it was.
    """

    def __init__(self, client: Client, attachments: Sequence[Attachment], timeout: float) -> None:
        self._client = client
        self._attachments = attachments
        self._timeout = timeout
        self.below: Posted | None = None
        """The message that they belong below, once it is there."""
        self._uploaded: list[dict[str, str]] = []
        self._shared = False

    def upload(self) -> None:
        """Send what was not sent yet; an upload whose answer is lost can be begun again, since nobody sees the first."""
        for attachment in self._attachments[len(self._uploaded) :]:
            self._uploaded.append(self._upload(attachment))

    def share(self, channel: str, message: str) -> None:
        """Show the files below a message. Slack shares a file once, so that this may be repeated."""
        if not self._shared and self._uploaded:
            what = f"files of a message to '{channel}'"
            self._client.change("files.completeUploadExternal", what, files=self._uploaded, channel_id=channel, thread_ts=message)
            self._shared = True

    def _upload(self, attachment: Attachment) -> dict[str, str]:
        from dovetail_alerter_slack._sdk import upload

        what = f"file '{attachment.name}'"
        place = self._client.read("files.getUploadURLExternal", what, patient=False, filename=attachment.name, length=len(attachment.data))
        try:
            status, headers = upload(place["upload_url"], attachment.data, self._timeout)
        except BROKEN as error:
            raise while_reading(broken(error, what)) from error
        if status != 200:
            raise while_reading(refused("", what, {}, headers, status))
        return {"id": place["file_id"], "title": attachment.name}
