"""The contract of artifact stores."""

from __future__ import annotations

import builtins
import io
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from dovetail_artifact_store import digests, patterns, transfer
from dovetail_artifact_store.arguments import checked_bytes, checked_entries, checked_mode
from dovetail_artifact_store.capabilities import ArtifactStoreCapability
from dovetail_artifact_store.keys import below, checked_key, checked_prefix, is_key, several
from dovetail_artifact_store.objects import NO_CONDITION, Condition, ObjectInfo, OnProgress, name_of
from dovetail_artifact_store.reading import READ_AHEAD, RangeReader
from dovetail_artifact_store.writing import CHUNK, ObjectWriter, TextWriter, Upload
from dovetail_core import AlreadyExists, Component, Conflict, InvalidArgument, NotFound, needs, require

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

Key = str | PurePath
LONGEST_PRESIGN = 7 * 24 * 3600
"""Seconds that a presigned URL may hold: the limit of Amazon S3's signature version 4."""
_SAFE = "/!$&'()*+,;=:@-._~"
"""Characters that stand for themselves in the path of a URI (RFC 3986, section 3.3)."""


class ArtifactStore(Component, ABC):
    """Where artifacts are kept: objects of bytes under keys, which are relative POSIX paths, kept byte for byte.

    An object is visible only when it is complete, and at once to every process; a write that fails or is killed leaves the old object or
    nothing. A URI of this store is accepted wherever a key is. `NotFound` is raised for what is not there; deleting what is not there
    succeeds. Prefixes match by segment: `a/b` is itself and what is below `a/b/`, not `a/bc`.

    An author implements these methods, which get checked keys and raise errors of `dovetail_core` (`help()` hides them: read their docstrings
    in `dovetail_artifact_store.interface`):

    - `_base_uri() -> str`
    - `_stat(key: str) -> ObjectInfo`
    - `_read(key: str, start: int, end: int | None) -> bytes`
    - `_upload(key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload`
    - `_list(prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]`
    - `_delete(keys: Iterable[str]) -> dict[str, Exception]`

    and overrides these where the backend does better, or a capability says so: `_write`, `_reader`, `_pieces`, `_copy`, `_move`, `_digest`,
    `_presign`, `_mkdir`, `_rmdirs`, `local_path`. Each member of `ArtifactStoreCapability` tells what it takes.
    """

    type = "artifact_store"
    parallel: int = 8
    """Objects that are transferred at once."""
    page_size: int = 1000
    """Objects that the backend lists, or deletes, at once; the conformance suite goes beyond it."""
    part_size: int = 8 << 20
    """Bytes of which a large object is transferred at once: no default below asks `_read` for more; the conformance suite goes beyond it."""

    # What an author implements

    @abstractmethod
    def _base_uri(self) -> str:
        """Return what every URI of this store begins with, without a slash at the end; URIs of different stores differ here."""

    @abstractmethod
    def _stat(self, key: str) -> ObjectInfo:
        """Return what is known of an object."""

    @abstractmethod
    def _read(self, key: str, start: int, end: int | None) -> bytes:
        """Return the bytes from `start` up to `end` (None: to the end); short or empty beyond the end of the object."""

    @abstractmethod
    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        """Begin to write an object. The condition is decided in `commit`, in the step that publishes the object; here it is too early."""

    @abstractmethod
    def _list(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        """Yield the objects below a prefix (not the object at it), in the order of their keys' bytes.

        If not recursive: those one segment below, and as text the key of each directory there, in the order of `key/`.
        What other tools stored may have any name: `a/`, which marks a directory, is left out by the base class, and `../x` may be yielded.
        """

    @abstractmethod
    def _delete(self, keys: Iterable[str]) -> dict[str, Exception]:
        """Delete objects; one that is not there is deleted. Return what went wrong, by key.

        Besides keys these are what `_list` yielded, and `a/`, other tools' marker of a directory; where that cannot be, it is not there.
        """

    # What an author may do better

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        """Write a whole object from a bytes-like object, and return what is known of it."""
        with ObjectWriter(self._upload(key, condition, metadata), key) as writer:
            writer.write(data)
        return writer.info

    def _reader(self, key: str) -> IO[bytes]:
        """Return a seekable reader of an object as it is now."""
        info = self._stat(key)
        piece = min(READ_AHEAD, self.part_size)
        return io.BufferedReader(RangeReader(lambda start, end: self._read(key, start, end), info.size, piece), piece)

    def _pieces(self, info: ObjectInfo) -> Iterator[Any]:
        """Yield an object that is known, from its beginning to its end, in bytes-like pieces."""
        with self._reader(info.key) as reader:
            yield from iter(lambda: reader.read(min(CHUNK, self.part_size)), b"")

    def _copy(self, source: str, target: str) -> ObjectInfo:
        """Copy an object, with its metadata where `USER_METADATA` is declared; what is at the target is replaced in one step."""
        info = self._stat(source)
        metadata = info.metadata if ArtifactStoreCapability.USER_METADATA in self.capabilities else {}
        with self._reader(source) as reader, ObjectWriter(self._upload(target, NO_CONDITION, metadata), target) as writer:
            writer.write_from(reader, info.size)
        return writer.info

    def _move(self, source: str, target: str) -> None:
        """Rename an object: it is deleted only after the copy is there, whole, and if it is still what was copied."""
        before, copied = self._stat(source), self._copy(source, target)
        if (copied.size, self._stat(source).etag) != (before.size, before.etag):
            raise Conflict(f"'{source}' was changed while it was moved", remedy="move it again", retryable=True)
        self._raise_first(self._delete([source]))

    def _digest(self, key: str) -> str:
        """Return the digest of the bytes that are stored now, as `blake3:` and 64 hexadecimal digits."""
        with self._reader(key) as reader:
            return digests.digest_of_chunks(iter(lambda: reader.read(READ_AHEAD), b""))

    def _presign(self, key: str, writing: bool, seconds: float) -> str:
        """Return a URL that lets its holder read or write one object for a time."""
        require(self, ArtifactStoreCapability.PRESIGN)
        raise NotImplementedError("PRESIGN takes a `_presign`")

    def _mkdir(self, key: str, parents: bool) -> None:
        """Make a directory. `AlreadyExists` if something is there, unless it is a directory and `parents`; `NotFound` if its parent is not, unless `parents`."""
        require(self, ArtifactStoreCapability.EMPTY_DIRECTORIES)
        raise NotImplementedError("EMPTY_DIRECTORIES takes a `_mkdir`")

    def _rmdirs(self, prefix: str) -> None:
        """Remove the directory at a prefix and the empty ones below it, where directories exist on their own."""

    def local_path(self, key: Key) -> Path | None:
        """Return a path on this machine at which the object's bytes can be read in place, or None. It must not be written to."""
        return None

    # Names

    def uri(self, key: Key) -> str:
        """Return the URI of a key."""
        return f"{self._base_uri()}/{quote(self._key(key), safe=_SAFE)}"

    def key_of(self, uri: str) -> str:
        """Return the key of a URI of this store. Raises `InvalidArgument` for another store's."""
        return checked_key(unquote(self._below_root(uri)))

    def _below_root(self, uri: str) -> str:
        """Return what a URI says after the root of this store. Raises `InvalidArgument` for another store's, also if it begins like this one's."""
        base = self._base_uri()
        if not uri.startswith(f"{base}/"):
            raise InvalidArgument(f"'{uri}' is not in {self.label}", remedy=f"its URIs begin with {base}/")
        return uri[len(base) + 1 :]

    def _key(self, key: Key) -> str:
        """Return what a caller named, a key or a URI of this store, as a checked key. Raises `InvalidArgument` for what is none."""
        return self.key_of(key) if type(key) is str and key.startswith(f"{self._base_uri()}/") else checked_key(key)

    def _prefix(self, prefix: Key) -> str:
        """Return what a caller named, a prefix or a URI of this store, its root's included, as a checked prefix."""
        if isinstance(prefix, str) and prefix.startswith(base := self._base_uri()):
            return "" if prefix == base else checked_prefix(unquote(self._below_root(prefix)))
        return checked_prefix(prefix)

    # Looking

    def stat(self, key: Key) -> ObjectInfo:
        """Return what is known of an object. Raises `NotFound`."""
        return self._stat(self._key(key))

    def exists(self, key: Key) -> bool:
        """Tell whether there is an object at a key, or something below it."""
        prefix = self._prefix(key)
        return not prefix or not self.missing([prefix]) or self.isdir(prefix)

    def isdir(self, prefix: Key) -> bool:
        """Tell whether there is something below a prefix."""
        return next(iter(self._list(self._prefix(prefix), False)), None) is not None

    def missing(self, keys: Iterable[Key]) -> set[str]:
        """Return those of the keys at which there is no object."""
        wanted = list(dict.fromkeys(map(self._key, several(keys))))
        if len(wanted) < 2:
            return {key for key in wanted if self._is_missing(key)}
        with ThreadPoolExecutor(min(self.parallel, len(wanted))) as pool:
            return {key for key, gone in zip(wanted, pool.map(self._is_missing, wanted), strict=True) if gone}

    def _is_missing(self, key: str) -> bool:
        """Tell whether `_stat` raises `NotFound`; whatever else it raises is passed on, since it says nothing of the object."""
        try:
            self._stat(key)
        except NotFound:
            return True
        return False

    def list(self, prefix: Key = "", recursive: bool = True) -> Iterator[ObjectInfo]:
        """Yield the objects below a prefix, in the order of their keys' bytes; not recursive: those one segment below."""
        return (item for item in self._listed(self._prefix(prefix), recursive) if isinstance(item, ObjectInfo))

    def _listed(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        """Yield what is below a prefix, without what has no name: the markers that other tools keep for directories, and directories such as `a//`."""
        return (item for item in self._list(prefix, recursive) if name_of(item))

    def listdir(self, prefix: Key = "") -> builtins.list[str]:
        """Return the names one segment below a prefix, of objects and directories, sorted."""
        return sorted(set(map(name_of, self._listed(self._prefix(prefix), False))))

    def walk(self, prefix: Key = "") -> Iterator[tuple[str, builtins.list[str], builtins.list[str]]]:
        """Yield (prefix, names of directories, names of objects), top down, as `os.walk` does."""
        return self._walk(self._prefix(prefix))

    def _walk(self, top: str) -> Iterator[tuple[str, builtins.list[str], builtins.list[str]]]:
        """Walk from a checked prefix; a directory that no key can be below, such as another tool's `..`, is named and not entered."""
        directories: builtins.list[str] = []
        objects: builtins.list[str] = []
        for item in self._listed(top, False):
            (directories if isinstance(item, str) else objects).append(name_of(item))
        yield top, directories, objects
        for name in list(directories):
            if is_key(inner := f"{top}/{name}" if top else name):
                yield from self._walk(inner)

    def glob(self, pattern: str) -> builtins.list[str]:
        """Return the keys that match a pattern, sorted: `*` and `?` within a segment, `[ab]`, and `**` for any number of segments."""
        if pattern.startswith(self._base_uri()):
            pattern = patterns.decoded(self._below_root(pattern))
        return patterns.matching(pattern, (info.key for info in self.list(patterns.fixed_part(pattern))))

    # Reading

    def read_bytes(self, key: Key, start: int = 0, end: int | None = None) -> bytes:
        """Return the bytes of an object, or of a range of it, as a slice does: negative bounds count from the end, and beyond it there is nothing."""
        checked = self._key(key)
        if start < 0 or (end is not None and end < 0):
            start, end, _ = slice(start, end).indices(self._stat(checked).size)
        if end is not None and end <= start:
            self._stat(checked)
            return b""
        return self._read(checked, start, end)

    def open(self, key: Key, mode: str = "rb", *, encoding: str = "utf-8", newline: str | None = None, if_absent: bool = False) -> Any:
        """Return a file object: `rb` and `r` read and can seek, `wb` and `w` write an object that appears when it is closed.

        If the body of a `with` block raises, nothing appears. After closing, a writer's `info` is the `ObjectInfo` with its digest.
        `xb` and `x`, or `if_absent`, demand that the key is free (`CONDITIONAL_PUT`).
        """
        kind = checked_mode(mode, encoding, newline)
        checked = self._key(key)
        if kind == "r":
            reader = self._reader(checked)
            return reader if "b" in mode else io.TextIOWrapper(reader, encoding=encoding, newline=newline)
        condition = self._condition(if_absent or kind == "x", None)
        if condition.absent and not self._is_missing(checked):  # found out again when it is published, but why write it all before
            raise AlreadyExists(f"there is something at '{checked}' already", remedy="choose another key, or delete it", key=checked)
        writer = ObjectWriter(self._upload(checked, condition, {}), checked)
        return writer if "b" in mode else TextWriter(writer, encoding, newline)

    def digest_of(self, key: Key) -> str:
        """Return the digest of the bytes that are stored now."""
        return self._digest(self._key(key))

    @needs(ArtifactStoreCapability.PRESIGN)
    def presign(self, key: Key, *, writing: bool = False, seconds: float = 3600.0) -> str:
        """Return a URL with which anybody can GET the object, or PUT it if `writing`, until some seconds have passed; treat it as a secret."""
        if not 0 < seconds <= LONGEST_PRESIGN:
            raise InvalidArgument(f"a URL cannot hold for {seconds:g} seconds", remedy=f"choose up to {LONGEST_PRESIGN}")
        return self._presign(self._key(key), writing, seconds)

    # Writing

    def write_bytes(
        self,
        key: Key,
        data: bytes | bytearray | memoryview,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Write an object and return it with its digest.

        `if_absent`: raises `AlreadyExists` if the key is taken (`CONDITIONAL_PUT`). `if_match`: raises `Conflict` unless the object has
        that etag (`CONDITIONAL_REPLACE`). `metadata` is text under names of text, and needs `USER_METADATA`.
        """
        if metadata:
            require(self, ArtifactStoreCapability.USER_METADATA)
            checked_entries(metadata)
        condition = self._condition(if_absent, if_match) if if_absent or if_match is not None else NO_CONDITION
        checked = self._key(key)
        return self._write(checked, data if type(data) is bytes else checked_bytes(checked, data), condition, metadata or {})

    def _condition(self, absent: bool, match: str | None) -> Condition:
        if absent:
            require(self, ArtifactStoreCapability.CONDITIONAL_PUT)
        if match is not None:
            require(self, ArtifactStoreCapability.CONDITIONAL_REPLACE)
        return Condition(absent, match)

    def copyfile(self, source: Key, target: Key) -> ObjectInfo:
        """Copy an object over what is at the target, in one step; onto itself changes nothing."""
        one, other = self._key(source), self._key(target)
        return self._stat(one) if one == other else self._copy(one, other)

    def rename(self, source: Key, target: Key) -> None:
        """Move an object, or everything below a prefix; what is at the target is replaced. Nothing is deleted before its copy is there.

        Raises `InvalidArgument` for a target inside the source, `NotFound` if there is nothing to move.
        """
        one, other = self._key(source), self._key(target)
        if one != other and below(one, other):
            raise InvalidArgument(f"'{other}' is inside of '{one}'", remedy="move it somewhere else")
        inner = [info.key for info in self.list(one)]
        if not inner:
            self._stat(one)
        if one == other:
            return
        for key in inner:
            self._move(key, other + key[len(one) :])
        if not self._is_missing(one):
            self._move(one, other)
        if inner:
            self._rmdirs(one)

    def remove(self, key: Key) -> None:
        """Delete an object; nothing happens if there is none."""
        self._raise_first(self._delete([self._key(key)]))

    def delete(self, keys: Iterable[Key]) -> None:
        """Delete objects; those that are not there count as deleted. If some cannot be deleted the others are, and the first error is raised."""
        self._raise_first(self._delete([self._key(key) for key in several(keys)]))

    def rmtree(self, prefix: Key) -> None:
        """Delete the object at a prefix and everything below it, markers of directories, too, if there is any. The whole store is no prefix."""
        checked = self._key(str(prefix).rstrip("/") if isinstance(prefix, str) else prefix)
        every = (item.key for item in self._list(checked, True) if isinstance(item, ObjectInfo))
        for batch in transfer.batches(every, self.page_size * self.parallel):
            self._raise_first(self._delete(batch))
        self._raise_first(self._delete([checked, f"{checked}/"]))  # the marker of the prefix itself, which no listing need show
        self._rmdirs(checked)

    def _raise_first(self, failures: Mapping[str, Exception]) -> None:
        for error in failures.values():
            for key, other in failures.items():
                error.add_note(f"{key}: {other}")
            raise error

    @needs(ArtifactStoreCapability.EMPTY_DIRECTORIES)
    def mkdir(self, key: Key) -> None:
        """Make a directory. Raises `AlreadyExists` if something is there, `NotFound` if its parent is not."""
        self._mkdir(self._key(key), False)

    @needs(ArtifactStoreCapability.EMPTY_DIRECTORIES)
    def makedirs(self, key: Key) -> None:
        """Make a directory and those above it; nothing happens if it is there."""
        self._mkdir(self._key(key), True)

    # Files and trees

    def upload(self, path: str | Path, key: Key, *, on_progress: OnProgress | None = None) -> ObjectInfo:
        """Write an object from a local file, and return it with its digest."""
        return transfer.upload(self, Path(path), self._key(key), on_progress)

    def download(self, key: Key, path: str | Path, *, digest: str | None = None, on_progress: OnProgress | None = None) -> None:
        """Write an object to a local file, in one step: it is whole, or as it was before. Parents are made.

        Raises `IntegrityError` if its length, or its digest where one is given, is another than expected.
        """
        transfer.download(self, self._key(key), Path(path), digest, on_progress)

    def upload_tree(self, path: str | Path, prefix: Key, *, on_progress: OnProgress | None = None) -> builtins.list[ObjectInfo]:
        """Write the files below a local directory to keys below a prefix, several at once, and return them, in order.

        Raises `InvalidArgument` for a symbolic link that leads out of the directory, before anything is written.
        """
        return transfer.upload_tree(self, Path(path), self._prefix(prefix), on_progress)

    def download_tree(self, prefix: Key, path: str | Path, *, on_progress: OnProgress | None = None) -> builtins.list[Path]:
        """Write the objects below a prefix to files below a local directory, several at once, and return those. Nothing is written elsewhere."""
        return transfer.download_tree(self, self._prefix(prefix), Path(path), on_progress)

    def filesystem(self) -> AbstractFileSystem:
        """Return this store as an fsspec file system, for libraries that read and write through one."""
        from dovetail_artifact_store._filesystem import StoreFileSystem

        return StoreFileSystem(store=self, skip_instance_cache=True)
