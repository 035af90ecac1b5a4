"""``callbacks`` is a parameter like others: in set_params, searches and clones."""

import io
import os
import pickle
import threading
from functools import partial

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    LoadInitState,
    LRScheduler,
    TrainEndCheckpoint,
)
from skorch.hf import HfHubStorage

from .. import helpers

dense = partial(helpers.dense, lr_schedule=None, validation_fraction=0.2)


# -- names ----------------------------------------------------------------------------------


def test_parameters_are_listed_by_name():
    stop, score = EarlyStopping(patience=7), EpochScoring("accuracy")
    model = dense(callbacks=[("stop", stop), score, EpochScoring("f1_macro"), LRScheduler])
    params = model.get_params()
    assert params["callbacks__stop"] is stop
    assert params["callbacks__stop__patience"] == 7
    assert params["callbacks__EpochScoring_1"] is score
    assert params["callbacks__EpochScoring_2__scoring"] == "f1_macro"
    assert params["callbacks__LRScheduler"] is LRScheduler
    assert not any("__" in name for name in model.get_params(deep=False))
    assert "<skorch.callbacks.training.EarlyStopping" in repr(model)


def test_parameters_are_set_by_name(small):
    stop = EarlyStopping(patience=7)
    model = dense(callbacks=[("stop", stop), LRScheduler("StepLR", step_size=1)])
    model.set_params(callbacks__stop__patience=3, callbacks__LRScheduler__step_size=2, lr=0.5)
    assert (stop.patience, model.callbacks[1].step_size, model.lr) == (3, 2, 0.5)
    other = EarlyStopping()
    model.set_params(callbacks__stop=other, callbacks__stop__patience=4)
    assert model.get_params()["callbacks__stop"] is other
    assert (other.patience, stop.patience) == (4, 3)
    before = model.callbacks
    model.set_params(callbacks__LRScheduler=None)
    assert before[1][1] is not None
    assert model.get_params()["callbacks__LRScheduler"] is None
    names = [name for name, _ in model.fit(*small).net_.callbacks_]
    assert "stop" in names
    assert "LRScheduler" not in names


def test_a_class_becomes_an_instance_when_a_parameter_is_set(small):
    model = dense(callbacks=[("stop", EarlyStopping)]).set_params(callbacks__stop__patience=3)
    assert model.get_params()["callbacks__stop__patience"] == 3
    dense(callbacks=[EarlyStopping]).fit(*small)


@pytest.mark.parametrize(
    "name",
    ["callbacks__no", "callbacks__no__patience", "callbacks__stop__no", "callbacks__off__patience"],
)
def test_unknown_parameters_are_an_error_of_scikit_learn(name):
    model = dense(callbacks=[("stop", EarlyStopping()), ("off", None)])
    with pytest.raises(ValueError, match=r"(?s)Invalid parameter .* Valid parameters are"):
        model.set_params(**{name: 1})


def test_a_grid_over_parameters_of_callbacks(small):
    model = dense(max_epochs=9, callbacks=[("stop", EarlyStopping("train_loss", threshold=0.9))])
    grid = {"callbacks__stop__patience": [1, 3], "callbacks__stop": [None, EarlyStopping()]}
    search = GridSearchCV(model, {"callbacks__stop__patience": [1, 3]}, cv=2).fit(*small)
    assert search.best_estimator_.n_epochs_ == search.best_params_["callbacks__stop__patience"] + 1
    search = GridSearchCV(model, {"callbacks__stop": grid["callbacks__stop"]}, cv=2)
    assert np.isfinite(search.fit(*small).cv_results_["mean_test_score"]).all()
    pipeline = make_pipeline(MinMaxScaler(), clone(model))
    pipeline.set_params(ferdenseclassifier__callbacks__stop__patience=2)
    assert pipeline[-1].callbacks[0][1].patience == 2
    assert model.callbacks[0][1].patience == 5


# -- copies ---------------------------------------------------------------------------------


class Counter(Callback):
    """Has an attribute that its ``__init__`` does not take."""

    def __init__(self):
        self.epochs = 0

    def on_epoch_end(self, net, **kwargs):
        self.epochs += 1


class Locked(Callback):
    def __init__(self, lock):
        self.lock = lock


def test_clones_have_callbacks_of_their_own(small):
    counter = Counter()
    model = dense(callbacks=(("count", counter), EarlyStopping))
    copy = clone(model)
    assert isinstance(copy.callbacks, tuple)
    copy.fit(*small)
    assert (counter.epochs, copy.callbacks[0][1].epochs) == (0, 2)


