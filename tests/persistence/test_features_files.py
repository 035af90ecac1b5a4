"""Model files of FERFeatures, alone and in a Pipeline with other classifiers."""

import json
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, RobustScaler, StandardScaler
from sklearn.svm import LinearSVC

from sk_fer import FERCNNClassifier, FERDenseClassifier, FERFeatures, load_model, save_model
from sk_fer.persistence import ModelFormatError
from sk_fer.preprocessing import ImageResizer

from .fuzz_model_files import read_entries, seal

pytestmark = pytest.mark.filterwarnings("ignore:.*failed to converge")


def small_features(**parameters):
    settings = {"weights": None, "random_state": 0, "device": "cpu", "precision": "float32"}
    return FERFeatures("fast", **settings | parameters)


def saved_and_loaded(model, folder):
    save_model(model, folder / "model.skfer")
    return load_model(folder / "model.skfer")


@pytest.fixture(scope="module")
def features_file(small_faces, tmp_path_factory):
    """The file of a features pipeline with LogisticRegression."""
    path = tmp_path_factory.mktemp("features") / "model.skfer"
    model = make_pipeline(small_features(), StandardScaler(), LogisticRegression())
    save_model(model.fit(*small_faces), path)
    return path


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"normalize": "dataset", "input_size": (24, 20)},
        {"backbone": "test_resnet", "input_size": 32, "stem": "no_stride"},
    ],
)
def test_features_alone_are_the_same_to_the_bit(parameters, small_faces, tmp_path):
    if parameters.get("backbone", "fast") != "fast":
        pytest.importorskip("timm", reason="needs sk_fer[pretrained]")
    X, _ = small_faces
    model = small_features().set_params(**parameters).fit(X)
    loaded = saved_and_loaded(model, tmp_path)
    assert_array_equal(loaded.transform(X), model.transform(X))
    assert loaded.get_params() == model.get_params()
    assert loaded.image_shape_ == model.image_shape_
    for name, value in model.net_.module_.state_dict().items():
        assert_array_equal(loaded.net_.module_.state_dict()[name], value)


def test_weights_and_statistics_of_another_classifier_are_in_the_file(small_faces, tmp_path):
    X, y = small_faces
    network = FERCNNClassifier("fast", normalize="dataset", max_epochs=1, random_state=0).fit(X, y)
    model = small_features(weights=network).fit(X)
    with pytest.warns(UserWarning, match=r"does not contain weights of FERFeatures"):
        save_model(model, tmp_path / "model.skfer")
    loaded = load_model(tmp_path / "model.skfer")
    assert loaded.weights == "imagenet"  # the default value
    assert_array_equal(loaded.net_.module_.prepare.mean, network.net_.module_.prepare.mean)
    assert_array_equal(loaded.transform(X), model.transform(X))


@pytest.mark.parametrize(
    "classifier",
    [
        LogisticRegression(),
        LogisticRegression(class_weight={"happy": 2.0}, C=0.1),
        LogisticRegression(fit_intercept=False),
        LinearSVC(fit_intercept=False),
        LinearSVC(multi_class="crammer_singer"),
        FERDenseClassifier((8,), max_epochs=1, random_state=0, normalize="dataset"),
    ],
    ids=str,
)
@pytest.mark.parametrize("n_classes", [2, 7])
def test_pipelines_predict_the_same_to_the_bit(classifier, n_classes, small_faces, tmp_path):
    X, y = small_faces
    y = np.where(y == "happy", "happy", "other") if n_classes == 2 else y
    model = make_pipeline(
        ImageResizer((20, 20)), small_features(), "passthrough", StandardScaler(), classifier
    )
    loaded = saved_and_loaded(model.fit(X, y), tmp_path)
    assert_array_equal(loaded.predict(X), model.predict(X))
    method = "predict_proba" if hasattr(classifier, "predict_proba") else "decision_function"
    assert_array_equal(getattr(loaded, method)(X), getattr(model, method)(X))
    assert_array_equal(loaded[:-1].transform(X), model[:-1].transform(X))
    assert repr(loaded) == repr(model)
    assert loaded.classes_.dtype == model.classes_.dtype
    first = (tmp_path / "model.skfer").read_bytes()
    save_model(loaded, tmp_path / "again.skfer")
    assert (tmp_path / "again.skfer").read_bytes() == first


