"""The test module of `dovetail conformance run`: the contract of the flavor that the options name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_conformance.harness import Harness
from dovetail_conformance.options import options
from dovetail_conformance.targets import settings, target

_target = target(options().target, options().harness)


class TestFlavor(_target.contract):  # type: ignore[name-defined,misc]
    """The flavor under test."""

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[Harness]:
        """The harness that the flavor's package publishes."""
        with _target.harness(settings(options().config)) as harness:
            yield harness
