"""The estimators in tools of scikit-learn, on real FER2013 images."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_html_repr

from sk_fer import FERCNNClassifier
from sk_fer.preprocessing import HistogramEqualizer, ImageResizer, PixelParser

from .. import helpers

CHANCE = 1 / 7


dense = partial(helpers.dense, hidden_layer_sizes=(64,), max_epochs=10, batch_size=128)


def test_cnn_in_a_pipeline_beats_chance(real_faces):
    X, y = real_faces
    cnn = FERCNNClassifier(
        "sequential",
        optimizer="adam",
        lr=3e-3,
        max_epochs=15,
        batch_size=128,
        augment={"flip": 0.5},
        random_state=0,
    )
    pipeline = make_pipeline(HistogramEqualizer(), ImageResizer((24, 24)), cnn)
    pipeline.fit(X[:1000], y[:1000])
    assert pipeline[-1].image_shape_ == (24, 24, 1)
    assert pipeline.score(X[1000:], y[1000:]) > CHANCE + 0.05


def test_grid_search_over_preprocessing_and_network(real_faces):
    X, y = real_faces
    grid = GridSearchCV(
        make_pipeline(HistogramEqualizer(), dense()),
        {
            "histogramequalizer": [HistogramEqualizer(), "passthrough"],
            "ferdenseclassifier__lr": [1e-3, 1e-8],
        },
        cv=3,
    ).fit(X, y)
    assert grid.best_params_["ferdenseclassifier__lr"] == 1e-3
    assert grid.best_score_ > CHANCE + 0.05
    assert grid.predict(X[:5]).shape == (5,)


def test_workers_of_loky_give_the_same_scores(real_faces):
    X, y = real_faces
    alone = cross_val_score(dense(max_epochs=2), X[:300], y[:300], cv=2)
    shared = cross_val_score(dense(max_epochs=2), X[:300], y[:300], cv=2, n_jobs=2)
    np.testing.assert_allclose(shared, alone, atol=0.02)


def test_randomized_search(real_faces):
    X, y = real_faces
    search = RandomizedSearchCV(
        dense(), {"dropout": [0.0, 0.2], "lr": [1e-3, 3e-3]}, n_iter=2, cv=2, random_state=0
    ).fit(X, y)
    assert len(search.cv_results_["params"]) == 2
    assert search.best_score_ > CHANCE


def test_halving_search_over_epochs(real_faces):
    X, y = real_faces
    search = HalvingGridSearchCV(
        dense(),
        {"lr": [1e-8, 1e-3, 3e-3]},
        resource="max_epochs",
        min_resources=2,
        max_resources=6,
        factor=3,
        cv=2,
    ).fit(X[:700], y[:700])
    assert search.n_resources_ == [2, 6]
    assert search.best_params_["lr"] > 1e-8
    assert search.best_estimator_.n_epochs_ == 6


def test_cross_validate_with_several_scorers(real_faces):
    X, y = real_faces
    scores = cross_validate(
        dense(), X, y, cv=2, scoring=["accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr"]
    )
    assert scores["test_accuracy"].mean() > CHANCE + 0.05
    assert (scores["test_neg_log_loss"] < 0).all()
    assert scores["test_roc_auc_ovr"].mean() > 0.55


def test_learning_curve(real_faces):
    X, y = real_faces
    _, _, test_scores = learning_curve(
        dense(max_epochs=20), X, y, train_sizes=[0.1, 1.0], cv=2, shuffle=True, random_state=0
    )
    small, whole = test_scores.mean(axis=1)
    assert whole > small


@pytest.mark.parametrize(
    "make",
    [
        lambda: CalibratedClassifierCV(dense(), cv=2),
        lambda: VotingClassifier([("a", dense()), ("b", dense(lr=3e-3))], voting="soft"),
        lambda: BaggingClassifier(dense(), n_estimators=2, random_state=0),
        lambda: StackingClassifier(
            [("a", dense()), ("b", dense(lr=3e-3))], LogisticRegression(max_iter=1000), cv=2
        ),
    ],
    ids=["calibrated", "voting", "bagging", "stacking"],
)
def test_meta_estimators(make, real_faces):
    X, y = real_faces
    model = make().fit(X[:1000], y[:1000])
    proba = model.predict_proba(X[1000:])
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
    assert model.score(X[1000:], y[1000:]) > CHANCE + 0.03


def test_set_params_on_nested_names_and_clone(real_faces):
    X, y = real_faces
    pipeline = make_pipeline(ImageResizer((24, 24)), dense())
    pipeline.set_params(ferdenseclassifier__dropout=0.4, imageresizer__image_size=(16, 16))
    fitted = clone(pipeline).fit(X[:200], y[:200])
    assert fitted[-1].dropout == 0.4
    assert fitted[-1].image_shape_ == (16, 16, 1)
    assert not hasattr(clone(fitted)[-1], "net_")


def test_sample_weight_is_routed_through_a_search(real_faces):
    X, y = real_faces
    weight = (y != "fear").astype(float)
    with sklearn.config_context(enable_metadata_routing=True):
        weighted = dense(max_epochs=20).set_fit_request(sample_weight=True)
        weighted.set_score_request(sample_weight=True)
        search = GridSearchCV(make_pipeline(weighted), {"ferdenseclassifier__lr": [1e-3]}, cv=2)
        search.fit(X, y, sample_weight=weight)
    assert "fear" not in set(search.predict(X))


def test_validation_images_pass_through_the_preprocessing(real_faces):
    X, y = real_faces
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            ImageResizer((24, 24)),
            dense().set_fit_request(X_val=True, y_val=True),
            transform_input=["X_val"],
        )
        pipeline.fit(X[:1000], y[:1000], X_val=X[1000:], y_val=y[1000:])
    accuracy = pipeline[-1].history_["valid_accuracy"].iloc[-1]
    assert accuracy == pytest.approx(pipeline.score(X[1000:], y[1000:]), abs=1e-6)


def test_pipeline_with_memory(real_faces, tmp_path):
    X, y = real_faces
    pipeline = make_pipeline(ImageResizer((24, 24)), dense(), memory=str(tmp_path))
    first = pipeline.fit(X, y).predict_proba(X)
    assert any(tmp_path.rglob("*.pkl"))
    np.testing.assert_array_equal(pipeline.fit(X, y).predict_proba(X), first)


def test_the_table_straight_from_the_csv_is_x(data_folder):
    table = pd.read_csv(data_folder / "fer2013.csv", nrows=300)
    pipeline = make_pipeline(PixelParser(), dense(max_epochs=30)).fit(table, table["emotion"])
    assert pipeline.predict(table[:4]).dtype == table["emotion"].dtype
    assert pipeline.score(table, table["emotion"]) > 0.5


def test_html_repr(real_faces):
    X, y = real_faces
    model = dense(max_epochs=1)
    assert "FERDenseClassifier" in estimator_html_repr(model)
    assert "FERDenseClassifier" in estimator_html_repr(make_pipeline(model).fit(X[:50], y[:50]))
