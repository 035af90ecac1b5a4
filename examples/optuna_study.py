"""
Search with Optuna
==================

A study in a file can be stopped and resumed, and trials whose epochs are poor are pruned.

::

    pip install ".[optuna]"
    python examples/optuna_study.py study.db fer2013.csv

Stop the script at any time, with Ctrl-C or by ending its process. The same command continues the
study: the finished trials are in `study.db`, and the others are tried.

The script uses 2,000 training images of FER2013. A quarter of them scores the epochs of each trial,
and a trial whose epochs are worse than the median of the trials before it is pruned. The best model
is scored on 1,000 images of PublicTest, which no trial uses. Without a second file, the script uses
drawn faces.
"""

import sys
from pathlib import Path

import optuna
from optuna.trial import TrialState
from optuna_integration import SkorchPruningCallback
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sk_fer import FERCNNClassifier
from sk_fer.datasets import load_fer2013, make_faces
from sk_fer.preprocessing import HistogramEqualizer

N_SEARCH, N_REPORT, N_TRIALS, N_EPOCHS = 2000, 1000, 20, 8


def read(path: Path | None):
    if path is None:
        X, y = make_faces(N_SEARCH + N_REPORT, random_state=0)
        return train_test_split(X, y, test_size=N_REPORT, stratify=y, random_state=0)
    X, y = load_fer2013(path, subset="train", return_X_y=True)
    X, _, y, _ = train_test_split(X, y, train_size=N_SEARCH, stratify=y, random_state=0)
    X_report, y_report = load_fer2013(path, subset="validation", return_X_y=True)
    return X, X_report[:N_REPORT], y, y_report[:N_REPORT]


def make_model(trial):
    """Return the preprocessing and the classifier of a trial."""
    equalize = HistogramEqualizer(trial.suggest_categorical("equalize", ["global", "adaptive"]))
    classifier = FERCNNClassifier(
        lr=trial.suggest_float("lr", 0.003, 0.3, log=True),
        dropout=trial.suggest_float("dropout", 0.0, 0.5),
        label_smoothing=trial.suggest_categorical("label_smoothing", [0.0, 0.1]),
        max_epochs=N_EPOCHS,
        random_state=0,
    )
    return equalize, classifier


def open_study(path: Path) -> optuna.Study:
    """Create the study, or open it and enqueue the trials that were stopped."""
    storage = f"sqlite:///{path}"
    study = optuna.create_study(
        storage=storage, study_name="faces", direction="maximize", load_if_exists=True
    )
    for trial in study.get_trials(states=(TrialState.RUNNING,)):  # its process was ended
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    # A sampler with the same seed would repeat its first candidates after each start.
    study.sampler = optuna.samplers.TPESampler(seed=len(study.trials))
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2)
    return study


def main(study_file: Path, path: Path | None = None) -> None:
    X, X_report, y, y_report = read(path)
    # The epochs of all trials are scored on the same images, which none of them trains on.
    X_train, X_valid, y_train, y_valid = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=0
    )

    def objective(trial):
        equalize, classifier = make_model(trial)
        # Reports the accuracy on the validation images after each epoch, and ends a bad trial.
        classifier.set_params(callbacks=[SkorchPruningCallback(trial, "valid_acc")])
        classifier.fit(
            equalize.fit_transform(X_train),
            y_train,
            X_val=equalize.transform(X_valid),
            y_val=y_valid,
        )
        return classifier.score(equalize.transform(X_valid), y_valid)

    study = open_study(study_file)
    ended = study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
    print(f"{len(ended)} of {N_TRIALS} trials ended before")
    if len(ended) < N_TRIALS:
        study.optimize(objective, n_trials=N_TRIALS - len(ended))
    pruned = study.get_trials(states=(TrialState.PRUNED,))
    print(f"{len(pruned)} of {N_TRIALS} trials pruned")
    print(f"best: trial {study.best_trial.number}, {study.best_value:.3f}, {study.best_params}")

    model = make_pipeline(*make_model(study.best_trial)).fit(X, y)
    print(f"accuracy on other images: {model.score(X_report, y_report):.3f}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:3]))
