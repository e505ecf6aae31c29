"""What a step asks of the machine that runs it."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"": 1, **{f"{p}B": 1000**i for i, p in enumerate(("", "k", "M", "G", "T", "P"))}, "KB": 1000}
_UNITS |= {f"{p}iB": 1024**i for i, p in enumerate(("K", "M", "G", "T", "P"), start=1)}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_Amount = Annotated[str, Field(pattern=f"^{_AMOUNT.pattern}$")]


def bytes_of(value: Any) -> Any:
    """Return a number of bytes: an integer as it is, or text with a unit. `"8GB"` is 8 * 1000**3, `"8GiB"` is 8 * 1024**3 (IEC 80000-13)."""
    if not isinstance(value, str):
        return value
    match = _AMOUNT.fullmatch(value)
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"{value!r} is not an amount of memory; write it as '8GB' or '8GiB'")
    return round(float(match[1]) * _UNITS[match[2]])


class Resources(BaseModel):
    """Resources of one step. `None` leaves it to the flavor; 0 asks for none."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    cpu: float | None = Field(default=None, ge=0, description="Processor cores; fractions are allowed.")
    gpu: int | None = Field(default=None, ge=0, description="Graphics processors.")
    memory: Annotated[int | None, BeforeValidator(bytes_of, json_schema_input_type=int | _Amount | None)] = Field(
        default=None, ge=0, description="Memory in bytes, or text with a unit: '8GB' (powers of 1000), '8GiB' (powers of 1024)."
    )

    def requested(self) -> dict[str, float]:
        """Return the resources that are asked for, zeros included."""
        return {name: value for name, value in self if value is not None}
