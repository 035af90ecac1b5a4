"""``sk-fer search``: finds the best parameters by cross-validation."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sk_fer import make_classifier, save_model
from sk_fer._cli import _options as opt
from sk_fer._cli._console import say, show_warning
from sk_fer._cli._data import Source, read_faces
from sk_fer._cli._outputs import check_output, output_folder
from sk_fer._cli._report import score_split, show_faces
from sk_fer._cli._scheduler import check_scheduler, fits_on
from sk_fer._cli._search_plan import (
    N_CANDIDATES,
    N_FOLDS,
    STRATEGIES,
    Plan,
    majority_score,
    make_folds,
)
from sk_fer._cli._search_results import save_results
from sk_fer._cli._search_space import (
    STEPS,
    build_model,
    describe,
    read_grids,
    short_names,
    without_unused_steps,
)
from sk_fer._utils._counted import counted
from sk_fer._utils._folder_lock import lock_folder
from sk_fer._utils._other_run import OtherRunError
from sk_fer.estimators import NETWORKS

EXAMPLES = """
Examples:

sk-fer search fer2013.csv --fraction 0.1 --param lr=0.02,0.05,0.1 --param dropout=0.2,0.4

sk-fer search fer2013.csv --cv usage --param equalize=false,global,adaptive --param lr=0.02,0.05

sk-fer search CK+48 --cv subject:10 --model dense --param "hidden_layer_sizes=(256,),(512,128)"

sk-fer search fer2013.csv --epochs 9 --strategy halving --param optimizer=sgd,adamw --n-jobs 2

sk-fer search fer2013.csv --grid grid.yaml --strategy optuna --n-candidates 30

sk-fer search fer2013.csv --grid grid.yaml --strategy optuna --n-candidates 30 --resume

sk-fer search fer2013.csv --epochs 9 --scheduler tcp://192.168.0.2:8786

A file for --grid has values, ranges and steps of preprocessing:

    lr: {low: 0.01, high: 0.2, log: true}

    dropout: {low: 0.0, high: 0.5, step: 0.1}

    optimizer: [sgd, adamw]

    equalize: [false, global, adaptive]
