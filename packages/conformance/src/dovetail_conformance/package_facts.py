"""Looks at the package that offers a flavor: its entry point, imports, settings, documentation, bounds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, get_args

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic.fields import FieldInfo

from dovetail_conformance.report.package import PackageCheck, RequirementInfo, lower_bound, upper_bound
from dovetail_core.component import Component
from dovetail_core.flavors import FlavorCatalog

_FLAVORS_GROUP = "dovetail.flavors.v1."
_TYPES_GROUP = "dovetail.component_types.v1"
_CORE = "dovetail-core"
_LIMIT = 60
_SECRET_NAME = re.compile(r"(^|_)(password|passwd|passphrase|secret|token|api_?key|private_key|secret_access_key|connection_string)$")
_SECTIONS = {
    "how to install it": r"pip install\b.*{name}",
    "an example": r"```(python|pycon|console|bash|sh|yaml|toml)\b",
    "its settings": r"(?i)\b(settings?|configur\w+|options?)\b",
}
"""What a README has: by what it is called, how it is found."""
_LOADED = """
import importlib, json, sys
importlib.import_module({interface!r})
before = set(sys.modules)
importlib.import_module({module!r})
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def requirements(distribution: str) -> list[RequirementInfo]:
    """Return what a distribution requires, extras left out, by name."""
    return [
        RequirementInfo(name=item.name, specifier=str(item.specifier), installed=_version(item.name)) for item in _required(distribution)
    ]


def package_checks(flavor: type[Component], distribution: str) -> list[PackageCheck]:
    """Return what holds of the package that offers a flavor, and what does not. An empty name is of no package: nothing holds."""
    asked: list[tuple[str, str, Callable[[type[Component], str], Iterator[str]]]] = [
        ("its package offers the flavor by an entry point", "bronze", _entry_point),
        ("importing the flavor imports nothing heavy", "bronze", _imports),
        ("every setting has a type", "bronze", _types),
        ("secrets among the settings are masked", "bronze", _secrets),
        ("the README says what it has to", "bronze", _readme),
        ("requirements have bounds", "bronze", _bounds),
        ("the package is marked as typed", "gold", _typed),
    ]
    if not distribution:
        asked = [(name, tier, _no_package) for name, tier, _ in asked]
    found = [(name, tier, "; ".join(problems(flavor, distribution))) for name, tier, problems in asked]
    return [PackageCheck.model_validate({"name": name, "tier": tier, "holds": not came, "detail": came}) for name, tier, came in found]


def _no_package(flavor: type[Component], distribution: str) -> Iterator[str]:
    yield "no installed package offers it"


def _entry_point(flavor: type[Component], distribution: str) -> Iterator[str]:
    group = f"{_FLAVORS_GROUP}{flavor.type}"
    offered = [point for point in metadata.distribution(distribution).entry_points if (point.group, point.name) == (group, flavor.flavor)]
    if not offered:
        yield f"{distribution} has no entry point '{flavor.flavor}' in the group {group}"
    elif offered[0].load() is not flavor:
        yield f"the entry point '{flavor.flavor}' names {offered[0].value}, and not the class that was asked"


def _imports(flavor: type[Component], distribution: str) -> Iterator[str]:
    """Yield the requirements that are loaded with the flavor, and are not loaded with the interface of its type already."""
    interface = FlavorCatalog().type(flavor.type).base.partition(":")[0]
    code = _LOADED.format(interface=interface, module=flavor.__module__)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=_LIMIT)
    if done.returncode:
        yield f"{flavor.__module__} cannot be imported: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
        return
    loaded, modules = set(json.loads(done.stdout)), _modules()
    for item in _required(distribution):
        heavy = sorted(modules.get(canonicalize_name(item.name), set()) & loaded)
        if heavy and not _is_of_dovetail(item.name):
            yield f"{', '.join(heavy)} of {item.name}: import it at first use"


def _offers_types(distribution: str) -> bool:
    try:
        return any(point.group == _TYPES_GROUP for point in metadata.distribution(distribution).entry_points)
    except metadata.PackageNotFoundError:
        return False


def _modules() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for module, distributions in metadata.packages_distributions().items():
        for name in distributions:
            found.setdefault(canonicalize_name(name), set()).add(module)
    return found


def _types(flavor: type[Component], distribution: str) -> Iterator[str]:
    for name, field in flavor.Config.model_fields.items():
        if field.annotation in (None, Any, object):
            yield f"{name} may be anything"


def _secrets(flavor: type[Component], distribution: str) -> Iterator[str]:
    for name, field in flavor.Config.model_fields.items():
        if _SECRET_NAME.search(name) and _is_plain_text(field):
            yield f"{name} is plain text: make it a SecretStr"


def _is_plain_text(field: FieldInfo) -> bool:
    kinds = {field.annotation, *get_args(field.annotation)}
    return bool(kinds & {str, bytes})


def _readme(flavor: type[Component], distribution: str) -> Iterator[str]:
    described = metadata.metadata(distribution)
    text: str = described.json.get("description") or ""  # type: ignore[assignment]
    if not text.strip():
        yield "the package's metadata hold no README"
        return
    for what, pattern in _SECTIONS.items():
        if not re.search(pattern.format(name=re.escape(distribution)), text):
            yield f"it does not show {what}"


def _bounds(flavor: type[Component], distribution: str) -> Iterator[str]:
    python = str(metadata.metadata(distribution).json.get("requires_python") or "")
    if lower_bound(python) is None:
        yield "the lowest Python is not named"
    for item in _required(distribution):
        if lower_bound(str(item.specifier)) is None:
            yield f"{item.name} has no lower bound"
        if _is_of_dovetail(item.name) and not upper_bound(str(item.specifier)):
            yield f"{item.name} has no upper bound, and its next minor version may change the interface"


def _is_of_dovetail(name: str) -> bool:
    return canonicalize_name(name) == _CORE or _offers_types(name)


def _typed(flavor: type[Component], distribution: str) -> Iterator[str]:
    package = sys.modules[flavor.__module__.partition(".")[0]]
    places = list(getattr(package, "__path__", ()))
    if not any(Path(place, "py.typed").is_file() for place in places):
        yield f"{package.__name__} has no py.typed"


def _required(distribution: str) -> list[Requirement]:
    try:
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    found = [Requirement(line) for line in lines]
    return sorted((item for item in found if item.marker is None or item.marker.evaluate({"extra": ""})), key=lambda item: item.name)


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
