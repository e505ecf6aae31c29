"""The rules of alerters, for the conformance suite."""

import pytest

pytest.register_assert_rewrite("dovetail_alerter.contract.machine")

from dovetail_alerter.contract.contract import AlerterContract  # noqa: E402
from dovetail_alerter.contract.harness import AlerterHarness, Arrived  # noqa: E402

__all__ = ["AlerterContract", "AlerterHarness", "Arrived"]
