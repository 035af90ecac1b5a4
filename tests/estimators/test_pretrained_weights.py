"""The sources of the weights of a pretrained classifier, and the normalization for them."""

from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from sk_fer import (
    FERCNNClassifier,
    FERDenseClassifier,
    FERFeatures,
    FERPretrainedClassifier,
    load_model,
    save_model,
)
from sk_fer.modules import _timm
from sk_fer.preprocessing import HistogramEqualizer

from .. import helpers

timm = pytest.importorskip("timm", reason="needs sk_fer[pretrained]")

SETTINGS = {"random_state": 0, "device": "cpu", "precision": "float32"}


pretrained = partial(helpers.pretrained, max_epochs=1, lr=1e-20)


@pytest.fixture(scope="module")
def cnn(small):
    return FERCNNClassifier(max_epochs=1, batch_size=16, augment=None, **SETTINGS).fit(*small)


@pytest.fixture(scope="module")
def first(cnn, small):
    """A pretrained classifier that was fine-tuned."""
    return pretrained(weights=cnn, lr=0.01).fit(*small)


def module_state(model):
    return model.net_.module_.state_dict()


def assert_same_backbone(model, state, prefix=""):
    own = model.net_.module_.network.backbone.state_dict()
    for name, tensor in own.items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(tensor, state[prefix + name], rtol=0, atol=1e-12)


# -- fitted classifiers -----------------------------------------------------------------------


def test_its_parameters_are_its_own(cnn):
    model = pretrained(weights=cnn)
    assert not any(name.startswith("weights__") for name in model.get_params())
    with pytest.raises(ValueError, match="'weights__lr' would change a fitted classifier"):
        clone(model).set_params(weights__lr=7.0)
    assert cnn.random_state == 0


def test_statistics_of_another_range_are_refused(small, tmp_path):
    X, y = small
    scaled = pretrained(normalize="dataset", weights=None).fit(X / 255.0, y)
    torch.save(module_state(scaled), tmp_path / "scaled.pth")
    with pytest.raises(
        ValueError, match=r"was trained on images with a mean of 0.*, but X is uint8"
    ):
        pretrained(weights=tmp_path / "scaled.pth").fit(X, y)


def test_a_fitted_cnn(cnn, small):
    X, y = small
    model = pretrained(weights=cnn).fit(X, y)
    assert_same_backbone(model, module_state(cnn), "network.features.")
    np.testing.assert_allclose(model.predict_proba(X), cnn.predict_proba(X), atol=1e-6)
    model = pretrained(weights=cnn).fit(X, y == "happy")
    before = torch.get_rng_state()
    again = pretrained(weights=cnn, random_state=1).fit(X, y == "happy")
    assert torch.equal(before, torch.get_rng_state())
    heads = [m.net_.module_.network.head.linear.weight for m in (model, again)]
    assert not torch.equal(*heads)


def test_the_head_is_used_for_the_same_classes(first, small):
    X, y = small
    model = pretrained(weights=first).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), first.predict_proba(X), atol=1e-6)
    for changed in ({"y": np.char.upper(y)}, {"y": y == "happy"}, {"head": "conv"}):
        other = changed.pop("y", y)
        parameters = {"input_size": 32} if changed else {}
        model = pretrained(weights=first, **changed, **parameters).fit(X, other)
        assert_same_backbone(model, module_state(first), "network.backbone.")
        assert len(model.classes_) == len(np.unique(other))


