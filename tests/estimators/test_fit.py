"""The inputs of fit, and the fitted model."""

import re
import signal
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from skorch.callbacks import Checkpoint, EarlyStopping, EpochScoring, GradientNormClipping

from sk_fer import FERDenseClassifier
from sk_fer.datasets import make_faces

from .. import helpers
from ..helpers import Stop

dense = partial(helpers.dense, hidden_layer_sizes=(32,), max_epochs=8, lr=0.01)
cnn = partial(helpers.cnn, optimizer="adam", lr=3e-3)


def test_learns_the_training_images(faces):
    X, y = faces
    model = dense(max_epochs=30).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.predict(X).dtype == y.dtype
    np.testing.assert_array_equal(model.classes_, np.unique(y))


def test_layouts_and_types_of_images_agree(faces):
    X, y = faces
    flat = dense().fit(X, y).predict_proba(X)
    images = X.reshape(-1, 48, 48)
    np.testing.assert_array_equal(dense().fit(images, y).predict_proba(X), flat)
    np.testing.assert_array_equal(dense().fit(images[..., None], y).predict_proba(images), flat)


def test_the_scale_of_pixels_does_not_matter(faces):
    X, y = faces
    model = dense(precision="float32")  # without the rounding of bfloat16
    whole = model.fit(X, y).predict_proba(X)
    shares = model.fit(X.astype(np.float64) / 255, y).predict_proba(X)
    np.testing.assert_allclose(shares, whole, atol=2e-3)


def test_color_images_and_oblong_shapes(faces):
    X, y = faces
    color = np.repeat(X.reshape(-1, 48, 48, 1), 3, axis=3)[:, ::2]
    model = cnn(max_epochs=1).fit(color, y)
    assert model.image_shape_ == (24, 48, 3)
    assert model.n_features_in_ == 24 * 48 * 3
    flat = color.reshape(len(color), -1)
    np.testing.assert_array_equal(model.predict_proba(flat), model.predict_proba(color))
    again = cnn(max_epochs=1, image_shape=(24, 48, 3)).fit(flat, y)
    np.testing.assert_array_equal(again.predict_proba(flat), model.predict_proba(flat))


def test_uint8_images_are_never_copied_whole(faces, tmp_path):
    X, y = np.repeat(faces[0], 40, axis=0), np.repeat(faces[1], 40)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    expected = dense(max_epochs=1).fit(X, y).predict(X)
    model = dense(max_epochs=1, validation_fraction=0.1)
    tracemalloc.start()
    model.fit(mapped, y).predict(mapped)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.nbytes / 2
    np.testing.assert_array_equal(dense(max_epochs=1).fit(mapped, y).predict(mapped), expected)


@pytest.mark.parametrize(
    "labels",
    [np.array([3, 7, 9]), np.array([-1.0, 0.0, 1.0]), np.array(["a", "b", "c"], dtype=object)],
    ids=["int", "float", "object"],
)
def test_labels_of_any_kind_are_restored(labels, faces):
    X = faces[0][:60]
    y = labels[np.arange(60) % 3]
    model = dense().fit(X, y)
    assert model.predict(X).dtype == y.dtype
    assert set(model.predict(X)) <= set(labels)


def test_classes_with_a_single_image_do_not_stop_a_fit(faces):
    X, y = faces[0][:40], np.array(["happy", "sad"] * 19 + ["fear", "disgust"])
    model = dense(validation_fraction=0.2).fit(X, y)
    assert model.classes_.tolist() == ["disgust", "fear", "happy", "sad"]
    assert model.predict_proba(X).shape == (40, 4)


