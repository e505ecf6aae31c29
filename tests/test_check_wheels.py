"""The check of built wheels notices what it is there for."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from check_wheels import shared_files, untyped
from wheels import import_name


def wheel(folder: Path, name: str, *files: str) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.writestr(file, "")
    return path


def test_a_file_that_two_wheels_own_is_found(tmp_path: Path) -> None:
    one = wheel(tmp_path, "one", "shared/__init__.py", "one-1.0.dist-info/METADATA")
    other = wheel(tmp_path, "other", "shared/__init__.py", "other-1.0.dist-info/METADATA")
    assert shared_files([one, other]) == {"shared/__init__.py": [one.name, other.name]}
    assert shared_files([one]) == {}


def test_a_wheel_with_two_packages_is_refused(tmp_path: Path) -> None:
    assert import_name(wheel(tmp_path, "one", "one/__init__.py", "one-1.0.dist-info/METADATA")) == "one"
    with pytest.raises(ValueError, match="holds"):
        import_name(wheel(tmp_path, "two", "a/__init__.py", "b/__init__.py"))


def test_a_wheel_that_does_not_say_that_it_is_typed_is_found(tmp_path: Path) -> None:
    typed = wheel(tmp_path, "typed", "typed/__init__.py", "typed/py.typed", "typed-1.0.dist-info/METADATA")
    silent = wheel(tmp_path, "silent", "silent/__init__.py", "silent-1.0.dist-info/METADATA")
    assert untyped([typed, silent]) == [silent.name]
