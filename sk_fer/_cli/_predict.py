"""``sk-fer predict``: finds the faces in image files, and predicts their expressions."""

import json
import sys
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from sk_fer import load_pretrained, predict_faces
from sk_fer._cli._annotate import write_annotated
from sk_fer._cli._console import console, show_error
from sk_fer._cli._models import is_model_file, load_model
from sk_fer._cli._options import local_path, one_of
from sk_fer._cli._pictures import find_pictures
from sk_fer._cli._videos import is_video, predict_videos
from sk_fer._utils._write_aside import write_aside
from sk_fer.estimators._predict_faces import BEFORE_CLASSES, NO_FACE

EXAMPLES = """
Examples:

sk-fer predict

sk-fer predict photo.jpg

sk-fer predict holiday/ "more/*.jpg" --csv expressions.csv --annotate annotated

sk-fer predict talk.mp4 --every 0.2 --csv talk.csv --annotate annotated

sk-fer predict sk-fer-out/model.skfer face.png --faces whole --top 1 --json > expressions.json
"""

_N_FIRST = len(BEFORE_CLASSES)


def predict(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL] [IMAGE...]",
            help="MODEL is a model file (.skfer, or .joblib, .pickle or .pkl; loading the last "
            "three can run any code). Without MODEL, the command uses the model of sk_fer, which "
            "was trained on FER2013. IMAGE is an image file, a folder of images, or a pattern such "
            "as 'photos/*.jpg'. Without any argument, the command predicts a photograph that is "
            "part of scikit-image.",
            show_default=False,
        ),
    ] = None,
    faces: Annotated[
        str | None,
        typer.Option(
            "--faces",
            metavar="[auto|yunet|lbp|whole]",
            callback=one_of(("auto", "yunet", "lbp", "whole")),
            help="auto finds the faces in each image, with yunet if it is installed "
            '(`pip install ".[faces]"`), and with lbp otherwise; an image that is already one '
            "cropped face is used whole. whole uses each image as one face. [default: auto, or the "
            "detector in MODEL]",
            show_default=False,
        ),
    ] = None,
    top: Annotated[
        int,
        typer.Option(
            "--top", "-k", min=1, metavar="K", help="Number of most probable classes to show."
        ),
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            metavar="FILE",
            parser=local_path,
            help="Write a table with the boxes and all probabilities to a CSV file. It also has a "
            "row for each image without a face, and for each image that cannot be read. An "
            "existing file is overwritten.",
        ),
    ] = None,
    annotate: Annotated[
        Path | None,
        typer.Option(
            "--annotate",
            metavar="DIR",
            parser=local_path,
            help="Write a copy of each image with boxes and probabilities to this folder.",
        ),
    ] = None,
    every: Annotated[
        float,
        typer.Option(
            "--every",
            min=0,
            metavar="SECONDS",
            help="In videos: seconds between two frames in which faces are searched. With 0, faces "
            "are searched in each frame.",
        ),
    ] = 0.5,
    smooth: Annotated[
        float,
        typer.Option(
            "--smooth",
            min=0,
            metavar="SECONDS",
            help="In videos: the probabilities of a face are a mean over about this time, in which "
            "older frames count less. 0 turns the mean off.",
        ),
    ] = 1.0,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Exit with code 0 if at least one image can be read."),
    ] = False,
) -> None:
    """Find the faces in images and videos, and predict the expression of each.

    An image with several faces has several rows, the largest face first. An image without a face
    has a row that says so, and is not an error. If images cannot be read, they are listed on
    stderr, the others are still predicted, and the exit code is 1.

    Videos, such as talk.mp4, require `pip install ".[video]"`. The table has a row for each face
    of a video, with its mean probabilities. The CSV file has a row for each face in each searched
    frame, with the time in seconds. The annotated copy of a video has no sound.
    """
    if csv is not None and not csv.parent.is_dir():  # before the work
        raise FileNotFoundError(f"{csv} cannot be written: there is no folder {csv.parent}")
    if annotate is not None and annotate.exists() and not annotate.is_dir():
        raise NotADirectoryError(f"--annotate {annotate} is a file, expected a folder")
    classifier, images = _model_and_images(arguments or [_sample()])
    found, problems = find_pictures(images)
    videos = list(filter(is_video, found))
    paths = [path for path in found if not is_video(path)]
    rows: list[dict[str, Any]] = []
    copies: list[str] = []
    table = None
    if paths:
        table = predict_faces(classifier, paths, detector=faces, on_error="skip")
        reasons = table.iloc[:, -1]  # by position: a class can have any name
        is_read = (reasons.isna() | (reasons == NO_FACE)).to_numpy()
        problems += reasons[~is_read].tolist()
        read = zip(table.index[is_read], table.to_numpy(object)[is_read], strict=True)
        labels = classifier.classes_.tolist()
        rows = [_entry(path, row, labels, top) for path, row in read]
        if faces in (None, "auto") and (table["detector"].to_numpy() == "lbp").any():
            _note(
                "the faces were searched with lbp, which misses many; yunet finds more: run "
                'pip install ".[faces]" in the clone of sk_fer'
            )
        if annotate is not None:
            copies += write_annotated(annotate, table[is_read], top)
    with ExitStack() as stack:
        file = None
        if csv is not None and found:
            aside = stack.enter_context(write_aside(csv))
            # The name of a file need not be valid Unicode.
            file = stack.enter_context(
                aside.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            )
            if table is not None:
                if videos:
                    table.insert(0, "time", None, allow_duplicates=True)
                table.to_csv(file)
        if videos:
            of_videos = predict_videos(
                classifier,
                videos,
                every=every,
                smooth=smooth,
                detector=faces,
                top=top,
                csv=file,
                annotate=annotate,
                copies=copies,
            )
            for row in of_videos:
                if "face" in row:
                    rows.append(row)
                else:
                    problems.append(row["problem"])
    for problem in problems:
        show_error(problem)
    if rows:
        _show(rows, as_json=as_json)
    if file is not None:
        _note(f"wrote {csv}")
    if copies:
        number = f"{len(copies):,} annotated copies" if len(copies) > 1 else copies[0]
        _note(f"wrote {number} into {annotate}")
    if problems and not (skip_bad and rows):
        raise typer.Exit(1)


