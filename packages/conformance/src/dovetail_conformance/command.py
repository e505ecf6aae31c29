"""The command: run, list, explain, grade, readme, mutants."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from dovetail_conformance.clear_group import ClearGroup
from dovetail_conformance.effort import Effort
from dovetail_conformance.offers import contract_names, target_names

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_EFFORTS = click.Choice([effort.label for effort in Effort])


def _complete(names: Callable[[], list[str]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    return lambda ctx, parameter, incomplete: [name for name in names() if name.startswith(incomplete)]


@click.group(cls=ClearGroup)
def conformance() -> None:
    """Say whether a flavor keeps its type's contract."""


@conformance.command()
@click.argument("target", metavar="TYPE/FLAVOR|MODULE:CLASS", shell_complete=_complete(target_names))
@click.option("--config", type=_FILE, help="Settings for the harness, as TOML.")
@click.option("--harness", metavar="MODULE:CLASS", help="Harness of a flavor that no package offers.")
@click.option("--effort", type=_EFFORTS, default="standard", show_default=True, help="How hard to try.")
@click.option("--certify", is_flag=True, help="Refuse whatever makes a report worth less.")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Directory for the report.")
@click.option("--lowest", type=_FILE, help="Report of a run with the lowest versions that the package allows.")
@click.option("--seed", type=int, help="What everything random begins with; default: a new one, which is printed.")
@click.option("--limit", type=click.FloatRange(0, min_open=True), help="Seconds that a rule may take; default: by the harness's patience.")
@click.option(
    "-n",
    "--workers",
    type=click.IntRange(1),
    default=lambda: min(os.cpu_count() or 1, 4),
    help="Processes; default: one per core, at most 4.",
)
@click.option("-k", "--only", metavar="IDS", help="Ask these rules only, such as AS-09,AS-10.")
@click.pass_context
def run(
    ctx: click.Context,
    target: str,
    config: Path | None,
    harness: str | None,
    effort: str,
    certify: bool,
    report: Path | None,
    lowest: Path | None,
    seed: int | None,
    limit: float | None,
    workers: int,
    only: str | None,
) -> None:
    """Ask a flavor every rule of its contract; the exit code is 0 if it keeps them.

    A class of a project that no package offers is named by its path, as MODULE:CLASS; its module is looked for in the working directory, too.
    """
    import pytest

    from dovetail_conformance import targets
    from dovetail_conformance.report import read
    from dovetail_conformance.report.storing import discard
    from dovetail_conformance.running import run as run_suite

    found = targets.target(target, harness)  # what cannot be loaded is said before anything is started
    targets.settings(config)
    if lowest is not None:
        read(lowest)
    wanted = _chosen(found.contract.rules, only)
    given: dict[str, object] = {"target": target, "config": config, "harness": harness, "effort": effort}
    given |= {"seed": seed, "limit": limit}
    words = [f"--conformance-{name}={value}" for name, value in given.items() if value is not None]
    words += ["--conformance-certify"] if certify else []
    words += ["-k", " or ".join(wanted)] if wanted else []
    with tempfile.TemporaryDirectory(prefix="dovetail-report-") as folder:
        if lowest is not None:  # a copy: it may be the report that is about to be replaced
            words.append(f"--conformance-lowest={shutil.copyfile(lowest, Path(folder, 'lowest.json'))}")
        kept = report or Path(folder)
        discard(kept)
        code = run_suite("flavor_under_test", [*words, f"--conformance-report={kept}"], workers)
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR):
            click.echo("the run broke off; run it again", err=True)
        elif not wanted and (kept / "report.json").is_file():
            _print_tier(kept / "report.json", lasts=report is not None)
    ctx.exit(code)


def _chosen(rules: object, only: str | None) -> list[str]:
    from dovetail_core.errors import NotFound

    assert isinstance(rules, dict)
    ids = [word.strip().upper() for word in (only or "").split(",") if word.strip()]
    if unknown := [id for id in ids if id not in rules]:
        raise NotFound(f"there is no rule {', '.join(unknown)} in this contract", remedy="dovetail conformance list TYPE")
    return [rules[id].method for id in ids]


