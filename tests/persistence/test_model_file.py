"""A saved and loaded model has the same weights, classes, history and names, and can be trained."""

import os
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from skorch.callbacks import Callback

from sk_fer import (
    FERCNNClassifier,
    FERFeatures,
    _version,
    export_onnx,
    load_model,
    save_model,
)
from sk_fer.persistence import ModelFormatError
from sk_fer.preprocessing import ImageReader, PixelParser

from ..helpers import dense


def reload(model, tmp_path):
    save_model(model, tmp_path / "again.skfer")
    return load_model(tmp_path / "again.skfer")


@pytest.mark.parametrize("name", ["dense", "cnn", "pipeline"])
def test_saved_and_loaded_is_the_same(name, models, small_faces, tmp_path):
    model = models[name]
    X, _ = small_faces
    loaded = reload(model, tmp_path)
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert_array_equal(loaded.predict(X), model.predict(X))
    last, loaded_last = (m[-1] if name == "pipeline" else m for m in (model, loaded))
    assert loaded_last.history_.equals(last.history_)
    assert loaded_last.n_epochs_ == last.n_epochs_
    assert loaded_last.classes_.dtype == last.classes_.dtype
    assert repr(loaded) == repr(model)
    # All the state that a pickle would have kept, but the weights' bytes, compared above.
    states = [m.__getstate__() for m in (last, loaded_last)]
    for state in states:
        state["_stored_net"].pop("weights")
        state["classes_"] = state["classes_"].tolist()
    assert states[0] == states[1]


@pytest.mark.parametrize("name", ["dense", "cnn"])
def test_continues_training_like_a_pickled_model(name, models, small_faces, tmp_path):
    pickled = pickle.loads(pickle.dumps(models[name]))
    loaded = reload(models[name], tmp_path)
    for model in (pickled, loaded):
        model.partial_fit(*small_faces)
        model.set_params(warm_start=True).fit(*small_faces)
    assert loaded.n_epochs_ == pickled.n_epochs_ == 2 * models[name].n_epochs_ + 1
    assert_array_equal(loaded.predict_proba(small_faces[0]), pickled.predict_proba(small_faces[0]))


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["glücklich", "", "sad"]),
        np.array(["a", "bc", "d"], dtype=object),
        np.array([3, -1, 2**40]),
        np.array([2, 1, 0], dtype=np.uint8),
        np.array([True, False, True]),
        np.array([-1.0, 2.0, 300.0], dtype=np.float32),
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_labels_of_any_kind(labels, small_faces, tmp_path):
    X = small_faces[0][:12]
    model = dense().fit(X, np.resize(labels, 12))
    loaded = reload(model, tmp_path)
    assert loaded.classes_.dtype == model.classes_.dtype
    assert_array_equal(loaded.classes_, model.classes_)
    assert_array_equal(loaded.predict(X), model.predict(X))


def test_names_of_columns_and_output_as_frames(small_faces, tmp_path):
    X = pd.DataFrame(small_faces[0], columns=[f"p{i}" for i in range(256)])
    model = make_pipeline(MinMaxScaler(), RobustScaler(), MaxAbsScaler(), Normalizer(), dense())
    model.set_output(transform="pandas").fit(X, small_faces[1])
    loaded = reload(model, tmp_path)
    assert_array_equal(loaded.feature_names_in_, X.columns)
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert isinstance(loaded[:-1].transform(X), pd.DataFrame)


def test_scalers_continue_with_partial_fit(small_faces, tmp_path):
    X, y = small_faces
    for scaler in (StandardScaler(with_std=False), StandardScaler(), MinMaxScaler()):
        model = make_pipeline(scaler, dense()).fit(X, y)
        loaded = reload(model, tmp_path)
        for pipeline in (model, loaded):
            pipeline[0].partial_fit(X[:5])
        assert_array_equal(loaded[0].transform(X), model[0].transform(X))


def test_pipeline_from_strings_and_from_files(small_faces, save_images, tmp_path):
    X, y = small_faces
    strings = [" ".join(map(str, row)) for row in X]
    model = make_pipeline(PixelParser(), dense()).fit(strings, y)
    assert_array_equal(reload(model, tmp_path).predict(strings), model.predict(strings))
    files = [str(tmp_path / f"{i}.png") for i in range(len(X))]
    save_images(X, files)
    model = make_pipeline(ImageReader((8, 9), color=True), dense(image_shape=(8, 9, 3)))
    model.fit(files, y)
    assert_array_equal(reload(model, tmp_path).predict(files), model.predict(files))


