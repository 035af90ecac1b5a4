"""Tests that need a CUDA device: ``pytest -m gpu``."""

import os
from functools import partial

import numpy as np
import pytest
import torch

from sk_fer import FERCNNClassifier
from sk_fer.training import BatchIterator, FaceDataset, _batches, resolve_precision

from .. import helpers
from ..helpers import Stop, assert_same_fit

if torch.cuda.is_available():
    # cuBLAS reads it at its first use, and computes in the same order each time.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]


cnn = partial(helpers.cnn, max_epochs=5, optimizer="adam", lr=3e-3, device="cuda")


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16", "float16"])
def test_learns_in_every_precision(precision, faces):
    X, y = faces
    model = cnn(precision=precision, max_epochs=25, augment=None).fit(X, y)
    assert model.net_.device == "cuda"
    assert model.score(X, y) > 0.8


def test_auto_precision_is_bfloat16_on_ampere_and_later():
    major, _ = torch.cuda.get_device_capability()
    expected = torch.bfloat16 if major >= 8 else torch.float16
    assert resolve_precision("auto", torch.device("cuda")) == expected


def test_a_model_of_the_gpu_predicts_the_same_on_the_cpu(faces):
    X, y = faces
    model = cnn(precision="float32").fit(X, y)
    state = model.__getstate__()
    state["_stored_net"]["device"] = "cpu"
    on_cpu = FERCNNClassifier()
    on_cpu.__setstate__(state)
    assert on_cpu.net_.device == "cpu"
    # By default, convolutions in float32 are computed in TF32 on a GPU.
    np.testing.assert_allclose(on_cpu.predict_proba(X), model.predict_proba(X), rtol=0, atol=0.01)


def test_global_random_state_of_the_device_is_not_changed(faces):
    before = torch.cuda.get_rng_state()
    cnn(dropout=0.5).fit(*faces)
    assert torch.equal(before, torch.cuda.get_rng_state())


@pytest.mark.parametrize("fits", [True, False])
def test_batches_are_on_the_device_whether_or_not_all_images_fit(fits, faces, monkeypatch):
    monkeypatch.setattr(_batches, "_fits", lambda dataset, device: fits)
    images = faces[0].reshape(-1, 48, 48, 1)
    batches = list(BatchIterator(FaceDataset(images, np.arange(280)), 64, "cuda"))
    assert all(inputs["images"].is_cuda and target.is_cuda for inputs, target in batches)
    gathered = torch.cat([inputs["images"] for inputs, _ in batches]).cpu().numpy()
    np.testing.assert_array_equal(gathered, images)


@pytest.mark.filterwarnings("ignore:.*does not have a deterministic implementation:UserWarning")
def test_an_interrupted_and_resumed_fit_is_the_same_bit_for_bit(faces, tmp_path):
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        whole = cnn(dropout=0.3).fit(*faces)
        with pytest.raises(TimeoutError):
            cnn(
                dropout=0.3,
                checkpoint=tmp_path,
                callbacks=[Stop(TimeoutError, "on_epoch_begin", n=4)],
            ).fit(*faces)
        resumed = cnn(dropout=0.3, checkpoint=tmp_path).fit(*faces)
    finally:
        torch.use_deterministic_algorithms(False)
    assert_same_fit(resumed, whole)
