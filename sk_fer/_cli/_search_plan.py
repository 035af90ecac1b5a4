"""The candidates and folds of ``sk-fer search``, and the search over them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import (
    ParameterGrid,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.pipeline import Pipeline

from sk_fer._cli._data import Faces
from sk_fer._cli._search_results import finished_results
from sk_fer._cli._search_space import MODEL, Grid, describe, short_names
from sk_fer._utils._counted import counted
from sk_fer.model_selection import FERGridSearchCV, FERHalvingSearchCV
from sk_fer.model_selection._check_candidates import check_candidates
from sk_fer.model_selection._check_folds import Folds, check_folds
from sk_fer.model_selection._optuna_candidates import import_optuna
from sk_fer.model_selection._optuna_search import each_value, optuna_search
from sk_fer.model_selection._ranges import Range, draw_candidates
from sk_fer.model_selection._search_description import hash_of

STRATEGIES = ("grid", "random", "halving", "optuna")
N_CANDIDATES = 10  # of random and optuna, if no other number is given
N_FOLDS = 3


@dataclass
class Plan:
    """A search over a model that is not fitted, which keeps its finished fits in a folder."""

    model: Any
    grids: list[Grid]
    strategy: str
    n_candidates: int | None
    n_jobs: int
    seed: int
    folder: Path
    candidates: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find the candidates, and raise a usage error if one of them cannot be fitted."""
        ranges = [name for grid in self.grids for name in grid if isinstance(grid[name], Range)]
        if self.strategy == "grid" and ranges:
            names = ", ".join(name.removeprefix(f"{MODEL}__") for name in ranges)
            raise typer.BadParameter(
                f"the range of {names} has too many values to try all; use --strategy random, "
                "halving or optuna, or give a list or a step",
                param_hint="--strategy",
            )
        if self.strategy == "grid" and self.n_candidates is not None:
            raise typer.BadParameter(
                "a grid has all its candidates; use --strategy random, halving or optuna",
                param_hint="--n-candidates",
            )
        if self.strategy == "halving" and not (self.n_candidates or ranges):
            draw = False
        else:
            draw = self.strategy != "grid"
        self.n_candidates = self.n_candidates or N_CANDIDATES
        if self.strategy == "optuna":
            import_optuna()
            checked = [each for grid in self.grids for each in each_value(grid)]
        elif draw:
            checked = self.candidates = draw_candidates(self.grids, self.n_candidates, self.seed)
        else:
            checked = self.candidates = list(ParameterGrid(self.grids))
        try:
            check_candidates(self.model, checked)
        except ValueError as error:
            raise typer.BadParameter(short_names(str(error))) from error

    @property
    def size(self) -> str:
        """The number of candidates in words."""
        assert self.n_candidates is not None
        return counted(len(self.candidates) or self.n_candidates, "candidate")

    def run(
        self, images: NDArray, target: NDArray, folds: Folds, groups: NDArray | None
    ) -> tuple[pd.DataFrame, dict[str, Any], float]:
        """Return the results of all candidates, and the parameters and the score of the best."""
        fit_params = {} if groups is None else {"groups": groups}
        search: Any
        with _routing(groups):
            model = self._with_request(groups)
            if self.strategy == "optuna":
                assert self.n_candidates is not None
                search = optuna_search(
                    model,
                    self.grids,
                    images,
                    target,
                    folds,
                    folder=self.folder,
                    n_candidates=self.n_candidates,
                    fit_params=fit_params,
                    n_jobs=self.n_jobs,
                    random_state=self.seed,
                    verbose=1,
                    describe=describe,
                )
            else:
                grid = [{name: [value] for name, value in each.items()} for each in self.candidates]
                kind: Any = FERHalvingSearchCV if self.strategy == "halving" else FERGridSearchCV
                search = kind(
                    model,
                    grid,
                    scoring="accuracy",
                    cv=folds,
                    refit=False,
                    n_jobs=self.n_jobs,
                    verbose=1,
                    journal=self.folder,
                )
                search._describe = describe
                search.fit(images, target, **fit_params)
        results = pd.DataFrame(search.cv_results_).rename(columns=short_names)
        results["params"] = results["params"].map(describe)
        return results, search.best_params_, float(search.best_score_)

    def fit(
        self, params: dict[str, Any], images: NDArray, target: NDArray, groups: NDArray | None
    ) -> Any:
        """Return the model with some parameters, fitted."""
        model = clone(self.model).set_params(**clone(params, safe=False))
        name = f"{MODEL}__groups" if isinstance(model, Pipeline) else "groups"
        return model.fit(images, target, **({} if groups is None else {name: groups}))

    def finished(self) -> pd.DataFrame | None:
        """Return the scores of the finished fits, a row per candidate, or None without fits."""
        names = {hash_of(params): describe(params) for params in self.candidates}
        return finished_results(self.folder, names)

    def _with_request(self, groups: NDArray | None) -> Any:
        """Return a clone of the model, whose fit receives the groups if there are any."""
        model = clone(self.model)
        if groups is not None:
            last = model[-1] if isinstance(model, Pipeline) else model
            last.set_fit_request(groups=True)
        return model


def majority_score(target: NDArray, folds: Folds) -> tuple[float, float]:
    """Return the accuracy of always predicting the most frequent class, and its standard error."""
    tested = target[np.concatenate([test for _, test in folds])]
    share = float(np.unique(tested, return_counts=True)[1].max() / len(tested))
    return share, float(np.sqrt(share * (1 - share) / len(tested)))


def make_folds(
    cv: str, faces: Faces, fraction: float
) -> tuple[NDArray[np.intp], Folds, NDArray | None]:
    """Return the rows of DATA that a search uses, its folds over these rows, and their groups."""
    rows = faces.rows("train", fraction)
    number = cv.rpartition(":")[2]
    if cv == "usage":
        if not faces.has_own_validation:
            raise ValueError(
                f"{faces.source.name} has no training and validation split of its own; use --cv K"
            )
        valid = faces.rows("validation")
        both = np.concatenate([rows, valid])
        folds = [(np.arange(len(rows)), np.arange(len(rows), len(both)))]
        return both, folds, None if faces.groups is None else faces.groups[both]
    if cv.startswith("subject") and faces.groups is None:
        raise ValueError(
            f"{faces.source.name} does not name the people, which --cv subject needs; use --cv K"
        )
    groups = None if faces.groups is None else faces.groups[rows]
    n_folds = N_FOLDS if cv == "subject" else int(number)
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    made = splitter(n_folds, shuffle=True, random_state=faces.source.seed)
    return rows, check_folds(made, rows, faces.target[rows], groups), groups


def _routing(groups: NDArray | None) -> AbstractContextManager[None]:
    return config_context(enable_metadata_routing=groups is not None)