def test_parameters_changed_after_fit_are_kept_and_the_network_too(models, small_faces, tmp_path):
    model = pickle.loads(pickle.dumps(models["cnn"]))
    model.set_params(architecture="vgg", tta=True, augment={"flip": 0.25}, class_weight={"sad": 2})
    loaded = reload(model, tmp_path)
    assert loaded.get_params() == model.get_params()
    assert_array_equal(loaded.predict_proba(small_faces[0]), model.predict_proba(small_faces[0]))


def test_history_of_callbacks(small_faces, tmp_path):
    class Odd(Callback):
        def on_epoch_end(self, net, **_):
            net.history.record("odd", np.float32("nan"))

    model = dense(callbacks=[Odd()])
    model.fit(*small_faces).set_params(callbacks=None)
    loaded = reload(model, tmp_path)
    assert loaded.history_.equals(model.history_)
    assert np.isnan(loaded.history_["odd"][0])


def test_what_belongs_to_the_process_is_left_out_with_a_warning(small_faces, tmp_path):
    X, y = small_faces
    model = dense(callbacks=[], checkpoint=tmp_path / "checkpoints")
    model.set_params(random_state=np.random.RandomState(0)).fit(X, y)
    model.set_callbacks(ProgressBar())
    pipeline = make_pipeline(StandardScaler(copy=False), model, memory=str(tmp_path))
    pipeline.steps[0][1].fit(X.astype(float))
    words = (
        "memory of Pipeline, copy of StandardScaler, scikit-learn's callbacks of "
        "FERDenseClassifier, callbacks of FERDenseClassifier, checkpoint of "
        "FERDenseClassifier, random_state of FERDenseClassifier, because these belong to this "
    )
    with pytest.warns(UserWarning, match=words):
        loaded = reload(pipeline, tmp_path)
    assert loaded.memory is None
    assert loaded[0].copy is True
    assert loaded[1].callbacks is loaded[1].checkpoint is loaded[1].random_state is None
    assert_array_equal(loaded[1].predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize(
    ("model", "kind", "words"),
    [
        (LogisticRegression(), TypeError, "got a LogisticRegression; a model file can"),
        ("model", TypeError, "got a str"),
        (make_pipeline(StandardScaler()), TypeError, "last step .* is a StandardScaler"),
        (
            make_pipeline(Binarizer(), dense()),
            TypeError,
            "'binarizer' .* is a Binarizer; a model",
        ),
        (dense(), NotFittedError, "not fitted yet"),
        (make_pipeline(StandardScaler(), dense()), NotFittedError, "not fitted yet"),
    ],
)
def test_models_that_a_file_cannot_contain(model, kind, words, small_faces, tmp_path):
    if kind is TypeError and hasattr(model, "steps"):
        X, y = small_faces
        model = clone(model).fit(X, y)
    with pytest.raises(kind, match=words):
        save_model(model, tmp_path / "model.skfer")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [save_model, export_onnx])
def test_of_a_search_the_best_estimator_is_written(write, small_faces, tmp_path):
    search = GridSearchCV(dense(), {"lr": [0.01]}, cv=2).fit(*small_faces)
    with pytest.raises(TypeError, match=r"got a GridSearchCV; .* pass its best_estimator_"):
        write(search, tmp_path / "model")
    write(search.best_estimator_, tmp_path / "model")
    assert (tmp_path / "model").stat().st_size > 1000


def test_labels_and_parameters_that_a_file_cannot_contain(small_faces, tmp_path):
    X, y = small_faces
    model = dense().fit(X, y)
    model.classes_ = np.arange("2026-01", "2026-08", dtype="datetime64[M]")
    with pytest.raises(TypeError, match=r"classes_ of dtype datetime64\[M\]"):
        save_model(model, tmp_path / "model.skfer")
    model = dense().fit(X, y).set_params(class_weight={"sad": [1, object()]})
    with pytest.raises(
        TypeError, match=r"class_weight of FERDenseClassifier: got a value of <class"
    ):
        save_model(model, tmp_path / "model.skfer")
    with pytest.raises(OSError, match="expected the path of a file in an existing folder"):
        save_model(dense().fit(X, y), tmp_path / "none" / "model.skfer")
    assert list(tmp_path.iterdir()) == []


def test_only_files_that_can_be_read_are_written(small_faces, tmp_path):
    model = dense().fit(*small_faces)
    with pytest.raises(NotFittedError, match="the Normalizer of the Pipeline is not fitted"):
        save_model(make_pipeline(Normalizer(), model), tmp_path / "model.skfer")
    changed = pickle.loads(pickle.dumps(model)).set_params(lr=-1.0)
    with pytest.raises(ModelFormatError, match="The 'lr' parameter of FERDenseClassifier must be"):
        save_model(changed, tmp_path / "model.skfer")
    next(model.net_.module_.parameters()).data[0, 0] = float("nan")
    with pytest.raises(ModelFormatError, match=r"network\.features\.1\.weight contains NaN"):
        save_model(model, tmp_path / "model.skfer")
    assert list(tmp_path.iterdir()) == []


