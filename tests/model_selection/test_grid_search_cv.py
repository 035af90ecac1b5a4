"""FERGridSearchCV, compared with GridSearchCV of scikit-learn."""

import subprocess
import sys
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.callback import ProgressBar
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, KFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from sk_fer._utils._image_rows import ImageRows
from sk_fer.model_selection import FERGridSearchCV, FERHalvingSearchCV, _evaluate, _fit_as_one
from sk_fer.model_selection._journal import FITS
from sk_fer.preprocessing import HistogramEqualizer
from tests.helpers import cnn, dense

FOLDS = StratifiedKFold(3, shuffle=True, random_state=1)
NET = "ferdenseclassifier__"
PIPELINE = make_pipeline(HistogramEqualizer(), dense())
ONE_BY_ONE = partial(FERGridSearchCV, batched=False)
GRID = {f"{NET}lr": [1e-3, 1e-2], "histogramequalizer__method": ["global", "adaptive"]}


def assert_equal_results(search, expected):
    """Check that two searches have the same columns, parameters, scores, ranks and winner."""
    results, others = search.cv_results_, expected.cv_results_
    assert results.keys() == others.keys()
    assert results["params"] == others["params"]
    for name, column in others.items():
        if name.startswith("param_"):
            assert results[name].tolist() == column.tolist()
        elif "_test_" in name or "_train_" in name:
            np.testing.assert_array_equal(results[name], column, err_msg=name)
    for name in ("best_index_", "best_score_", "best_params_", "n_splits_", "multimetric_"):
        assert getattr(search, name, None) == getattr(expected, name, None), name


def both(estimator, grid, *data, **settings):
    """Return our search and that of scikit-learn, both fitted."""
    fit = settings.pop("fit", {})
    settings = {"cv": FOLDS, **settings}
    return [
        kind(estimator, grid, **settings).fit(*data, **fit) for kind in (ONE_BY_ONE, GridSearchCV)
    ]


