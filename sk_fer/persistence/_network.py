"""Converts the network of a fitted estimator to JSON and arrays, and back."""

import re
from typing import Any, NamedTuple

import numpy as np

from sk_fer.persistence._arrays import Arrays, pack_arrays, unpack_arrays
from sk_fer.persistence._errors import ModelFormatError, require, shown
from sk_fer.persistence._parameters import build
from sk_fer.persistence._plain import Fields, decode, encode
from sk_fer.persistence._version_1 import rename_weights

_DEVICE = re.compile(r"(cpu|mps|xpu|cuda)(:\d{1,2})?")
_MAX_BATCH = 2**31 - 1
_MAX_LAYERS = 100
_WEIGHTS = re.compile(r"(steps\.[0-9]+\.)?network\.")


class Written(NamedTuple):
    """The format version of a file, and the versions of the libraries that wrote it."""

    format_version: int
    versions: dict[str, str]


def describe_network(estimator: Any, arrays: Arrays) -> dict[str, Any]:
    """Return the content of a model file for the network of a fitted estimator.

    Parameters
    ----------
    estimator : BaseFERClassifier or FERFeatures
        The fitted estimator.
    arrays : dict of str to ndarray
        The weights are added, with the names that they have in the state of the module.

    Returns
    -------
    dict
        The items that :func:`restore_network` takes.
    """
    state = estimator.__getstate__()
    stored = state["_stored_net"]
    arrays.update(unpack_arrays(stored["weights"]))
    described = {
        "image_dtype": state["_image_dtype"],
        "network": _network_parameters(estimator),
        "normalize": state["_module_config"]["normalize"],
        "seed": state["_seed"],
        "device": stored["device"],
        "precision": stored["precision"],
        "batch_size": stored["batch_size"],
    }
    if hasattr(estimator, "classes_"):
        described["history"] = [encode(row) for row in stored["history"]]
    return described


def restore_network(estimator: Any, fields: Fields, arrays: Arrays, written: Written) -> None:
    """Give an estimator the network that a file describes.

    Parameters
    ----------
    estimator : BaseFERClassifier or FERFeatures
        The estimator with its parameters, the sizes of its images and its classes.
    fields : Fields
        The items of the file. Those of :func:`describe_network` are taken.
    arrays : dict of str to ndarray
        The weights of this network and no other arrays.
    written : Written
        The format and the libraries of the file.

    Raises
    ------
    ModelFormatError
        If the content differs from what `describe_network` writes, or if the weights are not
        those of the network.
    """
    classes = getattr(estimator, "classes_", ())
    config = {
        **_network(type(estimator), fields.take("network", dict), len(arrays)),
        "image_shape": estimator.image_shape_,
        "n_classes": len(classes),
        "normalize": _take_one_of(fields, "normalize", ("image", "dataset", "none")),
    }
    _check_not_changed(config, written)
    stored = {
        "history": _take_history(fields) if len(classes) else [],
        "device": _take_device(fields),
        "precision": _take_one_of(fields, "precision", ("float32", "bfloat16", "float16")),
        "batch_size": fields.take_size("batch_size", least=1, most=_MAX_BATCH),
        "weights": pack_arrays(_check_weights(arrays, config, written)),
    }
    state = {
        "versions_": written.versions,
        "_image_dtype": _take_one_of(fields, "image_dtype", ("uint8", "float32")),
        "_seed": fields.take_size("seed", least=0, most=2**31 - 1),
        "_module_config": config,
        "_stored_net": stored,
    }
    estimator.__setstate__({**vars(estimator), **state})


def half_precision(arrays: Arrays) -> Arrays:
    """Return the arrays of a file with the weights of its networks rounded to float16.

    Parameters
    ----------
    arrays : dict of str to ndarray
        All arrays of the file. Those that are not weights of a network are returned as they are.

    Raises
    ------
    ValueError
        If a weight is too large.
    """
    rounded = dict(arrays)
    for name, array in arrays.items():
        if not _WEIGHTS.match(name) or array.dtype != np.float32:
            continue
        with np.errstate(over="ignore"):
            rounded[name] = array.astype(np.float16)
        if np.isinf(rounded[name]).any():
            raise ValueError(
                f"dtype='float16' cannot contain the weights {name}, of which one is "
                f"{np.abs(array).max():g}; the largest is {np.finfo(np.float16).max:g}; set "
                "dtype='float32'"
            )
    return rounded


