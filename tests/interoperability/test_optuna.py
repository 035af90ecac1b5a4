"""Optuna searches over our classifiers and prunes their fits."""

import importlib.util
import re
from functools import wraps
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.preprocessing import HistogramEqualizer

pytest.importorskip("optuna")
pytest.importorskip("optuna_integration")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:OptunaSearchCV is experimental"),
    pytest.mark.filterwarnings("ignore:`optuna.terminator` module has been deprecated"),
]

LEARNS = 0.05  # the default of the optimizer


@pytest.fixture(autouse=True)
def quiet_optuna():
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def test_search_finds_the_rate_that_learns(network, three_expressions):
    import optuna
    from optuna_integration import OptunaSearchCV

    X, y = three_expressions
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.GridSampler({"lr": [1e-8, LEARNS]}, seed=0),
    )
    search = OptunaSearchCV(
        network,
        {"lr": optuna.distributions.FloatDistribution(1e-8, 1.0)},
        cv=2,
        n_trials=2,
        random_state=0,
        study=study,
    ).fit(X, y)
    assert search.best_params_ == {"lr": LEARNS}
    assert search.best_score_ > 0.7
    assert search.predict(X[:2]).dtype == y.dtype


def test_pruning_of_partial_fit(network, three_expressions):
    import optuna
    from optuna_integration import OptunaSearchCV

    X, y = three_expressions
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.GridSampler({"lr": [1e-8, LEARNS]}, seed=0),
        pruner=optuna.pruners.NopPruner(),
    )
    search = OptunaSearchCV(
        network,
        {"lr": optuna.distributions.FloatDistribution(1e-8, 1.0)},
        cv=2,
        enable_pruning=True,
        max_iter=6,
        n_trials=2,
        study=study,
    ).fit(X, y)
    assert search.best_params_ == {"lr": LEARNS}
    assert [len(trial.intermediate_values) for trial in search.trials_] == [6, 6]


def test_callback_prunes_a_fit(network, three_expressions):
    import optuna
    from optuna_integration import SkorchPruningCallback

    X, y = three_expressions
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=1e-6))
    trial = study.ask()
    callback = SkorchPruningCallback(trial, "valid_loss")
    network.set_params(validation_fraction=0.2, callbacks=[callback])
    with pytest.raises(optuna.TrialPruned, match="pruned at epoch 0"):
        network.fit(X, y)
    reported = trial.study.trials[0].intermediate_values
    assert list(reported) == [0]
    assert np.isfinite(reported[0])


@pytest.fixture
def storage(tmp_path):
    return f"sqlite:///{tmp_path / 'study.db'}"


DENSE = FERDenseClassifier((8,), max_epochs=2, validation_fraction=0.2, random_state=0)


def test_a_search_over_a_pipeline_continues_its_study(three_expressions, storage):
    import optuna
    from optuna_integration import OptunaSearchCV

    model = Pipeline([("equalize", HistogramEqualizer()), ("dense", DENSE)])
    distributions = {
        "equalize__method": optuna.distributions.CategoricalDistribution(["global", "adaptive"]),
        "dense__lr": optuna.distributions.FloatDistribution(1e-3, 1e-1, log=True),
    }
    for n_trials in (1, 2):
        study = optuna.create_study(
            storage=storage, study_name="faces", direction="maximize", load_if_exists=True
        )
        search = OptunaSearchCV(
            model, distributions, cv=2, n_trials=1, study=study, error_score="raise"
        ).fit(*three_expressions)
        assert search.n_trials_ == n_trials
    best = clone(model).set_params(**search.best_params_).fit(*three_expressions)
    X = three_expressions[0]
    np.testing.assert_array_equal(search.predict_proba(X), best.predict_proba(X))


def test_a_clone_in_a_pipeline_reports_to_a_study_in_a_file(three_expressions, storage):
    import optuna
    from optuna_integration import SkorchPruningCallback

    study = optuna.create_study(storage=storage, direction="maximize")
    callback = SkorchPruningCallback(study.ask(), "valid_acc")
    dense = clone(DENSE).set_params(callbacks=[callback])
    model = clone(Pipeline([("equalize", HistogramEqualizer()), ("dense", dense)]))
    model.fit(*three_expressions)
    reported = study.trials[0].intermediate_values
    assert list(reported.values()) == model["dense"].history_["valid_accuracy"].tolist()


def test_the_example_goes_on_after_it_was_stopped(monkeypatch, capsys, tmp_path):
    path = Path(__file__).parents[2] / "examples" / "optuna_study.py"
    spec = importlib.util.spec_from_file_location("optuna_study", path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    for name, value in {"N_SEARCH": 84, "N_REPORT": 42, "N_TRIALS": 3, "N_EPOCHS": 1}.items():
        monkeypatch.setattr(example, name, value)
    fit, lrs = FERCNNClassifier.fit, []

    @wraps(fit)
    def stop_in_the_second_trial(self, *arguments, **parameters):
        lrs.append(self.lr)
        if len(lrs) == 2:
            raise SystemExit
        return fit(self, *arguments, **parameters)

    monkeypatch.setattr(FERCNNClassifier, "fit", stop_in_the_second_trial)
    with pytest.raises(SystemExit):
        example.main(tmp_path / "study.db")
    assert "0 of 3 trials ended before" in capsys.readouterr().out
    example.main(tmp_path / "study.db")
    printed = capsys.readouterr().out
    assert "1 of 3 trials ended before" in printed
    assert re.search(r"^accuracy on other images: 0\.\d+$", printed, re.M)
    assert len(lrs) == 2 + 2 + 1  # the last fit is that of the best parameters
