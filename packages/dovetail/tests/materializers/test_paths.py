"""The files and directories that a path names are stored, and come back as a path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dovetail.materializers import Registry, load, presence_key, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import ConfigError


def tree(root: Path) -> dict[str, bytes]:
    """Return the content of all files below a directory."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "my data"
    for name in ("a.txt", "sub/b.bin", "sub/deeper/ü %41.txt", "tree.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode() * 1000)
    return root


def test_a_file_comes_back_under_its_name(round_trip: Any, folder: Path) -> None:
    back = round_trip(folder / "sub" / "b.bin")
    assert back.name == "b.bin" and back.read_bytes() == b"sub/b.bin" * 1000


def test_a_directory_comes_back_with_all_its_files_under_its_name(round_trip: Any, folder: Path) -> None:
    back = round_trip(folder)
    assert back.name == "my data" and tree(back) == tree(folder)


def test_paths_inside_of_containers_come_back(round_trip: Any, folder: Path) -> None:
    back = round_trip({"whole": folder, "one": [folder / "a.txt"]})
    assert tree(back["whole"]) == tree(folder)
    assert back["one"][0].read_bytes() == (folder / "a.txt").read_bytes()


def test_an_empty_directory_comes_back_empty(round_trip: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    back = round_trip(tmp_path / "empty")
    assert back.is_dir() and list(back.iterdir()) == []


def test_a_directory_called_as_the_list_of_files_is_stored_under_another_name(round_trip: Any, tmp_path: Path) -> None:
    (tmp_path / "tree.json").mkdir()
    (tmp_path / "tree.json" / "a").write_text("x")
    assert tree(round_trip(tmp_path / "tree.json")) == {"a": b"x"}


def test_a_relative_path_is_taken_from_the_working_directory(round_trip: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert tree(round_trip(Path("."))) == tree(folder)


def test_equal_directories_have_equal_digests_whatever_they_are_called_on_disk(digest: Any, folder: Path, tmp_path: Path) -> None:
    before = digest(folder)
    moved = folder.rename(tmp_path / "elsewhere").rename(folder)
    assert digest(moved) == before
    (folder / "a.txt").write_text("changed")
    assert digest(folder) != before


def test_a_link_to_a_file_is_stored_as_the_file(round_trip: Any, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("content")
    (folder / "link").symlink_to(tmp_path / "outside")
    back = round_trip(folder)
    assert (back / "link").read_text() == "content" and not (back / "link").is_symlink()


@pytest.mark.parametrize(
    "make", [lambda path: path.symlink_to("sub"), lambda path: path.symlink_to("nowhere"), os.mkfifo], ids=["folder", "nothing", "fifo"]
)
def test_what_is_no_file_is_refused_before_anything_is_written(
    make: Any, folder: Path, store: LocalArtifactStore, registry: Registry
) -> None:
    make(folder / "odd")
    with pytest.raises(ConfigError, match="odd cannot be stored"):
        save(folder, store, "a", registry=registry)
    assert list(store.list()) == []


def test_a_path_at_which_there_is_nothing_is_an_error_also_with_pickle(
    store: LocalArtifactStore, pickling: Registry, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"no file or directory at .*missing.*str\(path\)"):
        save(tmp_path / "missing", store, "a", registry=pickling)


def test_what_was_added_to_a_stored_directory_is_not_part_of_it(store: LocalArtifactStore, registry: Registry, folder: Path) -> None:
    artifact = save(folder, store, "a", registry=registry)
    in_place = load(artifact, store, registry=registry)
    (in_place / "sub" / "cache.tmp").write_text("left by a step")
    assert tree(load(artifact, store, registry=registry)) == tree(folder)


def test_files_of_a_killed_attempt_under_the_same_key_are_not_part_of_it(
    store: LocalArtifactStore, registry: Registry, folder: Path
) -> None:
    store.write_bytes("a/my data/left over", b"x")
    artifact = save(folder, store, "a", registry=registry)
    assert tree(load(artifact, store, registry=registry)) == tree(folder)


def test_the_object_that_tells_whether_an_artifact_exists_is_there_until_it_is_deleted(
    store: LocalArtifactStore, registry: Registry, folder: Path
) -> None:
    artifacts = [save(value, store, f"a/{index}", registry=registry) for index, value in enumerate([folder, folder / "a.txt", [1]])]
    assert store.missing(presence_key(artifact) for artifact in artifacts) == set()
    for artifact in artifacts:
        store.rmtree(artifact.key)
        assert store.missing([presence_key(artifact)])
    assert list(store.list()) == []


def test_copies_of_a_far_store_are_removed_when_the_process_ends(far_store: LocalArtifactStore, folder: Path, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
class Far(LocalArtifactStore):
    def local_path(self, key): return None
store, registry = Far(path={str(far_store.config.path)!r}), Registry()
print(load(save(Path({str(folder)!r}), store, "a", registry=registry), store, registry=registry))
"""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert str(temporary) in done.stdout
    assert list(temporary.iterdir()) == []
