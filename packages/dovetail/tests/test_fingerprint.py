"""The digest of a step's code changes with what the step computes, and with nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

MAIN = """
from dovetail import step
import helpers
from helpers import scale as scaled
from inner import deep
FACTOR = 2
UNUSED = 3
CONFIG = {"rate": 1}
CONFIG["rate"] = 2
helpers.LIMITS.upper = 9
try:
    from fast import quick
except ImportError:
    from slow import quick
if FACTOR > 100:
    BONUS = 1
elif FACTOR > 50:
    BONUS = 2
else:
    def BONUS(): return 3
for KEY in ("a", "b"):
    CONFIG[KEY] = 0
with open(__file__) as SOURCE:
    LENGTH = len(SOURCE.read(0))
match LENGTH:
    case 0:
        def measured(): return 10

def own(x):
    return x * FACTOR

@step
def compute(x: int) -> int:
    own(x) + helpers.shift(x) + scaled(x) + deep.bottom(x)
    return CONFIG, quick(x), BONUS, LENGTH, measured(), helpers.LIMITS

def other():
    return UNUSED
"""
HELPERS = """
OFFSET = 1
class LIMITS:
    upper = 1
def shift(x):
    return x + OFFSET
def scale(x):
    return x * 10
def unrelated(x):
    return x
"""
DEEP = """
from . import lower
def bottom(x):
    return lower.value(x)
"""
LOWER = """
class Table:
    size = 4
def value(x):
    return x + Table().size
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    files = {"fast.py": "def quick(x):\n    return x + 1\n", "slow.py": "def quick(x):\n    return 1 + x + 1\n"}
    files |= {"main.py": MAIN, "helpers.py": HELPERS, "inner/__init__.py": "", "inner/deep.py": DEEP, "inner/lower.py": LOWER}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def printed(project: Path) -> str:
    """Return the digest as a fresh process computes it."""
    return str(evaluated(project, "fingerprint(main.compute.function)"))


def evaluated(project: Path, expression: str) -> Any:
    """Return what a fresh process makes of an expression about the module `main` of a project."""
    code = f"import json, main; from dovetail.fingerprint import fingerprint; print(json.dumps({expression}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def edit(project: Path, file: str, old: str, new: str) -> None:
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("main.py", "own(x) +", "own(x) -"),
        ("main.py", "FACTOR = 2", "FACTOR = 5"),
        ("main.py", "x * FACTOR", "x / FACTOR"),
        ("helpers.py", "x + OFFSET", "x - OFFSET"),
        ("helpers.py", "OFFSET = 1", "OFFSET = 2"),
        ("helpers.py", "x * 10", "x * 11"),
        ("inner/deep.py", "lower.value(x)", "lower.value(x) + 1"),
        ("inner/lower.py", "size = 4", "size = 5"),
        ("main.py", 'CONFIG["rate"] = 2', 'CONFIG["rate"] = 3'),
        ("main.py", "upper = 9", "upper = 8"),
        ("main.py", "CONFIG[KEY] = 0", "CONFIG[KEY] = 1"),
        ("main.py", '("a", "b")', '("a", "c")'),
        ("main.py", "> 100", "> 0"),
        ("main.py", "> 50", "> 1"),
        ("main.py", "BONUS = 2", "BONUS = 4"),
        ("main.py", "open(__file__)", "open(helpers.__file__)"),
        ("main.py", "return 10", "return 11"),
        ("main.py", "case 0", "case False | 0"),
        ("fast.py", "x + 1", "x + 2"),
        ("slow.py", "x + 1", "x + 3"),
    ],
)
def test_an_edit_of_anything_that_the_step_uses_changes_it(project: Path, file: str, old: str, new: str) -> None:
    before = printed(project)
    edit(project, file, old, new)
    assert printed(project) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("main.py", "UNUSED = 3", "UNUSED = 4"),
        ("main.py", "@step\n", "# a comment\n@step(retries=3)\n"),
        ("main.py", "def own(x):\n", 'def own(x):\n    """Say what it does."""\n'),
        ("helpers.py", "def unrelated(x):\n    return x\n", ""),
    ],
)
def test_comments_docstrings_options_and_unused_code_do_not_change_it(project: Path, file: str, old: str, new: str) -> None:
    before = printed(project)
    edit(project, file, old, new)
    assert printed(project) == before


