"""Who is measured. Each does what its users would write; `boto3 tuned` is the best that boto3 was found to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from place import MIB, Place, boto3_client

THREADS = 8
"""Of the caller, for many objects; dovetail's `concurrency` is the same."""


class Contender(ABC):
    """One way to talk to a server. Keys are in the bucket; a prefix has no slash at its end."""

    needs: tuple[str, ...] = ()

    def __init__(self, place: Place) -> None:
        self.place = place
        self.pool = ThreadPoolExecutor(THREADS)

    def each(self, call: Callable[[Any], object], items: Iterable[Any]) -> None:
        """Call from several threads, and raise the first error."""
        for _ in self.pool.map(call, items):
            pass

    def put_tree(self, folder: Path, prefix: str) -> None:
        """Upload the files below a directory."""
        files = [path for path in folder.rglob("*") if path.is_file()]
        self.each(lambda path: self.put_file(path, f"{prefix}/{path.relative_to(folder).as_posix()}"), files)

    def get_tree(self, prefix: str, folder: Path) -> None:
        """Download the objects below a prefix."""
        self.each(lambda key: self.get_file(key, _target(folder, key[len(prefix) + 1 :])), self.keys(prefix))

    @abstractmethod
    def put_file(self, path: Path, key: str) -> None:
        """Upload a file."""

    @abstractmethod
    def get_file(self, key: str, path: Path) -> None:
        """Download a file."""

    @abstractmethod
    def write(self, key: str, data: bytes) -> None:
        """Write bytes."""

    @abstractmethod
    def read(self, key: str) -> bytes:
        """Read bytes."""

    @abstractmethod
    def keys(self, prefix: str) -> list[str]:
        """List keys; the entries have size, etag and time, too."""

    @abstractmethod
    def delete(self, prefix: str) -> None:
        """Delete everything below a prefix."""


