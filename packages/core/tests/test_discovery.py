"""Flavors are found without importing them, and one that is broken harms no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from synthetic_site import Site

LIST = """
    import json, sys
    from dovetail_core.discovery import offered_flavors
    rows = [[r.name, r.distribution, r.problem.reason if r.problem else "", r.problem.remedy if r.problem else ""] for r in offered_flavors()]
    heavy = sorted({"pydantic", "pluggy", "sqlalchemy", "rich", "fsspec"} & set(sys.modules) | {m for m in sys.modules if m.startswith("flavor_")})
    print(json.dumps([[r for r in rows if r[1] not in ("dovetail-artifact-store", "dovetail-metadata-store", "dovetail-orchestrator")], heavy]))
"""
LOAD = """
    import json
    from dovetail_core import FlavorCatalog
    catalog = FlavorCatalog()
    print(json.dumps({r.name: (v.problem.reason if (v := catalog.verified(r)).problem else "") for r in catalog.rows("artifact_store")}))
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def listed(site: Site) -> dict[str, tuple[str, str]]:
    """Return reason and remedy per name, after a look that nothing heavy was imported."""
    rows, heavy = site.ask(LIST)  # type: ignore[misc]
    assert heavy == []
    others = [row for row in rows if not row[1].startswith("dovetail")]  # packages of the repository may be installed beside
    return {f"{name}@{distribution}": (reason, remedy) for name, distribution, reason, remedy in others}


def test_a_hundred_flavors_are_listed_without_importing_one_and_three_broken_ones_are_rows(site: Site) -> None:
    for number in range(97):
        site.flavor(f"store{number:02}")
    site.distribution("acme-gone", "[dovetail.flavors.v1.artifact_store]\ngone = no_such_module:Store\n")
    site.distribution("acme-odd", "[dovetail.flavors.v1.artifact_store]\nodd = not a target\n")
    site.distribution("acme-old", "[dovetail.flavors.v0.artifact_store]\nold = flavor_store00:Store\n")
    rows = listed(site)
    assert len(rows) == 100
    broken = {name: reason for name, (reason, _) in rows.items() if reason}
    assert broken == {
        "gone@acme-gone": "module 'no_such_module' is not installed",
        "odd@acme-odd": "'not a target' is not of the form module:Class",
        "old@acme-old": "it is built for version 0 of the interface, and this is version 1",
    }
    assert rows["old@acme-old"][1] == "pip install --upgrade acme-old"


def test_two_offers_of_one_name_are_both_refused_by_name(site: Site) -> None:
    site.flavor("twin")
    site.distribution("zeta-twin", "[dovetail.flavors.v1.artifact_store]\ntwin = flavor_twin:Store\n")
    rows = listed(site)
    assert rows["twin@acme-twin"][0] == rows["twin@zeta-twin"][0] == "the name is offered by acme-twin 1.0 and zeta-twin 1.0"


def test_an_embedded_flavor_cannot_be_shadowed(site: Site) -> None:
    site.module("flavor_shadow", "class Store: ...\n")
    site.distribution("evil", "[dovetail.flavors.v1.artifact_store]\nlocal = flavor_shadow:Store\n")
    reason, remedy = listed(site)["local@evil"]
    assert "dovetail-artifact-store" in reason
    assert remedy == "pip uninstall evil"


def test_damaged_metadata_of_a_foreign_package_is_no_harm(site: Site) -> None:
    site.flavor("good")
    broken = site.distribution("broken", "[dovetail.flavors.v1.artifact_store\nthis is no ini file\n")
    (broken / "METADATA").write_bytes(b"\xff\xfe\x00")
    (site.path / "empty-1.0.dist-info").mkdir()
    assert "good@acme-good" in listed(site)


def test_of_two_installations_of_one_package_the_first_on_the_path_counts(site: Site) -> None:
    site.flavor("good")
    site.distribution("acme-good", "[dovetail.flavors.v1.artifact_store]\ngood = flavor_good:Store\n", folder="acme_good-0.9.dist-info")
    assert list(listed(site)) == ["good@acme-good"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_sdk\nclass Store: ...", "ModuleNotFoundError: No module named 'no_such_sdk'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class Store(", "SyntaxError"),
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("Store = 5", "it is not a class but int"),
        ("class Store: ...", "it is not a subclass of ArtifactStore"),
        ("def Store(): open('called', 'w')", "it is not a class but function"),
        ("other = 1", "AttributeError"),
    ],
)
def test_a_flavor_that_cannot_be_loaded_is_a_row_with_its_reason_and_the_others_work(site: Site, text: str, reason: str) -> None:
    site.flavor("good")
    site.module("flavor_bad", text)
    site.distribution("acme-bad", "[dovetail.flavors.v1.artifact_store]\nbad = flavor_bad:Store\n")
    found: Any = site.ask(LOAD)
    assert reason in found["bad"]
    assert found["good"] == found["local"] == ""
    assert not (site.path / "called").exists()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("    def _read(self, key, start, end): ...\n", "", "does not implement _read"),
        ('interface = "1.0"', 'interface = "1.9"', "it needs interface 1.9"),
        ('interface = "1.0"', 'interface = "2.0"', "it needs interface 2.0"),
        ('interface = "1.0"', 'interface = "new"', "not of the form"),
        ('flavor = "bad"', 'flavor = "other"', "it is offered as 'bad'"),
        ("def _stat(self, key): ...", "def _stat(self): ...", "`_stat` does not take key"),
        ("def _stat(self, key): ...", "def _stat(self, key, token): ...", "`_stat` requires token"),
        ("def _stat(self, key): ...", "def _stat(self, key): ...\n    Config = dict", "`Config` is not a subclass"),
    ],
)
def test_a_class_that_does_not_fit_the_interface_is_refused_without_making_an_instance(site: Site, old: str, new: str, reason: str) -> None:
    site.flavor("bad")
    text = (site.path / "flavor_bad.py").read_text()
    assert old in text
    (site.path / "flavor_bad.py").write_text(text.replace(old, new))
    found: Any = site.ask(LOAD)
    assert reason in found["bad"]


