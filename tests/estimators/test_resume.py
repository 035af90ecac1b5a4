"""An interrupted fit continues to the same bits; other trainings are an error."""

import errno
import os
import signal
import threading
from functools import cache, partial

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, LRScheduler

from sk_fer import FERCNNClassifier
from sk_fer.datasets import make_faces
from sk_fer.training import Checkpoints, FaceDataset

from .. import helpers
from ..helpers import Stop, assert_same_fit


@pytest.fixture(scope="module")
def small(faces):
    """70 faces of 16 x 16 pixels: (X, y)."""
    return faces[0].reshape(-1, 48, 48)[:70, ::3, ::3], faces[1][:70]


dense = partial(helpers.dense, max_epochs=4, batch_size=32, lr=0.01)
pretrained = partial(
    helpers.pretrained,
    max_epochs=4,
    batch_size=32,
    lr=0.01,
    augment={"flip": 0.5},
    precision="auto",
)


@cache
def learnt():
    """Weights that a pretrained network starts from."""
    X, y = make_faces(35, image_size=16, random_state=1)
    return FERCNNClassifier(max_epochs=1, random_state=0, device="cpu").fit(X, y)


def cut_off(model, X, y, n=8, moment="on_batch_end", **fit_params):
    """Fit a model until it is interrupted."""
    callbacks = model.callbacks
    model.set_params(callbacks=[*(callbacks or []), Stop(TimeoutError, moment, n)])
    with pytest.raises(TimeoutError):
        model.fit(X, y, **fit_params)
    return model.set_params(callbacks=callbacks)


# -- the same bits --------------------------------------------------------------------------

WATCHED = {"validation_fraction": 0.3, "early_stopping": True, "n_iter_no_change": 2}
FITS = {
    "dense": lambda d: dense(checkpoint=d, dropout=0.5),
    "early stopping": lambda d: dense(checkpoint=d, max_epochs=30, tol=0.05, lr=0.03, **WATCHED),
    "plateau": lambda d: dense(checkpoint=d, lr_schedule="plateau", optimizer="rmsprop", tol=5.0),
    "fast": lambda d: FERCNNClassifier(
        max_epochs=3, batch_size=32, optimizer="muon", random_state=0, checkpoint=d
    ),
    "sequential": lambda d: FERCNNClassifier(
        "sequential",
        max_epochs=3,
        batch_size=32,
        optimizer="adamw",
        lr_schedule="step",
        augment={"erasing": 0.5},
        class_weight="balanced",
        random_state=0,
        checkpoint=d,
        **WATCHED,
    ),
    "thawing": lambda d: pretrained(
        checkpoint=d, weights=learnt(), trainable={1: "head", 3: "last_stage", 4: "all"}
    ),
    "stored features": lambda d: pretrained(
        checkpoint=d, trainable="head", augment=None, dropout=0.5, **WATCHED
    ),
    "vgg": lambda d: FERCNNClassifier(
        "vgg", max_epochs=2, batch_size=64, lr=0.01, random_state=0, checkpoint=d
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(k, marks=[pytest.mark.slow] * (k == "vgg")) for k in FITS]
)
def test_an_interrupted_and_resumed_fit_is_the_same_bit_for_bit(name, small, tmp_path):
    make = FITS[name]
    whole = make(None).fit(*small)
    moments = (1, 4, 6) if name != "vgg" else (3,)
    for i, n_batches in enumerate(moments):
        cut_off(make(tmp_path), *small, n=n_batches)
        assert len(list(tmp_path.glob("epoch-*"))) <= 2
        if i == len(moments) - 1:
            assert_same_fit(make(tmp_path).fit(*small), whole)
    assert_same_fit(make(tmp_path).fit(*small), whole)  # it had ended


def test_early_stopping_ends_where_it_would_have(small, tmp_path):
    """The epoch that stops is on the disk, and what follows it is not."""
    whole = FITS["early stopping"](None).fit(*small)
    assert whole.n_epochs_ < 30
    assert whole.history_["valid_loss"].idxmin() < whole.n_epochs_ - 1
    model = FITS["early stopping"](tmp_path)
    model.fit(*small)
    assert_same_fit(FITS["early stopping"](tmp_path).fit(*small), whole)


def test_given_validation_images_and_weights(small, tmp_path):
    X, y = small
    given = {"X_val": X[50:], "y_val": y[50:], "sample_weight": np.arange(50) % 3}
    whole = dense().fit(X[:50], y[:50], **given)
    cut_off(dense(checkpoint=tmp_path), X[:50], y[:50], **given)
    assert_same_fit(dense(checkpoint=tmp_path).fit(X[:50], y[:50], **given), whole)


