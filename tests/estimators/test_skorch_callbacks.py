"""Each callback of skorch works in ``callbacks=`` as in skorch, or is an error."""

import copy
import gc
import os
import pickle
import sys
import types
import weakref
from functools import partial
from unittest.mock import MagicMock

import numpy as np
import pytest
import skorch.callbacks
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    Freezer,
    GradientNormClipping,
    Initializer,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    MlflowLogger,
    NeptuneLogger,
    ParamMapper,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
    SacredLogger,
    TensorBoard,
    TrainEndCheckpoint,
    Unfreezer,
    WandbLogger,
)
from skorch.utils import freeze_parameter
from torch.optim.swa_utils import AveragedModel

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.training import FaceDataset

from .. import helpers
from ..helpers import Stop

dense = partial(helpers.dense, max_epochs=3, lr_schedule=None, validation_fraction=0.2)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# -- all of them ----------------------------------------------------------------------------


def scores(model, callback):
    return all(np.isfinite(model.history_[callback.name_]))


def weights(model):
    return dict(model.net_.module_.named_parameters())


def first_layer(model):
    return next(v for k, v in weights(model).items() if v.ndim == 2)


def keys_logged(mock_method, position=0):
    return {call.args[position] for call in mock_method.call_args_list}


def logged_by_keyword(model, callback):
    calls = callback.writer.add_scalar.call_args_list
    return {call.kwargs["tag"] for call in calls} >= {"Loss/valid_loss", "Loss/train_accuracy"}


# What makes a callback, and what shows that it did its work.
WORKING = {
    "BatchScoring": (lambda: BatchScoring("accuracy", name="b", lower_is_better=False), None),
    "Callback": (Callback, lambda model, callback: True),
    "Checkpoint": (
        lambda: Checkpoint(f_pickle="net.pkl", dirname="cp"),
        lambda model, callback: len(os.listdir("cp")) == 5,
    ),
    "EarlyStopping": (
        lambda: EarlyStopping(patience=1, threshold=0.9, monitor="train_loss"),
        lambda model, callback: model.n_epochs_ == 2,
    ),
    "EpochScoring": (lambda: EpochScoring("accuracy", name="e", lower_is_better=False), None),
    "EpochTimer": (EpochTimer, lambda model, callback: all(model.history_["seconds"] > 0)),
    "Freezer": (
        lambda: Freezer("*weight"),
        lambda model, callback: any(not p.requires_grad for p in weights(model).values()),
    ),
    "GradientNormClipping": (
        lambda: GradientNormClipping(1e-3),
        lambda model, callback: all(
            p.grad.norm() <= 1.1e-3 for p in weights(model).values() if p.grad is not None
        ),
    ),
    "Initializer": (
        lambda: Initializer("*weight", fn=torch.nn.init.zeros_),
        lambda model, callback: first_layer(model).abs().max() < 0.1,
    ),
    "LRScheduler": (
        lambda: LRScheduler("StepLR", step_size=1, gamma=0.5),
        lambda model, callback: np.allclose(
            model.history_["lr"] / model.history_["lr"][0], [1, 0.5, 0.25]
        ),
    ),
    "LoadInitState": (
        lambda: LoadInitState(Checkpoint(dirname="nothing")),
        lambda model, callback: callback.did_load_,
    ),
    "MlflowLogger": (
        lambda: MlflowLogger(MagicMock(), MagicMock(), log_on_batch_end=True),
        lambda model, callback: (
            keys_logged(callback.client_.log_metric, 1)
            >= {"valid_loss_epoch", "train_loss_batch", "valid_accuracy_epoch"}
        ),
    ),
    "NeptuneLogger": (
        lambda: NeptuneLogger(MagicMock(), log_on_batch_end=True),
        lambda model, callback: callback.run.stop.called,
    ),
    "ParamMapper": (
        lambda: ParamMapper("*weight", fn=freeze_parameter, at=2),
        lambda model, callback: not first_layer(model).requires_grad,
    ),
    "PassthroughScoring": (
        lambda: PassthroughScoring("train_loss", on_train=True),
        lambda model, callback: callback.best_score_ == min(model.history_["train_loss"]),
    ),
    "PrintLog": (
        lambda: PrintLog(sink=PRINTED.append),
        lambda model, callback: "valid_accuracy" in PRINTED[0],
    ),
    "ProgressBar": (ProgressBar, lambda model, callback: callback.pbar_.n == callback.pbar_.total),
    "SacredLogger": (
        lambda: SacredLogger(MagicMock(), log_on_batch_end=True),
        lambda model, callback: (
            keys_logged(callback.experiment.log_scalar)
            >= {"valid_loss_epoch", "valid_loss_batch", "train_loss_batch"}
        ),
    ),
    "TensorBoard": (lambda: TensorBoard(MagicMock()), logged_by_keyword),
    "TrainEndCheckpoint": (
        lambda: TrainEndCheckpoint(dirname="end"),
        lambda model, callback: len(os.listdir("end")) == 4,
    ),
    "Unfreezer": (
        lambda: Unfreezer("*weight"),
        lambda model, callback: first_layer(model).requires_grad,
    ),
    "WandbLogger": (
        lambda: WandbLogger(MagicMock(dir=os.getcwd())),
        lambda model, callback: os.path.exists("best_model.pth"),
    ),
}
# InputShapeSetter is refused, below; WarmRestartLR is a policy of LRScheduler.
ELSEWHERE = {"InputShapeSetter", "WarmRestartLR"}
PRINTED: list[str] = []


