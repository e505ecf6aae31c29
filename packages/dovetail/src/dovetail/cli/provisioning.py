"""Brings what components stand for up and down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dovetail.project import Project
    from dovetail_core import Component
    from dovetail_core.stack_instance import Stack


def component_stack(project: Project, kind: str, name: str) -> Stack:
    """Return a stack of one component, and the active stack's secrets manager for what its settings refer to."""
    from dovetail_core.stack_instance import Stack

    file = project.file
    managers = file.stacks().get(file.active, {}).get("secrets_manager", ()) if kind != "secrets_manager" else ()
    components = [file.component(kind, name), *(file.component("secrets_manager", one) for one in managers)]
    return Stack(project.spec_of(file.active, components), project.catalog())


def bring_up(component: Component) -> None:
    """Create and start what a component needs, and say how it is then."""
    component.provision()
    component.resume()
    click.echo(f"{component.label}: {component.status().value}")


def bring_down(component: Component, deprovision: bool) -> None:
    """Stop what a component needs, remove it on request, and say how it is then."""
    component.suspend()
    if deprovision:
        component.deprovision()
    click.echo(f"{component.label}: {component.status().value}")
