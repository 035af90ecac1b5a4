"""Candidates that Optuna proposes from the scores of those before, in a study in a file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sklearn.model_selection import ParameterGrid

from sk_fer.model_selection._check_candidates import describe_candidate
from sk_fer.model_selection._ranges import Range

# Proposals that repeat a candidate, in a row, after which there are no new ones.
_MAX_REPEATS = 50


class OptunaCandidates:
    """Candidates that Optuna proposes, in a study in an SQLite file.

    A proposal depends only on the seed, the grids and the scores before it. A study that is opened
    again therefore continues as if it had not been stopped.

    Parameters
    ----------
    file : Path
        The file, which is created if it does not exist.
    grids : sequence of dict of str to (list or Range)
        The values of each parameter, in one grid or several.
    random_state : int
        The seed.

    Raises
    ------
    ImportError
        If Optuna is not installed.
    """

    def __init__(
        self, file: Path, grids: Sequence[Mapping[str, Sequence[Any] | Range]], random_state: int
    ) -> None:
        self._optuna = import_optuna()
        self._grids = grids
        self._seed = random_state
        has_ranges = any(isinstance(values, Range) for grid in grids for values in grid.values())
        self._n_possible = math.inf if has_ranges else len(ParameterGrid(list(grids)))
        self._scores: dict[str, float] = {}
        with self._quiet():
            self._study = self._optuna.create_study(
                storage=f"sqlite:///{file}",
                study_name="sk-fer",
                direction="maximize",
                load_if_exists=True,
            )
        # The process was ended while these were evaluated. They will be proposed again.
        for trial in self._trials("RUNNING"):
            self.tell(trial.number, math.nan)

    def finished(self) -> list[dict[str, Any]]:
        """Return the candidates with a score in the file, each once, in their order."""
        found = {}
        for trial in self._trials("COMPLETE"):
            candidate = self._suggest(self._optuna.trial.FixedTrial(trial.params))
            text = describe_candidate(candidate)
            self._scores[text] = trial.value
            found[text] = candidate
        return list(found.values())

    def propose(self, n_candidates: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the numbers and the parameters of new candidates.

        There are fewer than `n_candidates`, or none, if hardly any others are possible.
        """
        proposed: dict[str, tuple[int, dict[str, Any]]] = {}
        n_repeats = 0
        while (
            len(proposed) < n_candidates
            and len(self._scores) + len(proposed) < self._n_possible
            and n_repeats < _MAX_REPEATS
        ):
            # A sampler that stays would propose other candidates once the file is opened again.
            seed = self._seed + len(self._trials("COMPLETE")) + len(proposed) + n_repeats
            self._study.sampler = self._optuna.samplers.TPESampler(seed=seed)
            trial = self._study.ask()
            candidate = self._suggest(trial)
            text = describe_candidate(candidate)
            if text in self._scores or text in proposed:
                self.tell(trial.number, math.nan)
                n_repeats += 1
            else:
                proposed[text] = (trial.number, candidate)
        return list(proposed.values())

    def tell(self, number: int, score: float, candidate: Mapping[str, Any] | None = None) -> None:
        """Add the score of a proposed candidate to the file, NaN if it failed."""
        if candidate is not None:
            self._scores[describe_candidate(candidate)] = score
        if math.isnan(score):
            self._study.tell(number, state=self._optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(number, score)

    def _trials(self, state: str) -> list[Any]:
        states = (self._optuna.trial.TrialState[state],)
        return self._study.get_trials(deepcopy=False, states=states)

    def _suggest(self, trial: Any) -> dict[str, Any]:
        """Return the parameters of a trial. A value in a list has its text in the file."""
        number = 0
        if len(self._grids) > 1:
            number = trial.suggest_categorical("grid", list(range(len(self._grids))))
        candidate = {}
        for name, values in self._grids[number].items():
            place = name if len(self._grids) == 1 else f"{number}: {name}"
            if isinstance(values, Range):
                suggest = trial.suggest_int if values.of_integers else trial.suggest_float
                candidate[name] = suggest(place, values.low, values.high, log=values.log)
            else:
                texts = {repr(value): value for value in values}
                candidate[name] = texts[trial.suggest_categorical(place, list(texts))]
        return candidate

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Leave out the line that Optuna prints when it opens a study."""
        logging = self._optuna.logging
        before = logging.get_verbosity()
        logging.set_verbosity(logging.WARNING)
        try:
            yield
        finally:
            logging.set_verbosity(before)


def import_optuna() -> Any:
    """Return the package optuna.

    Raises
    ------
    ImportError
        If it is not installed. The message names the extra.
    """
    try:
        import optuna
    except ImportError as error:
        raise ImportError(
            'the search requires Optuna: run pip install ".[optuna]" in the clone of sk_fer'
        ) from error
    return optuna
