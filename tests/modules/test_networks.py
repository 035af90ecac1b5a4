"""The networks: numbers of parameters, and inputs of any size."""

import re

import pytest
import torch

from sk_fer.estimators import NETWORKS
from sk_fer.modules import (
    SeededDropout,
    WeightedBatchNorm2d,
    build_module,
    dropout_generator,
    weighted_batch,
)

# The presets of pretrained networks have the class of "pretrained".
NETWORK_CLASSES = [name for name, row in NETWORKS.items() if not row.options]


def count(module):
    trainable = sum(p.numel() for p in module.parameters())
    statistics = sum(
        b.numel() for name, b in module.named_buffers() if name.endswith(("_mean", "_var"))
    )
    return trainable, trainable + statistics


@pytest.mark.parametrize(
    ("network", "trainable", "with_statistics"),
    [
        ("vgg", 5_902_151, 5_905_863),
        ("sequential", 683_527, 683_527),
        ("fast", 1_165_159, 1_167_015),
        ("accurate", 7_751_111, 7_756_615),
        ("dense", 1_345_287, 1_345_287),
    ],
)
def test_parameter_counts(network, trainable, with_statistics):
    module = build_module(network, image_shape=(48, 48, 1), n_classes=7)
    assert count(module) == (trainable, with_statistics)


def layers_of(name):
    network = build_module(name, image_shape=(48, 48, 1), n_classes=7).network
    return [layer for layer in network.modules() if not list(layer.children())]


@pytest.mark.parametrize("name", sorted({*NETWORK_CLASSES} - {"pretrained"}))
def test_a_network_is_its_features_and_its_head(name):
    network = build_module(name, image_shape=(48, 48, 1), n_classes=7).network.eval()
    x = torch.randn(2, 1, 48, 48)
    torch.testing.assert_close(network(x), network.head(network.features(x)))
    assert [part for part, _ in network.named_children()] == ["features", "head"]


def test_vgg_layer_for_layer():
    network = layers_of("vgg")
    names = [re.sub("Weighted|Seeded", "", type(layer).__name__) for layer in network]
    first = ["Conv2d", "ReLU", "Conv2d", "ReLU", "BatchNorm2d", "MaxPool2d", "Dropout"]
    block = ["Conv2d", "ReLU", "BatchNorm2d"] * 2 + ["MaxPool2d", "Dropout"]
    assert names == first + block * 3 + ["Flatten"] + ["Linear", "ReLU"] * 3 + ["Linear"]
    filters = [m.out_channels for m in network if isinstance(m, torch.nn.Conv2d)]
    assert filters == [64, 64, 128, 128, 256, 256, 512, 512]
    units = [(m.in_features, m.out_features) for m in network if isinstance(m, torch.nn.Linear)]
    assert units == [(2048, 512), (512, 256), (256, 128), (128, 7)]
    paddings = [m.padding for m in network if isinstance(m, torch.nn.Conv2d)]
    assert paddings == [(0, 0)] + [(1, 1)] * 7


def test_sequential_layer_for_layer():
    network = layers_of("sequential")
    filters = [m.out_channels for m in network if isinstance(m, torch.nn.Conv2d)]
    assert filters == [32, 64, 128]
    units = [m.out_features for m in network if isinstance(m, torch.nn.Linear)]
    assert units == [128, 7]


@pytest.mark.parametrize("network", NETWORK_CLASSES)
@pytest.mark.parametrize("image_shape", [(1, 2, 1), (5, 3, 3), (48, 48, 3), (70, 33, 1)])
def test_inputs_of_any_size(network, image_shape):
    options = {"backbone": "fast", "input_size": 16} if network == "pretrained" else None
    module = build_module(network, image_shape=image_shape, n_classes=3, options=options).eval()
    images = torch.randint(0, 256, (2, *image_shape), dtype=torch.uint8)
    assert module(images).shape == (2, 3)


def test_normalizing_each_image_forgets_light_and_contrast():
    prepare = build_module("fast", image_shape=(16, 16, 1), n_classes=2).prepare
    images = torch.rand(4, 16, 16, 1)
    prepared = prepare(images)
    torch.testing.assert_close(prepare(images * 0.2 + 0.5), prepared, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(prepared.mean((1, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    for gray in (0.0, 0.3, 255.0):
        assert prepare(torch.full((1, 16, 16, 1), gray)).abs().max() < 1e-4


def test_batch_norm_of_one_value_per_channel_uses_the_running_statistics():
    layer = WeightedBatchNorm2d(3)
    layer(torch.randn(8, 3, 4, 4))
    before = layer.running_mean.clone()
    one = torch.randn(1, 3, 1, 1)
    torch.testing.assert_close(layer(one), layer.eval()(one))
    assert torch.equal(layer.running_mean, before)


def test_running_variance_does_not_depend_on_the_scale_of_weights():
    x = torch.randn(20, 3, 2, 2)
    layers = {scale: WeightedBatchNorm2d(3) for scale in (1.0, 1e-6)}
    for scale, layer in layers.items():
        with weighted_batch(layer, torch.full((20,), scale)):
            layer(x)
    torch.testing.assert_close(layers[1.0].running_var, layers[1e-6].running_var)


def test_dropout_draws_from_its_own_generator():
    dropout = SeededDropout(0.25)
    x = torch.ones(10_000)
    state = torch.random.get_rng_state()
    with dropout_generator(dropout, torch.Generator().manual_seed(3)):
        first = dropout(x)
    with dropout_generator(dropout, torch.Generator().manual_seed(3)):
        torch.testing.assert_close(dropout(x), first)
    assert torch.equal(state, torch.random.get_rng_state())
    assert first.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (first == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert torch.equal(dropout.eval()(x), x)


def test_weighted_batch_norm_is_batch_norm_on_repeated_rows():
    torch.manual_seed(0)
    x = torch.randn(5, 3, 4, 4)
    times = torch.tensor([1, 0, 2, 3, 1])
    weighted, repeated = WeightedBatchNorm2d(3), WeightedBatchNorm2d(3)
    with weighted_batch(weighted, times.float()):
        out = weighted(x)
    expected = repeated(x.repeat_interleave(times, 0))
    torch.testing.assert_close(out.repeat_interleave(times, 0), expected)
    torch.testing.assert_close(weighted.running_mean, repeated.running_mean)
    torch.testing.assert_close(weighted.running_var, repeated.running_var)
    assert weighted.sample_weight is None