@pytest.mark.parametrize(
    "wrap",
    [
        FrozenEstimator,
        lambda cnn: make_pipeline(HistogramEqualizer(), cnn),
        lambda cnn: FrozenEstimator(make_pipeline("passthrough", cnn)),
        lambda cnn: make_pipeline("passthrough", FrozenEstimator(cnn)),
    ],
)
def test_in_a_pipeline_or_frozen(wrap, cnn, small):
    assert_same_backbone(
        pretrained(weights=wrap(cnn)).fit(*small), module_state(cnn), "network.features."
    )


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (FERCNNClassifier, NotFittedError, "this FERCNNClassifier is not fitted yet; fit it fir"),
        (lambda: FERCNNClassifier, TypeError, "weights is a type; expected 'imagenet', 'fer"),
        (LogisticRegression, TypeError, "weights is a LogisticRegression; expected 'imagenet'"),
        (lambda: FERFeatures("fast"), ValueError, "The 'weights' parameter of FERPretrainedC"),
    ],
)  # fmt: skip
def test_what_is_no_fitted_classifier(make, kind, words, small):
    with pytest.raises(kind, match=words):
        pretrained(weights=make()).fit(*small)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: FERDenseClassifier((8,), max_epochs=1),
            "weights, a fitted FERDenseClassifier: its network is 'dense', but backbone='fast'; "
            "only 'accurate' and 'fast' of sk_fer's networks can be backbones",
        ),
        (
            lambda: FERCNNClassifier("sequential", max_epochs=1),
            "a fitted FERCNNClassifier: its network is 'sequential', but backbone='fast'; only",
        ),
        (
            lambda: pretrained("test_resnet", weights=None),
            "its network is 'test_resnet', but backbone='fast'; use FERPretrainedClassifier "
            "or FERFeatures with backbone='test_resnet'",
        ),
    ],
)
def test_of_another_architecture(make, words, small):
    model = pretrained(weights=make().fit(*small))
    with pytest.raises(ValueError, match=words):
        model.fit(*small)
    assert not hasattr(model, "net_")


def test_a_forgotten_backbone(cnn, small):
    for forgetful in (FERPretrainedClassifier, FERFeatures):
        with pytest.raises(ValueError, match=r"backbone='resnet50'; use FERP.* backbone='fast'"):
            forgetful(weights=cnn).fit(*small)
    other = pretrained("test_resnet", weights=None).fit(*small)
    with pytest.raises(
        ValueError, match="does not contain the weights of the backbone 'test_efficientnet'"
    ):
        pretrained("test_efficientnet", weights=other).fit(*small)


def test_clones_and_searches_keep_the_classifier(cnn, small):
    X, y = small
    model = pretrained(weights=cnn, trainable="head", lr=0.01)
    assert clone(model).weights is cnn
    assert clone(clone(make_pipeline(model)))[-1].weights is cnn
    assert np.isfinite(cross_val_score(model, X, y, cv=2, error_score="raise")).all()
    search = GridSearchCV(model, {"dropout": [0.0, 0.3]}, cv=2, error_score="raise").fit(X, y)
    assert search.best_estimator_.weights is cnn
    grid = {"weights": [None, FrozenEstimator(cnn)]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) <= 2
    with pytest.raises(NotFittedError, match=r"In a parameter grid, pass FrozenEstimator\("):
        GridSearchCV(model, {"weights": [cnn]}, cv=2, error_score="raise").fit(X, y)
    assert hasattr(cnn, "net_")


# -- files ------------------------------------------------------------------------------------


def packed(module):
    return {name: tensor.contiguous() for name, tensor in module.state_dict().items()}


