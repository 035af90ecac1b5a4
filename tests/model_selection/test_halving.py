"""Successive halving, in which the candidates that are left continue."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn import config_context
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sk_fer.model_selection import FERHalvingSearchCV
from sk_fer.model_selection._halving_plan import epochs_of_rungs
from sk_fer.preprocessing import HistogramEqualizer
from sk_fer.training._batched_loop import JointTraining

from ..helpers import cnn, dense

CV = StratifiedKFold(2, shuffle=True, random_state=0)
LR = {"lr": [1e-3, 3e-3, 1e-2, 3e-2]}
WATCHED = {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 2}


@pytest.mark.parametrize(
    ("n_candidates", "max_epochs", "settings", "expected"),
    [
        (24, 27, {}, [3, 9, 27]),
        (9, 9, {}, [1, 3, 9]),
        (8, 20, {}, [7, 20]),
        (24, 27, {"factor": 2}, [2, 3, 7, 14, 27]),
        (24, 27, {"min_epochs": 4}, [9, 27]),
        (24, 2, {}, [1, 2]),
        (24, 1, {}, [1]),
        (2, 27, {}, [27]),
        (243, 243, {}, [1, 3, 9, 27, 81, 243]),
        (5, 10, {"factor": 1.5}, [3, 4, 7, 10]),
    ],
)
def test_the_epochs_after_which_candidates_are_compared(
    n_candidates, max_epochs, settings, expected
):
    assert epochs_of_rungs(n_candidates, max_epochs, **settings) == expected


@pytest.mark.parametrize(
    "model",
    [
        dense(max_epochs=4, dropout=0.5),
        dense(max_epochs=4, lr_schedule="plateau"),
        dense(max_epochs=9, tol=0.05, **WATCHED),
        cnn(max_epochs=4, progressive_resizing=True, batch_size=16),
    ],
    ids=["dense", "plateau", "early stopping", "cnn"],
)
def test_the_last_candidates_have_the_scores_of_a_grid_search(model, small):
    search = FERHalvingSearchCV(model, LR, factor=2, cv=CV, batched=False).fit(*small)
    grid = GridSearchCV(model, LR, cv=CV).fit(*small)
    last = search.cv_results_["n_resources"] == model.max_epochs
    assert search.n_candidates_ == [4, 2, 1]
    rows = [LR["lr"].index(params["lr"]) for params in search.cv_results_["params"][-1:]]
    for column in ("split0_test_score", "split1_test_score"):
        expected = grid.cv_results_[column][rows]
        np.testing.assert_array_equal(search.cv_results_[column][last], expected)
    expected = clone_with(model, search.best_params_).fit(*small)
    np.testing.assert_array_equal(search.predict_proba(small[0]), expected.predict_proba(small[0]))


def clone_with(model, params):
    return type(model)(**{**model.get_params(deep=False), **params})


def test_results_have_a_row_for_each_comparison_of_a_candidate(small):
    search = FERHalvingSearchCV(dense(max_epochs=4), LR, factor=2, cv=CV, refit=False).fit(*small)
    results = search.cv_results_
    assert results["iter"].tolist() == [0, 0, 0, 0, 1, 1, 2]
    assert results["n_resources"].tolist() == [1, 1, 1, 1, 2, 2, 4]
    assert results["param_lr"].tolist()[:4] == LR["lr"]
    first = results["mean_test_score"][:4]
    best = np.sort(np.argsort(-first, kind="stable")[:2])
    assert results["param_lr"][4:6].tolist() == [LR["lr"][i] for i in best]
    assert search.best_index_ == 6
    assert search.best_params_ == results["params"][6]
    assert search.best_score_ == results["mean_test_score"][6]
    assert not hasattr(search, "best_estimator_")


class CountEpochs(Callback):
    """Counts the epochs of all fits."""

    n = 0

    def on_epoch_end(self, net, **kwargs):
        CountEpochs.n += 1


def test_no_epoch_is_trained_twice(small):
    CountEpochs.n = 0
    model = dense(max_epochs=8, lr_schedule=None, callbacks=[CountEpochs()])
    FERHalvingSearchCV(model, LR, factor=2, cv=CV, refit=False).fit(*small)
    assert CountEpochs.n == 2 * (4 * 2 + 2 * 2 + 1 * 4)


def test_steps_of_a_pipeline_are_fitted_once_for_each_fold(small):
    X, y = small[0].reshape(len(small[0]), -1), small[1]
    model = make_pipeline(Counted(), dense(max_epochs=4))
    Counted.n = 0
    grid = {"counted__method": ["global", "adaptive"], "ferdenseclassifier__lr": [1e-3, 1e-2]}
    search = FERHalvingSearchCV(model, grid, factor=2, cv=CV, refit=False).fit(X, y)
    assert Counted.n == 2 * 2
    expected = GridSearchCV(model, grid, cv=CV, refit=False).fit(X, y).cv_results_
    row = expected["params"].index(search.best_params_)
    assert search.best_score_ == expected["mean_test_score"][row]


def test_dense_networks_of_a_rung_are_trained_as_one(small, monkeypatch):
    sizes, run = [], JointTraining.run

    def noted(self):
        sizes.append(len(self.fits))
        return run(self)

    monkeypatch.setattr(JointTraining, "run", noted)
    model = make_pipeline(HistogramEqualizer(), dense(max_epochs=4, dropout=0.1))
    grid = {
        "ferdenseclassifier__lr": [1e-3, 3e-3, 1e-2],
        "ferdenseclassifier__hidden_layer_sizes": [(8,), (4,)],
    }
    settings = {"cv": CV, "factor": 1.5, "scoring": "neg_log_loss", "refit": False}
    together = FERHalvingSearchCV(model, grid, **settings).fit(*small)
    assert sizes[:4] == [3, 3, 3, 3]  # of two sizes of networks until the pause, and after it
    assert len(sizes) > 8  # also in later rungs
    alone = FERHalvingSearchCV(model, grid, batched=False, **settings).fit(*small)
    assert together.n_candidates_ == alone.n_candidates_ == [6, 4, 3, 2]
    assert together.cv_results_["params"] == alone.cv_results_["params"]
    for name in ("split0_test_score", "split1_test_score"):
        scores, expected = (search.cv_results_[name] for search in (together, alone))
        np.testing.assert_allclose(scores, expected, rtol=1e-4)


class Counted(HistogramEqualizer):
    """An equalizer that counts its fits."""

    n = 0

    def fit(self, X, y=None):
        Counted.n += 1
        return super().fit(X, y)


def test_fits_at_the_same_time_give_the_same_results(small):
    serial = FERHalvingSearchCV(dense(max_epochs=4), LR, factor=2, cv=CV).fit(*small)
    with parallel_config("threading"):
        parallel = FERHalvingSearchCV(dense(max_epochs=4), LR, factor=2, cv=CV, n_jobs=2)
        parallel.fit(*small)
    for column in ("params", "mean_test_score", "n_resources"):
        np.testing.assert_array_equal(parallel.cv_results_[column], serial.cv_results_[column])


# -- scores --------------------------------------------------------------------------------


def test_the_score_that_refit_names_decides(small):
    scoring = {"good": "accuracy", "bad": opposite}
    search = FERHalvingSearchCV(
        dense(max_epochs=3), LR, scoring=scoring, refit="bad", cv=CV, return_train_score=True
    ).fit(*small)
    results = search.cv_results_
    assert search.n_candidates_ == [4, 2]
    best = np.sort(np.argsort(-results["mean_test_bad"][:4], kind="stable")[:2])
    assert results["param_lr"][4:].tolist() == [LR["lr"][i] for i in best]
    np.testing.assert_array_equal(results["mean_test_good"], -results["mean_test_bad"])
    assert "mean_train_good" in results
    assert search.score(*small) == opposite(search, *small)


def opposite(model, X, y):
    return -float(np.mean(model.predict(X) == y))


@pytest.mark.parametrize("refit", [True, False, "f1", lambda results: 0])
def test_several_scores_require_the_name_of_one(refit, small):
    search = FERHalvingSearchCV(dense(), LR, scoring=["accuracy", "f1_macro"], refit=refit, cv=CV)
    with pytest.raises(ValueError, match=r"the name of the one that decides|a scorer key"):
        search.fit(*small)


def test_a_callable_refit_chooses_a_row(small):
    search = FERHalvingSearchCV(dense(max_epochs=3), LR, refit=lambda results: 2, cv=CV)
    search.fit(*small)
    assert search.best_index_ == 2
    assert search.best_estimator_.lr == LR["lr"][2]


# -- metadata and callbacks ------------------------------------------------------------------


def test_groups_reach_the_folds_and_the_fits(small):
    people = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 7))
    folds = StratifiedGroupKFold(2)
    model = dense(max_epochs=4, validation_fraction=0.3)
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(groups=True)
        halving = FERHalvingSearchCV(model, LR, factor=2, cv=folds).fit(*small, groups=people)
        grid = GridSearchCV(model, LR, cv=folds, refit=False).fit(*small, groups=people)
    row = grid.cv_results_["params"].index(halving.best_params_)
    assert halving.best_score_ == grid.cv_results_["mean_test_score"][row]


def test_weights_of_the_images_reach_the_fits(small):
    weight = np.arange(70) % 3
    model = make_pipeline(HistogramEqualizer(), dense(max_epochs=4))
    grid = {f"ferdenseclassifier__{name}": values for name, values in LR.items()}
    weights = {"ferdenseclassifier__sample_weight": weight}
    halving = FERHalvingSearchCV(model, grid, factor=2, cv=CV).fit(*small, **weights)
    expected = GridSearchCV(model, grid, cv=CV).fit(*small, **weights).cv_results_
    row = expected["params"].index(halving.best_params_)
    assert halving.best_score_ == expected["mean_test_score"][row]


class Recorder:
    """Records the tasks of a search that scikit-learn's callbacks are called for."""

    def __init__(self):
        self.tasks = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.tasks.append((context.task_name, context.max_subtasks))

    def on_fit_task_end(self, estimator, context):
        self.tasks.append(context.task_name)


