"""Images come back pixel by pixel; figures come back as the picture that they show."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from typing import Any

import pytest

from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import ConfigError

Image = pytest.importorskip("PIL.Image", reason="pillow is optional")
figures = pytest.importorskip("matplotlib.figure", reason="matplotlib is optional")


def image(mode: str) -> Any:
    grey = Image.frombytes("L", (7, 5), bytes(range(35)))
    made = Image.frombytes("I;16", (7, 5), bytes(range(70))) if mode == "I;16" else grey.convert(mode)
    if mode == "P":
        made.putpalette([value for index in range(256) for value in (index, 255 - index, 7)])
    return made


def figure() -> Any:
    made = figures.Figure(figsize=(3, 2), dpi=50)
    made.subplots().plot([1, 3, 2])
    return made


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_an_image_comes_back_pixel_by_pixel(round_trip: Any, mode: str) -> None:
    value = image(mode)
    back = round_trip(value)
    assert isinstance(back, Image.Image)
    assert (back.mode, back.size, back.tobytes(), back.getpalette()) == (value.mode, value.size, value.tobytes(), value.getpalette())
    assert back.resize((2, 2)).size == (2, 2), "it does not need the file any more"


def test_an_image_keeps_how_it_is_to_be_turned(round_trip: Any) -> None:
    value = image("RGB")
    value.getexif()[0x0112] = 6
    photograph = BytesIO()
    value.save(photograph, format="JPEG", exif=value.getexif())
    assert round_trip(Image.open(photograph)).getexif()[0x0112] == 6


@pytest.mark.parametrize("mode", ["CMYK", "F", "I", "HSV"])
def test_a_mode_that_png_would_change_is_refused(mode: str, store: LocalArtifactStore, registry: Registry) -> None:
    with pytest.raises(ConfigError, match=rf"mode {mode}; use convert"):
        save(image(mode), store, "a", registry=registry)


def test_an_image_of_several_frames_is_refused(store: LocalArtifactStore, registry: Registry) -> None:
    film = BytesIO()
    image("L").save(film, format="GIF", save_all=True, append_images=[Image.new("L", (7, 5))])
    with pytest.raises(ConfigError, match="several frames"):
        save(Image.open(film), store, "a", registry=registry)


def test_a_figure_comes_back_as_a_picture_of_its_size(round_trip: Any) -> None:
    back = round_trip(figure())
    assert isinstance(back, Image.Image) and back.size == (150, 100)
    assert len(set(back.convert("L").tobytes())) > 10, "something was drawn"


def test_the_same_figure_has_the_same_digest(digest: Any) -> None:
    assert digest(figure()) == digest(figure())


def test_what_is_recorded_of_pictures_is_their_size(store: LocalArtifactStore, registry: Registry) -> None:
    assert save(image("L"), store, "a", registry=registry).metadata == {"width": 7, "height": 5, "mode": "L"}
    artifact = save(figure(), store, "b", registry=registry)
    assert artifact.metadata == {"width": 150, "height": 100}
    assert artifact.uri.endswith(".png")


def test_asking_for_a_figure_says_that_there_is_a_picture(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save(figure(), store, "a", registry=registry)
    with pytest.raises(ConfigError, match="comes back as a picture"):
        load(artifact, store, annotation=figures.Figure, registry=registry)


def test_saving_a_figure_touches_no_global_state(tmp_path: Any) -> None:
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from dovetail.materializers import Registry, save
from dovetail_artifact_store import LocalArtifactStore
import matplotlib
from matplotlib.figure import Figure
figure = Figure()
figure.subplots().plot([1, 2])
def parameters():  # read past the class, whose own methods may import pyplot
    return {{name: dict.__getitem__(matplotlib.rcParams, name) for name in dict.keys(matplotlib.rcParams)}}
canvas, before = figure.canvas, parameters()
save(figure, LocalArtifactStore(path={str(tmp_path)!r}), "a", registry=Registry())
assert figure.canvas is canvas
assert parameters() == before
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