# -- randomness ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [lambda: dense(dropout=0.3), lambda: cnn(augment={"flip": 0.5, "erasing": 0.5})],
    ids=["dense", "cnn"],
)
def test_equal_random_state_gives_equal_bits(make, faces):
    X, y = faces
    first = make().fit(X, y)
    torch.rand(1)  # the global state must not matter
    second = make().fit(X, y)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    other = make().set_params(random_state=1).fit(X, y)
    assert not np.array_equal(first.predict_proba(X), other.predict_proba(X))
    pd.testing.assert_frame_equal(
        first.history_.drop(columns="seconds"), second.history_.drop(columns="seconds")
    )


def test_fits_in_threads_side_by_side_are_those_one_after_the_other(faces):
    X, y = faces

    def proba(seed):
        return dense(dropout=0.3, max_epochs=3, random_state=seed).fit(X, y).predict_proba(X)

    alone = [proba(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for first, second in zip(alone, pool.map(proba, range(4)), strict=True):
            np.testing.assert_array_equal(first, second)


def test_global_random_states_are_not_changed(faces):
    X, y = faces
    np.random.seed(5)  # noqa: NPY002 - the legacy global state is what is tested
    torch.manual_seed(5)
    before = np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
    cnn(validation_fraction=0.2, dropout=0.5).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(before[1], torch.random.get_rng_state())


# -- validation ----------------------------------------------------------------------------


def test_history_has_a_row_an_epoch(faces):
    X, y = faces
    model = dense(max_epochs=3, validation_fraction=0.25).fit(X, y)
    columns = "epoch train_loss train_accuracy valid_loss valid_accuracy lr seconds"
    assert model.history_.columns.tolist() == columns.split()
    assert model.history_["epoch"].tolist() == [1, 2, 3]
    assert model.n_epochs_ == 3
    assert (model.history_["seconds"] > 0).all()


def test_given_validation_images_go_before_the_fraction(faces):
    X, y = faces
    model = dense(validation_fraction=0.5).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert model.history_["valid_accuracy"].iloc[-1] == pytest.approx(
        model.score(X[200:], y[200:]), abs=1e-6
    )
    alone = dense().fit(X[:200], y[:200])
    np.testing.assert_array_equal(model.predict_proba(X), alone.predict_proba(X))


def test_early_stopping_keeps_the_best_weights(faces):
    X, y = faces
    model = dense(
        max_epochs=200, lr_schedule=None, lr=0.01, early_stopping=True, n_iter_no_change=4
    ).fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    best = model.history_["valid_loss"].idxmin()
    assert model.n_epochs_ < 200
    assert best < model.n_epochs_ - 1
    assert model.score(X[100:], y[100:]) == pytest.approx(
        model.history_["valid_accuracy"][best], abs=1e-6
    )


# -- weights and soft targets ---------------------------------------------------------------


def test_zero_weight_is_absence(faces):
    X, y = faces
    weight = (y != "fear").astype(float)
    assert "fear" not in set(dense(max_epochs=30).fit(X, y, sample_weight=weight).predict(X))


def test_class_weight_lifts_a_rare_class(faces):
    X, y = faces
    rare = np.flatnonzero(y == "sad")[:5]
    rows = np.concatenate([np.flatnonzero(y == "happy"), rare])
    X, y = X[rows], y[rows]

    def sadness(class_weight):
        return (
            dense(max_epochs=2, class_weight=class_weight).fit(X, y).predict_proba(X)[:, 1].mean()
        )

    plain, balanced = sadness(None), sadness("balanced")
    assert balanced > plain + 0.1
    counts = {"happy": len(y) / (2 * (len(y) - 5)), "sad": len(y) / 10}
    assert sadness(counts) == pytest.approx(balanced, rel=1e-4)


def test_one_hot_shares_train_like_labels(faces):
    X, y = faces
    shares = pd.get_dummies(pd.Series(y)).astype(float)
    labels = dense(class_weight="balanced", validation_fraction=0.2).fit(X, y)
    soft = dense(class_weight="balanced", validation_fraction=0.2).fit(X, shares)
    np.testing.assert_array_equal(soft.classes_, labels.classes_)
    np.testing.assert_allclose(soft.predict_proba(X), labels.predict_proba(X), atol=1e-3)
    assert soft.score(X, shares) == pytest.approx(labels.score(X, y), abs=0.02)


def test_soft_targets_are_learnt_as_shares(faces):
    X, _ = faces
    shares = np.tile([0.7, 0.2, 0.1], (len(X), 1))
    proba = dense(max_epochs=30).fit(X, shares).predict_proba(X)
    np.testing.assert_allclose(proba.mean(axis=0), [0.7, 0.2, 0.1], atol=0.05)


# -- continuing -------------------------------------------------------------------------------


def test_partial_fit_continues(faces):
    X, y = faces
    model = dense()
    losses = []
    for _ in range(3):
        model.partial_fit(X, y, classes=np.unique(y))
        losses.append(model.history_["train_loss"].iloc[-1])
    assert model.n_epochs_ == 3
    assert losses == sorted(losses, reverse=True)
    assert model.history_["lr"].tolist() == [0.01] * 3


def test_partial_fit_accepts_classes_of_later_calls(faces):
    X, y = faces
    happy = y == "happy"
    model = dense().partial_fit(X[happy], y[happy], classes=np.unique(y))
    assert model.predict_proba(X).shape[1] == 7
    model.partial_fit(X[~happy], y[~happy])
    with pytest.raises(ValueError, match="labels that are not among the classes"):
        model.partial_fit(X[:3], ["happy", "sad", "bored"])


def test_warm_start_goes_on(faces):
    X, y = faces
    settings = {"lr_schedule": None, "max_epochs": 8, "batch_size": 128}
    model = dense(warm_start=True, **settings).fit(X, y)
    before = model.history_["train_loss"].iloc[-1]
    model.fit(X, y)
    assert model.n_epochs_ == 16
    assert model.history_["train_loss"].iloc[8] < before
    assert model.set_params(warm_start=False).fit(X, y).n_epochs_ == 8


@pytest.mark.parametrize(
    "change",
    [
        {"weight_decay": 0.5},
        {"optimizer": "sgd", "momentum": 0.0},
        {"batch_size": 32},
        {"dropout": 0.5},
        {"activation": "tanh"},
        {"normalize": "dataset"},
    ],
    ids=str,
)
def test_every_parameter_has_an_effect(change, faces):
    X, y = faces
    base = {"optimizer": change["optimizer"]} if "optimizer" in change else {}
    plain = dense(max_epochs=2, **base).fit(X, y).predict_proba(X)
    assert np.abs(dense(max_epochs=2, **change).fit(X, y).predict_proba(X) - plain).max() > 1e-3


@pytest.mark.parametrize("as_shares", [False, True])
def test_pixels_of_another_range_than_those_of_the_fit(as_shares, faces):
    bytes_, y = faces
    shares = (bytes_ / 255).astype(np.float32)
    X, other = (shares, bytes_) if as_shares else (bytes_, shares)
    given, expected = ("uint8", "float32") if as_shares else ("float32", "uint8")
    words = (
        f"is {given} with values up to .*, but the images in fit were {expected} with another range"
    )
    model = dense(normalize="dataset", max_epochs=2)
    with pytest.raises(ValueError, match=f"X_val {words}"):
        model.fit(X, y, X_val=other, y_val=y)
    model.fit(X, y)
    for call in (model.predict, model.predict_proba, lambda o: model.partial_fit(o, y)):
        with pytest.raises(ValueError, match=f"X {words}"):
            call(other)
    assert model.n_epochs_ == 2
    # The same values of another type are as good, and light and range do not matter to "image".
    same = X.astype(np.float64)
    np.testing.assert_array_equal(model.predict_proba(same), model.predict_proba(X))
    by_image = dense(max_epochs=2).fit(X, y)
    np.testing.assert_allclose(by_image.predict_proba(other), by_image.predict_proba(X), atol=1e-4)


def test_tolerance_and_patience_decide_when_to_stop(faces):
    X, y = faces
    settings = {"early_stopping": True, "max_epochs": 20}
    epochs = [
        dense(**settings, lr=1e-3, n_iter_no_change=patience, tol=tol)
        .fit(X, y, X_val=X, y_val=y)
        .n_epochs_
        for patience, tol in ((2, 10.0), (5, 10.0), (5, 0.0))
    ]
    assert epochs[:2] == [3, 6]  # only the first epoch falls by ten, from nothing
    assert epochs[2] > 6


# -- switches -------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["muon", "sgd", "adam", "adamw", "rmsprop", "adagrad"])
def test_every_optimizer_learns_at_its_own_rate(optimizer, faces):
    X, y = faces
    model = dense(optimizer=optimizer, lr="auto", batch_size=16, max_epochs=15)
    assert model.fit(X, y).score(X, y) > 0.5


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        ("one_cycle", [0.04, 1, 2 / 3, 1 / 3]),
        ("cosine", [1, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4]),
        ("step", [1, 1, 0.1, 0.01]),
        ("plateau", [1, 1, 1, 1]),
        (None, [1, 1, 1, 1]),
    ],
)
def test_the_history_has_the_rates_of_the_schedule(schedule, factors, faces):
    model = dense(lr_schedule=schedule, max_epochs=4, batch_size=280).fit(*faces)
    assert (model.history_["lr"] / 0.01).tolist() == pytest.approx(factors)