"""

FILES = ("model.skfer", "search.csv")
FITS = "fits"  # the folder of the journal


def _not_zero(n_jobs: int) -> int:
    if n_jobs == 0:
        raise typer.BadParameter(
            "got 0, expected the number of fits at the same time, or -1 for all cores"
        )
    return n_jobs


def _folds_name(text: str) -> str:
    kind, colon, number = text.partition(":")
    if text.isdecimal():
        kind, colon, number = "K", ":", text
    if kind not in ("usage", "subject", "K") or (kind == "usage" and colon):
        raise typer.BadParameter(f"got {text!r}, expected usage, subject, subject:K or K")
    if colon and not (number.isdecimal() and int(number) > 1):
        raise typer.BadParameter(f"got {text!r}, expected 2 or more folds")
    return text


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
            f"combinations are candidates. {', '.join(STEPS)} are steps before the model. Their "
            "values are true (use the step), false (leave it out), or a value of the first "
            "parameter of the step; equalize__clip_limit is another parameter of a step. "
            "[default: four candidates, depending on the model]",
        ),
    ] = None,
    grid: Annotated[
        Path | None,
        typer.Option(
            "--grid",
            "-g",
            metavar="FILE.yaml",
            parser=opt.local_path,
            help="File with lists and ranges of values (see the example below), or with a list of "
            "several grids. Requires PyYAML.",
        ),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            metavar=f"[{'|'.join(STRATEGIES)}]",
            callback=opt.one_of(STRATEGIES),
            help="grid: all candidates. random: some of them at random. halving: train all "
            "candidates for few epochs, then the best third of them to three times as many epochs, "
            "and so on. optuna: Optuna proposes each candidate from the scores of earlier ones.",
        ),
    ] = "grid",
    n_candidates: Annotated[
        int | None,
        typer.Option(
            "--n-candidates",
            min=1,
            metavar="N",
            help="Number of candidates of random and optuna. With halving, this many candidates "
            f"are drawn at random. [default: {N_CANDIDATES}; with halving, all of a grid without "
            "ranges]",
        ),
    ] = None,
    cv: Annotated[
        str,
        typer.Option(
            "--cv",
            metavar="[usage|subject|subject:K|K]",
            callback=_folds_name,
            help="K: K folds of the training images, stratified by class. If DATA names the "
            "people, no person is in two folds. subject or subject:K: the same, but an error if "
            "DATA does not name the people. usage: train on the training split of DATA and score "
            "on its validation split.",
        ),
    ] = str(N_FOLDS),
    epochs: Annotated[
        int, typer.Option("--epochs", "-e", min=1, metavar="N", help="Epochs of each fit.")
    ] = 5,
    fraction: opt.Fraction = 1.0,
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
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="Fit on the workers of a Dask cluster, whose scheduler has this address, such as "
            "tcp://192.168.0.2:8786. By default, all workers are used at the same time.",
        ),
    ] = None,
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
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            "-r",
            help="Continue an interrupted search in DIR, if there is one, without repeating its "
            "finished fits. DATA and the other options must be the same; --n-candidates of optuna "
            "can be larger.",
        ),
    ] = False,
    force: opt.Force = False,
) -> None:
    """Try combinations of parameters by cross-validation on the training images.

    All combinations are checked before the first fit. The best model is trained again on all
    training images, scored once on the validation split, and saved.
    """
    opt.check_share("--fraction", fraction, most=1, may_be_all=True)
    source = Source(
        data, ferplus, classes, image_size, skip_bad, test_size, seed, color, data_format
    )
    classifier = make_classifier(
        model, max_epochs=epochs, random_state=seed, device=device, precision=precision
    )
    grids = read_grids(param, grid) or [dict(NETWORKS[model].param_grid)]
    if scheduler is not None and n_jobs == 1:
        n_jobs = -1
    fits = out / FITS
    plan = Plan(*build_model(classifier, grids), strategy, n_candidates, n_jobs, seed, fits)
    if fits.exists() and not (resume or force):
        raise FileExistsError(
            f"{out} contains an earlier search; use --resume to continue it, or --force to start "
            "again"
        )
    check_output(out, FILES, force=force or fits.exists())
    check_scheduler(scheduler)
    faces = read_faces(source)
    show_faces(faces)
    rows, folds, groups = make_folds(cv, faces, fraction)
    images, target = faces.images_of(rows), faces.target[rows]
    with output_folder(out):
        if fits.exists() and not resume:
            with lock_folder(fits):  # raises an error if another search uses it
                pass
            shutil.rmtree(fits)
        say(
            f"Searching {plan.size} of {model} on {len(rows):,} images, "
            f"{counted(len(folds), 'fold')}, at most {counted(epochs, 'epoch')}"
        )
        with fits_on(scheduler):
            results, params, score = _run(plan, images, target, folds, groups, out)
        save_results(results, out / "search.csv")
        say(escape(f"Best: {describe(params)}\n"))
        majority, error = majority_score(target, folds)
        if score <= majority + 2 * error:
            show_warning(
                f"the best accuracy, {score:.1%}, is not clearly better than {majority:.1%}, that "
                "of always predicting the most frequent class; use more --epochs or other values"
            )
        # With --cv usage, the validation images are among the rows.
        train = folds[0][0] if cv == "usage" else slice(None)
        best = plan.fit(
            params, images[train], target[train], None if groups is None else groups[train]
        )
        best = without_unused_steps(best)
        save_model(best, out / "model.skfer")
        score_split(best, faces, "validation")
        if cv == "usage":
            note = ". Score it on the test split, too" if "test" in faces.held_out() else ""
            say(f"The model was chosen by these images, so that its score is too high{note}.")
    say(escape(f"Wrote {' and '.join(FILES)} into {out}"))
    n_failed = int(results["mean_test_score"].isna().sum())
    if n_failed:
        raise ValueError(f"{n_failed} of {len(results)} candidates failed in at least one fold")


def _run(plan: Plan, images: Any, target: Any, folds: Any, groups: Any, out: Path) -> Any:
    """Run a search. If it is interrupted, write the scores so far."""
    try:
        return plan.run(images, target, folds, groups)
    except BlockingIOError:  # another process uses the folder
        raise
    except OtherRunError as error:
        raise OtherRunError(short_names(str(error))) from error
    except (KeyboardInterrupt, Exception) as error:
        finished = plan.finished()
        if finished is None:
            shutil.rmtree(plan.folder, ignore_errors=True)
        elif isinstance(error, KeyboardInterrupt):
            save_results(finished, out / "search.csv")
            say(escape(f"Interrupted: wrote the scores so far to {out / 'search.csv'}"))
            say("Run the same command with --resume to continue after the last finished fit.")
        raise
