"""Tensors and state dicts of PyTorch come back from safetensors."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import ConfigError

torch = pytest.importorskip("torch", reason="PyTorch is optional, and big")
pytest.importorskip("safetensors.torch", reason="safetensors is optional")

TENSORS = {
    "plain": torch.arange(6.0).reshape(2, 3),
    "no dimension": torch.tensor(3),
    "empty": torch.zeros(0, 3),
    "transposed": torch.arange(6.0).reshape(2, 3).T,
    "part of another": torch.arange(10)[3:5],
    "bfloat": torch.tensor([0.1], dtype=torch.bfloat16),
    "boolean": torch.tensor([True, False]),
    "with gradient": torch.ones(2, requires_grad=True),
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "big": torch.arange(400_000),
}


def network() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))


def equal(one: Any, other: Any) -> bool:
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) and one[name].dtype == other[name].dtype for name in one)


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_comes_back(round_trip: Any, name: str) -> None:
    back = round_trip(TENSORS[name])
    assert type(back) is torch.Tensor and not back.requires_grad
    assert back.dtype == TENSORS[name].dtype and back.shape == TENSORS[name].shape
    assert torch.equal(back, TENSORS[name])


def test_a_state_dict_comes_back_in_its_order_and_fits_its_module(round_trip: Any) -> None:
    state = network().state_dict()
    back = round_trip(state)
    assert type(back) is OrderedDict and equal(back, state)
    assert back._metadata == state._metadata
    network().load_state_dict(back)


def test_a_plain_dict_of_tensors_is_one_file(store: LocalArtifactStore, registry: Registry) -> None:
    value = {"b": torch.ones(2), "a": torch.zeros(1)}
    artifact = save(value, store, "a", registry=registry)
    back = load(artifact, store, registry=registry)
    assert type(back) is dict and equal(back, dict(sorted(value.items())))
    assert [info.key for info in store.list("a")] == [artifact.key] == ["a/tensors.safetensors"]
    assert artifact.metadata == {"tensors": 2, "elements": 3}


def test_a_checkpoint_of_states_and_numbers_comes_back(round_trip: Any) -> None:
    value = {"model": network().state_dict(), "extra": {"w": torch.ones(1)}, "epoch": 3, "losses": [torch.tensor(0.5)]}
    back = round_trip(value)
    assert equal(back["model"], value["model"]) and equal(back["extra"], value["extra"])
    assert back["epoch"] == 3 and torch.equal(back["losses"][0], torch.tensor(0.5))


def test_a_module_comes_back_as_its_state(round_trip: Any) -> None:
    module = network()
    assert equal(round_trip(module), module.state_dict())


def test_asking_for_a_module_says_that_there_is_a_state_dict(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save(network(), store, "a", registry=registry)
    with pytest.raises(ConfigError, match=r"comes back as its state dict.*module\.state_dict\(\)"):
        load(artifact, store, annotation=torch.nn.Module, registry=registry)


def test_tied_weights_come_back_equal(round_trip: Any) -> None:
    weight = torch.ones(3)
    assert equal(round_trip({"a": weight, "b": weight, "c": weight[1:]}), {"a": weight, "b": weight, "c": weight[1:]})


def test_what_a_step_changes_in_a_tensor_stays_with_the_step(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save(TENSORS["big"], store, "a", registry=registry)
    load(artifact, store, registry=registry).fill_(-1)
    assert torch.equal(load(artifact, store, registry=registry), TENSORS["big"])


def test_equal_states_have_equal_digests(digest: Any) -> None:
    assert digest(network().state_dict()) == digest(network().state_dict())
    one, other = torch.zeros(1), torch.ones(1)
    assert digest({"a": one, "b": other}) == digest({"b": other, "a": one}) != digest({"a": other, "b": one})


@pytest.mark.parametrize(
    "value", [torch.eye(2).to_sparse(), OrderedDict(a=torch.ones(1), b=3), torch.zeros(2, device="meta")], ids=["sparse", "mixed", "meta"]
)
def test_what_safetensors_does_not_hold_is_refused(value: Any, store: LocalArtifactStore, registry: Registry) -> None:
    with pytest.raises(ConfigError, match="cannot be stored"):
        save(value, store, "a", registry=registry)
    assert list(store.list()) == []
