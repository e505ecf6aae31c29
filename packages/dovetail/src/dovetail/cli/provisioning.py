"""Brings what components stand for up and down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from dovetail.cli.printing import print_rows

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


State = tuple[str, str]
"""What a component is called, and how it is."""


def bring_up(component: Component) -> State:
    """Create and start what a component needs, and return how it is then."""
    component.provision()
    component.resume()
    return component.label, component.status().value


def bring_down(component: Component, deprovision: bool) -> State:
    """Stop what a component needs, remove it on request, and return how it is then."""
    component.suspend()
    if deprovision:
        component.deprovision()
    return component.label, component.status().value


def print_states(states: Iterable[State], output: str) -> None:
    """Print how components are: a line for each as soon as it is known, or all of them as data."""
    if output != "table":
        print_rows([{"component": label, "status": status} for label, status in states], (), output)
        return
    for label, status in states:
        click.echo(f"{label}: {status}")