def _note(text: str) -> None:
    """Print a line on stderr, because stdout can be JSON."""
    print(f"sk-fer: {text}", file=sys.stderr)


def _sample() -> str:
    """Return the path of a photograph in scikit-image, and say what it is."""
    path = str(files("skimage.data") / "astronaut.png")
    _note(
        "no IMAGE is given; this is a photograph of the astronaut Eileen Collins (NASA, public "
        f"domain), {path}"
    )
    return path


def _model_and_images(arguments: list[str]) -> tuple[Any, list[str]]:
    """Return the model in the first argument, or the one of sk_fer, and the other arguments."""
    first, *others = arguments
    if not is_model_file(first):
        _note(
            "no MODEL is given; the predictions are those of the model of sk_fer, which was "
            "trained on FER2013"
        )
        return load_pretrained(), arguments
    if not others:
        raise typer.BadParameter(
            f"got the model {first} but no image; expected one or more images after it",
            param_hint="IMAGE",
        )
    model = local_path(first)
    classifier = load_model(model)
    if not hasattr(classifier, "predict_proba"):
        raise ValueError(
            f"{model}: contains a {type(classifier).__name__} without predict_proba; expected a "
            "classifier that predicts probabilities"
        )
    return classifier, others


def _entry(path: str, row: np.ndarray, labels: list[Any], top: int) -> dict[str, Any]:
    """Return a row of the table as plain values, with the most probable classes."""
    face, left, upper, width, height, score, detector, label = row[:_N_FIRST]
    if row[-1] == NO_FACE:
        return {"image": path, "face": None, "label": None, "problem": NO_FACE}
    best = np.argsort(-row[_N_FIRST:-1].astype(float), kind="stable")[:top]
    shares = {str(labels[i]): round(float(row[_N_FIRST + i]), 4) for i in best}
    return {
        "image": path,
        "face": int(face),
        "detector": detector,
        "box": [round(float(side), 1) for side in (left, upper, width, height)],
        "score": None if np.isnan(score) else round(float(score), 4),
        "label": label,
        "probabilities": shares,
    }


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        console.out(json.dumps(rows, indent=2), highlight=False)
        return
    table = Table(box=box.SIMPLE)
    table.add_column("image", overflow="fold")
    table.add_column("face", justify="right")
    table.add_column("label", style="bold")
    table.add_column("probabilities")
    for row in rows:
        if row["face"] is None:
            table.add_row(escape(row["image"]), "", "", NO_FACE)
            continue
        described = ", ".join(f"{name} {p:.1%}" for name, p in row["probabilities"].items())
        face = "whole" if row.get("detector") == "whole" else str(row["face"])
        if "seconds" in row:
            frames = f"{row['frames']} frame{'s' * (row['frames'] != 1)}"
            described += " ({}, {:g} to {:g} s)".format(frames, *row["seconds"])
        table.add_row(*map(escape, (row["image"], face, str(row["label"]), described)))
    console.print(table)
