"""The flavors of a component type: tier, capabilities, and settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from catalog import Row

from dovetail_core.flavors import FlavorCatalog
from site_pages.markup import plain, sentence, table

_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "pattern": "matches `{}`",
}
"""Keyword of JSON Schema -> how a bound is said."""


def flavors(rows: list[Row], catalog: FlavorCatalog) -> str:
    """Return a table of a type's flavors, and a section with the settings of each."""
    summary = table(("flavor", "package", "tier", "capabilities"), [_summary(row) for row in rows])
    return summary + "".join(f"\n{_section(row, catalog.load(row.type, row.flavor))}" for row in rows if row.folder)


def settings(config: type[Any]) -> str:
    """Return the table of a config's settings, from its JSON Schema."""
    schema = config.model_json_schema()
    required = set(schema.get("required", ()))
    shown = [_setting(name, each, schema.get("$defs", {}), name in required) for name, each in schema.get("properties", {}).items()]
    return table(("setting", "type", "default", "meaning"), shown) if shown else "It has no settings.\n"


def _summary(row: Row) -> tuple[str, str, str, str]:
    anchor = f"[`{row.flavor}`](#{row.flavor})" if row.folder else f"`{row.flavor}`"
    report = f"../certificates/{row.type}/{row.flavor}/report.html"
    return anchor, f"`{row.package}`", f"[{row.tier}]({report})" if row.tier else "not certified", _declared(row)


def _declared(row: Row) -> str:
    if row.capabilities is None:
        return "depends on the settings"
    return ", ".join(f"`{name}`" for name in row.capabilities) or "none"


def _section(row: Row, flavor: type[Any]) -> str:
    intro = f"### {row.flavor} {{ #{row.flavor} }}\n\n{sentence(flavor.__doc__)} `pip install {row.package}`\n\n"
    return intro + settings(flavor.Config)


def _setting(name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any], required: bool) -> tuple[str, str, str, str]:
    bounds = "; ".join(_bounds(schema))
    meaning = plain(schema.get("description", "")) + (f" ({bounds})" if bounds else "")
    return f"`{name}`", _type(schema, definitions), "**required**" if required else _default(schema), meaning


def _default(schema: Mapping[str, Any]) -> str:
    value = schema.get("default")
    return "none" if value is None else f"`{value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)}`"


def _type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return how a value is written: by kind, or all that it can be."""
    if "$ref" in schema:
        return _type(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        arms = [_type(arm, definitions) for arm in schema["anyOf"] if arm.get("type") != "null"]
        return " or ".join(dict.fromkeys(arms))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("writeOnly"):
        return "secret"
    if schema.get("type") == "array" and "items" in schema:
        return f"list of {_type(schema['items'], definitions)}"
    named = {"string": "text", "object": "mapping", "array": "list", "boolean": "yes or no"}
    kind = str(schema.get("type", "any"))
    return str(schema.get("format", named.get(kind, kind)))


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    for arm in (schema, *schema.get("anyOf", ())):
        yield from (said.format(arm[keyword]) for keyword, said in _BOUNDS.items() if keyword in arm)
