"""Says whether a built site loads anything from elsewhere: it must work without a network, and tell nobody who reads it.

python tools/check_site.py FOLDER
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src", "object": "data", "link": "href"}
"""Element -> its attribute with an address that is loaded with the page. Links that people follow are none."""
_KEPT = {"canonical", "prev", "next", "alternate"}
"""Kinds of `link` that load nothing."""
_ELSEWHERE = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
_IN_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)


class _Page(HTMLParser):
    """Collects what a page loads from other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        given = dict(attrs)
        address = given.get(_LOADS.get(tag, ""))
        if address and _ELSEWHERE.match(address) and not (tag == "link" and given.get("rel") in _KEPT):
            self.found.append(address)
        self.found += _IN_STYLE.findall(given.get("style") or "")


def loaded_from_elsewhere(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each page or style sheet with an address on another host that it loads."""
    for file in sorted(folder.rglob("*.html")):
        page = _Page()
        page.feed(file.read_text("utf-8"))
        yield from ((file, address) for address in page.found)
    for file in sorted(folder.rglob("*.css")):
        yield from ((file, address) for address in _IN_STYLE.findall(file.read_text("utf-8")))


def main(folder: Path) -> int:
    """Print what is loaded from elsewhere, and return the exit code."""
    pages = sum(1 for _ in folder.rglob("*.html"))
    found = list(loaded_from_elsewhere(folder))
    for file, address in found:
        print(f"{file.relative_to(folder)} loads {address}")
    print(f"{pages} pages; {len(found)} load something from elsewhere")
    return 1 if found or not pages else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
