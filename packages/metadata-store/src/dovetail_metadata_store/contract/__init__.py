"""The rules of metadata stores, for the conformance suite."""

import pytest

pytest.register_assert_rewrite("dovetail_metadata_store.contract.machine")

from dovetail_metadata_store.contract.contract import MetadataStoreContract  # noqa: E402

__all__ = ["MetadataStoreContract"]