@conformance.command("list")
@click.argument("component_type", metavar="[TYPE]", required=False, shell_complete=_complete(contract_names))
def list_rules(component_type: str | None) -> None:
    """List the rules of a type, or the types and flavors that can be asked."""
    from dovetail_conformance import targets

    if component_type is None:
        for name in contract_names():
            flavors = [target for target in target_names() if target.startswith(f"{name}/")]
            click.echo(f"{name}: {', '.join(flavors) or 'no flavor with a harness is installed'}")
        return
    for rule in targets.contract(component_type).rules.values():
        needs = f"  [{', '.join(need.name for need in rule.needs)}]" if rule.needs else ""
        click.echo(f"{rule.id}  {rule.text}{needs}")


@conformance.command()
@click.argument("rule_id", metavar="RULE")
def explain(rule_id: str) -> None:
    """Explain a rule: what it says, why, and what it needs."""
    from dovetail_conformance import targets
    from dovetail_conformance.explaining import explanation

    wanted = rule_id.upper()
    for name in contract_names():
        asked = targets.contract(name)
        if wanted in asked.rules:
            click.echo(explanation(asked, asked.rules[wanted]))
            return
    raise click.ClickException(f"there is no rule {rule_id} (dovetail conformance list TYPE shows what there is)")


@conformance.command()
@click.argument("report", type=_FILE)
@click.option("--lowest", type=_FILE, help="Report of a run with the lowest versions that the package allows.")
@click.option("--all", "every", is_flag=True, help="Print what is missing for every tier up to gold.")
def grade(report: Path, lowest: Path | None, every: bool) -> None:
    """Print the tier that a report earns, and what is missing for the next."""
    from dovetail_conformance.report import read
    from dovetail_conformance.report.saying import all_missing, earned

    found, other = read(report), read(lowest) if lowest else None
    click.echo("\n".join(all_missing(found, other) if every else earned(found, other)))


def _print_tier(file: Path, *, lasts: bool) -> None:
    from dovetail_conformance.report import read
    from dovetail_conformance.report.saying import earned, further

    found = read(file)
    click.echo("\n".join([*earned(found), *further(found)]))
    click.echo(f"  all of it: dovetail conformance grade {file} --all" if lasts else "  the report was not kept (--report DIR)")


@conformance.command()
@click.argument("target", metavar="TYPE/FLAVOR", shell_complete=_complete(target_names))
@click.argument("file", type=_FILE, default="README.md")
@click.option("--check", is_flag=True, help="Write nothing; say whether the table is up to date.")
def readme(target: str, file: Path, check: bool) -> None:
    """Write the table of a flavor's capabilities into its README."""
    from dovetail_conformance import capability_table, targets

    text = file.read_text("utf-8")
    made = capability_table.updated(text, targets.target(target).harness.flavor)
    if check and made != text:
        way = "nox -s readme" if _has_session(file.with_name("noxfile.py")) else f"dovetail conformance readme {target} {file}"
        raise click.ClickException(f"the capabilities in {file} are out of date: {way} writes them")
    if made != text:
        file.write_text(made, "utf-8")
    click.echo(f"the capabilities in {file} are {'up to date' if made == text else 'written'}")


def _has_session(noxfile: Path) -> bool:
    """Tell whether the package of a README has a session that writes the table, as the packages of the template have."""
    return noxfile.is_file() and "def readme(" in noxfile.read_text("utf-8")


@conformance.command()
@click.argument("component_type", metavar="TYPE", shell_complete=_complete(contract_names))
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("-n", "--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option("--every", is_flag=True, help="Want a mutant for the rules of every type, too.")
@click.pass_context
def mutants(ctx: click.Context, component_type: str, files: tuple[Path, ...], workers: int, every: bool) -> None:
    """Print which rule catches which mutant; the exit code is 0 if every rule catches one and every mutant is as it is said to be."""
    from dovetail_conformance.kill_table import report_on

    good = report_on(component_type, list(files), workers, click.echo, every)
    ctx.exit(0 if good else 1)


def main() -> None:
    """Run the command as a program of its own."""
    conformance(prog_name="python -m dovetail_conformance")
    sys.exit(0)
