"""What is told of declared components; those whose flavor is gone or broken are told with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dovetail.stackfile.document import Declared
from dovetail_core.discovery import FlavorRow, offered_flavors
from dovetail_core.errors import DovetailError, NotFound

if TYPE_CHECKING:
    from dovetail.project import Project


def component_rows(project: Project, kind: str) -> list[dict[str, Any]]:
    """Return a row per component of a type. Nothing is loaded."""
    offers = {row.name: row for row in offered_flavors(project.local_flavors()) if row.type == kind}
    active = active_names(project, kind, strict=False)
    return [_row(project, component, offers.get(component.flavor), component.name in active) for component in project.file.components(kind)]


def _row(project: Project, component: Declared, offer: FlavorRow | None, active: bool) -> dict[str, Any]:
    problem, remedy = "", ""
    if offer is None:
        package = f"dovetail-{component.type}-{component.flavor}".replace("_", "-")
        problem, remedy = f"flavor '{component.flavor}' is not installed", f"pip install {package}"
    elif offer.problem is not None:
        problem, remedy = offer.problem.reason, offer.problem.remedy
    stacks = project.file.users(component.type, component.name)
    return {
        "active": "*" if active else "",
        "name": component.name,
        "flavor": component.flavor,
        "stacks": stacks,
        "problem": problem,
        "remedy": remedy,
    }


def component_record(project: Project, kind: str, name: str) -> dict[str, Any]:
    """Return what is known of a component, its settings with secrets masked, and why it cannot be used if it cannot."""
    from dovetail.stackfile.components import ensure_fits
    from dovetail.stackfile.secret_settings import masked

    component = project.file.component(kind, name)
    record: dict[str, Any] = {"type": kind, "name": name, "flavor": component.flavor, "stacks": project.file.users(kind, name)}
    record["settings"] = masked(project, component)
    try:
        ensure_fits(project, component)
    except DovetailError as error:
        record |= {"problem": error.message, "remedy": error.remedy}
    return record


def active_names(project: Project, kind: str, *, strict: bool = True) -> list[str]:
    """Return the names of the active stack's components of a type. Raises `NotFound`, if `strict`, where there are none or no stack."""
    file = project.file
    names = list(file.stacks().get(file.active, {}).get(kind, ()))
    if strict:
        file.stack(file.active)
        if not names:
            remedy = f"dovetail stack update {file.active} --{kind.replace('_', '-')} NAME"
            raise NotFound(f"the active stack '{file.active}' has no {kind}", remedy=remedy)
    return names
