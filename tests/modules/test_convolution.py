"""Convolutions under bfloat16 autocast have the values and gradients of float32."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn

from sk_fer.estimators import NETWORKS
from sk_fer.modules import build_module, fused_for_evaluation
from sk_fer.modules._convolution import bfloat16_is_wrong, guard_convolutions

# The presets of pretrained networks have the class of "pretrained".
NETWORK_CLASSES = [name for name, row in NETWORKS.items() if not row.options]


def leave_nan_in_freed_memory():
    junk = [torch.full((2**size,), float("nan")) for size in range(4, 20)]
    del junk


def run(layer, x, reduced):
    """Return the output, the gradient of the input and that of the weights."""
    layer.zero_grad()
    x = x.clone().requires_grad_()
    leave_nan_in_freed_memory()
    with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
        y = layer(x)
    leave_nan_in_freed_memory()
    (y.float() * torch.linspace(0.5, 1.5, y.numel()).view(y.shape)).sum().backward()
    return y, x.grad, layer.weight.grad


def assert_right(layer, x):
    expected = run(layer, x, False)
    for _ in range(4):  # what unwritten memory contains differs from call to call
        got = run(layer, x, True)
        assert got[0].dtype == torch.bfloat16
        for value, true in zip(got, expected, strict=True):
            largest = float(true.detach().abs().max())
            torch.testing.assert_close(value.float(), true, rtol=0, atol=0.03 * largest)


# filter, stride, padding, channels in and out, groups, map
WRONG = [
    (3, 2, 1, 64, 128, 1, (1, 1)),
    (3, 2, 1, 64, 128, 1, (2, 1)),
    (3, 2, 1, 64, 64, 64, (2, 1)),
    (3, 3, 1, 64, 64, 4, (2, 2)),
    (2, 3, 1, 64, 128, 1, (1, 2)),
    (1, 2, 0, 1, 32, 1, (2, 1)),
    (5, 4, 2, 64, 128, 1, (3, 3)),
    (7, 2, 3, 3, 64, 1, (1, 1)),
    (5, 1, 2, 256, 512, 1, (1, 3)),
    (7, 1, 3, 256, 512, 1, (2, 6)),
    (4, 4, 0, 24, 20, 1, (4, 4)),
    (8, 8, 0, 8, 64, 1, (16, 8)),
]
RIGHT = [
    (3, 1, 1, 64, 128, 1, (1, 1)),
    (3, 2, 1, 64, 128, 1, (2, 2)),
    (3, 2, 1, 64, 64, 64, (3, 3)),
    (1, 2, 0, 64, 128, 1, (2, 2)),
    (5, 2, 2, 64, 128, 1, (4, 4)),
    (4, 4, 0, 3, 40, 1, (16, 16)),
]


@pytest.mark.parametrize("case", WRONG + RIGHT)
def test_bfloat16_agrees_with_float32(case):
    size, stride, padding, n_inputs, n_filters, groups, side = case
    torch.manual_seed(0)
    layer = nn.Conv2d(n_inputs, n_filters, size, stride, padding, groups=groups)
    layer = guard_convolutions(layer).to(memory_format=torch.channels_last)
    x = torch.randn(8, n_inputs, *side).to(memory_format=torch.channels_last)
    assert bfloat16_is_wrong(layer, *side) == (case in WRONG)
    assert_right(layer, x)


def test_padding_by_name():
    same, valid = (nn.Conv2d(8, 8, 5, padding=padding) for padding in ("same", "valid"))
    assert [bfloat16_is_wrong(same, side, side) for side in (1, 2, 3, 48)] == [
        True,
        True,
        False,
        False,
    ]
    assert [bfloat16_is_wrong(valid, side, side) for side in (5, 6, 48)] == [False, False, False]


def through_a_file(layer):
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), through_a_file]
)
def test_copies_are_guarded_too(copied):
    torch.manual_seed(0)
    layer = nn.Conv2d(64, 128, 3, stride=2, padding=1)
    keys, text = list(layer.state_dict()), repr(layer)
    again = copied(guard_convolutions(layer))
    assert list(again.state_dict()) == keys
    assert repr(again) == text
    assert_right(again, torch.randn(8, 64, 1, 1))


def test_a_subclass_keeps_its_own_forward():
    class Doubling(nn.Conv2d):
        def forward(self, x):
            return 2 * super().forward(x)

    torch.manual_seed(0)
    layer = Doubling(64, 128, 3, stride=2, padding=1)
    x = torch.randn(8, 64, 1, 1)
    expected = layer(x)
    guard_convolutions(layer)
    torch.testing.assert_close(layer(x), expected)
    assert_right(layer, x)


def test_float32_is_left_alone():
    torch.manual_seed(0)
    plain = nn.Conv2d(64, 128, 3, stride=2, padding=1)
    guarded = guard_convolutions(copy.deepcopy(plain))
    x = torch.randn(8, 64, 1, 1)
    assert torch.equal(plain(x), guarded(x))


@pytest.mark.parametrize("name", NETWORK_CLASSES)
def test_every_network_is_guarded(name):
    options = {"backbone": "fast", "head": "conv"} if name == "pretrained" else None
    network = build_module(name, image_shape=(48, 48, 1), n_classes=7, options=options).network
    for form in (network, fused_for_evaluation(network)):
        layers = [layer for layer in form.modules() if isinstance(layer, nn.Conv2d)]
        assert layers or name == "dense"
        assert all(type(layer).__module__ == bfloat16_is_wrong.__module__ for layer in layers)


def test_networks_of_timm_are_guarded():
    pytest.importorskip("timm")
    options = {"backbone": "test_resnet"}
    torch.manual_seed(0)
    module = build_module(
        "pretrained", image_shape=(16, 16, 1), n_classes=3, normalize="none", options=options
    )
    x = torch.rand(8, 16, 16, 1)
    grads = []
    for reduced in (False, *[True] * 4):
        module.zero_grad()
        leave_nan_in_freed_memory()
        with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
            y = module.eval()(x)
        y.float().square().sum().backward()
        grads.append([p.grad.clone() for p in module.parameters() if p.grad is not None])
    for other in grads[1:]:
        for got, true in zip(other, grads[0], strict=True):
            largest = float(true.abs().max())
            torch.testing.assert_close(got, true, rtol=0, atol=0.1 * largest)
