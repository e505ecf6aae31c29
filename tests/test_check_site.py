"""A site that loads something from another host is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from check_site import loaded_from_elsewhere, main


def site(folder: Path, body: str, style: str = "") -> Path:
    """Write a site of one page and one style sheet."""
    (folder / "index.html").write_text(f"<html><head><link rel=canonical href='https://example.org/'></head><body>{body}</body></html>")
    (folder / "own.css").write_text(style)
    return folder


def test_links_that_people_follow_and_own_files_are_fine(tmp_path: Path) -> None:
    page = site(
        tmp_path, "<a href='https://example.org/issues/1'>1</a><script src='assets/own.js'></script>", "a { background: url(data:x) }"
    )
    assert main(page) == 0


@pytest.mark.parametrize(
    "body",
    [
        "<script src='https://cdn.example.org/x.js'></script>",
        "<img src='//cdn.example.org/x.png'>",
        "<link rel='stylesheet' href='https://cdn.example.org/x.css'>",
        "<p style='background: url(https://cdn.example.org/x.png)'>x</p>",
    ],
)
def test_what_a_page_loads_from_another_host_is_named(tmp_path: Path, body: str) -> None:
    ((file, address),) = loaded_from_elsewhere(site(tmp_path, body))
    assert file.name == "index.html" and "cdn.example.org" in address
    assert main(tmp_path) == 1


def test_fonts_of_another_host_are_named(tmp_path: Path) -> None:
    ((file, _),) = loaded_from_elsewhere(site(tmp_path, "", "@import 'https://fonts.example.org/css';"))
    assert file.name == "own.css"


def test_no_site_is_no_good_site(tmp_path: Path) -> None:
    assert main(tmp_path) == 1
