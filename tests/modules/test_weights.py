"""Weights with names of several libraries are loaded into a backbone, completely or not at all."""

from inspect import signature

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from sk_fer.modules import build_module
from sk_fer.modules._weights import head_state, load_backbone

timm = pytest.importorskip("timm", reason="needs sk_fer[pretrained]")


def small(**kwargs):
    return timm.create_model("test_resnet", num_classes=0, **kwargs).eval()


def scrambled(module):
    """Return a module in whose output every parameter and statistic shows."""
    for key, value in module.state_dict().items():
        if key.endswith(("running_var", "weight")) and value.ndim == 1:
            value.uniform_(0.5, 1.5)
        elif value.ndim == 1:
            value.normal_(0, 0.1)
    return module.eval()


def equal_states(module, state):
    own = module.state_dict()
    return all(torch.equal(own[key], state[key].to(own[key])) for key in own)


@pytest.fixture(scope="module")
def whole():
    """Weights with a classifier, of other values than a new backbone."""
    torch.manual_seed(0)
    return scrambled(timm.create_model("test_resnet", num_classes=5)).state_dict()


def test_timm_naming(whole):
    assert {"fc.weight", "fc.bias"} < whole.keys()
    backbone = small()
    before = {key: value.data_ptr() for key, value in backbone.state_dict().items()}
    load_backbone(backbone, whole, "here")
    assert equal_states(backbone, whole)
    assert before == {key: value.data_ptr() for key, value in backbone.state_dict().items()}


def test_old_and_half_precision_files(whole):
    old = {k: v.half() for k, v in whole.items() if not k.endswith("num_batches_tracked")}
    backbone = small()
    load_backbone(backbone, old, "here")
    assert backbone.layer1[0].conv1.weight.dtype == torch.float32
    expected = {**backbone.state_dict(), **{k: v for k, v in old.items() if k[:2] != "fc"}}
    assert equal_states(backbone, expected)


@pytest.mark.parametrize("prefix", ["network.backbone.", "backbone."])
def test_our_own_naming(prefix, whole):
    state = {f"{prefix}{k}": v for k, v in whole.items() if k[:2] != "fc"}
    state |= {"prepare.mean": torch.zeros(3), "network.head.linear.weight": torch.ones(7, 64)}
    backbone = small()
    load_backbone(backbone, state, "here")
    assert equal_states(backbone, whole)
    assert list(head_state(state)) == ["linear.weight"]
    assert head_state(whole) == {}


@pytest.mark.parametrize("network", ["fast", "accurate"])
@pytest.mark.parametrize("through", [dict, lambda state: load(save(state))])
def test_a_complete_network_of_sk_fer(network, through):
    """Its last layer classifies, and a safetensors file has them sorted by name."""
    module = scrambled(build_module(network, image_shape=(48, 48, 1), n_classes=7))
    other = build_module(network, image_shape=(48, 48, 1), n_classes=3)
    backbone = other.network.features
    load_backbone(backbone, through(module.state_dict()), "here")
    assert equal_states(backbone, module.network.features.state_dict())


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("efficientnet_b2", "efficientnet_b2"),
        ("mobilenet_v2", "mobilenetv2_100"),
        ("resnet18", "resnet18"),
    ],
)
def test_torchvision_naming(theirs, ours):
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    model = scrambled(getattr(torchvision.models, theirs)(weights=None))
    state = model.state_dict()
    backbone = timm.create_model(ours, num_classes=0).eval()
    load_backbone(backbone, state, "here")
    if theirs != "resnet18":  # whose names are the same
        with pytest.raises(ValueError, match="must have the names of timm or sk_fer"):
            load_backbone(backbone, load(save(state)), "here", in_order=False)
    setattr(model, "fc" if theirs == "resnet18" else "classifier", nn.Identity())
    images = torch.randn(1, 3, 48, 48)
    with torch.no_grad():
        expected = model(images)
        assert expected.std() > 0.01
        torch.testing.assert_close(backbone(images), expected, rtol=1e-4, atol=1e-5)
        gray = timm.create_model(ours, num_classes=0, in_chans=1).eval()
        load_backbone(gray, state, "here")
        expected = model(images[:, :1].expand(-1, 3, -1, -1))
        torch.testing.assert_close(gray(images[:, :1]), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("there", "here"), [(3, 1), (1, 3), (3, 4), (4, 3), (1, 2)])
