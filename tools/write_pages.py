"""Writes what the documentation says of the code: the pages of rules, and the parts of other pages that are generated.

python tools/write_pages.py     writes docs/site/rules/ and docs/generated/, which are not committed
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import catalog
from site_pages.commands import commands
from site_pages.component_pages import COMPONENT_PAGES
from site_pages.contracts import capabilities, methods, primitives
from site_pages.flavors import flavors
from site_pages.harnesses import harness
from site_pages.rules import EVERY_TYPE, rule_pages, rules_table
from site_pages.types import types_table
from workspace import ROOT, Workspace

from dovetail_core.flavors import FlavorCatalog

SHOWN = "artifact-store"
"""The type whose commands are shown: those of the others are alike."""


def parts(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each part of a page, as `--8<--` names it."""
    installed, rows = FlavorCatalog(), catalog.rows(workspace)
    yield "types.md", types_table(installed)
    yield "rules/every_type.md", rules_table(EVERY_TYPE, "../rules/")
    for name in installed.type_names():
        kind = installed.type(name)
        yield f"{name}/methods.md", methods(kind, installed)
        yield f"{name}/primitives.md", primitives(kind, installed)
        yield f"{name}/harness.md", harness(name)
        yield f"{name}/capabilities.md", capabilities(kind)
        yield f"{name}/rules.md", rules_table(name, "../rules/")
        yield f"{name}/flavors.md", flavors([row for row in rows if row.type == name], installed)
    yield "commands.md", _command_line(installed)


def _command_line(installed: FlavorCatalog) -> str:
    from dovetail.cli.root import dovetail

    others = {name.replace("_", "-") for name in installed.type_names()} - {SHOWN}
    return commands(dovetail, "dovetail", frozenset(others))


def written(folder: Path, texts: Iterator[tuple[str, str]]) -> int:
    """Write texts into a folder, remove what else is there, and return how many they are."""
    names = set()
    for name, text in texts:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        names.add(file)
    for stale in set(folder.rglob("*.md")) - names:
        stale.unlink()
    return len(names)


def main() -> int:
    """Write everything and return the exit code."""
    rules = written(ROOT / "docs" / "site" / "rules", rule_pages(ROOT))
    made = written(ROOT / "docs" / "generated", parts(Workspace(ROOT)))
    print(f"{rules} pages of rules, {made} parts of {len(COMPONENT_PAGES)} types and of the command line")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
