"""Pillow images, as PNG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from PIL import Image

from dovetail.materializers.materializer import Materializer, Refused

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

FILE = "image.png"
_LOSSLESS = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


class Images(Materializer):
    """Single images of the modes that PNG holds without loss, with their EXIF data and colour profile."""

    name = "image"
    format = "png"
    requires: ClassVar[tuple[str, ...]] = ("pillow",)

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        if value.mode not in _LOSSLESS:
            raise Refused(f"PNG has no lossless form for the mode {value.mode}; use convert() to one of {', '.join(_LOSSLESS)}")
        if getattr(value, "n_frames", 1) > 1:
            raise Refused("it has several frames; give them as a list of images")
        with target.open(FILE) as file:
            value.save(file, format="PNG", exif=value.getexif())
        return {"width": value.width, "height": value.height, "mode": value.mode}

    def load(self, source: Source, kind: str) -> Any:
        return opened(source)


def opened(source: Source) -> Image.Image:
    """Return the stored image, wholly read."""
    with source.open(FILE) as file, Image.open(file, formats=["PNG"]) as image:
        image.load()
        return image
