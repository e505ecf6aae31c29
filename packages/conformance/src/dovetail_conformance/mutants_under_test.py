"""The test module of `dovetail conformance mutants`: a contract, once for each variant of its reference flavor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dovetail_conformance.contract import Contract
from dovetail_conformance.harness import Harness
from dovetail_conformance.mutants import Variant, module_at, variants
from dovetail_conformance.options import options
from dovetail_conformance.targets import contract


def _test_class(asked: type[Contract], variant: Variant) -> type[Contract]:
    def harness(cls: Any) -> Iterator[Harness]:
        with variant.harness()() as made:
            yield made

    fixture: Any = pytest.fixture(scope="class")
    body = {"harness": fixture(classmethod(harness)), "__doc__": variant.flavor.__doc__}
    return type(f"Test{variant.name}", (asked,), body)


def _test_classes() -> dict[str, type[Contract]]:
    file = options().mutants
    assert file is not None
    asked = contract(options().component_type)
    return {f"Test{variant.name}": _test_class(asked, variant) for variant in variants(module_at(file))}


globals().update(_test_classes())
