"""Files that are not model files, or are hostile, are refused with the reason."""

import io
import json
import os
import pickle
import stat
import warnings
import zipfile

import joblib
import numpy as np
import pytest
import torch

from sk_fer import load_model, save_model
from sk_fer.persistence import ModelFormatError, _archive

from .fuzz_model_files import Audit, fuzz, read_entries, seal, zipped


class Canary:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def refused(path, words):
    with pytest.raises(ModelFormatError, match=words) as raised:
        load_model(path)
    assert str(raised.value).startswith(f"{path}: ")
    return str(raised.value)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda c, p: p.write_bytes(pickle.dumps(c)), "a pickle, as joblib and pickle write it"),
        (
            lambda c, p: p.write_bytes(pickle.dumps(c, protocol=0)),
            "not a file that save_model wrote: it begins with",
        ),
        (joblib.dump, "a pickle, as joblib .* can run code, so it was not loaded; use joblib.load"),
        (lambda c, p: joblib.dump(c, p, compress=("zlib", 3)), "perhaps a compressed joblib file"),
        (lambda c, p: joblib.dump(c, p, compress=("gzip", 3)), "perhaps a compressed joblib file"),
        (lambda c, p: joblib.dump(c, p, compress=("xz", 3)), "perhaps a compressed joblib file"),
        (lambda c, p: torch.save(c, p), "a zip of .* entries; expected model.json"),
        (lambda c, p: np.save(p, np.array([c]), allow_pickle=True), r"begins with b'\\x93NUMPY"),
    ],
    ids=["pickle", "pickle 0", "joblib", "zlib", "gzip", "xz", "torch", "numpy"],
)
def test_pickles_are_never_unpickled(write, words, tmp_path):
    canary = tmp_path / "canary"
    path = tmp_path / "model.npy"
    write(Canary(canary), path)
    refused(path, words)
    assert not canary.exists()


def test_the_canary_makes_a_folder_when_it_is_unpickled(tmp_path):
    pickle.loads(pickle.dumps(Canary(tmp_path / "canary")))
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (lambda c: b"", "is empty"),
        (lambda c: b"PK\x03\x04", "has 4 bytes; the file is truncated"),
        (lambda c: c[:-1], "a zip without its end; the file is truncated"),
        (lambda c: c + b"more", "a zip without its end"),
        (lambda c: b"PK\x03\x04" + c, "a zip with a directory of"),
        (lambda c: c.replace(b"happy", b"HAPPY"), "a damaged zip, BadZipFile: Bad CRC-32"),
        (lambda c: seal(read_entries(c), zipfile.ZIP_DEFLATED), "is compressed, encrypted or"),
        (lambda c: zipped([*read_entries(c).items(), ("x", b"")]), "a zip of 4 entries; expected"),
        (lambda c: zipped([("../x", b""), ("b", b""), ("c", b"")]), r"a zip of \['../x', 'b', 'c'"),
        (lambda c: zipped([("model.json", b"")] * 3), r"a zip of \['model.json', 'model.json'"),
        (lambda c: zipped([(n, b"{}") for n in read_entries(c)]), "SHA256SUMS does not match"),
        (lambda c: linked(c), "its entry model.json is a link"),
    ],
)
def test_containers(alter, words, dense_file):
    dense_file.write_bytes(alter(dense_file.read_bytes()))
    refused(dense_file, words)


