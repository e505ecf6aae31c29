"""What can be said in an alert, a question, a link and an attachment; what cannot is refused by name."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from dovetail_alerter import Alert, Attachment, Level, Link, Question
from dovetail_core import InvalidArgument


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"title": ""}, "title"),
        ({"title": "a\u2028b"}, "title"),
        ({"title": "a", "body": b"bytes"}, "body"),
        ({"title": "a", "body": "\udcff"}, "U\\+DCFF"),
        ({"title": "a", "level": "eror"}, "did you mean 'error'"),
        ({"title": "a", "fields": [("b", "c")]}, "fields"),
        ({"title": "a", "fields": {"b\nc": "d"}}, "name of a field"),
        ({"title": "a", "links": Link("https://example.org")}, "links"),
        ({"title": "a", "links": ["https://example.org"]}, "Link"),
        ({"title": "a", "attachments": "log.txt"}, "attachments"),
        ({"title": "a", "thread": "b\nc"}, "thread"),
    ],
)
def test_an_alert_that_cannot_be_sent_says_which_part(parts: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidArgument, match=named):
        Alert(**parts)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "javascript:alert(1)",
        "javascript://a.b/%0aalert(1)",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "https://",
        "https://a b",
        "https://a/\u202e",
        "https://a/<b>",
        "http://[x",
    ],
)
def test_a_link_is_an_absolute_web_address(url: str) -> None:
    with pytest.raises(InvalidArgument):
        Link(url)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", 'a"b', "a\nb"])
def test_an_attachment_has_a_plain_file_name(name: str) -> None:
    with pytest.raises(InvalidArgument):
        Attachment(name, b"")


def test_an_attachment_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"line")
    assert Attachment.of(tmp_path / "log.txt", "text/plain") == Attachment("log.txt", b"line", "text/plain")
    with pytest.raises(InvalidArgument):
        Attachment("a", b"", "text")
    with pytest.raises(InvalidArgument):
        Attachment("a", "text")  # type: ignore[arg-type]


def test_an_alert_is_a_value() -> None:
    given = {"b": "c"}
    alert = Alert("a", fields=given, level="error", links=[Link("https://example.org")])  # type: ignore[arg-type]
    given["b"] = "d"
    assert alert.fields == {"b": "c"} and alert.level is Level.ERROR
    assert pickle.loads(pickle.dumps(alert)) == alert and hash(alert) == hash(pickle.loads(pickle.dumps(alert)))


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("approve", True),
        ("  YES\n", True),
        ("No", False),
        ("reject", False),
        ("yes!", None),
        ("not ok", None),
        ("", None),
        ("yes no", None),
    ],
)
def test_an_answer_is_one_of_the_words_and_nothing_else(text: str, decision: bool | None) -> None:
    assert Question("Deploy?").decision(text) is decision


@pytest.mark.parametrize("words", [{"approve": ()}, {"approve": "yes"}, {"reject": (" ",)}, {"approve": ("Go",), "reject": ("stop", "go")}])
def test_the_words_of_a_question_decide_one_way(words: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        Question("Deploy?", **words)
