"""What a component type asks of its flavors: methods, and capabilities."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from dovetail_core import Capability, Component
from dovetail_core.component_types import ComponentType
from dovetail_core.flavors import FlavorCatalog
from site_pages.markup import code, plain, sentence, table

_OF_EVERY_COMPONENT = frozenset(name for name in dir(Component) if not name.startswith("_"))


class _Written(str):
    """An annotation that is shown as it is written."""

    def __repr__(self) -> str:
        return str(self)


def base(kind: ComponentType) -> type[Component]:
    """Return the base class of a type's flavors."""
    module, _, name = kind.base.partition(":")
    found: type[Component] = getattr(import_module(module), name)
    return found


def signature(method: Any) -> str:
    """Return the signature of a method as its author wrote it, without `self`."""
    found = inspect.signature(method)
    parameters = [
        each.replace(annotation=_written(each.annotation)) for each in found.parameters.values() if each.name not in ("self", "cls")
    ]
    return str(found.replace(parameters=parameters, return_annotation=_written(found.return_annotation)))


def methods(kind: ComponentType, catalog: FlavorCatalog) -> str:
    """Return what an author implements, what has a default, and what is derived, as lists."""
    contract = base(kind)
    needed, defaults = _for_authors(kind, catalog)
    offered = [name for name in _own(contract, private=False) if name not in _OF_EVERY_COMPONENT]
    parts = [
        f"An author subclasses `{_package(contract)}.{contract.__name__}` and implements:\n",
        _listed(contract, needed),
        "These have a default, which a flavor replaces where its backend does better, or for a capability:\n",
        _listed(contract, defaults),
        "The base class checks all arguments, and makes of that what users call:\n",
        _listed(contract, offered),
    ]
    return "\n".join(parts)


def primitives(kind: ComponentType, catalog: FlavorCatalog) -> str:
    """Return what an author implements, or may replace, each with all that its docstring says."""
    contract = base(kind)
    needed, defaults = _for_authors(kind, catalog)
    parts = ["Abstract, so that every flavor has them:\n", *(_whole(contract, name) for name in needed)]
    parts += ["With a default, which a flavor replaces where its backend does better, or for a capability:\n"]
    return "\n".join([*parts, *(_whole(contract, name) for name in defaults)])


def _for_authors(kind: ComponentType, catalog: FlavorCatalog) -> tuple[list[str], list[str]]:
    """Return the names of the methods that an author implements, and of those that have a default."""
    contract = base(kind)
    flavors = [catalog.load(kind.name, row.name) for row in catalog.rows(kind.name)]
    abstract: frozenset[str] = getattr(contract, "__abstractmethods__")  # noqa: B009  # typeshed does not know it
    needed = sorted(abstract, key=lambda name: _place(contract, name))
    return needed, [name for name in _own(contract, private=True) if name not in needed and _bettered(contract, name, flavors)]


def _whole(contract: type[Component], name: str) -> str:
    method = getattr(contract, name)
    said = inspect.cleandoc(method.__doc__ or _public_doc(contract, name))
    paragraphs = "\n".join(f"{plain(part)}\n" for part in said.split("\n\n"))
    return f"### {plain(name)}\n\n{code(f'{name}{signature(method)}', searched=True)}\n{paragraphs}"


def capabilities(kind: ComponentType) -> str:
    """Return the table of a type's capabilities."""
    contract = base(kind)
    found: type[Capability] = getattr(import_module(_package(contract)), f"{contract.__name__}Capability")
    meanings = dict(attribute_docs(found))
    return table(("capability", "declared, it means"), [(f"`{each.name}`", plain(meanings.get(each.name, ""))) for each in found])


def _package(owner: type[Any]) -> str:
    return owner.__module__.partition(".")[0]


def attribute_docs(owner: type[Any]) -> Iterator[tuple[str, str]]:
    """Yield the names that a class assigns, each with the text that follows it."""
    body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
    assert isinstance(body, ast.ClassDef)
    for node, following in zip(body.body, body.body[1:], strict=False):
        match node, following:
            case (
                ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, text


def _written(annotation: Any) -> Any:
    return _Written(annotation.replace("builtins.", "")) if isinstance(annotation, str) else annotation


def _own(contract: type[Component], *, private: bool) -> list[str]:
    """Return the names of a type's methods, in the order in which they are written."""
    found = {
        name
        for each in contract.__mro__
        if _package(each) == _package(contract)
        for name, member in vars(each).items()
        if inspect.isfunction(member) and not name.startswith("__") and name.startswith("_") is private
    }
    return sorted(found, key=lambda name: _place(contract, name))


def _bettered(contract: type[Component], name: str, flavors: Iterable[type[Component]]) -> bool:
    """Whether a documented method of the base is there for authors: some flavor replaces it, or the base's own docstring names it."""
    default = getattr(contract, name)
    is_named = f"`{name}`" in (contract.__doc__ or "")
    return bool(default.__doc__ or _public_doc(contract, name)) and (
        is_named or any(getattr(flavor, name) is not default for flavor in flavors)
    )


def _place(contract: type[Component], name: str) -> tuple[int, int]:
    owners = [each for each in contract.__mro__ if name in vars(each)]
    return contract.__mro__.index(owners[-1]), inspect.getsourcelines(inspect.unwrap(vars(owners[-1])[name]))[1]


def _listed(contract: type[Component], names: Iterable[str]) -> str:
    lines = [f"- `{name}{signature(getattr(contract, name))}`  \n  {_meaning(contract, name)}\n" for name in names]
    return "".join(lines) or "- nothing\n"


def _meaning(contract: type[Component], name: str) -> str:
    return sentence(getattr(contract, name).__doc__ or _public_doc(contract, name))


def _public_doc(contract: type[Component], name: str) -> str:
    """Return what the public method says that a primitive without words of its own is called by."""
    return getattr(getattr(contract, name.lstrip("_"), None), "__doc__", None) or ""
