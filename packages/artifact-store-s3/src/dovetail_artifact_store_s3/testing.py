"""The harness of the flavor, for the conformance suite: a server of moto's, or a live bucket that `--config` names."""

from __future__ import annotations

import builtins
import json
import socket
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Self

from dovetail_artifact_store import ArtifactStore
from dovetail_artifact_store.contract import ArtifactStoreHarness
from dovetail_artifact_store_s3.store import S3ArtifactStore
from dovetail_conformance import HarnessError, Untested, until
from dovetail_conformance.instruments import FaultProxy

_POLICIES = {
    "full": ["s3:*"],
    "readonly": ["s3:Get*", "s3:List*"],
}


class MotoServer:
    """A server of moto's in a process of its own, with one bucket, and users whose keys are checked."""

    def __init__(self) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers, 60, did="waited for moto's server", mend="pip install 'moto[server]'")
        self.keys = {name: self._user(name, actions) for name, actions in _POLICIES.items()}
        self.client = _boto3().client("s3", endpoint_url=self.url, region_name="us-east-1", **self.keys["full"])
        self.client.create_bucket(Bucket="conformance")
        self._post("/moto-api/reset-auth", b"0")

    def close(self) -> None:
        """Stop the server."""
        self._process.kill()
        self._process.wait()

    def revoke(self, name: str) -> None:
        """End a user's key."""
        iam = self._iam()
        iam.delete_access_key(UserName=name, AccessKeyId=self.keys[name]["aws_access_key_id"])

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise HarnessError(f"moto's server ended with {self._process.returncode}: pip install 'moto[server]'")
        try:
            urllib.request.urlopen(f"{self.url}/moto-api/", timeout=1).close()
        except OSError:
            return False
        return True

    def _iam(self) -> Any:
        keys = getattr(self, "keys", {}).get("full") or {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
        return _boto3().client("iam", endpoint_url=self.url, region_name="us-east-1", **keys)

    def _user(self, name: str, actions: list[str]) -> dict[str, str]:
        iam = _boto3().client("iam", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any")
        iam.create_user(UserName=name)
        granted = [*actions, "iam:*", "sts:*"] if name == "full" else actions
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": granted, "Resource": "*"}]}
        iam.put_user_policy(UserName=name, PolicyName="given", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def _post(self, path: str, body: bytes) -> None:
        urllib.request.urlopen(
            urllib.request.Request(f"{self.url}{path}", data=body, headers={"Content-Type": "text/plain"}), timeout=10
        ).close()


class S3Harness(ArtifactStoreHarness):
    """The flavor before a server of moto's, through the fault proxy. With settings, which are those of the flavor: before a live bucket."""

    flavor = S3ArtifactStore
    environment = "emulated"  # `live` with settings
    impatient: Mapping[str, object] = {"read_timeout": 0.5, "connect_timeout": 0.5, "attempts": 2}
    patience = 30.0

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        super().__init__(settings)
        self._live = bool(self.settings)
        if self._live:
            self.environment = "live"
        else:
            self.lacks = {
                "AS-50": "moto's server does not look at the signature of a URL, nor at its time",
                "AS-61": "moto's server compares etags and writes in two steps",
            }

    def __enter__(self) -> Self:
        if not self._live:
            self._server = MotoServer()
            self._proxy = FaultProxy("127.0.0.1", self._server.port)
            self._proxy.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._live:
            self._proxy.__exit__(None, None, None)
            self._server.close()

    def has(self, hook: str) -> bool:
        """Before a live bucket there is neither a proxy nor other credentials."""
        return super().has(hook) and not (self._live and hook in ("proxy", "credentials"))

    @property
    def proxy(self) -> FaultProxy:
        """The fault proxy before the server."""
        if self._live:
            raise Untested("a live service is not disturbed")
        return self._proxy

    def make(self, **config: Any) -> ArtifactStore:
        """Return a store on a prefix of its own."""
        base = dict(self.settings) if self._live else self._emulated()
        prefix = "/".join(filter(None, [str(base.pop("prefix", "")), uuid.uuid4().hex, "root"]))
        return self.flavor(**{"prefix": prefix, "part_size": 5 << 20, "page_size": 7, "concurrency": 4, **base, **config})

    def _emulated(self) -> dict[str, Any]:
        keys = self._server.keys["full"]
        return {
            "bucket": "conformance",
            "endpoint_url": self._proxy.url,
            "access_key_id": keys["aws_access_key_id"],
            "secret_access_key": keys["aws_secret_access_key"],
        }

    def credentials(self, kind: str) -> ArtifactStore:
        """Return a store with a key that nobody has, or whose user may only read."""
        if kind == "bad":
            return self.make(access_key_id="AKIAUNKNOWN000000000", secret_access_key="canary-unknown-secret-4711")
        if kind == "readonly":
            keys = self._server.keys["readonly"]
            return self.make(access_key_id=keys["aws_access_key_id"], secret_access_key=keys["aws_secret_access_key"])
        raise Untested(f"moto's server has no {kind} credentials")

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
        if not self._live:
            return RawBucket(self._server.client, component.config)
        fresh = self.flavor(component.config)
        return RawBucket(fresh._client.sdk, component.config)

    def limits_of_memory(self, component: ArtifactStore) -> int:
        """Return what the parts in flight take, and as much again for what the SDK holds of them."""
        return 2 * (component.parallel + 2) * component.part_size + (16 << 20)

    def census(self, component: ArtifactStore) -> Mapping[str, int]:
        """Return how many uploads are unfinished."""
        raw = self.raw(component)
        return {"unfinished uploads": len(raw.uploads())}


class RawBucket:
    """The side door of a store in a bucket."""

    def __init__(self, client: Any, config: Any) -> None:
        self._client = client
        self._bucket = config.bucket
        self._start = f"{config.prefix}/" if config.prefix else ""

    def put(self, key: str, data: bytes) -> None:
        """Store bytes at any key."""
        self._client.put_object(Bucket=self._bucket, Key=self._start + key, Body=data)

    def get(self, key: str) -> bytes | None:
        """Return what is stored at a key."""
        try:
            data: bytes = self._client.get_object(Bucket=self._bucket, Key=self._start + key)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        return data

    def list(self) -> builtins.list[str]:
        """Return every key, sorted."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._start)
        return sorted(item["Key"][len(self._start) :] for page in pages for item in page.get("Contents", ()))

    def delete(self, key: str) -> None:
        """Delete what is stored at a key."""
        self._client.delete_object(Bucket=self._bucket, Key=self._start + key)

    def uploads(self) -> builtins.list[str]:
        """Return the keys of unfinished uploads."""
        found = self._client.list_multipart_uploads(Bucket=self._bucket).get("Uploads", ())
        return [item["Key"] for item in found if item["Key"].startswith(self._start)]


def _boto3() -> Any:
    import boto3

    return boto3.Session()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
