"""The file of a package that says what the template was answered, and which version of it the package was made from."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from dovetail_core.errors import ConfigError

NAME = ".copier-answers.yml"
DISTRIBUTION = "dovetail-flavor-template"
_TEMPLATE = "_template"
_PLACES = ("_src_path:", "_commit:", f"{_TEMPLATE}:")
"""What says where the template was: copier's two, and ours."""


@dataclass(frozen=True)
class Answers:
    """What a package's file says."""

    given: dict[str, Any]
    version: str
    """Version of the installed template that the package was made from; empty: it was made from a place that copier knows."""
    source: str
    """That place; empty: none."""


def installed_version() -> str:
    """Return the version of the template that is installed."""
    return metadata.version(DISTRIBUTION)


def read(folder: Path) -> Answers:
    """Return the answers of a package. Raises `ConfigError` for a folder that no template made, and for a file that cannot be read."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    file = folder / NAME
    try:
        found = YAML(typ="safe", pure=True).load(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{folder} has no {NAME}", remedy="give the folder of a package that `dovetail flavor new` made") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}", remedy="take it back from the commit that made the package") from error
    data = found if isinstance(found, dict) else {}
    version = str(data.get(_TEMPLATE, "")).partition("==")[2]
    given = {str(question): answer for question, answer in data.items() if not str(question).startswith("_")}
    return Answers(given, version, str(data.get("_src_path", "")))


def stamp(folder: Path) -> None:
    """Say that a package is as the installed template makes it; a path into an environment would lead nobody to a template."""
    file = folder / NAME
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith(_PLACES)]
    lines[1:1] = [f"{_TEMPLATE}: {DISTRIBUTION}=={installed_version()}"]
    file.write_text("\n".join(lines) + "\n", "utf-8")