def test_all_callbacks_of_skorch_are_here():
    assert {*WORKING, *ELSEWHERE} == set(skorch.callbacks.__all__)


@pytest.mark.parametrize("name", WORKING)
def test_a_callback_of_skorch_works(name, small, monkeypatch):
    neptune = types.SimpleNamespace(File=MagicMock(), Handler=type("Handler", (), {}))
    for module in ("neptune", "neptune.types", "neptune.handler"):
        monkeypatch.setitem(sys.modules, module, neptune)
    make, did_its_work = WORKING[name]
    callback = make()
    model = dense(callbacks=[callback]).fit(*small)
    assert (did_its_work or scores)(model, callback)
    # The state is new in a second fit, and the estimator can be copied and pickled.
    again = model.fit(*small).history_
    assert len(again) <= 3
    if "Logger" not in name and name != "TensorBoard":
        clone(model)
        assert_array_equal(
            pickle.loads(pickle.dumps(model)).predict(small[0]), model.predict(small[0])
        )


def test_a_callback_that_sets_input_shapes_is_refused(small):
    with pytest.raises(ValueError, match="InputShapeSetter sets the input size of the module"):
        dense(callbacks=[InputShapeSetter()]).fit(*small)


# -- learning rates -------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "step", "plateau"])
def test_a_scheduler_and_a_schedule_are_an_error(schedule, small):
    model = dense(lr_schedule=schedule, callbacks=[("mine", LRScheduler())])
    message = f"callback mine and lr_schedule='{schedule}' both set the learning rate; set lr_s"
    with pytest.raises(ValueError, match=message):
        model.fit(*small)
    assert not hasattr(model, "net_")
    model.partial_fit(*small, classes=np.unique(small[1]))  # which uses no schedule


class SetsRate(Callback):
    def __init__(self, moment):
        self.moment = moment
        setattr(self, moment, self.halve)

    def halve(self, net, **kwargs):
        for group in net.optimizer_.param_groups:
            group["lr"] /= 2


@pytest.mark.parametrize("moment", ["on_batch_end", "on_epoch_begin", "on_epoch_end"])
def test_a_rate_that_a_schedule_overwrites_is_refused(moment, small):
    with pytest.raises(ValueError, match=r"no effect, as lr_schedule .* set lr_schedule=None to u"):
        dense(callbacks=[SetsRate(moment)], lr_schedule="cosine").fit(*small)
    rates = dense(callbacks=[SetsRate(moment)], lr=0.1).fit(*small).history_["lr"]
    assert rates.iloc[-1] < 0.1


def test_a_rate_that_is_set_before_a_step_counts(small):
    settings = {"lr_schedule": "cosine", "validation_fraction": None}
    plain = dense(**settings).fit(*small)
    halved = dense(**settings, callbacks=[SetsRate("on_batch_begin")]).fit(*small)
    assert_allclose(halved.history_["lr"], plain.history_["lr"] / 2)