def test_no_partial_file_is_left(models, tmp_path, monkeypatch):
    path = tmp_path / "model.skfer"
    path.write_bytes(b"before")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        save_model(models["dense"], path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_a_plain_zip_of_a_state_dict(models, dense_file, tmp_path):
    from safetensors.torch import load

    from sk_fer.modules import build_module

    again = tmp_path / "again.skfer"
    save_model(models["dense"], again)
    assert again.read_bytes() == dense_file.read_bytes()
    with zipfile.ZipFile(dense_file) as archive:
        assert archive.namelist() == ["model.json", "weights.safetensors", "SHA256SUMS"]
        state = load(archive.read("weights.safetensors"))
    model = models["dense"]
    build_module(**model._module_config).load_state_dict(state)
    for name, tensor in model.net_.module_.state_dict().items():
        assert torch.equal(state[name], tensor)


def test_versions_are_in_the_file_and_another_minor_version_warns(models, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(_version, "__version__", "0.9.0")
        save_model(models["pipeline"], tmp_path / "model.skfer")
    with pytest.warns(UserWarning, match=r"written by sk_fer 0\.9\.0"):
        loaded = load_model(tmp_path / "model.skfer")
    assert loaded[-1].versions_["sk_fer"] == "0.9.0"


def test_global_random_state_is_untouched(models, tmp_path):
    save_model(models["pipeline"], tmp_path / "model.skfer")
    before = torch.random.get_rng_state()
    load_model(tmp_path / "model.skfer")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_fast_network_and_missing_device(small_faces, tmp_path, monkeypatch):
    X, y = small_faces
    model = FERCNNClassifier(max_epochs=1, random_state=0, device="cpu").fit(X, y)
    model.net_.device = "cuda:3"
    save_model(model, tmp_path / "model.skfer")
    model.net_.device = "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    loaded = load_model(tmp_path / "model.skfer")
    assert loaded.net_.device == "cpu"
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_half_precision_rounds_the_weights_of_networks_alone(small_faces, tmp_path):
    X, y = small_faces
    backbone = FERFeatures("fast", weights=None, random_state=0, precision="float32")
    model = make_pipeline(backbone, StandardScaler(), LogisticRegression(C=0.01)).fit(X, y)
    sizes = {}
    for dtype in ("float32", "float16"):
        save_model(model, tmp_path / "model.skfer", dtype=dtype)
        sizes[dtype] = (tmp_path / "model.skfer").stat().st_size
    assert sizes["float16"] < 0.51 * sizes["float32"]
    loaded = load_model(tmp_path / "model.skfer")
    assert_array_equal(loaded[2].coef_, model[2].coef_)
    assert_array_equal(loaded[1].mean_, model[1].mean_)
    rounded = loaded[0].net_.module_.state_dict()
    for name, weights in model[0].net_.module_.state_dict().items():
        expected = weights.half().float() if weights.is_floating_point() else weights
        assert rounded[name].dtype == weights.dtype
        assert torch.equal(rounded[name], expected)


def test_half_precision_of_statistics_of_images_is_not_rounded(small_faces, tmp_path):
    model = dense(normalize="dataset").fit(*small_faces)
    save_model(model, tmp_path / "model.skfer", dtype="float16")
    prepare = load_model(tmp_path / "model.skfer").net_.module_.prepare
    assert torch.equal(prepare.mean, model.net_.module_.prepare.mean)


def test_weights_beyond_half_precision_are_refused(small_faces, tmp_path):
    model = dense().fit(*small_faces)
    with torch.no_grad():
        model.net_.module_.network.head.bias[0] = 70000.0
    with pytest.raises(
        ValueError, match=r"'float16' cannot .* network\.head\.bias.* 70000; .*65504"
    ):
        save_model(model, tmp_path / "model.skfer", dtype="float16")
    with pytest.raises(ValueError, match="got dtype='bfloat16', expected 'float32' or 'float16'"):
        save_model(model, tmp_path / "model.skfer", dtype="bfloat16")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["model.joblib", "model.PKL", "model.pickle"])
def test_names_of_pickles_are_refused(name, small_faces, tmp_path):
    X, y = small_faces
    model = dense(max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"got a name that ends in \.\w+, .*such as model\.skfer"):
        save_model(model, tmp_path / name)
    assert not list(tmp_path.iterdir())
