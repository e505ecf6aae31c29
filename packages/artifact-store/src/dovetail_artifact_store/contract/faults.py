"""Kills, full disks, broken connections."""

from __future__ import annotations

import contextlib
import errno
import logging
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dovetail_artifact_store.contract.failing import failing_writes, must_fail, operations_of
from dovetail_artifact_store.contract.harness import ArtifactStoreHarness
from dovetail_artifact_store.contract.samples import keys_of, large, pattern
from dovetail_artifact_store.contract.stepping import at_each_step
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Effort, HarnessError, Untested, check, rule
from dovetail_conformance.instruments import (
    Corrupt,
    ResetBefore,
    Status,
    Truncate,
    TruncateRequest,
    kill_at_call,
    kill_at_request,
)
from dovetail_core.errors import DovetailError, IntegrityError, NotFound


class FaultRules:
    """Rules about what fails in the midst of a call."""

    @rule("AS-06", severity=1, hooks=("kill", "second"), kind="fault", wire=True)
    def test_a_killed_write_leaves_no_trace(self, store: ArtifactStore, harness: ArtifactStoreHarness, effort: Effort) -> None:
        """A process that is killed while it writes leaves the old object or nothing, and no debris that can be listed.

        The process is killed before its first request or file operation that changes something, then before its second, and so on, up to
        where the write ends before. A write of which nothing is seen shows nothing. Of one with more operations than the run's effort is
        for, some in the middle are left out; not so the last one (at `quick` all after the second are).
        """
        if not at_each_step(partial(_is_killed, harness, store), effort.pick(2, 7, 29), to_the_last=effort.pick(False, True, True)):
            _no_step(harness)

    @rule("AS-08", severity=1, kind="fault", wire=True)
    def test_a_failed_overwrite_keeps_the_old_object(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """An overwrite that fails at any of its steps leaves the old object as it was, also one by a text file, and one whose failure is swallowed.

        Over a wire every PUT and POST from the nth on is answered with 500; with `syscalls` the nth operation of `os` that changes
        something raises EIO. n counts up until the overwrite ends before, beyond 19 by larger and larger steps, but up to its last; that
        nothing is seen at the first is an error.
        """
        for size, (new, overwrite) in _overwrites(store).items():
            at_each_step(partial(_fails_to_overwrite, harness, store, size, new, overwrite), 19)

    @rule("AS-31", severity=1, hooks=("proxy",), kind="fault")
    def test_a_damaged_transfer_is_found_out(self, store: ArtifactStore, harness: ArtifactStoreHarness, tmp_path: Path) -> None:
        """A download that is cut short or altered is repeated or raised, and never taken for the object; the file stays as it was."""
        data = large(store)
        info = store.write_bytes("x", data)
        target = tmp_path / "file"
        for fault in (Truncate(len(data) // 4), Corrupt()):
            for times in (1, None):
                target.write_bytes(b"old")
                with harness.proxy.fault(fault, method="GET", where=_has_body_of("x"), times=times):
                    try:
                        store.download("x", target, digest=info.digest)
                        expected = data
                    except DovetailError:
                        expected = b"old"
                check(target.read_bytes() == expected, did=f"downloaded an object; {fault}", came=f"{target.stat().st_size} other bytes")
                left = [path.name for path in tmp_path.iterdir()]
                check(left == ["file"], did=f"downloaded an object; {fault}", came=left, mend="delete the partial file")
        with harness.proxy.fault(Truncate(len(data) // 4), method="GET", where=_has_body_of("x"), times=None):
            try:
                got = store.read_bytes("x")
            except DovetailError:
                return
        check(got == data, did="read an object; the answer was cut short", came=f"{len(got)} of {len(data)} bytes", mend="compare lengths")

    @rule("AS-42", severity=2, hooks=("proxy",), kind="fault")
    def test_a_write_that_is_repeated_is_whole(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """A write whose request is cut is repeated from its beginning or raises; what is stored is the whole, never its end."""
        for number, data in enumerate((pattern(store.part_size // 2), large(store))):
            for fault in (ResetBefore(), TruncateRequest(store.part_size // 4)):
                key = f"{number}/{type(fault).__name__}"
                with harness.proxy.fault(fault, where=lambda exchange: exchange.method in ("PUT", "POST") and _sends(exchange)):
                    stored = _try_to_stream(store, key, data)
                got = _content(store, key)
                wanted = data if stored else None
                came = "nothing" if got is None else f"{len(got)} of {len(data)} bytes"
                check(got == wanted, did=f"wrote {len(data)} bytes; {fault}", came=came, mend="keep what was sent until it is acknowledged")

    @rule("AS-41", severity=2, hooks=("proxy",), kind="fault")
    def test_a_lost_upload_never_succeeds_short(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """An upload whose session the backend has forgotten begins again or raises; it never succeeds short."""
        data = large(store)
        for code in (404, 410):
            at_each_step(partial(_is_forgotten, harness, store, code, data), 5)

    @rule("AS-40", severity=2, hooks=("census",), kind="leak")
    def test_an_upload_that_fails_is_aborted(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """An upload that fails, or whose body raises, leaves nothing in the backend: no parts, and no temporary objects."""
        for error in (ValueError, KeyboardInterrupt):
            try:
                with store.open("x", "wb") as writer:
                    writer.write(large(store))
                    raise error
            except error:
                pass
            _nothing_left(harness, store, f"raised {error.__name__} within a writer")
        if harness.has("proxy") or harness.has("syscalls"):
            with failing_writes(harness, store, 2), contextlib.suppress(DovetailError):
                store.write_bytes("x", large(store))
            _nothing_left(harness, store, "failed in the midst of a write")
        store.write_bytes("y", large(store))
        _nothing_left(harness, store, "wrote a large object")

    @rule("AS-46", severity=2, hooks=("syscalls",), kind="disk")
    def test_a_full_disk_is_an_error(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """A disk that is full, that fails, or that takes only some of the bytes, is an error or is dealt with; the old object stays.

        `os.write`, or where it is not called `os.pwrite`, or where that is not called the first operation of `os` that changes something,
        raises ENOSPC, EIO and EDQUOT in turn, for bytes and for a text file; then `os.write` takes three bytes only.
        """
        store.write_bytes("x", b"old")
        shim = harness.syscalls(store)
        seen = operations_of(harness, store, lambda: store.write_bytes("x", b"old"), "a write")
        failing = next((name for name in ("write", "pwrite") if name in seen), None)  # None: whatever changes something
        for number in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            did = f"wrote while the disk said {errno.errorcode[number]}"
            for overwrite in (lambda: store.write_bytes("x", b"new"), lambda: _write_text(store, "new")):
                must_fail(shim.fault(failing, number), overwrite, did=did, mend="raise Unavailable")
                check(store.read_bytes("x") == b"old", did=did, came=store.read_bytes("x"), mend="publish nothing after a failed write")
        with shim.short_write(3) if failing == "write" else contextlib.nullcontext():
            store.write_bytes("x", b"0123456789")
        check(
            store.read_bytes("x") == b"0123456789",
            did="wrote where a call takes 3 bytes only",
            came=store.read_bytes("x"),
            mend="write the rest",
        )
        check(keys_of(store) == ["x"], did="listed afterwards", came=keys_of(store))

    @rule("AS-13", severity=2, effort=Effort.QUICK)
    def test_memory_does_not_grow_with_objects(
        self, store: ArtifactStore, harness: ArtifactStoreHarness, effort: Effort, tmp_path: Path
    ) -> None:
        """Uploading and downloading hold a bounded part of an object in memory, not all of it."""
        size = max(effort.pick(2, 4, 8) * harness.limits_of_memory(store), 1 << 20)
        piece = pattern(1 << 20)
        source = tmp_path / "source"
        with source.open("wb") as file:
            for _ in range(size >> 20):
                file.write(piece)
        calls = {"upload": lambda: store.upload(source, "x"), "download": lambda: store.download("x", tmp_path / "target")}
        for name, call in calls.items():
            peak = _peak(call)
            limit = harness.limits_of_memory(store)
            check(
                peak < limit,
                did=f"{name} of {size >> 20} MiB",
                came=f"{peak >> 20} MiB at once",
                mend=f"transfer by parts: {limit >> 20} MiB suffice",
            )


def _is_killed(harness: ArtifactStoreHarness, store: ArtifactStore, nth: int) -> bool:
    """Kill an overwrite at an operation, demand that it left no trace, and return whether it came that far."""
    old, new = b"old", large(store)
    store.write_bytes("x", old)
    killed = _kill(harness, store, nth, new)
    with harness.second(store) as other:
        got, listed = other.read_bytes("x"), [info.key for info in other.list()]
    did = f"killed a write at its operation {nth}"
    check(got in (old, new), did=did, came=f"{len(got)} bytes that are neither object", mend="write elsewhere, and rename into place")
    check(listed == ["x"], did=did, came=listed, mend="keep unfinished objects where no listing shows them")
    return killed


def _kill(harness: ArtifactStoreHarness, store: ArtifactStore, nth: int, data: bytes) -> bool:
    """Kill a process at an operation of its write. Return whether it came that far."""
    if harness.has("proxy"):
        return kill_at_request(_write, store, data, proxy=harness.proxy, nth=nth).killed
    return kill_at_call(_write, store, data, directory=_watched(harness, store), nth=nth).killed


def _watched(harness: ArtifactStoreHarness, store: ArtifactStore) -> Path:
    """Return the directory below which a store writes."""
    if harness.has("syscalls"):
        return Path(harness.syscalls(store).directory)
    path = getattr(store.config, "path", None)
    if path is None:
        raise Untested("there is neither a wire nor a directory to watch")
    return Path(path) if Path(path).is_dir() else Path(path).parent


def _no_step(harness: ArtifactStoreHarness) -> None:
    """Raise an error, or `Untested` where the harness does not claim to see any operation."""
    seen = "a write made no operation that is seen, so there is no step to kill it at"
    if harness.has("proxy") or harness.has("syscalls"):
        raise HarnessError(f"{seen}: let it go through the `proxy`, or through the directory of the `syscalls`")
    raise Untested(f"{seen}: it does not go through `os`")


def _write(store: ArtifactStore, data: bytes) -> None:
    store.write_bytes("x", data)


def _fails_to_overwrite(
    harness: ArtifactStoreHarness, store: ArtifactStore, size: str, new: bytes, overwrite: Callable[[], object], nth: int
) -> bool:
    """Let an overwrite fail at a step, demand the old object, and return whether it came that far."""
    store.write_bytes("x", b"old")
    with failing_writes(harness, store, nth) as fault:
        try:
            overwrite()
            expected = new
        except DovetailError:
            expected = b"old"
        reached: bool = fault.reached()
    got = _content(store, "x")
    came = "nothing" if got is None else f"{len(got)} other bytes"
    check(got == expected, did=f"overwrote an object by a {size} one; step {nth} failed", came=came, mend="never delete first")
    check(keys_of(store) == ["x"], did=f"listed after step {nth} of an overwrite failed", came=keys_of(store))
    return reached


def _is_forgotten(harness: ArtifactStoreHarness, store: ArtifactStore, code: int, data: bytes, nth: int) -> bool:
    """Let the backend forget an upload at a request, demand the whole object or an error, and return whether it came that far."""
    key = f"{code}/{nth}"
    with harness.proxy.fault(Status(code), where=lambda exchange: exchange.method in ("PUT", "POST"), nth=nth) as fault:
        stored = _try_to_stream(store, key, data)
        reached: bool = fault.reached()
    got = _content(store, key)
    did = f"wrote a large object; request {nth} met {code}"
    check(got == (data if stored else None), did=did, came="something else", mend="begin again, or raise")
    return reached


def _has_body_of(key: str) -> Any:
    return lambda exchange: exchange.path.endswith(f"/{key}")


def _sends(exchange: Any) -> bool:
    return int(exchange.headers.get("content-length") or 0) > 0 or "chunked" in exchange.headers.get("transfer-encoding", "")


def _try_to_stream(store: ArtifactStore, key: str, data: bytes) -> bool:
    step = max(1, store.part_size // 3)
    try:
        with store.open(key, "wb") as writer:
            for start in range(0, len(data), step):
                writer.write(data[start : start + step])
    except (DovetailError, IntegrityError):
        return False
    return True


def _overwrites(store: ArtifactStore) -> dict[str, tuple[bytes, Callable[[], object]]]:
    """Return ways to overwrite `x`, each with what is there if no step fails."""
    long = large(store)
    return {
        "small": (b"new", lambda: store.write_bytes("x", b"new")),
        "large": (long, lambda: store.write_bytes("x", long)),
        "text": (b"new", lambda: _write_text(store, "new")),
        "swallowing": (long, lambda: _write_and_swallow(store, long)),
    }


def _write_text(store: ArtifactStore, text: str) -> None:
    with store.open("x", "w") as writer:
        writer.write(text)


def _write_and_swallow(store: ArtifactStore, data: bytes) -> None:
    with store.open("x", "wb") as writer, contextlib.suppress(DovetailError):
        writer.write(data)


def _content(store: ArtifactStore, key: str) -> bytes | None:
    try:
        return store.read_bytes(key)
    except NotFound:
        return None


def _nothing_left(harness: ArtifactStoreHarness, store: ArtifactStore, did: str) -> None:
    left = {name: count for name, count in harness.census(store).items() if count}
    check(not left, did=did, came=left, mend="abort what was begun, on any exception")


def _peak(call: Any) -> int:
    """Return how much memory a call takes; not that of log records, which the suite asks for, and into which SDKs write whole bodies."""
    before = logging.root.manager.disable
    logging.disable()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        logging.disable(before)
