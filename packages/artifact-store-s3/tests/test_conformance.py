"""The flavor keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_artifact_store.contract import ArtifactStoreContract
from dovetail_artifact_store_s3.testing import S3Harness


class TestS3(ArtifactStoreContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[S3Harness]:
        with S3Harness() as harness:
            yield harness