SPREAD = [
    ("import spread.part", "spread.part.value(x)"),
    ("from spread import part", "part.value(x)"),
    ("from spread.part import value", "value(x)"),
    ("import spread.deeper.part", "spread.deeper.part.value(x)"),
    ("from spread.deeper import part", "part.value(x)"),
    ("from spread.deeper.part import value", "value(x)"),
    ("from spread import deeper; import spread.deeper.part", "deeper.part.value(x)"),
    ("from spread.deeper.whole.part import value", "value(x)"),
    ("import spread.deeper.whole.inner.part", "spread.deeper.whole.inner.part.value(x)"),
    ("from spread.deeper.whole import inner; import spread.deeper.whole.inner.part", "inner.part.value(x)"),
    ("from spread.deeper.whole.inner.part import value", "value(x)"),
]
"""Ways to use a module of a package that has no file of its own, within another one that has none, or of one that has, in it."""


@pytest.mark.parametrize("place", ["{statement}\ndef each(x):\n    return {call}\n", "def each(x):\n    {statement}\n    return {call}\n"])
def test_modules_of_packages_without_a_file_of_their_own_count(tmp_path: Path, place: str) -> None:
    parts = [tmp_path / "spread" / name / "part.py" for name in ("", "deeper", "deeper/whole", "deeper/whole/inner")]
    for part in parts:
        part.parent.mkdir()
        part.write_text("def value(x):\n    return x\n")
    (parts[2].parent / "__init__.py").touch()
    for number, (statement, call) in enumerate(SPREAD):
        (tmp_path / f"use{number}.py").write_text(place.format(statement=statement, call=call))
    (tmp_path / "main.py").write_text("".join(f"import use{number}\n" for number in range(len(SPREAD))))
    each = f"[fingerprint(getattr(main, f'use{{n}}').each) for n in range({len(SPREAD)})]"
    before = evaluated(tmp_path, each)
    for part in parts:
        part.write_text("def value(x):\n    return x + 1\n")
    after = evaluated(tmp_path, each)
    assert [used for used, old, new in zip(SPREAD, before, after, strict=True) if old == new] == []


def test_a_module_with_the_name_of_a_function_of_another_is_not_taken_for_it(project: Path) -> None:
    (project / "scale.py").touch()
    before = printed(project)
    edit(project, "helpers.py", "x * 10", "x * 11")
    assert printed(project) != before


MADE_UP = """
import sys, types
class MadeUp(types.ModuleType):
    __file__ = "made_up.py"
    def __getattr__(self, name): return lambda x: x
sys.modules["made_up"] = MadeUp("made_up")
import made_up
"""


def test_a_module_that_has_every_attribute_is_no_package(project: Path) -> None:
    (project / "main.py").write_text(MADE_UP + MAIN.replace("own(x) +", "made_up.own(x) +"))
    assert printed(project) != "None"


def test_modules_that_import_a_name_from_each_other_have_a_digest(project: Path) -> None:
    (project / "one.py").write_text("try:\n    from two import shared\nexcept ImportError:\n    shared = 1\n")
    (project / "two.py").write_text("try:\n    from one import shared\nexcept ImportError:\n    shared = 2\n")
    edit(project, "main.py", "import helpers", "import helpers\nfrom one import shared")
    edit(project, "main.py", "return CONFIG", "return shared, CONFIG")
    before = printed(project)
    assert before != "None"
    edit(project, "two.py", "shared = 2", "shared = 3")
    assert printed(project) != before


def test_functions_made_in_functions_are_told_apart_by_code_and_by_what_they_capture() -> None:
    from dovetail.fingerprint import fingerprint

    def made(factor: int) -> object:
        def inner(x: int) -> int:
            return x * factor

        return inner

    assert fingerprint(made(2)) == fingerprint(made(2))  # type: ignore[arg-type]
    assert fingerprint(made(2)) != fingerprint(made(3))  # type: ignore[arg-type]


def _maker(table: object) -> object:
    def inner(x: object) -> object:
        return x, table

    return inner


class Kept:
    """A class of the project, with a value of its own."""

    def __init__(self, value: int) -> None:
        self.value = value


