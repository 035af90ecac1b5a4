"""Classifiers that are fitted together are equal to those that are fitted one by one."""

import re
from contextlib import ExitStack

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import KFold
from skorch.callbacks import EpochScoring

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.datasets import make_faces
from sk_fer.estimators._batched_fit import can_fit_together, fit_together
from sk_fer.training._batched_loop import JointTraining
from tests.helpers import pretrained

SETTINGS = {
    "hidden_layer_sizes": (12, 8),
    "max_epochs": 3,
    "batch_size": 32,
    "random_state": 0,
    "device": "cpu",
    "precision": "float32",
}


def dense(**parameters):
    return FERDenseClassifier(**{**SETTINGS, **parameters})


@pytest.fixture(scope="module")
def faces():
    X, y = make_faces(150, image_size=16, random_state=0)
    return X, np.asarray(y)


@pytest.fixture
def joint_sizes(monkeypatch):
    """The numbers of nets that were trained together."""
    sizes = []
    run = JointTraining.run

    def noted(self):
        sizes.append(len(self.fits))
        return run(self)

    monkeypatch.setattr(JointTraining, "run", noted)
    return sizes


def assert_equal_fits(together, alone, X, atol=2e-5):
    for model, other in zip(together, alone, strict=True):
        weights, others = (m.net_.module_.state_dict() for m in (model, other))
        for name, tensor in weights.items():
            assert_allclose(tensor, others[name], atol=atol, err_msg=name)
        history, expected = (m.history_.drop(columns="seconds") for m in (model, other))
        assert list(history) == list(expected)
        assert_allclose(history, expected, atol=atol)
        assert_array_equal(model.predict(X), other.predict(X))
        assert vars(model).keys() == vars(other).keys()


@pytest.mark.parametrize(
    ("name", "values", "others"),
    [
        ("lr", [1e-3, 3e-3, 1e-2], {}),
        ("lr", [1e-3, 1e-2], {"hidden_layer_sizes": ()}),
        ("lr", [1e-3, 1e-2], {"lr_schedule": None}),
        ("lr", [1e-3, 1e-2], {"lr_schedule": "plateau"}),
        ("weight_decay", [0.0, 0.1, 1.0], {"optimizer": "adamw"}),
        ("weight_decay", [0.0, 0.1], {"optimizer": "muon", "dropout": 0.1}),
        ("momentum", [0.0, 0.5, 0.9], {"optimizer": "sgd"}),
        ("dropout", [0.0, 0.2, 0.2, 0.5], {"lr": 0.003}),
        ("label_smoothing", [0.0, 0.2, 0.1, 0.2], {}),
        ("label_smoothing", [0.0, 0.2], {"criterion": "focal"}),
        ("random_state", [0, 1, 2], {"dropout": 0.2, "augment": {"flip": 0.5, "shift": 0.1}}),
        ("random_state", [0, 0, 1], {"optimizer": "adagrad", "normalize": "dataset"}),
        ("random_state", [0, 1], {"optimizer": "rmsprop", "validation_fraction": 0.2}),
        ("n_iter_no_change", [1, 5], {"early_stopping": True, "lr": 0.1, "max_epochs": 6}),
    ],
)
def test_equal_to_fits_one_by_one(name, values, others, faces, joint_sizes):
    models = [dense(**{**others, name: value}) for value in values]
    together = fit_together([clone(model) for model in models], *faces)
    assert joint_sizes == [len(values)]
    assert_equal_fits(together, [clone(model).fit(*faces) for model in models], faces[0])


def test_values_that_must_matter_do(faces):
    for name, values in {"dropout": (0.1, 0.5), "random_state": (0, 1), "lr": (0.1, 0.01)}.items():
        one, other = fit_together([dense(**{name: value}) for value in values], *faces)
        assert not np.allclose(one.predict_proba(faces[0]), other.predict_proba(faces[0]))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_folds_are_rows_of_one_array(early_stopping, faces, joint_sizes):
    """Batches and validation sets of the folds differ in size."""
    X, y = faces
    folds = [train for train, _ in KFold(4, shuffle=True, random_state=0).split(X)]
    assert len({len(train) for train in folds}) == 2
    rows = [train for train in folds for _ in range(2)]
    models = [
        dense(dropout=0.1, lr=lr, early_stopping=early_stopping, n_iter_no_change=1, max_epochs=5)
        for _ in folds
        for lr in (0.003, 0.05)
    ]
    together = fit_together([clone(model) for model in models], X, y, rows)
    alone = [clone(m).fit(X[r], y[r]) for m, r in zip(models, rows, strict=True)]
    assert joint_sizes == [8]
    assert_equal_fits(together, alone, X)
    if early_stopping:
        assert len({model.n_epochs_ for model in together}) > 1


