"""Files of runs: through the server's proxy, in a directory of this machine, or where else MLflow can put them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

from dovetail_core import InvalidArgument, NotFound, Unavailable, new_id
from dovetail_experiment_tracker import ArtifactInfo
from dovetail_experiment_tracker_mlflow._client import Client
from dovetail_experiment_tracker_mlflow.errors import of_exception

_SERVICE = "/api/2.0/mlflow-artifacts/artifacts"
_PIECE = 1 << 20


class Files(Protocol):
    """Where the files of one run are."""

    def upload(self, source: Path, path: str) -> None:
        """Store a file."""

    def list(self, prefix: str) -> Iterator[ArtifactInfo]:
        """Yield the files at or below a path, all if it is empty."""

    def download(self, path: str, target: Path) -> None:
        """Write a file to `target`."""


def files_of(client: Client, artifact_uri: str, tracking_uri: str) -> Files:
    """Return where the files of a run are, by its artifact URI."""
    parts = urlsplit(artifact_uri)
    if parts.scheme == "mlflow-artifacts" and client.server is not None:
        return Proxied(client.server, parts.path.strip("/"))
    if parts.scheme in ("file", ""):
        return Local(Path(unquote(parts.path) if parts.scheme else artifact_uri))
    return Elsewhere(artifact_uri, tracking_uri)


class Proxied:
    """Files behind the server's artifact proxy (MLflow's REST API, `mlflow-artifacts`)."""

    def __init__(self, server: Any, root: str) -> None:
        self._server = server
        self._root = root

    def upload(self, source: Path, path: str) -> None:
        """Store a file; the server shows it when it has it whole."""
        with source.open("rb") as file:
            data: Any = file if source.stat().st_size else b""
            self._server.send("PUT", self._place(path), data=data, headers={"Content-Type": "application/octet-stream"})

    def list(self, prefix: str) -> Iterator[ArtifactInfo]:
        """Yield the files at or below a path."""
        return _at_or_below(prefix, self._in)

    def _in(self, folder: str) -> Iterator[ArtifactInfo | str]:
        """Yield the files in a folder, and the paths of the folders in it."""
        where = "/".join(filter(None, (self._root, folder)))
        answer = self._server.send("GET", _SERVICE, params={"path": where}).json()
        for item in answer.get("files", ()):
            name = str(item["path"])
            path = f"{folder}/{name}" if folder else name
            if item.get("is_dir"):
                yield path
            elif path != folder:
                yield ArtifactInfo(path, int(item.get("file_size") or 0))

    def download(self, path: str, target: Path) -> None:
        """Write a file to `target`."""
        answer = self._server.send("GET", self._place(path), stream=True)
        with _whole(target) as part, part.open("wb") as file, answer:
            for piece in answer.iter_content(_PIECE):
                file.write(piece)
            expected = answer.headers.get("Content-Length")
            if expected is not None and "Content-Encoding" not in answer.headers and file.tell() != int(expected):
                raise Unavailable(f"'{path}': the transfer broke off after {file.tell()} bytes", remedy="try again")

    def _place(self, path: str) -> str:
        return f"{_SERVICE}/{quote(f'{self._root}/{path}')}"


class Local:
    """Files in a directory of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def upload(self, source: Path, path: str) -> None:
        """Store a file; it is visible when it is whole."""
        target = self._root / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                raise IsADirectoryError(path)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise InvalidArgument(f"'{path}' is, or is below, something of another kind", remedy="choose another path") from error
        with _whole(target) as part:
            shutil.copyfile(source, part)

    def list(self, prefix: str) -> Iterator[ArtifactInfo]:
        """Yield the files at or below a path."""
        top = self._root / prefix
        found = [top] if top.is_file() else sorted(file for file in top.rglob("*") if file.is_file())
        for file in found:
            if not file.name.startswith(_PART):
                yield ArtifactInfo(file.relative_to(self._root).as_posix(), file.stat().st_size)

    def download(self, path: str, target: Path) -> None:
        """Write a file to `target`."""
        try:
            with _whole(target) as part:
                shutil.copyfile(self._root / path, part)
        except FileNotFoundError as error:
            raise NotFound(f"there is no file '{path}'", remedy="list_artifacts shows the files") from error


class Elsewhere:
    """Files where one of MLflow's artifact repositories can put them, such as s3://."""

    def __init__(self, artifact_uri: str, tracking_uri: str) -> None:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        self._repository = get_artifact_repository(artifact_uri, tracking_uri)

    def upload(self, source: Path, path: str) -> None:
        """Store a file; MLflow names it for its source, which is therefore linked under the name that is wanted."""
        folder, _, name = path.rpartition("/")
        with tempfile.TemporaryDirectory(prefix="dovetail-mlflow-") as scratch:
            link = Path(scratch, name)
            link.symlink_to(source.absolute())
            self._called(lambda: self._repository.log_artifact(str(link), folder or None), path)

    def list(self, prefix: str) -> Iterator[ArtifactInfo]:
        """Yield the files at or below a path."""
        return _at_or_below(prefix, self._in)

    def _in(self, folder: str) -> Iterator[ArtifactInfo | str]:
        for item in self._called(lambda: self._repository.list_artifacts(folder or None), folder):
            if item.is_dir:
                yield item.path
            elif item.path != folder:
                yield ArtifactInfo(item.path, int(item.file_size or 0))

    def download(self, path: str, target: Path) -> None:
        """Write a file to `target`."""
        with tempfile.TemporaryDirectory(prefix="dovetail-mlflow-") as scratch, _whole(target) as part:
            shutil.move(self._called(lambda: self._repository.download_artifacts(path, scratch), path), part)

    def _called(self, call: Any, path: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return call()
        except MlflowException as error:
            raise of_exception(error, f"'{path}'") from error
        except Exception as error:  # each kind of place has exceptions of its own
            raise Unavailable(f"'{path}': {type(error).__name__}", remedy="look at what caused this", retryable=False) from error


def _at_or_below(prefix: str, listed: Callable[[str], Iterator[ArtifactInfo | str]]) -> Iterator[ArtifactInfo]:
    """Yield the files at or below a path; `listed` yields the files in a folder, and the paths of the folders in it."""
    found = list(_below(prefix, listed))
    if not found and prefix:  # what is asked for what is in a file says nothing
        beside = listed(prefix.rpartition("/")[0])
        found = [info for info in beside if isinstance(info, ArtifactInfo) and info.path == prefix]
    yield from found


def _below(folder: str, listed: Callable[[str], Iterator[ArtifactInfo | str]]) -> Iterator[ArtifactInfo]:
    for item in listed(folder):
        if isinstance(item, ArtifactInfo):
            yield item
        else:
            yield from _below(item, listed)


_PART = ".dovetail-part-"


class _whole:
    """A file beside `target` to write to, which becomes it when the block ends well."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target.with_name(f"{_PART}{new_id()}")

    def __enter__(self) -> Path:
        return self._part

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            os.replace(self._part, self._target)
        else:
            self._part.unlink(missing_ok=True)
