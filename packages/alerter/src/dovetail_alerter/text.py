"""Which text alerts take, and how what would deceive a reader is made visible."""

from __future__ import annotations

import re

from dovetail_core import InvalidArgument

_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_DECEPTIVE = re.compile("\r\n|[\x01-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")


def require_text(value: object, what: str, *, one_line: bool = False, empty: bool = True) -> None:
    """Raise `InvalidArgument` unless `value` is text that every provider can carry: no NUL, no lone surrogate, one line if asked."""
    if not isinstance(value, str):
        raise InvalidArgument(f"{what} is {type(value).__name__}, and must be text", remedy="convert it with str()")
    if found := _UNSENDABLE.search(value):
        raise InvalidArgument(
            f"{what} has the character U+{ord(found[0]):04X} at {found.start()}, which cannot be sent",
            remedy="remove it, or decode the text with errors='replace'",
        )
    if one_line and re.search("[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", value):
        raise InvalidArgument(f"{what} has more than one line", remedy="put the rest into the body")
    if not empty and not value.strip():
        raise InvalidArgument(f"{what} is empty", remedy="say in a few words what it is about")


def sendable(text: str) -> str:
    """Return `text` with what `require_text` refuses replaced, for text that comes from elsewhere, such as an exception's message."""
    return _UNSENDABLE.sub("\ufffd", text)


def visible(text: str) -> str:
    """Return `text` with control characters made visible: escape sequences, overwriting by carriage return, reversed direction.

    Tabs and line feeds stay, CR LF becomes LF. Bidirectional overrides and isolates are shown by number (Unicode TR 36, section 2.6).
    """
    return _DECEPTIVE.sub(lambda found: _shown(found[0]), text)


def _shown(character: str) -> str:
    if character == "\r\n":
        return "\n"
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\\u{code:04x}"
