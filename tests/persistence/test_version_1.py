"""Names in files of format version 1 are converted to the current names."""

import numpy as np
import pytest

from sk_fer.modules import build_module
from sk_fer.persistence import ModelFormatError
from sk_fer.persistence._version_1 import rename_parameters, rename_weights

CONV, NORM = ("weight",), ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
PLAIN = ("weight", "bias")
# The layers with weights of version 1, by their numbers.
FAST = {
    **dict.fromkeys((0, 4, 8, 11, 15, 18, 22), CONV),
    **dict.fromkeys((2, 5, 9, 12, 16, 19, 23), NORM),
}
NETWORKS = {
    "fast": {**FAST, 28: PLAIN},
    "sequential": dict.fromkeys((0, 3, 6, 10, 13), PLAIN),
    "dense": dict.fromkeys((1, 4, 7, 10), PLAIN),
}


def by_layer(layers, prefix="network."):
    return {f"{prefix}{n}.{leaf}" for n, leaves in layers.items() for leaf in leaves}


@pytest.mark.parametrize("network", NETWORKS)
def test_weights_of_every_layer_get_their_current_name(network):
    expected = build_module(network, image_shape=(48, 48, 1), n_classes=7).state_dict()
    values = list(expected.values())
    layers = NETWORKS[network]
    names = [f"network.{n}.{leaf}" for n in sorted(layers) for leaf in layers[n]]
    # A safetensors file is sorted by name.
    old = dict(sorted(zip(names, values, strict=True)))
    assert set(old) == by_layer(layers)
    found = rename_weights(old, expected)
    assert found.keys() == expected.keys()
    assert all(found[name] is expected[name] for name in expected)


def test_the_backbone_and_the_head_of_a_pretrained_network():
    options = {"backbone": "fast", "head": "conv", "input_size": 48}
    module = build_module("pretrained", image_shape=(48, 48, 1), n_classes=7, options=options)
    expected = module.state_dict()
    head = {0: CONV, 3: NORM, 6: PLAIN}
    old = dict.fromkeys(by_layer(FAST, "network.backbone.") | by_layer(head, "network.head."))
    assert rename_weights(old, expected).keys() == expected.keys()


def test_weights_of_other_layers_are_refused():
    expected = build_module("dense", image_shape=(8, 8, 1), n_classes=7).state_dict()
    old = dict.fromkeys(by_layer({1: PLAIN, 4: PLAIN}), np.zeros(1))
    with pytest.raises(ModelFormatError, match="do not match the layers of the network"):
        rename_weights(old, expected)


def test_removed_parameters_are_ignored():
    node = {"lr": 0.1, "n_views": 4, "store_features": True, "tta": "unsure"}
    node |= {"checkpoint_minutes": 5.0, "n_checkpoints": 2, "resume": True}
    assert rename_parameters(node) == {"lr": 0.1, "tta": True}
    assert rename_parameters({"tta": False}) == {"tta": False}
