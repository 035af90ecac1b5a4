"""``sk-fer search``: finds the best parameters by cross-validation."""

import json
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich import box
from rich.markup import escape
from rich.table import Table
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.metrics import accuracy_score
from sklearn.model_selection import ParameterGrid

from sk_fer import make_classifier, save_model
from sk_fer._cli import _options as opt
from sk_fer._cli._console import console, say
from sk_fer._cli._data import Source, read_faces
from sk_fer._cli._outputs import check_output, output_folder, write_file
from sk_fer._cli._report import score_split, show_faces
from sk_fer.estimators import NETWORKS
from sk_fer.model_selection import grid_search

EXAMPLES = """
Examples:

sk-fer search fer2013.csv --fraction 0.1 --param lr=0.02,0.05,0.1 --param dropout=0.2,0.4

sk-fer search fer2013.csv --model dense --param "hidden_layer_sizes=(256,),(512,128)"

sk-fer search fer2013.csv --epochs 9 --halving --param optimizer=sgd,adamw --n-jobs 2
"""

FILES = ("model.skfer", "search.csv")


def _not_zero(n_jobs: int) -> int:
    if n_jobs == 0:
        raise typer.BadParameter(
            "got 0, expected the number of fits at the same time, or -1 for all cores"
        )
    return n_jobs


