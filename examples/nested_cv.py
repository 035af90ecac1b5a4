"""
Nested cross-validation
=======================

It gives an honest estimate of the accuracy of a search, and can be resumed.

::

    python examples/nested_cv.py results.json CK+48/

The score of the best candidate of a search is too high, because it was chosen by this score. Here,
a search chooses and trains a model on all outer folds but one, and the model is scored on the one
that is left. This is repeated for each outer fold. No image is scored by a model that it helped to
choose, and no person is in two folds, neither of the outer nor of the inner ones.

The predictions for an outer fold are written to the file as soon as they are known. If the script
is stopped, the same command continues with the next outer fold. Without data, it uses drawn faces.
"""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline

from sk_fer import FERCNNClassifier
from sk_fer.datasets import load_faces, make_faces
from sk_fer.metrics import bootstrap_interval
from sk_fer.model_selection import grid_search
from sk_fer.preprocessing import HistogramEqualizer

N_OUTER, N_INNER, N_EPOCHS, N_FACES = 5, 3, 8, 840


def read(path: Path | None):
    """Return images, expressions and the person of each image."""
    if path is None:
        X, y = make_faces(N_FACES, random_state=0)
        return X, y, np.arange(N_FACES) // 21  # 21 faces, three of each expression
    faces = load_faces(path)
    if faces.groups is None:
        raise SystemExit(f"{path} does not name the people")
    return faces.images, faces.target, faces.groups


def make_search(X, y, people):
    """Return the model that a search over inner folds chooses and trains on all these images."""
    pipeline = Pipeline(
        [("equalize", HistogramEqualizer()), ("cnn", FERCNNClassifier(random_state=0))]
    ).set_params(cnn__max_epochs=N_EPOCHS)
    grid = {"equalize": ["passthrough", HistogramEqualizer()], "cnn__lr": [0.02, 0.05]}
    return grid_search(pipeline, grid, X, y, groups=people, cv=N_INNER)


def main(results_file: Path, path: Path | None = None) -> None:
    X, y, people = read(path)
    outer = StratifiedGroupKFold(N_OUTER, shuffle=True, random_state=0)
    settings = {"data": str(path), "n_images": len(X), "epochs": N_EPOCHS}
    settings |= {"outer_folds": N_OUTER, "inner_folds": N_INNER}
    results = {"settings": settings, "folds": []}
    if results_file.exists():
        results = json.loads(results_file.read_text())
        if results["settings"] != settings:
            raise SystemExit(f"{results_file} has other settings: {results['settings']}")
        print(f"{len(results['folds'])} of {N_OUTER} outer folds are in {results_file}")

    folds = list(outer.split(X, y, people))
    for train, test in folds[len(results["folds"]) :]:
        search = make_search(X[train], y[train], people[train])
        predicted = search.predict(X[test])
        fold = {
            "chosen": {name: str(value) for name, value in search.best_params_.items()},
            "score_of_the_search": float(search.best_score_),
            "accuracy": float(np.mean(predicted == y[test])),
            "predicted": predicted.tolist(),
        }
        results["folds"].append(fold)
        # A file that is moved into place is never half written.
        aside = results_file.with_suffix(".part")
        aside.write_text(json.dumps(results))
        aside.replace(results_file)
        print(f"outer fold {len(results['folds'])}: accuracy {fold['accuracy']:.3f}, ", end="")
        print(f"chosen with {fold['score_of_the_search']:.3f}: {fold['chosen']}")

    y_true = np.concatenate([y[test] for _, test in folds])
    y_pred = np.concatenate([fold["predicted"] for fold in results["folds"]])
    interval = bootstrap_interval(y_true, y_pred)
    print(f"accuracy {interval.score:.3f}, 95% interval {interval.low:.3f} to {interval.high:.3f}")
    best = np.mean([fold["score_of_the_search"] for fold in results["folds"]])
    print(f"mean score by which the models were chosen: {best:.3f}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:3]))
