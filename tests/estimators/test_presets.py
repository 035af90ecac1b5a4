"""The preset of each known system, on real images."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split

from sk_fer import (
    FERCNNClassifier,
    FERDenseClassifier,
    FEREfficientNetB2Classifier,
    FERPretrainedClassifier,
    FERResNet50Classifier,
    make_classifier,
)
from sk_fer.estimators import NETWORKS
from sk_fer.modules import build_module

CHANCE = 1 / 7


def test_dense_only_with_validation_and_history_each_epoch(real_faces):
    X, y = real_faces
    model = make_classifier("dense", max_epochs=12, random_state=0)
    assert isinstance(model, FERDenseClassifier)
    assert model.weight_decay > 0
    assert model.dropout > 0
    model.fit(X, y)
    assert len(model.history_) == 12
    assert model.history_[["valid_loss", "valid_accuracy"]].notna().all(axis=None)
    assert model.history_["valid_accuracy"].max() > CHANCE
    assert model.score(X, y) > CHANCE + 0.1


def test_sequential_on_a_chosen_fraction(real_faces):
    X, y = real_faces
    part, _, part_y, _ = train_test_split(X, y, train_size=0.5, stratify=y, random_state=0)
    model = make_classifier("sequential", max_epochs=3, batch_size=128, random_state=0)
    model.fit(part, part_y)
    assert model.architecture == "sequential"
    assert model.history_["train_loss"].iloc[-1] < model.history_["train_loss"].iloc[0]
    assert model.score(part, part_y) > CHANCE + 0.02


def test_vgg_style_with_a_confusion_matrix(real_faces):
    X, y = real_faces
    model = make_classifier("vgg", max_epochs=2, batch_size=32, augment=None, random_state=0)
    model.fit(X[:64], y[:64])
    assert sum(p.numel() for p in model.net_.module_.parameters()) == 5_902_151
    matrix = confusion_matrix(y[:64], model.predict(X[:64]), labels=model.classes_)
    assert matrix.shape == (7, 7)
    assert matrix.sum() == 64
    assert np.isfinite(model.history_["train_loss"]).all()


def test_the_default_is_the_fast_cnn():
    model = make_classifier()
    assert isinstance(model, FERCNNClassifier)
    assert model.get_params() == FERCNNClassifier().get_params()


def test_the_pretrained_ones_are_presets():
    for backbone, kind in (
        ("resnet50", FERResNet50Classifier),
        ("efficientnet_b2", FEREfficientNetB2Classifier),
    ):
        model = make_classifier(backbone, weights=None)
        assert type(model) is kind
        assert (model.backbone, model.weights) == (backbone, None)


def test_every_preset_takes_parameters():
    for name in NETWORKS:
        assert make_classifier(name, max_epochs=3, lr=0.5).get_params()["lr"] == 0.5


def n_parameters(model):
    """Return the number of parameters of the network that a classifier builds, without memory."""
    network, options = model._network()
    with torch.device("meta"):
        module = build_module(network, image_shape=(48, 48, 1), n_classes=7, options=options)
    return sum(parameter.numel() for parameter in module.parameters())


# The default classifier of each name.
PLAIN = {
    **{name: FERCNNClassifier(name) for name in ("fast", "sequential", "accurate", "vgg")},
    "dense": FERDenseClassifier(),
    "resnet50": FERResNet50Classifier(),
    "resnet50_conv": FERResNet50Classifier(head="conv"),
    "efficientnet_b2": FEREfficientNetB2Classifier(),
    "pretrained": FERPretrainedClassifier(),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_name_is_one_network_everywhere(name):
    preset = make_classifier(name)
    assert type(preset) is type(PLAIN[name])
    if isinstance(preset, FERCNNClassifier):
        assert preset.architecture == name
    if hasattr(preset, "backbone"):
        pytest.importorskip("timm")
    assert n_parameters(preset) == n_parameters(PLAIN[name])
    if name != "pretrained":  # its backbone is a parameter
        with torch.device("meta"):
            module = build_module(name, image_shape=(48, 48, 1), n_classes=7)
        assert sum(p.numel() for p in module.parameters()) == n_parameters(preset)


def test_the_two_heads_of_resnet50_have_two_names():
    pytest.importorskip("timm")
    assert n_parameters(make_classifier("resnet50")) == 23_516_103
    assert n_parameters(make_classifier("resnet50_conv")) == 28_222_663


def test_architectures_are_the_presets_of_the_cnn_classifier():
    constraint = str(FERCNNClassifier._parameter_constraints["architecture"][0])
    names = [name for name in NETWORKS if isinstance(make_classifier(name), FERCNNClassifier)]
    assert constraint == f"a str among {{{', '.join(map(repr, sorted(names)))}}}"
