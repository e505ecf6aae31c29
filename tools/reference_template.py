"""The part of the template for new flavors that is made from the reference flavors: a flavor, its client and its harness, per component type.

python tools/reference_template.py            write it
python tools/reference_template.py --check    say whether it is up to date

A new package begins as the flavor `memory` of its type under another name. Its text is committed in the template, so that every version
of the template is whole: `copier update` compares two of them.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

from packaging.version import Version
from workspace import ROOT, Workspace

from dovetail_conformance.capability_table import table
from dovetail_conformance.harness import Harness
from dovetail_conformance.offers import target_names
from dovetail_conformance.targets import target
from dovetail_core.flavors import FlavorCatalog
from dovetail_flavor_template.module_text import ModuleText

PLACE = ROOT / "tools" / "template" / "types"
_FLAVOR, _CLASS, _HARNESS, _PACKAGE = "flavorname", "FlavorClass", "FlavorHarness", "dovetail_{}_flavorname"
"""What stands for the answers while the text is still Python, which ruff sorts and formats."""
_ANSWERS = {"flavorname_module": "{{ module }}", _CLASS: "{{ class_name }}", _HARNESS: "{{ harness_name }}", _FLAVOR: "{{ flavor }}"}
_CONNECT = '''
SPACES: dict[str, Space] = {}
_guard = threading.Lock()


def connect(space: str) -> Space:
    """Return what is kept under a name; everybody in this process is given the same."""
    with _guard:
        return SPACES.setdefault(space, Space())
'''
_CLIENT = '''"""What the flavor talks to. Until there is a service, this stands in its place: it keeps everything in the memory of this process.

Replace it by the connection to yours: made at first use, closed by the component's `close()`, used by several threads.
"""'''
_SDK = '''{% if sdk %}

def sdk() -> ModuleType:
    """Return the SDK, which is imported when it is first needed: importing the flavor must stay light."""
    import {{ sdk_module }}

    return {{ sdk_module }}
{% endif %}'''
_EMULATOR = '''{% if emulator %}    def __enter__(self) -> {{ harness_name }}:
        """Start {{ emulator }}, unless `environment` is "live": on a free port of 127.0.0.1, its files in a temporary folder.

        `environment` is "emulated" then.
        """
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""

{% endif %}'''
_LIVE = """    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        super().__init__(settings)
        if self.settings:  # settings of the flavor, from `--config live.toml`, such as `url = "https://acme.example"`
            self.environment = "live"

"""
_MODULE = '''"""{title}s of flavorname.

