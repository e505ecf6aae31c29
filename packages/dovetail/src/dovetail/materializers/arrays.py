"""NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import numpy as np

from dovetail.materializers.materializer import Materializer, Refused

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

_FILE = "array.npy"
_STRETCH = 256 << 20  # bytes of the array itself: a store hashes while it writes, which pays most on long stretches
_BUFFER = 16 << 20
_MAPPED_FROM = 1 << 20
_SAFELY: dict[str, Any] = {"allow_pickle": False, "max_header_size": 1 << 24}  # NumPy's own limit holds some hundreds of fields


class Arrays(Materializer):
    """Arrays of any shape, order and dtype that holds no Python objects, and structured scalars, in NumPy's own format.

    An array of a mebibyte or more is mapped into memory where the store is on this machine: it is read as it is used, and what a step
    changes in it stays with that step.
    """

    name = "numpy"
    format = "npy"
    requires: ClassVar[tuple[str, ...]] = ("numpy",)

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        if type(value) not in (np.ndarray, np.memmap, np.void):
            raise Refused("it is a subclass of numpy.ndarray, which numpy's format does not keep; convert it with numpy.asarray(...)")
        if value.dtype.hasobject:
            raise Refused("it holds Python objects; give it a numeric or fixed-width dtype")
        if not _keeps(value.dtype):
            raise Refused(f"numpy's format does not keep the dtype {value.dtype}; convert it with astype(...)")
        array = np.asarray(value)
        with target.open(_FILE) as file:
            _write(array, file)
        return {"shape": list(array.shape), "dtype": str(array.dtype)}

    def load(self, source: Source, kind: str) -> Any:
        path = source.local_path(_FILE)
        if path is not None and path.stat().st_size >= _MAPPED_FROM:
            return _mapped(path)
        with source.open(_FILE) as file:
            array = np.load(file, **_SAFELY)
        return array[()] if kind == "numpy.void" else array


def _mapped(path: Path) -> Any:
    """Return an array whose pages are read when they are used; they are copied when they are changed, and the file never is."""
    return np.load(path, mmap_mode="c", **_SAFELY).view(np.ndarray)


def _write(array: np.ndarray[Any, Any], file: BinaryIO) -> None:
    """Write as `numpy.save` does, and without copies of what is contiguous, which it makes of files that are not the system's own."""
    header = BytesIO()
    try:
        np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    except (ValueError, UnicodeEncodeError):  # very many fields, or names beyond Latin-1, which only a later header holds
        np.lib.format.write_array(file, array, allow_pickle=False)
        return
    file.write(header.getvalue())
    for chunk in _chunks(array):
        file.write(chunk)


def _chunks(array: np.ndarray[Any, Any]) -> Iterator[memoryview]:
    """Yield the bytes of an array in the order that its header says."""
    if array.nbytes == 0:
        return
    if array.flags.forc:
        data = (
            array.reshape(-1, order="C" if array.flags.c_contiguous else "F").view(np.uint8).data
        )  # bytes, since not all dtypes have a buffer
        yield from (data[start : start + _STRETCH] for start in range(0, len(data), _STRETCH))
        return
    size = max(1, _BUFFER // array.itemsize)
    options: dict[str, Any] = {"flags": ["external_loop", "buffered"], "op_flags": [["readonly", "contig"]]}
    parts: Any = np.nditer(array, buffersize=size, order="C", **options)
    yield from (part.view(np.uint8).data for part in parts)


def _keeps(dtype: np.dtype[Any]) -> bool:
    """Tell whether NumPy's format gives a dtype back; those of other libraries come back as raw bytes."""
    return bool(np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(dtype)) == dtype)
