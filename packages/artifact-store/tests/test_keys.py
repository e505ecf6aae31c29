"""A key can lead nowhere but into the store, and is kept byte for byte."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import InvalidArgument

HOSTILE = [
    "..", "../x", "a/../../x", "a/..", "/etc/passwd", "//x", "a//b", "a/", "/", "", ".", "a/./b", "a\\..\\b", "C:/x", "c:", "file:///etc/passwd",
    "s3://bucket/x", "%2e%2e/x", "a/%2E%2e/b", "a\0b", "a\nb", "a\x7fb", "\ud800", "x" * 256, "/".join(["y" * 100] * 11), ".dovetail-tmp/x", ".dovetail-tmp",
]  # fmt: skip
FAITHFUL = [
    "a%2Fb", "a%2fb", "a+b", "a b", "a#b", "a?b", "a&b", "a:b", "a=b", "a*b", "[x]", "~", "'", "\u00fc", "u\u0308", "日本", "😀", "A", "a", "a.b.", "..a", "a..",
    " lead", "trail ", "-x", "x" * 255, "a/b/c/d", ".hidden", "{x}", "a;b", "a,b", "a\u202eb", "%", "%25",
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    (tmp_path / "canary").write_text("untouched")
    return LocalArtifactStore(path=tmp_path / "store")


def calls(store: LocalArtifactStore, key: Any, folder: Path) -> list[Any]:
    """Return every method that takes a key, as calls."""
    (folder / "local").mkdir(exist_ok=True)
    (folder / "file").write_text("x")
    return [
        lambda: store.write_bytes(key, b"x"),
        lambda: store.read_bytes(key),
        lambda: store.open(key, "wb"),
        lambda: store.open(key, "rb"),
        lambda: store.stat(key),
        lambda: store.remove(key),
        lambda: store.delete([key]),
        lambda: store.copyfile("good", key),
        lambda: store.copyfile(key, "good"),
        lambda: store.rename("good", key),
        lambda: store.uri(key),
        lambda: store.digest_of(key),
        lambda: store.local_path(key),
        lambda: store.missing([key]),
        lambda: store.mkdir(key),
        lambda: store.makedirs(key),
        lambda: store.upload(folder / "file", key),
        lambda: store.download(key, folder / "out"),
    ]


@pytest.mark.parametrize("key", HOSTILE, ids=ascii)
def test_a_hostile_key_is_refused_by_every_method_before_anything_happens(store: LocalArtifactStore, tmp_path: Path, key: str) -> None:
    store.write_bytes("good", b"good")
    for call in calls(store, key, tmp_path):
        with pytest.raises(InvalidArgument):
            call()
    assert (tmp_path / "canary").read_text() == "untouched"
    assert [info.key for info in store.list()] == ["good"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("prefix", [key for key in HOSTILE if key not in ("", ".", "/", "a/", "//x")], ids=ascii)
def test_a_hostile_prefix_is_refused(store: LocalArtifactStore, tmp_path: Path, prefix: str) -> None:
    for call in (
        lambda: list(store.list(prefix)),
        lambda: store.listdir(prefix),
        lambda: store.rmtree(prefix),
        lambda: store.isdir(prefix),
    ):
        with pytest.raises(InvalidArgument):
            call()


@pytest.mark.parametrize("everything", ["", ".", "/"])
def test_the_whole_store_is_no_tree_to_delete(store: LocalArtifactStore, everything: str) -> None:
    store.write_bytes("good", b"good")
    with pytest.raises(InvalidArgument):
        store.rmtree(everything)
    assert store.exists("good")


@pytest.mark.parametrize("key", FAITHFUL, ids=ascii)
def test_a_key_is_kept_byte_for_byte(store: LocalArtifactStore, key: str) -> None:
    store.write_bytes(key, key.encode())
    assert [info.key for info in store.list()] == [key]
    assert store.read_bytes(key) == store.read_bytes(store.uri(key)) == key.encode()
    assert store.key_of(store.uri(key)) == key
    assert os.fsencode(key) in {os.fsencode(str(path.relative_to(store.config.path))) for path in store.config.path.rglob("*")}
    store.remove(key)
    assert list(store.list()) == []


def test_no_two_keys_are_one(store: LocalArtifactStore) -> None:
    for key in FAITHFUL:
        if key not in ("a",):  # `a/b/c/d` excludes it in this flavor
            store.write_bytes(key, key.encode())
    assert {info.key for info in store.list()} == set(FAITHFUL) - {"a"}
    assert all(store.read_bytes(key) == key.encode() for key in FAITHFUL if key != "a")


def test_paths_are_keys_with_slashes(store: LocalArtifactStore) -> None:
    store.write_bytes(PurePosixPath("a/b"), b"x")
    assert store.read_bytes(PureWindowsPath("a\\b")) == store.read_bytes("a/b") == b"x"
    for hostile in (PurePosixPath("/etc"), PurePosixPath("../x"), PureWindowsPath("C:\\x")):
        with pytest.raises(InvalidArgument):
            store.write_bytes(hostile, b"x")


def test_a_sibling_with_the_same_prefix_is_another_store(tmp_path: Path) -> None:
    one, sibling = LocalArtifactStore(path=tmp_path / "a"), LocalArtifactStore(path=tmp_path / "ab")
    sibling.write_bytes("x", b"sibling")
    assert not one.exists("x")
    for uri in (sibling.uri("x"), f"{tmp_path}/ab/x", f"file://{tmp_path}/ab/x"):
        with pytest.raises(InvalidArgument):
            one.read_bytes(uri)


def test_a_symbolic_link_is_followed_nowhere(store: LocalArtifactStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_text("outside")
    store.write_bytes("inside/x", b"x")
    (store.config.path / "link").symlink_to(outside)
    (store.config.path / "file").symlink_to(outside / "x")
    for key in ("link/x", "file"):
        for call in (
            lambda key=key: store.read_bytes(key),
            lambda key=key: store.stat(key),
            lambda key=key: store.remove(key),
            lambda key=key: store.digest_of(key),
            lambda key=key: store.copyfile(key, "copy"),
            lambda key=key: store.local_path(key),
        ):
            with pytest.raises(InvalidArgument):
                call()
    for call in (lambda: store.write_bytes("link/y", b"y"), lambda: store.rmtree("link"), lambda: list(store.list("link"))):
        with pytest.raises(InvalidArgument):
            call()
    assert [info.key for info in store.list()] == ["inside/x"]
    assert store.listdir() == ["inside"]
    assert sorted(path.name for path in outside.iterdir()) == ["x"]
    assert (outside / "x").read_text() == "outside"


def test_a_directory_that_became_a_link_is_noticed(store: LocalArtifactStore, tmp_path: Path) -> None:
    store.write_bytes("a/b/x", b"x")
    (tmp_path / "outside" / "b").mkdir(parents=True)
    (store.config.path / "a").rename(tmp_path / "moved")
    (store.config.path / "a").symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidArgument):
        store.write_bytes("a/b/x", b"y")
    assert list((tmp_path / "outside" / "b").iterdir()) == []


def test_the_store_stays_where_it_was_made_when_the_working_directory_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = LocalArtifactStore(path="relative")
    monkeypatch.chdir("/")
    store.write_bytes("x", b"x")
    assert (tmp_path / "relative" / "x").read_bytes() == b"x"
