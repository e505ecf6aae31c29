"""What a server is to the harness: an address, a bucket, keys that are given and ended, and what it lacks."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

Right = Literal["full", "readonly"]


@dataclass(frozen=True)
class Keys:
    """An access key: what it may do, and whose it is."""

    id: str
    secret: str
    user: str = ""

    @property
    def settings(self) -> dict[str, str | None]:
        """The settings of the flavor that use it."""
        return {"access_key_id": self.id, "secret_access_key": self.secret}


class Server(ABC):
    """A server that runs here, in processes of its own, with one bucket; keys are checked."""

    bucket: ClassVar[str] = "conformance"
    lacks: ClassVar[Mapping[str, str]] = {}
    """Rule -> why the server cannot show it."""
    settings: ClassVar[Mapping[str, object]] = {}
    """Settings that the flavor needs before this server."""
    port: int

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def give(self, right: Right) -> Keys:
        """Return a new key that may do everything, or only read."""

    @abstractmethod
    def end(self, keys: Keys) -> None:
        """End a key: the server refuses it from now on."""

    @abstractmethod
    def close(self) -> None:
        """Stop the server, and leave nothing."""

    @cached_property
    def keys(self) -> Keys:
        """A key that may do everything."""
        return self.give("full")

    @cached_property
    def client(self) -> Any:
        """The SDK's client of the server."""
        return sdk_client("s3", self.url, self.keys)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sdk_client(service: str, url: str, keys: Keys) -> Any:
    """Return a client of the SDK."""
    import boto3

    return boto3.Session().client(
        service, endpoint_url=url, region_name="us-east-1", aws_access_key_id=keys.id, aws_secret_access_key=keys.secret
    )


def answers(url: str) -> bool:
    """Tell whether there is an answer at an address, whatever it says."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
