"""``net_.module_`` works in tools for PyTorch modules."""

import copy
import pickle

import joblib
import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn
from torch.nn.utils import parameters_to_vector, prune, vector_to_parameters

from sk_fer import (
    FERCNNClassifier,
    FERDenseClassifier,
    FERFeatures,
    FERPretrainedClassifier,
    load_model,
    save_model,
)
from sk_fer.datasets import make_faces
from sk_fer.training import _fused_form

from ..helpers import Stop

X, y = make_faces(60, random_state=0)
IMAGES = torch.from_numpy(X[:4].reshape(-1, 48, 48, 1)).float()


@pytest.fixture(params=[1, 256], ids=["fused", "as it is"])
def fewest_fused(request, monkeypatch):
    """Predict four images through the fused form, and through the module itself."""
    monkeypatch.setattr(_fused_form, "FEWEST_FUSED", request.param)


@pytest.fixture(params=[FERDenseClassifier, FERCNNClassifier])
def model(request, fewest_fused):
    model = request.param(max_epochs=1, precision="float32", random_state=0).fit(X, y)
    model.predict_proba(X[:4])  # The fused form exists before the weights change.
    return model


def expected(model):
    with torch.no_grad():
        return model.net_.module_(IMAGES).softmax(1).numpy()


def layers_in_training(model):
    return [name for name, layer in model.net_.module_.named_modules() if layer.training]


def test_evaluation_mode_and_repeatable_gradients(model):
    assert not layers_in_training(model)
    assert not layers_in_training(pickle.loads(pickle.dumps(model)))
    before = model.predict_proba(X)
    gradients = []
    for _ in range(2):
        images = IMAGES.clone().requires_grad_()
        model.net_.module_(images)[:, 0].sum().backward()
        gradients.append(images.grad)
    assert torch.equal(*gradients)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    model.net_.module_.train()
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert not layers_in_training(model)
    model.partial_fit(X, y)
    assert not layers_in_training(model)


def test_evaluation_mode_after_a_callback_fails():
    model = FERCNNClassifier(max_epochs=1, callbacks=[Stop(RuntimeError("stop here"))])
    with pytest.raises(RuntimeError, match="stop here"):
        model.fit(X, y)
    assert not layers_in_training(model)