def test_callbacks_continue_with_their_state(small, tmp_path):
    def make(folder):
        return dense(
            checkpoint=folder,
            max_epochs=12,
            lr=0.03,
            lr_schedule=None,
            validation_fraction=0.3,
            callbacks=[
                EpochScoring("f1_macro", name="f1", lower_is_better=False),
                LRScheduler("ExponentialLR", gamma=0.9, event_name=None),
                EarlyStopping(monitor="f1", patience=4, lower_is_better=False, load_best=True),
            ],
        )

    whole = make(None).fit(*small)
    cut_off(make(tmp_path), *small, n=11)
    model = make(tmp_path).fit(*small)
    assert_same_fit(model, whole)
    assert model.callbacks[0].best_score_ == whole.callbacks[0].best_score_


def test_a_fit_continues_with_the_same_random_seed(small, tmp_path):
    cut_off(dense(checkpoint=tmp_path, random_state=None, validation_fraction=0.2), *small)
    first = dense(checkpoint=tmp_path, random_state=None, validation_fraction=0.2).fit(*small)
    assert_same_fit(
        dense(checkpoint=tmp_path, random_state=None, validation_fraction=0.2).fit(*small), first
    )
    whole = dense(random_state=None, validation_fraction=0.2)
    whole.random_state = type("Fixed", (np.random.RandomState,), {})()
    whole.random_state.randint = lambda n: first._seed
    assert_same_fit(whole.fit(*small), first)


def test_warm_start_goes_on_with_both(small, tmp_path):
    def first():
        return dense(warm_start=True, max_epochs=2).fit(*small)

    whole = first().fit(*small)
    cut_off(first().set_params(checkpoint=tmp_path), *small, n=5)
    assert_same_fit(first().set_params(checkpoint=tmp_path).fit(*small), whole)
    with pytest.raises(ValueError, match="another training: weights at the start differs"):
        dense(checkpoint=tmp_path, max_epochs=2).fit(*small)


# -- other trainings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lr": 0.02}, "lr was 0.01 and is 0.02"),
        (
            {"max_epochs": 5, "batch_size": 8},
            "batch_size was 32 and is 8; max_epochs was 4 and is 5",
        ),
        ({"random_state": 1}, "random_state was 0 and is 1"),
        ({"augment": {"flip": 0.5}}, "augment was None and is"),
        ({"hidden_layer_sizes": (4,)}, r"hidden_layer_sizes was \[8\] and is \[4\]"),
    ],
    ids=str,
)
def test_the_error_names_other_parameters(change, words, small, tmp_path):
    cut_off(dense(checkpoint=tmp_path), *small)
    before = sorted(tmp_path.iterdir())
    model = dense(checkpoint=tmp_path, **change)
    with pytest.raises(ValueError, match=words):
        model.fit(*small)
    assert not hasattr(model, "net_")
    assert sorted(tmp_path.iterdir()) == before
    model.set_params(checkpoint={"folder": tmp_path, "resume": False})
    assert model.fit(*small).n_epochs_ == model.max_epochs


def test_the_error_names_other_data(small, tmp_path):
    X, y = small
    cut_off(dense(checkpoint=tmp_path), X, y)
    altered = X.copy()
    altered[-1, -1, -1] ^= 1
    for words, args, kwargs in (
        ("X differs. ", (altered, y), {}),
        ("y differs. ", (X, np.roll(y, 1)), {}),
        ("X differs; y differs. ", (X[1:], y[1:]), {}),
        ("sample_weight differs. ", (X, y), {"sample_weight": np.ones(70)}),
        ("X_val differs; y_val differs. ", (X, y), {"X_val": X[:9], "y_val": y[:9]}),
    ):
        with pytest.raises(ValueError, match=words):
            dense(checkpoint=tmp_path).fit(*args, **kwargs)


def test_other_weights_to_start_from_are_refused_though_they_look_the_same(small, tmp_path):
    X, y = small
    first, same, other = (
        pretrained(max_epochs=1).fit(X[i:], y[i:]) for i in (0, 0, 1)
    )  # fmt: skip
    cut_off(pretrained(checkpoint=tmp_path / "a", weights=first), X, y)
    with pytest.raises(ValueError, match=r"another training: weights differs\. "):
        pretrained(checkpoint=tmp_path / "a", weights=other).fit(X, y)
    with pytest.raises(ValueError, match="weights differs"):
        pretrained(checkpoint=tmp_path / "a").fit(X, y)
    whole = pretrained(weights=first).fit(X, y)
    assert_same_fit(pretrained(checkpoint=tmp_path / "a", weights=same).fit(X, y), whole)