def test_a_callback_that_cannot_be_copied_is_named(small):
    model = dense(callbacks=[EarlyStopping(), Locked(threading.Lock())])
    model.fit(*small)
    for copies in (lambda: clone(model), lambda: GridSearchCV(model, {"lr": [1]}).fit(*small)):
        with pytest.raises(TypeError, match=r"Locked cannot be copied: .*_thread\.lock"):
            copies()


@pytest.mark.parametrize("kind", [Checkpoint, TrainEndCheckpoint])
def test_a_copy_refers_to_the_copies(kind, small, tmp_path):
    checkpoint = kind(dirname=str(tmp_path))
    model = dense(callbacks=[LoadInitState(checkpoint), checkpoint]).fit(*small)
    before = model.net_.history[-1, "train_loss"]
    copied = clone(model)
    loads, copy = copied.callbacks
    assert loads.checkpoint is copy is not checkpoint
    # The files of the estimator that was copied are not loaded.
    assert copied.fit(*small).n_epochs_ == 2
    assert copied.net_.history[-1, "train_loss"] == pytest.approx(before, rel=1e-3)
    assert model.fit(*small).n_epochs_ > 2


def test_a_parameter_that_skorch_replaced_in_a_fit_can_be_set(small):
    def n_frozen(model):
        return sum(not p.requires_grad for p in model.net_.module_.parameters())

    model = dense(callbacks=[Freezer("*bias", at=1)]).fit(*small)
    assert n_frozen(model) > 0
    later = clone(model).set_params(callbacks__Freezer__at=9).fit(*small)
    assert n_frozen(later) == 0
    assert n_frozen(clone(model).fit(*small)) == n_frozen(model)


# -- files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_clones_write_to_folders_of_their_own(n_jobs, small, tmp_path):
    X, y = small
    callbacks = [
        Checkpoint("valid_loss_best", load_best=True, dirname=str(tmp_path / "best")),
        TrainEndCheckpoint(dirname=str(tmp_path / "end")),
    ]
    model = dense(callbacks=callbacks, max_epochs=4, lr=0.1)
    copied = pickle.loads(pickle.dumps(clone(model)))  # as for another process
    with parallel_config("threading"):
        scores = cross_validate(copied, X, y, cv=3, n_jobs=n_jobs, return_estimator=True)
    folders = set(os.listdir(tmp_path / "best"))
    assert folders == {os.path.basename(m.callbacks[0].dirname) for m in scores["estimator"]}
    assert len(folders) == 3
    for fitted in scores["estimator"]:
        history = fitted.net_.history
        assert history[-1, "valid_loss_best"]
        assert set(os.listdir(fitted.callbacks[0].dirname)) > {"params.pt", "history.json"}
    assert len(os.listdir(tmp_path / "end")) == 3
    again = clone(clone(scores["estimator"][0])).fit(X, y)
    assert os.path.dirname(again.callbacks[0].dirname) == str(tmp_path / "best")
    again.fit(X, y)
    assert len(os.listdir(tmp_path / "best")) == 4
    model.fit(X, y)
    assert (tmp_path / "best" / "params.pt").exists()


def test_a_grid_of_callbacks_writes_to_folders_of_their_own(small, tmp_path):
    grid = {"callbacks": [[Checkpoint(dirname=str(tmp_path), monitor=None)], None]}
    GridSearchCV(dense(), grid, cv=2, refit=False).fit(*small)
    assert len(os.listdir(tmp_path)) == 2


class Hub:
    """The interface of the Hugging Face Hub that skorch uses."""

    def __init__(self):
        self.uploads = []

    def create_repo(self, *args, **kwargs):
        pass

    def upload_file(self, path_or_fileobj, path_in_repo, **kwargs):
        self.uploads.append((path_in_repo, len(path_or_fileobj.read())))
        return "https://hub.invalid"


def test_checkpoints_on_the_hub(small):
    hub = Hub()
    target = HfHubStorage(hub, path_in_repo="params-{}.pt", repo_id="r")
    files = {"f_params": target, "f_optimizer": None, "f_criterion": None, "f_history": None}
    dense(callbacks=[Checkpoint(None, **files)]).fit(*small)
    assert [path for path, _ in hub.uploads] == ["params-0.pt", "params-1.pt"]
    assert min(size for _, size in hub.uploads) > 1000


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("there/params.pt", "contains a folder. .* set the folder in dirname"),
        (io.BytesIO(), "is not a file name. Sea"),
        (HfHubStorage(Hub(), path_in_repo="p", repo_id="r"), "is not a file name. Sea"),
    ],
    ids=["path", "buffer", "hub"],
)
def test_files_that_clones_would_share_are_refused(target, message, small):
    model = dense(callbacks=[Checkpoint(None, f_params=target, f_optimizer=None)])
    with pytest.raises(ValueError, match=message):
        clone(model).fit(*small)
