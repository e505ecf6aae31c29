"""JSON Schema of pydantic models as they read YAML, where a number in quotes is a number and `yes` is true."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema

WHOLE = r"^\s*[-+]?\d+(_\d+)*(\.0+)?\s*$"
NUMBER = r"^\s*[-+]?((\d+(_\d+)*\.?\d*|\.\d+)([eE][-+]?\d+)?|[iI][nN][fF]([iI][nN][iI][tT][yY])?|[nN][aA][nN])\s*$"
_WORDS = ("true", "false", "yes", "no", "on", "off", "t", "f", "y", "n")
TRUTH = "^(" + "|".join("".join(f"[{letter.upper()}{letter}]" for letter in word) for word in _WORDS) + "|0|1)$"
"""The forms of text that pydantic takes for a whole number, a number, and a truth value, as every dialect of regular expressions has them."""

Schema = dict[str, Any]


def model_schema(model: type[BaseModel], at: str) -> Schema:
    """Return the schema of a model, which is to stand `at` a place in a document, a JSON pointer as in a URI; what no schema can say is left open."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a default that JSON has no form for
        try:
            found = model.model_json_schema(ref_template=f"#{at}/$defs/{{model}}", schema_generator=_AsYaml)
        except PydanticUserError:
            return {"type": "object", "description": (model.__doc__ or "").strip()}
    root = found.pop("$ref", "").rpartition("/")[2]  # of a model that holds itself
    return {**found["$defs"][root], **found} if root else found


class _AsYaml(GenerateJsonSchema):
    """Generates what pydantic accepts where it is not strict, without titles, which would only repeat names.

    One thing less: a truth value is not offered where a number is meant, although pydantic reads it as 0 or 1.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> Schema:
        found = super().default_schema(schema)
        return {key: value for key, value in found.items() if key != "default" or value is not None}

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Schema:
        return {}

    def int_schema(self, schema: Any) -> Schema:
        return _or_text(super().int_schema(schema), WHOLE, "a whole number")

    def float_schema(self, schema: Any) -> Schema:
        return _or_text(super().float_schema(schema), NUMBER, "a number")

    def bool_schema(self, schema: Any) -> Schema:
        return _or_text(super().bool_schema(schema), TRUTH, "true or false") | {"minimum": 0, "maximum": 1, "multipleOf": 1}

    def function_before_schema(self, schema: Any) -> Schema:
        return super().function_before_schema(schema) if _tells_input(schema) else {}

    def function_wrap_schema(self, schema: Any) -> Schema:
        return super().function_wrap_schema(schema) if _tells_input(schema) else {}

    def set_schema(self, schema: Any) -> Schema:
        return _with_repetitions(super().set_schema(schema))

    def frozenset_schema(self, schema: Any) -> Schema:
        return _with_repetitions(super().frozenset_schema(schema))

    def timedelta_schema(self, schema: Any) -> Schema:
        return {"type": ["string", "number"]}

    def datetime_schema(self, schema: Any) -> Schema:
        return {"type": ["string", "number"]}

    def date_schema(self, schema: Any) -> Schema:
        return {"type": ["string", "number"]}

    def time_schema(self, schema: Any) -> Schema:
        return {"type": ["string", "number"]}


def _tells_input(schema: Any) -> bool:
    """Tell whether it is known what a validator takes that runs before others; one of a whole model is trusted to keep its settings."""
    return "json_schema_input_schema" in schema or schema["schema"]["type"] in ("model", "definitions", "definition-ref")


def _or_text(schema: Schema, pattern: str, meant: str) -> Schema:
    """Return a schema that also accepts text of a form; `patternErrorMessage` is what editors say of other text."""
    types = [schema["type"], *(["number"] if schema["type"] == "boolean" else []), "string"]
    return {**schema, "type": types, "pattern": pattern, "patternErrorMessage": f"it is not {meant}"}


def _with_repetitions(schema: Mapping[str, Any]) -> Schema:
    return {key: value for key, value in schema.items() if key != "uniqueItems"}
