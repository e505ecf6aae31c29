"""What a store may do beyond the mandatory."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from dovetail_artifact_store.capabilities import ArtifactStoreCapability as Capability
from dovetail_artifact_store.contract.samples import keys_of
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import check, raises, rule, until
from dovetail_core.errors import AlreadyExists, InvalidArgument, NotFound


class OptionRules:
    """Rules about metadata, directories and presigned URLs."""

    @rule("AS-53", severity=2, needs=Capability.USER_METADATA)
    def test_metadata_stay_with_the_object(self, store: ArtifactStore) -> None:
        """Text entries that were stored with an object are had by looking at it, blanks at their ends included, and go when it is overwritten."""
        given = {"run": "42", "note": "ok = yes", "blanks": " at both ends "}
        store.write_bytes("x", b"1", metadata=given)
        found = dict(store.stat("x").metadata)
        check(found == given, did="stored entries and looked at the object", came=found, mend="store them with the object, unchanged")
        store.copyfile("x", "y")
        copied = dict(store.stat("y").metadata)
        check(copied == given, did="copied an object with entries", came=copied, mend="copy them, too")
        store.write_bytes("x", b"2")
        left = dict(store.stat("x").metadata)
        check(left == {}, did="overwrote an object without entries", came=left)

    @rule("AS-54", severity=3, needs=Capability.EMPTY_DIRECTORIES)
    def test_a_directory_may_be_empty(self, store: ArtifactStore) -> None:
        """A directory can be made without an object in it, is seen until it is deleted, and is no object."""
        store.mkdir("d")
        with raises(AlreadyExists, did="made a directory that is there"):
            store.mkdir("d")
        with raises(NotFound, did="made a directory in one that is not there"):
            store.mkdir("e/f")
        store.makedirs("e/f")
        store.makedirs("e/f")
        seen = (store.isdir("d"), store.isdir("e/f"), store.listdir(), keys_of(store))
        check(seen == (True, True, ["d", "e"], []), did="made d and e/f", came=seen)
        store.rmtree("e")
        check(store.listdir() == ["d"], did="deleted the tree e", came=store.listdir())

    @rule("AS-50", severity=2, needs=Capability.PRESIGN, kind="security")
    def test_a_presigned_url_opens_one_object_for_a_time(self, store: ArtifactStore) -> None:
        """A presigned URL reads, or writes, one object until its time is over, and nothing else."""
        with raises(InvalidArgument, did="asked for a URL that holds for no time"):
            store.presign("x", seconds=0)
        store.write_bytes("x", b"content")
        store.write_bytes("y", b"other")
        reading, writing = store.presign("x"), store.presign("w", writing=True)
        got = _fetch(reading)
        check(got == (200, b"content"), did="fetched a presigned URL", came=got)
        put = _fetch(writing, b"put")[0]
        check(put in (200, 201, 204) and store.read_bytes("w") == b"put", did="put to a presigned URL", came=put)
        refused: dict[Any, Any] = {
            "wrote by a URL for reading": lambda: _fetch(reading, b"no"),
            "read by a URL for writing": lambda: _fetch(writing),
            "read another key by it": lambda: _fetch(reading.replace("/x?", "/y?")),
        }
        for did, call in refused.items():
            code = call()[0]
            check(code in (400, 401, 403), did=did, came=code, mend="sign the method and the key")
        check(store.read_bytes("x") == b"content", did="wrote by a URL for reading", came=store.read_bytes("x"))
        short = store.presign("x", seconds=1)
        until(lambda: _fetch(short)[0] in (400, 401, 403), 15, did="waited for a URL of one second to expire", mend="sign the time, too")


def _fetch(url: str, body: bytes | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=body, method="GET" if body is None else "PUT")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