class Listed(list[int]):
    """A list that keeps something besides its items."""

    def __init__(self, items: list[int], name: str) -> None:
        super().__init__(items)
        self.name = name


@pytest.mark.parametrize(
    ("one", "equal", "other"),
    [
        (["a"], ["a"], ["b"]),
        ({"a": [1]}, {"a": [1]}, {"a": [2]}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 2, "b": 1}),
        ({1, 2}, {2, 1}, {1, 3}),
        ([1], [1], [True]),
        ([1], [1], (1,)),
        (Path("a"), Path("a"), Path("b")),
        (Listed([1], "a"), Listed([1], "a"), Listed([1], "b")),
        (defaultdict(list), defaultdict(list), defaultdict(set)),
        (Path, Path, str),
        (len, len, max),
    ],
)
def test_what_a_function_captures_counts(one: object, equal: object, other: object) -> None:
    from dovetail.fingerprint import fingerprint

    digests = [fingerprint(_maker(value)) for value in (one, equal, other)]  # type: ignore[arg-type]
    assert digests[0] is not None
    assert digests[0] == digests[1] != digests[2]


def test_annotations_count_since_they_say_as_what_a_value_is_given() -> None:
    from dovetail.fingerprint import fingerprint

    def listed(x: list[int]) -> object:
        return x

    def tupled(x: tuple[int, ...]) -> object:
        return x

    assert fingerprint(listed) != fingerprint(tupled)


def test_what_holds_itself_is_told_and_what_cannot_be_told_has_no_digest() -> None:
    from dovetail.fingerprint import fingerprint

    around: list[object] = [1]
    around.append(around)
    assert fingerprint(_maker(around)) is not None  # type: ignore[arg-type]
    assert fingerprint(_maker(Kept(1))) is None  # type: ignore[arg-type]


PROMPT = """
import dataclasses, enum
FACTOR = 2
NAMES = ["a"]
class Colour(enum.Enum):
    RED = 1
class Base:
    size = 4
class Table(Base):
    def width(self):
        return FACTOR
@dataclasses.dataclass
class Shape:
    sides: list = dataclasses.field(default_factory=lambda: [3])
    height: int = 7
def deepest(x, scale=1):
    return x * scale
def deep(x):
    return sum(deepest(one) for one in x)
def compute(x):
    def inner():
        return [(lambda: NAMES)(), Table().width(), Shape(), Colour.RED, x in {"p", "q", "r", "s"}]
    return inner(), deep(x)
from dovetail.fingerprint import fingerprint
print(fingerprint(compute))
"""


def prompted(text: str, seed: str = "0") -> str:
    """Return the digest of a function that is defined at a prompt."""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed})
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FACTOR = 2", "FACTOR = 3"),
        ('NAMES = ["a"]', 'NAMES = ["b"]'),
        ("RED = 1", "RED = 2"),
        ("size = 4", "size = 5"),
        ("[3]", "[4]"),
        ("height: int = 7", "height: int = 8"),
        ("x * scale", "x + scale"),
        ("scale=1", "scale=2"),
        ('"s"', '"t"'),
    ],
)
def test_at_a_prompt_everything_counts_that_a_function_uses_or_the_functions_inside_of_it(old: str, new: str) -> None:
    assert old in PROMPT
    before = prompted(PROMPT)
    assert before not in ("", "None")
    assert prompted(PROMPT.replace(old, new)) != before


def test_at_a_prompt_the_digest_is_the_same_in_every_process() -> None:
    assert {prompted(PROMPT, seed) for seed in "123"} == {prompted(PROMPT)}


@pytest.mark.parametrize("statement", ["import helpers\n", "from helpers import shift\n", ""])
def test_at_a_prompt_the_modules_of_the_project_count_too(project: Path, statement: str) -> None:
    used = "shift" if "from" in statement else "helpers.shift"
    inside = "" if statement else "    import helpers\n"
    text = f"{statement}def compute(x):\n{inside}    return {used}(x)\nimport helpers\nfrom dovetail.fingerprint import fingerprint\nprint(fingerprint(compute))"

    def digest() -> str:
        return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, cwd=project).stdout

    before = digest()
    edit(project, "helpers.py", "x + OFFSET", "x - OFFSET")
    assert digest() != before
