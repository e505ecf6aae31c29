"""A store that a kill or a failure at the end of a write harms; in a module of its own, for the processes that are killed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dovetail_artifact_store import Condition, LocalArtifactStore, ObjectInfo
from dovetail_artifact_store.testing import LocalHarness
from dovetail_core import Unavailable

STEPS = 20


class TornAtTheEnd(LocalArtifactStore):
    """After many operations that harm nothing, a large object is written where it is read."""

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        if len(data) < 100:
            return super()._write(key, data, condition, metadata)
        try:
            self._overwrite(self.config.path / key, data)
        except OSError as error:
            raise Unavailable(f"'{key}' cannot be written") from error
        return self._stat(key)

    def _overwrite(self, path: Path, data: Any) -> None:
        file = os.open(path, os.O_RDWR)
        try:
            for _ in range(STEPS):
                os.fsync(file)
            os.ftruncate(file, 0)
            os.write(file, data)
        finally:
            os.close(file)


class TornHarness(LocalHarness):
    """Stores of which a kill or a failure at the end of a write leaves nothing."""

    flavor = TornAtTheEnd
