"""``sk-fer serve``: a web page that predicts the expressions in photographs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sk_fer import load_pretrained
from sk_fer._cli._console import say
from sk_fer._cli._models import load_model
from sk_fer._cli._options import local_path
from sk_fer.app import serve as serve_page

EXAMPLES = """
Examples:

sk-fer serve

sk-fer serve sk-fer-out/model.skfer --port 8000
"""

SHIPPED = "sk_fer, trained on FER2013"


def serve(
    models: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[MODEL...]",
            parser=local_path,
            help="Model files that the page offers besides the model of sk_fer. The first one is "
            "selected. A .joblib file can run any code when it is loaded: use only files of people "
            "you trust.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            help="Address to listen on. The default is for this machine only. With another "
            "address, other machines can use the page.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", "-p", min=0, max=65535, help="Port to listen on. 0: any free port."),
    ] = 7860,
) -> None:
    """Open a web page that finds the faces in photographs and predicts their expressions.

    The page is served on this machine only, until Ctrl-C. It accepts image files and pictures of a
    webcam. Photographs are not stored, and nothing is sent to other machines. Requires `pip install
    ".[app]"`.
    """
    named: dict[str, Any] = {}
    for path in models or []:
        named[str(path)] = load_model(path)
        if not hasattr(named[str(path)], "predict_proba"):
            raise ValueError(
                f"{path}: contains a {type(named[str(path)]).__name__} without predict_proba; "
                "expected a classifier that predicts probabilities"
            )
    named[SHIPPED] = load_pretrained()
    serve_page(
        named,
        host=host,
        port=port,
        on_start=lambda url: say(f"sk-fer: open {url} in a browser; Ctrl-C ends the server"),
    )
    say("sk-fer: the server has ended")
