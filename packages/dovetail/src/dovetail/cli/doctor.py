"""The command that checks everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dovetail.cli.printing import output_option, print_record

if TYPE_CHECKING:
    from dovetail.project import Project
    from dovetail.stackfile.document import Declared

Check = dict[str, Any]


@click.command()
@output_option
def doctor(output: str) -> int:
    """Check every component against its backend, every flavor, stack and plugin; one line each, with the remedy."""
    from dovetail.project import Project

    checks = []
    for check in _checks(Project.find()):
        checks.append(check)
        if output == "table":
            _print_line(check)
    wrong = sum(not check["ok"] for check in checks)
    if output != "table":
        print_record({"ok": not wrong, "checks": checks}, output)
    else:
        click.echo(f"{wrong} of {len(checks)} need attention." if wrong else f"All {len(checks)} are well.")
    return 1 if wrong else 0


def _print_line(check: Check) -> None:
    from dovetail_core.masking import mask

    line = f"{'ok   ' if check['ok'] else 'WRONG'} {check['subject']}"
    if not check["ok"]:
        line += f": {check['problem']}" + (f" ({check['remedy']})" if check["remedy"] else "")
    click.echo(mask(" ".join(line.split("\n"))))


def _checks(project: Project) -> Iterator[Check]:
    from dovetail_core.errors import DovetailError

    yield from _flavors(project)
    yield from _plugins()
    try:
        file = project.file
    except DovetailError as error:
        yield _wrong("dovetail.yaml", error.message, error.remedy)
        return
    for component in file.components():
        yield _component(project, component)
    for name in file.stacks():
        findings = project.findings(name)
        yield from (_wrong(f"stack '{name}'", f"{one.subject}: {one.problem}", one.remedy) for one in findings)
        if not findings:
            yield _well(f"stack '{name}'")
    if file.active not in file.stacks():
        yield _wrong("dovetail.yaml", f"the active stack '{file.active}' is not declared", "dovetail stack set NAME")


def _flavors(project: Project) -> Iterator[Check]:
    from dovetail_core.errors import DovetailError
    from dovetail_core.flavors import FlavorCatalog

    try:
        catalog = project.catalog()
    except DovetailError:  # a damaged stack file, which has a line of its own
        catalog = FlavorCatalog()
    for name, problem in catalog.broken_types().items():
        yield _wrong(f"component type '{name}'", problem.reason, problem.remedy)
    for row in map(catalog.verified, catalog.rows()):
        subject = f"{row.type} flavor '{row.name}' of {row.source}"
        yield _wrong(subject, row.problem.reason, row.problem.remedy) if row.problem else _well(subject)


def _plugins() -> Iterator[Check]:
    from dovetail_core.hooks import installed_hooks

    for name, reason in installed_hooks().broken.items():
        yield _wrong(f"hook plugin '{name}'", reason, "mend or uninstall the package that offers it")


def _component(project: Project, component: Declared) -> Check:
    from dovetail.cli.provisioning import component_stack
    from dovetail_core.errors import DovetailError

    try:
        with component_stack(project, component.type, component.name) as stack:
            stack.get(component.type).check()
    except DovetailError as error:
        return _wrong(component.label, error.message.removeprefix(f"{component.label}: "), error.remedy)
    except Exception as error:
        remedy = f"report it to the author of flavor {component.flavor}"
        return _wrong(component.label, f"its check fails: {type(error).__name__}: {error}", remedy)
    return _well(component.label)


def _well(subject: str) -> Check:
    return {"subject": subject, "ok": True, "problem": "", "remedy": ""}


def _wrong(subject: str, problem: str, remedy: str) -> Check:
    return {"subject": subject, "ok": False, "problem": problem, "remedy": remedy}
