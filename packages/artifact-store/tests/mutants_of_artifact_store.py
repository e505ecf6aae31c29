"""Variants of artifact stores: in memory, in files, and behind HTTP; each mutant has one small bug that exactly the named rules catch."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from wired_store import WiredArtifactStore, WiredHarness, WiredUpload

from dovetail_artifact_store import (
    ArtifactStore,
    Condition,
    InMemoryArtifactStore,
    LocalArtifactStore,
    ObjectInfo,
    Upload,
)
from dovetail_artifact_store import ArtifactStoreCapability as Capability
from dovetail_artifact_store.local_files import FileUpload, mapped
from dovetail_artifact_store.memory import _MemoryUpload
from dovetail_artifact_store.testing import LocalHarness, MemoryHarness
from dovetail_artifact_store.writing import ObjectWriter
from dovetail_conformance.mutants import equivalent, mutant
from dovetail_core import AlreadyExists, DovetailError, NotFound, PermissionDenied, Unavailable

# Content


@mutant("AS-01", of=MemoryHarness)
class TextMode(InMemoryArtifactStore):
    """Line ends are changed."""

    def _publish(self, key: str, data: bytes, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        return super()._publish(key, data.replace(b"\r\n", b"\n\n"), condition, metadata)


@mutant("AS-02", of=MemoryHarness)
class NothingIsNoObject(InMemoryArtifactStore):
    """A writer that was given nothing makes nothing."""

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        return _NothingUpload(self, key, condition, metadata)

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        info = self._publish(key, bytes(data), condition, metadata)
        from dovetail_artifact_store.digests import digest_of_bytes

        return ObjectInfo(info.key, info.size, info.etag, info.modified, digest_of_bytes(data), info.metadata)


class _NothingUpload(_MemoryUpload):
    def commit(self) -> ObjectInfo:
        if not self._parts:
            return ObjectInfo(self._key, 0, "", datetime.now(UTC))
        return super().commit()


@mutant("AS-07", of=MemoryHarness)
class SameEtag(InMemoryArtifactStore):
    """An etag tells the key, and not the bytes."""

    capabilities = InMemoryArtifactStore.capabilities - {Capability.CONDITIONAL_REPLACE}

    def _stat(self, key: str) -> ObjectInfo:
        info = super()._stat(key)
        return ObjectInfo(key, info.size, key, info.modified, None, info.metadata)

    def _publish(self, key: str, data: bytes, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        info = super()._publish(key, data, condition, metadata)
        return ObjectInfo(key, info.size, key, info.modified, None, info.metadata)


@mutant("AS-45", of=MemoryHarness)
class InclusiveRanges(InMemoryArtifactStore):
    """The end of a range is part of it."""

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        whole = self._found(key)[0]
        return whole[start : end + 1 if end is not None and end < 21 else end]


@mutant("AS-57", of=MemoryHarness)
class SeeksFromTheStart(InMemoryArtifactStore):
    """Seeking from the end does not."""

    def _reader(self, key: str) -> Any:
        class Reader(io.BytesIO):
            def seek(self, offset: int, whence: int = 0) -> int:
                return super().seek(max(0, offset), 0)

        return Reader(self._found(key)[0])


@mutant("AS-30", of=MemoryHarness)
class MissingIsEmpty(InMemoryArtifactStore):
    """A range of what is not there is nothing."""

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        try:
            return super()._read(key, start, end)
        except NotFound:
            if start > 0:
                return b""
            raise


# Visibility


class _EagerUpload(_MemoryUpload):
    """Shows what it has at each piece."""

    def write(self, data: memoryview) -> None:
        super().write(data)
        if self._condition == Condition():
            self._store._publish(self._key, b"".join(self._parts), Condition(), {})


@mutant("AS-03", "AS-05", of=MemoryHarness)
class ShowsParts(InMemoryArtifactStore):
    """An object can be seen while it is written."""

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        return _EagerUpload(self, key, condition, metadata)


@mutant("AS-04", of=MemoryHarness)
class DownloadsInPlace(InMemoryArtifactStore):
    """A download writes to the file itself."""

    def download(self, key: Any, path: Any, *, digest: str | None = None, on_progress: Any = None) -> None:
        if on_progress is None:
            super().download(key, path, digest=digest)
            return
        Path(path).write_bytes(self.read_bytes(key))
        on_progress(None)
        on_progress(None)


@mutant("AS-04", of=MemoryHarness)
class CopiesByHalves(InMemoryArtifactStore):
    """The target of a copy is a part of it for a while."""

    def _copy(self, source: str, target: str) -> ObjectInfo:
        data = self._found(source)[0]
        if len(data) > self.part_size and source != target:
            self._publish(target, data[: self.part_size], Condition(), {})
            time.sleep(0.002)
        return super()._copy(source, target)


@mutant("AS-05", of=MemoryHarness)
class PublishesAnyway(InMemoryArtifactStore):
    """A writer that is given up publishes what it has."""

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        return _PublishingUpload(self, key, condition, metadata)


class _PublishingUpload(_MemoryUpload):
    committed = False

    def commit(self) -> ObjectInfo:
        self.committed = True
        return super().commit()

    def abort(self) -> None:
        if not self.committed:
            super().commit()
        super().abort()


@mutant("AS-10", "AS-26", "AS-51", of=MemoryHarness)
class RemembersAbsence(InMemoryArtifactStore):
    """What was not there once stays so for a store, until it writes itself."""

    def setup(self) -> None:
        super().setup()
        self.absent: set[str] = set()

    def _is_missing(self, key: str) -> bool:
        if key in self.absent:
            return True
        if super()._is_missing(key):
            self.absent.add(key)
            return True
        return False

    def isdir(self, prefix: Any) -> bool:
        return prefix not in self.absent and super().isdir(prefix)

    def _publish(self, key: str, data: bytes, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        self.absent = {name for name in self.absent if not (name == key or key.startswith(f"{name}/"))}
        return super()._publish(key, data, condition, metadata)


@mutant("AS-27", of=MemoryHarness)
class RemembersSizes(InMemoryArtifactStore):
    """The size of an object is known from its last listing, for a reader."""

    def setup(self) -> None:
        super().setup()
        self.sizes: dict[str, int] = {}

    def _list(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        for item in super()._list(prefix, recursive):
            if isinstance(item, ObjectInfo):
                self.sizes[item.key] = item.size
            yield item

    def _publish(self, key: str, data: bytes, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        self.sizes.pop(key, None)
        return super()._publish(key, data, condition, metadata)

    def _reader(self, key: str) -> Any:
        return io.BytesIO(self._found(key)[0][: self.sizes.get(key)])


@mutant("AS-28", of=MemoryHarness)
class RemembersMatches(InMemoryArtifactStore):
    """What matched a pattern is taken for the directory's content."""

    def setup(self) -> None:
        super().setup()
        self.known: dict[str, list[str]] = {}

    def glob(self, pattern: str) -> list[str]:
        found = super().glob(pattern)
        if "*" in pattern and "/" in pattern and "**" not in pattern:
            self.known[pattern.rpartition("/")[0]] = found
        return found

    def _list(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        known = self.known.pop(prefix, None)
        items = super()._list(prefix, recursive)
        return items if known is None else (item for item in items if getattr(item, "key", item) in known)


# Listing


@mutant("AS-09", "AS-10", of=MemoryHarness)
class MatchesCharacters(InMemoryArtifactStore):
    """A prefix matches characters."""

    def _list(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        if not recursive:
            yield from super()._list(prefix, recursive)
            return
        with self._space.lock:
            found = [info for key, (_, info) in self._space.objects.items() if key != prefix and key.startswith(prefix)]
        yield from sorted(found, key=lambda info: info.key.encode())


@mutant("AS-11", "AS-12", of=MemoryHarness)
class OnePageOnly(InMemoryArtifactStore):
    """A listing ends after its first page."""

    page_size = 45

    def _list(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        for number, item in enumerate(super()._list(prefix, recursive)):
            if number < self.page_size:
                yield item


@mutant("AS-11", of=MemoryHarness)
class SortsByLength(InMemoryArtifactStore):
    """Many keys come in another order."""

    def _list(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        items = list(super()._list(prefix, recursive))
        yield from reversed(items) if prefix.startswith("many") else items


@mutant("AS-14", of=MemoryHarness)
class GlobsUris(InMemoryArtifactStore):
    """What is matched is not a key."""

    def glob(self, pattern: str) -> list[str]:
        found = super().glob(pattern)
        return [f"/{key}" for key in found] if pattern == "**/*" else found


@mutant("AS-15", of=MemoryHarness)
class WalksFlat(InMemoryArtifactStore):
    """Walking leaves out what is below."""

    def walk(self, prefix: Any = "") -> Iterator[tuple[str, list[str], list[str]]]:
        for top, directories, objects in super().walk(prefix):
            if top != "d/e" or prefix == "":
                yield top, directories, objects
            else:
                yield top, ["", *directories], objects


@mutant("AS-16", of=MemoryHarness)
class MarkersAreObjects(InMemoryArtifactStore):
    """A marker of a directory is listed."""

    def _listed(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        return (item for item in self._list(prefix, recursive) if isinstance(item, ObjectInfo) or not item.endswith("/"))


@mutant("AS-16", of=MemoryHarness)
class LeavesMarkers(InMemoryArtifactStore):
    """A tree is deleted as far as it is listed."""

    def _delete(self, keys: Iterable[str]) -> dict[str, Exception]:
        return super()._delete(key for key in keys if not key.endswith("/"))


@mutant("AS-22", of=MemoryHarness)
class StumblesOverOddKeys(InMemoryArtifactStore):
    """A key that is none breaks the listing."""

    def _list(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        for item in super()._list(prefix, recursive):
            if "\x01" in getattr(item, "key", ""):
                raise ValueError("a control character")
            yield item


@mutant("AS-22", of=MemoryHarness)
class ListsWhatHasNoName(InMemoryArtifactStore):
    """A directory without a name is listed."""

    def _listed(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        return (item for item in self._list(prefix, recursive) if isinstance(item, str) or not item.key.endswith("/"))


@mutant("AS-29", of=WiredHarness)
class AnyErrorIsAbsence(WiredArtifactStore):
    """Whatever goes wrong means that there is nothing."""

    def missing(self, keys: Iterable[Any]) -> set[str]:
        gone: set[str] = set()
        for key in map(self._key, keys):
            try:
                if self._is_missing(key):
                    gone.add(key)
            except DovetailError:
                if key != "x":
                    raise
                gone.add(key)
        return gone


# Deleting


@mutant("AS-10", of=MemoryHarness)
class DeletesCharacters(InMemoryArtifactStore):
    """Deleting a tree goes by characters."""

    def rmtree(self, prefix: Any) -> None:
        checked = self._key(prefix)
        self._delete([key for key in list(self._space.objects) if key.startswith(checked)])


@mutant("AS-12", of=MemoryHarness)
class DeletesOnePage(InMemoryArtifactStore):
    """Deleting ends after the first page."""

    def _delete(self, keys: Iterable[str]) -> dict[str, Exception]:
        return super()._delete(list(keys)[: self.page_size])


@mutant("AS-58", of=WiredHarness)
class DeletesInSilence(WiredArtifactStore):
    """What cannot be deleted is not said."""

    def _raise_first(self, failures: Mapping[str, Exception]) -> None:
        if len(failures) == 1:
            super()._raise_first(failures)


@mutant("AS-32", of=MemoryHarness)
class DeletingWantsAnObject(InMemoryArtifactStore):
    """Deleting one that is not there fails."""

    def remove(self, key: Any) -> None:
        if self._key(key) == "missing":
            self._stat(self._key(key))
        super().remove(key)


# Keys


@mutant("AS-18", "AS-23", of=MemoryHarness)
class NormalisesKeys(InMemoryArtifactStore):
    """Keys are tidied up instead of refused."""

    def _key(self, key: Any) -> str:
        if isinstance(key, str) and not key.startswith("memory://"):
            tidy = "/".join(part for part in key.split("/") if part not in ("", "."))
            return super()._key(tidy or key)
        return super()._key(key)


@mutant("AS-18", of=MemoryHarness)
class LetsNulThrough(InMemoryArtifactStore):
    """Control characters are let through."""

    def _key(self, key: Any) -> str:
        return key if isinstance(key, str) and key in ("a\x00b", "a\nb") else super()._key(key)


@mutant("AS-21", of=MemoryHarness)
class DecodesKeys(InMemoryArtifactStore):
    """Keys that look encoded are decoded."""

    def _key(self, key: Any) -> str:
        checked = super()._key(key)
        return unquote(checked) if checked.startswith("k/") else checked


@mutant("AS-24", of=MemoryHarness)
class FoldsCase(InMemoryArtifactStore):
    """Case makes no difference."""

    def _key(self, key: Any) -> str:
        checked = super()._key(key)
        return checked.lower() if checked.startswith("case/") else checked


@mutant("AS-25", "AS-51", of=MemoryHarness)
class LastOneWins(InMemoryArtifactStore):
    """A key displaces those below it."""

    def _publish(self, key: str, data: bytes, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        info = super()._publish(key, data, condition, metadata)
        for other in list(self._space.objects):
            if other.startswith(f"{key}/"):
                del self._space.objects[other]
        return info


@mutant("AS-47", of=MemoryHarness)
class BelongsToADirectory(InMemoryArtifactStore):
    """The working directory is part of the store."""

    @property
    def _space(self) -> Any:
        from dovetail_artifact_store.memory import Space

        name = self.config.space + ("" if os.getcwd() == _HERE else "/elsewhere")
        return self.spaces.setdefault(name, Space())


_HERE = os.getcwd()


@mutant("AS-17", of=LocalHarness)
class KeepsTheSpelling(LocalArtifactStore):
    """Another spelling of the root is another store."""

    seen: ClassVar[dict[str, str]] = {}

    def _base_uri(self) -> str:
        other = self.seen.setdefault(str(self.config.path), f"{len(self.seen)}")
        return f"{super()._base_uri()}" if self._first() else f"{super()._base_uri()}?{other}"

    def setup(self) -> None:
        super().setup()
        self.number = _count(str(self.config.path))

    def _first(self) -> bool:
        return self.number < 4


_counts: dict[str, int] = {}


def _count(path: str) -> int:
    _counts[path] = _counts.get(path, 0) + 1
    return _counts[path]


@mutant("AS-19", of=MemoryHarness)
class ComparesRootsAsText(InMemoryArtifactStore):
    """A URI belongs to a store if it begins like it."""

    def _key(self, key: Any) -> str:
        base = self._base_uri()
        if isinstance(key, str) and key.startswith(base) and not key.startswith(f"{base}/"):
            return super()._key(key[len(base) :].partition("/")[2])
        return super()._key(key)


@mutant("AS-19", of=MemoryHarness)
class ComparesRootsOfPrefixesAsText(InMemoryArtifactStore):
    """The URI of a prefix belongs to a store if it begins like it, and a character is dropped."""

    def _prefix(self, prefix: Any) -> str:
        base = self._base_uri()
        return super()._prefix(prefix[len(base) + 1 :] if isinstance(prefix, str) and prefix.startswith(base) else prefix)


@mutant("AS-20", of=MemoryHarness)
class DownloadsAnywhere(InMemoryArtifactStore):
    """A key that climbs is followed."""

    def download_tree(self, prefix: Any, path: Any, *, on_progress: Any = None) -> list[Path]:
        for key, (data, _) in list(self._space.objects.items()):
            if key.startswith("t/../"):
                target = Path(path) / key[2:]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        return super().download_tree(prefix, path, on_progress=on_progress)


# Copying and moving


@mutant("AS-33", of=MemoryHarness)
class MovesOntoItself(InMemoryArtifactStore):
    """Moving an object onto itself deletes it."""

    def rename(self, source: Any, target: Any) -> None:
        if self._key(source) == self._key(target) == "x":
            self._delete(["x"])
        else:
            super().rename(source, target)


@mutant("AS-35", of=MemoryHarness)
class MovesTheTopOnly(InMemoryArtifactStore):
    """Of a tree only the first level is moved."""

    def rename(self, source: Any, target: Any) -> None:
        one, other = self._key(source), self._key(target)
        inner = [info.key for info in self.list(one, recursive=False)]
        if one == other or not inner or other.startswith(f"{one}/"):
            super().rename(source, target)
            return
        for key in inner:
            self._move(key, other + key[len(one) :])


@mutant("AS-34", of=WiredHarness)
class DeletesFirst(WiredArtifactStore):
    """A move deletes the source before the copy is there."""

    def _move(self, source: str, target: str) -> None:
        data = self._read(source, 0, None)
        self._raise_first(self._delete([source]))
        self.write_bytes(target, data)


@mutant("AS-55", of=MemoryHarness)
class MovesInTwoSteps(InMemoryArtifactStore):
    """A move is a copy and, later, a deletion."""

    def _move(self, source: str, target: str) -> None:
        self._copy(source, target)
        time.sleep(0.002)
        self._delete([source])


@mutant("AS-55", of=MemoryHarness)
class DeletesThenWrites(InMemoryArtifactStore):
    """A move is a deletion and, later, a write."""

    def _move(self, source: str, target: str) -> None:
        data, info = self._found(source)
        self._delete([source])
        time.sleep(0.002)
        self._publish(target, data, Condition(), info.metadata)


@mutant("AS-55", of=LocalHarness)
class LinksThenUnlinks(LocalArtifactStore):
    """A move is a second name and, at once, the end of the first: seldom seen, unless it is held between the two."""

    def _move(self, source: str, target: str) -> None:
        with mapped(source):
            try:
                os.link(self.config.path / source, self.config.path / target)
            except (FileExistsError, FileNotFoundError, NotADirectoryError):
                super()._move(source, target)
            else:
                os.unlink(self.config.path / source)


@mutant("AS-56", of=WiredHarness)
class CopiesThroughHere(WiredArtifactStore):
    """A copy goes down and up again."""

    def _copy(self, source: str, target: str) -> ObjectInfo:
        return ArtifactStore._copy(self, source, target)


# Conditions


class _CheckingUpload(WiredUpload):
    """Looks first, and then writes without a condition."""

    def published(self, method: str, path: str, body: bytes) -> Mapping[str, str]:
        if self.condition.absent:
            if not self.store._is_missing(self.key):
                raise AlreadyExists("it is there", remedy="choose another key")
            self.condition = Condition()
        return super().published(method, path, body)


@mutant("AS-36", of=WiredHarness)
class LooksThenWrites(WiredArtifactStore):
    """A free key is looked for, and then written to."""

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        return _CheckingUpload(self, key, condition)


_one_at_a_time = threading.RLock()


@mutant("AS-36", of=LocalHarness)
class LooksBeforeItLocks(LocalArtifactStore):
    """Objects are published under a lock, and a free key is looked for before it is taken."""

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        if condition.absent and not self._is_missing(key):
            raise AlreadyExists("it is there", remedy="choose another key")
        with _one_at_a_time:
            return super()._write(key, data, Condition(), metadata)


class _ForgetfulUpload(WiredUpload):
    def ours(self) -> Mapping[str, str] | None:
        return None if self.condition.absent else super().ours()


@mutant("AS-38", of=WiredHarness)
class TakesItsOwnForAnothers(WiredArtifactStore):
    """After a lost answer its own object is taken for another's."""

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        return _ForgetfulUpload(self, key, condition)


@mutant("AS-52", "AS-61", "AS-62", of=MemoryHarness)
class ReplacesAnything(InMemoryArtifactStore):
    """The etag that a replacement demands is not compared."""

    def _demand(self, key: str, condition: Condition) -> None:
        super()._demand(key, Condition(condition.absent))


@mutant("AS-62", of=MemoryHarness)
class ReplacesAnythingByLargeObjects(InMemoryArtifactStore):
    """The etag that a replacement demands is compared for small objects only."""

    def _publish(self, key: str, data: bytes, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        small = len(data) <= self.part_size
        return super()._publish(key, data, condition if small else Condition(condition.absent), metadata)


@mutant("AS-61", of=MemoryHarness)
class ComparesThenReplaces(InMemoryArtifactStore):
    """The etag is compared, and later the object replaced."""

    def _publish(self, key: str, data: bytes, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        if condition.match is None:
            return super()._publish(key, data, condition, metadata)
        self._demand(key, condition)
        time.sleep(0.01)
        return super()._publish(key, data, Condition(), metadata)


@mutant("AS-37", of=WiredHarness)
class ImitatesMetadata(WiredArtifactStore):
    """Entries that cannot be stored are dropped in silence."""

    def write_bytes(
        self, key: Any, data: Any, *, if_absent: bool = False, if_match: str | None = None, metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        return super().write_bytes(key, data, if_absent=if_absent, if_match=if_match, metadata=None if key == "u" else metadata)


# Sharing


@mutant("AS-39", of=LocalHarness)
class OneTemporaryName(LocalArtifactStore):
    """Unfinished objects of one key have one name."""

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> FileUpload:
        upload = super()._upload(key, condition, metadata)
        if key == "x" and not condition.absent and len(_threads()) > 3:
            upload.abort()
            upload._temporary = f"{self.config.path}/.dovetail-tmp/x"
            upload._descriptor = os.open(upload._temporary, os.O_WRONLY | os.O_CREAT, 0o666)
            upload._open = True
        return upload

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        if key != "x" or len(_threads()) < 4:
            return super()._write(key, data, condition, metadata)
        shared = Path(f"{self.config.path}/.dovetail-tmp")
        shared.mkdir(parents=True, exist_ok=True)
        (self.config.path / "x").write_bytes(bytes(data)[: len(data) // 2])
        time.sleep(0.01)
        return super()._write(key, bytes(data[: len(data) // 2]) + b"mixed", condition, metadata)


def _threads() -> list[Any]:
    import threading

    return [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


@mutant("AS-59", of=MemoryHarness)
class SharesABuffer(InMemoryArtifactStore):
    """Streams of different keys share what they hold."""

    shared: ClassVar[dict[str, list[bytes]]] = {}

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        upload = _MemoryUpload(self, key, condition, metadata)
        if key.startswith("d") and key[1:2].isdigit():
            upload._parts = self.shared.setdefault(self.config.space, upload._parts)
        return upload


# Trees


@mutant("AS-44", of=MemoryHarness)
class FollowsLinks(InMemoryArtifactStore):
    """Links that lead out of a tree are followed."""

    def upload_tree(self, path: Any, prefix: Any, *, on_progress: Any = None) -> list[ObjectInfo]:
        links = [item for item in Path(path).rglob("*") if item.is_symlink()]
        for link in links:
            self.write_bytes(f"{prefix}/{link.name}", b"")
            link.unlink()
        return super().upload_tree(path, prefix, on_progress=on_progress)


@mutant("AS-60", of=MemoryHarness)
class TrustsDownloads(InMemoryArtifactStore):
    """The digest of a download is not compared."""

    def download(self, key: Any, path: Any, *, digest: str | None = None, on_progress: Any = None) -> None:
        super().download(key, path, digest=None, on_progress=on_progress)


# Faults


@mutant("AS-03", "AS-06", "AS-08", "AS-46", of=LocalHarness)
class WritesInPlace(LocalArtifactStore):
    """An object is written where it is read."""

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        if condition != Condition() or not (self.config.path / key).is_file():
            return super()._write(key, data, condition, metadata)
        from dovetail_artifact_store.digests import digest_of_bytes

        with mapped(key):
            descriptor = os.open(self.config.path / key, os.O_WRONLY | os.O_TRUNC)
            try:
                time.sleep(0.005)
                os.write(descriptor, data)
            finally:
                os.close(descriptor)
        info = self._stat(key)
        return ObjectInfo(key, info.size, info.etag, info.modified, digest_of_bytes(data))


@mutant("AS-08", of=WiredHarness)
class ReplacesByDeleting(WiredArtifactStore):
    """What is there is deleted before it is overwritten."""

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        if condition == Condition() and key == "x" and bytes(data) == b"new":
            self._delete([key])
        return super()._write(key, data, condition, metadata)


class _ForgivingWriter(ObjectWriter):
    """Publishes what it has after a failed write, too."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        finally:
            self._failure = None


@mutant("AS-08", "AS-46", of=LocalHarness)
class TextIsPublishedWithoutItsEnd(LocalArtifactStore):
    """A text file is one of `io` over a writer, which `io` closes after a flush that failed, too."""

    def open(self, key: Any, mode: str = "rb", *, encoding: str = "utf-8", newline: str | None = None, if_absent: bool = False) -> Any:
        if mode != "w":
            return super().open(key, mode, encoding=encoding, newline=newline, if_absent=if_absent)
        return io.TextIOWrapper(_ForgivingWriter(self._upload(key, Condition(), {}), key))  # type: ignore[arg-type]


@mutant("AS-08", of=LocalHarness)
class SwallowedIsForgotten(LocalArtifactStore):
    """A failed write that the caller swallows is forgotten."""

    def open(self, key: Any, mode: str = "rb", *, encoding: str = "utf-8", newline: str | None = None, if_absent: bool = False) -> Any:
        if mode != "wb" or key != "x":
            return super().open(key, mode, encoding=encoding, newline=newline, if_absent=if_absent)
        return _ForgivingWriter(self._upload(key, Condition(), {}), key)


@mutant("AS-31", of=WiredHarness)
class TakesWhatComes(WiredArtifactStore):
    """An answer that is cut short is taken as it is."""

    def once(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[Mapping[str, str], bytes]:
        import http.client

        try:
            return super().once(method, path, headers, body)
        except Unavailable as error:
            cause = error.__cause__
            if method == "GET" and isinstance(cause, http.client.IncompleteRead):
                return {}, cause.partial
            if method == "GET" and isinstance(cause, ConnectionResetError) and path.endswith("/x") and "Range" in headers:
                return {}, b"cut"
            raise


@mutant("AS-41", of=WiredHarness)
class SkipsForgottenParts(WiredArtifactStore):
    """A part that the server does not take is left out."""

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        return _SkippingUpload(self, key, condition)


class _SkippingUpload(WiredUpload):
    def send(self, part: bytes) -> None:
        try:
            super().send(part)
        except Unavailable as error:
            if "forgotten" not in error.message or not self.upload:
                raise


@mutant("AS-42", of=WiredHarness)
class RepeatsTheRest(WiredArtifactStore):
    """After a broken request what was sent already is not sent again."""

    def once(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[Mapping[str, str], bytes]:
        again = vars(self).setdefault("cut", set())
        if method in ("PUT",) and path in again and len(body) > 300:
            body = body[len(body) // 2 :]
        try:
            return super().once(method, path, headers, body)
        except Unavailable as error:
            if (
                isinstance(error.__cause__, ConnectionError)
                and path.split("?")[0].count("/")
                and len(body) > 300
                and not headers.get("X-Absent")
            ):
                again.add(path)
            raise


@mutant("AS-40", "XC-09", of=WiredHarness)
class LeavesParts(WiredArtifactStore):
    """An upload that is given up stays at the server."""

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        return _LeavingUpload(self, key, condition)


class _LeavingUpload(WiredUpload):
    def abort(self) -> None:
        self.upload = ""


@mutant("AS-46", of=LocalHarness)
class WritesOnce(LocalArtifactStore):
    """What a call does not take is lost."""

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        if bytes(data) != b"0123456789":
            return super()._write(key, data, condition, metadata)
        return super()._write(key, b"012", condition, metadata)


@mutant("AS-13", of=LocalHarness)
class ReadsAtOnce(LocalArtifactStore):
    """A large file is read as a whole."""

    def upload(self, path: Any, key: Any, *, on_progress: Any = None) -> ObjectInfo:
        self.held = Path(path).read_bytes()
        return super().upload(path, key, on_progress=on_progress)


# Options


@mutant("AS-53", of=MemoryHarness)
class StripsEntries(InMemoryArtifactStore):
    """Blanks at the ends of entries are lost, as a header loses them."""

    def _publish(self, key: str, data: bytes, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        return super()._publish(key, data, condition, {name: value.strip() for name, value in metadata.items()})


@mutant("AS-50", of=WiredHarness)
class UrlsForEver(WiredArtifactStore):
    """A URL holds for an hour, whatever is asked for."""

    def _presign(self, key: str, writing: bool, seconds: float) -> str:
        return super()._presign(key, writing, 3600)


@mutant("AS-53", of=MemoryHarness)
class CopiesWithoutEntries(InMemoryArtifactStore):
    """A copy leaves the entries behind."""

    def _copy(self, source: str, target: str) -> ObjectInfo:
        return self._publish(target, self._found(source)[0], Condition(), {})


@mutant("AS-54", of=LocalHarness)
class MakesDirectoriesTwice(LocalArtifactStore):
    """A directory that is there can be made again."""

    def _mkdir(self, key: str, parents: bool) -> None:
        if not self.isdir(key):
            super()._mkdir(key, parents)


# Every method meets the fault


def _with(store: WiredArtifactStore, **settings: Any) -> WiredArtifactStore:
    """Return a store of the same objects with other settings."""
    other = WiredArtifactStore(store.config)
    other.config = store.config.model_copy(update=settings)
    return other


@mutant("XC-03", of=WiredHarness)
class ReadsForEver(WiredArtifactStore):
    """Reading has no time limit."""

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        return _with(self, timeout=None)._read(key, start, end)


@mutant("XC-04", "XC-05", of=WiredHarness)
class ReadsOnce(WiredArtifactStore):
    """Reading is not tried again."""

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        return _with(self, attempts=1)._read(key, start, end)


@mutant("XC-04", of=WiredHarness)
class RefusedReadsAreOfNothing(WiredArtifactStore):
    """What may not be read is not there."""

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        try:
            return super()._read(key, start, end)
        except PermissionDenied as error:
            raise NotFound("the server does not have it", remedy="check the key") from error


@mutant("XC-03", of=WiredHarness)
class CopiesForEver(WiredArtifactStore):
    """Copying has no time limit."""

    def _copy(self, source: str, target: str) -> ObjectInfo:
        return _with(self, timeout=None)._copy(source, target)


@mutant("XC-04", "XC-05", of=WiredHarness)
class CopiesOnce(WiredArtifactStore):
    """Copying is not tried again."""

    def _copy(self, source: str, target: str) -> ObjectInfo:
        return _with(self, attempts=1)._copy(source, target)


@mutant("XC-17", of=WiredHarness)
class ReadsThroughInterrupts(WiredArtifactStore):
    """Ctrl-C is one more failure of the network while an object is read."""

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        try:
            return super()._read(key, start, end)
        except KeyboardInterrupt:
            raise Unavailable("the read was interrupted", remedy="try again") from None


# Equivalents


@equivalent(of=MemoryHarness)
class PagesBySeven(InMemoryArtifactStore):
    """Pages are of seven."""

    page_size = 7


@equivalent(of=MemoryHarness)
class Slow(InMemoryArtifactStore):
    """Looking and publishing take a while."""

    def _publish(self, key: str, data: bytes, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        time.sleep(0.0005)
        return super()._publish(key, data, condition, metadata)


@equivalent(of=LocalHarness)
class PublishesUnderALock(LocalArtifactStore):
    """A writer that has begun lets every other one wait."""

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        with _one_at_a_time:
            return super()._write(key, data, condition, metadata)


@equivalent(of=MemoryHarness)
class CopiesAndReadsByDefault(InMemoryArtifactStore):
    """Copies, readers and downloads are those of the base class, which keep entries and ask for a part at a time."""

    def _copy(self, source: str, target: str) -> ObjectInfo:
        return ArtifactStore._copy(self, source, target)

    def _reader(self, key: str) -> Any:
        return ArtifactStore._reader(self, key)

    def _pieces(self, info: ObjectInfo) -> Iterator[Any]:
        return ArtifactStore._pieces(self, info)


@equivalent(of=WiredHarness)
class SmallParts(WiredArtifactStore):
    """Parts are small."""

    part_size = 100


@equivalent(of=LocalHarness)
class Durable(LocalArtifactStore):
    """Nothing is cached by the system."""
