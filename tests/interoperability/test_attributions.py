"""Captum and shap attribute predictions to pixels, and do not change the model."""

import numpy as np
import pytest
import torch

pytestmark = pytest.mark.slow


@pytest.fixture
def untouched(fitted, three_expressions):
    """Check after the test that the predictions have the same bits as before."""
    X, _ = three_expressions
    before = fitted.predict_proba(X)
    yield fitted
    np.testing.assert_array_equal(fitted.predict_proba(X), before)
    assert not any(module.training for module in fitted.net_.module_.modules())


@pytest.fixture
def pixels(three_expressions):
    """Three faces as the module takes them."""
    X, _ = three_expressions
    return torch.from_numpy(X[:3].reshape(-1, 24, 24, 1)).float().requires_grad_()


def outputs(model, pixels):
    with torch.no_grad():
        return model.net_.module_(pixels)


def test_integrated_gradients_sum_to_the_difference(untouched, pixels):
    captum = pytest.importorskip("captum.attr")
    # A constant image would be a jump of the network: it is normalized to zeros.
    others = pixels.detach()[[1, 2, 0]]
    attribution, delta = captum.IntegratedGradients(untouched.net_.module_).attribute(
        pixels, baselines=others, target=1, n_steps=200, return_convergence_delta=True
    )
    assert attribution.shape == (3, 24, 24, 1)
    assert delta.abs().max() < 0.2
    difference = outputs(untouched, pixels) - outputs(untouched, others)
    torch.testing.assert_close(
        attribution.sum(dim=(1, 2, 3)).float(), difference[:, 1], atol=0.2, rtol=0
    )


def test_the_same_saliency_twice(untouched, pixels):
    captum = pytest.importorskip("captum.attr")
    saliency = captum.Saliency(untouched.net_.module_)
    first, second = (saliency.attribute(pixels, target=0) for _ in range(2))
    assert first.shape == (3, 24, 24, 1)
    assert first.max() > 0
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_occlusion_is_the_loss_of_a_hidden_patch(untouched, pixels):
    captum = pytest.importorskip("captum.attr")
    attribution = captum.Occlusion(untouched.net_.module_).attribute(
        pixels, sliding_window_shapes=(8, 8, 1), strides=(8, 8, 1), target=2, baselines=0
    )
    hidden = pixels.detach().clone()
    hidden[:, :8, 8:16] = 0
    expected = (outputs(untouched, pixels) - outputs(untouched, hidden))[:, 2]
    torch.testing.assert_close(attribution[:, 0, 8, 0].float(), expected, atol=1e-4, rtol=1e-4)


def test_grad_cam_of_the_last_convolution(untouched, pixels):
    captum = pytest.importorskip("captum.attr")
    module = untouched.net_.module_
    convolutions = [layer for layer in module.modules() if isinstance(layer, torch.nn.Conv2d)]
    maps = captum.LayerGradCam(module, convolutions[-1]).attribute(pixels, target=0)
    assert maps.shape[0] == 3
    assert maps.abs().max() > 0


def test_shap_gradients_have_the_shape_of_images(untouched, pixels):
    shap = pytest.importorskip("shap")
    explainer = shap.GradientExplainer(untouched.net_.module_, pixels)
    values = explainer.shap_values(pixels[:2], nsamples=20, rseed=0)
    assert np.shape(values) == (2, 24, 24, 1, 3)
    assert np.abs(values).max() > 0


def test_shap_values_of_predict_proba_add_up(untouched, three_expressions):
    shap = pytest.importorskip("shap")
    X, _ = three_expressions
    images = X[:1].reshape(1, 24, 24, 1).astype(np.float32)
    masker = shap.maskers.Image(np.full((24, 24, 1), 128.0), (24, 24, 1))
    explainer = shap.Explainer(untouched.predict_proba, masker, output_names=[*untouched.classes_])
    explanation = explainer(images, max_evals=60, batch_size=30)
    assert explanation.shape == (1, 24, 24, 1, 3)
    total = explanation.base_values + explanation.values.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(total, untouched.predict_proba(X[:1]), atol=1e-4)
