"""The project's code as an archive in the artifact store, addressed by its digest."""

from __future__ import annotations

import filecmp
import gzip
import io
import os
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from dovetail.plan import CodeArchive
from dovetail_core import ConfigError, IntegrityError

if TYPE_CHECKING:
    from dovetail_artifact_store import ArtifactStore

LARGEST_FILE = 1024**2
"""Bytes; larger files are data, not code, and stay behind."""
LARGEST_ARCHIVE = 50 * 1024**2
"""Bytes, uncompressed."""
_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+([A-Za-z_]\w*)|import[ \t]+([^#;\n]+))", re.MULTILINE)


def ship(root: Path, modules: Iterable[str], store: ArtifactStore) -> CodeArchive:
    """Store the project code that `modules` need, unless it is there already, and return where. Equal files give an equal digest.

    That is: the modules below `root` that they import, directly or not, anywhere in their source, and those that this process has
    imported from there; of a package, everything in it but caches, hidden files and files above 1 MiB.
    Raises `ConfigError` if it is more than 50 MiB.
    """
    data = _packed(root, sorted(project_files(root, modules)))
    name = blake3(data).hexdigest()
    archive = CodeArchive(key=f"code/{name}.tar.gz", digest=f"blake3:{name}")
    if not store.exists(archive.key):
        store.write_bytes(archive.key, data)
    return archive


def project_files(root: Path, modules: Iterable[str]) -> set[str]:
    """Return the paths of the files to ship, relative to `root`."""
    found: dict[str, set[str]] = {}
    pending = {module.partition(".")[0] for module in modules} | _imported_from(root)
    while pending:
        top = pending.pop()
        if top not in found:
            found[top] = set(_files_of(root, top))
            pending |= {name for file in found[top] if file.endswith(".py") for name in _mentioned(root / file)}
    return set().union(*found.values())


def _imported_from(root: Path) -> set[str]:
    """Return the top-level modules that this process imported right from `root`, not from an environment somewhere below it."""
    names = {name.partition(".")[0] for name in list(sys.modules)} - {"__main__"}
    return {name for name in names if _places(sys.modules.get(name)) & {str(root / f"{name}.py"), str(root / name)}}


def _places(module: Any) -> set[str]:
    """Return a module's file, and the directories of a package, which may have no file of its own (PEP 420)."""
    return {str(place) for place in (getattr(module, "__file__", None), *getattr(module, "__path__", ())) if place}


def _files_of(root: Path, top: str) -> Iterator[str]:
    """Yield the files of a top-level module or package of the project; none if it is not one."""
    if (file := root / f"{top}.py").is_file():
        yield file.name
    if any((root / top).glob("*.py")) or _is_namespace(root / top):
        yield from (path.relative_to(root).as_posix() for path in _below(root / top))


def _is_namespace(directory: Path) -> bool:
    """Tell whether a directory is imported as a package without a file of its own (PEP 420), and is not just called like another one."""
    spec = PathFinder.find_spec(directory.name) if directory.is_dir() else None
    places = spec.submodule_search_locations if spec is not None and spec.origin is None else None
    return any(Path(place).resolve() == directory for place in places or ())


def _below(package: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(package):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "__pycache__")
        for path in (Path(directory, name) for name in files if not name.startswith(".")):
            if not path.is_symlink() and path.stat().st_size <= LARGEST_FILE:
                yield path


def _mentioned(file: Path) -> set[str]:
    """Return the top-level names that a source file imports; reading its lines is enough, since a name too many does no harm."""
    found = _IMPORT.findall(file.read_bytes())
    names = [base for base, _ in found if base] + [part for _, several in found for part in several.split(b",")]
    return set(filter(str.isidentifier, (re.split(rb"[ .]", name.strip())[0].decode("utf-8", "replace") for name in names)))


def _packed(root: Path, files: list[str]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in files:
            content = Path(root, name).read_bytes()
            if plain.tell() + len(content) > LARGEST_ARCHIVE:
                raise ConfigError(
                    f"the code below {root} is more than {LARGEST_ARCHIVE // 1024**2} MiB", remedy="move data out of the project's packages"
                )
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), compresslevel=1, mtime=0)


def code_directory(archive: CodeArchive, source_root: str | None, store: ArtifactStore) -> Path:
    """Return from where the archived code is imported: the project itself, with all its files, while its code is that of the archive.

    Elsewhere, and once the code is edited, the unpacked archive. Raises what `unpack` raises.
    """
    unpacked = unpack(archive, store)
    if source_root is not None and all(_same(path, Path(source_root, path.relative_to(unpacked))) for path in _below(unpacked)):
        return Path(source_root)
    return unpacked


def _same(one: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError:  # it is not there, or is not for this user to read
        return False


def unpack(archive: CodeArchive, store: ArtifactStore) -> Path:
    """Return a directory with the archive's files; it is made once per digest. Raises `IntegrityError` if the bytes are not the recorded ones."""
    target = _cache_directory() / archive.digest.replace(":", "-")
    if target.is_dir():
        return target
    data = store.read_bytes(archive.key)
    if f"blake3:{blake3(data).hexdigest()}" != archive.digest:
        raise IntegrityError(
            f"the code archive {store.uri(archive.key)} is not the one that was stored", remedy="delete it, and run the pipeline again"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=target.parent))
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        tar.extractall(fresh, filter="data")
    try:
        fresh.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def _cache_directory() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home, "dovetail", "code")