def test_callbacks_receive_the_tasks_of_scikit_learns_halving(small):
    recorder = Recorder()
    search = FERHalvingSearchCV(dense(max_epochs=3), LR, cv=CV)
    search.set_callbacks(recorder).fit(*small)
    begun = [task for task in recorder.tasks if isinstance(task, tuple)]
    ended = [task for task in recorder.tasks if isinstance(task, str)]
    assert begun[:3] == [("fit", 2), ("search", 2), ("halving-iteration", 8)]
    assert [n for name, n in begun if name == "halving-iteration"] == [8, 4]
    assert sum(name == "candidate-split-evaluation" for name, _ in begun) == 12
    assert begun[-1][0] == "refit-with-best-params"
    assert sorted(ended) == sorted(name for name, _ in begun)


# -- failures --------------------------------------------------------------------------------


class TooLate(Callback):
    """Fails in the first epoch."""

    def on_epoch_begin(self, net, **kwargs):
        raise TimeoutError("too late")


def failing(*lrs, **settings):
    """Return a search in which the fits with some rates fail."""
    grid = [{"lr": [lr], "callbacks": [[TooLate] if lr in lrs else None]} for lr in LR["lr"]]
    return FERHalvingSearchCV(dense(max_epochs=6), grid, cv=CV, refit=False, **settings)


