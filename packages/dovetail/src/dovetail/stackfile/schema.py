"""The JSON Schema of `dovetail.yaml`, by which editors complete and check it: what the reader and the installed flavors accept."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dovetail.stackfile.document import DEFAULT
from dovetail.stackfile.reading import KEYS
from dovetail.stackfile.setting_schemas import Schema, model_schema

if TYPE_CHECKING:
    from dovetail.project import Project
    from dovetail_core import ComponentType, FlavorRow

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = "{{secret-name.key}}"


@dataclass(frozen=True)
class StackFileSchema:
    """The schema of a project's stack file, and the flavors that it leaves out because they cannot be used."""

    document: Schema
    left_out: tuple[FlavorRow, ...]


def stack_file_schema(project: Project) -> StackFileSchema:
    """Return the schema of a project's stack file, of the flavors that are installed and its own; every one of them is loaded.

    The names of components and stacks are there as examples only, since the file may declare others.
    """
    catalog = project.catalog()
    kinds = catalog.types()
    rows = [catalog.verified(row) for row in catalog.rows()]
    usable = [row for row in rows if row.problem is None]
    definitions = {kind.name: _component(project, kind, [row.name for row in usable if row.type == kind.name]) for kind in kinds}
    sections = _sections(project, kinds)
    document = {
        "$schema": DIALECT,
        "title": "dovetail.yaml",
        "description": "The stacks of a project, and the components that they are made of.",
        "type": "object",
        "properties": {key: sections[key] for key in KEYS},
        "additionalProperties": False,
        "$defs": definitions,
    }
    return StackFileSchema(document, tuple(row for row in rows if row.problem is not None))


def run_configuration_schema() -> Schema:
    """Return the schema of a run configuration, which `dovetail run --config` reads."""
    from dovetail.options import RunOptions

    return {"$schema": DIALECT, **model_schema(RunOptions, ""), "title": "Run configuration"}


def _sections(project: Project, kinds: list[ComponentType]) -> dict[str, Schema]:
    components = {kind.name: _names({"$ref": f"#/$defs/{kind.name}"}, _summary(kind)) for kind in kinds}
    stack = _mapping({kind.name: _use(project, kind) for kind in kinds}, "A stack: the name of a component of each type.")
    stack |= {"title": "stack", "required": [kind.name for kind in kinds if kind.required]}
    target = {"type": "string", "description": "The class of the flavor, as module:Class."}
    return {
        "active": {
            "type": "string",
            "description": "Name of the stack that is used unless another is asked for.",
            "examples": list(project.file.stacks()),
        },
        "allow_pickle": {"type": "boolean", "description": "Whether values may be stored with pickle, and such values loaded."},
        "components": _optional(_mapping(components, "Components by type and name: their flavors and settings.")),
        "stacks": _names(stack, "Stacks by name."),
        "flavors": _optional(
            _mapping({kind.name: _names(target, _summary(kind)) for kind in kinds}, "Flavors that the project offers itself.")
        ),
    }


def _mapping(properties: Mapping[str, Schema], description: str) -> Schema:
    return {"type": "object", "description": description, "properties": dict(properties), "additionalProperties": False}


def _names(value: Schema, description: str) -> Schema:
    """Return the schema of a mapping of names, which may also be left empty."""
    return _optional({"type": "object", "description": description, "additionalProperties": value})


def _optional(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _summary(kind: ComponentType) -> str:
    return f"{kind.title.capitalize()}: {kind.summary}"


def _use(project: Project, kind: ComponentType) -> Schema:
    """Return the schema of what a stack says of a type: a component's name, or several."""
    name = {"type": "string", "examples": sorted(one.name for one in project.file.components(kind.name)) or [DEFAULT]}
    names: Schema = {"type": "array", "items": name}
    if not kind.multiple:
        names["maxItems"] = 1
    if kind.required:
        names["minItems"] = 1
    return {"description": _summary(kind), "anyOf": [name, names]}


def _component(project: Project, kind: ComponentType, flavors: list[str]) -> Schema:
    """Return the schema of a component of a type: the flavor says which settings there are."""
    classes = {flavor: project.catalog().load(kind.name, flavor) for flavor in flavors}
    described = [_paragraph(cls) for cls in classes.values()]
    flavor = {"enum": flavors, "description": f"Flavor of the {kind.title}.", "enumDescriptions": described}
    chosen = [
        {"if": {"properties": {"flavor": {"const": name}}, "required": ["flavor"]}, "then": {"$ref": f"#{_at(kind.name, name)}"}}
        for name in flavors
    ]
    return {
        "title": kind.title,
        "type": "object",
        "description": _summary(kind),
        "properties": {"flavor": flavor},
        "required": ["flavor"],
        **({"allOf": chosen} if chosen else {}),
        "$defs": {name: {**_settings(cls, kind.name, name), "title": f"{name} {kind.title}"} for name, cls in classes.items()},
    }


def _at(kind: str, flavor: str) -> str:
    """Return where the settings of a flavor are in the document, as a fragment of a URI."""
    return f"/$defs/{kind}/$defs/{quote(flavor.replace('~', '~0').replace('/', '~1'), safe='~')}"


def _settings(cls: Any, kind: str, flavor: str) -> Schema:
    found = model_schema(cls.Config, _at(kind, flavor))
    for schema in _secrets(found):
        schema["examples"] = [REFERENCE]
        schema.pop("default", None)
    properties = {"flavor": {"const": flavor, "description": _paragraph(cls)}, **_without_flavor(found.get("properties", {}))}
    return {**found, "properties": properties, "required": ["flavor", *_without_flavor(dict.fromkeys(found.get("required", [])))]}


def _without_flavor(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without one that a stack file cannot set, as `flavor` there names the flavor."""
    return {name: value for name, value in settings.items() if name != "flavor"}


def _secrets(schema: Any) -> Iterator[Schema]:
    """Yield the schemas of secrets, at any depth."""
    if isinstance(schema, dict):
        if schema.get("format") == "password" and schema.get("writeOnly") is True:
            yield schema
        for inner in list(schema.values()):
            yield from _secrets(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _secrets(inner)


def _paragraph(cls: Any) -> str:
    return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())
