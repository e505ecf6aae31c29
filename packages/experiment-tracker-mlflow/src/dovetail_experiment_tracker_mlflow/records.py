"""Runs as MLflow keeps them: what is a field here is a tag there."""

from __future__ import annotations

from typing import Any

from dovetail_experiment_tracker import RunRecord, RunStatus
from dovetail_experiment_tracker.params import decode
from dovetail_experiment_tracker_mlflow.points import as_point, moment_of

NAME = "mlflow.runName"
PARENT = "mlflow.parentRunId"
USER = "mlflow.user"
KEY = "dovetail.key"
"""Tag by which a creation that is repeated finds what the first one made."""
RESERVED = "mlflow."
"""Tags with this beginning are MLflow's own (its documentation of system tags)."""
_STATUSES = {"FINISHED": RunStatus.FINISHED, "FAILED": RunStatus.FAILED, "KILLED": RunStatus.KILLED}


def as_record(run: Any, experiment: str) -> RunRecord:
    """Return a run of MLflow's."""
    info, data = run.info, run.data.to_proto()
    tags = {tag.key: tag.value for tag in data.tags}
    status = _STATUSES.get(info.status, RunStatus.RUNNING)
    points = {metric.key: as_point(metric) for metric in data.metrics}
    return RunRecord(
        id=info.run_id,
        experiment=experiment,
        name=tags.get(NAME) or info.run_name or info.run_id,
        status=status,
        started=moment_of(info.start_time or 0),
        ended=moment_of(info.end_time) if info.end_time and status.ended else None,
        parent=tags.get(PARENT),
        tags={key: value for key, value in tags.items() if not key.startswith(RESERVED) and key != KEY},
        params={param.key: decode(param.value) for param in data.params},
        latest=points,
    )


def is_deleted(run: Any) -> bool:
    """Tell whether a run was deleted; MLflow keeps it until its garbage is collected."""
    return bool(run.info.lifecycle_stage == "deleted")
