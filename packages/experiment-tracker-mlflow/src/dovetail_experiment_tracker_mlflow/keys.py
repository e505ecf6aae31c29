"""Which names MLflow takes (its module `mlflow.utils.validation`)."""

from __future__ import annotations

import posixpath
import re

LONGEST_KEY = 250
_KEY = re.compile(r"[/\w.\- :]*")
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}", re.ASCII)


def unfit(key: str) -> str:
    """Return why MLflow does not take a key of a metric, parameter or tag, or nothing."""
    if len(key) > LONGEST_KEY:
        return f"MLflow keeps {LONGEST_KEY} characters"
    if not _KEY.fullmatch(key):
        return "MLflow takes letters, digits, spaces, and the characters _ - . : /"
    normal = posixpath.normpath(key)
    if normal != key or normal == "." or normal.startswith(("..", "/")):
        return "MLflow takes no key that means another one as a path"
    return "keys that begin with mlflow. are MLflow's own" if key.startswith("mlflow.") or key == "dovetail.key" else ""


def is_run_id(text: str) -> bool:
    """Tell whether a text can be the id of a run."""
    return _RUN_ID.fullmatch(text) is not None
