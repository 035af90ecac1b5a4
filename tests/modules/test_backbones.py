"""Backbones with a head: outputs, trained parts and errors."""

import pytest
import torch
from torch import nn

from sk_fer.modules import PretrainedNetwork, build_module, fused_for_evaluation
from sk_fer.modules._backbones import build_backbone, feature_shapes, last_stage

timm = pytest.importorskip("timm", reason="needs sk_fer[pretrained]")

SMALL = ("fast", "accurate", "test_resnet", "test_efficientnet", "test_vit", "test_convnext")


def network(backbone="fast", shape=(1, 32, 32), n_classes=3, **parameters):
    torch.manual_seed(0)
    return PretrainedNetwork(shape, n_classes, backbone=backbone, **parameters)


@pytest.mark.parametrize("head", ["linear", "none"])
@pytest.mark.parametrize("backbone", SMALL)
def test_logits_and_gradients(backbone, head):
    model = network(backbone, head=head, dropout=0.1)
    x = torch.randn(4, 1, 32, 32)
    logits = model(x)
    assert logits.shape == (4, 3 if head == "linear" else model.n_features)
    logits.square().mean().backward()
    assert all(p.grad is not None for p in model.backbone.parameters())
    model.eval()
    with torch.no_grad():
        fused = fused_for_evaluation(model)
        torch.testing.assert_close(fused(x), model(x), rtol=1e-3, atol=1e-4)
        pooled = model.pooled(model.backbone.forward_features(x))
        torch.testing.assert_close(model.head(model.features(x)), model(x))
        torch.testing.assert_close(model.features(x), pooled)


@pytest.mark.parametrize(
    ("backbone", "stem", "feature_map"),
    [
        ("fast", "full", (256, 2, 2)),
        ("accurate", "full", (512, 2, 2)),
        ("test_resnet", "no_stride", (96, 2, 2)),
        ("test_resnet", "no_pool", (96, 2, 2)),
        ("test_efficientnet", "no_stride", (256, 2, 2)),
    ],
)
def test_the_conv_head_takes_the_feature_map(backbone, stem, feature_map):
    model = network(backbone, stem=stem, head="conv")
    assert model.feature_shape == feature_map
    x = torch.randn(4, 1, 32, 32)
    assert model.features(x).shape == (4, *feature_map)
    assert model(x).shape == (4, 3)
    kinds = [type(layer).__name__.removeprefix("Weighted") for layer in model.head]
    assert kinds == [
        "Conv2d", "ReLU", "MaxPool2d", "BatchNorm2d", "SeededDropout", "Flatten", "Linear",
    ]  # fmt: skip
    model.eval()
    with torch.no_grad():
        pooled = model.pooled(model.backbone.forward_features(x))
    assert pooled.shape == (4, model.n_features)


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_backbones_of_sk_fer_agree_with_their_networks(name):
    whole = build_module(name, image_shape=(32, 32, 1), n_classes=3).network.eval()
    backbone = build_backbone(name, 1, (32, 32)).eval()
    backbone.load_state_dict(whole.features.state_dict())
    x = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(
            whole.head.linear(backbone.forward_head(backbone.forward_features(x))), whole(x)
        )
    assert feature_shapes(backbone, name, (1, 32, 32))[0] == backbone.num_features


@pytest.mark.parametrize("backbone", SMALL)
def test_the_last_stage_is_the_end_of_the_network(backbone):
    body = build_backbone(backbone, 1, (32, 32))
    parameters = list(body.parameters())
    chosen = last_stage(body, backbone)
    assert 0 < len(chosen) < 0.6 * len(parameters)
    assert [id(p) for p in chosen] == [id(p) for p in parameters[-len(chosen) :]]


def learning(model):
    return [p.requires_grad for p in model.backbone.parameters()]


def training(model):
    return [layer.training for layer in model.backbone.modules()]


def norms(model):
    return [m for m in model.backbone.modules() if isinstance(m, nn.BatchNorm2d)]


def test_only_trained_parts_are_in_training_mode():
    model = network("test_resnet")
    model.train_only("head")
    assert model.train().training
    assert model.head.training
    assert not any(learning(model) + training(model))
    model.train_only("last_stage")
    assert not model.backbone.layer1.training
    assert model.backbone.layer4.training
    assert not any(p.requires_grad for p in model.backbone.layer1.parameters())
    assert all(p.requires_grad for p in model.backbone.layer4.parameters())
    model.train_only("all", freeze_batch_norm=True)
    assert all(learning(model))
    assert not any(norm.training for norm in norms(model))
    assert model.backbone.layer1[0].conv1.training
    assert all(norm.weight.requires_grad for norm in norms(model))
    model.train_only("all")
    assert all(training(model) + learning(model))
    assert not any(training(model.eval()))
    assert model.train().backbone.training


