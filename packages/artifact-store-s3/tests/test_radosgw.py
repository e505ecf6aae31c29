"""The flavor before Ceph's gateway: what differs there from moto's server, and from Amazon."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from dovetail_artifact_store import ArtifactStoreCapability as Capability
from dovetail_artifact_store_s3 import S3ArtifactStore
from dovetail_artifact_store_s3.testing import S3Harness, radosgw
from dovetail_core import AlreadyExists, AuthenticationFailed, Conflict, InvalidArgument, PermissionDenied, Unsupported

PART = 5 << 20
LARGE = bytes(range(256)) * ((PART >> 8) + 1)


@pytest.fixture(scope="module")
def harness() -> Iterator[S3Harness]:
    if not radosgw.installed():
        missing = f"radosgw is not installed: {radosgw.GET_IT}"
        if os.environ.get("DOVETAIL_REQUIRE_SERVICES"):
            pytest.fail(missing)
        pytest.skip(missing)
    with S3Harness({"server": "radosgw"}) as made:
        yield made


@pytest.fixture
def store(harness: S3Harness) -> Iterator[S3ArtifactStore]:
    with harness.make() as made:
        yield made


def test_a_large_object_on_a_condition_goes_up_whole(harness: S3Harness, store: S3ArtifactStore) -> None:
    mark = harness.proxy.mark()
    written = store.write_bytes("x", LARGE, if_absent=True)
    with store.open("y", "xb") as writer:
        writer.write(LARGE)
    assert [exchange.method for exchange in harness.proxy.since(mark) if "upload" in exchange.query] == []
    assert store.read_bytes("x") == store.read_bytes("y") == LARGE
    with pytest.raises(AlreadyExists):
        store.write_bytes("x", LARGE, if_absent=True)
    assert store.write_bytes("x", LARGE + b"1", if_match=written.etag).size == len(LARGE) + 1
    with pytest.raises(Conflict):
        store.write_bytes("x", LARGE, if_match=written.etag)
    assert store.stat("x").size == len(LARGE) + 1


def test_an_upload_by_parts_knows_its_etag(store: S3ArtifactStore) -> None:
    written = store.write_bytes("x", LARGE)
    assert written.etag == store.stat("x").etag and written.etag.endswith("-2")


def test_a_store_that_makes_no_conditional_writes_refuses_them(harness: S3Harness) -> None:
    with harness.make(conditional_writes="none") as store:
        assert not store.capabilities & {Capability.CONDITIONAL_PUT, Capability.CONDITIONAL_REPLACE}
        for refused in ({"if_absent": True}, {"if_match": "0"}):
            with pytest.raises(Unsupported):
                store.write_bytes("x", b"1", **refused)  # type: ignore[arg-type]
        assert not store.exists("x")


def test_more_than_one_request_can_write_is_refused_before_it_is_kept(store: S3ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from dovetail_artifact_store_s3 import spooled

    monkeypatch.setattr(spooled, "LARGEST_PUT", PART)
    with pytest.raises(InvalidArgument, match="conditional_writes"), store.open("x", "xb") as writer:
        writer.write(LARGE)
    assert not store.exists("x")


def test_an_answer_that_is_lost_does_not_turn_a_large_creation_into_a_refusal(harness: S3Harness, store: S3ArtifactStore) -> None:
    from dovetail_conformance.instruments import ResetAfter

    with harness.proxy.fault(ResetAfter(), method="PUT"):
        assert store.write_bytes("x", LARGE, if_absent=True).size == len(LARGE)
    with harness.proxy.fault(ResetAfter(), method="PUT"), store.open("y", "xb") as writer:
        writer.write(LARGE)
    assert store.read_bytes("y") == LARGE


def test_signatures_are_verified(harness: S3Harness, store: S3ArtifactStore) -> None:
    store.write_bytes("x", b"1")
    url = store.presign("x")
    assert urllib.request.urlopen(url).read() == b"1"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url[:-1] + ("0" if url[-1] != "0" else "1"))
    assert caught.value.code == 403 and "X-Amz-Signature" in url
    with harness.make(secret_access_key="not-the-secret") as stranger, pytest.raises(AuthenticationFailed, match="access_key_id"):
        stranger.read_bytes("x")
    with harness.credentials("readonly") as reader, pytest.raises(PermissionDenied):
        reader.write_bytes("x", b"2")


def test_keys_that_rotate_are_taken_up(harness: S3Harness) -> None:
    with harness.credentials("rotated") as store:
        store.write_bytes("x", b"1")
        harness.rotate(store)
        assert store.stat("x").size == 1 and store.read_bytes("x") == b"1"


@pytest.mark.parametrize("key", ["plain", "a b/ü+%41~*'()=&/;x"])
def test_parts_have_signatures_that_a_gateway_accepts(harness: S3Harness, store: S3ArtifactStore, key: str) -> None:
    mark = harness.proxy.mark()
    store.write_bytes(key, LARGE)
    parts = [exchange.status for exchange in harness.proxy.since(mark) if "partNumber" in exchange.query]
    assert parts == [200, 200] and store.read_bytes(key) == LARGE
