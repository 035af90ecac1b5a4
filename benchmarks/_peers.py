"""The same network and training steps with other libraries.

`plain_network` is sk_fer's network with PyTorch's layers instead of ours. The Keras model is built
from it layer by layer, so that all libraries train the same network.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from sk_fer import FERCNNClassifier
from sk_fer.modules import SeededDropout, WeightedBatchNorm2d, network_class

SIDE, N_CLASSES, BATCH = 48, 7, 128
LR, MOMENTUM = 0.01, 0.9


def random_faces(n: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return noise with FER2013's form; speed does not depend on what is in the pictures."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, SIDE, SIDE), dtype=np.uint8), rng.integers(0, N_CLASSES, n)


def as_floats(X: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images as floats, as users of other libraries prepare them."""
    return (X[:, None].astype(np.float32) - 127.5) / 127.5


def plain_network(name: str, **options: Any) -> nn.Module:
    """Return a network of sk_fer, of PyTorch's own layers."""
    network = network_class(name)((1, SIDE, SIDE), N_CLASSES, **options)
    for parent in list(network.modules()):
        for key, child in parent.named_children():
            if isinstance(child, SeededDropout):
                setattr(parent, key, nn.Dropout(child.p))
            elif isinstance(child, WeightedBatchNorm2d):
                setattr(parent, key, nn.BatchNorm2d(child.num_features))
    return network


def flops_per_image(name: str, *, training: bool, **options: Any) -> float:
    """Count the floating-point operations of matrix products and convolutions."""
    with torch.device("meta"):
        network = plain_network(name, **options).train(training)
        images, target = torch.empty(2, 1, SIDE, SIDE), torch.zeros(2, dtype=torch.long)
        with FlopCounterMode(display=False) as counter:
            loss = F.cross_entropy(network(images), target)
            if training:
                loss.backward()
    return counter.get_total_flops() / len(target)


# -- training: each returns the function that trains for some epochs -----------------------


def train_sk_fer(
    name: str, n: int, epochs: int, device: str, precision: str, more: dict[str, Any]
) -> Callable[[], object]:
    """Use FERCNNClassifier, without the augmentation that the peers lack."""
    X, y = random_faces(n)
    model = sk_fer_classifier(name, device, precision, max_epochs=epochs, **more)
    return lambda: model.fit(X, y)


def sk_fer_classifier(
    name: str, device: str, precision: str, *, batch_size: int = BATCH, **more: Any
) -> FERCNNClassifier:
    """Return the classifier with the peers' optimizer, on whole images without augmentation."""
    return FERCNNClassifier(
        name,
        progressive_resizing=False,
        optimizer="sgd",
        lr=LR,
        momentum=MOMENTUM,
        weight_decay=0.0,
        lr_schedule=None,
        label_smoothing=0.0,
        batch_size=batch_size,
        augment=None,
        warm_start=True,
        device=device,
        precision=precision,
        random_state=0,
        **more,
    )


def train_skorch(name: str, n: int, epochs: int, device: str) -> Callable[[], object]:
    """Use skorch's NeuralNetClassifier with its default data loader."""
    X, y = random_faces(n)
    floats = as_floats(X)
    net = skorch_classifier(name, device, max_epochs=epochs)
    return lambda: net.partial_fit(floats, y)


def skorch_classifier(name: str, device: str, **more: Any) -> Any:
    """Return a plain skorch classifier over the network, in float32."""
    from skorch import NeuralNetClassifier

    return NeuralNetClassifier(
        plain_network(name),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=MOMENTUM,
        optimizer__nesterov=True,
        lr=LR,
        batch_size=BATCH,
        iterator_train__shuffle=True,
        train_split=None,
        device=device,
        verbose=0,
        **more,
    )


def train_by_hand(
    name: str, n: int, epochs: int, device: str, precision: str, compiled: bool
) -> Callable[[], object]:
    """Use a loop tuned by hand: uint8 on the device, channels_last, a fused optimizer."""
    train = training_by_hand(*random_faces(n), name, device, precision, compiled)
    return lambda: train(epochs)


