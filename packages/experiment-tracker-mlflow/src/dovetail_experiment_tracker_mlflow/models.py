"""Models, with MLflow's flavor for the library that they are of."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from dovetail_core import InvalidArgument

_FLAVORS = {
    "sklearn": "mlflow.sklearn", "torch": "mlflow.pytorch", "xgboost": "mlflow.xgboost", "lightgbm": "mlflow.lightgbm",
    "catboost": "mlflow.catboost", "keras": "mlflow.keras", "tensorflow": "mlflow.tensorflow", "statsmodels": "mlflow.statsmodels",
    "onnx": "mlflow.onnx", "transformers": "mlflow.transformers", "spacy": "mlflow.spacy", "prophet": "mlflow.prophet",
}  # fmt: skip


def log_model(model: Any, name: str, example: Any, registered: str | None, options: Mapping[str, Any]) -> str:
    """Store a model in MLflow's active run, and return its URI."""
    flavor = importlib.import_module(_flavor_of(model))
    given = {"name": name, "input_example": example, "registered_model_name": registered, **options}
    if example is not None and "signature" not in options:
        given["signature"] = _signature(model, example)
    first = "python_model" if flavor.__name__ == "mlflow.pyfunc" else None
    logged = flavor.log_model(**{first: model}, **given) if first else flavor.log_model(model, **given)
    return str(logged.model_uri)


def _flavor_of(model: Any) -> str:
    modules = [base.__module__.partition(".")[0] for base in type(model).__mro__]
    found = next((_FLAVORS[module] for module in modules if module in _FLAVORS), None)
    if found is not None:
        return found
    if any(base.__name__ == "PythonModel" for base in type(model).__mro__):
        return "mlflow.pyfunc"
    raise InvalidArgument(
        f"MLflow has no flavor for a model of {type(model).__module__}.{type(model).__qualname__}",
        remedy=f"wrap it in mlflow.pyfunc.PythonModel; known libraries: {', '.join(_FLAVORS)}",
    )


def _signature(model: Any, example: Any) -> Any:
    from mlflow.models import infer_signature

    return infer_signature(example, model.predict(example) if hasattr(model, "predict") else None)
