"""Write the golden files of the current format version.

    python -m tests.persistence.make_golden

The files of a version are written only once, and test_golden.py then reads them. The images have
8 x 8 pixels, so that the files are small. Because a backbone is large, only the JSON and the names,
shapes and types of the arrays are stored of a Pipeline with FERFeatures, and `features_file` fills
the arrays with numbers.
"""

import json
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_fer import FERCNNClassifier, FERDenseClassifier, FERFeatures, load_model, save_model
from sk_fer.datasets import make_faces
from sk_fer.persistence._model_file import FORMAT_VERSION
from sk_fer.preprocessing import HistogramEqualizer, ImageResizer, ImageStandardizer

FOLDER = Path(__file__).parent / "golden"
IMAGES = FOLDER / "images.npy"
FEATURES = FOLDER / f"v{FORMAT_VERSION}-features.json"


def models() -> dict[str, Any]:
    """Return a small model of each kind, not fitted; float32, which all machines have."""
    common: dict[str, Any] = {"random_state": 0, "device": "cpu", "precision": "float32"}
    return {
        "dense": FERDenseClassifier((8,), max_epochs=3, validation_fraction=0.2, **common),
        "cnn": FERCNNClassifier("sequential", max_epochs=1, **common),
        "pipeline": make_pipeline(
            ImageResizer((12, 10)),
            HistogramEqualizer("adaptive", kernel_size=(4, 4), image_shape=(12, 10)),
            "passthrough",
            ImageStandardizer("dataset", image_shape=(12, 10)),
            StandardScaler(),
            FERDenseClassifier((8, 6), max_epochs=2, normalize="dataset", tta=True, **common),
        ),
    }


def features_file(path: Path) -> bytes:
    """Return a model file of a Pipeline with FERFeatures, filled with numbers by rule."""
    from safetensors.numpy import save

    from .fuzz_model_files import seal

    described = json.loads(path.read_text("utf-8"))
    arrays = {}
    for name, (dtype, shape) in described["arrays"].items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        if name.endswith(("running_var", "var_", "scale_", "num_batches_tracked", "n_iter_")):
            arrays[name] = np.ones(shape, dtype)
        elif name.endswith("n_samples_seen_"):
            arrays[name] = np.full(shape, 56, dtype)
        else:
            arrays[name] = (rng.standard_normal(shape) / 16).astype(dtype)
    text = json.dumps(described["model.json"]).encode()
    return seal({"model.json": text, "weights.safetensors": save(arrays)})


def write_features(X: Any, y: Any, folder: Path) -> None:
    """Write the description of a Pipeline with FERFeatures, and what it predicts if filled."""
    from safetensors.numpy import load

    from .fuzz_model_files import read_entries

    backbone = FERFeatures(
        "fast", weights=None, input_size=16, random_state=0, device="cpu", precision="float32"
    )
    model = make_pipeline(backbone, StandardScaler(), LogisticRegression(max_iter=500)).fit(X, y)
    path = folder / "model.skfer"
    save_model(model, path)
    entries = read_entries(path.read_bytes())
    arrays = {
        name: [array.dtype.name, array.shape]
        for name, array in load(entries["weights.safetensors"]).items()
    }
    described = {"model.json": json.loads(entries["model.json"]), "arrays": arrays}
    FEATURES.write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    path.write_bytes(features_file(FEATURES))
    np.save(FEATURES.with_suffix(".npy"), load_model(path).predict_proba(np.load(IMAGES)))


def main() -> None:
    """Write what is missing."""
    FOLDER.mkdir(exist_ok=True)
    faces, y = make_faces(56, random_state=0)
    X = ImageResizer((8, 8)).fit_transform(faces)
    if not IMAGES.exists():
        np.save(IMAGES, X[:10])
    for name, model in models().items():
        path = FOLDER / f"v{FORMAT_VERSION}-{name}.skfer"
        if path.exists():
            continue
        model.fit(X, y)
        save_model(model, path)
        np.save(path.with_suffix(".npy"), model.predict_proba(np.load(IMAGES)))
        print(f"{path.name}: {path.stat().st_size} bytes")
    if not FEATURES.exists():
        with TemporaryDirectory() as folder:
            write_features(X, y, Path(folder))


if __name__ == "__main__":
    main()