def training_by_hand(
    X: NDArray[np.uint8],
    y: NDArray[np.int64],
    name: str,
    device: str,
    precision: str,
    compiled: bool,
    *,
    batch_size: int = BATCH,
) -> Callable[[int], None]:
    """Return the loop of :func:`train_by_hand` over images, as a function of the epochs."""
    images, target = torch.from_numpy(X).to(device).view(-1, SIDE, SIDE), torch.from_numpy(y)
    target = target.to(device)
    network = plain_network(name).to(device, memory_format=torch.channels_last)
    _tune(network, device, compiled)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=LR, momentum=MOMENTUM, nesterov=True, fused=True
    )
    dtype = getattr(torch, precision)

    def run(epochs: int) -> None:
        network.train()
        for _ in range(epochs):
            for rows in torch.randperm(len(images), device=device).split(batch_size):
                with torch.autocast(device, dtype, enabled=dtype != torch.float32):
                    logits = network(_prepared(images[rows]))
                loss = F.cross_entropy(logits.float(), target[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def train_keras(name: str, n: int, epochs: int, precision: str) -> Callable[[], object]:
    """Use Keras 3 on TensorFlow: the same layers, compiled as Keras does by default."""
    X, y = random_faces(n)
    images = as_floats(X).transpose(0, 2, 3, 1)
    model = keras_model(name, precision)
    return lambda: model.fit(images, y, batch_size=BATCH, epochs=epochs, verbose=0)


def keras_model(name: str, precision: str) -> Any:
    """Build the plain network in Keras, layer by layer."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(torch.get_num_threads())
    keras.mixed_precision.set_global_policy(precision)

    def twin(layer: nn.Module) -> Any:
        match layer:
            case nn.Conv2d():
                padding = "same" if layer.padding[0] else "valid"
                bias = layer.bias is not None
                return keras.layers.Conv2D(
                    layer.out_channels, layer.kernel_size, padding=padding, use_bias=bias
                )
            case nn.ReLU():
                return keras.layers.ReLU()
            case nn.BatchNorm2d():
                return keras.layers.BatchNormalization(momentum=0.9, epsilon=layer.eps)
            case nn.MaxPool2d():
                return keras.layers.MaxPooling2D(layer.kernel_size)
            case nn.Dropout():
                return keras.layers.Dropout(layer.p)
            case nn.AdaptiveAvgPool2d():
                return keras.layers.GlobalAveragePooling2D()
            case nn.Flatten():
                return keras.layers.Flatten()
            case nn.Linear():
                return keras.layers.Dense(layer.out_features)
        raise TypeError(f"no Keras layer is known for {layer}")

    network = plain_network(name)
    layers = [twin(layer) for layer in network.modules() if not list(layer.children())]
    model = keras.Sequential([keras.Input((SIDE, SIDE, 1)), *layers])
    # The logits in float32, as the torch loops have them.
    model.add(keras.layers.Activation("linear", dtype="float32"))
    assert model.count_params() == sum(
        p.numel() for key, p in network.state_dict().items() if "num_batches" not in key
    )
    model.compile(
        keras.optimizers.SGD(LR, momentum=MOMENTUM, nesterov=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


# -- prediction: each returns the function that predicts all images ------------------------


def predict_sk_fer(
    name: str, n: int, device: str, precision: str, tta: bool
) -> Callable[[], object]:
    """Use predict_proba of FERCNNClassifier."""
    X, _ = random_faces(n)
    model = sk_fer_classifier(name, device, precision, max_epochs=1, tta=tta)
    model.fit(*random_faces(2 * N_CLASSES))
    return lambda: model.predict_proba(X)


def predict_skorch(name: str, n: int, device: str) -> Callable[[], object]:
    """Use predict_proba of skorch's NeuralNetClassifier."""
    floats = as_floats(random_faces(n)[0])
    net = skorch_classifier(name, device).initialize()
    return lambda: net.predict_proba(floats)


def predict_by_hand(
    name: str, n: int, device: str, precision: str, compiled: bool
) -> Callable[[], object]:
    """Use a loop tuned by hand: large batches, channels_last, inference mode."""
    return predicting_by_hand(random_faces(n)[0], name, device, precision, compiled)


def predicting_by_hand(
    X: NDArray[np.uint8], name: str, device: str, precision: str, compiled: bool
) -> Callable[[], NDArray]:
    """Return the loop of :func:`predict_by_hand` over images."""
    images = torch.from_numpy(X).to(device).view(-1, SIDE, SIDE)
    network = plain_network(name).to(device, memory_format=torch.channels_last).eval()
    _tune(network, device, compiled)
    dtype = getattr(torch, precision)
    batch = 1024 if device == "cuda" else 256

    @torch.inference_mode()
    def run() -> NDArray:
        parts = []
        for part in images.split(batch):
            with torch.autocast(device, dtype, enabled=dtype != torch.float32):
                logits = network(_prepared(part))
            parts.append(logits.float().softmax(1))
        return torch.cat(parts).cpu().numpy()

    return run


def _prepared(images: torch.Tensor) -> torch.Tensor:
    floats = images[:, None].float().sub_(127.5).div_(127.5)
    return floats.contiguous(memory_format=torch.channels_last)


def _tune(network: nn.Module, device: str, compiled: bool) -> None:
    if device == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    if compiled:
        network.compile()
