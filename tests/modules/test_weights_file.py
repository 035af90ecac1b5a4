"""Files of weights: what is read, and what is refused without running code."""

import argparse
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save_file

from sk_fer.modules._weights_file import read_state_dict

STATE = {
    "conv.weight": torch.arange(6.0).view(1, 1, 2, 3),
    "bn.num_batches_tracked": torch.tensor(3),
}


class RunsCode:
    """A pickle of it makes a file when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def assert_same(found, expected=STATE):
    assert list(found) == list(expected)
    for key, tensor in expected.items():
        assert torch.equal(found[key], tensor)
        assert found[key].dtype == tensor.dtype


@pytest.mark.parametrize("suffix", ["pth", "pt", "bin", "ckpt", "pth.tar", "PTH"])
@pytest.mark.parametrize("as_zip", [True, False])
def test_what_torch_saves(suffix, as_zip, tmp_path):
    path = tmp_path / f"w.{suffix}"
    torch.save(STATE, path, _use_new_zipfile_serialization=as_zip)
    assert_same(read_state_dict(path))


def test_safetensors(tmp_path):
    save_file(STATE, tmp_path / "w.safetensors")
    found = read_state_dict(str(tmp_path / "w.safetensors"))
    assert_same({key: found[key] for key in STATE})


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: OrderedDict(state),
        lambda state: {"state_dict": state, "epoch": 3, "arch": "resnet18"},
        lambda state: {"model": state, "optimizer": {"state": {}}, "args": argparse.Namespace(a=1)},
        lambda state: {"model_state_dict": OrderedDict(state), "loss": 0.5},
        lambda state: {"net": state, "acc": 70.1},
        lambda state: {"checkpoint": 1, "model": {"state_dict": state}},
        lambda state: {"model": {"worse": torch.ones(1)}, "model_ema": state},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {f"_orig_mod.module.{key}": value for key, value in state.items()},
        lambda state: {f"module._orig_mod.{key}": value for key, value in state.items()},
        lambda state: {
            key: torch.nn.Parameter(v, v.is_floating_point()) for key, v in state.items()
        },
    ],
)
def test_what_training_scripts_put_around(wrap, tmp_path):
    torch.save(wrap(STATE), tmp_path / "w.pth")
    found = read_state_dict(tmp_path / "w.pth")
    assert_same(found)
    assert not any(tensor.requires_grad for tensor in found.values())


def test_no_file_of_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pth: no such file; expected .*"):
        read_state_dict(tmp_path / "none.pth")
    with pytest.raises(IsADirectoryError, match="is a folder; expected a file of weights"):
        read_state_dict(tmp_path)
    (tmp_path / "w.npz").write_bytes(b"PK")
    with pytest.raises(
        ValueError, match=r"w\.npz has the unknown suffix '\.npz'; expected .*\.pth"
    ):
        read_state_dict(tmp_path / "w.npz")
    (tmp_path / "w.pth").touch()
    with pytest.raises(ValueError, match=r"w\.pth is empty; expected"):
        read_state_dict(tmp_path / "w.pth")


@pytest.mark.parametrize("name", ["zip.pth", "legacy.pth", "w.safetensors"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999])
def test_truncated(name, share, tmp_path):
    path = tmp_path / name
    state = {"weight": torch.zeros(4000)}
    if path.suffix == ".pth":
        torch.save(state, path, _use_new_zipfile_serialization=name == "zip.pth")
    else:
        save_file(state, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=rf"{name} (is damaged|was not loaded)") as caught:
        read_state_dict(path)
    assert len(str(caught.value)) < len(str(path)) + 400


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("how", ["zip", "legacy", "pickle"])
def test_a_pickle_that_runs_code(how, protocol, tmp_path):
    path, trace = tmp_path / "w.pth", tmp_path / "trace"
    content = {"weight": torch.zeros(3), "extra": RunsCode(trace)}
    if how == "pickle":
        path.write_bytes(pickle.dumps({"extra": RunsCode(trace)}, protocol))
    else:
        as_zip = how == "zip"
        torch.save(content, path, pickle, protocol, _use_new_zipfile_serialization=as_zip)
    with pytest.raises(ValueError, match=r"was not loaded: its pickle .* could run code") as e:
        read_state_dict(path)
    assert protocol == 4 or f"uses {os.mkdir.__module__}.mkdir" in str(e.value)
    assert not trace.exists()


def test_a_pickled_module_and_a_program(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(ValueError, match=r"uses torch\.nn\.modules\.linear\.Linear"):
        read_state_dict(tmp_path / "module.pth")
    with zipfile.ZipFile(tmp_path / "program.pt", "w") as archive:
        archive.writestr("program/constants.pkl", b"\x80\x02).")
        archive.writestr("program/data.pkl", b"\x80\x02}.")
    with pytest.raises(ValueError, match="it is a TorchScript program"):
        read_state_dict(tmp_path / "program.pt")


def lying_header(**entry):
    header = json.dumps({"x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **entry}})
    return struct.pack("<Q", len(header)) + header.encode() + bytes(16)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff" * 16,
        b"a text",
        struct.pack("<Q", 10**9) + b"{}",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 9) + b"{" * 9,
        lying_header(data_offsets=[0, 1600]),
        lying_header(data_offsets=[16, 0]),
        lying_header(shape=[10**9]),
        lying_header(shape=[2**62, 4]),
        lying_header(dtype="O8"),
    ],
)
def test_a_safetensors_file_with_wrong_sizes(content, tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"w\.safetensors is damaged or not a file of weights"):
        read_state_dict(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([torch.zeros(2)], "contains a list; expected a dict of names to tensors"),
        (torch.zeros(2), "contains a Tensor"),
        ({}, "contains an empty dict"),
        ({"model": {}}, "contains an empty dict"),
        ({"epoch": 3, "weight": torch.zeros(2)}, "contains 'epoch', a int"),
        ({0: torch.zeros(2)}, "an entry whose name is of type int"),
        ({"w": torch.tensor([1.0, float("nan")])}, "contains 'w' with values that are not finite"),
        ({"w": torch.tensor([torch.inf], dtype=torch.float16)}, "'w' with values that are not"),
        ({"w": torch.zeros(1).expand(10**12)}, r"'w' of shape \(10+,\), which has more values"),
        ({"w": torch.zeros(3).to_sparse()}, "'w', a tensor of the unsupported type"),
        ({"w": torch.zeros(3, dtype=torch.complex64)}, "'w', a tensor of the unsupported type"),
    ],
)
def test_something_else_than_weights(content, words, tmp_path):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=words) as caught:
        read_state_dict(tmp_path / "w.pth")
    assert str(tmp_path / "w.pth") in str(caught.value)


def test_hostile_containers(tmp_path):
    within_itself = {}
    within_itself["model"] = within_itself
    torch.save(within_itself, tmp_path / "loop.pth")
    with pytest.raises(ValueError, match="contains 'model', a dict"):
        read_state_dict(tmp_path / "loop.pth")
    torch.save({"w": torch.zeros(10**6)}, tmp_path / "large.pth")
    bomb = tmp_path / "bomb.pth"
    with (
        zipfile.ZipFile(tmp_path / "large.pth") as large,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for entry in large.infolist():
            small.writestr(entry.filename, large.read(entry))
    assert bomb.stat().st_size < 10**5
    with pytest.raises(ValueError, match="it is a compressed archive"):
        read_state_dict(bomb)


def test_a_size_that_begins_as_a_web_page_does(tmp_path):
    header = b'{"bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    size = int.from_bytes(b" <\0\0\0\0\0\0", "little")
    content = size.to_bytes(8, "little") + header.ljust(size) + b"\0\0\0\0"
    (tmp_path / "a.safetensors").write_bytes(content)
    assert list(read_state_dict(tmp_path / "a.safetensors")) == ["bias"]