def test_other_channels(there, here, whole):
    adapt = timm.models.adapt_input_conv
    if len(signature(adapt).parameters) < 3:
        pytest.skip(f"timm {timm.__version__} adapts filters of three channels only")
    filters = torch.randn(16, there, 3, 3)
    key = "conv1.0.weight"
    assert whole[key].shape[0] == 16
    backbone = small(in_chans=here)
    load_backbone(backbone, {**whole, key: filters.half()}, "here")
    found = backbone.state_dict()[key]
    torch.testing.assert_close(found, adapt(here, filters.half().float(), there))
    if there == 3 and here == 1:
        torch.testing.assert_close(found, filters.half().float().sum(1, keepdim=True))


def test_only_the_first_convolution_is_adapted():
    backbone = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3))
    other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(2, 4, 3))
    with pytest.raises(ValueError, match=r"1 \('1.weight' of \(4, 2, 3, 3\) for \(4, 4, 3, 3\)\)"):
        load_backbone(backbone, other.state_dict(), "here")
    pieces = {"0.weight": torch.zeros(4, 12, 3, 3), "0.bias": torch.zeros(4)}
    with pytest.raises(ValueError, match=r"'0.weight' of \(4, 12, 3, 3\) for \(4, 1, 3, 3\)"):
        load_backbone(backbone[:1], pieces, "here")


def broken(state, how):
    state = dict(state)
    keys = [key for key in state if key[:2] != "fc"]
    match how:
        case "missing":
            del state[keys[0]], state[keys[6]], state[keys[7]], state[keys[8]]
        case "unknown":
            state |= {f"extra.{i}.weight": torch.zeros(2, 2, 1) for i in range(2)}
        case "shape":
            state[keys[-2]] = torch.zeros(5)
        case "integers":
            state[keys[1]] = state[keys[1]].int()
    return state


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            "missing",
            r"of its 75 tensors, 4 \('conv1.0.weight', .*, \.\.\.\) are missing and 0 have",
        ),
        ("unknown", r"0 are missing .*; 2 \('extra.0.weight', 'extra.1.weight'\) are unknown"),
        ("shape", r"0 are missing and 1 \('.*_var' of \(5,\) for \(\d+,\)\) have another shape; 0"),
        ("integers", r"1 \('conv1.1.weight' of \(\d+,\) torch.int32 for \(\d+,\)\) have another"),
    ],
)
def test_what_does_not_fit(how, words, whole):
    backbone = small()
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    words = "a.pth does not contain the weights of the backbone 'test_resnet': .*" + words
    with pytest.raises(ValueError, match=words) as caught:
        load_backbone(backbone, broken(whole, how), "a.pth")
    assert str(caught.value).endswith(". No weights were loaded")
    assert equal_states(backbone, before)


def test_another_architecture(whole):
    other = timm.create_model("test_efficientnet", num_classes=0)
    with pytest.raises(
        ValueError, match=r"the backbone 'test_efficientnet': .*, \.\.\.\) are missing"
    ):
        load_backbone(other, whole, "a.pth")
    # Layers of the same shapes, but not a batch normalization for a batch normalization.
    backbone = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    state = {"a.weight": torch.zeros(2, 1, 1, 1), "a.bias": torch.zeros(2)}
    state |= {f"b.{name}": torch.zeros(2) for name in ("gamma", "beta", "mean", "var")}
    with pytest.raises(ValueError, match="No weights were loaded"):
        load_backbone(backbone, state, "a.pth")


def test_sorted_names_do_not_give_the_order_of_layers_of_one_shape():
    """In a safetensors file, block 10 comes before block 2."""
    blocks = nn.ModuleDict({"features": nn.Sequential(*(nn.Linear(2, 2) for _ in range(12)))})
    state = {f"blocks.{key}": tensor for key, tensor in blocks.state_dict().items()}
    other = nn.Sequential(*(nn.Linear(2, 2) for _ in range(12)))
    with pytest.raises(ValueError, match="must have the names of timm or sk_fer"):
        load_backbone(other, load(save(state)), "here", in_order=False)
    load_backbone(other, state, "here")
    assert equal_states(other, blocks["features"].state_dict())


@pytest.mark.parametrize("network", ["fast", "accurate"])
def test_the_head_of_a_whole_network_of_our_own(network):
    module = build_module(network, image_shape=(48, 48, 1), n_classes=7)
    head = head_state(load(save(module.state_dict())))
    assert set(head) == {"linear.bias", "linear.weight"}
    assert torch.equal(head["linear.weight"], module.network.head.linear.weight)