def linked(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in read_entries(content).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def test_files_that_are_missing_or_too_large_and_pipes(dense_file, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none.skfer")
    with pytest.raises(IsADirectoryError, match="is a folder; expected a model file"):
        load_model(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "is not a regular file")  # without waiting for a writer
    monkeypatch.setattr(_archive, "MAX_FILE_BYTES", 1000)
    refused(dense_file, r"has \d+ bytes; expected at most 1000")


def test_a_second_directory_is_refused(dense_file):
    content = dense_file.read_bytes()
    locator = b"PK\x06\x07" + bytes(16)
    dense_file.write_bytes(content[:-22] + locator + content[-22:])
    refused(dense_file, "a zip of 64-bit entries; expected model.json")


def model(d):
    return d["model"]


def change(**items):
    return lambda d: d["model"].update(items)


def parameter(**items):
    return lambda d: d["model"]["parameters"].update(items)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d.update(format="ONNX"), "format is 'ONNX'; expected 'sk_fer model'"),
        (lambda d: d.update(format_version=0), "format version 0, written by sk_fer .*; this ver"),
        (lambda d: d.update(format_version=True), "format_version is True; expected int"),
        (lambda d: d.update(more=1), r"has unknown items: \['more'\]"),
        (lambda d: d.update(versions={"sk_fer": "\x1b[2J"}), "versions is .*; expected a version"),
        (lambda d: d.pop("model"), "has no 'model'"),
        (change(**{"class": "os.system"}), "is of class 'os.system'; expected FERCNN"),
        (change(**{"class": "FERCNNClassifier"}), "parameters of FERCNNClassifier: unknown"),
        (change(steps=[]), "has steps but is of class 'FERDenseClassifier'"),
        (parameter(callbacks=[]), "parameters of FERDenseClassifier: unknown callbacks; expected"),
        (parameter(checkpoint="/tmp"), "unknown checkpoint"),
        (parameter(lr=-1.0), "The 'lr' parameter of FERDenseClassifier must be a float in the ran"),
        (parameter(max_epochs=10**19), "max_epochs is 10000000000000000000; expected a 64-bit"),
        (parameter(augment=[0] * 20_000), "a value has more than 10000 parts"),
        (parameter(augment={"pickle": []}), "is not a valid value; expected an encoded"),
        (
            change(network={"hidden_layer_sizes": [2**40]}),
            r"network.features.1.weight are .*expected float32",
        ),
        (
            change(network={"hidden_layer_sizes": [2**62, 2**62]}),
            "cannot build the network|expected float32",
        ),
        (change(network={"hidden_layer_sizes": [1] * 9000}), "has 9000 layers, but there are 4 ar"),
        (change(network={"hidden_layer_sizes": ["8"]}), "hidden_layer_sizes=.*expected int"),
        (change(image_shape_=[2**20, 2**20, 1]), "image_shape_ is .*; expected height, width and"),
        (
            change(image_shape_=[8, 8, 1]),
            r"image_shape_ is \(8, 8, 1\), which contradicts n_features_in_=256",
        ),
        (change(feature_names_in_=["a"]), "feature_names_in_ is not one unique name per feature"),
        (change(seed=-1), "seed is -1; expected 0 to"),
        (change(device="hpu"), "device is 'hpu'; expected cpu, cuda, mps or xpu"),
        (change(precision="int8"), "precision is 'int8'; expected one of"),
        (change(normalize="dataset"), "the weights prepare.mean, prepare.std are missing"),
        (change(history=[{"dict": [["epoch", 2]]}]), "row 1 of history is not valid"),
        (
            change(classes_={"dtype": "str", "values": ["b", "a"]}),
            "expected two or more sorted, unique",
        ),
        (change(classes_={"dtype": "uint8", "values": [1, 999]}), "classes_: "),
        (change(classes_={"dtype": "O", "values": [1, 2]}), "are not labels of dtype 'O'"),
        (change(classes_={"dtype": "str", "values": ["a", "b"]}), r"expected float32 \(2, 8\)"),
        (
            change(classes_={"dtype": "str", "values": ["", *map(str, range(999)), "x" * 9999]}),
            "the labels are too long or too many",
        ),
    ],
)
def test_descriptions(edit, words, dense_file):
    entries = read_entries(dense_file.read_bytes())
    description = json.loads(entries["model.json"])
    edit(description)
    entries["model.json"] = json.dumps(description).encode()
    dense_file.write_bytes(seal(entries))
    refused(dense_file, words)