def test_a_last_stage_is_more_than_a_last_normalization():
    with torch.device("meta"):
        body = build_backbone("densenet121", 1, (32, 32))
    share = sum(p.numel() for p in last_stage(body, "densenet121")) / sum(
        p.numel() for p in body.parameters()
    )
    assert 0.1 < share < 0.6


@pytest.mark.parametrize("name", ["rexnet_100", "test_vit_relpos"])
def test_nothing_of_timm_draws_random_numbers(name):
    if name not in timm.list_models():
        pytest.skip(f"timm {timm.__version__} has no {name}")
    with torch.device("meta"):
        body = build_backbone(name, 1, (32, 32))
    for layer in body.modules():
        assert not getattr(layer, "drop_prob", 0.0)
        assert not getattr(layer, "drop_rate", 0.0)
        assert not isinstance(layer, nn.Dropout) or layer.p == 0


def test_several_feature_maps_are_none():
    with pytest.raises(
        ValueError, match=r"'coat_tiny' cannot process images of 32 x 32 .* several"
    ):
        network("coat_tiny")


def test_dropout_of_a_backbone_acts_where_it_learns():
    """Layers without parameters are not treated as frozen."""
    model = network("test_resnet")
    model.backbone.layer4.add_module("dropout", nn.Dropout(0.5))
    dropout = model.backbone.layer4.dropout
    for part, acts in (("all", True), ("head", False), ("last_stage", True)):
        model.train_only(part)
        model.train()
        assert dropout.training == acts


def test_frozen_statistics_stay():
    model = network("test_resnet")
    x = torch.randn(8, 1, 32, 32)
    for part, frozen, moves in (("head", False, 0), ("all", True, 0), ("all", False, 1)):
        model.train_only(part, freeze_batch_norm=frozen)
        before = [norm.running_mean.clone() for norm in norms(model)]
        model.train()(x)
        moved = [
            not torch.equal(n.running_mean, b) for n, b in zip(norms(model), before, strict=True)
        ]
        assert all(moved) if moves else not any(moved)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"backbone": "resnet_50"}, "'resnet_50', which timm .* similar names: 'resnet50'"),
        ({"backbone": "hf-hub:a/b"}, "got backbone='hf-hub:a/b', expected a name of timm"),
        ({"shape": (1, 8, 8)}, "backbone='fast' cannot process images of 8 x 8 pixels: "),
        ({"backbone": "test_vit", "shape": (1, 40, 40)}, "40 x 40 pixels .it was trained on 160 x"),
        ({"backbone": "test_vit", "head": "conv"}, r"has the shape \(5, 64\); expected head="),
        ({"backbone": "test_resnet", "head": "conv"}, "at least 2 x 2, .* is 1 x 1; set a lar"),
        ({"stem": "no_pool"}, "backbone='fast' has no max-pool in its stem; expected stem='full'"),
        ({"stem": "no_stride"}, "backbone='fast' has no first convolution of stride 2; expected"),
        ({"backbone": "test_vit", "stem": "no_stride"}, "has no first convolution of stride 2"),
        ({"backbone": "test_efficientnet", "stem": "no_pool"}, "has no max-pool in its stem"),
    ],
    ids=str,
)
def test_what_is_refused(parameters, words):
    with pytest.raises(ValueError, match=words):
        network(**parameters)


def test_a_backbone_that_does_not_name_its_last_stage():
    with torch.device("meta"):
        body = build_backbone("vgg11", 1, (32, 32))
    body.feature_info = None  # as that of models without stages
    with pytest.raises(
        ValueError, match="the last stage of backbone='vgg11' is not known; expected"
    ):
        last_stage(body, "vgg11")


@pytest.mark.parametrize(
    ("name", "n_parameters"), [("resnet50", 25_557_032), ("efficientnet_b2", 9_109_994)]
)
def test_parameter_counts_with_a_thousand_classes(name, n_parameters):
    with torch.device("meta"):
        model = network(name, (3, 64, 64), 1000)
    assert sum(p.numel() for p in model.parameters()) == n_parameters
    assert model.feature_shape == (model.n_features, 2, 2)
