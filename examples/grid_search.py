"""
Search over preprocessing and network
=====================================

A grid search tries steps of a Pipeline and networks together. The best model is saved and loaded.

::

    python examples/grid_search.py fer2013.csv

The script uses 2,000 training images of FER2013, and reports the accuracy on 1,000 images of
PublicTest, which are not used in the search. Without a file, it uses drawn faces.
"""

import sys
import tempfile
from pathlib import Path

import joblib
import pandas as pd
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from sk_fer import FERCNNClassifier
from sk_fer.datasets import load_fer2013, make_faces
from sk_fer.model_selection import grid_search
from sk_fer.preprocessing import HistogramEqualizer, ImageResizer

N_SEARCH, N_REPORT = 2000, 1000
N_DRAWN = 420, 210


def read(path: Path | None):
    if path is None:
        X, y = make_faces(sum(N_DRAWN), random_state=0)
        return train_test_split(X, y, test_size=N_DRAWN[1], stratify=y, random_state=0)
    X, y = load_fer2013(path, subset="train", return_X_y=True)
    X, _, y, _ = train_test_split(X, y, train_size=N_SEARCH, stratify=y, random_state=0)
    X_valid, y_valid = load_fer2013(path, subset="validation", return_X_y=True)
    return X, X_valid[:N_REPORT], y, y_valid[:N_REPORT]


def main(path: Path | None = None) -> None:
    X_train, X_valid, y_train, y_valid = read(path)
    print(f"{len(X_train)} images to search on, {len(X_valid)} to report on")

    pipeline = Pipeline(
        [
            ("equalize", HistogramEqualizer()),
            ("resize", ImageResizer((24, 24))),
            ("cnn", FERCNNClassifier(optimizer="adam", lr=2e-3, max_epochs=8, random_state=0)),
        ]
    )
    search = grid_search(
        pipeline,
        {
            "equalize": [HistogramEqualizer("adaptive"), "passthrough"],
            "cnn__architecture": ["fast", "sequential"],
        },
        X_train,
        y_train,
        n_jobs=-1,
    )

    table = pd.DataFrame(search.cv_results_).sort_values("rank_test_score")
    columns = [c for c in table if c.startswith("param_")] + ["mean_test_score", "std_test_score"]
    print(table[columns].to_string(index=False, float_format="%.3f"))
    print("best:", search.best_params_)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "best.joblib")
        joblib.dump(search.best_estimator_, file)
        print(f"saved: {file.stat().st_size / 1e6:.1f} MB")
        model = joblib.load(file)
    print(f"accuracy of the reloaded model: {model.score(X_valid, y_valid):.3f}")
    print(classification_report(y_valid, model.predict(X_valid), zero_division=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
