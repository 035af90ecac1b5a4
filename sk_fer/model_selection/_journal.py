"""The journal of a search: the results of finished fits, which a search started again reads."""

import json
import math
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from os import PathLike
from pathlib import Path
from pickle import PicklingError
from typing import Any

import joblib
import numpy as np
from sklearn.base import BaseEstimator

from sk_fer._utils._array_digest import checksum
from sk_fer._utils._folder_lock import lock_folder
from sk_fer._utils._library_versions import library_versions
from sk_fer._utils._write_aside import write_aside
from sk_fer.model_selection._check_candidates import describe_candidate

SEARCH, FITS = "search.json", "fits.jsonl"
# Parameters that do not change the scores.
_WITHOUT_EFFECT = ("verbose", "n_jobs", "memory")
# What the pickling of a lambda, for example, raises.
_NOT_PICKLED = (PicklingError, AttributeError, TypeError)


class Journal:
    """The finished fits of a search, in the file ``fits.jsonl`` of a folder.

    Parameters
    ----------
    folder : Path
        The folder, which :func:`open_journal` has locked.

    Attributes
    ----------
    folder : Path
        The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / FITS
        self._results = {row["fit"]: row["result"] for row in _read(self._path)}

    def __len__(self) -> int:
        return len(self._results)

    def find(self, params: Mapping[str, Any], fold: int, **more: Any) -> dict[str, Any] | None:
        """Return the result of a fit, or None if it has not finished.

        Parameters
        ----------
        params : mapping of str to object
            The parameters of the candidate.
        fold : int
            The number of the fold.
        **more
            What else tells the fit from others, such as the number of epochs.

        Returns
        -------
        dict or None
            The result that was added.
        """
        result = self._results.get(_key(params, fold, more))
        return None if result is None else dict(result)

    def add(
        self,
        fits: Iterable[tuple[Mapping[str, Any], int, Mapping[str, Any]]],
        *,
        error_score: Any = math.nan,
        **more: Any,
    ) -> None:
        """Add the results of fits, except those that failed.

        The lines are written at once, so that fits that were trained as one computation are all in
        the journal or none of them. They are on the disk when this returns.

        Parameters
        ----------
        fits : iterable of (mapping, int, mapping)
            The parameters of the candidate, the number of the fold, and the result: the scores and
            times, which JSON can contain, as scikit-learn's searches collect them.
        error_score : "raise" or float, default=nan
            The score of a fit, or a scorer, that failed.
        **more
            As in :meth:`find`.
        """
        new = {}
        lines = ""
        for params, fold, result in fits:
            if not _failed(result, error_score):
                key = _key(params, fold, more)
                new[key] = dict(result)
                row = {"fit": key, "params": _texts(params), "fold": fold, **more}
                lines += json.dumps({**row, "result": new[key]}) + "\n"
        with self._path.open("ab") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
        self._results |= new


def _failed(result: Mapping[str, Any], error_score: Any) -> bool:
    """Return whether a fit or a scorer failed."""
    scores = [result["test_scores"], result.get("train_scores", 0.0)]
    values = [v for s in scores for v in (s.values() if isinstance(s, Mapping) else [s])]
    failed = any(math.isnan(value) or value == error_score for value in values)
    return failed or result.get("fit_error") is not None


@contextmanager
def open_journal(
    folder: str | PathLike[str] | None, described: Mapping[str, Any] | None
) -> Iterator[Journal | None]:
    """Lock a folder and open the journal in it inside a ``with`` block.

    Parameters
    ----------
    folder : str, path-like or None
        The folder. It is created if it does not exist. If None, there is no journal.
    described : mapping of str to object
        The search, from :func:`describe_search`.

    Yields
    ------
    Journal or None
        The journal.

    Raises
    ------
    BlockingIOError
        If another process has locked the folder.
    ValueError
        If the folder has the journal of another search, or one that cannot be read.
    """
    if folder is None:
        yield None
        return
    assert described is not None
    folder = Path(folder)
    with lock_folder(folder):
        path = folder / SEARCH
        # The file is compared as JSON, in which a tuple is a list.
        here = json.loads(json.dumps(described))
        if path.exists():
            _check_same(json.loads(path.read_text("utf-8")), here, folder)
        elif (folder / FITS).exists():
            raise ValueError(
                f"{folder} has {FITS}, and not the file {SEARCH}, which says of which search these "
                "fits are. Restore the file, use another folder, or remove this one to fit all "
                "candidates again"
            )
        else:
            with write_aside(path) as aside:
                aside.write_text(json.dumps(here, indent=1), "utf-8")
        yield Journal(folder)


def describe_search(
    estimator: Any,
    candidates: Iterable[Mapping[str, Any]],
    X: Any,
    y: Any,
    folds: Iterable[tuple[Any, Any]],
    *,
    scoring: Any,
    **settings: Any,
) -> dict[str, Any]:
    """Describe a search by texts and checksums, to compare it with that of a journal.

    Parameters
    ----------
    estimator : estimator
        The estimator of the search.
    candidates : iterable of dict
        The parameters of the candidates.
    X, y : array-like
        The images and labels.
    folds : iterable of (ndarray, ndarray)
        The rows of the folds.
    scoring : str, callable, list, tuple, dict or None
        The score or scores. A function counts as the same if it has the same name.
    **settings
        Other arguments of the search, by name.

    Returns
    -------
    dict
        The description, which JSON can contain.

    Raises
    ------
    ValueError
        If a value cannot be pickled, so that it cannot be compared with another one.
    """
    params = {"estimator": type(estimator).__name__, **estimator.get_params()}
    return {
        "estimator": {
            name: _named_text(name, value)
            for name, value in params.items()
            if name.rpartition("__")[2] not in _WITHOUT_EFFECT
        },
        "candidates": {hash_of(params): _texts(params) for params in candidates},
        "data": {
            "X": _of_data(X),
            "y": _of_data(y),
            "cv": joblib.hash([(np.asarray(a), np.asarray(b)) for a, b in folds]),
        },
        "scoring": _of_scoring(scoring),
        "settings": {name: _named_text(name, value) for name, value in settings.items()},
        "versions": library_versions(),
    }


def _check_same(there: Mapping[str, Any], here: Mapping[str, Any], folder: Path) -> None:
    """Raise an error if a journal is of another search, and warn of other versions."""
    reasons = [
        f"{name} was {before or 'not there'} and is {now or 'not there'}"
        for section in ("estimator", "settings")
        for name, before, now in _differences(there[section], here[section])
    ]
    for _, before, now in _differences(there["candidates"], here["candidates"]):
        state = "is new" if before is None else "is missing"
        reasons.append(f"the candidate {before or now} {state}")
    reasons += [f"{name} differs" for name, _, _ in _differences(there["data"], here["data"])]
    if there["scoring"] != here["scoring"]:
        reasons.append(f"scoring was {there['scoring']} and is {here['scoring']}")
    if reasons:
        more = f"; and {len(reasons) - 5} more" if len(reasons) > 5 else ""
        raise ValueError(
            f"the journal in {folder} is of another search: {'; '.join(reasons[:5])}{more}. "
            "Use another folder, or remove this one to fit all candidates again"
        )
    others = list(_differences(there["versions"], here["versions"]))
    if others:
        listed = ", ".join(f"{name} {before} (now {now})" for name, before, now in others)
        warnings.warn(
            f"the finished fits in {folder} were made with {listed}; their scores may differ "
            "slightly from those of new fits",
            stacklevel=3,
        )


def _differences(
    there: Mapping[str, Any], here: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    for name in {**there, **here}:
        if there.get(name) != here.get(name):
            yield name, there.get(name), here.get(name)


def read_fits(folder: Path) -> Iterator[tuple[str, str, int | None, dict[str, Any]]]:
    """Yield the candidate of each finished fit, by :func:`hash_of` and as text, and its result.

    Parameters
    ----------
    folder : Path
        The folder of a journal, which need not exist.

    Yields
    ------
    tuple of (str, str, int or None, dict)
        The hash, the text, the number of epochs in a search by halving, and the result.

    Raises
    ------
    ValueError
        If a line of the journal cannot be read.
    """
    for row in _read(folder / FITS):
        yield row["fit"].split("/")[0], row["params"], row.get("n_epochs"), row["result"]


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the content of each line, and remove the rest of an unfinished one."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):  # the process was killed while it wrote
        os.truncate(path, len(whole))
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            row = json.loads(line)
            row["fit"], row["params"], row["result"]  # a KeyError without them
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"line {number} of {path} is not the result of a fit: {line[:80]!r}; remove the "
                "line to repeat its fit"
            ) from error
        yield row


def _key(params: Mapping[str, Any], fold: int, more: Mapping[str, Any]) -> str:
    return "/".join([hash_of(params), str(fold), *(str(more[name]) for name in sorted(more))])


def hash_of(params: Mapping[str, Any]) -> str:
    """Return a short text that tells the parameters of a candidate from others."""
    try:
        return joblib.hash(dict(params))
    except _NOT_PICKLED as error:
        raise _no_journal(f"the candidate {describe_candidate(params)}", error) from error


def _texts(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_text(params[name])}" for name in sorted(params)) or "defaults"


def _named_text(name: str, value: Any) -> str:
    try:
        return _text(value)
    except _NOT_PICKLED as error:
        raise _no_journal(f"a search with {name}={value!r}", error) from error


def _no_journal(what: str, error: Exception) -> ValueError:
    return ValueError(
        f"{what} cannot have a journal, because a value cannot be pickled: {error}; use a function "
        "of a module instead of a lambda, or no journal"
    )


def _text(value: Any) -> str:
    """Return a value as text that is the same in each process and differs for other values."""
    if isinstance(value, BaseEstimator):
        return type(value).__name__  # its parameters have their own names
    if isinstance(value, (bool, int, float, str, type(None), PathLike)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    return f"{type(value).__name__} {joblib.hash(value)[:8]}"


def _of_data(data: Any) -> str | None:
    if data is None:
        return None
    if isinstance(data, np.ndarray) and not data.dtype.hasobject:
        return checksum(data)
    return joblib.hash(data)


def _of_scoring(scoring: Any) -> Any:
    if isinstance(scoring, Mapping):
        return {str(name): _of_scoring(scorer) for name, scorer in scoring.items()}
    if isinstance(scoring, (list, tuple)):
        return [_of_scoring(scorer) for scorer in scoring]
    if isinstance(scoring, partial):
        return _of_scoring(scoring.func)
    name = getattr(scoring, "__qualname__", None)
    return scoring if scoring is None or isinstance(scoring, str) else name or repr(scoring)
