"""The subcommands, and the options that come before them."""

import io
import sys
import warnings
from typing import Annotated

import typer

from sk_fer._cli import (
    _compare,
    _describe,
    _evaluate,
    _export,
    _html_report,
    _learning_curve,
    _predict,
    _search,
    _serve,
    _train,
)
from sk_fer._cli._console import STATE, console, one_line_errors, show_warning
from sk_fer._version import __version__

app = typer.Typer(
    name="sk-fer",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 an error (one line on stderr), 2 wrong usage, 130 Ctrl-C.",
)

app.command(epilog=_train.EXAMPLES)(one_line_errors(_train.train))
app.command(epilog=_evaluate.EXAMPLES)(one_line_errors(_evaluate.evaluate))
app.command(epilog=_html_report.EXAMPLES)(one_line_errors(_html_report.report))
app.command(epilog=_predict.EXAMPLES)(one_line_errors(_predict.predict))
app.command(epilog=_serve.EXAMPLES)(one_line_errors(_serve.serve))
app.command(epilog=_search.EXAMPLES)(one_line_errors(_search.search))
app.command(epilog=_compare.EXAMPLES)(one_line_errors(_compare.compare))
app.command("learning-curve", epilog=_learning_curve.EXAMPLES)(
    one_line_errors(_learning_curve.learning_curve)
)
app.command(epilog=_describe.EXAMPLES)(one_line_errors(_describe.data))
app.command(epilog=_export.EXAMPLES)(one_line_errors(_export.export))


def _show_version(show: bool) -> None:
    if show:
        console.print(f"sk-fer {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Facial expression recognition: train, score and use classifiers of faces."""
    STATE.debug = debug
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files need not be valid Unicode
        sys.stdout.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run the command. ``--debug`` is accepted at any position."""
    warnings.showwarning = show_warning
    arguments = sys.argv[1:]
    debug = ["--debug"] if "--debug" in arguments else []
    sys.exit(app(debug + [argument for argument in arguments if argument != "--debug"]))
