"""Fixtures: a server, and a store on each engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_artifact_store_s3 import S3ArtifactStore
from dovetail_artifact_store_s3.testing import S3Harness


@pytest.fixture(scope="module")
def harness() -> Iterator[S3Harness]:
    with S3Harness() as made:
        yield made


@pytest.fixture(params=["boto3", "obstore"])
def store(harness: S3Harness, request: pytest.FixtureRequest) -> Iterator[S3ArtifactStore]:
    with harness.make(engine=request.param) as made:
        yield made
