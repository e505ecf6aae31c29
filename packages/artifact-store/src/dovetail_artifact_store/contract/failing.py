"""Calls that are to fail while something is done to them."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from dovetail_artifact_store.contract.harness import ArtifactStoreHarness
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Untested, raises
from dovetail_conformance.instruments import Fault, Status
from dovetail_core.errors import DovetailError


def must_fail(fault: Fault[Any], call: Callable[[], object], *, did: str, mend: str = "") -> None:
    """Fail the rule unless a call raises a `DovetailError`; that the fault was done to it is found out before that is judged."""
    failure: Exception | None = None
    with fault:
        try:
            call()
        except Exception as error:
            failure = error
    with raises(DovetailError, did=did, mend=mend):
        if failure is not None:
            raise failure


def failing_writes(harness: ArtifactStoreHarness, store: ArtifactStore, nth: int) -> Fault[Any]:
    """Let the nth operation that writes something fail; over a wire, where it would be repeated, all writes after it. Deletions work."""
    if harness.has("proxy"):
        return _failing_requests(harness, ("PUT", "POST"), nth)
    fault: Fault[Any] = harness.syscalls(store).fault(None, errno.EIO, nth=nth)
    return fault


def failing_changes(harness: ArtifactStoreHarness, store: ArtifactStore, nth: int) -> Fault[Any]:
    """Let everything fail from the nth operation on that changes something."""
    if harness.has("proxy"):
        return _failing_requests(harness, ("PUT", "POST", "DELETE", "PATCH"), nth)
    fault: Fault[Any] = harness.syscalls(store).fault(None, errno.EIO, nth=nth, times=None)
    return fault


def _failing_requests(harness: ArtifactStoreHarness, methods: tuple[str, ...], nth: int) -> Fault[Any]:
    fault: Fault[Any] = harness.proxy.fault(Status(500), where=lambda exchange: exchange.method in methods, nth=nth, times=None)
    return fault


def operations_of(harness: ArtifactStoreHarness, store: ArtifactStore, call: Callable[[], object], what: str) -> frozenset[str]:
    """Return the names of the file operations that a call makes. Raises `Untested` where it makes none that could fail."""
    shim = harness.syscalls(store)
    mark = shim.mark()
    call()
    seen: frozenset[str] = shim.names_since(mark)
    if not seen:
        raise Untested(f"{what} makes no operation of `os` below {shim.directory} that could be made to fail")
    return seen
