"""Files below one directory, written atomically, with symbolic links refused."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any
from urllib.parse import quote

from dovetail_artifact_store import unfinished
from dovetail_artifact_store.digests import hasher, text_of
from dovetail_artifact_store.keys import RESERVED
from dovetail_artifact_store.objects import Condition, ObjectInfo
from dovetail_artifact_store.placing import into_place, make_directory, remove_empty_directories, sync
from dovetail_artifact_store.writing import Upload
from dovetail_core import AlreadyExists, ConfigError, Conflict, DovetailError, InvalidArgument, NotFound, PermissionDenied, Unavailable


class Directory:
    """The directory of a local artifact store. Methods raise OSError as it comes; `mapped` makes it an error of the taxonomy."""

    def __init__(self, path: str, durable: bool) -> None:
        self.path = path
        self.uri: str = f"file://{quote(path)}"
        self.durable = durable
        self._swept = False

    def file(self, key: str) -> str:
        """Return the path of a key."""
        return f"{self.path}/{key}"

    def checked_file(self, key: str) -> str:
        """Return the path of a key. Raises `InvalidArgument` if a symbolic link stands on the way, or at the end."""
        path = self.path
        for segment in key.split("/"):
            path = f"{path}/{segment}"
            try:
                mode = os.lstat(path).st_mode
            except (FileNotFoundError, NotADirectoryError):
                break
            if stat.S_ISLNK(mode):
                raise InvalidArgument(f"'{key}' leads through the symbolic link {path}", remedy="remove the link; a store follows none")
        return self.file(key)

    def info(self, key: str) -> ObjectInfo:
        """Return what is known of an object."""
        return _info(key, self._found(key))

    def has(self, key: str) -> bool:
        """Tell whether there is an object."""
        try:
            return stat.S_ISREG(os.lstat(self.checked_file(key)).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def has_directory(self, prefix: str) -> bool:
        """Tell whether there is a directory."""
        return os.path.isdir(self.checked_file(prefix) if prefix else self.path)

    def _found(self, key: str) -> os.stat_result:
        """Return the state of an object's file; below another object there is nothing."""
        try:
            return self._object(key, os.lstat(self.checked_file(key)))
        except NotADirectoryError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.file(key)) from None

    def _object(self, key: str, found: os.stat_result) -> os.stat_result:
        if not stat.S_ISREG(found.st_mode):
            raise NotFound(f"there is no object '{key}' in {self.path}, but a directory", remedy="name an object below it")
        return found

    def open(self, key: str) -> IO[bytes]:
        """Open an object for reading."""
        self._found(key)
        return os.fdopen(os.open(self.file(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb")

    def digest(self, key: str) -> str:
        """Return the digest of an object's bytes."""
        self._found(key)
        path = self.file(key)
        return text_of(hasher().update_mmap(path))

    # Writing

    def write(self, key: str, data: Any, condition: Condition, digest: str) -> ObjectInfo:
        """Write an object in one go."""
        temporary, descriptor = self.begin()
        try:
            try:
                write_all(descriptor, data)
                self.settle(descriptor)
                found = os.fstat(descriptor)
                self.publish(temporary, key, condition)
            finally:
                os.close(descriptor)  # not before it is in its place: its lock goes with it
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        return _info(key, found, digest)

    def begin(self) -> tuple[str, int]:
        """Make a temporary file where no listing shows it, and return its path and descriptor."""
        folder = f"{self.path}/{RESERVED}"
        if not self._swept:
            self._swept = True
            unfinished.sweep(folder)
        try:
            return unfinished.begin(folder)
        except (FileNotFoundError, NotADirectoryError):
            self._make(folder)
        return unfinished.begin(folder)

    def _make(self, path: str) -> None:
        made: list[str] = []
        with contextlib.suppress(NotADirectoryError):
            make_directory(path, made)
        if not os.path.isdir(path):
            raise ConfigError(f"{self.path} is no directory", remedy="set `path` to a directory")
        if self.durable:
            sync(made)

    def settle(self, descriptor: int) -> None:
        """Learn whether the bytes arrived, and make them durable, if that is asked for."""
        if self.durable:
            os.fsync(descriptor)
        else:
            os.close(os.dup(descriptor))  # some file systems, such as NFS, say only at a close that they did not; the lock is kept

    def publish(self, temporary: str, key: str, condition: Condition) -> None:
        """Rename a temporary file into place; the parent is made if need be.

        Raises `AlreadyExists` if the key was to be free, `Unavailable` if another program took the temporary file away.
        """
        target = self.checked_file(key) if "/" in key else self.file(key)
        try:
            made = into_place(temporary, target, lambda: self._place(temporary, target, condition))
        except FileNotFoundError as error:
            raise Unavailable(
                f"'{key}' was not written: its unfinished file {temporary} was removed",
                remedy=f"write it again, and let no other program clean up in {RESERVED}",
            ) from error
        if self.durable:
            sync([*made, os.path.dirname(target)])

    def _place(self, temporary: str, target: str, condition: Condition) -> None:
        if not condition.absent:
            os.replace(temporary, target)
            return
        os.link(temporary, target)  # unlike a rename, it fails if the name is taken
        os.unlink(temporary)

    def rename(self, source: str, target: str) -> None:
        """Rename an object."""
        one, other = self.checked_file(source), self.checked_file(target)
        self._found(source)
        made = into_place(one, other, lambda: os.replace(one, other))
        if self.durable:
            sync([*made, os.path.dirname(other), os.path.dirname(one)])

    def unlink(self, key: str) -> None:
        """Delete an object; nothing happens if there is none."""
        path = self.checked_file(key)
        try:
            os.unlink(path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return

    # Directories

    def mkdir(self, key: str, parents: bool) -> None:
        """Make a directory."""
        path = self.checked_file(key)
        made: list[str] = []
        if parents:
            make_directory(path, made)
            if not os.path.isdir(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        else:
            self._make(self.path)
            os.mkdir(path)
            made.append(os.path.dirname(path))
        if self.durable:
            sync(made)

    def rmdirs(self, prefix: str) -> None:
        """Remove the empty directories at and below a prefix."""
        remove_empty_directories(self.checked_file(prefix))

    def scan(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        """Yield objects, and directories if not recursive, in the order of the keys' bytes."""
        with mapped(prefix or self.path):
            try:
                entries = list(os.scandir(self.checked_file(prefix) if prefix else self.path))
            except (FileNotFoundError, NotADirectoryError):
                return
        for _, entry, key in sorted(_shown(entries, prefix), key=lambda item: item[0]):
            if not entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    yield _info(key, entry.stat(follow_symlinks=False))
            elif recursive:
                yield from self.scan(key, True)
            else:
                yield key


class FileUpload(Upload):
    """An object that is being written to a temporary file."""

    def __init__(self, directory: Directory, key: str, condition: Condition) -> None:
        self._directory = directory
        self._key = key
        self._condition = condition
        self._temporary, self._descriptor = directory.begin()
        self._open = True

    def write(self, data: memoryview) -> None:
        with mapped(self._key):
            write_all(self._descriptor, data)

    def commit(self) -> ObjectInfo:
        with mapped(self._key):
            self._directory.settle(self._descriptor)
            found = os.fstat(self._descriptor)
            self._directory.publish(self._temporary, self._key, self._condition)
            self._close()  # not before it is in its place: its lock goes with it
            return _info(self._key, found)

    def abort(self) -> None:
        self._close()
        with contextlib.suppress(OSError):
            os.unlink(self._temporary)

    def _close(self) -> None:
        if self._open:
            self._open = False
            os.close(self._descriptor)


def write_all(descriptor: int, data: Any) -> None:
    """Write every byte; a single call may take only some of them."""
    written = os.write(descriptor, data)
    while written < len(data):
        data = memoryview(data)[written:]
        written = os.write(descriptor, data)


def _shown(entries: list[os.DirEntry[str]], prefix: str) -> Iterator[tuple[bytes, os.DirEntry[str], str]]:
    """Yield the entries that belong to the store, each with what it is sorted by and its key."""
    for entry in entries:
        if entry.is_symlink() or (not prefix and entry.name == RESERVED):
            continue
        try:
            order = entry.name.encode()
        except UnicodeEncodeError:  # made by another program; no key names it
            continue
        folder = entry.is_dir(follow_symlinks=False)
        if folder or entry.is_file(follow_symlinks=False):
            yield order + b"/" * folder, entry, f"{prefix}/{entry.name}" if prefix else entry.name


def _info(key: str, found: os.stat_result, digest: str | None = None) -> ObjectInfo:
    etag = f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"
    return ObjectInfo(key, found.st_size, etag, datetime.fromtimestamp(found.st_mtime, UTC), digest)


def _error(key: str, error: OSError) -> DovetailError:
    """Return the error of the taxonomy that an operating system's error stands for."""
    shown = f"'{key}'"
    match error.errno:
        case errno.ENOENT:
            return NotFound(f"there is no {shown}", remedy="check the key", key=key)
        case errno.EEXIST:
            return AlreadyExists(f"there is something at {shown} already", remedy="choose another key, or delete it", key=key)
        case errno.EISDIR | errno.ENOTDIR | errno.ENOTEMPTY:
            return Conflict(
                f"{shown} and a key below or above it exclude each other in a local store",
                remedy="delete the other one, or choose another key",
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return PermissionDenied(f"{shown}: {error.strerror} ({error.filename})", remedy="change the permissions of the directory")
        case errno.ENAMETOOLONG | errno.ELOOP:
            return InvalidArgument(f"{shown}: {error.strerror}", remedy="choose a shorter key")
        case errno.ENOSPC | errno.EDQUOT:
            return Unavailable(f"{shown} was not written: {error.strerror}", remedy="free some space", retryable=False)
        case _:
            return Unavailable(f"{shown}: {error.strerror or error}", remedy="check the disk", retryable=False)


class mapped:
    """A context manager that turns operating system errors into errors of the taxonomy, with the first as the cause.

    A class and not a generator, since every small write passes through it.
    """

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        self._key = key

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, OSError) and not isinstance(error, DovetailError):
            raise _error(self._key, error) from error
