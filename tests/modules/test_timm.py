"""Names and ImageNet weights of timm, with a folder as the hub."""

import logging
import subprocess
import sys
import traceback
import warnings

import pytest
import torch
from safetensors.torch import save_file

from sk_fer.modules._timm import import_timm, known_backbone, load_imagenet

timm = pytest.importorskip("timm", reason="needs sk_fer[pretrained]")
hub = pytest.importorskip("huggingface_hub", reason="needs sk_fer[pretrained]")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Make an empty folder the hub's cache."""
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(hub, "get_hf_file_metadata", refuse)
    monkeypatch.setattr(hub, "hf_hub_download", refuse)
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)


def keep(cache, name, state, file="model.safetensors"):
    """Put weights into the cache, as the hub's client keeps them."""
    repo = cache / f"models--timm--{name}"
    snapshot = repo / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("0123")
    if file.endswith("safetensors"):
        save_file(state, snapshot / file)
    else:
        torch.save(state, snapshot / file)
    return snapshot / file


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_from_the_cache_without_a_question(file, cache, no_network, capfd):
    torch.manual_seed(1)
    theirs = timm.create_model("test_resnet").state_dict()
    keep(cache, "test_resnet.r160_in1k", theirs, file)
    for name, channels in (("test_resnet", 1), ("test_resnet.r160_in1k", 3)):
        backbone = timm.create_model(name, num_classes=0, in_chans=channels)
        torch.manual_seed(2)
        load_imagenet(backbone, name)
        assert torch.initial_seed() == 2
        assert torch.equal(torch.rand(2), torch.rand(2, generator=torch.Generator().manual_seed(2)))
        found = backbone.state_dict()
        assert torch.equal(found["layer4.0.conv1.weight"], theirs["layer4.0.conv1.weight"])
        filters = theirs["conv1.0.weight"]
        expected = filters.sum(1, keepdim=True) if channels == 1 else filters
        assert torch.equal(found["conv1.0.weight"], expected)
    assert capfd.readouterr() == ("", "")


def test_a_transformer_of_another_size(cache, no_network):
    theirs = timm.create_model("test_vit").state_dict()
    keep(cache, "test_vit.r160_in1k", theirs)
    backbone = timm.create_model("test_vit", num_classes=0, in_chans=1, img_size=48)
    load_imagenet(backbone, "test_vit")
    found = backbone.state_dict()
    assert torch.equal(found["blocks.0.attn.qkv.weight"], theirs["blocks.0.attn.qkv.weight"])
    assert found["pos_embed"].shape[1] == 1 + 3 * 3


def test_a_damaged_file_in_the_cache(cache, no_network):
    path = keep(cache, "test_resnet.r160_in1k", {"conv1.0.weight": torch.zeros(2)})
    path.write_bytes(path.read_bytes()[:-3])
    backbone = timm.create_model("test_resnet", num_classes=0)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        load_imagenet(backbone, "test_resnet")


def offline(monkeypatch):
    """Have the client refuse at once, by itself."""
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)


def unreachable(monkeypatch):
    def refuse(url, **_):
        logging.getLogger("huggingface_hub.utils").warning("Retrying in 1s")
        warnings.warn("no token", UserWarning, stacklevel=2)
        raise OSError("[Errno -2] Name or service not known\nand more of it")

    monkeypatch.setattr(hub, "get_hf_file_metadata", refuse)


@pytest.mark.parametrize("how", [offline, unreachable])
def test_without_a_network(how, cache, monkeypatch, capfd, caplog):
    how(monkeypatch)
    backbone = timm.create_model("test_resnet", num_classes=0)
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    with pytest.raises(OSError, match="could not be downloaded") as caught:
        load_imagenet(backbone, "test_resnet")
    message = str(caught.value)
    for words in (
        "backbone='test_resnet', timm/test_resnet.r160_in1k on the Hugging Face Hub",
        f"not in the cache folder {cache} and",
        "offline" if how is offline else "([Errno -2] Name or service not known)",
        'weights="file.safetensors" or .pth',
        "weights=classifier",
        "weights=None",
    ):
        assert words in message
    assert "\n" not in message
    printed = "".join(traceback.format_exception(caught.value))
    assert "Traceback" in printed
    assert printed.count("Traceback") == 1
    assert "huggingface_hub" not in printed
    assert all(torch.equal(v, before[k]) for k, v in backbone.state_dict().items())
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert logging.getLogger("huggingface_hub").isEnabledFor(logging.WARNING)


