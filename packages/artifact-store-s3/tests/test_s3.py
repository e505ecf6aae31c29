"""The S3 flavor before a server of moto's: what its contract's rules do not ask."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from dovetail_artifact_store.objects import NO_CONDITION
from dovetail_artifact_store_s3 import S3ArtifactStore, S3Config, copies
from dovetail_artifact_store_s3.errors import from_code
from dovetail_artifact_store_s3.testing import S3Harness
from dovetail_conformance.instruments import Hang, ResetAfter, Status
from dovetail_core import (
    AlreadyExists,
    AuthenticationFailed,
    ConfigError,
    Conflict,
    IntegrityError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    RateLimited,
    Timeout,
    Unavailable,
)

PART = 5 << 20


def test_importing_the_flavor_imports_no_sdk() -> None:
    code = (
        "import sys, dovetail_artifact_store_s3.store as s; s.S3ArtifactStore(bucket='b1'); print({'boto3','botocore'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "bucket"),
        ({"bucket": "a/b"}, "prefix"),
        ({"bucket": "models", "prefix": "a/../b"}, "prefix"),
        ({"bucket": "models", "endpoint_url": "http://user:pass@host"}, "credentials"),
        ({"bucket": "models", "access_key_id": "a"}, "go together"),
        ({"bucket": "models", "session_token": "t"}, "session_token"),
        ({"bucket": "models", "kms_key_id": "k"}, "encryption"),
        ({"bucket": "models", "external_id": "e"}, "role_arn"),
        ({"bucket": "models", "credentials_file": "keys", "access_key_id": "a", "secret_access_key": "b"}, "exclude each other"),
        ({"bucket": "models", "conditional_writes": "some"}, "conditional_writes"),
        ({"bucket": "models", "part_size": 1000}, "part_size"),
        ({"bucket": "models", "buckets": "x"}, "buckets"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        S3ArtifactStore(**settings)
    assert "pass@" not in str(caught.value)


def test_a_server_is_part_of_the_uri() -> None:
    amazon, other = (
        S3ArtifactStore(bucket="b1", prefix="p/"),
        S3ArtifactStore(bucket="b1", prefix="p", endpoint_url="http://localhost:9000/"),
    )
    assert amazon.uri("x y") == "s3://b1/p/x%20y"
    assert other.uri("x") == "s3+http://localhost:9000/b1/p/x"


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchKey", 404, NotFound), ("NoSuchBucket", 404, NotFound), ("AccessDenied", 403, PermissionDenied), ("403", 403, PermissionDenied),
        ("SignatureDoesNotMatch", 403, AuthenticationFailed), ("ExpiredToken", 400, AuthenticationFailed), ("SlowDown", 503, RateLimited),
        ("", 429, RateLimited), ("InternalError", 500, Unavailable), ("", 502, Unavailable), ("PreconditionFailed", 412, Conflict),
        ("KMS.NotFoundException", 400, ConfigError), ("RequestTimeTooSkewed", 403, ConfigError), ("InvalidObjectState", 403, Conflict),
        ("BadDigest", 400, IntegrityError), ("RequestTimeout", 400, Timeout), ("PermanentRedirect", 301, ConfigError),
    ],
)  # fmt: skip
def test_codes_of_s3_are_errors_of_the_taxonomy(code: str, status: int, kind: type[Exception]) -> None:
    found = from_code(code, {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {"retry-after": "3"}}}, "'x'")
    assert type(found) is kind
    assert not isinstance(found, RateLimited) or found.retry_after == 3


def test_check_names_the_bucket_that_is_not_there(harness: S3Harness) -> None:
    with harness.make() as good:
        good.check()
    with harness.make(bucket="missing") as bad, pytest.raises(NotFound, match="missing"):
        bad.check()


def test_a_large_copy_goes_by_parts(store: S3ArtifactStore, harness: S3Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * (2 * PART // 256 + 10)
    store.write_bytes("x", data, metadata={"run": "1"})
    monkeypatch.setattr(copies, "LARGEST_COPY", PART)
    monkeypatch.setattr(copies, "_PART", PART)
    mark = harness.proxy.mark()
    store.copyfile("x", "y")
    parts = [item for item in harness.proxy.since(mark) if "partNumber" in item.query]
    assert len(parts) == 3 and sum(item.request_bytes for item in parts) == 0
    assert store.read_bytes("y") == data and store.stat("y").metadata == {"run": "1"}


def test_a_copy_by_parts_that_fails_leaves_nothing(store: S3ArtifactStore, harness: S3Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write_bytes("x", b"0" * (PART + 1))
    monkeypatch.setattr(copies, "LARGEST_COPY", PART)
    with harness.proxy.fault(Status(403), path="partNumber", times=None), pytest.raises(PermissionDenied):
        store.copyfile("x", "y")
    assert harness.census(store) == {"unfinished uploads": 0} and not store.exists("y")


def test_a_large_copy_whose_last_answer_is_lost_is_there(
    store: S3ArtifactStore, harness: S3Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_bytes("x", b"0" * (PART + 1), metadata={"run": "1"})
    monkeypatch.setattr(copies, "LARGEST_COPY", PART)
    monkeypatch.setattr(copies, "_PART", PART)
    with harness.proxy.fault(ResetAfter(), method="POST", path="uploadId"):
        copied = store.copyfile("x", "y")
    assert store.stat("y").etag == copied.etag and copied.metadata == {"run": "1"}
    assert harness.census(store) == {"unfinished uploads": 0}


def test_what_a_copy_failed_for_is_said_where_its_end_fails_too(
    store: S3ArtifactStore, harness: S3Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_bytes("x", b"0" * (PART + 1))
    monkeypatch.setattr(copies, "LARGEST_COPY", PART)
    with (
        harness.proxy.fault(Status(403), path="partNumber", times=None),
        harness.proxy.fault(Status(507), method="DELETE", times=None),
        pytest.raises(PermissionDenied),
    ):
        store.copyfile("x", "y")


def test_a_file_goes_up_in_parts_of_one_size_however_large(store: S3ArtifactStore) -> None:
    upload = store._upload("x", NO_CONDITION, {})
    upload.expect(5 << 40)
    assert upload._part_size * 10_000 >= 5 << 40 and upload._part_size < 600 << 20  # type: ignore[attr-defined]
    upload.expect(PART)
    assert upload._part_size == store.part_size  # type: ignore[attr-defined]


def test_parts_of_a_file_are_twice_as_large_where_there_would_be_many(store: S3ArtifactStore) -> None:
    upload = store._upload("x", NO_CONDITION, {})
    sizes = {}
    for parts in (64, 65, 5000):
        upload.expect(parts * store.part_size)
        sizes[parts] = upload._part_size / store.part_size  # type: ignore[attr-defined]
    assert sizes == {64: 1, 65: 2, 5000: 2}


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_an_upload_that_has_ended_holds_no_memory(store: S3ArtifactStore, ends: str) -> None:
    gc.collect()
    gc.disable()  # which is when cycles of references hold memory for long
    try:
        with contextlib.suppress(ZeroDivisionError), store.open("x", "wb") as file:
            file.write(bytes(3 * PART))
            upload = weakref.ref(file._upload)
            if ends == "badly":
                raise ZeroDivisionError
        del file
        assert upload() is None
    finally:
        gc.enable()


def test_parts_grow_so_that_their_number_suffices(store: S3ArtifactStore) -> None:
    upload = store._upload("x", __import__("dovetail_artifact_store").Condition(), {})
    total = 0
    for number in range(10_000):
        upload._parts = [None] * number  # type: ignore[list-item]
        total += upload._part_size
    upload._parts = []
    assert total > 5 << 40  # the largest object of S3


def test_deleting_thousands_takes_a_request_per_thousand(harness: S3Harness) -> None:
    with harness.make(page_size=1000) as store:
        keys = [f"d/{number}" for number in range(1001)]
        raw = harness.raw(store)
        for key in keys:
            raw.put(key, b"")
        mark = harness.proxy.mark()
        store.delete(keys)
        assert len(harness.proxy.since(mark)) == 2
        assert raw.list() == []


def test_writes_carry_what_the_settings_say(harness: S3Harness) -> None:
    with harness.make(encryption="AES256", storage_class="STANDARD_IA") as store:
        mark = harness.proxy.mark()
        store.write_bytes("x", b"1")
        store.write_bytes("y", b"2" * (PART + 1))
        for item in harness.proxy.since(mark):
            if (item.method == "PUT" and not item.query) or "uploads" in item.query:
                assert item.headers["x-amz-server-side-encryption"] == "AES256"
                assert item.headers["x-amz-storage-class"] == "STANDARD_IA"


def test_a_role_is_assumed(harness: S3Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", harness.server.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with harness.make(role_arn="arn:aws:iam::123456789012:role/reader", external_id="shared") as store:
        credentials = store._client.session.get_credentials().get_frozen_credentials()
    assert credentials.token and credentials.access_key != harness.server.keys.id


def test_a_store_travels_and_is_used_from_threads(store: S3ArtifactStore) -> None:
    store.write_bytes("x", b"1")
    copy = pickle.loads(pickle.dumps(store))
    results: list[bytes] = []
    threads = [threading.Thread(target=lambda: results.append(copy.read_bytes("x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    copy.close()
    assert results == [b"1"] * 8


def test_every_setting_is_described() -> None:
    assert all(field.description for field in S3Config.model_fields.values())


def test_a_store_works_on_in_a_process_that_is_forked(harness: S3Harness) -> None:
    with harness.make(engine="boto3") as store:
        store.upload_tree(Path(__file__).parent, "tests")  # its threads and connections are open
        large = b"1" * (2 * PART)
        with store.open("large", "wb") as writer:
            writer.write(large)
        child = os.fork()
        if not child:
            signal.alarm(60)  # a store that hangs ends by a signal
            with store.open("again", "wb") as writer:
                writer.write(large)
            with store.open("large", "rb") as reader:
                os._exit(0 if reader.read() == large else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert store.stat("again").size == len(large)


def test_an_error_is_not_its_own_cause(harness: S3Harness) -> None:
    refusal = Status(400, {}, b"<Error><Code>InvalidRequest</Code></Error>")
    with harness.make() as store, harness.proxy.fault(refusal), pytest.raises(InvalidArgument) as caught:
        next(store.list("x"))
    assert caught.value.__cause__ is not None and caught.value.__cause__ is not caught.value


FORGOTTEN = Status(404, {}, b"<Error><Code>NoSuchUpload</Code></Error>")


def test_a_creation_that_another_decided_meanwhile_says_so_where_the_server_forgets_the_upload(harness: S3Harness) -> None:
    with harness.make(engine="boto3", part_size=PART) as store:
        writer = store.open("bucket/x", "xb")
        writer.write(b"1" * (2 * PART + 1))
        harness.raw(store).put("bucket/x", b"another's")
        with harness.proxy.fault(FORGOTTEN, method="POST", path="uploadId"), pytest.raises(AlreadyExists):
            writer.close()
        assert store.read_bytes("bucket/x") == b"another's"


def test_an_upload_that_is_forgotten_is_no_missing_object_whatever_its_key(harness: S3Harness) -> None:
    with harness.make(engine="boto3", part_size=PART) as store:
        writer = store.open("bucket/x", "wb")
        writer.write(b"1" * (2 * PART + 1))
        with harness.proxy.fault(FORGOTTEN, method="POST", path="uploadId"), pytest.raises(Unavailable, match="forgotten"):
            writer.close()


def test_a_request_that_ran_out_of_time_is_sent_again(harness: S3Harness) -> None:
    assert S3Config(bucket="b1", read_timeout=600).patience > 600
    with harness.make(read_timeout=0.5) as store:
        store.write_bytes("x", b"1")
        with harness.proxy.fault(Hang(), method="HEAD"):
            assert store.stat("x").size == 1


def test_a_conditional_write_whose_every_answer_is_lost_is_found(harness: S3Harness) -> None:
    with harness.make(attempts=1) as store, harness.proxy.fault(ResetAfter(), method="PUT"):
        assert store.write_bytes("x", b"1", if_absent=True).etag == store.stat("x").etag