class Doubling(torch.optim.lr_scheduler.LRScheduler):
    def get_lr(self):
        return [rate * 2**self.last_epoch for rate in self.base_lrs]


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        (lambda: LRScheduler(), 0.025 * (1 + np.cos(np.pi * np.arange(3) / 10))),
        (lambda: LRScheduler(Doubling), [1e-3, 2e-3, 4e-3]),
        (lambda: LRScheduler("LambdaLR", lr_lambda=lambda n: 1 / (n + 1)), [1e-3, 5e-4, 1e-3 / 3]),
        (
            lambda: LRScheduler("ReduceLROnPlateau", monitor="valid_acc", mode="min", patience=0),
            None,
        ),
        (
            lambda: LRScheduler(
                "ReduceLROnPlateau", monitor="train_loss", step_every="batch", patience=0
            ),
            None,
        ),
    ],
    ids=["WarmRestartLR", "custom", "LambdaLR", "ReduceLROnPlateau", "after batches"],
)
def test_policies(scheduler, expected, small):
    rates = dense(lr=1e-3, callbacks=[scheduler()]).fit(*small).history_["lr"]
    if expected is None:
        assert rates.iloc[-1] < 1e-3
    else:
        assert_allclose(rates, expected, rtol=1e-5)


@pytest.mark.parametrize("how", ["warm_start", "partial_fit"])
@pytest.mark.parametrize("policy", ["ExponentialLR", "LambdaLR"])
def test_a_schedule_continues(how, policy, small):
    settings = {"gamma": 0.5} if policy == "ExponentialLR" else {"lr_lambda": lambda n: 0.5**n}
    model = dense(lr=1e-3, max_epochs=1, callbacks=[LRScheduler(policy, **settings)])
    model.set_params(warm_start=how == "warm_start")
    for _ in range(3):
        if how == "warm_start":
            model.fit(*small)
        else:
            model.partial_fit(*small, classes=np.unique(small[1]))
    assert_allclose(model.history_["lr"], [1e-3, 5e-4, 2.5e-4], rtol=1e-5)


# -- scores ---------------------------------------------------------------------------------


def known_labels(net, X, y):
    assert set(y) <= set(net.classes_)
    return accuracy_score(y, net.predict(X))


SCORINGS = {
    "string": "f1_macro",
    "ovr": "roc_auc_ovr",
    "one label": make_scorer(f1_score, labels=["happy"], average="macro"),
    "metric": accuracy_score,
    "net, X, y": known_labels,
    "score": None,
}


@pytest.mark.parametrize("use_caching", [True, False])
@pytest.mark.parametrize("name", SCORINGS)
def test_scores_are_those_of_the_estimator(name, use_caching, faces):
    X, y = faces
    scoring = SCORINGS[name]
    callback = EpochScoring(scoring, lower_is_better=False, name="own", use_caching=use_caching)
    model = dense(callbacks=[callback], validation_fraction=None, precision="float32")
    model.fit(X, y, X_val=X[:140], y_val=y[:140])
    last = model.history_["own"].iloc[-1]
    if name == "score":
        expected = model.score(X[:140], y[:140])
    elif name in ("metric", "net, X, y"):
        expected = accuracy_score(y[:140], model.predict(X[:140]))
    else:
        from sklearn.metrics import check_scoring

        expected = check_scoring(model, scoring)(model, X[:140], y[:140])
    assert last == pytest.approx(expected, abs=1e-5)
    assert last > 0


@pytest.mark.parametrize("use_caching", [True, False])
def test_scores_of_a_binary_problem_name_its_class(use_caching, faces):
    X, y = faces
    y = np.where(np.isin(y, ["happy", "surprise", "neutral"]), "happy", "other")
    scoring = make_scorer(f1_score, pos_label="happy")
    callbacks = [
        EpochScoring(scoring, name="whole", use_caching=use_caching, on_train=True),
        BatchScoring(scoring, name="parts", use_caching=use_caching),
    ]
    model = dense(callbacks=callbacks, precision="float32").fit(X, y)
    history = model.history_
    assert all(history["whole"] > 0)
    assert all(history["parts"] > 0)
    assert {"parts_best", "whole_best"} <= set(model.net_.history[-1])