def test_a_candidate_that_fails_does_not_continue(small):
    search = failing(*LR["lr"][:3])
    named = r"callbacks=\[.*TooLate.*\], lr=0.001 \(fold 1, 2\)"
    with (
        pytest.warns(UserWarning, match="non-finite"),
        pytest.warns(FitFailedWarning, match=named),
    ):
        search.fit(*small)
    assert search.n_candidates_ == [4, 1]
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [True] * 3 + [False] * 2
    assert search.best_params_["lr"] == LR["lr"][3]


def test_a_score_of_failed_fits_does_not_let_them_continue(small):
    with pytest.warns(FitFailedWarning, match="will be set to 2"):
        search = failing(*LR["lr"][:3], error_score=2).fit(*small)
    assert search.cv_results_["mean_test_score"][:3].tolist() == [2] * 3
    assert search.best_params_["lr"] == LR["lr"][3]


def test_an_error_of_all_fits_is_raised(small):
    with pytest.raises(ValueError, match=r"All the 8 fits failed(?s:.*)too late"):
        failing(*LR["lr"]).fit(*small)


def test_the_first_error_is_raised_if_asked(small):
    with pytest.raises(TimeoutError, match="too late") as raised:
        failing(1e-3, error_score="raise").fit(*small)
    assert "in the candidate callbacks=" in raised.value.__notes__[0]


def test_scores_that_are_all_nan_are_an_error(small):
    search = FERHalvingSearchCV(dense(max_epochs=3), LR, scoring=lambda *_: np.nan, cv=CV)
    with pytest.raises(ValueError, match="each of the 4 candidates failed or has the score NaN"):
        search.fit(*small)
    with (
        pytest.raises(ValueError, match="NaN"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        search.set_params(factor=9).fit(*small)  # which compares at the end only


def test_states_are_in_a_temporary_folder_that_is_removed(small, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen = []

    class Look(Callback):
        def on_train_end(self, net, **kwargs):
            seen.append(len(list(tmp_path.glob("sk_fer_search_*/*.pt"))))

    model = dense(max_epochs=4, callbacks=[Look()])
    FERHalvingSearchCV(model, LR, factor=2, cv=CV, refit=False).fit(*small)
    assert seen == [4, 5, 6, 7, 2, 2]  # the first pause was before the first epoch
    assert not list(tmp_path.glob("sk_fer_search_*"))


# -- wrong arguments -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "grid", "error", "message"),
    [
        (dense(), {"max_epochs": [2, 3]}, ValueError, "different max_epochs: 2 of max_epochs=2"),
        (dense(checkpoint="runs"), LR, ValueError, "checkpoint='runs'; FERHalvingSearchCV keeps"),
        (LogisticRegression(), {"C": [1.0]}, TypeError, "expected a classifier of sk_fer"),
        (dense(), {"learning_rate": [1.0]}, ValueError, "learning_rate"),
        (dense(), {"lr": [-1.0]}, ValueError, "lr"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_the_first_fit(
    model, grid, error, message, small
):
    X, y = small[0].reshape(len(small[0]), -1), small[1]
    with pytest.raises(error, match=message):
        FERHalvingSearchCV(model, grid, cv=CV).fit(X, y)


@pytest.mark.parametrize(
    ("name", "value"), [("factor", 1), ("min_epochs", 0), ("cv", 41), ("scoring", "acuracy")]
)
def test_wrong_arguments_are_named(name, value, small):
    with pytest.raises(ValueError, match=str(value)):
        FERHalvingSearchCV(dense(), LR, **{name: value}).fit(*small)
