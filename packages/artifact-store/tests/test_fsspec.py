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


@pytest.fixture
def fs(tmp_path: Path) -> Any:
    made = LocalArtifactStore(path=tmp_path / "store").filesystem()
    made.pipe("x", b"old")
    return made


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}], ids=["plain", "gzip"])
@pytest.mark.parametrize("mode", ["w", "wb", "wt"])
def test_a_body_that_raises_publishes_nothing_in_any_mode(fs: Any, mode: str, options: Any) -> None:
    with pytest.raises(RuntimeError), fs.open("x", mode, **options) as file:
        file.write(b"new" if "b" in mode else "new")
        raise RuntimeError
    assert fs.cat("x") == b"old"


@pytest.mark.parametrize("compression", ["gzip", "bz2", "xz", "zip"])
@pytest.mark.parametrize("mode", ["w", "wb"])
def test_what_is_written_compressed_is_read_so(fs: Any, mode: str, compression: str) -> None:
    content: Any = b"new" if mode == "wb" else "new\n"
    with fs.open("y", mode, compression=compression) as file:
        file.write(content)
    assert fs.cat("y") not in (b"new", b"")
    with fs.open("y", mode.replace("w", "r"), compression=compression) as file:
        assert file.read() == content


def test_text_keeps_its_options(fs: Any) -> None:
    with fs.open("y", "w", encoding="latin-1", newline="\r\n", errors="replace") as file:
        file.write("caf\u00e9 \u20ac\n")
    assert fs.cat("y") == b"caf\xe9 ?\r\n"


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_transaction_publishes_its_files_together_at_its_end(fs: Any, mode: str) -> None:
    with fs.transaction:
        for name in ("x", "y"):
            with fs.open(name, mode) as file:
                file.write(b"new" if mode == "wb" else "new")
        assert fs.cat("x") == b"old" and not fs.exists("y")
    assert (fs.cat("x"), fs.cat("y")) == (b"new", b"new")
    fs.pipe("z", b"after")
    assert fs.cat("z") == b"after"


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_transaction_that_is_given_up_publishes_none_of_its_files(fs: Any, mode: str) -> None:
    with pytest.raises(RuntimeError), fs.transaction:
        with fs.open("x", mode) as file:
            file.write(b"new" if mode == "wb" else "new")
        raise RuntimeError
    assert fs.cat("x") == b"old"
    assert list((fs.store.config.path / ".dovetail-tmp").iterdir()) == []


def test_a_file_whose_body_raised_is_not_published_by_its_transaction(fs: Any) -> None:
    with fs.transaction, pytest.raises(RuntimeError), fs.open("x", "wb") as file:
        file.write(b"new")
        raise RuntimeError
    assert fs.cat("x") == b"old"


def test_a_file_without_autocommit_waits_to_be_committed_or_discarded(fs: Any) -> None:
    for end, wanted in (("discard", b"old"), ("commit", b"new")):
        file = fs.open("x", "wb", autocommit=False)
        file.write(b"new")
        file.close()
        assert fs.cat("x") == b"old"
        getattr(file, end)()
        assert fs.cat("x") == wanted