It works as it is, in the memory of this process. Make it yours in this order: first leave in `capabilities` what the service can do; then
replace `_client.py`, the primitives of what is left, and the hooks of `testing.py` that look into the memory, together, since each needs
the others; then add a capability or a hook at a time, and ask the conformance suite after each. The docstrings of
`{base}` tell what each method that begins with an underscore has to do.
"""'''
_TESTING = (
    '''"""The harness of the flavor, for the conformance suite: it makes components on empty namespaces, and reaches around them."""'''
)


def texts(kind: str) -> dict[str, str]:
    """Return the files of the template for a component type, by name."""
    found, flavor = target(f"{kind}/memory"), FlavorCatalog().load(kind, "memory")
    reference, testing = _source(flavor.__module__), _source(found.harness.__module__)
    own = _package(kind)
    base, title = FlavorCatalog().type(kind).base.replace(":", "."), FlavorCatalog().type(kind).title
    head = _MODULE.format(title=title[0].upper() + title[1:], base=base)
    space = reference.closure(["Space"])
    flavors = [name for name in reference.definitions if name not in space and name != "forget"]
    made = {
        "client.py.jinja": _joined(_CLIENT, _imported(reference), [*reference.cut(space), _CONNECT]),
        "flavor.py.jinja": _joined(
            head, [*_imported(reference), f"from {own}._client import connect, {', '.join(space)}"], reference.cut(flavors)
        ),
        "harness.py.jinja": _joined(
            _TESTING,
            [
                *_imported(testing, flavor.__module__),
                "from collections.abc import Mapping",
                f"from {own}._client import SPACES, connect, {', '.join(space)}",
                f"from {own}.flavorname_module import {_CLASS}",
            ],
            testing.cut(testing.closure([found.harness.__name__])),
        ),
    }
    made["own_harness.py.jinja"] = _own_harness(found.harness, FlavorCatalog().type(kind).base, own)
    renamed = {name: _adapted(text, flavor.__name__, found.harness.__name__, title) for name, text in made.items()}
    done = {name: _as_template(text, kind) for name, text in _tidied(renamed).items()}
    done["client.py.jinja"] = _with_sdk(done["client.py.jinja"])
    return {**done, "capabilities.md.jinja": table(flavor), **_versions(kind)}


def _versions(kind: str) -> dict[str, str]:
    """Return the windows of versions that a new package requires, and the interface that it is written for, as in this tree."""
    workspace = Workspace()
    return {
        "core_window.jinja": _window(workspace["core"].version),
        "window.jinja": _window(workspace[kind.replace("_", "-")].version),
        "interface.jinja": FlavorCatalog().type(kind).interface,
    }


def _window(version: Version) -> str:
    """Return the versions that keep what one promises."""
    after = f"{version.major}.{version.minor + 1}" if version.major == 0 else f"{version.major + 1}"
    return f">={version.major}.{version.minor},<{after}"


_OWN = '''

class FlavorHarness({harness}):
    """The flavor, on a namespace of its own each time."""

    flavor = FlavorClass

    def make(self, **config: Any) -> {base}:
        """Return a component on an empty namespace: add what makes it one, such as a temporary folder or a prefix."""
        return self.flavor(**{{**self.settings, **config}})
'''


def _own_harness(reference: type[Harness], base: str, own: str) -> str:
    """Return the least harness of a class that had none."""
    parent, (module, _, name) = reference.__mro__[1], base.partition(":")
    nodes = [
        (parent.__module__, parent.__name__),
        (module, name),
        ("collections.abc", "Mapping"),
        ("typing", "Any"),
        (f"{own}.flavorname_module", _CLASS),
    ]
    imports = [line for module, name in nodes for line in _imports(ast.ImportFrom(module, [ast.alias(name)], 0))]
    text = _OWN.format(harness=parent.__name__, base=name)
    return _joined(_TESTING, ["from __future__ import annotations", *imports], [text])


def _package(kind: str) -> str:
    return _PACKAGE.format(kind)


def _source(module: str) -> ModuleText:
    return ModuleText(inspect.getsource(import_module(module)))


def _imported(text: ModuleText, without: str = "") -> list[str]:
    """Return the imports of a module, a name each; what comes from `without` is left out."""
    nodes = [node for node in text.imports if isinstance(node, ast.Import | ast.ImportFrom)]
    return [line for node in nodes if not without or getattr(node, "module", "") != without for line in _imports(node)]


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield imports, each name from the outermost module that offers it, which is the one that promises to keep it."""
    if isinstance(node, ast.Import):
        yield ast.unparse(node)
        return
    module = node.module or ""
    for alias in node.names:
        offered = (outer for outer in _outer(module) if alias.name in getattr(import_module(outer), "__all__", ()))
        yield ast.unparse(ast.ImportFrom(next(offered, module), [alias], 0))


def _outer(module: str) -> Iterator[str]:
    """Yield the modules of Dovetail around one, the outermost first."""
    parts = module.split(".")
    if parts[0].startswith("dovetail") and "flavorname" not in parts[0]:
        yield from (".".join(parts[:end]) for end in range(1, len(parts)))


def _joined(docstring: str, imports: Iterable[str], parts: Iterable[str]) -> str:
    return "\n".join([docstring, "", *(line.rstrip("\n") for line in imports), "", "", *(f"{part}\n\n" for part in parts)])


_SPACE = re.compile(r"    @property\n    def _space\(self\) -> Space:\n(?:        .*\n)+")
_DOCSTRING = re.compile(r'(class FlavorClass\(\w+\):\n    )""".*?"""', re.DOTALL)