@pytest.mark.parametrize("scaler", [MinMaxScaler(), Normalizer(), RobustScaler()], ids=str)
def test_scalers_and_pandas_between(scaler, small_faces, tmp_path):
    X, y = small_faces
    model = make_pipeline(small_features(), scaler, LogisticRegression())
    model.set_output(transform="pandas").fit(X, y)
    loaded = saved_and_loaded(model, tmp_path)
    assert list(loaded[:-1].transform(X)) == list(model[:-1].transform(X))
    assert list(loaded[-1].feature_names_in_) == list(model[-1].feature_names_in_)
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_two_backbones_keep_their_own_weights(small_faces, tmp_path):
    X, y = small_faces
    model = make_pipeline(small_features(), FERCNNClassifier("fast", max_epochs=1, random_state=1))
    loaded = saved_and_loaded(model.fit(X, y), tmp_path)
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert_array_equal(loaded[0].transform(X), model[0].transform(X))


def test_training_continues_as_after_joblib(small_faces, tmp_path):
    X, y = small_faces
    logistic = LogisticRegression(warm_start=True, max_iter=10, tol=1e3)
    model = make_pipeline(small_features(), StandardScaler(), logistic).fit(X, y)
    loaded, pickled = saved_and_loaded(model, tmp_path), pickle.loads(pickle.dumps(model))
    F = model[:-1].transform(X)
    assert_array_equal(loaded[-1].fit(F, y).coef_, pickled[-1].fit(F, y).coef_)


def test_n_jobs_is_left_out(small_faces, tmp_path):
    X, y = small_faces
    model = make_pipeline(small_features(), LinearSVC(), memory=None).fit(X, y)
    model.steps[-1] = ("logisticregression", LogisticRegression().fit(model[0].transform(X), y))
    model[-1].n_jobs = 3
    with pytest.warns(UserWarning, match="n_jobs of LogisticRegression"):
        assert saved_and_loaded(model, tmp_path)[-1].n_jobs is None


def test_what_cannot_be_saved(small_faces, tmp_path):
    X, y = small_faces
    path = tmp_path / "model.skfer"
    with pytest.raises(NotFittedError):
        save_model(small_features(), path)
    with pytest.raises(TypeError, match=r"last step 'ferfeatures' .* is a FERFeatures"):
        save_model(make_pipeline(ImageResizer((20, 20)), small_features()).fit(X), path)

    class Other(LogisticRegression):
        """A subclass can have another state."""

    with pytest.raises(TypeError, match="is a Other"):
        save_model(make_pipeline(small_features(), Other()).fit(X, y), path)
    assert not path.exists()


def edited(path, folder, edit):
    """Return a copy of a model file with another description."""
    entries = read_entries(path.read_bytes())
    description = json.loads(entries["model.json"])
    edit(description["model"]["steps"])
    entries["model.json"] = json.dumps(description).encode()
    (folder / "edited.skfer").write_bytes(seal(entries))
    return folder / "edited.skfer"


def step(number, **items):
    return lambda steps: steps[number].update(items)