@pytest.mark.parametrize(
    ("step", "items", "words"),
    [
        (0, {"class": "FunctionTransformer"}, "is of class 'FunctionTransformer'; expected FER"),
        (
            0,
            {"parameters": {"image_size": {"tuple": [10**5, 10**5]}}},
            "image_size is .*of at most 1048576 pi",
        ),
        (
            0,
            {"parameters": {"image_size": [9, 9]}},
            r"n_features_out_ is 64, which contradicts images of \(9, 9\)",
        ),
        (1, {"parameters": {"kernel_size": [10**9, 1]}}, "kernel_size is"),
        (3, {"image_shape_": [4, 16, 1]}, r"mean_ has the shape \(8, 8, 1\); expected \(4, 16"),
        (3, {"parameters": {"method": "image"}, "class": "ImageReader"}, "unknown method"),
        (4, {"output": "os"}, "output is 'os'"),
        (4, {"class": None}, "has unknown items"),
        (5, {"name": "passthrough"}, "Names provided are not unique"),
    ],
)
def test_pipelines(step, items, words, models, tmp_path):

    path = tmp_path / "model.skfer"
    save_model(models["pipeline"], path)
    entries = read_entries(path.read_bytes())
    description = json.loads(entries["model.json"])
    description["model"]["steps"][step].update(items)
    entries["model.json"] = json.dumps(description).encode()
    path.write_bytes(seal(entries))
    refused(path, words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[" * 100_000, "model.json is not valid: it is nested too deeply"),
        (b'{"a": NaN}', "it contains NaN"),
        (b'{"a": 1e999}', "it contains 1e999, which is not a finite number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "it contains a number of 5000 digits"),
        (b'{"a": 1, "a": 2}', "it contains an object with a repeated key"),
        (b"\xff", "'utf-8' codec can't decode"),
        (b"3", "model.json is 3; expected an object"),
        (b" " * (16 << 20) + b"3", "model.json has 16777217 bytes; expected at most 16777216"),
    ],
)
def test_json_of_any_kind(text, words, dense_file):
    entries = read_entries(dense_file.read_bytes())
    dense_file.write_bytes(seal({**entries, "model.json": text}))
    refused(dense_file, words)


def weights(header, data=b""):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has a header of 0 bytes"),
        (b"\xff" * 8, "has a header of 18446744073709551615 bytes; expected at most 1048576"),
        (
            weights({"a": {"dtype": "F32", "shape": [5 * 10**12], "data_offsets": [0, 10**13]}}),
            "weights.safetensors is damaged or not a safetensors file",
        ),
        (
            weights({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\0\0\xc0\x7f"),
            "a contains NaN, infinity",
        ),
        (
            weights({"a": {"dtype": "BOOL", "shape": [1], "data_offsets": [0, 1]}}, b"\1"),
            "or values that are not numbers",
        ),
        (weights({}), "there are 0 arrays|are missing"),
    ],
)
def test_weights_of_any_kind(content, words, dense_file):
    entries = read_entries(dense_file.read_bytes())
    dense_file.write_bytes(seal({**entries, "weights.safetensors": content}))
    refused(dense_file, words)


def test_weights_of_another_network(models, dense_file, tmp_path):
    save_model(models["cnn"], tmp_path / "cnn.skfer")
    entries = read_entries(dense_file.read_bytes())
    other = read_entries((tmp_path / "cnn.skfer").read_bytes())
    dense_file.write_bytes(seal({**entries, "weights.safetensors": other["weights.safetensors"]}))
    refused(dense_file, "the weights network.features.1.bias, network.features.1.w")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="limits memory as Linux does")
def test_fuzz_some(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            result = fuzz(240, 1, tmp_path, Audit())
    finally:
        torch.set_num_threads(threads)
    assert result.failures == []
    assert result.outcomes["the same predictions"] > 10
    assert result.outcomes["refused"] > 150


def test_a_precision_that_the_device_lacks_is_replaced(dense_file):
    entries = read_entries(dense_file.read_bytes())
    description = json.loads(entries["model.json"])
    description["model"]["precision"] = "float16"
    dense_file.write_bytes(seal({**entries, "model.json": json.dumps(description).encode()}))
    assert load_model(dense_file).net_.precision != torch.float16
