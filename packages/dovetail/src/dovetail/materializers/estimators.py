"""scikit-learn estimators, in the format of skops, which runs no code when it is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import sklearn
import skops.io

from dovetail.materializers.materializer import Materializer, Refused
from dovetail_core.errors import ConfigError

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

_FILE = "estimator.skops"
_SCHEMA = "schema.json"
_TRUSTED = ("sklearn.", "numpy.", "scipy.")


class Estimators(Materializer):
    """Estimators, pipelines and searches of scikit-learn, made of classes and functions of scikit-learn, NumPy and SciPy.

    One that holds anything of another module, such as a transformer of your own, is refused, when it is stored and when it is loaded.
    """

    name = "estimator"
    format = "skops"
    requires: ClassVar[tuple[str, ...]] = ("scikit-learn", "skops")

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        try:
            data = skops.io.dumps(value)
            unknown = _unknown(data)
        except Exception as error:  # whatever the state of any of its parts makes skops raise
            raise Refused(f"skops cannot store it: {error}") from error
        if unknown:
            raise Refused(f"it holds {', '.join(unknown)}, and only scikit-learn, NumPy and SciPy are trusted when it is loaded")
        target.write_bytes(_FILE, _canonical(data))
        return {"scikit_learn": sklearn.__version__, "estimator": repr(value)}

    def load(self, source: Source, kind: str) -> Any:
        data = source.read_bytes(_FILE)
        if unknown := _unknown(data):
            raise ConfigError(
                f"a stored estimator holds {', '.join(unknown)}, and only scikit-learn, NumPy and SciPy are trusted",
                remedy="run the step that made it again",
            )
        return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


def _unknown(data: bytes) -> list[str]:
    return [name for name in skops.io.get_untrusted_types(data=data) if not name.startswith(_TRUSTED)]


def _canonical(data: bytes) -> bytes:
    """Return a skops file without what differs between two dumps of equal estimators: addresses of objects, names of files, times.

    Every node has an `__id__`, by which nodes that are one object are recognised; a `JsonNode` is a constant, and the interpreter
    decides which equal constants are one object.
    """
    made = BytesIO()
    with ZipFile(BytesIO(data)) as old, ZipFile(made, "w", ZIP_STORED) as new:
        schema = json.loads(old.read(_SCHEMA))
        files: dict[str, str] = {}
        ids: dict[int, int] = {}
        for number, node in enumerate(_nodes(schema), 1):
            if "file" in node:
                node["file"] = files.setdefault(node["file"], f"{len(files)}.{node['file'].rpartition('.')[2]}")
            if "__id__" in node:
                node["__id__"] = number if node.get("__loader__") == "JsonNode" else ids.setdefault(node["__id__"], number)
        for name, renamed in files.items():
            new.writestr(ZipInfo(renamed), old.read(name))
        new.writestr(ZipInfo(_SCHEMA), json.dumps(schema))
    return made.getvalue()


def _nodes(data: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object in the order of the file, without recursion: a tree of trees may be deep."""
    waiting = [data]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            yield current
            waiting.extend(reversed(current.values()))
        elif isinstance(current, list):
            waiting.extend(reversed(current))
