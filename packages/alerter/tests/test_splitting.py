"""Text is split where it must be, loses nothing, and is cut within no character."""

from __future__ import annotations

import html

import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail_alerter import Alert, Limits, Unit
from dovetail_alerter.layout import Layout
from dovetail_alerter.splitting import shortened, split

TEXT = st.lists(
    st.sampled_from(["a", "word ", "line\n", "e\u0301", "\U0001f469\u200d\U0001f680", "\U0001f1eb\U0001f1f7", "&", "<"]), max_size=80
).map("".join)


def escaped_bytes(text: str) -> int:
    return len(html.escape(text).encode())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # which a busy machine is
@given(TEXT, st.integers(25, 60))
def test_pieces_fit_join_to_the_text_and_end_between_characters(text: str, limit: int) -> None:
    pieces = split(text, limit, escaped_bytes)
    assert "".join(pieces) == text
    assert all(0 < escaped_bytes(piece) <= limit for piece in pieces)
    assert sum(len(regex.findall(r"\X", piece)) for piece in pieces) == len(regex.findall(r"\X", text))


def test_a_piece_ends_after_a_line_else_after_a_word() -> None:
    assert split("first line\nsecond line", 16, len) == ["first line\n", "second line"]
    assert split("several words here", 10, len) == ["several ", "words here"]
    assert split("aaaaaaaaaa", 4, len) == ["aaaa", "aaaa", "aa"]


def test_the_first_piece_may_have_less_room() -> None:
    assert split("aaaaaaaaaa", 6, len, first=2) == ["aa", "aaaaaa", "aa"]


def test_a_character_that_fits_nowhere_is_given_by_code_points() -> None:
    tower = "a" + "\u0301" * 30
    assert "".join(split(tower, 10, len)) == tower
    assert max(map(len, split(tower, 10, len))) == 10


def test_a_shortened_text_says_that_it_is() -> None:
    assert shortened("short", 10, len) == "short"
    assert shortened("a long title of many words", 12, len) == "a long \u2026"


def test_units_count_as_providers_do() -> None:
    assert [unit.size("a\u00e9\U0001f680") for unit in (Unit.CHARACTERS, Unit.UTF16, Unit.BYTES)] == [3, 4, 7]


def layout(rich: bool = True, **limits: int) -> Layout:
    return Layout(Limits(**limits), html.escape, html.escape, rich)  # type: ignore[arg-type]


def test_details_share_the_message_of_the_body_where_they_fit() -> None:
    one = layout(body=40).messages(Alert("t", "body", details="trace <x>"))
    assert [(message.body, message.details) for message in one] == [("body", "trace &lt;x&gt;")]
    two = layout(body=40).messages(Alert("t", "b" * 35, details="d" * 30))
    assert [(message.body, message.details) for message in two] == [("b" * 35, ""), ("", "d" * 30)]


def test_fields_and_links_are_with_the_first_part_and_files_with_the_last() -> None:
    from dovetail_alerter import Attachment, Link

    parts = layout(body=20).messages(
        Alert("t", "b" * 50, fields={"n": "v"}, links=(Link("https://a.b", "<l>"),), attachments=(Attachment("f", b""),))
    )
    assert [(bool(part.fields), bool(part.links), bool(part.attachments)) for part in parts] == [
        (True, True, False),
        (False, False, False),
        (False, False, True),
    ]
    assert parts[0].links == (Link("https://a.b", "&lt;l&gt;"),)


def test_what_has_no_place_of_its_own_is_a_line() -> None:
    from dovetail_alerter import Link

    alert = Alert("t", "body", fields={"a": "1", "b": "x" * 30, "c": "3"}, links=(Link("https://a.b", "l"),), details="d")
    (rich,) = layout(fields=1, field=20).messages(alert)
    assert (rich.fields, rich.body) == ((("a", "1"),), f"body\n\nb: {'x' * 30}\nc: 3")
    (plain,) = layout(rich=False).messages(alert)
    assert plain.body == f"body\n\na: 1\nb: {'x' * 30}\nc: 3\nl: https://a.b\n\nd"
    assert (plain.fields, plain.links, plain.details) == ((), (), "")


def test_what_is_left_out_is_counted() -> None:
    parts = layout(body=60, parts=2).messages(Alert("t", "x" * 500))
    shown = sum(part.body.count("x") for part in parts)
    assert parts[-1].body.endswith(f"{500 - shown} more characters") and len(parts) == 2
    assert all(len(part.body) <= 60 for part in parts)
    trace = layout(body=60, parts=2).messages(Alert("t", details="y" * 500))
    assert "more characters" in trace[-1].details and len(trace[-1].details) <= 60
