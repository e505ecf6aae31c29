"""Directories that embedded flavors keep their files in."""

from __future__ import annotations

import os
from pathlib import Path

from dovetail_core.errors import ConfigError, PermissionDenied


def demand_writable(path: Path, label: str, field: str = "path") -> None:
    """Verify that a directory can be written to, or can be made. Raises `ConfigError` or `PermissionDenied`, naming it and the field."""
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    if not existing.is_dir():
        raise ConfigError(f"{label}: {existing} is no directory", remedy=f"set `{field}` to a directory")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionDenied(f"{label}: {existing} cannot be written to", remedy=f"change its permissions, or set `{field}`")
