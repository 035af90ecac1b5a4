"""``sk-fer search``: the best parameters by cross-validation."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich import box
from rich.markup import escape
from rich.table import Table
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    ParameterGrid,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from sk_fer import make_classifier, save_model
from sk_fer._cli import _options as opt
from sk_fer._cli._console import console, say
from sk_fer._cli._data import Source, read_faces
from sk_fer._cli._outputs import check_output, output_folder, write_file
from sk_fer._cli._report import score_split, show_faces

EXAMPLES = """
Examples:

sk-fer search fer2013.csv --fraction 0.1 --param lr=0.02,0.05,0.1 --param dropout=0.2,0.4

sk-fer search fer2013.csv --model dense --param "hidden_layer_sizes=(256,),(512,128)"

sk-fer search fer2013.csv --epochs 9 --halving --param optimizer=sgd,adamw --n-jobs 2
"""

DEFAULT_GRIDS: dict[str, dict[str, list[Any]]] = {
    "cnn": {"lr": [0.02, 0.1], "label_smoothing": [0.0, 0.1]},
    "dense": {"lr": [3e-4, 1e-3], "dropout": [0.1, 0.3]},
    "efficientnet_b2": {"lr": [3e-4, 1e-3], "dropout": [0.2, 0.5]},
    "resnet50": {"lr": [3e-4, 1e-3], "dropout": [0.2, 0.5]},
    "sequential": {"lr": [3e-4, 1e-3], "dropout": [0.25, 0.5]},
    "vgg": {"lr": [3e-4, 1e-3], "dropout": [0.25, 0.5]},
    "accurate": {"lr": [0.02, 0.05], "dropout": [0.2, 0.4]},
}

FILES = ("model.skfer", "search.csv")


def _not_zero(n_jobs: int) -> int:
    if n_jobs == 0:
        raise typer.BadParameter("0 is no number of fits; wanted 1 or more, or -1")
    return n_jobs


def search(
    data: opt.Data = None,
    model: opt.Model = "cnn",
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            metavar="NAME=V1,V2,...",
            help="Values to try, as Python literals. Repeatable: all combinations are tried. "
            "Without it, four candidates chosen for the model.",
        ),
    ] = None,
    cv: Annotated[int, typer.Option("--cv", min=2, metavar="K", help="Folds.")] = 3,
    epochs: Annotated[
        int, typer.Option("--epochs", "-e", min=1, metavar="N", help="Epochs of each fit.")
    ] = 5,
    fraction: opt.Fraction = 1.0,
    halving: Annotated[
        bool,
        typer.Option(
            "--halving", help="Give all a few epochs, and the best third of them three times more."
        ),
    ] = False,
    n_jobs: Annotated[
        int,
        typer.Option(
            "--n-jobs",
            "-j",
            metavar="N",
            callback=_not_zero,
            help="Fits at a time, -1: one a core.",
        ),
    ] = 1,
    ferplus: opt.Ferplus = None,
    classes: opt.Classes = None,
    image_size: opt.ImageSize = None,
    color: opt.Color = False,
    skip_bad: opt.SkipBad = False,
    test_size: opt.TestSize = 0.1,
    seed: opt.Seed = 0,
    device: opt.Device = "auto",
    precision: opt.Precision = "auto",
    out: opt.Out = Path("sk-fer-search"),
    force: opt.Force = False,
) -> None:
    """Try combinations of parameters by cross-validation on the training images.

    The folds have all classes alike, of CK+ no subject in common. The best is trained again
    on all training images, scored once on the validation split, and written.
    """
    opt.check_share("--fraction", fraction, most=1, may_be_all=True)
    source = Source(data, ferplus, classes, image_size, skip_bad, test_size, seed, color)
    classifier = make_classifier(
        model, max_epochs=epochs, random_state=seed, device=device, precision=precision
    )
    grid: dict[str, list[Any]] = {
        name: opt.parse_values(values)
        for name, values in opt.parse_settings(param or [], "--param").items()
    } or DEFAULT_GRIDS[model]
    opt.check_names(grid, classifier, "--param")
    candidates = list(ParameterGrid(grid))
    for candidate in candidates:
        opt.check_parameters(clone(classifier).set_params(**candidate))

    check_output(out, FILES, force=force)
    faces = read_faces(source)
    show_faces(faces)
    rows = faces.rows("train", fraction)
    largest = int(np.unique(faces.target[rows], return_counts=True)[1].max())
    if cv > largest:
        raise ValueError(
            f"--cv is {cv}, and no class has more than {largest} training images; wanted at most "
            "as many folds"
        )
    with output_folder(out):
        groups = None if faces.groups is None else faces.groups[rows]
        fit_params = {} if groups is None else {"groups": groups}
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        folds = kind(cv, shuffle=True, random_state=seed)
        bar = console.is_terminal and not halving  # which takes no callbacks
        scoring = "accuracy" if bar else partial(_say_accuracy, list(grid))
        searched = _make_search(
            _taking_groups(classifier) if fit_params else classifier,
            grid,
            folds,
            n_jobs,
            scoring,
            halving=halving,
            seed=seed,
        )
        say(
            f"Searching {len(candidates)} candidates of {model} on {len(rows):,} images, "
            f"{cv} folds, at most {epochs} epochs"
        )
        if bar:
            searched.set_callbacks(ProgressBar())
        # Each fit needs the groups, too, for the validation images that it sets aside.
        with config_context(enable_metadata_routing=groups is not None):
            searched.fit(faces.images[rows], faces.target[rows], **fit_params)

        results = pd.DataFrame(searched.cv_results_)
        say("\n[bold]Accuracy over the folds[/]")
        console.print(_candidates_table(results, halving=halving))
        write_file(out / "search.csv", lambda path: results.to_csv(path, index=False))
        say(escape(f"Best: {_describe(searched.best_params_)}\n"))
        best = clone(classifier).set_params(**searched.best_params_)
        best.fit(faces.images[rows], faces.target[rows], **fit_params)
        save_model(best, out / "model.skfer")
        score_split(best, faces, "validation")
    say(escape(f"Wrote {' and '.join(FILES)} into {out}"))
    n_failed = int(results["mean_test_score"].isna().sum())
    if n_failed:
        raise ValueError(f"{n_failed} of {len(results)} candidates failed in one fold or more")


def _taking_groups(classifier: Any) -> Any:
    """Return a clone that takes the groups of a search in each of its fits."""
    with config_context(enable_metadata_routing=True):
        return clone(classifier).set_fit_request(groups=True)


def _make_search(
    classifier: Any,
    grid: dict[str, list[Any]],
    folds: Any,
    n_jobs: int,
    scoring: Any,
    *,
    halving: bool,
    seed: int,
) -> Any:
    # One candidate that fails does not cost the others; the best is fitted after the table is
    # written.
    settings = {"scoring": scoring, "cv": folds, "n_jobs": n_jobs, "refit": False}
    if not halving:
        return GridSearchCV(classifier, grid, **settings)
    return HalvingGridSearchCV(
        classifier,
        grid,
        resource="max_epochs",
        max_resources=classifier.max_epochs,
        min_resources="exhaust",
        random_state=seed,
        **settings,
    )


def _say_accuracy(names: list[str], classifier: Any, X: Any, y: Any) -> float:
    """Score one fit on its fold, and tell of it where no bar does."""
    accuracy = accuracy_score(y, classifier.predict(X))
    seconds = classifier.history_["seconds"].sum()
    params = {name: getattr(classifier, name) for name in names}
    say(escape(f"Accuracy {accuracy:.1%} after {seconds:.1f} s, {_describe(params)}"))
    return accuracy


def _candidates_table(results: pd.DataFrame, *, halving: bool) -> Table:
    """Return the candidates, best first; of halving those of more epochs before the others."""
    table = Table(box=box.SIMPLE)
    for name in ("rank", "mean", "spread", "seconds a fit"):
        table.add_column(name, justify="right")
    if halving:
        table.add_column("epochs", justify="right")
    table.add_column("parameters", overflow="fold")
    order = ["iter", "mean_test_score"] if halving else ["mean_test_score"]
    for row in results.sort_values(order, ascending=False).to_dict("records"):
        failed = pd.isna(row["mean_test_score"])
        numbers = [
            f"{row['rank_test_score']}",
            "failed" if failed else f"{row['mean_test_score']:.1%}",
            "-" if failed else f"{row['std_test_score']:.1%}",
            f"{row['mean_fit_time']:.1f}",
        ]
        if halving:
            numbers.append(f"{row['n_resources']}")
        table.add_row(*numbers, escape(_describe(row["params"])))
    return table


def _describe(params: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in params.items())