def _adapted(text: str, flavor: str, harness: str, title: str) -> str:
    """Return the text of the reference flavor as that of a new one."""
    text = re.sub(rf"\b{flavor}\.spaces\.setdefault\((.*), Space\(\)\)", r"connect(\1)", text)
    text = re.sub(rf"\b{flavor}\.spaces\b", "SPACES", text)
    text = re.sub(r"self\.spaces\.setdefault\((.*), Space\(\)\)", r"connect(\1)", text)
    text = re.sub(r"    (spaces|_guard): ClassVar\[.*\n", "", text)
    text = re.sub(rf"\b{flavor}\b", _CLASS, text)
    text = re.sub(rf"\b{harness}\b", _HARNESS, text)
    text = _SPACE.sub("    @property\n    def _space(self) -> Space:\n        return connect(self.config.space)\n", text)
    own = f'"""{title[0].upper() + title[1:]}s of flavorname. Until its primitives are replaced, in the memory of this process."""'
    text = _DOCSTRING.sub(lambda found: found[1] + own, text)
    text = text.replace('flavor = "memory"', f'flavor = "{_FLAVOR}"').replace("memory://", f"{_FLAVOR}://")
    text = re.sub(r'"""Settings of the (.*) in memory\."""', rf'"""Settings of the {title} {_FLAVOR}."""', text)
    text = text.replace('"""The reference flavor, in the memory of this process."""', '"""The flavor, in a space of its own each time."""')
    text = re.sub(
        r"return self\.flavor\(\*\*\{((?!\*\*self).*), \*\*config\}\)", r"return self.flavor(**{**self.settings, \1, **config})", text
    )
    text = text.replace("an alerter in memory", "an alerter").replace("of a store in memory", "of a store")
    text = text.replace("\n    def make(", f"\n{_LIVE}    def make(", 1)
    return re.sub(r"\b_MemoryUpload\b", "_Upload", text)


def _tidied(made: dict[str, str]) -> dict[str, str]:
    """Return modules without the imports that they do not use, sorted and formatted as a new package has it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in made.items():
            Path(folder, name.removesuffix(".jinja")).write_text(text, "utf-8")
        ruff = [sys.executable, "-m", "ruff"]
        settings = ["--isolated", "--line-length=140", "--target-version=py311"]
        first = [*_first_party()]
        for words in (
            [
                "check",
                "--select=F401,I",
                "--fix",
                f"--config=lint.isort.known-first-party={first}",
                "--config=lint.isort.split-on-trailing-comma=false",
            ],
            ["format", *settings[2:]],
            ["check", "--select=F"],
        ):
            where = settings if words[0] == "check" else settings[:2]
            subprocess.run([*ruff, *words, *where, "--quiet", "--no-cache", folder], check=True)
        return {name: Path(folder, name.removesuffix(".jinja")).read_text("utf-8") for name in made}


def _first_party() -> Iterator[str]:
    """Yield what new packages sort with themselves, as the packages of the repository do."""
    yield from ("dovetail_core", "dovetail_conformance")
    for kind in kinds():
        yield from (f"dovetail_{kind}", _package(kind))


def _as_template(text: str, kind: str) -> str:
    """Return Python as Jinja: what stands for answers becomes them."""
    if found := re.search(r"\{\{|\{%|\{#|%\}|#\}", text):
        raise ValueError(f"the reference flavor of {kind} holds {found[0]}, which the template would take for its own")
    text = text.replace(_package(kind), "{{ import_name }}")
    for token, answer in _ANSWERS.items():
        text = text.replace(token, answer)
    return text.replace("\n    def make(", f"\n{_EMULATOR}    def make(", 1)


def _with_sdk(text: str) -> str:
    """Return the template of a client with what it has if there is an SDK."""
    standard, blank, rest = text.partition("\n\nfrom dovetail")
    return f"{standard}\n{{% if sdk %}}from types import ModuleType\n{{% endif %}}{blank[1:]}{rest}{_SDK}"


def kinds() -> list[str]:
    """Return the component types that have a reference flavor with a harness."""
    return [name.partition("/")[0] for name in target_names() if name.endswith("/memory")]


def main(arguments: list[str] | None = None) -> int:
    """Write the template's part, or compare it, and return the exit code."""
    parser = argparse.ArgumentParser(description="Make the part of the template for flavors that comes from the reference flavors.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is not up to date")
    given = parser.parse_args(arguments)
    stale = []
    for kind in kinds():
        for name, text in texts(kind).items():
            file = PLACE / kind / name
            if file.is_file() and file.read_text("utf-8") == text:
                continue
            stale.append(file)
            if not given.check:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8")
    for file in stale:
        print(f"{'out of date (nox -s template)' if given.check else 'written'}: {file.relative_to(ROOT)}")
    return 1 if given.check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