@pytest.mark.parametrize(
    "settings",
    [
        [{"lr": 0.001, "dropout": 0.2}, {"lr": 0.01, "dropout": 0.2}],
        [{"early_stopping": True, "n_iter_no_change": 1, "lr": lr} for lr in (0.001, 0.1)],
        [{"random_state": 0, "dropout": 0.1}, {"random_state": 1}],
    ],
)
def test_heads_over_frozen_backbones(settings, faces, joint_sizes):
    """Equal backbones are one object, and run once."""
    X, y = faces
    models = [
        pretrained(trainable="head", max_epochs=3, random_state=0).set_params(**each)
        for each in settings
    ]
    rows = [np.arange(0, len(X), 2)] * 2
    together = fit_together([clone(model) for model in models], X, y, rows)
    assert joint_sizes == [2]
    alone = [clone(model).fit(X[rows[0]], y[rows[0]]) for model in models]
    assert_equal_fits(together, alone, X)
    backbones = {id(model.net_.module_.network.backbone) for model in together}
    assert len(backbones) == len({model.random_state for model in models})


def test_weights_soft_targets_and_groups(faces):
    X, y = faces
    rng = np.random.default_rng(0)
    weight, people = rng.integers(0, 3, len(X)).astype(float), np.arange(len(X)) // 5
    shares = rng.dirichlet(np.ones(4), len(X)).astype(np.float32)
    rows = np.arange(0, len(X), 2)
    models = [dense(lr=lr, validation_fraction=0.2) for lr in (0.001, 0.01)]
    for target in (y, shares):
        together = fit_together(
            [clone(m) for m in models], X, target, [rows, rows], sample_weight=weight, groups=people
        )
        alone = [
            clone(m).fit(X[rows], target[rows], sample_weight=weight[rows], groups=people[rows])
            for m in models
        ]
        assert_equal_fits(together, alone, X)


def fit_parts_together(models, X, y, n_epochs, states):
    """Fit classifiers until an epoch, from states, and return the new states."""
    with ExitStack() as stack:
        pauses = [
            stack.enter_context(model._paused_after(n_epochs, state))
            for model, state in zip(models, states, strict=True)
        ]
        fit_together(models, X, y)
    return [pause.state for pause in pauses]


@pytest.mark.parametrize(
    ("models", "sizes"),
    [
        # A pause before the first epoch, and one before the sixth, each with a cool-down.
        ([dense(lr=lr, dropout=0.1) for lr in (1e-3, 1e-2)], [2] * 5),
        ([dense(lr=lr, lr_schedule=None) for lr in (1e-3, 1e-2)], [2] * 3),
        ([dense(lr=lr, lr_schedule="plateau", tol=0.5) for lr in (1e-3, 1e-2)], [2] * 5),
        # One of them ends early, and the other one continues alone.
        ([dense(lr=0.1, early_stopping=True, n_iter_no_change=n) for n in (1, 9)], [2] * 3),
        ([pretrained(trainable="head", lr=lr) for lr in (1e-3, 1e-2)], [2] * 5),
    ],
    ids=["dropout", "constant", "plateau", "early stopping", "heads"],
)
def test_parts_of_fits_are_equal_to_those_one_by_one(models, sizes, faces, joint_sizes):
    models = [clone(model).set_params(max_epochs=9) for model in models]
    states = [None, None]
    for n_epochs in (1, 7, 9):
        together, alone = ([clone(model) for model in models] for _ in range(2))
        for model, state in zip(alone, states, strict=True):
            with model._paused_after(n_epochs, state):
                model.fit(*faces)
        states = fit_parts_together(together, *faces, n_epochs, states)
        assert_equal_fits(together, alone, faces[0])
    assert joint_sizes == sizes


def test_parts_of_fits_can_be_fitted_alone_and_together_in_turn(faces):
    whole = [dense(lr=lr, max_epochs=6) for lr in (1e-3, 1e-2)]
    first, second, last = ([clone(model) for model in whole] for _ in range(3))
    states = []
    for model in first:
        with model._paused_after(2, None) as pause:
            model.fit(*faces)
        states.append(pause.state)
    states = fit_parts_together(second, *faces, 4, states)
    for model, state in zip(last, states, strict=True):
        with model._paused_after(6, state):
            model.fit(*faces)
    assert_equal_fits(last, [clone(model).fit(*faces) for model in whole], faces[0])


