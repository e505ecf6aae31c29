"""Packages that are installed without pip: metadata and modules in a directory of the import path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dovetail_core.discovery import offered_types

OWN = {
    "artifact_store": ("local", "dovetail_artifact_store.local:LocalArtifactStore"),
    "metadata_store": ("sqlite", "dovetail_metadata_store.sqlite:SqliteMetadataStore"),
    "orchestrator": ("local", "dovetail_orchestrator.local:LocalOrchestrator"),
}


def install(site: Path, distribution: str, group: str, points: Mapping[str, str], **modules: str) -> Path:
    """Install a package that offers entry points of one group, and return the file of its last module."""
    return _install(site, distribution, {group: points}, modules)


def install_own_flavors(site: Path) -> None:
    """Install the metadata of this project's component types and flavors, where they are only on the import path."""
    present = offered_types()
    for kind, (name, target) in OWN.items():
        if kind not in present:
            types = {"dovetail.component_types.v1": {kind: f"dovetail_{kind}.component_type:TYPE"}}
            _install(site, f"dovetail-{kind.replace('_', '-')}", types | {f"dovetail.flavors.v1.{kind}": {name: target}}, {})


def _install(site: Path, distribution: str, groups: Mapping[str, Mapping[str, str]], modules: Mapping[str, str]) -> Path:
    info = site / f"{distribution.replace('-', '_')}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    sections = ("\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]) for group, points in groups.items())
    (info / "entry_points.txt").write_text("\n\n".join(sections) + "\n")
    file = info
    for name, source in modules.items():
        file = site / f"{name}.py"
        file.write_text(source)
    return file
