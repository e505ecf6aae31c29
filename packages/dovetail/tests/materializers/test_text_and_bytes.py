"""Text and bytes are stored as they are."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail.materializers import Registry, save
from dovetail_artifact_store import LocalArtifactStore


@pytest.mark.parametrize("value", ["", "a\r\nb\n", "é😀", "\ud800", "\x00", "x" * 3_000_000], ids=lambda value: ascii(value[:6]))
def test_text_comes_back(round_trip: Any, value: str) -> None:
    assert round_trip(value) == value


@pytest.mark.parametrize("value", [b"", b"\x00\xff", bytearray(b"ab"), bytes(3_000_000)], ids=lambda value: repr(value[:6]))
def test_bytes_come_back(round_trip: Any, value: Any) -> None:
    back = round_trip(value)
    assert back == value and type(back) is type(value)


def test_text_is_a_file_that_an_editor_reads(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save("é\n", store, "a", registry=registry)
    assert store.read_bytes(artifact.key) == "é\n".encode()
    assert artifact.uri.endswith("/a@text.txt")
