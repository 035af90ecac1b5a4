"""Prediction speed of sk_fer and of its alternatives.

    python benchmarks/predict.py [--only vgg fast] [--quick]

The time from uint8 images to probabilities of `FERCNNClassifier`, without and with mirror images
(`tta`); plain skorch, on floats that were made before; a torch loop tuned by hand
(channels_last, large batches, inference mode, the best precision of the hardware); and the exported
ONNX file in ONNX Runtime.
Writes results/predict_<network>.json, with `_cuda` at the end of the name on a GPU and `_bf16` on a
CPU with bfloat16.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from _harness import (
    Contestant,
    matrix_products,
    print_race,
    race,
    race_command_line,
    suffix,
    write_result,
)
from _peers import (
    flops_per_image,
    predict_by_hand,
    predict_sk_fer,
    predict_skorch,
    random_faces,
    sk_fer_classifier,
)

from sk_fer import export_onnx
from sk_fer.training import resolve_device, resolve_precision

NETWORKS = ("vgg", "fast")
IMAGES = {"cpu": {"vgg": 1024, "fast": 4096}, "cuda": {"vgg": 100_000, "fast": 100_000}}


def predict_onnx(name: str, n: int) -> Callable[[], object]:
    """Use the exported graph, from uint8 to probabilities, in ONNX Runtime."""
    import onnxruntime

    model = sk_fer_classifier(name, "cpu", "float32", max_epochs=1).fit(*random_faces(14))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        export_onnx(model, path)
        session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    (entry,) = session.get_inputs()
    X, _ = random_faces(n)
    images = X.reshape(n, *X.shape[1:], 1) if len(entry.shape) == 4 else X

    def run() -> None:
        for start in range(0, n, 256):
            session.run(["probabilities"], {entry.name: images[start : start + 256]})

    return run


def contestants(
    name: str, n: int, device: str, precision: str, *, quick: bool, compiled: bool
) -> list[Contestant]:
    """Return the ways to predict."""
    flops = flops_per_image(name, training=False) * n

    def contestant(
        title: str, prepare: Callable, *arguments: Any, precision: str = precision, passes: int = 1
    ) -> Contestant:
        return Contestant(title, prepare, (name, n, *arguments), n, passes * flops, precision)

    hand = (device, precision)
    entries = [
        contestant("sk_fer", predict_sk_fer, device, "auto", False),
        contestant("sk_fer, tta", predict_sk_fer, device, "auto", True, passes=2),
        contestant("skorch, float32", predict_skorch, device, precision="float32"),
        contestant("torch by hand", predict_by_hand, *hand, False),
    ]
    if compiled:
        entries.append(contestant("torch by hand, compiled", predict_by_hand, *hand, True))
    if device == "cpu":
        entries.append(contestant("ONNX Runtime, float32", predict_onnx, precision="float32"))
    return entries


def main() -> None:
    args = race_command_line(__doc__, NETWORKS).parse_args()
    device = resolve_device(args.device)
    precision = str(resolve_precision("auto", device)).removeprefix("torch.")
    on_gpu = device.type == "cuda"
    for name in args.only:
        default = 8 if args.quick else IMAGES["cuda" if on_gpu else "cpu"][name]
        n = args.images or default
        entries = contestants(
            name, n, device.type, precision, quick=args.quick, compiled=on_gpu and not args.quick
        )
        products = matrix_products(device.type, precision, quick=args.quick)
        result = race(products + entries, args.repeats, quick=args.quick).result("sk_fer")
        print_race(result, f"{name}, predict_proba: {n} images")
        facts = {
            "images": n,
            "device": device.type,
            "precision": precision,
            "torch_threads": torch.get_num_threads(),
        }
        ending = suffix(device.type, precision)
        write_result(f"predict_{name}{ending}", facts | result, args)


if __name__ == "__main__":
    main()
