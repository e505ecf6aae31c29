"""fsspec's own suite of abstract tests passes on the file system of a store."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import make_path_posix
from fsspec.tests.abstract import AbstractFixtures, copy, get, open, pipe, put

from dovetail_artifact_store import LocalArtifactStore


class StoreFixtures(AbstractFixtures):  # type: ignore[misc]
    @pytest.fixture
    def fs(self, tmp_path: Path) -> Iterator[Any]:
        with LocalArtifactStore(path=tmp_path / "store") as store:
            yield store.filesystem()

    @pytest.fixture
    def fs_path(self) -> str:
        return "area"

    @pytest.fixture
    def fs_join(self) -> Any:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return True

    @pytest.fixture
    def local_path(self, tmp_path: Path) -> str:
        (tmp_path / "here").mkdir()
        return str(make_path_posix(str(tmp_path / "here")))


class TestCopy(StoreFixtures, copy.AbstractCopyTests):
    """Copying inside the store."""


class TestGet(StoreFixtures, get.AbstractGetTests):
    """Copying from the store to local files."""


class TestPut(StoreFixtures, put.AbstractPutTests):
    """Copying from local files to the store."""


class TestOpen(StoreFixtures, open.AbstractOpenTests):
    """Opening files."""


class TestPipe(StoreFixtures, pipe.AbstractPipeTests):
    """Writing and reading whole files."""


def test_two_stores_of_one_scheme_in_one_process_stay_apart(tmp_path: Path) -> None:
    one, other = (LocalArtifactStore(path=tmp_path / name).filesystem() for name in "ab")
    one.pipe("x", b"one")
    other.pipe("x", b"other")
    assert (one.cat("x"), other.cat("x")) == (b"one", b"other")
    assert pickle.loads(pickle.dumps(one)).cat("x") == b"one"


def test_pandas_writes_and_reads_parquet_through_it(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pip install pandas pyarrow")
    pytest.importorskip("pyarrow", reason="pip install pyarrow")
    fs = LocalArtifactStore(path=tmp_path / "store").filesystem()
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    with fs.open("t/frame.parquet", "wb") as file:
        frame.to_parquet(file)
    with fs.open("t/frame.parquet", "rb") as file:
        assert pandas.read_parquet(file).equals(frame)


def test_a_pyarrow_dataset_is_written_and_read_through_it(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pip install pyarrow")
    dataset = pytest.importorskip("pyarrow.dataset")
    fs = LocalArtifactStore(path=tmp_path / "store").filesystem()
    table = pyarrow.table({"a": list(range(100))})
    dataset.write_dataset(table, "set", filesystem=fs, format="parquet")
    assert dataset.dataset("set", filesystem=fs).to_table().sort_by("a").equals(table)


def test_a_write_whose_body_raises_leaves_the_old_file(tmp_path: Path) -> None:
    fs = LocalArtifactStore(path=tmp_path / "store").filesystem()
    fs.pipe("x", b"old")
    with pytest.raises(RuntimeError), fs.open("x", "wb") as file:
        file.write(b"new")
        raise RuntimeError
    assert fs.cat("x") == b"old"
