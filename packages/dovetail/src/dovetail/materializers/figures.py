"""matplotlib figures, as PNG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from dovetail.materializers.images import FILE, opened
from dovetail.materializers.materializer import Materializer
from dovetail.materializers.qualified_names import lineage
from dovetail_core.errors import ConfigError

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

_FIGURE = "matplotlib.figure.Figure"


class Figures(Materializer):
    """Figures, drawn at their own size and resolution.

    What comes back is the picture, a `PIL.Image.Image`: a figure cannot be had from it.
    """

    name = "figure"
    format = "png"
    requires: ClassVar[tuple[str, ...]] = ("matplotlib", "pillow")

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        with target.open(FILE) as file:
            value.savefig(file, format="png", dpi="figure", metadata={"Software": None})  # its version would change the digest
        width, height = value.get_size_inches() * value.dpi
        return {"width": round(width), "height": round(height)}

    def load(self, source: Source, kind: str) -> Any:
        if isinstance(source.annotation, type) and _FIGURE in lineage(source.annotation):
            raise ConfigError(
                "a stored figure comes back as a picture, and a figure is asked for",
                remedy="annotate the argument with Any to get a PIL.Image.Image, or pass on what the figure is drawn from",
            )
        return opened(source)
