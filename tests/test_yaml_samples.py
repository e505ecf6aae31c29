"""Stack files and run configurations that the documentation shows are accepted by the schemas that editors get."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from dovetail.options import RunOptions
from dovetail.project import Project
from dovetail.stackfile.reading import KEYS
from dovetail.stackfile.schema import run_configuration_schema, stack_file_schema

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def samples(keys: set[str]) -> list[tuple[str, Any]]:
    """Return the mappings in YAML that the documentation shows, or its examples hold, with no keys but these."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "packages").glob("*/README.md"))]
    texts = [(page, text) for page in pages for text in BLOCK.findall(page.read_text())]
    texts += [(file, file.read_text()) for file in sorted((ROOT / "docs" / "examples").rglob("*.yaml"))]
    loaded = [(str(place.relative_to(ROOT)), YAML(typ="safe").load(text)) for place, text in texts]
    return [(place, data) for place, data in loaded if isinstance(data, dict) and data and data.keys() <= keys]


@pytest.mark.parametrize("of", ["stack", "run"])
def test_the_schema_accepts_what_the_documentation_shows(of: str, tmp_path: Path) -> None:
    document = stack_file_schema(Project(tmp_path)).document if of == "stack" else run_configuration_schema()
    shown = samples(set(KEYS) if of == "stack" else set(RunOptions.model_fields))
    assert shown
    validator = Draft202012Validator(document)
    assert [(place, error.message) for place, data in shown for error in validator.iter_errors(data)] == []