def test_a_download(cache, monkeypatch):
    state = timm.create_model("test_resnet").state_dict()
    asked = []

    def metadata(url):
        asked.append(url.rpartition("/")[2])
        if asked[-1] == "model.safetensors":
            raise hub.errors.EntryNotFoundError("404")

    def download(repo_id, filename, **_):
        asked.append((repo_id, filename))
        return str(keep(cache, repo_id.removeprefix("timm/"), state, filename))

    monkeypatch.setattr(hub, "get_hf_file_metadata", metadata)
    monkeypatch.setattr(hub, "hf_hub_download", download)
    backbone = timm.create_model("test_resnet", num_classes=0)
    load_imagenet(backbone, "test_resnet")
    file = "pytorch_model.bin"
    assert asked == ["model.safetensors", file, ("timm/test_resnet.r160_in1k", file)]
    load_imagenet(backbone, "test_resnet")
    assert len(asked) == 3


def test_weights_at_an_address(cache, monkeypatch, tmp_path):
    """The weights of some models are not on the hub but at a URL, in the cache of torch."""
    state = timm.create_model("test_resnet").state_dict()
    cfg = timm.models.get_pretrained_cfg("test_resnet")
    cfg.hf_hub_id, cfg.url = None, "https://nowhere.invalid/a/resnet-0a1b.pth"
    monkeypatch.setattr(timm.models, "get_pretrained_cfg", lambda name: cfg)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    backbone = timm.create_model("test_resnet", num_classes=0)
    path = tmp_path / "torch" / "checkpoints"

    def fail(url, to, progress):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(OSError, match=rf"{cfg.url}, are not in .* {path} .*\(no route to host\)"):
        load_imagenet(backbone, "test_resnet")
    monkeypatch.setattr(
        torch.hub, "download_url_to_file", lambda url, to, progress: torch.save(state, to)
    )
    load_imagenet(backbone, "test_resnet")
    assert (path / "resnet-0a1b.pth").exists()
    assert torch.equal(backbone.state_dict()["conv1.0.weight"], state["conv1.0.weight"])


@pytest.mark.parametrize("name", ["fast", "resnet14d"])
def test_no_pretrained_weights(name, no_network):
    if name == "resnet14d":
        name = next(n for n in timm.list_models("*resne*") if not timm.list_pretrained(f"{n}.*"))
    with pytest.raises(ValueError, match=f"backbone='{name}', for which timm .* has no pretrained"):
        load_imagenet(torch.nn.Linear(1, 1), name)


@pytest.mark.parametrize("name", ["fast", "accurate", "resnet50", "resnet50.a1_in1k", "test_vit"])
def test_names_that_are_known(name):
    known_backbone(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet_50", "which timm .* does not have; .*; similar names: 'resnet50', "),
        ("ResNet50", "similar names: 'resnet50', "),
        ("efficientnetb2", "similar names: 'efficientnet_b2', "),
        ("fastt", "similar names: 'fast', "),
        ("gluon_resnet50_v1b", "similar names: 'resnet50.gluon_in1k'$"),
        (
            "resnet50.a1_in1",
            "timm .* has no such tag of 'resnet50'; similar names, .*'resnet50.a1_in1k'",
        ),
        ("resnet50.", "timm .* has no such tag of 'resnet50'"),
        ("zzzzzzzzzz", "'accurate' or 'fast'$"),
        ("", "'accurate' or 'fast'$"),
        ("hf-hub:timm/resnet50.a1_in1k", "to use weights of another hub or folder, pass the file"),
        ("local-dir:models", "pass the file, weights="),
        ("timm/resnet50", "pass the file, weights="),
        ("folder\\resnet50", "pass the file, weights="),
    ],
)
def test_names_that_are_not(name, words, no_network):
    with pytest.raises(ValueError, match=words) as caught:
        known_backbone(name)
    assert f"got backbone={name!r}" in str(caught.value)


@pytest.mark.parametrize("name", [None, 50, ["resnet50"], b"resnet50"])
def test_names_that_are_no_strings(name):
    with pytest.raises(TypeError, match=r"got backbone=.* of type .*, expected a name of timm"):
        known_backbone(name)


def test_timm_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    for call in (import_timm, lambda: known_backbone("resnet50")):
        with pytest.raises(ImportError, match=r'timm: run pip install "\.\[pretrained\]" in'):
            call()
    known_backbone("fast")


def test_timm_is_imported_late():
    script = "import sys, sk_fer.modules._timm; print({'timm', 'huggingface_hub'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
