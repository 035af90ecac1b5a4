"""The fused form of a network computes the same function."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from sk_fer.estimators import NETWORKS
from sk_fer.modules import build_module, fused_for_evaluation, largest_activation

# The presets of pretrained networks have the class of "pretrained".
NETWORK_CLASSES = [name for name, row in NETWORKS.items() if not row.options]


def randomized(module):
    """Give batch normalization the statistics and scales that training would."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
            layer.weight.data.uniform_(0.5, 2)
            layer.bias.data.normal_()
    return module.eval()


@pytest.mark.parametrize("name", NETWORK_CLASSES)
def test_every_network_predicts_the_same(name):
    torch.manual_seed(0)
    options = {"backbone": "fast"} if name == "pretrained" else None
    module = build_module(name, image_shape=(48, 48, 1), n_classes=7, options=options)
    network = randomized(module.network)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    fused = fused_for_evaluation(network)
    x = torch.randn(3, 1, 48, 48)
    torch.testing.assert_close(fused(x), network(x), rtol=1e-4, atol=1e-5)
    assert not any(p.requires_grad for p in fused.parameters())
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[key])


def kinds(network):
    return [type(layer) for layer in network]


def test_normalization_goes_into_the_filters_or_behind_the_pool():
    network = randomized(
        nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.BatchNorm2d(2), nn.MaxPool2d(2)
        )
    )
    fused = fused_for_evaluation(network)
    assert kinds(fused) == [nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.BatchNorm2d]
    x = torch.randn(2, 1, 9, 9)
    torch.testing.assert_close(fused(x), network(x))


def test_layers_that_are_left_keep_their_names():
    class Named(nn.Sequential):
        def first(self, x):
            return self.start(x)

    layers = {"start": nn.Conv2d(1, 2, 1), "norm": nn.BatchNorm2d(2), "act": nn.ReLU()}
    fused = fused_for_evaluation(randomized(Named(OrderedDict(layers))))
    assert list(fused._modules) == ["start", "act"]
    assert fused.first(torch.ones(1, 1, 2, 2)).shape == (1, 2, 2, 2)


def test_a_negative_scale_would_turn_the_order_round():
    network = randomized(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(2), nn.MaxPool2d(2)))
    network[1].weight.data[1] = -1.0
    fused = fused_for_evaluation(network)
    assert kinds(fused) == [nn.ReLU, nn.BatchNorm2d, nn.MaxPool2d]
    x = torch.randn(2, 2, 4, 4)
    torch.testing.assert_close(fused(x), network(x))


def test_relu_leaves_an_input_that_others_need_alone():
    x = -torch.ones(1, 2, 3, 3)
    fused_for_evaluation(nn.Sequential(nn.ReLU(), nn.Conv2d(2, 2, 1)))(x)
    assert (x == -1).all()


def test_largest_activation():
    module = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(2))
    assert largest_activation(module, torch.zeros(1, 1, 6, 6)) == 4 * 6 * 6 * 4
    assert largest_activation(nn.MaxPool2d(2), torch.zeros(1, 1, 6, 6)) == 6 * 6 * 4
