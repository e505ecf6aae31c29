"""Whether every public name of the packages has a type that each checker finds alike, and every package says that it is typed.

python tools/public_types.py PACKAGE ...     in an environment with the packages, by their folders' names, and basedpyright
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from workspace import Workspace

AT_ONCE = 2
"""Processes: each takes some hundred megabytes."""


def completeness(import_name: str) -> subprocess.CompletedProcess[str]:
    """Return what pyright says of the types of a package that is installed; it fails if any public name is not wholly typed."""
    command = [sys.executable, "-m", "basedpyright", "--verifytypes", import_name, "--ignoreexternal"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main(names: list[str]) -> int:
    """Print what is not typed in some packages, and return the exit code."""
    workspace = Workspace()
    imports = [workspace[name].import_name for name in names]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = dict(zip(imports, pool.map(completeness, imports), strict=True))
    for name, done in results.items():
        print(f"{name}: every public name is typed" if done.returncode == 0 else f"{name}:\n{done.stdout}{done.stderr}")
    return int(any(done.returncode for done in results.values()))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
