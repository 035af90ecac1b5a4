"""A search by halving that was stopped continues from its journal."""

import numpy as np
import pytest
from sklearn.metrics import get_scorer
from sklearn.model_selection import StratifiedKFold

from sk_fer.model_selection import FERGridSearchCV, FERHalvingSearchCV
from sk_fer.training import FERNet

from ..helpers import dense

CV = StratifiedKFold(2, shuffle=True, random_state=0)
GRID = {"lr": [1e-3, 3e-3, 1e-2, 3e-2]}
# The 8, 4 and 2 fits of the rungs train so many epochs, with those of the cool-downs.
EPOCHS = [2] * 8 + [3] * 4 + [5] * 2


class StopSearch(BaseException):
    """What a killed process is like for those that wait for it."""


class Stopping:
    """A scorer that stops the search the n-th time that it is called."""

    def __init__(self, n=None):
        self.left = n

    def __repr__(self):
        return "Stopping"

    def __call__(self, model, X, y):
        if self.left is not None:
            self.left -= 1
            if not self.left:
                raise StopSearch
        return get_scorer("neg_log_loss")(model, X, y)


@pytest.fixture
def epochs(monkeypatch):
    """A list with an element for each epoch that is trained."""
    trained, begin = [], FERNet.on_epoch_begin

    def noted(self, *args, **kwargs):
        trained.append(self.lr)
        return begin(self, *args, **kwargs)

    monkeypatch.setattr(FERNet, "on_epoch_begin", noted)
    return trained


def search(journal, scoring, **settings):
    model = dense(max_epochs=8, dropout=0.1)
    settings = {"factor": 2, "cv": CV, "refit": False, **settings}
    return FERHalvingSearchCV(model, GRID, scoring=scoring, journal=journal, **settings)


def assert_equal_results(found, expected):
    assert found.best_params_ == expected.best_params_
    for name, column in expected.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(found.cv_results_[name], column, err_msg=name)


@pytest.fixture(scope="module")
def whole(small):
    """Searches that were not stopped, by their `batched`."""
    return {
        batched: search(None, Stopping(), batched=batched).fit(*small) for batched in (False, True)
    }


@pytest.mark.parametrize(
    ("batched", "stop_at", "n_finished", "n_states"),
    [
        (False, 4, 3, 3),
        (False, 9, 8, 4),  # between rungs
        (False, 14, 13, 2),
        (True, 3, 0, 0),  # the candidates of a fold finish together
        (True, 12, 10, 6),
    ],
)
def test_a_search_that_was_stopped_repeats_no_finished_fit(
    batched, stop_at, n_finished, n_states, small, tmp_path, epochs, whole
):
    with pytest.raises(StopSearch):
        search(tmp_path, Stopping(stop_at), batched=batched).fit(*small)
    assert len(list(tmp_path.glob("states/*.pt"))) == n_states
    epochs.clear()
    assert_equal_results(search(tmp_path, Stopping(), batched=batched).fit(*small), whole[batched])
    assert len(epochs) == sum(EPOCHS[n_finished:])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".lock",
        "fits.jsonl",
        "search.json",
    ]
    epochs.clear()
    assert_equal_results(search(tmp_path, Stopping(), batched=batched).fit(*small), whole[batched])
    assert not epochs


def test_a_training_without_its_state_begins_again(small, tmp_path, epochs, whole):
    with pytest.raises(StopSearch):
        search(tmp_path, Stopping(9)).fit(*small)
    missing, damaged, *_ = sorted(tmp_path.glob("states/*.pt"))
    missing.unlink()
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    epochs.clear()
    with pytest.warns(UserWarning, match=r"the state of a training, .*\.pt, is damaged"):
        found = search(tmp_path, Stopping(), batched=False).fit(*small)
    assert len(epochs) == sum(EPOCHS[8:]) + 2 * 1
    assert found.best_params_ == whole[False].best_params_


def test_a_journal_of_another_search_is_refused(small, tmp_path):
    search(tmp_path, "accuracy").fit(*small)
    with pytest.raises(ValueError, match="is of another search: factor was 2 and is 3"):
        search(tmp_path, "accuracy", factor=3).fit(*small)
    grid = FERGridSearchCV(dense(max_epochs=8, dropout=0.1), GRID, cv=CV, journal=tmp_path)
    with pytest.raises(ValueError, match="the search was 'FERHalvingSearchCV' and is 'FERGrid"):
        grid.fit(*small)
