"""skops.io reads our estimators and the callbacks of skorch in them, and nothing else."""

import importlib
import zipfile

import pytest
import skorch.callbacks as cb
from numpy.testing import assert_array_equal
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from torch.optim.lr_scheduler import ExponentialLR

from sk_fer import FERDenseClassifier
from sk_fer.persistence import SKOPS_TRUSTED

sio = pytest.importorskip("skops.io", reason="needs sk_fer[skops]")


@pytest.mark.parametrize("name", ["dense", "cnn", "pipeline"])
def test_skops(name, models, small_faces, tmp_path):
    file = tmp_path / "model.skops"
    sio.dump(models[name], file)
    assert set(sio.get_untrusted_types(file=file)) <= set(SKOPS_TRUSTED)
    loaded = sio.load(file, trusted=SKOPS_TRUSTED)
    X = small_faces[0]
    assert_array_equal(loaded.predict_proba(X), models[name].predict_proba(X))
    with zipfile.ZipFile(file) as archive:
        for entry in archive.namelist():
            content = archive.read(entry)
            # Weights are safetensors, arrays NumPy's format without objects, the rest JSON.
            assert content[8:9] == b"{" or content[:6] == b"\x93NUMPY" or entry == "schema.json"
            assert not content.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"))
            assert b"'descr': '|O'" not in content[:100]


def test_all_our_estimators_are_trusted():
    from sklearn.base import BaseEstimator

    import sk_fer
    import sk_fer.preprocessing
    from sk_fer.faces import FaceCropper

    public = {**vars(sk_fer.preprocessing), **{n: getattr(sk_fer, n) for n in sk_fer.__all__}}
    public["FaceCropper"] = FaceCropper
    estimators = [
        k for k in public.values() if isinstance(k, type) and issubclass(k, BaseEstimator)
    ]
    own = [name for name in SKOPS_TRUSTED if name.startswith("sk_fer.")]
    assert sorted(f"{k.__module__}.{k.__name__}" for k in estimators) == own


def test_all_trusted_names_exist():
    for name in SKOPS_TRUSTED:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


CALLBACKS = [
    cb.EpochScoring("accuracy"),
    cb.EpochScoring(make_scorer(f1_score, labels=["happy"], average="macro")),
    cb.EpochScoring(accuracy_score, on_train=True),
    cb.BatchScoring("accuracy", name="parts"),
    cb.PassthroughScoring("valid_loss"),
    cb.EarlyStopping(load_best=True),
    cb.LRScheduler("ReduceLROnPlateau"),
    cb.LRScheduler(ExponentialLR, gamma=0.5),
    cb.LRScheduler(),
    cb.GradientNormClipping(1.0),
    cb.EpochTimer(),
    cb.PrintLog(),
    cb.ProgressBar(),
    cb.Freezer("*bias", at=2),
    cb.Unfreezer("*bias"),
    cb.Initializer("*bias"),
    cb.ParamMapper("*bias"),
    cb.Checkpoint(load_best=True),
    cb.TrainEndCheckpoint(),
    cb.LoadInitState(cb.Checkpoint()),
    cb.EarlyStopping,
    ("named", cb.EarlyStopping()),
    ("off", None),
]


@pytest.mark.parametrize("callback", CALLBACKS, ids=lambda callback: type(callback).__name__)
def test_callbacks(callback, small_faces, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = FERDenseClassifier(
        (8,), max_epochs=2, lr_schedule=None, validation_fraction=0.2, random_state=0
    )
    model.set_params(callbacks=[callback]).fit(*small_faces)
    loaded = sio.loads(sio.dumps(model), trusted=SKOPS_TRUSTED)
    assert_array_equal(loaded.predict(small_faces[0]), model.predict(small_faces[0]))
    # A fit after loading is the same fit.
    assert_array_equal(
        loaded.fit(*small_faces).predict_proba(small_faces[0]),
        model.fit(*small_faces).predict_proba(small_faces[0]),
    )


def test_callbacks_of_others_are_not_trusted(small_faces):
    model = FERDenseClassifier((8,), max_epochs=1, callbacks=[Mine()]).fit(*small_faces)
    with pytest.raises(sio.exceptions.UntrustedTypesFoundException, match="Mine"):
        sio.loads(sio.dumps(model), trusted=SKOPS_TRUSTED)


class Mine(cb.Callback):
    pass
