"""Transfers between a store and local files."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from dovetail_artifact_store.digests import hasher, text_of
from dovetail_artifact_store.keys import checked_key
from dovetail_artifact_store.objects import NO_CONDITION, ObjectInfo, OnProgress, Progress
from dovetail_artifact_store.writing import ObjectWriter
from dovetail_core import IntegrityError, InvalidArgument, NotFound

if TYPE_CHECKING:
    from dovetail_artifact_store.interface import ArtifactStore

T = TypeVar("T")
R = TypeVar("R")
Count = Callable[[int, str], None]


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of at most `size` items."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def upload(store: ArtifactStore, path: Path, key: str, on_progress: OnProgress | None) -> ObjectInfo:
    """See `ArtifactStore.upload`."""
    if not path.is_file():
        raise NotFound(f"there is no file {path}", remedy="check the path; for a directory there is upload_tree")
    return _upload_file(store, str(path), key, _counter(lambda: path.stat().st_size, on_progress))


def _upload_file(store: ArtifactStore, path: str, key: str, count: Count) -> ObjectInfo:
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > store.part_size:
            return _upload_large(store, file, size, key, count)
        data = file.read(size + 1)
        if len(data) > size:  # it grows, or is none that has a size
            data += file.readall()
    info = store._write(key, data, NO_CONDITION, {})
    count(info.size, key)
    return info


def _upload_large(store: ArtifactStore, file: IO[bytes], size: int, key: str, count: Count) -> ObjectInfo:
    with ObjectWriter(store._upload(key, NO_CONDITION, {}), key) as writer:
        writer.write_from(file, size, lambda done: count(done, key))
    return writer.info


def download(store: ArtifactStore, key: str, path: Path, digest: str | None, on_progress: OnProgress | None) -> None:
    """See `ArtifactStore.download`."""
    info = store._stat(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    _download_file(store, info, str(path), digest, _counter(lambda: info.size, on_progress))


def _download_file(store: ArtifactStore, info: ObjectInfo, path: str, digest: str | None, count: Count) -> None:
    aside = os.path.join(os.path.dirname(path), f".dovetail-{secrets.token_hex(8)}")
    try:
        with open(aside, "xb", buffering=0) as file:
            size, found = _fetched(store, info, file, digest is not None, lambda done: count(done, info.key))
        if size != info.size or found != digest:
            raise _other(store.uri(info.key), f"{size} bytes", found, f"{info.size} bytes", digest)
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(aside)
        raise


def _fetched(store: ArtifactStore, info: ObjectInfo, file: IO[bytes], hashed: bool, count: Callable[[int], None]) -> tuple[int, str | None]:
    """Write an object to a file, and return how many bytes came, and their digest where it is wanted."""
    size, running = 0, hasher() if hashed else None
    for piece in store._pieces(info):
        written = 0
        view = memoryview(piece)
        while written < len(view):  # a call takes 2 GiB at most
            written += file.write(view[written:])
        if running is not None:
            running.update(view)
        size += len(view)
        count(len(view))
    return size, None if running is None else text_of(running)


def _other(what: str, came: str, found: str | None, expected: str, digest: str | None) -> IntegrityError:
    first, second = (f" with digest {text}" if text else "" for text in (found, digest))
    return IntegrityError(
        f"{what} came as {came}{first}, and {expected}{second} were expected",
        remedy="download it again; if it stays so, the stored object is damaged",
    )


def upload_tree(store: ArtifactStore, root: Path, prefix: str, on_progress: OnProgress | None) -> list[ObjectInfo]:
    """See `ArtifactStore.upload_tree`."""
    if not root.is_dir():
        raise NotFound(f"there is no directory {root}", remedy="check the path")
    names = sorted(_names(root), key=lambda name: name.encode(errors="surrogateescape"))  # what is no text is refused as a key
    keys = [checked_key(f"{prefix}/{name}" if prefix else name) for name in names]
    files = [f"{root}/{name}" for name in names]
    count = _counter(lambda: sum(map(os.path.getsize, files)), on_progress)
    return _each(lambda pair: _upload_file(store, pair[0], pair[1], count), list(zip(files, keys, strict=True)), store.parallel)


def _names(root: Path) -> Iterator[str]:
    """Yield the paths below a directory of the files in it."""
    real = root.resolve()
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(real):
                    raise InvalidArgument(
                        f"{entry.path} is a symbolic link that leads out of {root}", remedy="remove it, or copy what it leads to"
                    )
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{folder}{entry.name}/")
                elif not entry.is_dir():  # a link to a directory within is not followed: its files come by their own names
                    yield f"{folder}{entry.name}"


def download_tree(store: ArtifactStore, prefix: str, root: Path, on_progress: OnProgress | None) -> list[Path]:
    """See `ArtifactStore.download_tree`."""
    found = list(store.list(prefix))
    root.mkdir(parents=True, exist_ok=True)
    files = [f"{root}/{checked_key(info.key[len(prefix) :].lstrip('/'))}" for info in found]
    _make_inside(root, dict.fromkeys(map(os.path.dirname, files)))
    count = _counter(lambda: sum(info.size for info in found), on_progress)
    _each(lambda pair: _download_file(store, pair[0], pair[1], None, count), list(zip(found, files, strict=True)), store.parallel)
    return list(map(Path, files))


def _make_inside(root: Path, folders: Iterable[str]) -> None:
    """Make directories; a name that another tool stored may try to lead out, as may a symbolic link that is there."""
    real = root.resolve()
    for folder in folders:
        if not Path(folder).resolve().is_relative_to(real):
            raise InvalidArgument(f"'{folder}' would be outside of {root}", remedy="download into an empty directory")
        os.makedirs(folder, exist_ok=True)


def _each(work: Callable[[T], R], items: Sequence[T], parallel: int) -> list[R]:
    """Return what `work` returns for each item; after an error nothing more is begun."""
    results: dict[int, R] = {}
    pending = deque(range(len(items)))

    def some() -> None:
        try:
            while True:
                try:
                    index = pending.popleft()
                except IndexError:
                    return
                results[index] = work(items[index])
        except BaseException:
            pending.clear()
            raise

    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(parallel, len(items))) as pool:
        threads = [pool.submit(some) for _ in range(min(parallel, len(items)))]
        try:
            for thread in threads:
                thread.result()
        finally:
            pending.clear()
    return [results[index] for index in range(len(items))]


def _counter(whole: Callable[[], int], on_progress: OnProgress | None) -> Count:
    """Return what adds up transferred bytes, from any thread, and tells the caller."""
    if on_progress is None:
        return lambda size, key: None
    lock, done, total = threading.Lock(), 0, whole()

    def count(size: int, key: str) -> None:
        nonlocal done
        with lock:
            done += size
            on_progress(Progress(done, total, key))

    return count