def search(
    data: opt.Data = None,
    model: opt.Model = "fast",
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            metavar="NAME=V1,V2,...",
            help="Values of a parameter, as Python literals. Can be given several times: all "
            "combinations are tried. [default: four candidates, depending on the model]",
        ),
    ] = None,
    cv: Annotated[int, typer.Option("--cv", min=2, metavar="K", help="Number of folds.")] = 3,
    epochs: Annotated[
        int, typer.Option("--epochs", "-e", min=1, metavar="N", help="Epochs of each fit.")
    ] = 5,
    fraction: opt.Fraction = 1.0,
    halving: Annotated[
        bool,
        typer.Option(
            "--halving",
            help="Train all candidates for few epochs, and repeatedly the best third for three "
            "times as many (successive halving).",
        ),
    ] = False,
    n_jobs: Annotated[
        int,
        typer.Option(
            "--n-jobs",
            "-j",
            metavar="N",
            callback=_not_zero,
            help="Number of fits at the same time; -1 for one per core.",
        ),
    ] = 1,
    data_format: opt.Format = "auto",
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

    The folds are stratified by class. In CK+, no subject is in two folds. The best model is trained
    again on all training images, scored once on the validation split, and saved.
    """
    opt.check_share("--fraction", fraction, most=1, may_be_all=True)
    source = Source(
        data, ferplus, classes, image_size, skip_bad, test_size, seed, color, data_format
    )
    classifier = make_classifier(
        model, max_epochs=epochs, random_state=seed, device=device, precision=precision
    )
    grid: dict[str, list[Any]] = {
        name: opt.parse_values(values)
        for name, values in opt.parse_settings(param or [], "--param").items()
    } or dict(NETWORKS[model].param_grid)
    opt.check_names(grid, classifier, "--param")
    candidates = list(ParameterGrid(grid))
    for candidate in candidates:
        opt.check_parameters(clone(classifier).set_params(**candidate))

    check_output(out, FILES, force=force)
    faces = read_faces(source)
    show_faces(faces)
    rows = faces.rows("train", fraction)
    with output_folder(out):
        images, target = faces.images_of(rows), faces.target[rows]
        groups = None if faces.groups is None else faces.groups[rows]
        say(
            f"Searching {len(candidates)} candidates of {model} on {len(rows):,} images, "
            f"{cv} folds, at most {epochs} epochs"
        )
        bar = console.is_terminal and not halving  # halving has no callbacks
        with TemporaryDirectory() as folder:
            finished = Path(folder, "finished.jsonl")
            try:
                # The best candidate is fitted below, after the table is written.
                searched = grid_search(
                    classifier,
                    grid,
                    images,
                    target,
                    groups=groups,
                    cv=cv,
                    halving=halving,
                    scoring=partial(_score, list(grid), finished, not bar),
                    refit=False,
                    n_jobs=n_jobs,
                    callbacks=[ProgressBar()] if bar else [],
                    random_state=seed,
                )
            except KeyboardInterrupt:
                if finished.exists():
                    _save(_average(finished), out, halving=halving)
                    say(escape(f"Interrupted: wrote the scores so far to {out / 'search.csv'}"))
                raise
        results = pd.DataFrame(searched.cv_results_)
        _save(results, out, halving=halving)
        say(escape(f"Best: {_describe(searched.best_params_)}\n"))
        best = clone(classifier).set_params(**searched.best_params_)
        best.fit(images, target, groups=groups)
        save_model(best, out / "model.skfer")
        score_split(best, faces, "validation")
    say(escape(f"Wrote {' and '.join(FILES)} into {out}"))
    n_failed = int(results["mean_test_score"].isna().sum())
    if n_failed:
        raise ValueError(f"{n_failed} of {len(results)} candidates failed in at least one fold")


def _score(names: list[str], finished: Path, tell: bool, classifier: Any, X: Any, y: Any) -> float:
    """Return the accuracy on a fold, and add it to a file, which fits in other processes share."""
    accuracy = accuracy_score(y, classifier.predict(X))
    row = {
        "params": _describe({name: getattr(classifier, name) for name in names}),
        "n_resources": classifier.max_epochs,
        "accuracy": accuracy,
        "seconds": classifier.history_["seconds"].sum(),
    }
    with finished.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    if tell:
        say(escape(f"Accuracy {accuracy:.1%} after {row['seconds']:.1f} s, {row['params']}"))
    return accuracy


def _average(finished: Path) -> pd.DataFrame:
    """Return the scores of the fits that finished, a row per candidate as in ``cv_results_``."""
    fits = pd.read_json(finished, lines=True)
    groups = fits.groupby(["params", "n_resources"], as_index=False, sort=False)
    results = groups.agg(
        n_finished_folds=("accuracy", "size"),
        mean_test_score=("accuracy", "mean"),
        std_test_score=("accuracy", partial(np.std, ddof=0)),
        mean_fit_time=("seconds", "mean"),
    )
    ranks = results["mean_test_score"].rank(ascending=False, method="min")
    return results.assign(rank_test_score=ranks.astype(int))


def _save(results: pd.DataFrame, out: Path, *, halving: bool) -> None:
    """Print the candidates and write them to a file."""
    say("\n[bold]Accuracy over the folds[/]")
    console.print(_candidates_table(results, halving=halving))
    write_file(out / "search.csv", lambda path: results.to_csv(path, index=False))


def _candidates_table(results: pd.DataFrame, *, halving: bool) -> Table:
    """Return the candidates, the best first. With halving, those with more epochs come first."""
    table = Table(box=box.SIMPLE)
    for name in ("rank", "mean", "spread", "seconds per fit"):
        table.add_column(name, justify="right")
    more = {"epochs": "n_resources"} if halving else {}
    if "n_finished_folds" in results:
        more["folds"] = "n_finished_folds"
    for name in more:
        table.add_column(name, justify="right")
    table.add_column("parameters", overflow="fold")
    order = ["n_resources", "mean_test_score"] if halving else ["mean_test_score"]
    for row in results.sort_values(order, ascending=False).to_dict("records"):
        failed = pd.isna(row["mean_test_score"])
        numbers = [
            f"{row['rank_test_score']}",
            "failed" if failed else f"{row['mean_test_score']:.1%}",
            "-" if failed else f"{row['std_test_score']:.1%}",
            f"{row['mean_fit_time']:.1f}",
        ]
        numbers += [f"{row[column]}" for column in more.values()]
        params = row["params"]
        table.add_row(*numbers, escape(params if isinstance(params, str) else _describe(params)))
    return table


def _describe(params: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in params.items())
