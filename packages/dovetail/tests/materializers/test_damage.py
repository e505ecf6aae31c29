"""Whatever a value is stored as: altered, truncated or deleted bytes are an error that names them and the remedy, never another value."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import DovetailError, IntegrityError, NotFound


def of_pandas(tmp_path: Path) -> Any:
    pytest.importorskip("pyarrow", reason="pyarrow is optional")
    return pytest.importorskip("pandas", reason="pandas is optional").DataFrame({"a": [1, 2]})


def of_numpy(size: int) -> Any:
    return pytest.importorskip("numpy", reason="numpy is optional").arange(size)


def a_directory(tmp_path: Path) -> Path:
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "folder" / "a.txt").write_text("first file")
    (tmp_path / "folder" / "sub" / "b.txt").write_text("second file")
    return tmp_path / "folder"


def a_figure(tmp_path: Path) -> Any:
    made = pytest.importorskip("matplotlib.figure", reason="matplotlib is optional").Figure(figsize=(1, 1))
    made.subplots()
    return made


def an_estimator(tmp_path: Path) -> Any:
    pytest.importorskip("skops", reason="skops is optional")
    return pytest.importorskip("sklearn.linear_model", reason="scikit-learn is optional").Ridge().fit([[1.0]], [2.0])


VALUES: dict[str, Any] = {
    "json": lambda _: {"a": [1, (2,)]},
    "text": lambda _: "some text",
    "long text": lambda _: "some text" * 200_000,
    "bytes": lambda _: b"some bytes",
    "directory": a_directory,
    "file": lambda tmp_path: a_directory(tmp_path) / "a.txt",
    "array": lambda _: of_numpy(5),
    "big array": lambda _: of_numpy(200_000),
    "arrays in a list": lambda _: [of_numpy(5), of_numpy(200_000)],
    "pandas": of_pandas,
    "polars": lambda _: pytest.importorskip("polars", reason="polars is optional").DataFrame({"a": [1, 2]}),
    "big polars": lambda _: pytest.importorskip("polars", reason="polars is optional").DataFrame({"a": range(200_000)}),
    "arrow": lambda _: pytest.importorskip("pyarrow", reason="pyarrow is optional").table({"a": [1, 2]}),
    "estimator": an_estimator,
    "figure": a_figure,
    "image": lambda _: pytest.importorskip("PIL.Image", reason="pillow is optional").new("L", (3, 3)),
    "tensor": lambda _: pytest.importorskip("torch", reason="PyTorch is optional, and big").arange(5),
    "pickle": lambda _: ValueError("x"),
}
DAMAGE: dict[str, Any] = {
    "one bit changed": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "truncated": lambda data: data[:-1],
    "emptied": lambda data: b"",
    "extended": lambda data: data + b"\0",
    "deleted": None,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", VALUES)
def test_damage_to_any_file_of_an_artifact_is_an_error_that_names_it(
    name: str, damage: str, any_store: LocalArtifactStore, pickling: Registry, tmp_path: Path
) -> None:
    store = any_store
    artifact = save(VALUES[name](tmp_path), store, "a", registry=pickling)
    load(artifact, store, registry=pickling)
    infos = list(store.list())
    assert infos
    for info in infos:
        before = store.read_bytes(info.key)
        if DAMAGE[damage]:
            store.write_bytes(info.key, DAMAGE[damage](before))
        else:
            store.remove(info.key)
        with pytest.raises(DovetailError) as raised:
            load(artifact, store, registry=pickling)
        assert type(raised.value) is (IntegrityError if DAMAGE[damage] else NotFound)
        assert store.uri(info.key) in str(raised.value)
        assert "run the pipeline again with caching off" in raised.value.remedy
        store.write_bytes(info.key, before)
    load(artifact, store, registry=pickling)


def test_another_artifacts_bytes_are_not_taken_for_its_own(store: LocalArtifactStore, registry: Registry) -> None:
    one, other = save([1], store, "a", registry=registry), save([2], store, "b", registry=registry)
    with pytest.raises(IntegrityError):
        load(dataclasses.replace(one, key=other.key), store, registry=registry)


def test_without_verification_the_content_is_taken_as_it_is(any_store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save([1], any_store, "a", registry=registry)
    any_store.write_bytes(artifact.key, b"[2]")
    assert load(artifact, any_store, registry=registry, verify=False) == [2]


@pytest.mark.parametrize("name", ["long text", "big array", "big polars"])
def test_without_verification_deleted_bytes_are_still_named(
    name: str, any_store: LocalArtifactStore, registry: Registry, tmp_path: Path
) -> None:
    artifact = save(VALUES[name](tmp_path), any_store, "a", registry=registry)
    any_store.remove(artifact.key)
    with pytest.raises(NotFound, match="are gone"):
        load(artifact, any_store, registry=registry, verify=False)
