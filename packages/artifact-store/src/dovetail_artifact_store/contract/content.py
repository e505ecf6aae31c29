"""What is put is what is got."""

from __future__ import annotations

import io
from typing import Any

from dovetail_artifact_store.contract.samples import AWKWARD, large, pattern, sizes
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Effort, attempt, check, raises, rule
from dovetail_core.errors import NotFound


class ContentRules:
    """Rules about bytes."""

    @rule("AS-01", severity=1)
    def test_what_is_put_is_got(self, store: ArtifactStore, effort: Effort) -> None:
        """What was put is what is got, byte for byte, for sizes around a part and for bytes that text modes change."""
        for number, data in enumerate([AWKWARD * 3, *(pattern(size, size) for size in sizes(store, effort))]):
            key = f"bytes/{number}"
            with attempt(did=f"wrote and read {len(data)} bytes"):
                written = store.write_bytes(key, data)
                got = store.read_bytes(key)
                with store.open(key) as reader:
                    streamed = reader.read()
            check(
                got == data, did=f"wrote {len(data)} bytes and read them", came=_difference(got, data), mend="store bytes, and all of them"
            )
            check(streamed == data, did=f"wrote {len(data)} bytes and opened them", came=_difference(streamed, data))
            found = (written.size, store.stat(key).size)
            check(
                found == (len(data), len(data)),
                did=f"wrote {len(data)} bytes",
                came=f"sizes {found}",
                mend="say the size of what is stored",
            )
            digest = store.digest_of(key)
            check(written.digest == digest, did="compared the digest of what was written with that of what is stored", came=digest)

    @rule("AS-02", severity=1)
    def test_an_empty_object_exists(self, store: ArtifactStore) -> None:
        """An object of no bytes exists, is listed, has size 0 and reads as nothing, also when a writer was closed without a write."""
        store.write_bytes("empty/bytes", b"")
        with store.open("empty/writer", "wb"):
            pass
        for key in ("empty/bytes", "empty/writer"):
            did = f"wrote nothing to {key}"
            check(store.exists(key), did=did, came="it does not exist", mend="make an object, also of no bytes")
            with attempt(did=did):
                found = (store.read_bytes(key), store.stat(key).size)
            check(found == (b"", 0), did=did, came=found)
        listed = [info.key for info in store.list("empty")]
        check(listed == ["empty/bytes", "empty/writer"], did="listed two objects of no bytes", came=listed)

    @rule("AS-07", severity=1)
    def test_a_shorter_object_leaves_no_tail(self, store: ArtifactStore) -> None:
        """Overwriting by something shorter leaves no tail of the old bytes, and size and etag belong to the new ones."""
        old = store.write_bytes("x", large(store))
        store.write_bytes("x", b"short")
        info, data = store.stat("x"), store.read_bytes("x")
        check(data == b"short", did="overwrote a large object by 5 bytes", came=f"{len(data)} bytes", mend="replace the object as a whole")
        check(info.size == 5, did="overwrote a large object by 5 bytes", came=f"size {info.size}")
        check(info.etag != old.etag, did="overwrote an object by other bytes", came="the etag stayed", mend="give other bytes another etag")

    @rule("AS-45", severity=2)
    def test_ranges_are_those_of_a_slice(self, store: ArtifactStore) -> None:
        """A range of an object is what a slice of its bytes is: within, from the end, beyond the end, and of an empty object."""
        data = pattern(1000)
        store.write_bytes("x", data)
        store.write_bytes("empty", b"")
        for start, end in [
            (0, 1),
            (0, 1000),
            (10, 20),
            (999, 1000),
            (-10, None),
            (0, None),
            (990, 2000),
            (1000, None),
            (5000, 6000),
            (7, 7),
            (9, 3),
            (0, -2),
            (-10, -3),
            (5, -2000),
        ]:
            with attempt(did=f"read the range [{start}, {end}) of 1000 bytes", mend="beyond the end there is nothing, and no error"):
                got = store.read_bytes("x", start, end)
            check(got == data[start:end], did=f"read the range [{start}, {end}) of 1000 bytes", came=_difference(got, data[start:end]))
        with attempt(did="read a range of an empty object"):
            nothing = store.read_bytes("empty", 0, 10) + store.read_bytes("empty", 5)
        check(nothing == b"", did="read a range of an empty object", came=nothing)

    @rule("AS-57", severity=2)
    def test_readers_seek_and_writers_count(self, store: ArtifactStore) -> None:
        """A reader can seek to any place and read from there; a writer of unknown length publishes what was written, in order."""
        data = large(store, 5)
        step = store.part_size // 3 + 1
        with store.open("x", "wb") as writer:
            for start in range(0, len(data), step):
                writer.write(data[start : start + step])
        check(store.read_bytes("x") == data, did="wrote a large object piece by piece", came="other bytes", mend="keep the pieces in order")
        with store.open("x") as reader:
            for place in (len(data) // 2, 3, len(data) - 4, 0):
                reader.seek(place)
                got = reader.read(4)
                check(got == data[place : place + 4], did=f"sought {place} and read 4 bytes", came=got)
            reader.seek(-5, io.SEEK_END)
            check(reader.read() == data[-5:], did="sought the end less 5 and read the rest", came="other bytes")

    @rule("AS-30", severity=2)
    def test_what_is_missing_is_not_found(self, store: ArtifactStore) -> None:
        """Reading, opening, downloading, copying or moving what is not there raises `NotFound`."""
        store.write_bytes("there/x", b"")
        calls: dict[Any, Any] = {
            "stat": lambda: store.stat("missing"),
            "read_bytes": lambda: store.read_bytes("missing"),
            "read_bytes of a range": lambda: store.read_bytes("missing", 5, 7),
            "open": lambda: store.open("missing").read(),
            "digest_of": lambda: store.digest_of("missing"),
            "copyfile": lambda: store.copyfile("missing", "target"),
            "rename": lambda: store.rename("missing", "target"),
            "read_bytes of a prefix": lambda: store.read_bytes("there"),
        }
        for name, call in calls.items():
            with raises(NotFound, did=f"{name} of what is not there"):
                call()
        check(not store.exists("target"), did="copied and moved what is not there", came="there is something at the target")


def _difference(got: bytes, wanted: bytes) -> str:
    if len(got) != len(wanted):
        return f"{len(got)} bytes instead of {len(wanted)}"
    place = next((index for index, (one, other) in enumerate(zip(got, wanted, strict=True)) if one != other), None)
    return (
        "the same bytes"
        if place is None
        else f"another byte at {place}: {got[place : place + 8]!r} instead of {wanted[place : place + 8]!r}"
    )
