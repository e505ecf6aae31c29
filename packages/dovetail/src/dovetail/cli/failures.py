"""How errors are shown, and the exit codes that they give."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from dovetail_core.errors import AlreadyExists, ConfigError, Conflict, DovetailError, InvalidArgument, NotFound, Unsupported
from dovetail_core.masking import mask

OK, FAILED, USAGE, INTERRUPTED, INTERNAL = 0, 1, 2, 130, 70
EXIT_CODES = """\b
Exit codes:
  0    done
  1    a run or a check failed, or a backend could not do it
  2    the command line or the configuration is wrong
  70   an internal error
  130  interrupted"""

_USAGE_ERRORS = (ConfigError, InvalidArgument, NotFound, AlreadyExists, Conflict, Unsupported)


class UserCodeFailed(ConfigError):
    """Code of the project raised where it should only be imported or composed; the exception is the cause."""


def exit_code_of(command: click.Command, arguments: Sequence[str] | None) -> int:
    """Run a command, show what it raises as one paragraph on stderr, and return the exit code."""
    try:
        result = command.main(args=None if arguments is None else list(arguments), prog_name="dovetail", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else OK
    except click.ClickException as error:
        _say(_sentence(error.format_message(), _hint(error)))
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        _say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at exit
        return OK
    except DovetailError as error:
        _show(error)
        return USAGE if isinstance(error, _USAGE_ERRORS) else FAILED
    except Exception as error:
        return _internal(error)


def _hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context else ""


def _show(error: DovetailError) -> None:
    if debugging():
        _say("".join(traceback.format_exception(error)))
    _say(_sentence(error.message, error.remedy))
    if error.__cause__ is not None and _from_user_code(error) and not debugging():
        _say(_tail(error.__cause__))


def _from_user_code(error: DovetailError) -> bool:
    """Tell whether an error's cause was raised by code of the project: where it was imported, or by a step of a run."""
    run_failed = type(error).__name__ == "RunFailed"  # its module, which imports the whole engine, may not be loaded
    return isinstance(error, UserCodeFailed) or (run_failed and not isinstance(error.__cause__, DovetailError))


def _internal(error: Exception) -> int:
    if debugging():
        _say("".join(traceback.format_exception(error)))
    remedy = "dovetail --debug ... shows where; please report it"
    _say(_sentence(f"this is a fault of dovetail or of a flavor: {type(error).__name__}: {error}", remedy))
    return INTERNAL


def debugging() -> bool:
    """Tell whether tracebacks are wanted."""
    return bool(_settings.get("debug"))


_settings: dict[str, Any] = {}


def set_debugging(on: bool) -> None:
    """Choose whether tracebacks are shown."""
    _settings["debug"] = on


def _sentence(what: str, remedy: str) -> str:
    return " ".join(["Error:", _ended(what), *([_ended(_advice(remedy))] if remedy else [])])


def _ended(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _advice(remedy: str) -> str:
    if remedy.startswith(("dovetail ", "pip ")):  # a command is typed as it stands
        return remedy if " shows " in remedy else f"Try: {remedy}"
    return remedy[:1].upper() + remedy[1:]


def _tail(error: BaseException) -> str:
    """Return the part of a traceback that is in the user's code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _machinery(frame.filename)]
    lines = traceback.format_list(own)
    return "".join([*lines, *traceback.format_exception_only(error)]).rstrip()


def _machinery(filename: str) -> bool:
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return filename.startswith(("<frozen", here + os.sep)) or os.sep + "dovetail_core" + os.sep in filename or "importlib" in filename


def raised_by_user_code(error: BaseException) -> bool:
    """Tell whether an exception comes from the project's code rather than from the machinery that called it."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and not _machinery(frames[-1].filename)


def _say(text: str) -> None:
    click.echo(mask(text), err=True)