def test_parts_of_fits_keep_their_random_seeds(faces):
    first, second = ([dense(random_state=None) for _ in range(2)] for _ in range(2))
    states = fit_parts_together(first, *faces, 1, [None, None])
    fit_parts_together(second, *faces, 2, states)
    assert [model._seed for model in second] == [model._seed for model in first]


def test_other_networks_and_large_ones_are_separate(faces, joint_sizes, monkeypatch):
    models = [
        dense(hidden_layer_sizes=n, lr=lr) for lr in (0.001, 0.01) for n in ((4,), (8,), (9,))
    ]
    models.pop()
    together = fit_together([clone(model) for model in models], *faces)
    assert joint_sizes == [2, 2]  # and one alone
    assert_equal_fits(together, [clone(model).fit(*faces) for model in models], faces[0])
    monkeypatch.setattr("sk_fer.estimators._batched_fit.MOST_BYTES", 8 * 16 * 16 * 5)
    fit_together([dense(hidden_layer_sizes=(4,), lr=lr) for lr in (0.1, 0.2, 0.3, 0.4)], *faces)
    assert joint_sizes == [2, 2, 2, 2]
    seeds = [dense(hidden_layer_sizes=(4,), lr=lr, random_state=n) for lr in (1, 2) for n in (1, 2)]
    fit_together(seeds, *faces)  # those with the same batches
    assert joint_sizes == [2, 2, 2, 2, 2, 2]
    monkeypatch.setattr("sk_fer.estimators._batched_fit.MOST_BYTES", 8 * 16 * 16 * 5 * 16)
    fit_together(seeds, *faces)
    assert joint_sizes == [2, 2, 2, 2, 2, 2, 4]


def test_a_fit_that_fails_leaves_the_others_unchanged(faces):
    models = [dense(optimizer="sgd", lr=lr) for lr in (0.01, 1e30, 0.02)]
    models.append(dense(class_weight={"nobody": 1.0}))
    first, diverged, second, refused = fit_together([clone(model) for model in models], *faces)
    alone = [clone(models[i]).fit(*faces) for i in (0, 2)]
    assert_equal_fits([first, second], alone, faces[0])
    for error, model in ((diverged, models[1]), (refused, models[3])):
        assert type(error) is ValueError
        with pytest.raises(ValueError, match=re.escape(str(error))):
            clone(model).fit(*faces)


def test_a_fit_can_be_continued_and_stored(faces):
    X, y = faces
    model = fit_together([dense(lr=0.01), dense()], X, y)[0]
    other = dense(lr=0.01).fit(X, y)
    storage = model.net_.module_.network.head.weight.untyped_storage()
    assert storage.nbytes() == model.net_.module_.network.head.weight.nbytes
    assert_equal_fits([model.partial_fit(X, y)], [other.partial_fit(X, y)], X)


def test_global_random_state_is_unchanged(faces):
    before = torch.get_rng_state()
    fit_together([dense(dropout=0.5), dense(lr=0.1)], *faces)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (FERCNNClassifier(), "FERCNNClassifier is neither a FERDenseClassifier nor"),
        (pretrained(trainable="all"), "FERPretrainedClassifier is neither"),
        (pretrained(trainable="head", augment="auto"), "augment=None"),
        (dense(callbacks=[EpochScoring("f1_macro")]), "callbacks"),
        (dense(checkpoint="folder"), "checkpoint"),
        (dense(compile=True), "compile"),
        (dense(verbose=1), "verbose"),
        (dense(hidden_layer_sizes=(3,)), "no two classifiers differ only"),
    ],
)
def test_the_reason_that_fits_are_separate(model, reason, faces):
    assert can_fit_together([dense(lr=0.1), dense(lr=0.2)]) == (True, "")
    possible, got = can_fit_together([dense(), model])
    assert not possible
    assert reason in got
    if "no two" not in reason:
        with pytest.raises(ValueError, match=reason):
            fit_together([dense(), model], *faces)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")
def test_equal_on_a_gpu(faces, joint_sizes):
    models = [dense(device="cuda", dropout=0.2, lr=lr) for lr in (0.001, 0.01)]
    together = fit_together([clone(model) for model in models], *faces)
    assert joint_sizes == [2]
    for model, other in zip(together, models, strict=True):
        alone = clone(other).fit(*faces)
        assert_allclose(model.predict_proba(faces[0]), alone.predict_proba(faces[0]), atol=1e-3)
