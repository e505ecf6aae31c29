"""Writes `dovetail.yaml`: one writer at a time, and all of it or nothing."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dovetail.stackfile.document import StackFile
from dovetail.stackfile.reading import parse, read, round_trip
from dovetail.state_directory import STATE, kept_out_of_git
from dovetail_core.errors import ConfigError, Timeout

PATIENCE = 30.0
"""Seconds to wait for another writer."""


@contextmanager
def editing(path: Path) -> Iterator[StackFile]:
    """Give the content of a file to be changed, and write it afterwards; nothing is written if the body raises.

    Raises `DamagedFile` before anything happens, `Timeout` while another process keeps the file.
    """
    from filelock import FileLock
    from filelock import Timeout as Locked

    lock = path.parent / STATE / f"{path.name}.lock"
    try:
        with kept_out_of_git(path.parent):
            lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=PATIENCE):
            file = read(path)
            if not file.data:
                file = parse(path, _text(path))
            yield file
            _write(path, dump(file, _text(path)))
    except Locked as error:
        raise Timeout(f"{path} is being changed by another process", remedy=f"try again when it is done; its lock is {lock}") from error


def dump(file: StackFile, like: str) -> str:
    """Return a file's content as text, laid out as the text `like` is."""
    stream = io.StringIO()
    round_trip(like).dump(file.data, stream)
    text = stream.getvalue()
    if text.strip() in ("{}", ""):
        text = ""
    return text.replace("\n", "\r\n") if "\r\n" in like else text


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str) -> None:
    """Replace the content of a file, keeping its mode and a symbolic link to it."""
    if text == _text(path):
        return
    target = path.resolve()
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", remedy="make its directory writable") from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode(target: Path) -> int:
    try:
        return target.stat().st_mode & 0o7777
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
