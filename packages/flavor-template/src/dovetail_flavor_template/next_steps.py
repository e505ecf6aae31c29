"""What is left to do once a package is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dovetail_flavor_template.making import Order


def next_steps(order: Order, folder: Path) -> Iterator[str]:
    """Yield what to do next, line by line."""
    source = f"src/{order.import_name}"
    yield "Next:"
    if order.inside:
        yield from _inside(order, folder.name)
    else:
        yield f"  cd {folder}"
        yield "  nox                   # tests, lint, types, conformance, build: green as it is" if order.origin is None else "  nox"
    if order.origin is None:
        yield f"  Then make it yours: leave in `capabilities` of {source}/{order.module}.py what the service can do; replace {source}/_client.py,"
        yield f"  the primitives that are left and the hooks of {source}/testing.py that look into the memory, together; then add a capability"
        yield "  or a hook at a time, and ask the suite after each."
    elif order.origin.harness is None:
        yield f"  then let `make` in {source}/testing.py give a component on an empty namespace each time."
    if order.origin is not None:
        yield "  Lint and types are strict, and asked of your code, too; what ruff can mend safely is mended. A deviation without `link` is tier none."
    kind, name = order.component_type.replace("_", "-"), order.name
    if order.origin is not None:
        yield f"  If the project had registered the class: dovetail {kind} flavor unregister {name}; the package offers it from now on."


def _inside(order: Order, folder: str) -> Iterator[str]:
    yield f'  noxfile.py: add "{folder}" to PACKAGES, before "dovetail"'
    yield f'  pyproject.toml: add "{order.import_name}" to known-first-party, and to root_packages, layers and source_modules of import-linter'
    yield f"  README.md: add a row for packages/{folder} to the table of packages; then nox -s catalog"
    yield "  nox -s lint && nox -s conformance"
