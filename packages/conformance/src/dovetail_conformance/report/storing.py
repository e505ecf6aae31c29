"""Reports as files."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from dovetail_conformance.report.badge import badge
from dovetail_conformance.report.junit import junit
from dovetail_conformance.report.model import SCHEMA_VERSION, Report
from dovetail_conformance.report.page import page
from dovetail_core.errors import ConfigError

_READABLE = (1, SCHEMA_VERSION)


def write(report: Report, directory: Path) -> None:
    """Write `report.json`, `report.html`, `junit.xml` and `badge.json` into a directory, which is made; each appears whole."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "report.json", report.model_dump_json(indent=1))
    _write(directory / "report.html", page(report))
    _write(directory / "junit.xml", junit(report))
    _write(directory / "badge.json", json.dumps(badge(report)))


def discard(directory: Path) -> None:
    """Remove what `write` wrote into a directory, if it did, so that it is not taken for what comes next."""
    for name in ("report.json", "report.html", "junit.xml", "badge.json"):
        (directory / name).unlink(missing_ok=True)


def read(path: Path) -> Report:
    """Return the report in a file. Raises `ConfigError` for a file that holds none, or a newer one."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as a report: {error}", remedy="run the suite again with --report") from error
    found = data.get("schema_version") if isinstance(data, dict) else None
    if found not in _READABLE:
        raise ConfigError(
            f"{path} is a report of version {found}, and this suite reads versions up to {SCHEMA_VERSION}",
            remedy="upgrade dovetail-conformance",
        )
    data.pop("summary", None)
    data["schema_version"] = SCHEMA_VERSION  # what version 1 does not say has a default
    try:
        return Report.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path} is no report: {place}: {first['msg']}", remedy="run the suite again with --report") from error


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
