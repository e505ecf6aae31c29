"""Keys that end or are replaced while a store is in use."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dovetail_artifact_store_s3 import S3ArtifactStore, credentials
from dovetail_artifact_store_s3.testing import Keys, S3Harness
from dovetail_conformance.instruments import Status
from dovetail_core import AuthenticationFailed, ConfigError, PermissionDenied

ENDED = b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"


@pytest.fixture(scope="module")
def harness() -> Iterator[S3Harness]:
    with S3Harness({"server": "moto", "engine": "boto3"}) as made:  # the other engine's refusals are asked once more by this one
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


WRITTEN: dict[Path, Keys] = {}


def write(file: Path, keys: Keys) -> None:
    """Put a key into a file, in one step."""
    WRITTEN[file] = keys
    aside = file.with_suffix(".new")
    aside.write_text(f"[default]\naws_access_key_id = {keys.id}\naws_secret_access_key = {keys.secret}\n")
    os.replace(aside, file)


@pytest.fixture
def store(harness: S3Harness, file: Path) -> Iterator[S3ArtifactStore]:
    """A store whose keys are in a file."""
    write(file, harness.server.give("full"))
    with harness.make(credentials_file=file, access_key_id=None, secret_access_key=None) as made:
        yield made


def test_a_file_of_keys_goes_before_the_environment(store: S3ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODY0000000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody's")
    store.write_bytes("x", b"1")
    assert store.read_bytes("x") == b"1"


@pytest.mark.parametrize("first", ["stat", "read", "write", "large", "list", "delete"])
def test_whatever_is_called_first_takes_up_the_new_keys(harness: S3Harness, store: S3ArtifactStore, file: Path, first: str) -> None:
    store.write_bytes("x", b"1")
    old, new = WRITTEN[file], harness.server.give("full")
    write(file, new)
    harness.server.end(old)
    calls = {
        "stat": lambda: store.stat("x").size == 1,
        "read": lambda: store.read_bytes("x") == b"1",
        "write": lambda: store.write_bytes("y", b"2", if_absent=True).size == 1,
        "large": lambda: store.write_bytes("y", bytes((5 << 20) + 1)).size == (5 << 20) + 1,
        "list": lambda: [info.key for info in store.list()] == ["x"],
        "delete": lambda: store.remove("x") is None and not store.exists("x"),
    }
    assert calls[first]()


def test_sixteen_threads_go_through_the_end_of_a_key(
    harness: S3Harness, store: S3ArtifactStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys are looked for once, and no call fails."""
    store.write_bytes("x", b"1")
    searches: list[int] = []
    find = credentials._found
    monkeypatch.setattr(credentials, "_found", lambda config: (searches.append(1), find(config))[1])
    old = WRITTEN[file]
    write(file, harness.server.give("full"))
    harness.server.end(old)
    together, failures = threading.Barrier(16), list[BaseException]()

    def use(number: int) -> None:
        together.wait()
        try:
            for _ in range(3):
                assert store.read_bytes("x") == b"1"
                store.write_bytes(f"t/{number}", b"2")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and len(searches) == 1


def test_a_token_that_ends_in_the_midst_is_renewed_from_its_role(harness: S3Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", harness.server.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with harness.make(role_arn=harness.server.role()) as store:
        store.write_bytes("x", b"1")
        before = store._client.keys.access_key
        with harness.proxy.fault(Status(400, body=ENDED)):
            assert store.read_bytes("x") == b"1"
        assert store._client.keys.access_key != before


def test_the_keys_that_a_role_is_assumed_with_may_be_replaced(harness: S3Harness, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", harness.server.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    old = harness.server.give("full")
    write(file, old)
    with harness.make(credentials_file=file, access_key_id=None, secret_access_key=None, role_arn=harness.server.role()) as store:
        store.write_bytes("x", b"1")
        write(file, harness.server.give("full"))
        harness.server.end(old)
        with harness.proxy.fault(Status(400, body=ENDED)):
            assert store.read_bytes("x") == b"1"


def test_keys_in_the_settings_cannot_be_renewed_and_the_error_names_them(harness: S3Harness) -> None:
    with harness.credentials("expired") as store:
        mark = harness.proxy.mark()
        with pytest.raises(AuthenticationFailed, match="`access_key_id` and `secret_access_key`") as caught:
            store.read_bytes("x")
        assert len(harness.proxy.since(mark)) == 1
    assert harness._ended.secret not in str(caught.value)


def test_the_same_keys_are_not_tried_twice(harness: S3Harness, store: S3ArtifactStore, file: Path) -> None:
    store.write_bytes("x", b"1")
    harness.server.end(WRITTEN[file])
    mark = harness.proxy.mark()
    with pytest.raises(AuthenticationFailed):
        store.read_bytes("x")
    with pytest.raises(PermissionDenied):
        store.stat("x")
    assert len(harness.proxy.since(mark)) == 2


def test_a_file_that_is_gone_is_said(harness: S3Harness, store: S3ArtifactStore, file: Path) -> None:
    store.write_bytes("x", b"1")
    harness.server.end(WRITTEN[file])
    file.unlink()
    with pytest.raises((AuthenticationFailed, ConfigError)):
        store.read_bytes("x")


def test_a_refusal_that_says_nothing_is_not_looked_into_again_and_again(
    store: S3ArtifactStore, harness: S3Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody may list, looking at what is not there is refused, too: that must not search for keys each time."""
    store.write_bytes("x", b"1")
    searches: list[int] = []
    find = credentials._found
    monkeypatch.setattr(credentials, "_found", lambda config: (searches.append(1), find(config))[1])
    with harness.proxy.fault(Status(403, body=b""), times=None):
        for _ in range(3):
            with pytest.raises(PermissionDenied):
                store.stat("x")
    assert len(searches) == 1
