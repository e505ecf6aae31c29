"""Credentials that do not suffice."""

from __future__ import annotations

from typing import Any

from dovetail_conformance.checking import attempt, raises
from dovetail_conformance.crosscutting.base import Asked, made, prepare
from dovetail_conformance.effort import Effort
from dovetail_conformance.harness import Harness
from dovetail_conformance.instruments import workers
from dovetail_conformance.operations import Operation
from dovetail_conformance.outcomes import Untested
from dovetail_conformance.rules import rule
from dovetail_core.errors import AuthenticationFailed, PermissionDenied, Unsupported

_REFUSED = (AuthenticationFailed, PermissionDenied)
_MEND = "map the backend's refusal; it is neither 'not found', nor an empty answer, nor False"


class AccessRules(Asked):
    """Rules about authentication and authorization."""

    @rule("XC-02", severity=1, hooks=("credentials",), kind="security")
    def test_a_refusal_is_said_to_be_one(self, harness: Harness) -> None:
        """A backend's refusal is raised as `AuthenticationFailed` or `PermissionDenied` by every method, never as `NotFound`, False or nothing."""
        with harness.credentials("bad") as stranger:
            for operation in self.operations(stranger):
                self._refused(operation, "with bad credentials")
        with _given(harness, "readonly") as reader:
            for operation in self.operations(reader):
                if not operation.reads and _prepared(operation, harness, reader):
                    self._refused(operation, "with credentials that may only read")

    @rule("XC-07", severity=2, hooks=("credentials",))
    def test_a_failed_login_is_not_remembered(self, harness: Harness) -> None:
        """After a login failed, the same process succeeds with the right credentials."""
        with harness.credentials("bad") as stranger:
            first = next(iter(self.operations(stranger)))
            self._refused(first, "with bad credentials")
        with harness.make() as component:
            self.operate(component, "after a login had failed")

    @rule("XC-06", severity=2, hooks=("credentials",))
    def test_rotated_credentials_are_taken_up(self, harness: Harness, effort: Effort) -> None:
        """Credentials that rotate while a component is in use are taken up without building it again, by many threads at once."""
        count = effort.pick(4, 8, 16)
        with _given(harness, "rotated") as component, attempt(did="used a component whose credentials rotate between two calls"):
            self.operate(component)
            harness.rotate(component)
            results = workers(lambda: self.operate(component, f"in one of {count} threads after the credentials rotated"), [()] * count)
            for error in filter(lambda result: isinstance(result, BaseException), results):
                raise error

    def _refused(self, operation: Any, how: str) -> None:
        with raises(_REFUSED, did=f"called {operation.name} {how}", mend=_MEND):
            try:
                made(operation)
            except Unsupported as error:
                raise PermissionDenied("a capability that is not declared is refused for another reason") from error


def _prepared(operation: Operation, harness: Harness, reader: Any) -> bool:
    """Make what a call of a reader's needs, by whoever may, and tell whether it is there: without it, there is nothing to refuse."""
    if operation.prepare is None:
        return True
    if (owner := harness.entitled(reader)) is None:
        return False
    with owner:
        prepare(operation, owner)
    return True


def _given(harness: Harness, kind: str) -> Any:
    """Return a component with credentials of a kind; where there are none, the rest of the rule is all that can be shown."""
    try:
        return harness.credentials(kind)
    except Untested as error:
        raise Untested(f"shown for bad credentials only: {error}" if kind == "readonly" else str(error)) from error
