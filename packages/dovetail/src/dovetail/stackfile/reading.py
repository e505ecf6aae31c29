"""Reads `dovetail.yaml`, and tells a damaged one by file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dovetail.stackfile.document import StackFile, closest
from dovetail_core.errors import ConfigError

KEYS = ("active", "allow_pickle", "components", "stacks", "flavors")
REMEDY = "mend the file by hand; it was left as it is"


class DamagedFile(ConfigError):
    """A stack file cannot be used; `line` is the first wrong one, from 1."""


def read(path: Path) -> StackFile:
    """Return what a file declares; one that does not exist declares nothing. Raises `DamagedFile`."""
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return StackFile(path, {})
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _damaged(path, line, "it is not UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", remedy="make it a file that you may read") from error
    return parse(path, text)


def parse(path: Path, text: str) -> StackFile:
    """Return what a text declares; `path` is for messages. Raises `DamagedFile`."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    text = text.replace("\r\n", "\n")  # comments would keep the carriage return, and get another when they are written
    try:
        data = round_trip(text).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _damaged(path, mark.line + 1 if mark else 1, str(error.problem or error.context)) from error
    except (YAMLError, ValueError) as error:
        raise _damaged(path, 1, str(error).splitlines()[0]) from error
    if data is None:
        data = _empty(text)
    for line, problem in _problems(data):
        raise _damaged(path, line, problem)
    return StackFile(path, data)


def round_trip(text: str) -> Any:
    """Return the YAML processor that writes as `text` is written."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 1 << 16
    yaml.explicit_start = bool(re.search(r"^---", text, re.MULTILINE))
    mapping, offset = _indentation(text)
    yaml.indent(mapping=mapping, sequence=offset + 2, offset=offset)
    return yaml


def _empty(text: str) -> Any:
    """Return an empty mapping below the comments that are all there is in a file."""
    from ruamel.yaml.comments import CommentedMap

    data = CommentedMap()
    comment = "\n".join(line.removeprefix("#").removeprefix(" ") for line in text.splitlines() if line.startswith("#"))
    if comment:
        data.yaml_set_start_comment(comment)
    return data


def _indentation(text: str) -> tuple[int, int]:
    """Return how far mappings below a key, and sequences below a key, are indented in a text."""
    text = text.replace("\r\n", "\n")
    mapping = re.search(r"^[^\s#-][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*([ ]+)[^\s#-]", text, re.MULTILINE)
    sequence = re.search(r"^([ ]*)[^\s#-][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*([ ]*)- ", text, re.MULTILINE)
    return len(mapping[1]) if mapping else 2, max(0, len(sequence[2]) - len(sequence[1])) if sequence else 0


def _damaged(path: Path, line: int, problem: str) -> DamagedFile:
    return DamagedFile(f"{path}, line {line}: {problem}", remedy=REMEDY, line=line)


Problem = tuple[int, str]


def _problems(data: Any) -> Iterator[Problem]:
    if not isinstance(data, Mapping):
        yield 1, f"the file holds {_kind(data)} instead of keys such as `stacks:`"
        return
    for key in data:
        if key not in KEYS:
            yield _line(data, key), f"'{key}' is not known{closest(str(key), KEYS)}"
    if "active" in data and not isinstance(data["active"], str):
        yield _line(data, "active"), f"`active` is the name of a stack, not {_kind(data['active'])}"
    if "allow_pickle" in data and not isinstance(data["allow_pickle"], bool):
        yield _line(data, "allow_pickle"), f"`allow_pickle` is true or false, not {_kind(data['allow_pickle'])}"
    yield from _named(data, "components", lambda named, key, what: _named(named, key, _component, what))
    yield from _named(data, "stacks", _stack)
    yield from _named(data, "flavors", lambda named, key, what: _named(named, key, _flavor, what))


def _named(data: Any, key: Any, check: Callable[[Any, Any, str], Iterator[Problem]], inside: str = "") -> Iterator[Problem]:
    """Find what is wrong with a mapping of names, and with each thing in it."""
    what = f"{inside}.{key}" if inside else str(key)
    named = data.get(key)
    if named is None:
        return
    if not isinstance(named, Mapping):
        yield _line(data, key), f"`{what}` is a mapping of names, not {_kind(named)}"
        return
    for name in named:
        if not isinstance(name, str):
            yield _line(named, name), f"the name {name!r} in `{what}` is {_kind(name)}; write it in quotes"
            return
        yield from check(named, name, what)


def _component(named: Any, name: str, what: str) -> Iterator[Problem]:
    body = named[name]
    if not isinstance(body, Mapping):
        yield _line(named, name), f"`{what}.{name}` is a mapping with `flavor` and settings, not {_kind(body)}"
    elif not isinstance(body.get("flavor"), str):
        yield _line(named, name), f"`{what}.{name}` has no `flavor`, which is the name of one"


def _stack(stacks: Any, name: str, what: str) -> Iterator[Problem]:
    body = stacks[name]
    if body is None:
        return
    if not isinstance(body, Mapping):
        yield _line(stacks, name), f"`{what}.{name}` is a mapping of component types to names, not {_kind(body)}"
        return
    for kind, names in body.items():
        listed = isinstance(names, list) and all(isinstance(one, str) for one in names)
        if not isinstance(names, str) and not listed:
            yield _line(body, kind), f"`{what}.{name}.{kind}` is a component's name or a list of names, not {_kind(names)}"


def _flavor(named: Any, name: str, what: str) -> Iterator[Problem]:
    if not isinstance(named[name], str):
        yield _line(named, name), f"`{what}.{name}` is written as module:Class, not as {_kind(named[name])}"


def _line(mapping: Any, key: Any) -> int:
    return int(mapping.lc.key(key)[0]) + 1


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"{value!r}"