def function(estimator, X, y):
    """Score with what an ordinary Pipeline and an array have."""
    assert isinstance(X, np.ndarray)
    assert getattr(estimator, "memory", None) is None
    assert all(step.__class__.__module__.startswith("sk") for step in estimator)
    assert type(estimator[0]) is HistogramEqualizer
    return accuracy_score(y, estimator.predict(X))


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (dense(validation_fraction=0.2), {"lr": [1e-3, 1e-2], "dropout": [0.1, 0.3]}),
        (PIPELINE, GRID),
        (
            make_pipeline(HistogramEqualizer(), StandardScaler(), cnn(max_epochs=1)),
            {"fercnnclassifier__lr": [1e-2], "histogramequalizer": ["passthrough"]},
        ),
        (PIPELINE, [{NET[:-2]: [LogisticRegression(max_iter=9), dense()]}, {f"{NET}lr": [1.0]}]),
        (SVC(kernel="linear"), {"C": [0.1, 1.0]}),
    ],
    ids=["dense", "preprocessing", "cnn", "steps", "other"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scores_and_winner_are_those_of_scikit_learn(small, estimator, grid):
    X, y = small[0].reshape(70, -1), small[1]
    search, expected = both(estimator, grid, X, y, return_train_score=True)
    assert_equal_results(search, expected)
    np.testing.assert_array_equal(search.predict(X), expected.predict(X))
    assert search.classes_.tolist() == expected.classes_.tolist()


@pytest.mark.parametrize(
    "settings",
    [
        {"scoring": "f1_macro"},
        {"scoring": function},
        {"scoring": {"a": "accuracy", "b": make_scorer(accuracy_score)}, "refit": "b"},
        {"scoring": ["accuracy", "neg_log_loss"], "refit": False},
        {"refit": lambda results: 1},
        {"scoring": "neg_log_loss", "refit": False, "cv": 2},
    ],
    ids=["name", "function", "dict", "list", "refit", "no refit"],
)
def test_scoring_and_refit_are_those_of_scikit_learn(small, settings):
    search, expected = both(PIPELINE, {f"{NET}lr": [1e-3, 1e-2]}, *small, **settings)
    assert_equal_results(search, expected)
    assert hasattr(search, "best_estimator_") == hasattr(expected, "best_estimator_")


def test_processes_share_images_and_preprocessing(small):
    with joblib.parallel_config(max_nbytes=1000):  # joblib maps larger arrays
        search = ONE_BY_ONE(PIPELINE, GRID, cv=FOLDS, n_jobs=2, scoring=mapped).fit(*small)
    assert_equal_results(search, GridSearchCV(PIPELINE, GRID, cv=FOLDS).fit(*small))


def mapped(estimator, X, y):
    """Score in a process whose fold has only maps of files, which are removed afterwards."""
    from sk_fer.model_selection import _fit_and_score

    fold = next(iter(_fit_and_score._folds.values()))
    assert isinstance(fold._X, np.memmap)
    assert isinstance(fold._rows[0], ImageRows)
    assert all(isinstance(images, np.memmap) for images, _ in fold._kept.values())
    return estimator.score(X, y)


def test_threads_share_a_fold(small):
    expected = GridSearchCV(PIPELINE, GRID, cv=FOLDS).fit(*small)
    with joblib.parallel_config("threading"):
        assert_equal_results(ONE_BY_ONE(PIPELINE, GRID, cv=FOLDS, n_jobs=3).fit(*small), expected)


def test_the_parent_of_workers_does_not_import_torch(tmp_path):
    program = f"""
import pickle, sys
import numpy as np
from sklearn.base import clone
from sk_fer import FERDenseClassifier
from sk_fer.model_selection import FERGridSearchCV, _grid_search_cv

def evaluate(estimator, *args, **kwargs):
    pickle.dumps(clone(estimator))
    print("torch" in sys.modules)
    sys.exit()

_grid_search_cv.evaluate = evaluate
X = np.random.default_rng(0).integers(0, 256, (20, 64), dtype=np.uint8)
net = FERDenseClassifier((4,), random_state=0)
FERGridSearchCV(net, {{"lr": [0.1]}}, cv=2, journal={str(tmp_path)!r}).fit(X, np.arange(20) % 2)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("estimator", "prefix"), [(PIPELINE, NET), (PIPELINE[-1], "")], ids=["pipeline", "classifier"]
)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_dense_networks_are_trained_as_one(small, estimator, prefix, n_jobs, monkeypatch):
    X, y = small[0].reshape(70, -1), small[1]
    grid = {f"{prefix}lr": [1e-3, 1e-2, 3e-2], f"{prefix}hidden_layer_sizes": [(8,), (4,)]}
    fit = {f"{prefix}sample_weight": 1.0 + np.arange(70) % 2, f"{prefix}groups": np.arange(70) // 2}
    if not prefix:
        fit.pop("groups")  # the folds would take it
    estimator = clone(estimator).set_params(**{f"{prefix}validation_fraction": 0.3})
    settings = {"cv": FOLDS, "scoring": "neg_log_loss"}
    sizes = []
    fit_together = _fit_as_one.fit_together

    def noted(models, *args, **kwargs):
        sizes.append(len(models))
        return fit_together(models, *args, **kwargs)

    monkeypatch.setattr(_fit_as_one, "fit_together", noted)
    with joblib.parallel_config("threading"):
        search = FERGridSearchCV(estimator, grid, n_jobs=n_jobs, **settings).fit(X, y, **fit)
    assert sizes == [6] * 3
    expected = GridSearchCV(estimator, grid, **settings).fit(X, y, **fit)
    for split in range(3):
        name = f"split{split}_test_score"
        scores, others = search.cv_results_[name], expected.cv_results_[name]
        np.testing.assert_allclose(scores, others, rtol=0.02)
    assert search.cv_results_["params"] == expected.cv_results_["params"]


@pytest.mark.parametrize("kind", [FERGridSearchCV, FERHalvingSearchCV])
def test_networks_that_fail_together_are_trained_one_by_one(kind, small, monkeypatch):
    def no_space(*args, **kwargs):
        raise MemoryError

    search = kind(dense(max_epochs=4), {"lr": [1e-3, 1e-2]}, cv=FOLDS)
    expected = clone(search).set_params(batched=False).fit(*small)
    monkeypatch.setattr("sk_fer.training.train_together", no_space)
    search.fit(*small)
    name = "mean_test_score"
    assert search.cv_results_[name].tolist() == expected.cv_results_[name].tolist()


def test_a_diverged_network_does_not_end_those_that_were_trained_with_it(small):
    search = FERGridSearchCV(dense(), {"lr": [1e-2, 1e30]}, cv=2, error_score=-1)
    with pytest.warns(FitFailedWarning, match=r"(?s)2 fits failed.*in the candidates lr=1e\+30"):
        search.fit(*small)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] > 0
    assert scores[1] == -1


def test_groups_and_weights_reach_fits_and_folds(small):
    X, y = small
    people = np.arange(70) // 3
    weight = 1.0 + np.arange(70) % 2
    net = dense(validation_fraction=0.3)
    model = make_pipeline(HistogramEqualizer(), net)
    folds = StratifiedGroupKFold(2, shuffle=True, random_state=0)
    fit = {"groups": people, f"{NET}sample_weight": weight}
    assert_equal_results(*both(model, {f"{NET}lr": [1e-2]}, X, y, cv=folds, fit=fit))
    with sklearn.config_context(enable_metadata_routing=True):
        net.set_fit_request(groups=True, sample_weight=True)
        settings = {
            "cv": folds,
            "scoring": make_scorer(accuracy_score).set_score_request(sample_weight=True),
            "fit": {"groups": people, "sample_weight": weight},
        }
        assert_equal_results(*both(model, {f"{NET}lr": [1e-2]}, X, y, **settings))


def test_classifiers_in_the_grid_are_trained_as_one_and_stay_as_they_are(small, tmp_path):
    grid = {NET[:-2]: [dense(max_epochs=3)], f"{NET}lr": [1e-2, 5e-2]}
    first, again = (
        FERGridSearchCV(PIPELINE, grid, cv=FOLDS, journal=tmp_path).fit(*small) for _ in range(2)
    )
    expected = ONE_BY_ONE(PIPELINE, grid, cv=FOLDS).fit(*small)
    for search in (first, again):
        for name in ("split0_test_score", "split1_test_score", "split2_test_score"):
            np.testing.assert_allclose(search.cv_results_[name], expected.cv_results_[name])
    assert grid[NET[:-2]][0].get_params() == dense(max_epochs=3).get_params()
    assert len((tmp_path / FITS).read_text().splitlines()) == 6


class ChangesFrame(TransformerMixin, BaseEstimator):
    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        X.loc[:, X.columns[:200]] *= self.factor
        return X


@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (RidgeClassifier(copy_X=False), {"alpha": [1.0, 1e4, 1e8]}),
        (
            make_pipeline(FunctionTransformer(np.sqrt), RidgeClassifier(copy_X=False)),
            {"ridgeclassifier__alpha": [1.0, 1e4, 1e8]},
        ),
        (make_pipeline(ChangesFrame(), RidgeClassifier()), {"changesframe__factor": [9.0, 0.1]}),
    ],
    ids=["classifier", "last step", "first step"],
)
def test_estimators_that_work_in_place_do_not_change_the_images_of_others(small, model, grid):
    X = small[0].reshape(70, -1) + 50.0
    X = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(X.shape[1])])
    # The fit of the best candidate on all images would change X itself.
    assert_equal_results(*both(model, grid, X, small[1], refit=False))


class FoldsOfTimes(KFold):
    __metadata_request__split = {"times": True}

    def split(self, X, y=None, groups=None, *, times):
        yield np.flatnonzero(times < 40), np.flatnonzero(times >= 40)

    def get_n_splits(self, X=None, y=None, groups=None, **params):
        return 1


@pytest.mark.parametrize("kind", [GridSearchCV, FERGridSearchCV, FERHalvingSearchCV])
def test_a_splitter_receives_its_metadata(small, kind):
    with sklearn.config_context(enable_metadata_routing=True):
        search = kind(dense(max_epochs=1), {"lr": [1e-2]}, cv=FoldsOfTimes(), refit=False)
        search.fit(*small, times=np.arange(70))
    assert search.n_splits_ == 1


class Fails(HistogramEqualizer):
    """An equalizer whose adaptive method fails."""

    def fit(self, X, y=None):
        if self.method == "adaptive":
            raise ZeroDivisionError("no method")
        return super().fit(X, y)


FAILING = make_pipeline(Fails(), dense())
FAILING_GRID = {f"{NET}lr": [1e-3, 1e-2], "fails__method": ["global", "adaptive"]}


def test_candidates_that_fail_are_named(small):
    search = FERGridSearchCV(FAILING, FAILING_GRID, cv=2, error_score=-1)
    named = (
        rf"(?s)4 fits failed out of a total of 8.*4 fits failed with.*no method\nin the candidates "
        rf"fails__method='adaptive', {NET}lr=0.001 \(fold 1, 2\); fails__method='adaptive', "
        rf"{NET}lr=0.01 \(fold 1, 2\)"
    )
    with pytest.warns(FitFailedWarning, match=named):
        search.fit(*small)
    with pytest.warns(FitFailedWarning):
        expected = GridSearchCV(FAILING, FAILING_GRID, cv=2, error_score=-1).fit(*small)
    assert_equal_results(search, expected)
    with pytest.raises(ValueError, match=r"(?s)All the 2 fits failed.*in the candidates fails"):
        FERGridSearchCV(FAILING, {"fails__method": ["adaptive"]}, cv=2).fit(*small)


def test_an_error_that_is_raised_names_its_candidate(small):
    with pytest.raises(ZeroDivisionError) as error:
        FERGridSearchCV(FAILING, FAILING_GRID, cv=2, error_score="raise").fit(*small)
    assert error.value.__notes__ == [
        f"in the candidate fails__method='adaptive', {NET}lr=0.001, fold 1"
    ]


def test_a_grid_with_an_unknown_name_is_refused_before_the_first_fit(small):
    with pytest.raises(ValueError, match="candidates cannot be fitted, and none was"):
        FERGridSearchCV(PIPELINE, {f"{NET}lrr": [1]}).fit(*small)


@pytest.mark.parametrize("kind", [FERGridSearchCV, FERHalvingSearchCV])
@pytest.mark.parametrize("scoring", ["acuracy", ["acuracy", "f1_macro"]])
def test_an_unknown_score_has_the_nearest_names(small, kind, scoring):
    with pytest.raises(ValueError, match=r"'acuracy'.*; the nearest are 'accuracy'"):
        kind(dense(), {}, scoring=scoring, refit=False).fit(*small)


def test_a_scorer_that_always_fails_chooses_no_candidate(small):
    def fail(estimator, X, y):
        raise RuntimeError("no score")

    with (
        pytest.warns(UserWarning, match="no score|non-finite"),
        pytest.raises(ValueError, match="all 2 have the score NaN"),
    ):
        FERGridSearchCV(dense(), {"lr": [0.1, 0.2]}, scoring=fail, cv=FOLDS).fit(*small)


def test_callbacks_of_scikit_learn_see_all_fits(small, capsys):
    search = FERGridSearchCV(PIPELINE, {f"{NET}lr": [1e-3, 1e-2]}, cv=2)
    search.set_callbacks(ProgressBar()).fit(*small)
    assert "FERGridSearchCV" in capsys.readouterr().out


class StopSearch(BaseException):
    """What a killed process is like for those that wait for it."""


def test_a_search_that_was_stopped_repeats_no_finished_fit(small, tmp_path, monkeypatch):
    expected = GridSearchCV(PIPELINE, GRID, cv=FOLDS).fit(*small)
    search = ONE_BY_ONE(PIPELINE, GRID, cv=FOLDS, journal=tmp_path)
    n_fits, fit_and_score = 0, _evaluate.fit_and_score

    def counted(*args, **kwargs):
        nonlocal n_fits
        if n_fits == 5:
            raise StopSearch
        n_fits += 1
        return fit_and_score(*args, **kwargs)

    monkeypatch.setattr(_evaluate, "fit_and_score", counted)
    with pytest.raises(StopSearch):
        search.fit(*small)
    assert len((tmp_path / FITS).read_text().splitlines()) == 5
    n_fits = -7
    assert_equal_results(search.fit(*small), expected)
    assert n_fits == 0
    n_fits = 5  # another fit would raise an error
    assert_equal_results(search.fit(*small), expected)
    with pytest.raises(
        ValueError, match=f"is of another search: .*the candidate {NET}lr=1.0 is new"
    ):
        FERGridSearchCV(PIPELINE, {f"{NET}lr": [1.0]}, cv=FOLDS, journal=tmp_path).fit(*small)


def test_a_journal_of_other_groups_or_weights_is_refused(small, tmp_path):
    fit = {f"{NET}sample_weight": np.ones(70)}
    search = FERGridSearchCV(PIPELINE, {f"{NET}lr": [1e-3]}, cv=2, journal=tmp_path, refit=False)
    search.fit(*small, **fit)
    fit[f"{NET}sample_weight"][0] = 2
    with pytest.raises(ValueError, match=f"is of another search: {NET}sample_weight was"):
        search.fit(*small, **fit)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_failed_fits_are_tried_again(small, tmp_path, monkeypatch):
    search = FERGridSearchCV(FAILING, FAILING_GRID, cv=2, journal=tmp_path, refit=False)
    with pytest.warns(FitFailedWarning):
        search.fit(*small)
    assert len((tmp_path / FITS).read_text().splitlines()) == 4
    monkeypatch.setattr(Fails, "fit", HistogramEqualizer.fit)
    search.fit(*small)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
