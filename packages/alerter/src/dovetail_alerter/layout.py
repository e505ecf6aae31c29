"""Lays an alert out as the messages that a provider takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from uuid import NAMESPACE_URL, uuid5

from dovetail_alerter.alerts import Alert, Attachment, Link
from dovetail_alerter.messages import Limits, Message
from dovetail_alerter.splitting import shortened, split
from dovetail_alerter.text import visible
from dovetail_core import mask

Escape = Callable[[str], str]


@dataclass(frozen=True)
class Layout:
    """How one alerter shows alerts."""

    limits: Limits
    escape: Escape
    escape_details: Escape
    rich: bool

    def messages(self, alert: Alert) -> list[Message]:
        """Return an alert's messages, in their order, without keys and threads."""
        alert = _each_text(alert, visible)
        fields, links, body, details = self._placed(alert)
        room = self.limits.title - len(_suffix(self.limits.parts, self.limits.parts))
        if self._size(alert.title) > room:
            body = f"{alert.title}\n\n{body}".rstrip()  # so that nothing of it is lost
        parts = self._cut(self._parts(body, details))
        count = len(parts)
        messages = [
            Message(
                "",
                self._title(alert.title, number, count),
                self.escape(text),
                self.escape_details(code),
                alert.level,
                part=number,
                parts=count,
            )
            for number, (text, code) in enumerate(parts, 1)
        ]
        messages[0] = replace(messages[0], fields=fields, links=links)
        messages[-1] = replace(messages[-1], attachments=alert.attachments)
        return messages

    def _size(self, text: str) -> int:
        return self.limits.unit.size(self.escape(text))

    def _size_of_details(self, text: str) -> int:
        return self.limits.unit.size(self.escape_details(text))

    def _placed(self, alert: Alert) -> tuple[tuple[tuple[str, str], ...], tuple[Link, ...], str, str]:
        """Return the fields and links that are laid out as such, and body and details with all that is not."""
        placed = [item for item in alert.fields.items() if self.rich and max(map(self._size, item)) <= self.limits.field]
        placed = placed[: self.limits.fields]
        lines = [f"{name}: {value}" for name, value in alert.fields.items() if (name, value) not in placed]
        links = alert.links if self.rich else ()
        lines += [f"{link.text}: {link.url}" if link.text else link.url for link in alert.links if not self.rich]
        details = alert.details if self.rich else ""
        blocks = [alert.body, "\n".join(lines), "" if self.rich else alert.details]
        escaped = tuple((self.escape(name), self.escape(value)) for name, value in placed)
        return escaped, tuple(Link(link.url, self.escape(link.text)) for link in links), "\n\n".join(filter(None, blocks)), details

    def _parts(self, body: str, details: str) -> list[tuple[str, str]]:
        """Return body and details, unescaped, of each part; details begin where the body ends if half a message is left."""
        limit = self.limits.body
        parts = [(text, "") for text in split(body, limit, self._size)] or [("", "")]
        if details:
            room = limit - self._size(parts[-1][0])
            shared = self._size_of_details(details) <= room or room >= limit // 2
            pieces = split(details, limit, self._size_of_details, room if shared else None)
            if shared:
                parts[-1] = (parts[-1][0], pieces.pop(0))
            parts += [("", piece) for piece in pieces]
        return parts

    def _cut(self, parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return no more parts than allowed; the last one says how much is left out."""
        if len(parts) <= self.limits.parts:
            return parts
        kept = parts[: self.limits.parts]
        text, code = kept[-1]
        left = sum(len(more) + len(most) for more, most in parts[self.limits.parts :])
        room = self.limits.body - self.limits.unit.size(_left_out(10**12))
        short_code = (split(code, room, self._size_of_details) or [""])[0]
        short_text = (split(text, room - self._size_of_details(short_code), self._size) or [""])[0]
        left += len(code) - len(short_code) + len(text) - len(short_text)
        kept[-1] = (f"{short_text}{_left_out(left)}", short_code) if not code else (short_text, f"{short_code}{_left_out(left)}")
        return kept

    def _title(self, title: str, number: int, count: int) -> str:
        suffix = _suffix(number, count) if count > 1 else ""
        room = self.limits.title - len(_suffix(self.limits.parts, self.limits.parts))
        return self.escape(shortened(title, room, self._size)) + suffix


def masked(alert: Alert) -> Alert:
    """Return an alert with every known secret masked, in attachments too, where they are text."""
    return replace(
        _each_text(alert, mask),
        links=tuple(Link(mask(link.url), mask(link.text)) for link in alert.links),
        attachments=tuple(map(_masked, alert.attachments)),
    )


def _each_text(alert: Alert, change: Callable[[str], str]) -> Alert:
    return replace(
        alert,
        title=change(alert.title),
        body=change(alert.body),
        details=change(alert.details),
        fields={change(name): change(value) for name, value in alert.fields.items()},
        links=tuple(Link(link.url, change(link.text)) for link in alert.links),
    )


def keyed(messages: Iterable[Message], key: str, target: str) -> list[Message]:
    """Return messages with the keys under which a target gets them."""
    return [replace(message, key=str(uuid5(NAMESPACE_URL, f"dovetail-alert:{key}\n{target}\n{message.part}"))) for message in messages]


def _masked(attachment: Attachment) -> Attachment:
    """Return a file with known secrets masked, if it is text."""
    try:
        text = attachment.data.decode()
    except UnicodeDecodeError:
        return attachment
    masked = mask(text)
    return attachment if masked == text else replace(attachment, data=masked.encode())


def _suffix(number: int, count: int) -> str:
    return f" ({number}/{count})"


def _left_out(count: int) -> str:
    return f"\n\u2026 {count:,} more characters"
