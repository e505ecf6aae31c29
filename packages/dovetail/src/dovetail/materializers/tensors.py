"""PyTorch tensors and state dicts, as safetensors."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from dovetail.materializers.materializer import Materializer, Refused
from dovetail.materializers.qualified_names import lineage, qualified_name
from dovetail_core.errors import ConfigError

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

_FILE = "tensors.safetensors"
_TENSOR = "torch.Tensor"
_MODULE = "torch.nn.modules.module.Module"
_PARAMETER = "torch.nn.parameter.Parameter"
_ALONE = "tensor"


class Tensors(Materializer):
    """A tensor, a dict of tensors by name, or the state of a module. They come back on the CPU, detached from any graph.

    A module comes back as its state dict, for `load_state_dict` of a module that the caller makes: no format but pickle holds the module.
    """

    name = "tensors"
    format = "safetensors"
    requires: ClassVar[tuple[str, ...]] = ("torch", "safetensors")

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        tensors, notes = _named(value)
        from safetensors.torch import save_file

        with target.directory() as folder:
            try:
                save_file(_separate(tensors), folder / _FILE, {"dovetail": json.dumps(notes, sort_keys=True)})
            except (KeyError, ValueError, RuntimeError) as error:
                raise Refused(f"safetensors cannot hold it: {error}") from error
        return {"tensors": len(tensors), "elements": sum(tensor.numel() for tensor in tensors.values())}

    def load(self, source: Source, kind: str) -> Any:
        if isinstance(source.annotation, type) and _MODULE in lineage(source.annotation):
            raise ConfigError(
                "a stored module comes back as its state dict, and a module is asked for",
                remedy="give module.state_dict() as the output, and annotate the argument dict[str, Tensor]",
            )
        tensors, notes = _read(source)
        if "order" not in notes:
            return tensors[_ALONE] if notes["alone"] else dict(sorted(tensors.items()))
        state = OrderedDict((name, tensors[name]) for name in notes["order"])
        if notes["versions"] is not None:
            state._metadata = OrderedDict(notes["versions"])  # type: ignore[attr-defined]
        return state


def _named(value: Any) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return tensors by name, and notes on what they make up. Raises `Refused` for what holds no tensors."""
    if _MODULE in lineage(type(value)):
        value = value.state_dict()
    elif not isinstance(value, dict):
        if qualified_name(type(value)) not in (_TENSOR, _PARAMETER):
            raise Refused("it is a subclass of torch.Tensor, which safetensors does not keep")
        return {_ALONE: value}, {"alone": True}
    if not value or not all(type(name) is str and _TENSOR in lineage(type(item)) for name, item in value.items()):
        raise Refused("it does not hold only tensors by name; make it a plain dict")
    if type(value) is dict:
        return value, {"alone": False}
    # PyTorch keeps the versions of the modules' state in an attribute of the dict, and reads them in load_state_dict
    return value, {"order": list(value), "versions": getattr(value, "_metadata", None)}


def _separate(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return tensors as safetensors wants them: dense, on the CPU, and none sharing memory, as tied weights do, with another."""
    separate, known = {}, set()
    for name, tensor in tensors.items():
        dense = tensor.detach().cpu().contiguous()
        pointer = dense.untyped_storage().data_ptr()
        separate[name] = dense.clone() if pointer in known else dense
        known.add(pointer)
    return separate


def _read(source: Source) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return tensors and notes. A safetensors file begins with the length of its header, in 8 bytes, and the header, in JSON."""
    from safetensors.torch import load, load_file

    with source.open(_FILE) as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        path = source.local_path(_FILE)
        if path is None:
            file.seek(0)
            tensors = load(file.read())
        else:
            tensors = load_file(path)
    return tensors, json.loads(header["__metadata__"]["dovetail"])
