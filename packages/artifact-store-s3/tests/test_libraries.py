"""Libraries that read and write tables through the store's file system."""

from __future__ import annotations

import dask
import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from dovetail_artifact_store_s3 import S3ArtifactStore

FRAME = pd.DataFrame({"number": range(3000), "text": [f"row {number}" for number in range(3000)], "half": [n % 2 for n in range(3000)]})


def test_pandas_reads_and_writes_files(store: S3ArtifactStore) -> None:
    system = store.filesystem()
    with system.open("frames/one.parquet", "wb") as file:
        FRAME.to_parquet(file)
    with system.open("frames/one.parquet", "rb") as file:
        pd.testing.assert_frame_equal(pd.read_parquet(file, columns=["text"]), FRAME[["text"]])


def test_pandas_reads_and_writes_urls(store: S3ArtifactStore) -> None:
    options = {"store": store}
    FRAME.to_csv("dovetail://frames/one.csv", index=False, storage_options=options)
    pd.testing.assert_frame_equal(pd.read_csv("dovetail://frames/one.csv", storage_options=options), FRAME)
    assert store.exists("frames/one.csv")


def test_pyarrow_reads_and_writes_a_dataset(store: S3ArtifactStore) -> None:
    system, table = store.filesystem(), pa.Table.from_pandas(FRAME)
    pq.write_table(table, "flat/one.parquet", filesystem=system)
    ds.write_dataset(table, "parts", format="parquet", partitioning=["half"], filesystem=system)
    assert {info.key.rpartition("/")[0] for info in store.list("parts")} == {"parts/0", "parts/1"}
    found = ds.dataset("parts", format="parquet", partitioning=["half"], filesystem=system)
    assert found.to_table(filter=ds.field("half") == 1).num_rows == 1500
    assert ds.dataset("flat", format="parquet", filesystem=system).to_table().num_rows == 3000


def test_dask_reads_and_writes_parquet(store: S3ArtifactStore) -> None:
    system = store.filesystem()
    dd.from_pandas(FRAME, npartitions=4).to_parquet("frames/dask", filesystem=system)
    assert len([info for info in store.list("frames/dask") if info.key.endswith(".parquet")]) == 4
    found = dd.read_parquet("frames/dask", filesystem=system)
    assert found.npartitions == 4 and int(found["number"].sum().compute()) == sum(range(3000))
    pd.testing.assert_frame_equal(found.compute(), FRAME, check_dtype=False)


def test_dask_reads_and_writes_urls_from_other_processes(store: S3ArtifactStore) -> None:
    options = {"store": store}
    with dask.config.set(scheduler="processes", num_workers=2):
        dd.from_pandas(FRAME, npartitions=2).to_parquet("dovetail://frames/dask", storage_options=options)
        found = dd.read_parquet("dovetail://frames/dask", storage_options=options)
        assert int(found["number"].sum().compute()) == sum(range(3000))
