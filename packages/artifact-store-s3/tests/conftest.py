"""Fixtures: a server, and a store on each engine."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dovetail_artifact_store_s3 import S3ArtifactStore
from dovetail_artifact_store_s3.testing import S3Harness
from dovetail_artifact_store_s3.testing.server import free_port
from dovetail_conformance import until


@pytest.fixture(scope="module")
def harness() -> Iterator[S3Harness]:
    with S3Harness() as made:
        yield made


@pytest.fixture(params=["boto3", "obstore"])
def store(harness: S3Harness, request: pytest.FixtureRequest) -> Iterator[S3ArtifactStore]:
    with harness.make(engine=request.param) as made:
        yield made


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server of moto's behind TLS, and the certificate that it shows."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key, port = folder / "server.pem", folder / "server.key", free_port()
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    extensions = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run([*request, *extensions, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port), "-c", str(certificate), "-k", str(key)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: listens(port), 60, did="waited for moto's server behind TLS")
            yield f"https://127.0.0.1:{port}", certificate
        finally:
            process.kill()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
