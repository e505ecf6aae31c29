"""Parts of uploads: without TLS they are signed and sent directly, with TLS they are the SDK's."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dovetail_artifact_store_s3 import S3ArtifactStore
from dovetail_artifact_store_s3._address import Address
from dovetail_artifact_store_s3.testing import S3Harness
from dovetail_conformance.instruments import ResetBefore, Status
from dovetail_core import AuthenticationFailed, PermissionDenied, Unavailable

PART = 5 << 20
LARGE = bytes(range(256)) * (2 * PART // 256) + b"end"
PARTS = {"method": "PUT", "path": "partNumber"}


def made_by_the_sdk(store: S3ArtifactStore) -> list[str]:
    """Return where the names of the requests are kept that the SDK makes from now on."""
    seen: list[str] = []

    def note(request: Any, event_name: str, **_: Any) -> None:
        seen.append(event_name.rpartition(".")[2])

    store._client.sdk.meta.events.register("before-send.s3", note)
    return seen


@pytest.mark.parametrize("key", ["plain", "a b/ü+%41~*'()=&/;x", "q?a=1#b", "{key}"])
def test_parts_are_sent_directly_under_any_key(harness: S3Harness, key: str) -> None:
    with harness.make(part_size=PART) as store:
        seen = made_by_the_sdk(store)
        store.write_bytes(key, LARGE)
        assert "UploadPart" not in seen and "CompleteMultipartUpload" in seen
        assert harness.raw(store).get(key) == LARGE


def test_a_part_is_sent_at_once_and_its_repetition_asks_first(harness: S3Harness) -> None:
    mark = harness.proxy.mark()
    with harness.make(part_size=PART) as store, harness.proxy.fault(Status(503, {}, b""), **PARTS):
        store.write_bytes("x", LARGE)
    parts = [request for request in harness.proxy.since(mark) if request.method == "PUT" and "partNumber" in request.query]
    asked = ["expect" in request.headers for request in parts]
    assert sorted(asked) == [False, False, False, True]


def test_where_the_bucket_is_is_worked_out_once(harness: S3Harness) -> None:
    asked: list[str] = []
    with harness.make(part_size=PART, engine="obstore") as store:
        store._client.sdk.meta.events.register("before-call.s3.HeadBucket", lambda **_: asked.append("HeadBucket"))
        store.write_bytes("small", b"x")
        store.write_bytes("large", LARGE)
    assert len(asked) == 1


def test_a_store_that_was_closed_opens_its_connections_again(harness: S3Harness) -> None:
    with harness.make(part_size=PART) as store:
        store.write_bytes("x", LARGE)
        before = store._client.connections
        store.close()
        store.write_bytes("y", LARGE)
        assert store._client.connections is not before
        assert harness.raw(store).get("y") == LARGE


def test_a_process_that_is_forked_has_connections_of_its_own(harness: S3Harness) -> None:
    with harness.make(part_size=PART) as store:
        store.write_bytes("x", LARGE)
        before = store._client.connections
        if not (child := os.fork()):
            os._exit(0 if store._client.connections is not before else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_part_goes_by_the_proxy_of_the_environment(harness: S3Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", harness.proxy.url)
    there = {"bucket": "parts", "endpoint_url": "http://store.invalid", "access_key_id": "any", "secret_access_key": "any"}
    with S3ArtifactStore(**there) as store, harness.proxy.fault(Status(200, {"ETag": '"1"'}, b""), **PARTS):
        assert store._writes.parts.send("'x'", {"Key": "x", "UploadId": "1"}, 1, bytearray(b"part")) == '"1"'


class Torn(io.RawIOBase):
    """A file of which all but the beginning cannot be read."""

    pieces = 0

    def readinto(self, space: Any) -> int:
        self.pieces += 1
        if self.pieces > 7:
            raise OSError("no more of it can be read")
        space[:] = b"x" * len(space)
        return len(space)


def test_a_file_that_cannot_be_read_to_its_end_leaves_nothing_even_if_the_caller_swallows_that(harness: S3Harness) -> None:
    with harness.make(part_size=PART) as store:
        with pytest.raises(Unavailable, match="'x' is not published"), store.open("x", "wb") as writer, contextlib.suppress(OSError):
            writer.write_from(Torn(), 3 * PART)
        assert harness.census(store) == {"unfinished uploads": 0} and not store.exists("x")


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "[::1]:80", "localhost", "bucket.localhost:9000"])
def test_a_server_on_this_machine_is_told(host: str) -> None:
    assert Address("http", host, "bucket", "us-east-1").is_here


@pytest.mark.parametrize("host", ["10.0.0.1:9000", "[fe80::1]", "store.example", "localhost.example"])
def test_a_server_elsewhere_is_told(host: str) -> None:
    assert not Address("http", host, "bucket", "us-east-1").is_here


def test_with_tls_parts_are_the_sdk_s(tls: tuple[str, Path]) -> None:
    url, certificate = tls
    keys = {"access_key_id": "any", "secret_access_key": "any"}
    with S3ArtifactStore(bucket="parts", endpoint_url=url, verify=str(certificate), part_size=PART, **keys) as store:
        store._client.sdk.create_bucket(Bucket="parts")
        seen = made_by_the_sdk(store)
        store.write_bytes("x", LARGE)
        assert seen.count("UploadPart") == 3
        assert store.read_bytes("x") == LARGE


def test_a_part_that_is_refused_says_why_and_leaves_nothing(harness: S3Harness) -> None:
    refusal = Status(403, {}, b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>no</Message></Error>")
    with harness.make(part_size=PART) as store:
        with harness.proxy.fault(refusal, **PARTS, times=None), pytest.raises(PermissionDenied, match="'x': AccessDenied"):
            store.write_bytes("x", LARGE)
        assert harness.census(store) == {"unfinished uploads": 0} and not store.exists("x")


class Abrupt(BaseHTTPRequestHandler):
    """Refuses parts; of one that is on its way already the answer is lost with the connection."""

    protocol_version = "HTTP/1.1"

    def handle_expect_100(self) -> bool:
        self.send_error(403)
        return False

    def do_PUT(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for file in (self.rfile, self.wfile, self.connection):
            file.close()

    def log_message(self, *_: Any) -> None: ...


def test_a_refusal_that_was_lost_with_the_connection_is_asked_for() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Abrupt) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = {
            "bucket": "parts",
            "endpoint_url": f"http://127.0.0.1:{server.server_port}",
            "access_key_id": "any",
            "secret_access_key": "any",
        }
        with S3ArtifactStore(**there) as store, pytest.raises(PermissionDenied):
            store._writes.parts.send("'x'", {"Key": "x", "UploadId": "1"}, 1, bytearray(LARGE))
        server.shutdown()


def test_a_part_whose_upload_is_forgotten_says_so(harness: S3Harness) -> None:
    forgotten = Status(404, {}, b"<Error><Code>NoSuchUpload</Code></Error>")
    with harness.make(part_size=PART) as store, harness.proxy.fault(forgotten, **PARTS), pytest.raises(Unavailable, match="forgotten"):
        store.write_bytes("x", LARGE)


def test_a_part_is_sent_again_when_the_server_says(harness: S3Harness) -> None:
    slow = Status(503, {"Retry-After": "1"}, b"<Error><Code>SlowDown</Code></Error>")
    with harness.make(part_size=PART) as store, harness.proxy.fault(slow, **PARTS):
        begun = time.monotonic()
        store.write_bytes("x", LARGE)
        assert time.monotonic() - begun >= 1
        assert store.read_bytes("x") == LARGE


def test_a_part_whose_connection_breaks_is_sent_again(harness: S3Harness) -> None:
    with harness.make(part_size=PART) as store, harness.proxy.fault(ResetBefore(), **PARTS):
        store.write_bytes("x", LARGE)
        assert store.read_bytes("x") == LARGE


def test_a_part_that_is_signed_with_keys_that_ended_names_the_settings(harness: S3Harness) -> None:
    ended = Status(400, {}, b"<Error><Code>ExpiredToken</Code></Error>")
    with (
        harness.make(part_size=PART) as store,
        harness.proxy.fault(ended, **PARTS, times=None),
        pytest.raises(AuthenticationFailed, match="access_key_id"),
    ):
        store.write_bytes("x", LARGE)