def test_what_has_no_effect_on_the_model_may_change(small, tmp_path, capsys):
    whole = dense(lr=np.float64(0.01)).fit(*small)
    cut_off(dense(checkpoint=tmp_path), *small)
    model = dense(
        checkpoint={"folder": str(tmp_path), "keep": 1}, lr=np.float64(0.01), verbose=1, tta=True
    )
    model.fit(small[0].reshape(70, -1), list(small[1]))
    assert_same_fit(model, whole)
    assert len(list(tmp_path.glob("epoch-*"))) == 1
    assert capsys.readouterr().out


def test_other_library_versions_warn(small, tmp_path, monkeypatch):
    from sk_fer._utils import _library_versions

    cut_off(dense(checkpoint=tmp_path), *small)
    monkeypatch.setattr(_library_versions, "library_versions", lambda: {"torch": "9.0"})
    with pytest.warns(UserWarning, match=r"torch 2\S*, now 9.0; the model may differ"):
        dense(checkpoint=tmp_path).fit(*small)


# -- searches -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_jobs", "backend"),
    [(1, "sequential"), (2, "threading"), pytest.param(2, "loky", marks=pytest.mark.slow)],
)
def test_the_fits_of_a_search_do_not_meet(n_jobs, backend, small, tmp_path):
    grid = {"lr": [0.01, 0.01, 0.02], "dropout": [0.0, 0.5]}
    expected = GridSearchCV(dense(), grid, cv=2).fit(*small)
    search = GridSearchCV(
        dense(checkpoint=tmp_path), grid, cv=2, n_jobs=n_jobs, error_score="raise"
    )
    with parallel_config(backend):
        search.fit(*small)
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(search.cv_results_[name], expected.cv_results_[name])
    assert_same_fit(search.best_estimator_, expected.best_estimator_)
    assert len(list(tmp_path.iterdir())) == 4 * 2 + 1  # equal candidates share; and the refit
    again = clone(search).set_params(n_jobs=1).fit(*small)
    assert again.best_estimator_.history_.equals(search.best_estimator_.history_)


def test_settings_in_a_dict_are_plain_values(small, tmp_path):
    settings = {"folder": tmp_path, "keep": 1}
    search = GridSearchCV(dense(checkpoint=settings), {"lr": [0.01, 0.02]}, cv=2).fit(*small)
    assert search.best_estimator_.checkpoint == settings == {"folder": tmp_path, "keep": 1}
    assert [len(list(folder.glob("epoch-*"))) for folder in tmp_path.iterdir()] == [1] * 5


def test_a_clone_and_its_original_do_not_meet(small, tmp_path):
    model = dense(checkpoint=tmp_path).fit(*small)
    scores = cross_val_score(model, *small, cv=2)
    np.testing.assert_array_equal(scores, cross_val_score(dense(), *small, cv=2))
    assert_same_fit(dense(checkpoint=tmp_path).fit(*small), model)
    assert clone(clone(model)).get_params() == model.get_params()


def test_two_fits_never_share_a_folder(small, tmp_path):
    inside = {}

    class Second(Callback):
        def on_epoch_end(self, net, **kwargs):
            with pytest.raises(BlockingIOError, match=f"in use by process {os.getpid()}") as told:
                dense(checkpoint=tmp_path).fit(*small)
            inside["told"] = told

    dense(checkpoint=tmp_path, max_epochs=1, callbacks=[Second()]).fit(*small)
    assert inside["told"]
    assert not (tmp_path / ".lock-owner").exists()


# -- disks and signals ----------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_stops_at_the_start(small, tmp_path):
    (tmp_path / "file").write_text("")
    model = dense(checkpoint=tmp_path / "file" / "run")
    with pytest.raises(OSError, match=r"the folder '.*file.run' of checkpoint: "):
        model.fit(*small)
    assert not hasattr(model, "net_")


def test_a_disk_that_fills_up_is_one_warning(small, tmp_path, monkeypatch):
    whole = dense().fit(*small)
    model = dense(checkpoint=tmp_path)
    full = []

    def fsync(descriptor, fsync=os.fsync):
        full.append(descriptor)
        if 2 <= len(full) <= 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.warns(UserWarning, match="No space left") as caught:
        model.fit(*small)
    assert [str(w.message).split(":")[0] for w in caught] == [
        f"a checkpoint could not be written to {tmp_path}, and the training continues without it"
    ]
    assert_same_fit(model, whole)
    assert_same_fit(dense(checkpoint=tmp_path).fit(*small), whole)


