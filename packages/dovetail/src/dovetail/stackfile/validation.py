"""Whether declared stacks can be used: what they refer to is declared, and the components fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dovetail.stackfile.document import Declared, StackFile
from dovetail_core.errors import BrokenType, NotFound
from dovetail_core.stack import Finding, StackInvalid, validate_stack

if TYPE_CHECKING:
    from dovetail.project import Project


def findings(project: Project, file: StackFile, name: str) -> list[Finding]:
    """Return everything that is wrong with a stack. Changes nothing and needs no network. Raises `NotFound` if there is no such stack."""
    declared: list[Declared] = []
    missing: list[tuple[str, Finding]] = []
    for kind, names in file.stack(name).items():
        for one in names:
            try:
                declared.append(file.component(kind, one))
            except NotFound as error:
                missing.append((kind, Finding(f"stack '{name}'", error.message, error.remedy)))
    found = validate_stack(project.spec_of(name, declared), project.catalog())
    absent = {f"it has no {_title(project, kind)}, and every stack needs one" for kind, _ in missing}
    return [finding for _, finding in missing] + [_with_names(file, finding) for finding in found if finding.problem not in absent]


def ensure_valid(project: Project, file: StackFile, name: str, *, new: bool = False) -> None:
    """Raise `StackInvalid` with all findings, if there are any. A `new` stack is not there to be updated, so its remedies are options."""
    found = findings(project, file, name)
    if new:
        found = [replace(one, remedy=one.remedy.replace(f"dovetail stack update {name} ", "give ")) for one in found]
    if found:
        several = f"{len(found)} problems: " if len(found) > 1 else ""
        raise StackInvalid(
            f"stack '{name}' cannot be used: {several}" + "; ".join(str(one).removeprefix(f"stack '{name}': ") for one in found),
            findings=found,
        )


def _with_names(file: StackFile, finding: Finding) -> Finding:
    """Say which components there are, where the remedy is to name one."""
    command, _, last = finding.remedy.rpartition(" ")
    if last != "NAME":
        return finding
    kind = command.rpartition("--")[2].replace("-", "_")
    names = ", ".join(one.name for one in file.components(kind))
    return replace(finding, remedy=f"{finding.remedy}; declared: {names}") if names else finding


def _title(project: Project, kind: str) -> str:
    try:
        return project.catalog().type(kind).title
    except (NotFound, BrokenType):
        return kind
