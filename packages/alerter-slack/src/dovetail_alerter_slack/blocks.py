"""A message as Slack's blocks.

Everything that people wrote goes into `rich_text` elements and plain text, in which nothing is markup: no mention, link or formatting can
come of it. Only the fallback `text`, which notifications show, is mrkdwn; there `&`, `<` and `>` are escaped, as Slack's page "Formatting
text" demands. Limits are those of the reference of blocks: a header has 150 characters, a button's text 75, a message 50 blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dovetail_alerter import Level, Limits, Link, Message, Question, Unit

LIMITS = Limits(title=138, body=2800, fields=20, field=500, parts=20, attachment=1 << 30, unit=Unit.UTF16)
"""A header has 150 characters, of which the level takes up to 12; body and details stay below the 3000 of a text object."""
EVENT = "dovetail_alert"
"""Type of the metadata by which a message is found again."""
ACTION = "dovetail_answer"
"""Beginning of the ids of a question's buttons."""
_FALLBACK = 3000
_PREFIXES = {Level.WARNING: "Warning: ", Level.ERROR: "Error: ", Level.CRITICAL: "Critical: "}
Element = dict[str, Any]


def payload(message: Message, buttons: bool) -> dict[str, Any]:
    """Return what a message is, as arguments of chat.postMessage or of a webhook."""
    title = _PREFIXES.get(message.level, "") + message.title
    return {
        "text": _fallback(title, message),
        "blocks": list(_blocks(title, message, buttons)),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def metadata(message: Message) -> dict[str, Any]:
    """Return by what a message is found again."""
    return {"event_type": EVENT, "event_payload": {"key": message.key, "thread": message.thread, "part": message.part}}


def settled(message: Message, line: str) -> dict[str, Any]:
    """Return a question that is over, without its buttons, with a line that says how it ended."""
    content = payload(message, False)
    content["blocks"].append({"type": "rich_text", "elements": [_section([_text(line, italic=True)])]})
    return content


def escaped(text: str) -> str:
    """Return text as mrkdwn shows it literally."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _fallback(title: str, message: Message) -> str:
    text = "\n".join(filter(None, (title, message.body)))
    return escaped(text[:_FALLBACK] + " \u2026" * (len(text) > _FALLBACK))


def _blocks(title: str, message: Message, buttons: bool) -> Iterator[Element]:
    yield {"type": "header", "text": _plain(title)}
    if elements := list(_elements(message)):
        yield {"type": "rich_text", "elements": elements}
    if message.question is not None and buttons:
        yield {"type": "actions", "block_id": f"{ACTION}:{message.key}", "elements": list(_buttons(message.question))}
    elif message.question is not None:
        yield {"type": "rich_text", "elements": [_section([_text(_instructions(message.question), italic=True)])]}


def _elements(message: Message) -> Iterator[Element]:
    if message.body:
        yield _section([_text(message.body)])
    for name, value in message.fields:
        yield _section([_text(f"{name}: ", bold=True), _text(value)] if value else [_text(f"{name}:", bold=True)])
    for link in message.links:
        yield _section([_link(link)])
    if message.details:
        yield {"type": "rich_text_preformatted", "elements": [_text(message.details)]}


def _section(elements: Iterable[Element]) -> Element:
    return {"type": "rich_text_section", "elements": list(elements)}


def _text(text: str, **style: bool) -> Element:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def _link(link: Link) -> Element:
    return {"type": "link", "url": link.url, **({"text": link.text} if link.text else {})}


def _plain(text: str) -> Element:
    return {"type": "plain_text", "text": text, "emoji": False}


def _buttons(question: Question) -> Iterator[Element]:
    for word, style in ((question.approve[0], "primary"), (question.reject[0], "danger")):
        yield {"type": "button", "action_id": f"{ACTION}:{style}", "text": _plain(word[:75]), "value": word[:2000], "style": style}


def _instructions(question: Question) -> str:
    return f"{question.instructions} Answer in the thread of this message, or react with :+1: (:white_check_mark:) or :-1: (:x:)."