@pytest.mark.parametrize(
    "augment",
    [
        "auto",
        None,
        {},
        *({name: 0.3} for name in ("flip", "shift", "rotation", "scale", "erasing")),
    ],
)
def test_every_augmentation_can_be_switched(augment, faces):
    X, y = faces
    plain = dense(augment=None, max_epochs=2).fit(X, y)
    varied = dense(augment=augment, max_epochs=2).fit(X, y)
    same = np.array_equal(plain.predict_proba(X), varied.predict_proba(X))
    assert same == (not augment)


def test_tta_is_the_mean_over_the_mirror_image(faces):
    X, y = faces
    model = dense().fit(X, y)
    mirrored = X.reshape(-1, 48, 48)[:, :, ::-1]
    mean = (model.predict_proba(X) + model.predict_proba(mirrored)) / 2
    np.testing.assert_allclose(model.set_params(tta=True).predict_proba(X), mean, atol=1e-6)


def test_label_smoothing_softens(faces):
    X, y = faces
    sharp = dense(max_epochs=30).fit(X, y).predict_proba(X).max(axis=1).mean()
    soft = dense(max_epochs=30, label_smoothing=0.3).fit(X, y).predict_proba(X).max(axis=1).mean()
    assert soft < sharp - 0.1


@pytest.mark.parametrize("side", [7, 8])
def test_auto_precision_is_float32_for_inputs_that_are_not_images(faces, monkeypatch, side):
    monkeypatch.setattr("sk_fer.training._device._cpu_computes_bfloat16", lambda: True)
    X, y = faces[0].reshape(-1, 48, 48)[:40, :side, :side], faces[1][:40]
    found = [
        dense(max_epochs=1, precision=p).fit(X, y).net_.precision for p in ("auto", "bfloat16")
    ]
    assert found == [torch.float32 if side < 8 else torch.bfloat16, torch.bfloat16]


