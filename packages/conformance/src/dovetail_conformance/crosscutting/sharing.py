"""Several instances and several threads in one process."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dovetail_conformance.checking import attempt, check
from dovetail_conformance.crosscutting.base import Asked, make
from dovetail_conformance.effort import Effort
from dovetail_conformance.harness import Harness
from dovetail_conformance.operations import Operation
from dovetail_conformance.outcomes import RuleFailure, Untested
from dovetail_conformance.rules import rule

_DEADLINE = 120.0


class SharingRules(Asked):
    """Rules about what instances and threads share: nothing."""

    @rule("XC-08", severity=1, kind="security")
    def test_two_instances_share_nothing(self, harness: Harness) -> None:
        """Two instances with different settings in one process share no state, and leave the environment as it was, also on errors."""
        before = dict(os.environ)
        with harness.make() as one, harness.make() as other:
            mine = list(self.operations(one))
            for operation in mine:
                with attempt(did=f"called {operation.name}"):
                    make(operation, one)
            states = [_effects(mine)]
            self.operate(other, "on a second instance")
            states.append(_effects(mine))
            with attempt(did="closed the second instance and used the first"):
                other.close()
            self.operate(one, "after the second instance was closed")
        check(
            states[0] == states[1], did="used a second instance", came=states, mend="keep state in the instance, not in the class or module"
        )
        changed = {name for name in before.keys() | os.environ.keys() if before.get(name) != os.environ.get(name)}
        check(
            not changed, did="compared the environment before and after", came=sorted(changed), mend="give settings to the client instead"
        )

    @rule("XC-11", severity=2, kind="race")
    def test_methods_may_be_called_from_any_thread(self, component: Any, effort: Effort) -> None:
        """Methods may be called from many threads at once, and from within a running event loop."""
        count = effort.pick(4, 8, 32)
        with ThreadPoolExecutor(count) as pool:
            futures = [pool.submit(self.operate, component, f"in one of {count} threads") for _ in range(count)]
            for future in futures:
                _result(future, f"used it from {count} threads")

        async def within() -> None:
            self.operate(component, "within a running event loop")

        asyncio.run(within())


def _effects(operations: list[Operation]) -> list[object]:
    return [operation.effect() for operation in operations if operation.effect is not None]


def _result(future: Any, did: str) -> None:
    try:
        future.result(timeout=_DEADLINE)
    except TimeoutError as error:
        raise RuleFailure(did, f"a call did not return within {_DEADLINE:g} seconds", "hold no lock while waiting for another") from error
    except (RuleFailure, Untested):
        raise
