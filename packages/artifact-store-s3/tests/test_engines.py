"""The two engines: which is used, what each carries, and that nothing is lost between them."""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail_artifact_store_s3 import S3ArtifactStore, _engine
from dovetail_artifact_store_s3._obstore_settings import provider, settings
from dovetail_artifact_store_s3.testing import S3Harness
from dovetail_conformance.instruments import Exchange, Hang, Status, Truncate
from dovetail_core import AlreadyExists, AuthenticationFailed, ConfigError, Conflict, NotFound, PermissionDenied, Unavailable

BOTH = pytest.mark.parametrize("engine", ["boto3", "obstore"])


@pytest.fixture
def store(harness: S3Harness) -> Iterator[S3ArtifactStore]:
    with harness.make(engine="obstore") as made:
        yield made


def carriers(exchanges: list[Exchange]) -> list[str]:
    """Return which engine sent each request."""
    return ["boto3" if item.headers.get("user-agent", "").startswith("Boto3/") else "obstore" for item in exchanges]


def sent(harness: S3Harness, call: Any) -> list[str]:
    """Return which engine sent each request of a call."""
    mark = harness.proxy.mark()
    with contextlib.suppress(NotFound, AlreadyExists, PermissionDenied):
        call()
    return carriers(harness.proxy.since(mark))


def without_obstore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_engine, "find_spec", lambda name: None if name == "obstore" else importlib.util.find_spec(name))


def test_obstore_is_used_where_it_is_installed(harness: S3Harness) -> None:
    with harness.make() as store:
        assert sent(harness, lambda: store.write_bytes("x", b"1")) == ["obstore"]


