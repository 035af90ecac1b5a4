"""Device and precision are used as set, or are an error."""

import pytest
import torch

from sk_fer.training import _device, resolve_device, resolve_precision


def test_auto_device_exists():
    assert torch.zeros(1, device=resolve_device("auto")).item() == 0


def test_unknown_device_is_refused():
    with pytest.raises(ValueError, match=r"device='abacus' is not known to torch; expected 'auto'"):
        resolve_device("abacus")


def test_missing_cuda_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"device='cuda:3': torch .* finds 0 CUDA devices here"):
        resolve_device("cuda:3")


@pytest.mark.parametrize("device", ["xpu", "meta"])
def test_devices_that_cannot_compute_are_refused(device):
    with pytest.raises(ValueError, match=f"device='{device}' cannot be used here; use"):
        resolve_device(device)


def test_float16_is_refused_on_the_cpu():
    with pytest.raises(ValueError, match="precision='float16' needs a CUDA device"):
        resolve_precision("float16", torch.device("cpu"))


@pytest.mark.parametrize(("native", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_precision_on_the_cpu_follows_the_processor(monkeypatch, native, dtype):
    monkeypatch.setattr(_device, "_cpu_computes_bfloat16", lambda: native)
    assert resolve_precision("auto", torch.device("cpu")) == dtype


def test_explicit_precision_is_obeyed():
    assert resolve_precision("bfloat16", torch.device("cpu")) == torch.bfloat16