@pytest.mark.parametrize("ends", ["Ctrl-C", "divergence"])
def test_evaluation_mode_after_an_end_within_an_epoch(ends):
    class Ends(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            if ends == "Ctrl-C" and training and len(net.history) == 2:
                net.interrupt_.set()
                raise KeyboardInterrupt
            if ends == "divergence":
                next(net.module_.parameters()).data.fill_(torch.nan)

    model = FERDenseClassifier((8,), max_epochs=3, callbacks=[Ends()])
    expected_error = KeyboardInterrupt if ends == "Ctrl-C" else ValueError
    with pytest.raises(expected_error):
        model.fit(X, y)
    assert not layers_in_training(model)


def test_evaluation_mode_of_loaded_models(tmp_path):
    sio = pytest.importorskip("skops.io", reason="needs sk_fer[skops]")
    from sk_fer.persistence import SKOPS_TRUSTED

    model = FERCNNClassifier("sequential", max_epochs=1).fit(X, y)
    model.net_.module_.train()  # a mode that a user left
    save_model(model, tmp_path / "model.skfer")
    joblib.dump(model, tmp_path / "model.joblib")
    for loaded in (
        load_model(tmp_path / "model.skfer"),
        joblib.load(tmp_path / "model.joblib"),
        sio.loads(sio.dumps(model), trusted=SKOPS_TRUSTED),
        copy.deepcopy(model),
    ):
        assert not layers_in_training(loaded)


@pytest.mark.parametrize("trainable", ["head", "all", {1: "head", 2: "all"}])
def test_evaluation_mode_of_pretrained_networks(trainable):
    model = FERPretrainedClassifier("fast", weights=None, trainable=trainable, max_epochs=2)
    model.fit(X, y)
    assert not layers_in_training(model)
    model.partial_fit(X, y).transform(X[:4])
    assert not layers_in_training(model)
    features = FERFeatures("fast", weights=model).fit(X)
    assert not layers_in_training(features)
    features.net_.module_.train()
    before = features.transform(X)
    np.testing.assert_array_equal(features.transform(X), before)
    assert not layers_in_training(features)


def test_features_use_changed_weights():
    model = FERPretrainedClassifier("fast", weights=None, max_epochs=1, random_state=0).fit(X, y)
    before = model.transform(X[:4])
    for parameter in model.net_.module_.network.backbone.parameters():
        parameter.data.mul_(0)
    assert before.any()
    assert not model.transform(X[:4]).any()


def set_data(module):
    for parameter in module.parameters():
        parameter.data.mul_(0)


def set_vector(module):
    module.to(memory_format=torch.contiguous_format)
    vector = parameters_to_vector(module.parameters())
    vector_to_parameters(vector * 0.5, module.parameters())


def load(module):
    module.load_state_dict({k: v * 0.5 for k, v in module.state_dict().items()})


def replace_head(module):
    last = [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
    last.weight = nn.Parameter(last.weight.detach() * -1)


def replace_layers_without_weights(module):
    for layer in list(module.modules()):
        for name, child in layer.named_children():
            if isinstance(child, nn.ReLU):
                setattr(layer, name, nn.Identity())


def prune_with_hooks(module):
    module.to(memory_format=torch.contiguous_format)
    for layer in list(module.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            prune.l1_unstructured(layer, "weight", amount=0.7)


def prune_for_good(module):
    prune_with_hooks(module)
    for layer in list(module.modules()):
        if prune.is_pruned(layer) and isinstance(layer, nn.Conv2d | nn.Linear):
            prune.remove(layer, "weight")


def parametrize(module):
    class Half(nn.Module):
        def forward(self, weight):
            return weight / 2

    last = [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
    nn.utils.parametrize.register_parametrization(last, "weight", Half())


def step_of_a_fused_optimizer(module):
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1, fused=True)
    module(IMAGES)[:, 0].sum().backward()
    optimizer.step()


def swap_with_averages(module):
    average = torch.optim.swa_utils.AveragedModel(module)
    for parameter in average.module.parameters():
        parameter.data.mul_(0.9)
    for own, averaged in zip(module.parameters(), average.module.parameters(), strict=True):
        own.data, averaged.data = averaged.data, own.data


def running_means(module):
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.data.add_(1)
    set_data(module.network.head)


@pytest.mark.parametrize(
    "change",
    [
        set_data,
        set_vector,
        load,
        replace_head,
        replace_layers_without_weights,
        prune_with_hooks,
        prune_for_good,
        parametrize,
        step_of_a_fused_optimizer,
        swap_with_averages,
        running_means,
    ],
)
def test_predictions_use_changed_weights(model, change):
    before = model.predict_proba(X[:4])
    np.testing.assert_allclose(before, expected(model), atol=1e-5)
    change(model.net_.module_)
    after = model.predict_proba(X[:4])
    np.testing.assert_allclose(after, expected(model), atol=1e-5)
    assert abs(after - before).max() > 1e-4


def test_hooks_run_in_predictions(model):
    module = model.net_.module_
    before = model.predict_proba(X[:4])
    last = [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
    shapes = []
    handles = [
        module.register_forward_hook(lambda layer, args, output: shapes.append(output.shape)),
        last.register_forward_hook(lambda layer, args, output: output * 0),
    ]
    uniform = np.full_like(before, 1 / before.shape[1])
    np.testing.assert_allclose(model.predict_proba(X[:4]), uniform, atol=1e-6)
    assert shapes == [before.shape]
    for handle in handles:
        handle.remove()
    np.testing.assert_array_equal(model.predict_proba(X[:4]), before)


@pytest.mark.parametrize(
    ("images", "way_out"),
    [
        (IMAGES.permute(0, 3, 1, 2), r"permute\(0, 2, 3, 1\)"),
        (IMAGES.reshape(4, -1), r"reshape\(-1, 48, 48, 1\)"),
        (IMAGES[0], r"reshape\(-1, 48, 48, 1\)"),
        (IMAGES[:, :40], r"got \(4, 40, 48, 1\)"),
        (IMAGES.expand(-1, -1, -1, 3), r"got \(4, 48, 48, 3\)$"),
    ],
)
def test_other_shapes_are_refused(model, images, way_out):
    with pytest.raises(ValueError, match=r"\(n, 48, 48, 1\), got .*") as error:
        model.net_.module_(images)
    assert error.match(way_out)


def test_the_net_refuses_flat_rows_as_its_module_does(model):
    with pytest.raises(
        ValueError, match=r"\(n, 48, 48, 1\), got \(4, 2304\).*reshape\(-1, 48, 48, 1"
    ):
        model.net_.predict_proba(X[:4])


def test_few_and_many_images_are_predicted_alike():
    X, _ = make_faces(300, random_state=1)
    model = FERCNNClassifier(max_epochs=1, precision="float32", random_state=0)
    model.fit(X[:60], y)
    many = model.predict_proba(X)
    assert model.net_.evaluation_.fused.module_for(300) is not model.net_.module_
    assert model.net_.evaluation_.fused.module_for(255) is model.net_.module_
    np.testing.assert_allclose(model.predict_proba(X[:40]), many[:40], atol=1e-5)


def test_another_module_that_was_set_predicts(model):
    zeros = copy.deepcopy(model.net_.module_)
    for weight in zeros.parameters():
        weight.data.zero_()
    model.net_.module_ = zeros
    np.testing.assert_allclose(model.predict_proba(X[:4]), 1 / 7, rtol=1e-6)


def test_a_replaced_forward_predicts(model):
    model.net_.module_.forward = lambda images: torch.eye(7)[: len(images)] * 100
    np.testing.assert_allclose(model.predict_proba(X[:4]), np.eye(7)[:4], atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float16, 0.02), (torch.bfloat16, 0.1), (torch.float64, 1e-4)]
)
def test_weights_of_another_type_predict(model, tmp_path, dtype, tolerance):
    before = model.predict_proba(X[:4])
    model.net_.module_.to(dtype)
    np.testing.assert_allclose(model.predict_proba(X[:4]), before, atol=tolerance)
    assert model.net_.module_(IMAGES).dtype == dtype
    save_model(model, tmp_path / "model.skfer")
    loaded = load_model(tmp_path / "model.skfer").predict_proba(X[:4])
    np.testing.assert_allclose(loaded, before, atol=tolerance)


def test_what_is_no_tensor_is_refused_by_the_module():
    model = FERDenseClassifier((8,), max_epochs=1).fit(X, y)
    with pytest.raises(TypeError, match=r"got ndarray; torch.from_numpy\(images\)"):
        model.net_.module_(X.reshape(-1, 48, 48, 1))


def test_changed_layers_are_not_written_to_files_that_nothing_could_read(tmp_path):
    model = FERDenseClassifier((8,), max_epochs=1, random_state=0).fit(X, y)
    layer = next(layer for layer in model.net_.module_.modules() if isinstance(layer, nn.Linear))
    prune.l1_unstructured(layer, "weight", amount=0.5)
    for write in (pickle.dumps, lambda model: save_model(model, tmp_path / "model.skfer")):
        with pytest.raises(ValueError, match=r"weight_mask|weight.*prune.remove"):
            write(model)
    prune.remove(layer, "weight")
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X)
    )
    model.net_.module_.network.head = nn.Sequential(nn.Flatten(), nn.Linear(8, 3))
    with pytest.raises(ValueError, match=r"the layers of net_.module_ were changed"):
        pickle.dumps(model)
