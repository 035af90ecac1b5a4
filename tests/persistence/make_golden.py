"""Write the golden files of a format version that has none yet.

    python tests/persistence/make_golden.py

Those of a version are made once, when it is new, and never again: test_golden.py reads them from
then on. The images have 8 x 8 pixels, so that the files are small.
"""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_fer import FERCNNClassifier, FERDenseClassifier, save_model
from sk_fer.datasets import make_faces
from sk_fer.persistence._model_file import FORMAT_VERSION
from sk_fer.preprocessing import HistogramEqualizer, ImageResizer, ImageStandardizer

FOLDER = Path(__file__).parent / "golden"
IMAGES = FOLDER / "images.npy"


def models() -> dict[str, Any]:
    """Return a small model of each kind, not fitted; float32, which all machines have."""
    common: dict[str, Any] = {"random_state": 0, "device": "cpu", "precision": "float32"}
    return {
        "dense": FERDenseClassifier((8,), max_epochs=3, validation_fraction=0.2, **common),
        "cnn": FERCNNClassifier("sequential", max_epochs=1, **common),
        "pipeline": make_pipeline(
            ImageResizer((12, 10)),
            HistogramEqualizer("adaptive", kernel_size=(4, 4)),
            "passthrough",
            ImageStandardizer("dataset"),
            StandardScaler(),
            FERDenseClassifier((8, 6), max_epochs=2, normalize="dataset", tta=True, **common),
        ),
    }


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


if __name__ == "__main__":
    main()
