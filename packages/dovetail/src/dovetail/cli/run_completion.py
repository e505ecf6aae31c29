"""Completion of recorded runs and their steps, from the metadata store of this machine; one behind a network is not asked while somebody types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from dovetail.cli.completion import beginning

if TYPE_CHECKING:
    from dovetail_metadata_store import MetadataStore

NEWEST = 50
"""How many runs are offered."""


def complete_runs(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the newest runs whose names begin so, or whose ids do."""
    given = ctx.params.get("run") or ()
    names = beginning(incomplete, lambda: _runs(ctx, "name"))
    found = names or beginning(incomplete, lambda: _runs(ctx, "id"))
    return [one for one in dict.fromkeys(found) if one not in given]


def complete_steps(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the steps of a run that begin so, the run being the argument `run`."""
    return beginning(incomplete, lambda: _steps(ctx, ctx.params["run"]))


def _runs(ctx: click.Context, field: str) -> list[str]:
    with _local_store(ctx.params.get("stack")) as store:
        return [getattr(run, field) for run in store.search_runs(limit=NEWEST).items] if store else []


def _steps(ctx: click.Context, name: str) -> list[str]:
    with _local_store(ctx.params.get("stack")) as store:
        runs = store.search_runs(limit=NEWEST).items if store else ()
        run = next(one for one in runs if name in (one.name, one.id))
        return [step.name for step in store.get_steps(run.id)] if store else []


@contextmanager
def _local_store(stack: str | None) -> Iterator[MetadataStore | None]:
    """Give a stack's metadata store, if it is on this machine."""
    from dovetail.cli.provisioning import component_stack
    from dovetail.project import Project
    from dovetail_core import Reach

    project = Project.find()
    name = project.file.stack(stack or project.file.active)["metadata_store"][0]
    with component_stack(project, "metadata_store", name) as built:
        store: Any = built.get("metadata_store")
        yield store if store.reach(store.config) is Reach.MACHINE else None
