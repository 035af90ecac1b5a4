"""Optuna searches over our classifiers and prunes their fits."""

import numpy as np
import pytest

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
