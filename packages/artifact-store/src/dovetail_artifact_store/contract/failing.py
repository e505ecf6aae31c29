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


def failing_changes(harness: ArtifactStoreHarness, store: ArtifactStore, nth: int, *, times: int | None) -> Fault[Any]:
    """Let the nth operation that changes something fail, and with `times=None` all after it; over a wire, always all after it."""
    if harness.has("proxy"):
        fault: Fault[Any] = harness.proxy.fault(
            Status(500), where=lambda exchange: exchange.method not in ("GET", "HEAD"), nth=nth, times=None
        )
        return fault
    failing: Fault[Any] = harness.syscalls(store).fault(None, errno.EIO, nth=nth, times=times)
    return failing


def operations_of(harness: ArtifactStoreHarness, store: ArtifactStore, call: Callable[[], object], what: str) -> frozenset[str]:
    """Return the names of the file operations that a call makes. Raises `Untested` where it makes none that could fail."""
    shim = harness.syscalls(store)
    mark = shim.mark()
    call()
    seen: frozenset[str] = shim.names_since(mark)
    if not seen:
        raise Untested(f"{what} makes no operation of `os` below {shim.directory} that could be made to fail")
    return seen
