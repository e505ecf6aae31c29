"""Writes an artifact's files to disk, after comparing them with what was recorded."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dovetail_artifact_store import ArtifactStore
    from dovetail_metadata_store.records import Artifact


def download_artifact(artifact: Artifact, store: ArtifactStore, target: Path) -> None:
    """Write an artifact to `target`: a file, or a directory for a tree. It appears there whole, or not at all."""
    from dovetail.materializers.stored_files import StoredFiles

    files = StoredFiles.of(artifact, store, verify=True)
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".dovetail-", dir=target.absolute().parent) as temporary:
        whole = Path(temporary) / "artifact"
        single = len(files.files) == 1 and next(iter(files.files.values())).key == artifact.key
        for name in files.files:
            path = whole if single else whole / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as stream:
                files.copy_to(name, stream)
        if not single:
            whole.mkdir(exist_ok=True)
        shutil.move(whole, target)
