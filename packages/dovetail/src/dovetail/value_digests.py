"""Values that code captures, as text: equal for equal values in every process, so not with addresses and not in the order of a set."""

from __future__ import annotations

import dataclasses
import enum
import functools
import logging
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dovetail.compiled_code import code, used
from dovetail.source_index import source_file

_PLAIN = {bool, int, float, complex, str, bytes, range, type(None), type(...), type(NotImplemented)}
_EXACT = {"datetime", "decimal", "fractions", "uuid", "pathlib", "ipaddress", "zoneinfo", "types", "typing"}
"""Modules whose values have a `repr` that says all of them."""
_MADE_BY_PYTHON = {
    "__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__",
    "__firstlineno__", "__static_attributes__", "__dataclass_fields__", "__dataclass_params__", "__hash__", "__orig_bases__",
    "__parameters__", "__abstractmethods__", "_abc_impl",
}  # fmt: skip
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
Definition = Callable[[Any], str | None]


class NoDigest(Exception):
    """A value is of a kind whose content cannot be told."""


class ValueText:
    """Describes values and the functions that use them; a function or class is described once, then named by its number.

    `definition` returns what stands for a function, class or module of which there is source, or None.
    """

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._numbers: dict[Any, int] = {}
        self._within: list[int] = []

    def of(self, value: Any) -> str:
        """Return what stands for a value. Raises `NoDigest`."""
        if type(value) in _PLAIN:
            return f"{type(value).__name__}:{value!r}"
        if isinstance(value, (types.FunctionType, type)):
            if value in self._numbers:
                return f"again:{self._numbers[value]}"
            self._numbers[value] = len(self._numbers)
        elif id(value) in self._within:
            return f"around:{len(self._within) - self._within.index(id(value))}"
        self._within.append(id(value))
        try:
            return self._described(value)
        finally:
            self._within.pop()

    def _described(self, value: Any) -> str:
        for kinds, describe in _DESCRIPTIONS:
            if isinstance(value, kinds):
                return describe(self, value)
        module = type(value).__module__.partition(".")[0]
        if module in _EXACT:
            return self._by_repr(value)
        if type(value).__module__ == "dovetail.steps":
            return self.of(value.function)
        if dataclasses.is_dataclass(value):
            fields = {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
            return f"{self.of(type(value))}({self._mapping(fields)})"
        if hasattr(type(value), "model_fields"):  # of pydantic
            return f"{self.of(type(value))}({self._mapping(vars(value))})"
        if hasattr(value, "__wrapped__"):  # such as what functools.cache makes
            return f"{type(value).__qualname__}({self.of(value.__wrapped__)})"
        raise NoDigest(type(value).__qualname__)

    def _by_repr(self, value: Any) -> str:
        text = repr(value)
        if _ADDRESS.search(text):
            raise NoDigest(type(value).__qualname__)
        return f"{self.of(type(value))}:{text}"

    def function(self, function: Any, defaults: bool = True) -> str:
        """Return what stands for a function without source of its own at module level: its code and what that uses."""
        given = [function.__defaults__, function.__kwdefaults__] if defaults else []
        # a step is given values as its annotations say
        annotations = {name: _ADDRESS.sub("", str(one)) for name, one in function.__annotations__.items()}
        return f"{code(function.__code__)}{annotations}{self.of(given)}{self._mapping(dict(used(function)))}"

    def _function(self, value: types.FunctionType) -> str:
        if not _own(value):
            return self._installed(value)
        return self._definition(value) or self.function(value)

    def _module(self, value: types.ModuleType) -> str:
        return self._definition(value) or f"module:{value.__name__}"

    def _installed(self, value: Any) -> str:
        return f"{value.__module__}.{value.__qualname__}"

    def _items(self, value: Any) -> str:
        return f"{self._kind(value)}[{','.join(map(self.of, value))}]"

    def _set(self, value: Any) -> str:
        return f"{self._kind(value)}[{','.join(sorted(map(self._alone, value)))}]"

    def _mapping(self, value: Mapping[Any, Any]) -> str:
        pairs = sorted(((self._alone(key), item) for key, item in value.items()), key=lambda pair: pair[0])
        return f"{self._kind(value)}{{{','.join(f'{key}={self.of(item)}' for key, item in pairs)}}}"

    def _namespace(self, value: types.SimpleNamespace) -> str:
        return self._mapping(vars(value))

    def _alone(self, value: Any) -> str:
        """Return what stands for a value whatever was seen before, since the order in which a set gives its items is not fixed."""
        return ValueText(self._definition).of(value)

    def _kind(self, value: Any) -> str:
        """Return what stands for the class of a container, and for what a subclass keeps besides the items."""
        kind = type(value).__name__ if type(value).__module__ in ("builtins", "collections") else self.of(type(value))
        beside = getattr(value, "__dict__", None) or getattr(value, "default_factory", None)
        return f"{kind}({self.of(beside)})" if beside else kind

    def _member(self, value: enum.Enum) -> str:
        return f"{self.of(type(value))}.{value.name}"

    def _partial(self, value: functools.partial[Any]) -> str:
        return f"partial({self.of([value.func, value.args, value.keywords])})"

    def _method(self, value: types.MethodType) -> str:
        return f"method({self.of(value.__func__)},{self.of(value.__self__)})"

    def _builtin(self, value: Any) -> str:
        owner = value.__self__
        bound = "" if owner is None or isinstance(owner, types.ModuleType) else self.of(owner)
        return f"{value.__module__}.{value.__qualname__}({bound})"

    def _property(self, value: property) -> str:
        return f"property({self.of([value.fget, value.fset, value.fdel])})"

    def _inner(self, value: Any) -> str:
        return f"{type(value).__name__}({self.of(getattr(value, '__func__', None) or value.func)})"

    def _pattern(self, value: re.Pattern[Any]) -> str:
        return f"pattern({value.pattern!r},{value.flags})"

    def _logger(self, value: logging.Logger) -> str:
        return "logger"  # what is logged is no result

    def _slot(self, value: Any) -> str:
        return f"{type(value).__name__}:{value.__name__}"

    def _class(self, kind: type) -> str:
        if not _own(kind):
            return self._installed(kind)
        return self._definition(kind) or f"class {kind.__qualname__}{self.of(kind.__bases__)}{self._mapping(dict(_body(kind)))}"


_DESCRIPTIONS: tuple[tuple[Any, Callable[[ValueText, Any], str]], ...] = (
    (enum.Enum, ValueText._member),
    (type, ValueText._class),
    (types.FunctionType, ValueText._function),
    (types.ModuleType, ValueText._module),
    ((list, tuple), ValueText._items),
    ((set, frozenset), ValueText._set),
    ((dict, types.MappingProxyType), ValueText._mapping),
    (types.SimpleNamespace, ValueText._namespace),
    ((int, float, complex, str, bytes), ValueText._by_repr),
    (functools.partial, ValueText._partial),
    (types.MethodType, ValueText._method),
    (types.BuiltinFunctionType, ValueText._builtin),
    (property, ValueText._property),
    ((classmethod, staticmethod, functools.cached_property), ValueText._inner),
    (re.Pattern, ValueText._pattern),
    (logging.Logger, ValueText._logger),
    ((types.MemberDescriptorType, types.GetSetDescriptorType), ValueText._slot),
    ((types.WrapperDescriptorType, types.MethodDescriptorType, types.MethodWrapperType), ValueText._slot),
)


def _own(kind: Any) -> bool:
    """Tell whether a class or function is of the user's own: of a project, a notebook or a prompt."""
    module = getattr(kind, "__module__", None) or ""
    return module == "__main__" or module not in sys.modules or source_file(module) is not None


def _body(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield what a class statement put into a class, without what Python or a decorator made of that."""
    if issubclass(kind, enum.Enum):
        yield "members", {name: member.value for name, member in kind.__members__.items()}
    for field in dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ():
        factory = None if field.default_factory is dataclasses.MISSING else field.default_factory
        yield f"field {field.name}", (str(field.type), factory)
    for name, value in vars(kind).items():
        if name not in _MADE_BY_PYTHON and not _generated(kind, name, value):
            yield name, value


def _generated(kind: type, name: str, value: Any) -> bool:
    if issubclass(kind, enum.Enum):
        return (
            name in kind.__members__
            or name.startswith("_")
            or not isinstance(value, (types.FunctionType, property, classmethod, staticmethod))
        )
    made = dataclasses.is_dataclass(kind) and name.startswith("__") and isinstance(value, types.FunctionType)
    return made and value.__code__.co_filename == "<string>"
