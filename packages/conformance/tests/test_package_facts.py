"""What is looked at in the package that offers a flavor."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from gauge_kit import install_gauge

from dovetail_conformance.package_facts import package_checks, requirements

MODULE = """
import typing
from pydantic import Field, SecretStr
import gauge
class Config(gauge.Config):
    address: str = Field('', description='Address.')
    {setting}
class Mine(gauge.MemoryGauge):
    flavor = 'mine'
    Config = Config
"""
README = "# gauge-mine\n\nThe settings are two.\n\n    pip install gauge-mine\n\n```python\nMine()\n```\n"
GOOD: dict[str, Any] = {
    "setting": "token: SecretStr = Field('', description='Token.')",
    "imports": "",
    "points": "[dovetail.flavors.v1.gauge]\nmine = gauge_mine:Mine\n",
    "requires": ["gauge>=0.3,<0.4", "heavy>=1.2", "tool>=3; extra == 'dev'"],
    "python": ">=3.11",
    "readme": README,
    "typed": True,
}


class Packages:
    """A folder on the path with a type, a heavy library, and the package of a flavor."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        install_gauge(folder)
        self._distribution("heavy", "1.2.0", {"heavy.py": ""})

    def make(self, **changed: Any) -> Any:
        """Make the package of the flavor `mine`, which is good but for what is changed, and return the flavor."""
        facts = {**GOOD, **changed}
        text = f"{facts['imports']}{MODULE.format(setting=facts['setting'])}"
        files = {"gauge_mine/__init__.py": text, **({"gauge_mine/py.typed": ""} if facts["typed"] else {})}
        lines = [f"Requires-Dist: {line}" for line in facts["requires"]]
        lines += [f"Requires-Python: {facts['python']}"] if facts["python"] else []
        self._distribution("gauge-mine", "0.1", files, "\n".join([*lines, "Provides-Extra: dev"]), facts["readme"], facts["points"])
        import gauge_mine

        return gauge_mine.Mine

    def _distribution(
        self, name: str, version: str, files: dict[str, str], headers: str = "", description: str = "", points: str = ""
    ) -> None:
        information = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        information.mkdir()
        header = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + (f"{headers}\n" if headers else "")
        (information / "METADATA").write_text(f"{header}\n{description}")
        (information / "entry_points.txt").write_text(points)
        (information / "RECORD").write_text("".join(f"{path},,\n" for path in files))
        for path, text in files.items():
            (self.folder / path).parent.mkdir(exist_ok=True)
            (self.folder / path).write_text(text)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name in ("gauge", "gauge_mine", "wired_gauge"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return Packages(tmp_path)


def failing(packages: Packages, **changed: Any) -> dict[str, str]:
    return {check.name: check.detail for check in package_checks(packages.make(**changed), "gauge-mine") if not check.holds}


def test_a_good_package_has_no_problem(packages: Packages) -> None:
    assert failing(packages) == {}


BAD = {
    "its package offers the flavor by an entry point": ({"points": "[other]\na = b\n"}, "no entry point 'mine'"),
    "importing the flavor imports nothing heavy": ({"imports": "import heavy\n"}, "heavy of heavy: import it at first use"),
    "every setting has a type": ({"setting": "size: typing.Any = Field(None, description='Size.')"}, "size may be anything"),
    "secrets among the settings are masked": ({"setting": "api_key: str | None = Field(None, description='Key.')"}, "api_key is plain"),
    "the README says what it has to": ({"readme": "# gauge-mine\n\npip install gauge-mine, settings"}, "an example"),
    "requirements have bounds": ({"requires": ["gauge>=0.3,<0.4", "heavy"]}, "heavy has no lower bound"),
    "the package is marked as typed": ({"typed": False}, "gauge_mine has no py.typed"),
}


@pytest.mark.parametrize("name", BAD)
def test_each_thing_that_is_wrong_is_said(packages: Packages, name: str) -> None:
    changed, said = BAD[name]
    found = failing(packages, **changed)
    assert list(found) == [name] and said in found[name]


def test_more_about_bounds(packages: Packages) -> None:
    detail = failing(packages, requires=["gauge>=0.3"], python="")["requirements have bounds"]
    assert "the lowest Python is not named" in detail and "gauge has no upper bound" in detail


def test_an_entry_point_that_names_another_class_is_no_offer(packages: Packages) -> None:
    detail = failing(packages, points="[dovetail.flavors.v1.gauge]\nmine = gauge:MemoryGauge\n")
    assert "names gauge:MemoryGauge" in detail["its package offers the flavor by an entry point"]


def test_without_a_package_nothing_holds(packages: Packages) -> None:
    checks = package_checks(packages.make(), "")
    assert len(checks) == len(BAD) and {check.detail for check in checks} == {"no installed package offers it"}


def test_requirements_come_with_what_is_installed_and_without_extras(packages: Packages) -> None:
    packages.make()
    found = [(item.name, item.specifier, item.installed) for item in requirements("gauge-mine")]
    assert found == [("gauge", "<0.4,>=0.3", "0.3"), ("heavy", ">=1.2", "1.2.0")]
    assert metadata.version("heavy") == "1.2.0"
