"""The harness of the flavor: before a server that runs here, or before a live bucket."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from dovetail_artifact_store import ArtifactStore
from dovetail_artifact_store.contract import ArtifactStoreHarness
from dovetail_artifact_store_s3.store import S3ArtifactStore
from dovetail_artifact_store_s3.testing.moto import MotoServer
from dovetail_artifact_store_s3.testing.radosgw import RadosGateway
from dovetail_artifact_store_s3.testing.raw import RawBucket
from dovetail_artifact_store_s3.testing.server import Keys, Server
from dovetail_conformance import Untested
from dovetail_conformance.instruments import FaultProxy
from dovetail_core import ConfigError

SERVERS: Mapping[str, type[Server]] = {"moto": MotoServer, "radosgw": RadosGateway}


class S3Harness(ArtifactStoreHarness):
    """The flavor before a server that runs here, through the fault proxy, or before a live bucket.

    `--config` names the server (`server = "radosgw"`; default: moto's), or is the settings of the flavor for a live bucket.
    """

    flavor: ClassVar[type[S3ArtifactStore]] = S3ArtifactStore
    environment: str = "emulated"
    lacks: Mapping[str, str] = {
        "AS-46": "the flavor writes no files that a disk could refuse: what a wire can do is asked by the other rules about faults"
    }
    impatient: Mapping[str, object] = {"read_timeout": 0.5, "connect_timeout": 0.5, "attempts": 2}
    patience: float = 30.0

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        super().__init__(settings)
        name = str(self.settings.pop("server", "" if self.settings else "moto"))
        if name and name not in SERVERS:
            raise ConfigError(f"no server is called '{name}'", remedy=f"one of {', '.join(SERVERS)}, or the settings of a live bucket")
        self._kind = SERVERS.get(name)
        if self._kind is None:
            self.environment = "live"
        else:
            self.lacks = {**self.lacks, **self._kind.lacks}

    def __enter__(self) -> Self:
        if self._kind is not None:
            self.server: Server = self.enter_context(self._kind())
            self._folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="dovetail-keys-")))
            self._ended = self.server.give("full")  # now, since the SDK's log of it would be taken for the flavor's
            self.server.end(self._ended)
            self._rotating: dict[str, Keys] = {}
            self._proxy = self.enter_context(FaultProxy("127.0.0.1", self.server.port))
        return self

    def has(self, hook: str) -> bool:
        """Before a live bucket there is neither a proxy nor other credentials."""
        return super().has(hook) and not (self._kind is None and hook in ("proxy", "credentials"))

    @property
    def proxy(self) -> FaultProxy:
        """The fault proxy before the server."""
        if self._kind is None:
            raise Untested("a live service is not disturbed")
        return self._proxy

    def make(self, **config: Any) -> ArtifactStore:
        """Return a store on a prefix of its own."""
        base: dict[str, Any] = {**self._here(), **self.settings}
        prefix = "/".join(filter(None, [str(base.pop("prefix", "")), uuid.uuid4().hex, "root"]))
        return self.flavor(**{"prefix": prefix, "part_size": 5 << 20, "page_size": 7, "concurrency": 4, **base, **config})

    def _here(self) -> dict[str, Any]:
        if self._kind is None:
            return {}
        server = self.server
        return {"bucket": server.bucket, "endpoint_url": self._proxy.url, **server.keys.settings, **server.settings}

    def credentials(self, kind: str) -> ArtifactStore:
        """Return a store with a key that nobody has, one that has ended, one that may only read, or one that is in a file and rotates."""
        if kind == "bad":
            return self.make(access_key_id="AKIAUNKNOWN000000000", secret_access_key="canary-unknown-secret-4711")
        if kind == "readonly":
            return self.make(**self.server.give("readonly").settings)
        if kind == "expired":
            return self.make(**self._ended.settings)
        if kind == "rotated":
            return self._in_a_file()
        raise Untested(f"the harness has no {kind} credentials")

    def _in_a_file(self) -> ArtifactStore:
        path = self._folder / uuid.uuid4().hex
        self._rotating[str(path)] = self._written(path)
        return self.make(profile="rotating", credentials_file=path, access_key_id=None, secret_access_key=None)

    def entitled(self, component: ArtifactStore) -> ArtifactStore:
        """Return a store on the same prefix with the keys that may do everything."""
        return self.flavor(**{**component.config.model_dump(), **self.server.keys.settings})

    def rotate(self, component: ArtifactStore) -> None:
        """Put another key into the component's file, and end the old one."""
        path = component.config.credentials_file  # type: ignore[attr-defined]
        old, self._rotating[str(path)] = self._rotating[str(path)], self._written(path)
        self.server.end(old)

    def _written(self, path: Path) -> Keys:
        keys = self.server.give("full")
        aside = path.with_suffix(".new")
        aside.write_text(f"[rotating]\naws_access_key_id = {keys.id}\naws_secret_access_key = {keys.secret}\n")
        os.replace(aside, path)
        return keys

    def spellings(self, component: ArtifactStore) -> Iterable[ArtifactStore]:
        """Yield stores whose prefix has slashes around it."""
        config = component.config
        for prefix in (f"{config.prefix}/", f"/{config.prefix}", f"/{config.prefix}/"):  # type: ignore[attr-defined]
            yield self.flavor(**{**config.model_dump(), "prefix": prefix})

    def neighbour(self, component: ArtifactStore) -> ArtifactStore:
        """Return a store whose prefix has the same beginning."""
        return self.flavor(**{**component.config.model_dump(), "prefix": f"{component.config.prefix}b"})  # type: ignore[attr-defined]

    def raw(self, component: ArtifactStore) -> RawBucket:
        """Return the bucket, by the SDK alone, not through the proxy."""
        if self._kind is not None:
            return RawBucket(self.server.client, component.config)
        fresh = self.flavor(component.config)
        return RawBucket(fresh._client.sdk, component.config)

    def limits_of_memory(self, component: ArtifactStore) -> int:
        """Return what the parts in flight take, and as much again for what the SDK holds of them."""
        return 2 * (component.parallel + 2) * component.part_size + (16 << 20)

    def census(self, component: ArtifactStore) -> Mapping[str, int]:
        """Return how many uploads are unfinished."""
        raw = self.raw(component)
        return {"unfinished uploads": len(raw.uploads())}