def test_bfloat16_learns_on_any_cpu(faces):
    X, y = faces
    model = dense(precision="bfloat16").fit(X, y)
    assert model.predict_proba(X).dtype == np.float32
    assert model.score(X, y) > 0.5


def test_verbose_prints_a_line_an_epoch(faces, capsys):
    dense(verbose=1, max_epochs=2).fit(*faces)
    printed = capsys.readouterr().out
    assert "train_loss" in printed
    assert len(printed.strip().splitlines()) == 4
    dense(max_epochs=1).fit(*faces)
    assert capsys.readouterr().out == ""


def test_skorch_callbacks_work_and_can_be_read(faces, tmp_path):
    X, y = faces
    callbacks = [
        EpochScoring("f1_macro", lower_is_better=False, name="valid_f1"),
        GradientNormClipping(1.0),
        Checkpoint(dirname=tmp_path),
        EarlyStopping(monitor="valid_loss", patience=2),
    ]
    model = dense(max_epochs=60, lr=0.03, callbacks=callbacks, validation_fraction=0.3).fit(X, y)
    assert "valid_f1" in model.history_
    assert model.n_epochs_ < 60
    assert (tmp_path / "params.pt").exists()
    assert callbacks[0].best_score_ == pytest.approx(model.history_["valid_f1"].max())