@pytest.fixture(scope="module")
def files(cnn, first, tmp_path_factory):
    """Files of weights in all namings."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    save_file(timm.create_model("test_resnet").state_dict(), folder / "timm.safetensors")
    torch.save(timm.create_model("test_resnet").state_dict(), folder / "timm.pth")
    save_file(packed(cnn.net_.module_), folder / "cnn.safetensors")
    torch.save(cnn.net_.module_.network.state_dict(), folder / "network.pth")
    torch.save(module_state(first), folder / "with_head.pt")
    save_file(packed(first.net_.module_.network.backbone), folder / "backbone.safetensors")
    save_model(cnn, folder / "cnn.skfer")
    return folder


@pytest.mark.parametrize(
    ("file", "of", "prefix"),
    [
        ("cnn.safetensors", "cnn", "network.features."),
        ("network.pth", "cnn", "network.features."),
        ("cnn.skfer", "cnn", "network.features."),
        ("with_head.pt", "first", "network.backbone."),
        ("backbone.safetensors", "first", "network.backbone."),
    ],
)
def test_our_own_files(file, of, prefix, files, small, request):
    source = request.getfixturevalue(of)
    path = files / file
    weights = load_model(path) if file == "cnn.skfer" else path
    if file == "cnn.safetensors":
        weights = str(path)
    model = pretrained(weights=weights).fit(*small)
    assert_same_backbone(model, module_state(source), prefix)
    assert model._module_config["normalize"] == "image"
    if file == "with_head.pt":
        X = small[0]
        np.testing.assert_allclose(model.predict_proba(X), source.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("file", ["timm.safetensors", "timm.pth"])
def test_files_of_timm(file, files, small):
    model = pretrained("test_resnet", weights=files / file).fit(*small)
    state = timm.models.load_state_dict(str(files / file))
    state["conv1.0.weight"] = state["conv1.0.weight"].sum(1, keepdim=True)
    assert_same_backbone(model, state)
    assert model._module_config["normalize"] == "dataset"


def test_a_file_of_torchvision(small, tmp_path):
    models = pytest.importorskip("torchvision").models
    state = models.resnet18(weights=None).state_dict()
    torch.save(state, tmp_path / "resnet18.pth")
    model = FERFeatures("resnet18", weights=tmp_path / "resnet18.pth", input_size=32).fit(small[0])
    state["conv1.weight"] = state["conv1.weight"].sum(1, keepdim=True)
    assert_same_backbone(model, state)


def test_a_safetensors_file_has_no_order_of_layers(small, tmp_path):
    state = timm.create_model("test_efficientnet", num_classes=0).state_dict()
    renamed = {f"theirs.{key}": tensor for key, tensor in state.items()}
    torch.save(renamed, tmp_path / "theirs.pth")
    save_file(renamed, tmp_path / "theirs.safetensors")
    settings = {"backbone": "test_efficientnet", "input_size": 32}
    model = FERFeatures(weights=tmp_path / "theirs.pth", **settings).fit(small[0])
    state["conv_stem.weight"] = state["conv_stem.weight"].sum(1, keepdim=True)
    assert_same_backbone(model, state)
    with pytest.raises(ValueError, match="must have the names of timm or sk_fer"):
        FERFeatures(weights=tmp_path / "theirs.safetensors", **settings).fit(small[0])


def test_more_classes_in_a_file_than_in_y(files, small):
    X, y = small
    words = (
        r"with_head.pt' has a head of 7 classes, but y has 2\. "
        "To train a new head, pass a fitted classifier"
    )
    with pytest.raises(ValueError, match=words):
        pretrained(weights=files / "with_head.pt").fit(X, y == "happy")
    with pytest.raises(ValueError, match="has a head of 7 classes, but y has 2"):
        pretrained(weights=files / "cnn.safetensors").fit(X, y == "happy")
    weights = load_model(files / "cnn.skfer")
    assert pretrained(weights=weights).fit(X, y == "happy").classes_.size == 2


def write(path, what, files):
    match what:
        case "truncated":
            path.write_bytes((files / "timm.pth").read_bytes()[:1000])
        case "pickle":
            torch.save({"a": LogisticRegression()}, path)
        case "odd head":
            state = torch.load(files / "with_head.pt")
            state |= {k: torch.tensor(1.0) for k in state if "head" in k}
            torch.save(state, path)
        case "page":
            path.write_text("\n<!DOCTYPE html><html>404 not found</html>")
        case "pointer":
            path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
        case "other":
            torch.save(torch.load(files / "timm.pth"), path)


@pytest.mark.parametrize(
    ("file", "what", "kind", "words"),
    [
        ("a.pth", "truncated", ValueError, r"a\.pth is damaged or not a file of weights"),
        ("a.pth", "pickle", ValueError, r"a\.pth was not loaded: its pickle uses skl"),
        ("a.pth", "odd head", ValueError, "has a head of 0 classes, but y has 7"),
        (
            "a.pth",
            "other",
            ValueError,
            r"a\.pth' does not contain the weights of the backbone 'fast'",
        ),
        ("a.pth", "page", ValueError, r"a\.pth is a web page instead of weights; expected a"),
        (
            "a.safetensors",
            "pointer",
            ValueError,
            r"tensors is a pointer of Git LFS instead of weights",
        ),
        ("a.pth", None, FileNotFoundError, r"a\.pth: no such file"),
        ("a.skfer", None, ValueError, r"is a model file; expected .*weights=sk_fer.load_model\("),
        ("a.h5", "other", ValueError, r"a\.h5 has the unknown suffix"),
        ("imagenet1k", None, ValueError, "imagenet1k'; expected 'imagenet', 'fer2013', None"),
    ],
)
def test_bad_files(file, what, kind, words, files, small, tmp_path):
    write(tmp_path / file, what, files)
    model = pretrained(weights=tmp_path / file)
    with pytest.raises(kind, match=words):
        model.fit(*small)
    assert not hasattr(model, "net_")


# -- ImageNet ---------------------------------------------------------------------------------


def test_imagenet_weights_of_the_hub(files, small, monkeypatch):
    """The file that the hub would have given."""
    monkeypatch.setattr(_timm, "_cached_file", lambda cfg, name: str(files / "timm.safetensors"))
    X, y = small
    model = pretrained("test_resnet", weights="imagenet").fit(X, y)
    from_file = pretrained("test_resnet", weights=files / "timm.safetensors").fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), from_file.predict_proba(X))


def test_imagenet_offline(small, monkeypatch, tmp_path):
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    model = pretrained("test_resnet", weights="imagenet")
    with pytest.raises(OSError, match="could not be downloaded") as raised:
        model.fit(*small)
    for words in ("'test_resnet'", str(tmp_path), '"file.safetensors"', "fitted", "weights=None"):
        assert words in str(raised.value)
    assert not hasattr(model, "net_")
    with pytest.raises(ValueError, match=r"backbone='fast', for which timm .* has no pretrained"):
        pretrained(weights="imagenet").fit(*small)


# -- normalization ----------------------------------------------------------------------------


@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet"])
@pytest.mark.parametrize("channels", [1, 3])
def test_uint8_and_float_are_as_the_weights_want_them(backbone, channels, small, tmp_path):
    torch.save(timm.create_model(backbone).state_dict(), tmp_path / "weights.pth")
    X = np.repeat(small[0][..., None], channels, axis=3)
    X = X if channels == 1 else X * np.array([1.0, 0.5, 0.2])
    X = X.astype(np.uint8)
    model = pretrained(backbone, weights=tmp_path / "weights.pth", lr=1e-3).fit(X, small[1])
    cfg = timm.models.get_pretrained_cfg(backbone)
    mean = model.net_.module_.prepare.mean.numpy()
    expected = 255 * np.array(cfg.mean if channels == 3 else [np.mean(cfg.mean)])
    np.testing.assert_allclose(mean, expected, rtol=1e-6)
    scaled = (X / 255).astype(np.float32)
    other = clone(model).fit(scaled, small[1])
    np.testing.assert_allclose(other.predict_proba(scaled), model.predict_proba(X), atol=1e-4)


def test_gray_agrees_with_three_equal_channels(files, small):
    X = small[0]
    gray, rgb = (
        FERFeatures("test_resnet", weights=files / "timm.pth", input_size=32, **SETTINGS)
        .fit_transform(images)
        for images in (X, np.repeat(X[..., None], 3, axis=3))
    )  # fmt: skip
    np.testing.assert_allclose(gray, rgb, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("scale", [255, -1])
def test_float_images_of_another_range_are_refused(scale, files, small):
    X = small[0].astype(np.float32) / 255 * scale
    model = pretrained("test_resnet", weights=files / "timm.pth")
    with pytest.raises(ValueError, match=r"needs float images in \[0, 1\] .* X is float in \[-?\d"):
        model.fit(X, small[1])
    assert model.set_params(normalize="image").fit(X, small[1])._module_config["normalize"] == (
        "image"
    )


@pytest.mark.parametrize("normalize", ["image", "dataset", "none"])
def test_normalization_of_a_fitted_classifier_goes_with_its_weights(normalize, small):
    X, y = small
    source = FERCNNClassifier(max_epochs=1, normalize=normalize, augment=None, **SETTINGS)
    source.fit(X, y)
    dark = X // 2
    model = pretrained(weights=source).fit(dark, y)
    prepared = [m.net_.module_.prepare(torch.from_numpy(X[..., None])) for m in (source, model)]
    assert torch.equal(*prepared)
    if normalize != "image":
        words = "was trained on uint8 images, but X is float32; use images of the same type, or set"
        with pytest.raises(ValueError, match=words):
            pretrained(weights=source).fit(dark / np.float32(255), y)
    explicit = pretrained(weights=source, normalize="dataset").fit(dark, y)
    assert explicit.net_.module_.prepare.mean.item() == pytest.approx(dark.mean(), rel=1e-3)