def test_a_missing_dependency_names_what_to_install(site: Site) -> None:
    site.module("flavor_bad", "import boto_that_is_missing")
    site.distribution("acme-bad", "[dovetail.flavors.v1.artifact_store]\nbad = flavor_bad:Store\n")
    code = """
        import json
        from dovetail_core import BrokenFlavor, FlavorCatalog, NotFound
        try:
            FlavorCatalog().load("artifact_store", "bad")
        except BrokenFlavor as error:
            message = str(error)
        try:
            FlavorCatalog().load("artifact_store", "gcs")
        except NotFound as error:
            print(json.dumps([message, str(error)]))
    """
    broken, unknown = site.ask(code)  # type: ignore[misc]
    assert "acme-bad 1.0" in broken and "pip install boto_that_is_missing" in broken
    assert "pip install dovetail-artifact-store-gcs" in unknown


TYPES = """
    import json
    from dovetail_core import BrokenType, ComponentSpec, FlavorCatalog, StackSpec
    from dovetail_core.stack import validate_stack
    catalog, said = FlavorCatalog(), {}
    parts = (("artifact_store", "a", "local", {}), ("metadata_store", "m", "sqlite", {}), ("orchestrator", "o", "local", {}))
    sound = tuple(ComponentSpec(*part) for part in parts)
    for name in ("weather", "twin", "odd"):
        try:
            catalog.type(name)
        except BrokenType as error:
            said[name] = str(error)
    findings = validate_stack(StackSpec("s", (*sound, ComponentSpec("weather", "w", "sunny", {}))), catalog)
    usable = [kind.name for kind in catalog.types() if kind.name in catalog.type_names()]
    print(json.dumps([said, list(map(str, validate_stack(StackSpec("s", sound), catalog))), list(map(str, findings)), usable]))
"""


def test_a_component_type_that_cannot_be_used_is_told_where_it_is_needed_and_harms_no_other(site: Site) -> None:
    site.module("fine_type", "from dovetail_core import ComponentType\nTYPE = ComponentType('twin', 'twin', 'x', 'x:Y')\nODD = 5\n")
    site.distribution("acme-weather", "[dovetail.component_types.v1]\nweather = gone:TYPE\nodd = fine_type:ODD\n")
    site.distribution("acme-sunny", "[dovetail.flavors.v1.weather]\nsunny = fine_type:TYPE\n")
    for distribution in ("dovetail-twin", "acme-twin"):
        site.distribution(distribution, "[dovetail.component_types.v1]\ntwin = fine_type:TYPE\n")
    said, sound, findings, usable = site.ask(TYPES)  # type: ignore[misc]
    gone = "gone:TYPE cannot be loaded: ModuleNotFoundError: No module named 'gone'"
    assert (
        said["weather"] == f"component type 'weather': {gone} (pip install --force-reinstall acme-weather, or pip uninstall acme-weather)"
    )
    assert said["twin"] == "component type 'twin': the name is offered by acme-twin 1.0 and dovetail-twin 1.0 (pip uninstall acme-twin)"
    assert "fine_type:ODD is not a ComponentType but int" in said["odd"]
    assert sound == []
    assert len(findings) == 1 and findings[0].startswith("weather 'w'") and gone in findings[0]
    assert {"artifact_store", "orchestrator"} <= set(usable) and not {"weather", "twin", "odd"} & set(usable)


def test_a_flavor_of_the_project_is_imported_from_its_root_and_only_if_it_is_registered(site: Site, tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    Site(root).module("mine", FLAVOR_OF_PROJECT)
    code = f"""
        import json
        from pathlib import Path
        from dovetail_core import FlavorCatalog, NotFound
        local = {{"artifact_store": {{"mine": "mine:Store"}}}}
        loaded = FlavorCatalog(local, Path({str(root)!r})).load("artifact_store", "mine").__name__
        try:
            FlavorCatalog().load("artifact_store", "mine")
        except NotFound:
            print(json.dumps(loaded))
    """
    assert site.path.mkdir() is None
    assert site.ask(code) == "Store"


FLAVOR_OF_PROJECT = __import__("synthetic_site").FLAVOR.format(name="Store", flavor="mine", interface="1.0")
