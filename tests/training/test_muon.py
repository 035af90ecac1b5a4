"""Muon: orthogonal steps for matrices and filters, SGD for other parameters."""

import copy

import pytest
import torch
from torch import nn

from sk_fer.training import Muon
from sk_fer.training._muon import orthogonalized

from .. import helpers


@pytest.mark.parametrize("shape", [(16, 72), (72, 16), (32, 32), (1, 9)])
def test_singular_values_are_near_one(shape):
    matrix = 1e-3 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalized(matrix, 5))
    assert values.min() > 0.4
    assert values.max() < 1.3


def test_the_nearest_orthogonal_matrix_keeps_the_singular_vectors():
    matrix = torch.randn(8, 20, generator=torch.Generator().manual_seed(1))
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    rotated = u.T @ orthogonalized(matrix, 5) @ vh.T
    torch.testing.assert_close(rotated, rotated.diagonal().diag(), atol=1e-4, rtol=0)


def test_a_gradient_of_zero_changes_nothing():
    assert torch.equal(orthogonalized(torch.zeros(3, 4), 3), torch.zeros(3, 4))


def test_biases_move_as_in_sgd():
    biases = [nn.Parameter(torch.ones(5)) for _ in range(2)]
    settings = {"lr": 0.1, "momentum": 0.6}
    muon = Muon([biases[0]], **settings)
    sgd = torch.optim.SGD([biases[1]], nesterov=True, **settings)
    for step in range(4):
        for bias, optimizer in zip(biases, (muon, sgd), strict=True):
            bias.grad = torch.arange(5.0) - step
            optimizer.step()
    torch.testing.assert_close(biases[0], biases[1])


def test_the_length_of_a_step_does_not_depend_on_the_gradient():
    filters = [nn.Parameter(torch.zeros(4, 3, 3, 3)) for _ in range(2)]
    gradient = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(2))
    for weight, scale in zip(filters, (1e-4, 1e4), strict=True):
        weight.grad = gradient * scale
        Muon([weight], lr=0.1).step()
    torch.testing.assert_close(filters[0], filters[1], atol=1e-5, rtol=1e-4)
    assert torch.linalg.matrix_norm(filters[0].detach().flatten(1), 2) < 0.13


def test_weight_decay_is_apart_from_the_gradient():
    weight = nn.Parameter(torch.ones(2, 2))
    weight.grad = torch.zeros(2, 2)
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(weight.detach(), torch.full((2, 2), 0.95))


def test_memory_layout_does_not_matter():
    gradient = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(3))
    moved = []
    for layout in (torch.contiguous_format, torch.channels_last):
        weight = nn.Parameter(torch.zeros(4, 3, 3, 3).to(memory_format=layout))
        weight.grad = gradient.to(memory_format=layout)
        Muon([weight]).step()
        moved.append(weight.detach())
    torch.testing.assert_close(moved[0], moved[1])


def test_its_state_continues():
    network = nn.Linear(6, 3)
    optimizer = Muon(network.parameters(), lr=0.1)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    twin = copy.deepcopy(network)
    other = Muon(twin.parameters(), lr=0.1)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for net, stepper in ((network, optimizer), (twin, other)):
        for parameter in net.parameters():
            parameter.grad = torch.linspace(-1, 1, parameter.numel()).view_as(parameter)
        stepper.step()
    assert torch.equal(network.weight, twin.weight)
    assert torch.equal(network.bias, twin.bias)


def test_a_closure_is_called_with_gradients_on():
    weight = nn.Parameter(torch.eye(2))
    optimizer = Muon([weight])

    def closure():
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == pytest.approx(2.0)
    assert weight.detach().trace() < 2


@pytest.mark.parametrize("shape", [(32, 9), (64, 288), (128, 1152), (512, 256)])
def test_bfloat16_changes_singular_values_little(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(4))
    in_float32 = orthogonalized(matrix, 3)
    with torch.autocast("cpu", torch.bfloat16):
        in_bfloat16 = orthogonalized(matrix, 3)
    assert in_bfloat16.dtype == torch.float32
    assert not torch.equal(in_bfloat16, in_float32)
    values = [torch.linalg.svdvals(steps) for steps in (in_bfloat16, in_float32)]
    torch.testing.assert_close(*values, atol=0.1, rtol=0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_fit_computes_the_steps_in_its_precision(faces, monkeypatch, precision):
    X, y = faces
    enabled = []
    take_step = Muon.step

    def step(self, closure=None):
        enabled.append(torch.is_autocast_enabled("cpu"))
        return take_step(self, closure)

    monkeypatch.setattr(Muon, "step", step)
    helpers.cnn(optimizer="muon", precision=precision, max_epochs=1).fit(X[:32], y[:32])
    assert set(enabled) == {precision == "bfloat16"}