@pytest.mark.parametrize("moment", ["on_batch_begin", "on_epoch_end"])
def test_ctrl_c_is_not_swallowed(moment, faces):
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        dense(callbacks=[Stop(signal.SIGINT, moment)]).fit(*faces)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_callback_that_interrupts_stops_the_fit(faces):
    model = dense(callbacks=[Stop(KeyboardInterrupt, "on_epoch_end")]).fit(*faces)
    assert model.n_epochs_ == 1
    assert model.predict(faces[0]).shape == (280,)


# -- what is refused ------------------------------------------------------------------------

X, y = make_faces(28, random_state=0)
REFUSED = [
    (dense(), (X[:, :5], y[:9]), {}, "inconsistent numbers of samples: X has 28 and y has 9"),
    (
        dense(),
        (X, ["happy"] * 28),
        {},
        "needs at least two classes; got one class, 'happy'",
    ),
    (dense(), (X, np.full((28, 3), 0.2)), {}, "row 0 sums to 0.6"),
    (dense(), (X, np.tile([1.5, -0.5], (28, 1))), {}, "smallest share of -0.5"),
    (dense(), (X, y), {"X_val": X}, "X_val and y_val go together"),
    (dense(), (X, y), {"X_val": X[:, :9], "y_val": y}, "X has 9 features"),
    (dense(validation_fraction=0.01), (X, y), {}, "leaves no images for training or validation"),
    (dense(class_weight={"bored": 2}), (X, y), {}, "class_weight names 'bored'"),
    (dense(class_weight={"sad": -1}), (X, y), {}, "class_weight['sad'] is -1"),
    (dense(augment={"blur": 1}), (X, y), {}, "augment has 'blur'; expected any of ['flip'"),
    (dense(augment={"flip": 2}), (X, y), {}, "augment['flip'] is 2; expected a number in [0, 1.0]"),
    (dense(image_shape=(40, 40)), (X, y), {}, "image_shape=(40, 40)"),
    (dense(device="abacus"), (X, y), {}, "device='abacus' is not known"),
    (dense(precision="float16"), (X, y), {}, "precision='float16' needs a CUDA device"),
    (dense(optimizer="lbfgs"), (X, y), {}, "The 'optimizer' parameter"),
    (dense(lr=0.0), (X, y), {}, "The 'lr' parameter"),
    (FERDenseClassifier((0,)), (X, y), {}, "got hidden_layer_sizes=(0,), expected integers > 0"),
    (dense(), (X.astype(float) * np.nan, y), {}, "Input X contains NaN"),
]


@pytest.mark.parametrize(("model", "args", "kwargs", "words"), REFUSED, ids=lambda v: str(v)[:40])
def test_bad_input_is_refused_with_the_reason(model, args, kwargs, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        model.fit(*args, **kwargs)


def test_prediction_on_other_sizes_is_refused():
    model = dense(max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="X has 100 features, but FERDenseClassifier is expecting"):
        model.predict(X[:, :100])
    with pytest.raises(ValueError, match="expected"):
        model.predict(X.reshape(-1, 24, 96))