@pytest.mark.parametrize("labels", [(20, 10), (True, False), ("yes", "no")], ids=str)
def test_scores_name_labels_of_any_kind(labels, faces):
    X, y = faces
    y = np.where(np.isin(y, ["happy", "surprise", "neutral"]), *labels)
    scoring = make_scorer(f1_score, pos_label=labels[0])
    callback = EpochScoring(scoring, lower_is_better=False, name="own")
    model = dense(callbacks=[callback], validation_fraction=None, precision="float32")
    model.fit(X, y, X_val=X[:140], y_val=y[:140])
    expected = f1_score(y[:140], model.predict(X[:140]), pos_label=labels[0])
    assert model.history_["own"].iloc[-1] == pytest.approx(expected, abs=1e-6)
    assert expected > 0


def test_an_unknown_scorer_is_an_error_before_the_training(small):
    model = dense(callbacks=[EpochScoring("f1_makro")])
    with pytest.raises(ValueError, match="'f1_makro' is not a valid scoring value"):
        model.fit(*small)
    assert not hasattr(model, "net_")


@pytest.mark.parametrize("use_caching", [True, False])
def test_soft_targets_score_by_their_largest_share(use_caching, faces):
    X, y = faces
    shares = 0.9 * (y[:, None] == np.unique(y)) + 0.1 / 7
    callback = EpochScoring("accuracy", use_caching=use_caching, lower_is_better=False)
    model = dense(callbacks=[callback]).fit(X, shares)
    assert_allclose(model.history_["accuracy"], model.history_["valid_accuracy"], atol=0.03)


def test_an_extractor_of_the_user_gets_tensors(small):
    seen = []

    def extract(y):
        seen.append(type(y))
        return y.argmax(1).numpy()

    X, y = small
    shares = (y[:, None] == np.unique(y)).astype(float)
    callback = EpochScoring("accuracy", target_extractor=extract, lower_is_better=False)
    model = dense(callbacks=[callback]).fit(X, shares)
    assert set(seen) == {torch.Tensor}
    assert callback.target_extractor is extract
    assert_allclose(model.history_["accuracy"], model.history_["valid_accuracy"], atol=1e-6)


@pytest.mark.parametrize(
    "callback",
    [EpochScoring("accuracy"), BatchScoring("accuracy"), PassthroughScoring("valid_loss")],
    ids=lambda callback: type(callback).__name__,
)
def test_scores_without_validation_images_are_announced(callback, small):
    with pytest.warns(UserWarning, match="scores validation images, and its column will be mi"):
        model = dense(callbacks=[callback], validation_fraction=None).fit(*small)
    assert "accuracy" not in model.history_


# -- names of columns -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "monitor",
    [
        f"{part}_{name}"
        for part in ("train", "valid")
        for name in ("loss_best", "acc_best", "accuracy_best")
    ],
)
def test_checkpoints_of_the_best_epoch(monitor, small):
    model = dense(callbacks=[Checkpoint(monitor)]).fit(*small)
    best = model.net_.history[:, monitor]
    assert best[0] is True
    assert list(model.history_["event_cp"]) == best
    values = model.net_.history[:, monitor.removesuffix("_best")]
    sign = 1 if "loss" in monitor else -1
    expected = [
        sign * v < min(sign * np.array(values[:i]), default=2e9) for i, v in enumerate(values)
    ]
    assert best == expected


def test_the_names_of_skorch_are_not_extra_columns(small):
    model = dense().fit(*small)
    history = model.net_.history
    assert history[:, "valid_acc"] == history[:, "valid_accuracy"]
    assert history[-1]["train_acc"] == history[-1, "train_accuracy"]
    assert history[-1, ("epoch", "valid_acc")] == (3, history[-1, "valid_accuracy"])
    assert not any("acc" in column.split("_") for column in model.history_)
    losses = history[-1, "batches", :, "train_loss"]
    sizes = history[-1, "batches", :, "train_batch_size"]
    assert np.average(losses, weights=sizes) == pytest.approx(history[-1, "train_loss"], rel=1e-5)


class Pruning(Callback):
    """Reads a column as Optuna's callback does."""

    def __init__(self, monitor):
        self.monitor = monitor

    def on_epoch_end(self, net, **kwargs):
        self.scores_ = net.history[:, self.monitor]


