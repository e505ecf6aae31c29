"""The table of the component types."""

from __future__ import annotations

from dovetail_core.flavors import FlavorCatalog
from site_pages.component_pages import COMPONENT_PAGES
from site_pages.markup import plain, table

_TO_COME = {
    "container_registry": "Where images are kept.",
    "secrets_manager": "One place for the secrets of a stack.",
    "step_operator": "Single steps in a specialised environment.",
    "model_deployer": "Online serving.",
    "feature_store": "The features that training and serving share.",
}
"""Types that are designed and not there yet -> what each is for. One that is installed is described by its package."""


def types_table(installed: FlavorCatalog) -> str:
    """Return the table of types, with links to the pages of those that are there."""
    return table(("type", "what it is for", "in a stack"), [_row(name, installed) for name in COMPONENT_PAGES])


def _row(name: str, installed: FlavorCatalog) -> tuple[str, str, str]:
    if name not in installed.type_names():
        return name.replace("_", " "), _TO_COME.get(name, ""), "planned, not there yet"
    kind = installed.type(name)
    return f"[{kind.title}]({COMPONENT_PAGES[name]}.md)", plain(kind.summary), "required" if kind.required else "optional"
