"""Whether blocks are ones that Slack takes.

Sources: Slack's reference of blocks, block elements and composition objects (header: 150 characters; actions: 25 elements; button: text 75,
value 2000, action_id 255; block_id 255; 50 blocks in a message; text objects: 1 to 3000), and its page "Message metadata". Slack publishes
no limit for the text of a rich text block; here it has that of a text object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_INLINE = {"text", "link", "user", "usergroup", "broadcast", "channel", "emoji", "date", "color"}
_RICH = {"rich_text_section", "rich_text_preformatted", "rich_text_quote", "rich_text_list"}


def problems(blocks: Any) -> list[str]:
    """Return what Slack would refuse; nothing if it takes them."""
    if not isinstance(blocks, list):
        return ["blocks: must be a list"]
    found = ["no more than 50 items allowed [json-pointer:/blocks]"] if len(blocks) > 50 else []
    names = [block.get("block_id") for block in blocks if isinstance(block, dict) and block.get("block_id")]
    if len(set(names)) < len(names):
        found.append("block_id already exists")
    for number, block in enumerate(blocks):
        found += [f"{text} [json-pointer:/blocks/{number}]" for text in _of_block(block)]
    return found


def problems_of_metadata(metadata: Any) -> str:
    """Return the error code for metadata that Slack does not take, or nothing."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict) or not metadata.get("event_type"):
        return "invalid_metadata_format"
    return "metadata_too_large" if len(json.dumps(metadata)) > 8000 else ""


def _of_block(block: Any) -> Iterator[str]:
    if not isinstance(block, dict):
        yield "must be an object"
        return
    if len(str(block.get("block_id", ""))) > 255:
        yield "must be less than 256 characters: block_id"
    match block.get("type"):
        case "header":
            yield from _text(block.get("text"), ("plain_text",), 150)
        case "section":
            yield from _text(block.get("text"), ("plain_text", "mrkdwn"), 3000)
        case "rich_text":
            yield from _rich(block.get("elements"))
        case "actions":
            yield from _actions(block.get("elements"))
        case "divider":
            return
        case other:
            yield f"unsupported type: {other}"


def _text(text: Any, kinds: tuple[str, ...], most: int) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield f"missing required field: text of type {' or '.join(kinds)}"
    elif not 1 <= _length(text.get("text")) <= most:
        yield f"must be between 1 and {most} characters: text"


def _rich(elements: Any) -> Iterator[str]:
    if not isinstance(elements, list) or not elements:
        yield "missing required field: elements"
        return
    for element in elements:
        if not isinstance(element, dict) or element.get("type") not in _RICH:
            yield f"unsupported element of rich_text: {element}"
            continue
        for inline in element.get("elements") or [None]:
            if not isinstance(inline, dict) or inline.get("type") not in _INLINE:
                yield f"unsupported element: {inline}"
            elif inline["type"] == "text" and not 1 <= _length(inline.get("text")) <= 3000:
                yield "must be between 1 and 3000 characters: text"
            elif inline["type"] == "link" and not str(inline.get("url", "")).startswith(("http://", "https://", "mailto:")):
                yield "invalid url"


def _actions(elements: Any) -> Iterator[str]:
    if not isinstance(elements, list) or not 1 <= len(elements) <= 25:
        yield "must have between 1 and 25 elements"
        return
    names = [element.get("action_id") for element in elements]
    if len(set(names)) < len(names):
        yield "action_id already exists in the block"
    for element in elements:
        if element.get("type") != "button":
            yield f"unsupported element: {element.get('type')}"
            continue
        yield from _text(element.get("text"), ("plain_text",), 75)
        if len(str(element.get("value", ""))) > 2000 or len(str(element.get("action_id", ""))) > 255:
            yield "value or action_id is too long"
        if element.get("style") not in (None, "primary", "danger"):
            yield "invalid style"


def _length(text: Any) -> int:
    return len(text.encode("utf-16-le")) // 2 if isinstance(text, str) else 0
