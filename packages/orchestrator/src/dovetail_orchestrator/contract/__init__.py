"""The rules of orchestrators, for the conformance suite."""

import pytest

pytest.register_assert_rewrite("dovetail_orchestrator.contract.machine")

from dovetail_orchestrator.contract.contract import OrchestratorContract  # noqa: E402

__all__ = ["OrchestratorContract"]
