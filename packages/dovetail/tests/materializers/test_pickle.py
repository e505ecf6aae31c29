"""Pickle is the last resort: only where it is allowed, and only from the bytes that were stored."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest

from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import ConfigError, IntegrityError, NotFound


class Sheet:
    """A class that nothing else stores."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sheet) and self.text == other.text

    __hash__ = None  # type: ignore[assignment]


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.path, "unpickled")


def test_without_leave_the_error_names_the_class_and_the_ways_out(store: LocalArtifactStore, registry: Registry) -> None:
    with pytest.raises(ConfigError) as raised:
        save(Sheet("x"), store, "a", registry=registry)
    text = str(raised.value)
    assert f"{__name__}.Sheet" in text and "dovetail_materializers" in text and "`allow_pickle: true` in dovetail.yaml" in text


def test_with_leave_an_object_comes_back(store: LocalArtifactStore, pickling: Registry) -> None:
    artifact = save(Sheet("x"), store, "a", registry=pickling)
    assert load(artifact, store, registry=pickling) == Sheet("x")
    assert (artifact.materializer, artifact.format) == ("pickle", "pickle/1")


def test_with_leave_only_what_nothing_else_stores_is_pickled(store: LocalArtifactStore, pickling: Registry) -> None:
    artifact = save({"plain": [1, 2], "odd": Sheet("x")}, store, "a", registry=pickling)
    assert artifact.materializer == "json"
    assert load(artifact, store, registry=pickling) == {"plain": [1, 2], "odd": Sheet("x")}
    assert save([1], store, "b", registry=pickling).materializer == "json"


def test_functions_of_functions_are_pickled_by_cloudpickle(store: LocalArtifactStore, pickling: Registry) -> None:
    pytest.importorskip("cloudpickle", reason="cloudpickle is optional")
    artifact = save(lambda x: x + 1, store, "a", registry=pickling)
    assert load(artifact, store, registry=pickling)(1) == 2
    assert artifact.metadata["pickler"] == "cloudpickle"


def test_what_cannot_be_pickled_is_named_with_the_reason(store: LocalArtifactStore, pickling: Registry, tmp_path: Path) -> None:
    with open(tmp_path / "open", "w") as file, pytest.raises(ConfigError, match=r"TextIOWrapper cannot be stored: .*pickle"):
        save(file, store, "a", registry=pickling)


@pytest.mark.parametrize("nested", [False, True])
def test_without_leave_nothing_is_unpickled(
    nested: bool, store: LocalArtifactStore, registry: Registry, pickling: Registry, tmp_path: Path
) -> None:
    canary = Canary(tmp_path / "canary")
    artifact = save([canary] if nested else canary, store, "a", registry=pickling)
    with pytest.raises(ConfigError, match="this project does not allow it"):
        load(artifact, store, registry=registry)
    assert not canary.path.exists()
    load(artifact, store, registry=pickling)
    assert canary.path.exists(), "the canary sings where it may"


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("gone", [False, True])
def test_other_bytes_than_those_stored_are_never_unpickled(
    nested: bool, verify: bool, gone: bool, any_store: LocalArtifactStore, pickling: Registry, tmp_path: Path
) -> None:
    artifact = save([Sheet("x")] if nested else Sheet("x"), any_store, "a", registry=pickling)
    canary = Canary(tmp_path / "canary")
    key = next(info.key for info in any_store.list() if info.key.endswith(".pkl"))
    if gone:
        any_store.remove(key)
    else:
        any_store.write_bytes(key, pickle.dumps(canary))
    with pytest.raises(NotFound if gone else IntegrityError, match=r"value\.pkl"):
        load(artifact, any_store, registry=pickling, verify=verify)
    assert not canary.path.exists()


@pytest.mark.parametrize("name", ["json", "text", "bytes", "numpy", "pandas", "polars", "arrow", "estimator", "image", "tensors", "path"])
def test_pickled_bytes_under_the_name_of_another_materializer_are_not_unpickled(
    name: str, store: LocalArtifactStore, pickling: Registry, tmp_path: Path
) -> None:
    """Whatever else comes of it, an error or raw bytes, the canary does not sing."""
    canary = Canary(tmp_path / "canary")
    artifact = save(canary, store, "a", registry=pickling)
    try:
        materializer = pickling.named(name)
    except ConfigError:
        pytest.skip(f"what the materializer '{name}' needs is not installed")
    files = {
        "json": "value.json",
        "text": "text.txt",
        "bytes": "data.bin",
        "numpy": "array.npy",
        "pandas": "data.parquet",
        "polars": "data.arrow",
    }
    files |= {"arrow": "data.arrow", "estimator": "estimator.skops", "image": "image.png", "tensors": "tensors.safetensors"}
    info = store.write_bytes(f"b/{files.get(name, 'x')}", store.read_bytes(artifact.key))
    crafted = dataclasses.replace(artifact, key=info.key, materializer=name, format=f"{materializer.format}/{materializer.version}")
    try:
        load(crafted, store, registry=pickling)
    except Exception as error:
        assert not isinstance(error, IntegrityError), "the bytes are those recorded, so that the format is what refuses them"
    assert not canary.path.exists()
