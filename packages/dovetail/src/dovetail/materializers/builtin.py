"""The materializers that come with Dovetail: where they are, and the classes they are for. Nothing is imported until a value needs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module

from dovetail.materializers.materializer import Materializer
from dovetail_core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Builtin:
    """A materializer by name, with the module and class that implement it, and the types as in `Materializer.types`."""

    name: str
    location: str
    types: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    """Types whose subclasses are something else: many an enum is a string."""
    requires: tuple[str, ...] = ()
    """Distributions that the module imports."""

    def make(self) -> Materializer:
        """Import the class and return its instance. Raises `ConfigError` if what it imports is not installed."""
        module, _, kind = self.location.partition(":")
        try:
            made: Materializer = getattr(import_module(f"dovetail.materializers.{module}"), kind)()
        except ImportError as error:
            raise missing(self.name, self.requires, error) from error
        return made


def missing(materializer: str, requires: Iterable[str], error: ImportError) -> ConfigError:
    """Return the error for a materializer that cannot import what it needs."""
    remedy = f"pip install {' '.join(requires)}" if requires else "install what is missing"
    return ConfigError(f"the materializer '{materializer}' cannot be used: {error}", remedy=remedy)


def _builtins(*names: str) -> tuple[str, ...]:
    return tuple(f"builtins.{name}" for name in names)


# Of several that name one class, the first that does not refuse the value stores it.
BUILTINS = (
    Builtin("text", "raw:Text", exact=_builtins("str")),
    Builtin("bytes", "raw:Bytes", exact=_builtins("bytes", "bytearray")),
    Builtin("path", "paths:Paths", ("pathlib.Path", "pathlib._local.Path")),
    Builtin("numpy", "arrays:Arrays", ("numpy.ndarray", "numpy.void"), requires=("numpy",)),
    Builtin(
        "pandas",
        "frames:Frames",
        ("pandas.DataFrame", "pandas.Series", "pandas.core.frame.DataFrame", "pandas.core.series.Series"),
        requires=("pandas", "pyarrow"),
    ),
    Builtin(
        "polars",
        "polars_frames:PolarsFrames",
        ("polars.dataframe.frame.DataFrame", "polars.series.series.Series", "polars.lazyframe.frame.LazyFrame"),
        requires=("polars",),
    ),
    Builtin("arrow", "arrow_tables:ArrowTables", ("pyarrow.lib.Table",), requires=("pyarrow",)),
    Builtin("estimator", "estimators:Estimators", ("sklearn.base.BaseEstimator",), requires=("scikit-learn", "skops")),
    Builtin("figure", "figures:Figures", ("matplotlib.figure.Figure",), requires=("pillow",)),
    Builtin("image", "images:Images", ("PIL.Image.Image",), requires=("pillow",)),
    Builtin(
        "json",
        "structures:Structures",
        (
            *_builtins("NoneType", "bool", "int", "float", "complex", "str", "bytes", "bytearray", "range"),
            *_builtins("list", "tuple", "dict", "set", "frozenset"),
            *("datetime.date", "datetime.time", "datetime.timedelta", "decimal.Decimal", "uuid.UUID"),
            *("enum.Enum", "pydantic.main.BaseModel", "numpy.generic"),
        ),
    ),
    Builtin("tensors", "tensors:Tensors", ("torch.Tensor", "torch.nn.modules.module.Module", "collections.OrderedDict", "builtins.dict")),
)
PICKLE = Builtin("pickle", "pickles:Pickles")