def test_boto3_is_used_where_obstore_is_not_installed(harness: S3Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    without_obstore(monkeypatch)
    with harness.make() as store:
        assert sent(harness, lambda: store.write_bytes("x", b"1")) == ["boto3"]


def test_an_engine_that_is_asked_for_and_missing_is_said_at_first_use(harness: S3Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    without_obstore(monkeypatch)
    store = harness.make(engine="obstore")
    for call in (store.check, lambda: store.read_bytes("x"), lambda: store.write_bytes("x", b"1")):
        with pytest.raises(ConfigError, match=r"\[fast\]"):
            call()


def test_a_single_attempt_is_the_sdk_s(harness: S3Harness) -> None:
    with harness.make(attempts=1) as store:
        assert sent(harness, lambda: store.write_bytes("x", b"1")) == ["boto3"]
    with harness.make(attempts=1, engine="obstore") as store, pytest.raises(ConfigError, match="attempts"):
        store.check()


def test_obstore_that_refuses_the_settings_is_not_used(harness: S3Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    from dovetail_artifact_store_s3 import _obstore

    known = _obstore.settings
    monkeypatch.setattr(_obstore, "settings", lambda client, config: {**known(client, config), "client_options": {"unheard_of": "1"}})
    with harness.make() as store:
        assert sent(harness, lambda: store.write_bytes("x", b"1")) == ["boto3"]
    with harness.make(engine="obstore") as store, pytest.raises(ConfigError, match="refuses"):
        store.check()


def test_each_carries_what_it_says_in_full(harness: S3Harness, store: S3ArtifactStore) -> None:
    large = os.urandom(2 * store.part_size + 1)
    wanted = {
        "write": (lambda: store.write_bytes("x", b"1"), {"obstore"}),
        "read": (lambda: store.read_bytes("x"), {"obstore"}),
        "read a range": (lambda: store.read_bytes("x", 0, 1), {"obstore"}),
        "write on a condition": (lambda: store.write_bytes("x", b"1", if_absent=True), {"boto3"}),
        "write with metadata": (lambda: store.write_bytes("x", b"1", metadata={"content-type": "text"}), {"boto3"}),
        "write a large object": (lambda: store.write_bytes("y", large), {"boto3"}),
        "list": (lambda: list(store.list()), {"boto3"}),
        "look": (lambda: store.stat("x"), {"boto3"}),
        "copy": (lambda: store.copyfile("x", "z"), {"boto3"}),
        "delete": (lambda: store.delete(["x", "y", "z"]), {"obstore"}),
    }
    for name, (call, engines) in wanted.items():
        assert set(sent(harness, call)) == engines, name


@BOTH
def test_ranges_are_those_of_the_bytes(harness: S3Harness, engine: str) -> None:
    with harness.make(engine=engine) as store:
        store.write_bytes("x", b"0123456789")
        store.write_bytes("empty", b"")
        for start, end in [(0, None), (0, 4), (3, 7), (3, None), (8, 20), (10, None), (10, 12), (20, 30)]:
            assert store.read_bytes("x", start, end) == b"0123456789"[start:end], (start, end)
        assert store.read_bytes("empty") == store.read_bytes("empty", 0, 4) == b""
        with pytest.raises(NotFound):
            store.read_bytes("missing")
        assert sent(harness, lambda: store.read_bytes("x", 20, 30)) == [engine]


def test_what_is_larger_than_the_beginning_that_is_asked_for_comes_whole(harness: S3Harness, store: S3ArtifactStore) -> None:
    for size, requests in [(0, 1), ((1 << 20) - 1, 1), (1 << 20, 2), ((1 << 20) + 1, 2), (3 << 20, 2)]:
        data = os.urandom(size)
        store.write_bytes("x", data)
        mark = harness.proxy.mark()
        assert store.read_bytes("x") == data, size
        assert carriers(harness.proxy.since(mark)) == ["obstore"] * requests, size
        assert store.read_bytes("x", 1) == data[1:], size


def test_an_object_of_known_size_is_downloaded_by_one_request(harness: S3Harness, store: S3ArtifactStore, tmp_path: Path) -> None:
    for size in (0, 10, 3 << 20):
        data = os.urandom(size)
        store.write_bytes("d/x", data)
        mark = harness.proxy.mark()
        store.download_tree("d", tmp_path / f"{size}")
        assert carriers(harness.proxy.since(mark)) == ["boto3", "obstore"], size  # a listing, and the object
        assert (tmp_path / f"{size}" / "x").read_bytes() == data


def test_what_fails_is_asked_again_of_the_sdk(harness: S3Harness, store: S3ArtifactStore) -> None:
    store.write_bytes("x", b"0123456789" * 100)
    for fault in (Status(503), Status(500), Truncate(10)):
        mark = harness.proxy.mark()
        with harness.proxy.fault(fault, method="GET"):
            assert store.read_bytes("x") == b"0123456789" * 100
        assert carriers(harness.proxy.since(mark)) == ["obstore", "boto3"], fault
    with harness.proxy.fault(Status(503), method="PUT"):
        store.write_bytes("x", b"2")
    assert store.read_bytes("x") == b"2"


def test_no_more_attempts_are_made_than_the_settings_allow(harness: S3Harness) -> None:
    with harness.make(engine="obstore", attempts=3) as store:
        mark = harness.proxy.mark()
        with harness.proxy.fault(Status(503), times=None), pytest.raises(Unavailable):
            store.read_bytes("x")
        assert carriers(harness.proxy.since(mark)) == ["obstore", "boto3", "boto3"]


def test_a_clear_refusal_is_not_asked_again(harness: S3Harness, store: S3ArtifactStore) -> None:
    assert sent(harness, lambda: store.read_bytes("missing")) == ["obstore"]
    with harness.make(engine="obstore", bucket="nowhere") as other, pytest.raises(NotFound, match="bucket"):
        other.read_bytes("x")
    with harness.credentials("readonly") as reader:
        assert sent(harness, lambda: reader.write_bytes("x", b"1")) == ["obstore"]
        with pytest.raises(PermissionDenied) as caught:
            reader.write_bytes("x", b"1")
    assert type(caught.value.__cause__).__name__ == "PermissionDeniedError"


def test_an_object_that_changes_while_it_is_read_is_a_conflict(store: S3ArtifactStore) -> None:
    store.write_bytes("x", b"1" * (store.part_size + 1))
    with store.open("x") as reader:
        store.write_bytes("x", b"2" * (store.part_size + 1))
        with pytest.raises(Conflict):
            reader.read()


@BOTH
def test_what_other_tools_stored_under_odd_names_is_deleted(harness: S3Harness, engine: str) -> None:
    with harness.make(engine=engine) as store:
        raw = harness.raw(store)
        for key in ("t/a", "t/b//c", "t/d\te", "t/./f", "t/é &<>%2F+"):
            raw.put(key, b"1")
        store.rmtree("t")
        assert raw.list() == []


def test_an_object_that_cannot_be_deleted_is_named(harness: S3Harness) -> None:
    with harness.make(engine="obstore") as store:
        store.write_bytes("x", b"1")
        with harness.credentials("readonly") as reader:
            other = S3ArtifactStore(**{**reader.config.model_dump(), "prefix": store.config.prefix})
            with other, pytest.raises(PermissionDenied):
                other.delete(["x", "y"])
        assert store.exists("x")


def test_keys_that_were_replaced_are_taken_up_by_both(harness: S3Harness) -> None:
    with harness.credentials("rotated") as store:
        store.write_bytes("x", b"1")
        harness.rotate(store)
        assert store.read_bytes("x") == b"1"
        assert sent(harness, lambda: store.read_bytes("x")) == ["obstore"]


def test_keys_that_can_end_are_asked_for_each_minute(harness: S3Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", harness.server.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with harness.make(role_arn=harness.server.role(), engine="obstore") as store:
        mark = harness.proxy.mark()
        store.write_bytes("x", b"1")
        assert harness.proxy.since(mark)[-1].headers["x-amz-security-token"]
        given = provider(store._client, store.config)()
        assert given["token"] and timedelta(minutes=5) < given["expires_at"] - datetime.now(UTC) < timedelta(minutes=7)
    with harness.make(engine="obstore") as store:
        assert provider(store._client, store.config)()["expires_at"] is None


def test_keys_that_are_not_there_are_said(harness: S3Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with harness.make(access_key_id=None, secret_access_key=None) as store, pytest.raises(AuthenticationFailed, match="no credentials"):
        store.read_bytes("x")


def test_ctrl_c_is_heard_while_the_server_is_silent(harness: S3Harness) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    main = threading.main_thread().ident
    assert main == threading.get_ident()
    with harness.make(engine="obstore", read_timeout=30.0) as store, harness.proxy.fault(Hang(), times=None):
        store._engine()
        alarm = threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT))
        alarm.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            store.read_bytes("x")
    signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 15


def read_in_a_child(store: S3ArtifactStore, answer: Any) -> None:
    answer.send(store.read_bytes("x"))


def test_a_process_that_is_forked_goes_on_with_boto3(harness: S3Harness, store: S3ArtifactStore) -> None:
    store.write_bytes("x", b"1")
    mark = harness.proxy.mark()
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=read_in_a_child, args=(store, there))
    child.start()
    assert here.poll(60) and here.recv() == b"1"
    child.join()
    assert carriers(harness.proxy.since(mark)) == ["boto3"]


AMAZON = {"unsigned_payload": True, "checksum_algorithm": "CRC64NVME"}


@pytest.mark.parametrize(
    ("config", "endpoint", "in_the_host", "protection"),
    [
        ({"region": "eu-west-1"}, "https://models.s3.eu-west-1.amazonaws.com", True, AMAZON),
        ({"region": "eu-west-1", "addressing_style": "path"}, "https://s3.eu-west-1.amazonaws.com", False, AMAZON),
        ({"region": "eu-west-1", "bucket": "my.models"}, "https://s3.eu-west-1.amazonaws.com", False, AMAZON),
        ({"region": "eu-west-1", "checksums": "when_required"}, "https://models.s3.eu-west-1.amazonaws.com", True, {"unsigned_payload": True}),
        (
            {"region": "eu-west-1", "bucket": "arn:aws:s3:eu-west-1:123456789012:accesspoint/mine"},
            "https://mine-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", True, AMAZON,
        ),
        ({"endpoint_url": "https://minio.local:9000"}, "https://minio.local:9000", False, {}),
        ({"endpoint_url": "https://minio.local:9000", "addressing_style": "virtual"}, "https://models.minio.local:9000", True, {}),
        ({"endpoint_url": "http://minio.local:9000"}, "http://minio.local:9000", False, {}),
    ],
)  # fmt: skip
def test_obstore_goes_where_the_sdk_goes(config: dict[str, Any], endpoint: str, in_the_host: bool, protection: dict[str, Any]) -> None:
    with S3ArtifactStore(**{"bucket": "models", "access_key_id": "a", "secret_access_key": "b", **config}) as store:
        found = settings(store._client, store.config)
    assert (found["endpoint"], found["virtual_hosted_style_request"]) == (endpoint, in_the_host)
    assert found["region"] == config.get("region", "us-east-1")
    assert {name: value for name, value in found.items() if name in AMAZON} == protection


def test_a_bucket_with_keys_of_its_own_is_the_sdk_s() -> None:
    keys = {"access_key_id": "a", "secret_access_key": "b"}
    store = S3ArtifactStore(bucket="models--euw1-az1--x-s3", region="eu-west-1", engine="obstore", **keys)
    with store, pytest.raises(ConfigError, match="of their own"):
        store.check()


def with_nothing_behind_it(store: S3ArtifactStore) -> None:
    """Take boto3 from behind obstore, so that what fails is seen."""
    engine: Any = store._engine()
    if hasattr(engine, "_sdk"):
        engine._sdk = SimpleNamespace(get=None, put=None, delete=None)


@BOTH
def test_certificates_are_checked(tls: tuple[str, Path], engine: str) -> None:
    url, certificate = tls
    given = {"bucket": f"tls-{engine}", "endpoint_url": url, "access_key_id": "any", "secret_access_key": "any", "engine": engine}
    with S3ArtifactStore(**given, verify=str(certificate)) as store:
        store._client.sdk.create_bucket(Bucket=f"tls-{engine}")
        store.write_bytes("x", b"1")
        with_nothing_behind_it(store)
        assert store.read_bytes("x") == b"1"
    with S3ArtifactStore(**given, verify=False) as store:
        with_nothing_behind_it(store)
        assert store.read_bytes("x") == b"1"
    with S3ArtifactStore(**given, attempts=2) as store, pytest.raises(Unavailable):
        store.read_bytes("x")