def test_a_callback_of_another_library_reads_valid_acc(small):
    callback = Pruning("valid_acc")
    model = dense(callbacks=[callback]).fit(*small)
    assert callback.scores_ == list(model.history_["valid_accuracy"])


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping(),
        EarlyStopping("valid_acc"),
        Checkpoint(),
        Checkpoint("valid_accuracy_best"),
        LRScheduler("ReduceLROnPlateau", monitor="valid_loss"),
        WandbLogger(MagicMock()),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_watching_validation_needs_validation_images(callback, small):
    model = dense(callbacks=[callback], validation_fraction=None)
    message = "watches 'valid.*there are no validation images; set validation_fraction or pass X_v"
    with pytest.raises(ValueError, match=message):
        model.fit(*small)
    with pytest.raises(ValueError, match=r"watches 'valid.*partial_fit has no validation images"):
        model.partial_fit(*small, classes=np.unique(small[1]))
    assert not hasattr(model, "net_")


def test_a_missing_column_is_an_error_at_the_start(small):
    callbacks = [EpochScoring("f1_macro", on_train=True), EarlyStopping("f1_micro")]
    model = dense(callbacks=callbacks)
    with pytest.raises(ValueError, match=r"ping watches 'f1_micro'.* f1_macro, f1_macro_b"):
        model.fit(*small)
    callbacks[1].monitor = "f1_macro"
    assert "f1_macro" in model.fit(*small).history_


def test_a_callback_comes_after_the_one_that_it_watches(small):
    callbacks = [EarlyStopping("f1_macro"), EpochScoring("f1_macro")]
    with pytest.raises(ValueError, match="records after it in each epoch; put EpochScoring before"):
        dense(callbacks=callbacks).fit(*small)
    assert "f1_macro" in dense(callbacks=callbacks[::-1]).fit(*small).history_


def test_a_missing_column_is_named_with_those_that_are_there(small):
    model = dense(callbacks=[Pruning("valid_f1")], validation_fraction=None)
    with pytest.raises(ValueError, match=r"callback Pruning: 'valid_f1' is not in .*train_loss.*"):
        model.fit(*small)


# -- copies and files of the net ------------------------------------------------------------


