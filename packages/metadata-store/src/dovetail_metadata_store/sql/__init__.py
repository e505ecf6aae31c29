"""Metadata stores on SQL databases: one schema and one set of statements for all.

The modules are imported at first use, so that a flavor can be imported without SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dovetail_metadata_store.sql import cache as cache
    from dovetail_metadata_store.sql import commits as commits
    from dovetail_metadata_store.sql import database as database
    from dovetail_metadata_store.sql import entries as entries
    from dovetail_metadata_store.sql import graph as graph
    from dovetail_metadata_store.sql import runs as runs
    from dovetail_metadata_store.sql import schema_version as schema_version
    from dovetail_metadata_store.sql import search as search
    from dovetail_metadata_store.sql import steps as steps

_MODULES = {"cache", "commits", "database", "entries", "graph", "runs", "schema_version", "search", "steps"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
