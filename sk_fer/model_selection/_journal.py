"""The journal of a search: the results of finished fits, which a search started again reads."""

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from os import PathLike
from pathlib import Path
from typing import Any

from sk_fer._utils._folder_lock import lock_folder
from sk_fer._utils._other_run import OtherRunError
from sk_fer._utils._write_aside import write_aside
from sk_fer.model_selection._search_description import (
    check_same_search,
    describe_search,
    hash_of,
    texts,
)

SEARCH, FITS = "search.json", "fits.jsonl"


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
                row = {"fit": key, "params": texts(params), "fold": fold, **more}
                lines += json.dumps({**row, "result": new[key]}) + "\n"
        if not new:
            return
        try:
            with self._path.open("ab") as file:
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:  # that of a full disk names no file
            raise OSError(error.errno, error.strerror, str(self._path)) from error
        self._results |= new


def _failed(result: Mapping[str, Any], error_score: Any) -> bool:
    """Return whether a fit or a scorer failed."""
    scores = [result["test_scores"], result.get("train_scores", 0.0)]
    values = [v for s in scores for v in (s.values() if isinstance(s, Mapping) else [s])]
    failed = any(math.isnan(value) or value == error_score for value in values)
    return failed or result.get("fit_error") is not None


@contextmanager
def open_journal(folder: str | PathLike[str], described: Mapping[str, Any]) -> Iterator[Journal]:
    """Lock a folder and open the journal in it inside a ``with`` block.

    Parameters
    ----------
    folder : str or path-like
        The folder. It is created if it does not exist.
    described : mapping of str to object
        The search, from :func:`describe_search`.

    Yields
    ------
    Journal
        The journal.

    Raises
    ------
    BlockingIOError
        If another process has locked the folder.
    ValueError
        If the folder has the journal of another search, or one that cannot be read.
    """
    folder = Path(folder)
    with lock_folder(folder):
        path = folder / SEARCH
        # The file is compared as JSON, in which a tuple is a list.
        here = json.loads(json.dumps(described))
        if path.exists():
            check_same_search(_read_description(path), here, folder)
        elif (folder / FITS).exists():
            raise OtherRunError(
                f"{folder} has {FITS}, and not the file {SEARCH}, which says of which search these "
                "fits are. Restore the file, use another folder, or remove this one to fit all "
                "candidates again"
            )
        else:
            with write_aside(path) as aside:
                aside.write_text(json.dumps(here, indent=1), "utf-8")
        yield Journal(folder)


def journal_of(
    search: Any,
    candidates: Iterable[Mapping[str, Any]],
    X: Any,
    y: Any,
    folds: Iterable[tuple[Any, Any]],
    names: Iterable[str],
    params: Mapping[str, Any],
) -> AbstractContextManager[Journal | None]:
    """Open the journal of a search inside a ``with`` block, if its `journal` is not None.

    Parameters
    ----------
    search : FERGridSearchCV or FERHalvingSearchCV
        The search.
    candidates, X, y, folds
        As in :func:`describe_search`.
    names : iterable of str
        The names of the parameters of the search that must be the same.
    params : mapping of str to object
        The parameters of its ``fit``.

    Returns
    -------
    context manager
        It yields the journal or None, and raises the errors of :func:`open_journal`.
    """
    if search.journal is None:
        return nullcontext()
    settings = {"the search": type(search).__name__}
    settings |= {name: getattr(search, name) for name in names}
    described = describe_search(
        search.estimator, candidates, X, y, folds, scoring=search.scoring, **settings, **params
    )
    return open_journal(search.journal, described)


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


def _read_description(path: Path) -> dict[str, Any]:
    try:
        described = json.loads(path.read_text("utf-8"))
        described["candidates"]  # a KeyError or TypeError without them
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged, so that it does not say of which search the journal is. Restore "
            "the file, use another folder, or remove this one to fit all candidates again"
        ) from error
    return described


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
