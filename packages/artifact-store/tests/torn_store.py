"""A store that a kill at the end of a write harms; in a module of its own, for the processes that are killed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dovetail_artifact_store import Condition, LocalArtifactStore, ObjectInfo
from dovetail_artifact_store.testing import LocalHarness

STEPS = 20


class TornAtTheEnd(LocalArtifactStore):
    """After many operations that harm nothing, a large object is written where it is read."""

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        if len(data) < 100:
            return super()._write(key, data, condition, metadata)
        file = os.open(self.config.path / key, os.O_RDWR)
        for _ in range(STEPS):
            os.fsync(file)
        os.ftruncate(file, 0)
        os.write(file, data)
        os.close(file)
        return self._stat(key)


class TornHarness(LocalHarness):
    """Stores of which a kill at the end of a write leaves nothing."""

    flavor = TornAtTheEnd
