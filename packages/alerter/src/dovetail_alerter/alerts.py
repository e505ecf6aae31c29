"""What is told to people."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from dovetail_alerter.text import require_text
from dovetail_core import InvalidArgument, closest

T = TypeVar("T")


class Level(StrEnum):
    """How serious an alert is."""

    INFO = "info"
    """For whoever reads along; nothing needs to be done."""
    SUCCESS = "success"
    """Something that was waited for went well."""
    WARNING = "warning"
    """Something to look at, some time."""
    ERROR = "error"
    """Something failed, and stays so until somebody acts."""
    CRITICAL = "critical"
    """Somebody has to act now."""


@dataclass(frozen=True)
class Link:
    """An address to read on at, and what it is called; `text` may be left out."""

    url: str
    """Absolute, http or https."""
    text: str = ""
    """What is shown in place of the address; empty: the address."""

    def __post_init__(self) -> None:
        require_text(self.url, "the url of a link", one_line=True, empty=False)
        require_text(self.text, "the text of a link", one_line=True)
        try:
            parts = urlsplit(self.url)
        except ValueError as error:
            raise InvalidArgument("the url of a link cannot be parsed", remedy="give an absolute http or https address") from error
        spaced = any(character.isspace() or character in '<>"|\\' for character in self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or spaced or not self.url.isprintable():
            raise InvalidArgument(
                "the url of a link is no absolute http or https address, or has characters that must be percent-encoded",
                remedy="give it as a browser's address bar does",
            )


@dataclass(frozen=True)
class Attachment:
    """A file that is sent along."""

    name: str
    """File name, without directories."""
    data: bytes
    """The file's content."""
    media_type: str = "application/octet-stream"
    """Type and subtype, such as `text/plain`."""

    def __post_init__(self) -> None:
        require_text(self.name, "the name of an attachment", one_line=True, empty=False)
        if self.name in (".", "..") or set(self.name) & set('/\\"') or not self.name.isprintable():
            raise InvalidArgument("the name of an attachment is no plain file name", remedy="give a name without directories or quotes")
        if not isinstance(self.data, bytes):
            raise InvalidArgument(f"the data of an attachment is {type(self.data).__name__}, and must be bytes", remedy="encode it")
        if not self.media_type.isascii() or not self.media_type.isprintable() or self.media_type.count("/") != 1:
            raise InvalidArgument("the media type of an attachment is not of the form 'text/plain'", remedy="give type and subtype")

    @classmethod
    def of(cls, path: str | os.PathLike[str], media_type: str = "application/octet-stream") -> Attachment:
        """Return a file's name and content, read now."""
        return cls(Path(path).name, Path(path).read_bytes(), media_type)


@dataclass(frozen=True)
class Alert:
    """A message to people. Text is shown as it is written: nothing in it is markup. Raises `InvalidArgument` if it cannot be sent."""

    title: str
    """One line."""
    body: str = ""
    """Any number of lines; what does not fit into one message is split."""
    level: Level = Level.INFO
    """How serious it is; its text, such as "error", is taken too."""
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Short facts by name, in their order."""
    links: tuple[Link, ...] = ()
    """Addresses to read on at."""
    details: str = ""
    """Preformatted text below the body, such as a traceback: shown in type of fixed width where there is one."""
    attachments: tuple[Attachment, ...] = ()
    """Files; needs ATTACHMENTS."""
    thread: str = ""
    """Alerts with the same text here belong together, such as a run's id; needs THREADS."""
    key: str = ""
    """An alert with this key is shown once, however often it is posted; needs IDEMPOTENT_DELIVERY. Left out: each call posts it anew."""

    def __post_init__(self) -> None:
        require_text(self.title, "the title", one_line=True, empty=False)
        require_text(self.body, "the body")
        require_text(self.details, "`details`")
        require_text(self.thread, "`thread`", one_line=True)
        require_text(self.key, "`key`", one_line=True)
        object.__setattr__(self, "level", level_of(self.level))
        object.__setattr__(self, "fields", checked_fields(self.fields))
        object.__setattr__(self, "links", instances(self.links, Link, "links"))
        object.__setattr__(self, "attachments", instances(self.attachments, Attachment, "attachments"))


def level_of(value: str) -> Level:
    """Return the level that a text names. Raises `InvalidArgument` for any other."""
    try:
        return Level(value)
    except ValueError:
        raise InvalidArgument(
            f"there is no level {str(value)[:40]!r}{closest(str(value), Level)}", remedy=f"levels: {', '.join(Level)}"
        ) from None


def checked_fields(fields: object) -> dict[str, str]:
    """Return a copy of fields. Raises `InvalidArgument` if they are no mapping of text to text."""
    if not isinstance(fields, Mapping):
        raise InvalidArgument(f"`fields` is {type(fields).__name__}, and must map names to text", remedy="give a dictionary")
    for name, value in fields.items():
        require_text(name, "the name of a field", one_line=True, empty=False)
        require_text(value, f"the field {name[:40]!r}")
    return dict(fields)


def instances(values: Iterable[object], kind: type[T], what: str) -> tuple[T, ...]:
    """Return values as a tuple. Raises `InvalidArgument` unless each is of a class."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidArgument(f"`{what}` is {type(values).__name__}, and must be several {kind.__name__}", remedy="give a list")
    found = tuple(values)
    for value in found:
        if not isinstance(value, kind):
            raise InvalidArgument(
                f"`{what}` holds {type(value).__name__}, and must hold {kind.__name__}", remedy=f"make it a {kind.__name__}"
            )
    return tuple(value for value in found if isinstance(value, kind))