def test_every_so_many_minutes(small, tmp_path):
    seen = []

    class See(Callback):
        def on_epoch_begin(self, net, **kwargs):
            seen.append(sorted(p.name[:11] for p in tmp_path.glob("epoch*")))

    dense(checkpoint={"folder": tmp_path, "minutes": 60}, callbacks=[See()]).fit(*small)
    assert seen == [[]] * 4
    assert [p.name[:11] for p in tmp_path.glob("epoch-*")] == ["epoch-00004"]  # the end is written


def test_no_state_of_the_fit_stays_in_the_estimator(small, tmp_path):
    model = dense(checkpoint=tmp_path).fit(*small)
    assert not [v for v in vars(model.net_).values() if isinstance(v, Checkpoints | FaceDataset)]


def test_partial_fit_writes_nothing(small, tmp_path):
    dense(checkpoint=tmp_path).partial_fit(*small, classes=np.unique(small[1]))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def ctrl_c():
    """Ctrl-C as in a program that a terminal started; others ignore it."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_keeps_the_model_trained_so_far(small, tmp_path):
    model = dense(checkpoint=tmp_path, callbacks=[Stop(signal.SIGINT, n=7)])
    with (
        pytest.warns(UserWarning, match="keeps its weights after 2 complete epochs"),
        pytest.raises(KeyboardInterrupt),
    ):
        model.fit(*small)
    assert model.n_epochs_ == 2
    assert model.predict(small[0]).shape == (70,)
    assert_same_fit(dense(checkpoint=tmp_path).fit(*small), dense().fit(*small))


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_a_search(small):
    fits = []

    class Count(Stop):
        def on_train_begin(self, net, **kwargs):
            super().on_train_begin(net)
            fits.append(net)

    search = GridSearchCV(dense(callbacks=[Count(signal.SIGINT)]), {"lr": [0.01, 0.02]}, cv=2)
    with pytest.warns(UserWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        search.fit(*small)
    assert len(fits) == 1


@pytest.mark.usefixtures("ctrl_c")
# The best epoch is the last whole one, or, where nothing counts as better, the first.
@pytest.mark.parametrize(("epochs", "tol", "best"), [(5, 0.0, 4), (5, 1e6, 0)])
def test_ctrl_c_with_early_stopping_keeps_the_best_so_far(small, epochs, tol, best):
    X, y = small
    model = dense(max_epochs=20, lr=0.03, lr_schedule=None, tol=tol, **WATCHED)
    in_the_next = Stop(signal.SIGINT, n=4 * epochs + 1)  # 3 batches to train on, one to validate
    model.set_params(callbacks=[in_the_next], n_iter_no_change=20)
    with pytest.warns(UserWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        model.fit(X, y, X_val=X[50:], y_val=y[50:])
    losses = model.history_["valid_loss"]
    assert len(losses) == epochs
    assert losses.argmin() == 4  # falls from epoch to epoch
    loss = log_loss(y[50:], model.predict_proba(X[50:]), labels=model.classes_)
    assert loss == pytest.approx(losses[best], rel=1e-4)


def test_sigterm_writes_first_and_then_calls_the_previous_handler(small, tmp_path):
    ended = []
    previous = signal.signal(signal.SIGTERM, lambda *_: ended.append(len(list(tmp_path.iterdir()))))
    try:

        class Terminate(Callback):
            def on_batch_begin(self, net, **kwargs):
                if len(net.history) == 3 and not ended:
                    assert not list(tmp_path.glob("epoch*"))
                    signal.raise_signal(signal.SIGTERM)

        model = dense(checkpoint={"folder": tmp_path, "minutes": 60}, callbacks=[Terminate()]).fit(
            *small
        )
        assert ended == [3]  # the lock, its owner and a checkpoint
        assert model.n_epochs_ == 4
        signal.raise_signal(signal.SIGTERM)
        assert len(ended) == 2  # the handler of before is back
    finally:
        signal.signal(signal.SIGTERM, previous)


def test_fits_in_other_threads_leave_signals_alone(small, tmp_path):
    thread = threading.Thread(target=dense(checkpoint=tmp_path).fit, args=small)
    thread.start()
    thread.join()
    assert len(list(tmp_path.glob("epoch-*"))) == 2