def _target(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class Dovetail(Contender):
    """The S3 artifact store, on boto3 alone."""

    engine = "boto3"

    def __init__(self, place: Place) -> None:
        from dovetail_artifact_store_s3 import S3ArtifactStore

        super().__init__(place)
        keys = {"access_key_id": place.access_key, "secret_access_key": place.secret_key, "session_token": place.token}
        self.store = S3ArtifactStore(
            bucket=place.bucket, endpoint_url=place.endpoint, region=place.region, concurrency=THREADS, engine=self.engine, **keys
        )
        self.put_file, self.get_file = self.store.upload, self.store.download  # type: ignore[method-assign]
        self.put_tree, self.get_tree = self.store.upload_tree, self.store.download_tree  # type: ignore[method-assign]
        self.write, self.read = self.store.write_bytes, self.store.read_bytes  # type: ignore[method-assign]
        self.delete = self.store.rmtree  # type: ignore[method-assign]

    def put_file(self, path: Path, key: str) -> None: ...
    def get_file(self, key: str, path: Path) -> None: ...
    def write(self, key: str, data: bytes) -> None: ...
    def read(self, key: str) -> bytes: ...
    def delete(self, prefix: str) -> None: ...

    def keys(self, prefix: str) -> list[str]:
        """List by the store's own call."""
        return [info.key for info in self.store.list(prefix)]


class FastDovetail(Dovetail):
    """The S3 artifact store with its extra `[fast]`."""

    engine = "obstore"
    needs = ("obstore",)


class Boto3(Contender):
    """boto3's managed transfer as it comes, from a thread for each small file."""

    def __init__(self, place: Place) -> None:
        from boto3.s3.transfer import TransferConfig

        super().__init__(place)
        self.bucket = place.bucket
        self.transfer = TransferConfig(**self.transfer_settings())
        self.client = boto3_client(place, **self.client_settings())

    def transfer_settings(self) -> dict[str, Any]:
        """Return the settings of the managed transfer."""
        return {}

    def client_settings(self) -> dict[str, Any]:
        """Return the settings of the client."""
        return {}

    def put_file(self, path: Path, key: str) -> None:
        """Upload by the managed transfer."""
        self.client.upload_file(str(path), self.bucket, key, Config=self.transfer)

    def get_file(self, key: str, path: Path) -> None:
        """Download by the managed transfer."""
        self.client.download_file(self.bucket, key, str(path), Config=self.transfer)

    def write(self, key: str, data: bytes) -> None:
        """Write in one request."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def read(self, key: str) -> bytes:
        """Read in one request."""
        data: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return data

    def keys(self, prefix: str) -> list[str]:
        """List by the paginator."""
        return [item["Key"] for page in self.pages(prefix) for item in page]

    def pages(self, prefix: str) -> Iterable[list[dict[str, Any]]]:
        """Return the pages of a listing."""
        paginator = self.client.get_paginator("list_objects_v2")
        return (page.get("Contents", []) for page in paginator.paginate(Bucket=self.bucket, Prefix=f"{prefix}/"))

    def delete(self, prefix: str) -> None:
        """Delete page by page."""
        for page in self.pages(prefix):
            self.delete_page(page)

    def delete_page(self, page: list[dict[str, Any]]) -> None:
        """Delete the objects of a page."""
        objects = [{"Key": item["Key"]} for item in page]
        self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})


class TunedBoto3(Boto3):
    """boto3 with larger parts and more connections; small files in one request each, pages deleted several at once."""

    def transfer_settings(self) -> dict[str, Any]:
        """Return parts of 16 MiB, more of them at once."""
        return {"multipart_chunksize": 16 * MIB, "max_concurrency": 16, "io_chunksize": MIB}

    def client_settings(self) -> dict[str, Any]:
        """Return connections for all threads, and no checks of parameters."""
        return {"max_pool_connections": 32, "parameter_validation": False}

    def put_file(self, path: Path, key: str) -> None:
        """Upload a small file in one request, without the managed transfer's threads."""
        if path.stat().st_size > self.transfer.multipart_threshold:
            super().put_file(path, key)
        else:
            self.write(key, path.read_bytes())

    def get_tree(self, prefix: str, folder: Path) -> None:
        """Download small objects in one request each."""
        self.each(lambda key: _target(folder, key[len(prefix) + 1 :]).write_bytes(self.read(key)), self.keys(prefix))

    def delete(self, prefix: str) -> None:
        """Delete several pages at once."""
        self.each(self.delete_page, self.pages(prefix))


class CrtBoto3(Boto3):
    """boto3's managed transfer by its native library."""

    needs = ("awscrt",)

    def transfer_settings(self) -> dict[str, Any]:
        """Return the native client."""
        return {"preferred_transfer_client": "crt"}


class S3fs(Contender):
    """s3fs as it comes."""

    needs = ("s3fs",)

    def __init__(self, place: Place) -> None:
        import s3fs

        super().__init__(place)
        names = {"endpoint_url": place.endpoint, "key": place.access_key, "secret": place.secret_key, "token": place.token}
        self.system = s3fs.S3FileSystem(use_listings_cache=False, client_kwargs={"region_name": place.region}, **names)

    def path(self, key: str) -> str:
        """Return how s3fs calls a key."""
        return f"{self.place.bucket}/{key}"

    def put_file(self, path: Path, key: str) -> None:
        """Upload a file."""
        self.system.put_file(str(path), self.path(key))

    def get_file(self, key: str, path: Path) -> None:
        """Download a file."""
        self.system.get_file(self.path(key), str(path))

    def put_tree(self, folder: Path, prefix: str) -> None:
        """Upload a directory by one call."""
        self.system.put(f"{folder}/", f"{self.path(prefix)}/", recursive=True)

    def get_tree(self, prefix: str, folder: Path) -> None:
        """Download a directory by one call."""
        self.system.get(f"{self.path(prefix)}/", f"{folder}/", recursive=True)

    def write(self, key: str, data: bytes) -> None:
        """Write bytes."""
        self.system.pipe_file(self.path(key), data)

    def read(self, key: str) -> bytes:
        """Read bytes."""
        data: bytes = self.system.cat_file(self.path(key))
        return data

    def keys(self, prefix: str) -> list[str]:
        """List recursively."""
        return [name.partition("/")[2] for name in self.system.find(self.path(prefix), detail=True)]

    def delete(self, prefix: str) -> None:
        """Delete recursively."""
        self.system.rm(self.path(prefix), recursive=True)


class Obstore(Contender):
    """obstore by itself."""

    needs = ("obstore",)

    def __init__(self, place: Place) -> None:
        from obstore.store import S3Store

        super().__init__(place)
        self.store = S3Store(
            place.bucket,
            endpoint=place.endpoint,
            region=place.region,
            access_key_id=place.access_key,
            secret_access_key=place.secret_key,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
            **({"session_token": place.token} if place.token else {}),
        )

    def put_file(self, path: Path, key: str) -> None:
        """Upload a file."""
        self.store.put(key, path)

    def get_file(self, key: str, path: Path) -> None:
        """Download a file as a stream."""
        with path.open("wb") as file:
            for chunk in self.store.get(key).stream():
                file.write(chunk)

    def get_tree(self, prefix: str, folder: Path) -> None:
        """Download small objects whole."""
        self.each(lambda key: _target(folder, key[len(prefix) + 1 :]).write_bytes(self.store.get(key).bytes()), self.keys(prefix))

    def write(self, key: str, data: bytes) -> None:
        """Write bytes."""
        self.store.put(key, data)

    def read(self, key: str) -> bytes:
        """Read bytes."""
        return bytes(self.store.get(key).bytes())

    def keys(self, prefix: str) -> list[str]:
        """List by full pages."""
        return [item["path"] for chunk in self.store.list(f"{prefix}/", chunk_size=1000) for item in chunk]

    def delete(self, prefix: str) -> None:
        """List, and delete all in one call."""
        self.store.delete(self.keys(prefix))


CONTENDERS: dict[str, type[Contender]] = {
    "dovetail[fast]": FastDovetail,
    "dovetail": Dovetail,
    "obstore": Obstore,
    "boto3": Boto3,
    "boto3 tuned": TunedBoto3,
    "boto3 crt": CrtBoto3,
    "s3fs": S3fs,
}


def available() -> dict[str, type[Contender]]:
    """Return those whose libraries are installed."""
    return {name: kind for name, kind in CONTENDERS.items() if all(find_spec(module) for module in kind.needs)}
