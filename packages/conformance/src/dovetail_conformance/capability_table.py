"""The table of a flavor's capabilities in its package's README: made from the class, and compared with it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap

from dovetail_core.capabilities import Capability
from dovetail_core.component import Component
from dovetail_core.errors import NotFound
from dovetail_core.flavors import FlavorCatalog

BEGIN = "<!-- capabilities: made by dovetail conformance readme -->"
END = "<!-- end of capabilities -->"
_BLOCK = re.compile(rf"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)


def table(flavor: type[Component]) -> str:
    """Return what a flavor declares of what its type knows, as Markdown: a row per capability, with what it means."""
    declared = flavor.capabilities if isinstance(flavor.capabilities, frozenset) else None  # a property depends on the settings
    lines = ["| capability | declared | meaning |", "| --- | --- | --- |"]
    for each, meaning in _known(flavor).items():
        said = "by the settings" if declared is None else "yes" if each in declared else "no"
        lines.append(f"| `{each.name}` | {said} | {meaning} |")
    return "".join(f"{line}\n" for line in lines)


def updated(text: str, flavor: type[Component]) -> str:
    """Return the text of a README with the table of today. Raises `NotFound` if it has no place for one."""
    if not _BLOCK.search(text):
        raise NotFound("the README has no place for the table of capabilities", remedy=f"add the lines {BEGIN} and {END}")
    return _BLOCK.sub(lambda _: f"{BEGIN}\n{table(flavor)}{END}", text)


def _known(flavor: type[Component]) -> dict[Capability, str]:
    """Return the capabilities of a flavor's type, each with its docstring."""
    facade = importlib.import_module(FlavorCatalog().type(flavor.type).base.partition(".")[0].partition(":")[0])
    offered = (getattr(facade, name) for name in dir(facade) if not name.startswith("_"))
    kinds = {each for each in offered if isinstance(each, type) and issubclass(each, Capability) and each is not Capability}
    return {member: meaning for kind in kinds for member, meaning in _described(kind).items()}


def _described(kind: type[Capability]) -> dict[Capability, str]:
    """Return the members of an enumeration, each with the text below it: Python keeps docstrings of attributes in the source only."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    said: dict[str, str] = {}
    for node, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(node, ast.Assign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            said |= {
                target.id: " ".join(str(below.value.value).partition("Implement:")[0].split())
                for target in node.targets
                if isinstance(target, ast.Name)
            }
    return {member: said.get(member.name, "") for member in kind}
