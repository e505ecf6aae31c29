"""Files of a message: each is uploaded to an address that Slack gives, and then all are shared below the message in one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_alerter import Attachment
from dovetail_alerter_slack._client import Client
from dovetail_alerter_slack.errors import BROKEN, broken, refused
from dovetail_core.retry import retrying


class Files:
    """Uploads the files of one message. Nothing of it is visible before `share`."""

    def __init__(self, client: Client, attachments: Sequence[Attachment], attempts: int, timeout: float) -> None:
        self._client = client
        self._attachments = attachments
        self._attempts = attempts
        self._timeout = timeout
        self._uploaded: list[dict[str, str]] = []
        self._shared = False

    def upload(self) -> None:
        """Send what was not sent yet; an upload whose answer is lost is begun again, since nobody sees the first."""
        for attachment in self._attachments[len(self._uploaded) :]:
            self._uploaded.append(self._again(lambda attachment=attachment: self._upload(attachment)))

    def share(self, channel: str, message: str) -> None:
        """Show the files below a message. Slack shares a file once, so that this may be repeated."""
        if not self._shared and self._uploaded:
            what = f"files of a message to '{channel}'"
            self._again(
                lambda: self._client.change(
                    "files.completeUploadExternal", what, files=self._uploaded, channel_id=channel, thread_ts=message
                )
            )
            self._shared = True

    def _upload(self, attachment: Attachment) -> dict[str, str]:
        from dovetail_alerter_slack._sdk import upload

        what = f"file '{attachment.name}'"
        place = self._client.read("files.getUploadURLExternal", what, filename=attachment.name, length=len(attachment.data))
        try:
            status = upload(place["upload_url"], attachment.data, self._timeout)
        except BROKEN as error:
            raise broken(error, what) from error
        if status != 200:
            raise refused("", what, {}, {}, status)
        return {"id": place["file_id"], "title": attachment.name}

    def _again(self, call: Any) -> Any:
        return retrying(call, attempts=self._attempts)
