"""The rules of artifact stores, for the conformance suite."""

import pytest

pytest.register_assert_rewrite("dovetail_artifact_store.contract.machine")

from dovetail_artifact_store.contract.contract import ArtifactStoreContract  # noqa: E402
from dovetail_artifact_store.contract.harness import ArtifactStoreHarness, RawArtifacts  # noqa: E402

__all__ = ["ArtifactStoreContract", "ArtifactStoreHarness", "RawArtifacts"]
