"""Proves, in an environment where packages of the repository are installed, that they are what was built, and work.

python -I proof.py FILE PACKAGE

FILE holds, as JSON, the digest of each file of each distribution that was built; `-` is for packages that came from elsewhere. Only the
standard library and what is installed are used: this runs in environments that hold nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import sys
from importlib import metadata
from pathlib import Path


def installed(built: dict[str, dict[str, str]]) -> dict[str, metadata.Distribution]:
    """Return the distributions of the repository that are installed here."""
    found = {each.metadata["Name"].lower().replace("_", "-"): each for each in metadata.distributions()}
    return {name: found[name] for name in built if name in found}


def strange_files(distribution: metadata.Distribution, digests: dict[str, str]) -> list[str]:
    """Return the files that are not as they were built."""
    return [name for name, digest in digests.items() if _digest(Path(str(distribution.locate_file(name)))) != digest]


def _digest(path: Path) -> str:
    if not path.is_file():
        return ""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()


def origins(file: str, here: dict[str, metadata.Distribution], built: dict[str, dict[str, str]]) -> list[str]:
    """Return what is not as it was built, or came from elsewhere than an index."""
    if file == "-":
        return []
    strange = [f"{name} {path} is not what was built" for name, each in here.items() for path in strange_files(each, built[name])]
    return strange + [f"{name} does not come from an index" for name, each in here.items() if each.read_text("direct_url.json")]


def missing_names(distribution: str) -> list[str]:
    """Return the public names of a distribution's facade that do not exist."""
    module = importlib.import_module(distribution.replace("-", "_"))
    return [f"{module.__name__}.{name} does not exist" for name in module.__all__ if not hasattr(module, name)]


def flavors(distribution: str) -> tuple[list[str], list[str]]:
    """Return the flavors of a distribution, as discovery finds and loads them, and what is wrong with some."""
    from dovetail_core.flavors import FlavorCatalog

    catalog = FlavorCatalog()
    rows = [catalog.verified(row) for row in catalog.rows() if row.distribution == distribution]
    return [f"{row.type}/{row.name}" for row in rows], [f"{row.type}/{row.name}: {row.problem.reason}" for row in rows if row.problem]


def main() -> int:
    """Print what was proved, or what is wrong, and return the exit code."""
    file, wanted = sys.argv[1:]
    built = {wanted: {}} if file == "-" else json.loads(Path(file).read_text("utf-8"))
    here = installed(built)
    wrong = origins(file, here, built)
    if wanted not in here:
        wrong.append(f"{wanted} is not installed")
    else:
        found, broken = flavors(wanted)
        wrong += missing_names(wanted) + broken
        print(
            f"siblings: {', '.join(sorted(here.keys() - {wanted})) or 'none'}; " * (file != "-") + f"flavors: {', '.join(found) or 'none'}"
        )
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