def rebuilt(estimator: Any, *, device: str, precision: str) -> Any:
    """Return a copy of a fitted estimator on another device and in another precision.

    Parameters
    ----------
    estimator : BaseFERClassifier or FERFeatures
        The fitted estimator.
    device : str
        The device, as the parameter of the estimators.
    precision : {"auto", "float32", "bfloat16", "float16"}
        The precision, as the parameter of the estimators.
    """
    state = estimator.__getstate__()
    state["_stored_net"].update(device=device, precision=precision)
    kind: Any = type(estimator)
    copy = kind.__new__(kind)
    copy.__setstate__(state)
    return copy


def _network_parameters(estimator: Any) -> dict[str, Any]:
    """Return the parameters that the network was built with, which may differ from today's."""
    config = estimator._module_config
    named = {"architecture": config["network"]} if hasattr(estimator, "architecture") else {}
    options = {name: value for name, value in config["options"].items() if hasattr(estimator, name)}
    return {**named, **options}


def _network(kind: type, node: dict[str, Any], n_arrays: int) -> dict[str, Any]:
    """Return the name and the options of the network that the parameters describe."""
    network = build(kind, node)
    try:
        name, options = network._network()
    except (ValueError, TypeError) as error:
        raise ModelFormatError(f"network: {error}") from error
    layers = options.get("hidden_layer_sizes", ())
    require(
        len(layers) < min(n_arrays, _MAX_LAYERS),
        f"network has {len(layers)} layers, but there are {n_arrays} arrays; expected fewer layers "
        f"than arrays, and fewer than {_MAX_LAYERS}",
    )
    return {"network": name, "options": options}


def _check_not_changed(config: dict[str, Any], written: Written) -> None:
    """Refuse weights that today's network accepts, but computes other predictions with."""
    networks = (config["network"], config["options"].get("backbone"))
    require(
        written.format_version > 2 or "accurate" not in networks,
        f"format version {written.format_version} has the weights of another network 'accurate', "
        "whose first convolution had no max-pool; train the model again",
    )


def _check_weights(arrays: Arrays, config: dict[str, Any], written: Written) -> Arrays:
    """Compare the weights with the network, built without memory, and return them."""
    import torch

    from sk_fer.modules import build_module

    try:
        with torch.device("meta"):
            expected = build_module(**config).state_dict()
    except (RuntimeError, OverflowError, TypeError, ValueError) as error:
        raise ModelFormatError(f"cannot build the network {shown(config)}: {error}") from error
    if written.format_version == 1:
        arrays = rename_weights(arrays, expected)
    missing, unknown = sorted(set(expected) - set(arrays)), sorted(set(arrays) - set(expected))
    require(not missing, f"the weights {', '.join(missing):.200} are missing")
    require(not unknown, f"there are unknown arrays, {', '.join(unknown):.200}")
    for name, tensor in expected.items():
        shape, dtype = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
        found = arrays[name]
        if found.dtype == np.float16 and _WEIGHTS.match(name) and tensor.is_floating_point():
            found = arrays[name] = found.astype(np.float32)
        require(
            (found.shape, found.dtype.name) == (shape, dtype),
            f"the weights {name} are {found.dtype} {found.shape}; expected {dtype} {shape}",
        )
    require(
        np.all(arrays.get("prepare.std", 1) != 0),
        "the weights prepare.std contain 0 and are a divisor",
    )
    return arrays


def _take_one_of(fields: Fields, name: str, choices: tuple[str, ...]) -> str:
    value = fields.take(name, str)
    require(
        value in choices, f"{fields.where}: {name} is {shown(value)}; expected one of {choices}"
    )
    return value


def _take_device(fields: Fields) -> str:
    device = fields.take("device", str)
    require(
        _DEVICE.fullmatch(device),
        f"{fields.where}: device is {shown(device)}; expected cpu, cuda, mps or xpu",
    )
    return device


def _take_history(fields: Fields) -> list[dict[str, Any]]:
    history = []
    for number, node in enumerate(fields.take("history", list), 1):
        row = decode(node)
        require(
            isinstance(row, dict)
            and all(type(key) is str for key in row)
            and row.get("epoch") == number
            and all(type(row.get(key)) is float for key in ("train_loss", "lr", "dur"))
            and "batches" not in row,
            f"{fields.where}: row {number} of history is not valid",
        )
        history.append(row)
    return history
