"""A fitted classifier as JSON and arrays, and back."""

import re
from typing import Any, NamedTuple

import numpy as np

from sk_fer.persistence._arrays import Arrays, pack_arrays, unpack_arrays
from sk_fer.persistence._errors import ModelFormatError, require, shown
from sk_fer.persistence._images import describe_images, restore_images
from sk_fer.persistence._labels import describe_labels, restore_labels
from sk_fer.persistence._parameters import build, describe_parameters
from sk_fer.persistence._plain import Fields, decode, encode
from sk_fer.persistence._registry import CLASSIFIERS
from sk_fer.persistence._version_1 import rename_parameters, rename_weights

_IMAGES = ("n_features_in_", "image_shape_")
_DEVICE = re.compile(r"(cpu|mps|xpu|cuda)(:\d{1,2})?")
_OF_THIS_PROCESS = {
    "_skl_callbacks": "scikit-learn's callbacks",
    "_metadata_request": "metadata requests",
}
_MAX_BATCH = 2**31 - 1
_MAX_LAYERS = 100


class Written(NamedTuple):
    """What wrote a file."""

    format_version: int
    versions: dict[str, str]
    """Of the libraries."""


def describe_classifier(classifier: Any, arrays: Arrays, left_out: list[str]) -> dict[str, Any]:
    """Return what a model file says of a fitted classifier.

    Parameters
    ----------
    classifier : BaseFERClassifier
        Fitted.
    arrays : dict of str to ndarray
        Its weights are added, under the names they have in the module's state.
    left_out : list of str
        What no model file holds is added.
    """
    state = classifier.__getstate__()
    stored = state["_stored_net"]
    arrays.update(unpack_arrays(stored["weights"]))
    left_out += [
        f"{what} of {type(classifier).__name__}"
        for name, what in _OF_THIS_PROCESS.items()
        if name in state
    ]
    return {
        "class": type(classifier).__name__,
        "parameters": describe_parameters(classifier, left_out),
        "classes_": describe_labels(classifier.classes_),
        **describe_images(classifier, _IMAGES),
        "image_dtype": state["_image_dtype"],
        "network": _network_parameters(classifier),
        "normalize": state["_module_config"]["normalize"],
        "seed": state["_seed"],
        "history": [encode(row) for row in stored["history"]],
        "device": stored["device"],
        "precision": stored["precision"],
        "batch_size": stored["batch_size"],
    }


def restore_classifier(fields: Fields, arrays: Arrays, written: Written) -> Any:
    """Return the classifier that a file describes.

    Parameters
    ----------
    fields : Fields
        Of the file; all are taken.
    arrays : dict of str to ndarray
        The weights, and nothing else.
    written : Written
        Format and libraries of the file.

    Raises
    ------
    ModelFormatError
        If anything is not as `describe_classifier` could have written it, or the weights are
        not those of the network.
    """
    name = fields.take("class", str)
    require(
        name in CLASSIFIERS,
        f"{fields.where} is of class {shown(name)}; wanted {', '.join(CLASSIFIERS)}",
    )
    kind = CLASSIFIERS[name]
    parameters = fields.take("parameters", dict)
    if written.format_version == 1:
        parameters = rename_parameters(parameters)
    classifier = build(kind, parameters)
    classes = restore_labels(fields.take("classes_", dict), f"{fields.where}: classes_")
    restore_images(classifier, fields, _IMAGES)
    config = {
        **_network(kind, fields.take("network", dict), len(arrays)),
        "image_shape": classifier.image_shape_,
        "n_classes": len(classes),
        "normalize": _take_one_of(fields, "normalize", ("image", "dataset", "none")),
    }
    state = {
        **vars(classifier),
        "classes_": classes,
        "versions_": written.versions,
        "_image_dtype": _take_one_of(fields, "image_dtype", ("uint8", "float32")),
        "_seed": fields.take_size("seed", least=0, most=2**31 - 1),
        "_module_config": config,
        "_stored_net": {
            "history": _history(fields.take("history", list), fields.where),
            "device": _take_device(fields),
            "precision": _take_one_of(fields, "precision", ("float32", "bfloat16", "float16")),
            "batch_size": fields.take_size("batch_size", least=1, most=_MAX_BATCH),
        },
    }
    fields.finish()
    state["_stored_net"]["weights"] = pack_arrays(_check_weights(arrays, config, written))
    classifier.__setstate__(state)
    return classifier


def _network_parameters(classifier: Any) -> dict[str, Any]:
    """Return the parameters that made the network, which may have been changed since."""
    config = classifier._module_config
    named = {"architecture": config["network"]} if hasattr(classifier, "architecture") else {}
    return {**named, **config["options"]}


def _network(kind: type, node: dict[str, Any], n_arrays: int) -> dict[str, Any]:
    """Return a network's name and options, such as the classifier itself would choose."""
    network = build(kind, node)
    layers = getattr(network, "hidden_layer_sizes", ())
    layers = [layers] if isinstance(layers, int) else layers
    require(
        len(layers) < min(n_arrays, _MAX_LAYERS),
        f"network has {len(layers)} layers, and there are {n_arrays} arrays; wanted fewer than "
        f"those, and than {_MAX_LAYERS}",
    )
    try:
        name, options = network._network()
    except (ValueError, TypeError) as error:
        raise ModelFormatError(f"network: {error}") from error
    return {"network": name, "options": options}


def _check_weights(arrays: Arrays, config: dict[str, Any], written: Written) -> Arrays:
    """Compare the weights with the network, built where it takes no memory, and return them."""
    import torch

    from sk_fer.modules import build_module

    try:
        with torch.device("meta"):
            wanted = build_module(**config).state_dict()
    except (RuntimeError, OverflowError, TypeError, ValueError) as error:
        raise ModelFormatError(f"no network of {shown(config)} can be built: {error}") from error
    if written.format_version == 1:
        arrays = rename_weights(arrays, wanted)
    missing, unknown = sorted(set(wanted) - set(arrays)), sorted(set(arrays) - set(wanted))
    require(not missing, f"the weights lack {', '.join(missing):.200}")
    require(not unknown, f"there are unknown arrays, {', '.join(unknown):.200}")
    for name, tensor in wanted.items():
        shape, dtype = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
        found = arrays[name]
        require(
            (found.shape, found.dtype.name) == (shape, dtype),
            f"the weights {name} are {found.dtype} {found.shape}; wanted {dtype} {shape}",
        )
    require(np.all(arrays.get("prepare.std", 1) != 0), "the weights prepare.std contain 0")
    return arrays


def _history(rows: list[Any], where: str) -> list[dict[str, Any]]:
    history = []
    for number, node in enumerate(rows, 1):
        row = decode(node)
        require(
            isinstance(row, dict)
            and all(type(key) is str for key in row)
            and row.get("epoch") == number
            and all(type(row.get(key)) is float for key in ("train_loss", "lr", "dur"))
            and "batches" not in row,
            f"{where}: history is none, in its row {number}",
        )
        history.append(row)
    return history


def _take_one_of(fields: Fields, name: str, choices: tuple[str, ...]) -> str:
    value = fields.take(name, str)
    require(value in choices, f"{fields.where}: {name} is {shown(value)}; wanted one of {choices}")
    return value


def _take_device(fields: Fields) -> str:
    device = fields.take("device", str)
    require(
        _DEVICE.fullmatch(device),
        f"{fields.where}: device is {shown(device)}; wanted cpu, cuda, mps or xpu",
    )
    return device