class Copies(Callback):
    """Copies the net in the middle of a fit."""

    copies_ = None

    def on_batch_end(self, net, training, **kwargs):
        if self.copies_ is not None:
            return  # a copy of the net would copy them too
        self.copies_ = [copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
        self.clone_ = clone(net)
        self.averaged_ = AveragedModel(net.module_)

    def on_epoch_end(self, net, dataset_train, **kwargs):
        data = FaceDataset(dataset_train.X, None, rows=dataset_train.rows)
        for other in self.copies_:
            other.module_.load_state_dict(net.module_.state_dict())
        self.expected_ = net.predict_proba(data)
        self.predicted_ = [other.predict_proba(data) for other in self.copies_]


@pytest.mark.parametrize("kind", [FERDenseClassifier, FERCNNClassifier])
def test_the_net_can_be_copied_in_a_fit(kind, small):
    callback = Copies()
    parameters = {"max_epochs": 1, "random_state": 0, "batch_size": 64, "validation_fraction": 0.2}
    model = kind(callbacks=[callback], **parameters, dropout=0.1).fit(*small)
    for predicted in callback.predicted_:
        assert_array_equal(predicted, callback.expected_)
    for net in (copy.deepcopy(model.net_), pickle.loads(pickle.dumps(model.net_))):
        assert_array_equal(net.predict(FaceDataset(small[0][..., None])), model.predict(small[0]))
        assert net.module is net.module_ is net.evaluation_.module
    assert not clone(model.net_).initialized_


def test_checkpoints_contain_a_net_that_predicts(small):
    model = dense(callbacks=[Checkpoint(f_pickle="net.pkl", monitor=None)]).fit(*small)
    with open("net.pkl", "rb") as file:
        net = pickle.load(file)
    images = FaceDataset(small[0][..., None])
    assert_array_equal(net.predict_proba(images), model.predict_proba(small[0]))


@pytest.mark.parametrize("use_safetensors", [False, True])
def test_saved_weights_are_restored(use_safetensors, small):
    X, y = small
    files = {"f_params": "p", "f_history": "h", "use_safetensors": use_safetensors}
    model = FERCNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    model.net_.save_params(**files)
    expected = model.predict_proba(X)
    model.partial_fit(X, y)
    assert not np.array_equal(model.predict_proba(X), expected)
    model.net_.load_params(**files)
    assert_array_equal(model.predict_proba(X), expected)
    assert model.n_epochs_ == 1
    assert model.net_.history[-1, "train_acc"] == model.history_["train_accuracy"][0]


def test_load_best_restores_the_weights_of_the_best_epoch(faces):
    X, y = faces
    callbacks = [Checkpoint("valid_acc_best", load_best=True)]
    model = dense(lr=0.3, max_epochs=6, precision="float32", callbacks=callbacks)
    model.set_params(validation_fraction=None).fit(X, y, X_val=X[:50], y_val=y[:50])
    best = max(model.net_.history[:, "valid_acc"])
    assert model.score(X[:50], y[:50]) == pytest.approx(best)


def test_a_fit_continues_from_a_checkpoint(small):
    checkpoint = TrainEndCheckpoint(dirname="end")
    first = dense(callbacks=[checkpoint], lr_schedule="one_cycle").fit(*small)
    callbacks = [LoadInitState(checkpoint)]
    second = dense(callbacks=callbacks, lr_schedule="one_cycle").fit(*small)
    assert second.n_epochs_ == 6
    assert_allclose(second.history_["lr"], 2 * list(first.history_["lr"]))
    assert second.history_["train_loss"][3] < first.history_["train_loss"][0]
    loaded = second.n_epochs_
    second.partial_fit(*small)  # does not load again
    assert second.n_epochs_ == loaded + 1


# -- what is left after a fit ---------------------------------------------------------------


def test_predictions_are_not_kept_after_an_error(small):
    scoring = EpochScoring("accuracy", on_train=True)
    with pytest.raises(OSError, match="full"):
        dense(callbacks=[scoring, Stop(OSError("full"), "on_epoch_end")]).fit(*small)
    assert scoring.y_preds_ == scoring.y_trues_ == []


def test_each_fit_starts_with_a_new_state(small):
    stopping = EarlyStopping("train_loss", patience=1, threshold=0.9)
    model = dense(callbacks=[stopping])
    assert model.fit(*small).n_epochs_ == 2
    assert model.fit(*small).n_epochs_ == 2
    scoring = EpochScoring("accuracy", lower_is_better=False)
    model.set_params(callbacks=[scoring]).fit(*small)
    best = scoring.best_score_
    model.set_params(max_epochs=1).fit(*small)
    assert scoring.best_score_ == model.history_["accuracy"][0] <= best


# neptune is not installed here.
@pytest.mark.parametrize("name", [name for name in WORKING if name != "NeptuneLogger"])
def test_callbacks_do_not_keep_the_images(name, small):
    gc.freeze()  # what exists already is not looked through below
    images = small[0].copy()
    kept = weakref.ref(images)
    callback = WORKING[name][0]()
    model = dense(callbacks=[callback], max_epochs=1).fit(images, small[1])
    del images
    gc.collect()
    gc.unfreeze()
    assert kept() is None
    assert model.n_epochs_ == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: LRScheduler("ExponentialLR", gamma=0.5),
        lambda: LRScheduler("StepLR", step_size=1, gamma=0.5),
        lambda: LRScheduler("ReduceLROnPlateau", monitor="valid_acc", patience=0),
        lambda: LRScheduler("CyclicLR", base_lr=1e-3, max_lr=1e-2, step_every="batch"),
        lambda: EpochScoring("f1_macro", lower_is_better=False),
        lambda: EarlyStopping(load_best=True, patience=4),
        lambda: Freezer("*bias", at=2),
    ],
)
def test_an_interrupted_fit_continues_with_its_callbacks(make, small, tmp_path):
    def model(*callbacks):
        return dense(max_epochs=5, lr=0.01, callbacks=[make(), *callbacks])

    whole = model().fit(*small)
    folder = tmp_path / "checkpoints"
    with pytest.raises(OSError, match="cut off"):
        model(Stop(OSError("cut off"), "on_epoch_begin", 4)).set_params(checkpoint=folder).fit(
            *small
        )
    second = model().set_params(checkpoint=folder).fit(*small)
    assert_array_equal(second.predict_proba(small[0]), whole.predict_proba(small[0]))
    columns = [name for name in whole.history_ if name != "seconds"]
    assert second.history_[columns].equals(whole.history_[columns])