def item(number, name, **items):
    return lambda steps: steps[number][name].update(items)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (item(0, "parameters", weights="/etc/passwd"), "weights is '/etc/passwd'; expected one of"),
        (item(0, "network", weights="/etc/passwd"), "weights is '/etc/passwd'; expected one of"),
        (item(0, "network", backbone="hf-hub:x/y"), "got backbone='hf-hub:x/y', expected a name"),
        (item(0, "network", backbone="accurate"), "the weights network.backbone"),
        (item(0, "network", head="linear"), "parameters of FERFeatures: unknown head; expected"),
        (item(0, "network", input_size=2**19), "input_size is .* of at most 1048576 pixels"),
        (item(0, "network", input_size=4), "cannot process images of 4 x 4 pixels"),
        (item(0, "parameters", memory="/etc"), "parameters of FERFeatures: unknown memory"),
        (step(0, image_shape_=[2**20, 2**20, 1]), "image_shape_ is .*; expected height, width and"),
        (step(0, normalize="dataset"), "the weights prepare.mean, prepare.std are missing"),
        (step(0, output="os"), "output is 'os'"),
        (step(0, history=[]), r"step 0 .* has unknown items: \['history'\]"),
        (step(0, **{"class": "FERCNNClassifier"}), "step 0 .* of class 'FERCNNClassifier'"),
        (step(0, **{"class": []}), "step 0 of the Pipeline: class is .*; expected str"),
        (step(2, **{"class": "FERFeatures"}), "of class 'FERFeatures'; expected FERCNNClassifier"),
        (step(2, **{"class": "SVC"}), "of class 'SVC'; expected FERCNNClassifier"),
        (step(2, n_features_in_=2**20), r"coef_ has the shape \(7, 256\); expected \(7, 1048576\)"),
        (step(2, n_features_in_=2**40), "n_features_in_ is 1099511627776; expected 1 to 1048576"),
        (step(2, order="A"), "order is 'A'; expected 'C' or 'F'"),
        (step(2, classes_={"dtype": "str", "values": ["a", "b"]}), r"expected \(1, 256\)"),
        (item(2, "parameters", C=-1.0), "The 'C' parameter of LogisticRegression must be"),
        (item(2, "parameters", n_jobs=10**6), "parameters of LogisticRegression: unknown n_jobs"),
        (item(2, "parameters", loss="os"), "parameters of LogisticRegression: unknown loss"),
        (lambda steps: steps.insert(1, dict(steps[0], name="x")), "step 1 of the Pipeline|missing"),
        (lambda steps: steps.pop(1), "there are unknown arrays|has no array"),
    ],
)
def test_hostile_descriptions_are_refused(edit, words, features_file, tmp_path):
    with pytest.raises(ModelFormatError, match=words):
        load_model(edited(features_file, tmp_path, edit))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("steps.0.network.backbone.stem.conv.weight", lambda a: a[:, :, :1], "expected float32"),
        ("steps.0.network.backbone.stem.conv.weight", lambda a: a.astype(float), "expected float"),
        (
            "steps.0.network.backbone.stem.conv.weight",
            lambda a: None,
            "the weights network.backbone.stem.conv.weight are missing",
        ),
        ("steps.0.more", lambda a: np.zeros(2), "there are unknown arrays, more"),
        ("steps.1.more", lambda a: np.zeros(2), "has unknown arrays, more"),
        ("steps.2.more", lambda a: np.zeros(2), "has unknown arrays, more"),
        ("steps.9.more", lambda a: np.zeros(2), "there are unknown arrays, steps.9.more"),
        ("steps.1.scale_", lambda a: a[:-1], r"scale_ has the shape \(255,\); expected \(256,\)"),
        ("steps.2.coef_", lambda a: a[:, :-1], r"coef_ has the shape \(7, 255\)"),
        ("steps.2.coef_", lambda a: a.astype("float16"), "coef_ is float16; expected float32 or"),
        ("steps.2.coef_", lambda a: a * np.nan, "NaN"),
        (
            "steps.2.intercept_",
            lambda a: a[:-1],
            r"intercept_ has the shape \(6,\); expected \(7,\)",
        ),
        ("steps.2.intercept_", lambda a: None, "has no array intercept_"),
    ],
)
def test_hostile_arrays_are_refused(name, change, words, features_file, tmp_path):
    from safetensors.numpy import load, save

    entries = read_entries(features_file.read_bytes())
    arrays = load(entries["weights.safetensors"])
    array = change(arrays.pop(name, None))
    if array is not None:
        arrays[name] = np.ascontiguousarray(array)
    entries["weights.safetensors"] = save(arrays)
    path = tmp_path / "edited.skfer"
    path.write_bytes(seal(entries))
    with pytest.raises(ModelFormatError, match=words):
        load_model(path)
