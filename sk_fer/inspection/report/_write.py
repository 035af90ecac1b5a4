"""Writes the report on a model."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from importlib.resources import files
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

from sklearn.utils import Bunch
from sklearn.utils._param_validation import HasMethods

from sk_fer._utils._constraints import Interval, validate_params
from sk_fer._utils._write_aside import write_aside
from sk_fer.inspection.report._blocks import Block, share
from sk_fer.inspection.report._evaluated import Evaluated
from sk_fer.inspection.report._measured import Measured
from sk_fer.inspection.report._sections import SECTIONS
from sk_fer.persistence._model_facts import model_steps


class Section(NamedTuple):
    """A part of the page: what it shows, or the reason why it failed."""

    title: str
    identifier: str
    blocks: Sequence[Block]
    problem: str | None


@validate_params(
    {
        "estimator": [HasMethods("predict")],
        "data": [Bunch],
        "path": [str, os.PathLike],
        "train": [Bunch, None],
        "data_name": [str],
        "commands": ["array-like"],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
    },
    skip_nested=False,
)
def write_report(
    estimator: Any,
    data: Bunch,
    path: str | os.PathLike[str],
    *,
    train: Bunch | None = None,
    data_name: str = "test images",
    commands: Sequence[str] = (),
    n_resamples: int = 1000,
) -> Bunch:
    """Write a report on a fitted classifier as one HTML page.

    The page describes the images, the copies of training images among them, the model, its
    training, its scores with intervals, the calibration of its probabilities, the places of faces
    that predictions depend on, the most confident errors and suspicious labels. It contains its
    pictures, and needs no network connection.

    Parameters
    ----------
    estimator : classifier
        The fitted classifier, Pipeline or search. It can be any classifier that takes images.
    data : :class:`~sklearn.utils.Bunch`
        The images on which the classifier is scored, as the loaders return them, with `images` of
        dtype uint8 and `target`. They must not be training images.
    path : str or path-like
        The file to write. An existing file is replaced.
    train : :class:`~sklearn.utils.Bunch`, default=None
        The training images in the same form. They are only compared with those of `data`. If None,
        the report does not say which images are copies of training images.
    data_name : str, default="test images"
        The name of the images in the report.
    commands : sequence of str, default=()
        The commands that repeat the training and the report.
    n_resamples : int, default=1000
        The number of draws for the intervals, see :func:`sk_fer.metrics.bootstrap_interval`.

    Returns
    -------
    results : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the attributes

        path : Path
            The file.
        data_name : str
            The name of the images.
        n_images : int
            The number of images.
        scores : DataFrame
            One row per score, with the columns ``score``, ``low`` and ``high``, which is the
            interval of 95 %.
        per_class : DataFrame
            Precision, recall and F1 of each class, and the number of images.
        notes : list of str
            Sentences that limit what the scores mean, such as the number of copies.
        failed : dict of str to str
            The titles of the parts that could not be made, with the reasons. The page contains
            them, too.

    Raises
    ------
    ImportError
        If Jinja2 is not installed: ``pip install ".[report]"``.
    NotFittedError
        If the classifier is not fitted.
    OSError
        If the file cannot be written.
    TypeError
        If `estimator` is not a classifier.
    ValueError
        If `data` or `train` has no images or no labels, or if `data` has no class of the
        classifier.

    Warns
    -----
    UserWarning
        If images have labels that `fit` did not see, or if all images have the same label.

    See Also
    --------
    sk_fer.persistence.model_card : Describe a model with these results on the Hugging Face Hub.
    class_report : Compute the scores of each class.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.inspection import write_report
    >>> train = make_faces(70, return_X_y=False, random_state=0)
    >>> test = make_faces(28, return_X_y=False, random_state=1)
    >>> model = FERDenseClassifier((16,), max_epochs=1, random_state=0)
    >>> model = model.fit(train.data, train.target)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "report.html")
    ...     results = write_report(model, test, path, train=train, n_resamples=50)
    ...     size = path.stat().st_size
    >>> results.scores.columns.tolist(), size > 10_000
    (['score', 'low', 'high'], True)
    """
    template = _template()
    path = Path(path)
    _check_writable(path)
    evaluated = Evaluated.of(estimator, data, train)
    measured = Measured(evaluated, n_resamples=n_resamples)
    about = Bunch(estimator=estimator, data_name=data_name, commands=list(commands))
    sections = [_make(title, measured, about) for title in SECTIONS]
    failed = {each.title: each.problem for each in sections if each.problem is not None}
    notes = [*evaluated.notes, *measured.leak_notes]
    page = template.render(
        title=f"{type(model_steps(estimator)[-1]).__name__} on {data_name}",
        data_name=data_name,
        sections=sections,
        failed=failed,
        notes=notes,
        facts=_key_facts(measured),
        style=(files(__package__) / "style.css").read_text("utf-8"),
        date=time.strftime("%Y-%m-%d"),
    )
    with write_aside(path) as aside:
        # The name of a file need not be valid Unicode.
        aside.write_text(page, encoding="utf-8", errors="backslashreplace")
    return Bunch(
        path=path,
        data_name=data_name,
        n_images=len(evaluated.labels),
        scores=measured.scores,
        per_class=measured.per_class.table,
        notes=notes,
        failed=failed,
    )


def _template() -> Any:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise ImportError(
            'write_report requires jinja2: run pip install ".[report]" in the clone of sk_fer',
            name="jinja2",
        ) from error
    environment = Environment(
        loader=PackageLoader("sk_fer.inspection.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja")


def _check_writable(path: Path) -> None:
    """Raise an error before the work if the file cannot be written."""
    folder = path.absolute().parent
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a file such as report.html")
    if not folder.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{path} cannot be written: the folder {folder} is not writable")


def _make(title: str, measured: Measured, about: Bunch) -> Section:
    """Make a section. If it fails, it has the reason in place of its content."""
    identifier = title.lower().replace(" ", "-")
    try:
        return Section(title, identifier, SECTIONS[title](measured, about), None)
    except Exception as error:
        reason = " ".join(str(error).split())
        return Section(title, identifier, [], f"{type(error).__name__}: {reason}")


def _key_facts(measured: Measured) -> dict[str, str]:
    """Return the figures at the top of the page."""
    of = measured.of
    facts = {"Accuracy": share(float(of.is_right.mean()))}
    if "Accuracy" in measured.scores.index:
        _, low, high = map(float, measured.scores.loc["Accuracy"])
        facts["95 % interval"] = f"{share(low)} to {share(high)}"
    facts["Images"] = f"{len(of.labels):,}"
    facts["Classes"] = f"{len(of.classes):,}"
    return facts
