"""Settings of components: typed, frozen, documented, with unknown keys refused."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, ValidationError, ValidationInfo, model_validator

from dovetail_core.errors import ConfigError
from dovetail_core.masking import remember_secret
from dovetail_core.secrets import REFERENCE, references

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)


def _anchor(path: Path, info: ValidationInfo) -> Path:
    root = Path((info.context or {}).get("root") or Path.cwd())
    return Path(os.path.normpath(root.absolute() / path.expanduser()))


ProjectPath = Annotated[Path, AfterValidator(_anchor)]
"""A path that is made absolute when the config is validated: relative to the project's root, else to the working directory.

`..` is resolved as text, so that each spelling of a path is the same path.
"""


class ComponentConfig(BaseModel):
    """Base of every flavor's `Config`: a frozen model that refuses unknown keys; every field has a description, secrets are `SecretStr`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    @model_validator(mode="after")
    def _remember_secrets(self) -> Self:
        for secret in _secrets(self):
            if not REFERENCE.fullmatch(secret.get_secret_value()):  # what only names a secret is shown
                remember_secret(secret.get_secret_value())
        return self


def _secrets(value: Any) -> Iterator[SecretStr]:
    """Yield the secrets in settings, at any depth of models, mappings and sequences."""
    if isinstance(value, SecretStr):
        yield value
    elif isinstance(value, BaseModel):
        yield from (secret for name in type(value).model_fields for secret in _secrets(getattr(value, name)))
    elif isinstance(value, Mapping):
        yield from (secret for item in value.values() for secret in _secrets(item))
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from (secret for item in value for secret in _secrets(item))


def validated(model: type[M], settings: Mapping[str, Any], *, what: str, root: Path | None = None) -> M:
    """Return `settings` as a `model`; all that is wrong with them is told in one `ConfigError` that begins with `what`.

    No value is shown, since it may be a secret. `root` is what relative paths are relative to.
    """
    try:
        return model.model_validate(dict(settings), context={"root": root})
    except ValidationError as error:
        raise _wrong(model, _details(error), what) from None


def validated_unresolved(model: type[M], settings: Mapping[str, Any], *, what: str, root: Path | None = None) -> M | None:
    """Return what `validated` returns for settings in which references to secrets are not replaced yet, and raise what it raises.

    None where a reference stands in the way: what is wrong with that setting cannot be told before its value is there.
    """
    try:
        return model.model_validate(dict(settings), context={"root": root})
    except ValidationError as error:
        unknown = {name for name, value in settings.items() if references(value)}
        wrong = [item for item in _details(error) if item["type"] == "extra_forbidden" or not unknown.intersection(item["loc"][:1])]
        if wrong:
            raise _wrong(model, wrong, what) from None
        return None


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_input=False, include_url=False)


def _wrong(model: type[BaseModel], items: list[ErrorDetails], what: str) -> ConfigError:
    problems = [_problem(model, item["loc"], item["type"], item["msg"]) for item in items]
    return ConfigError(f"{what}: " + "; ".join(problems), remedy=_known_keys(model), fields=[str(item["loc"]) for item in items])


def _problem(model: type[BaseModel], location: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(map(str, location))
    if kind == "extra_forbidden":
        return f"'{name}' is not a setting{closest(str(location[-1]), _known_at(model, location[:-1]))}"
    if kind == "missing":
        return f"'{name}' is required"
    message = message.removeprefix("Value error, ")
    return f"'{name}': {message}" if name else message


def _known_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the settings of the model that is nested at a location, through optional ones, lists and mappings; none if it is not clear."""
    models: list[type[BaseModel]] = [model]
    for part in location:
        fields = [inner.model_fields[part].annotation for inner in models if isinstance(part, str) and part in inner.model_fields]
        models = [found for annotation in fields for found in _models_in(annotation)] or models
    return [name for inner in models for name in inner.model_fields]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation speaks of, at any depth."""
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, BaseModel):
            yield annotation
    else:
        yield from (found for part in get_args(annotation) for found in _models_in(part))


def _known_keys(model: type[BaseModel]) -> str:
    return "settings: " + ", ".join(model.model_fields) if model.model_fields else "it has no settings"


def closest(name: str, known: Iterable[str]) -> str:
    """Return `, did you mean 'x'?` for a misspelt name, or nothing."""
    match = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean '{match[0]}'?" if match else ""
