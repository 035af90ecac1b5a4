"""Printing, errors and warnings of the command."""

import functools
import sys
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import typer
from rich.console import Console

from sk_fer._utils._other_run import OtherRunError

console = Console(highlight=False)

STATE = SimpleNamespace(debug=False)

# Their messages are printed alone; those of other errors follow the name of the error.
_CLEAR = (ValueError, TypeError, OSError, ImportError)


def one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap a subcommand: errors become one line on stderr and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (typer.Exit, typer.BadParameter):
            raise
        except KeyboardInterrupt:
            print("sk-fer: interrupted", file=sys.stderr)
            raise typer.Exit(130) from None
        except Exception as error:
            if STATE.debug:
                traceback.print_exc()
            show_error(_one_line(error))
            raise typer.Exit(1) from None

    return run


def say(line: str) -> None:
    """Print a line without breaking it."""
    console.print(line, soft_wrap=True)


def show_error(message: str) -> None:
    """Print an error as a line on stderr."""
    print(f"sk-fer: error: {' '.join(message.split())}", file=sys.stderr)


def show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as a line on stderr; replaces ``warnings.showwarning``."""
    print(f"sk-fer: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _one_line(error: Exception) -> str:
    notes = (f"({note})" for note in getattr(error, "__notes__", ()))
    message = " ".join([*str(error).split(), *notes])
    if isinstance(error, OtherRunError):
        message += " (--force instead of --resume starts again, --out chooses another folder)"
    if isinstance(error, _CLEAR) and message:
        return message
    return f"{type(error).__name__}: {message}".removesuffix(": ")
