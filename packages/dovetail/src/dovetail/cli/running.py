"""The command that runs a pipeline."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dovetail.cli.completion import complete_stacks
from dovetail.cli.failures import UserCodeFailed, raised_by_user_code
from dovetail.cli.pipeline_completion import complete_pipelines
from dovetail.cli.printing import output_option
from dovetail.cli.run_completion import complete_runs

if TYPE_CHECKING:
    from dovetail.history import RunView
    from dovetail.pipelines import Pipeline


@click.command()
@click.argument("target", metavar="MODULE:PIPELINE", shell_complete=complete_pipelines)
@click.option("--stack", shell_complete=complete_stacks, help="Name of the stack. Default: the active one.")
@click.option("--param", "-p", "parameters", multiple=True, metavar="NAME=VALUE", help="Argument of the pipeline, as JSON or plain text.")
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="YAML run configuration; the other options win over it."
)
@click.option("--no-cache", is_flag=True, help="Take no earlier results.")
@click.option(
    "--resume",
    default="",
    metavar="RUN",
    shell_complete=complete_runs,
    help="Continue a run that did not succeed: what it committed is not executed again.",
)
@click.option("--name", help="Name of the run; {pipeline}, {date} and {time} are filled in.")
@output_option
def run(
    target: str,
    stack: str | None,
    parameters: tuple[str, ...],
    config: Path | None,
    no_cache: bool,
    resume: str,
    name: str | None,
    output: str,
) -> None:
    """Run the pipeline that a module of the project, or a file, defines, and print what came of it."""
    pipeline = imported_pipeline(target)
    chosen = pipeline.with_options(
        config=config,
        stack=stack,
        run_name=name,
        cache=False if no_cache else None,
        parameters=_parameters(parameters, pipeline) or None,
    )
    run_and_show(chosen, resume, output)


def run_and_show(pipeline: Pipeline, resume: str, output: str) -> None:
    """Run a pipeline, show its progress, and print the run; with JSON or YAML, progress goes to stderr."""
    from dovetail.cli.progress import watching
    from dovetail.cli.run_views import print_run

    with watching(sys.stdout if output == "table" else sys.stderr) as watcher:
        view: RunView = _guarded(lambda: pipeline.run(resume=resume, on_event=watcher))
    with view.stack:
        print_run(view, output)


def imported_pipeline(target: str) -> Pipeline:
    """Return the pipeline at `module:pipeline`, imported from the working directory or the project's root.

    Raises `UserCodeFailed` if the module fails to be imported, `NotFound` with the closest name if there is no such pipeline.
    """
    module, _, name = target.partition(":")
    if not module or not name:
        raise click.UsageError(f"'{target}' is not of the form module:pipeline", click.get_current_context())
    make_importable()
    return _pipeline_in(_imported(_module_at(Path(module)) if module.endswith(".py") or os.sep in module else module), name)


def make_importable() -> None:
    """Put the working directory and the project's root on the import path."""
    for directory in reversed(_import_directories()):
        _put_on_import_path(directory)


def _import_directories() -> list[Path]:
    from dovetail.project import Project

    return [Path.cwd(), Project.find().root]


def _put_on_import_path(directory: Path) -> None:
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))


def _module_at(path: Path) -> str:
    """Return the name by which a file is imported: from a directory that is on the import path, else from its own, which is put there.

    Raises `NotFound` if there is no such file, `InvalidArgument` if its name is none that can be imported.
    """
    from dovetail_core.errors import InvalidArgument, NotFound

    file = (path if path.suffix == ".py" else path.with_name(f"{path.name}.py")).resolve()
    if not file.is_file():
        raise NotFound(f"there is no file {file}", remedy=f"name one from {Path.cwd()}, or a module that can be imported from there")
    for directory in _import_directories():
        if file.is_relative_to(directory.resolve()):
            parts = file.relative_to(directory.resolve()).with_suffix("").parts
            if all(map(str.isidentifier, parts)):
                return ".".join(parts)
    if not file.stem.isidentifier():
        raise InvalidArgument(f"{file} cannot be imported, since '{file.stem}' is no name in Python", remedy="rename it")
    _put_on_import_path(file.parent)
    return file.stem


def _imported(module: str) -> Any:
    from dovetail.importing import import_code
    from dovetail_core.errors import NotFound

    try:
        return _guarded(lambda: import_code(module), f"module '{module}' cannot be imported", everything=True)
    except UserCodeFailed as error:
        cause = error.__cause__
        if isinstance(cause, ModuleNotFoundError) and cause.name and f"{module}.".startswith(f"{cause.name}."):
            where = os.getcwd()
            raise NotFound(f"there is no module '{module}'", remedy=f"name one that can be imported from {where}, or a file") from cause
        raise


def _pipeline_in(module: Any, name: str) -> Pipeline:
    from dovetail.pipelines import Pipeline
    from dovetail.stackfile.document import closest
    from dovetail_core.errors import NotFound

    found = getattr(module, name, None)
    if isinstance(found, Pipeline):
        return found
    names = [key for key, value in vars(module).items() if isinstance(value, Pipeline)]
    wrong = "is not a pipeline" if hasattr(module, name) else "does not exist"
    remedy = f"its pipelines: {', '.join(names)}" if names else "decorate a function of it with @pipeline"
    raise NotFound(f"'{name}' of module '{module.__name__}' {wrong}{closest(name, names)}", remedy=remedy)


def _guarded(call: Any, what: str = "the pipeline's function failed while it was composed", *, everything: bool = False) -> Any:
    """Call something that executes code of the project, and tell what that raises from faults of dovetail."""
    from dovetail_core.errors import DovetailError

    try:
        return call()
    except DovetailError:
        raise
    except (Exception, SystemExit) as error:
        if everything or raised_by_user_code(error):
            raise UserCodeFailed(f"{what}: {type(error).__name__}: {error}", remedy="mend it, then run again") from error
        raise


def _parameters(given: tuple[str, ...], pipeline: Pipeline) -> Mapping[str, Any]:
    values = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise click.UsageError(f"'--param {one}' is not of the form name=value", click.get_current_context())
        known = pipeline.signature.inputs.get(name)
        values[name] = _value(text, Any if known is None else known.annotation)
    return values


def _value(text: str, annotation: Any) -> Any:
    """Return what a text means for an argument: itself where nothing but text is taken, else JSON, if it is any."""
    from dovetail.wiring import alternatives, assignable

    if text == "null" and assignable(None, annotation):
        return None
    if all(kind is str for kind in alternatives(annotation)):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
