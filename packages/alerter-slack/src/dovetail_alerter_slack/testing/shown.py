"""What readers see of a message that the fake workspace holds."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from dovetail_alerter.contract import Arrived

_PING = re.compile(r"<(@[UW][A-Z0-9]+|!(?:channel|here|everyone)|!subteam\^[A-Z0-9]+)(?:\|[^>]*)?>")
_LINK = re.compile(r"<((?:https?|mailto):[^|>]+)\|([^>]*)>")
_LEVELS = ("Warning: ", "Error: ", "Critical: ")


def shown(message: dict[str, Any], target: str, files: dict[str, bytes]) -> Arrived:
    """Return a message as it is shown, and whom it calls: blocks if there are some, with the fallback text counting for notifications."""
    blocks = message.get("blocks") or []
    title = next((block["text"]["text"] for block in blocks if block["type"] == "header"), "")
    for level in _LEVELS:
        title = title.removeprefix(level)
    fallback = str(message.get("text", ""))
    elements = [element for block in blocks if block["type"] == "rich_text" for element in block["elements"]]
    inline = [item for element in elements for item in element["elements"]]
    text = "\n".join("".join(_inline(item) for item in element["elements"]) for element in elements)
    links = [item["url"] for item in inline if item["type"] == "link" and item.get("text", item["url"]) != item["url"]]
    thread = str(message.get("thread_ts", ""))
    return Arrived(
        str(message["ts"]),
        target,
        title or html.unescape(fallback.partition("\n")[0]),
        text,
        thread if thread != message["ts"] else "",
        files,
        (*_pings(fallback), *(item["type"] for item in inline if item["type"] in ("user", "usergroup", "broadcast"))),
        (*links, *(url for url, _ in _LINK.findall(fallback))),
    )


def _inline(item: dict[str, Any]) -> str:
    return str(item.get("text") or item.get("url") or "") if item["type"] in ("text", "link") else f"<{item['type']}>"


def _pings(text: str) -> Iterator[str]:
    yield from (match[1] for match in _PING.finditer(text))
