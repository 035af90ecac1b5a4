import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, ParameterGrid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sk_fer.inspection import SearchDisplay

RATES = [0.0001, 0.001, 0.01, 0.1]


@pytest.fixture
def ax():
    return Figure().subplots()


def table(grid, score="score", n_folds=3):
    """Return results whose mean scores are 0.00, 0.01, 0.02..."""
    candidates = list(ParameterGrid(grid))
    names = sorted({name for candidate in candidates for name in candidate})
    results = {f"param_{n}": [c.get(n, np.ma.masked) for c in candidates] for n in names}
    scores = np.arange(len(candidates))[:, None] / 100 + [[-0.005, 0.0, 0.005]]
    results |= {f"split{i}_test_{score}": scores[:, i] for i in range(n_folds)}
    results |= {f"mean_test_{score}": scores.mean(1), f"std_test_{score}": scores.std(1)}
    return pd.DataFrame(results)


def line_with(ax, label):
    return next(c for c in ax.containers if c.get_label() == label)[0]


def test_one_rate_has_a_logarithmic_axis_with_its_values(ax):
    results = table({"clf__lr": RATES})
    display = SearchDisplay.from_cv_results(results, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.0001", "0.001", "0.01", "0.1"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("lr", "Score")
    (line, _, (bars,)) = ax.containers[0]
    np.testing.assert_array_equal(line.get_xdata(), RATES)
    np.testing.assert_allclose(line.get_ydata(), results["mean_test_score"])
    spread = np.array([segment[:, 1] for segment in bars.get_segments()], dtype=float)
    mean, std = results["mean_test_score"], results["std_test_score"]
    np.testing.assert_allclose(spread, np.stack([mean - std, mean + std], 1))
    folds = [each for each in ax.lines if each.get_marker() == "_"]
    np.testing.assert_allclose(folds[0].get_ydata(), [-0.005, 0.0, 0.005], atol=1e-12)
    low, high = ax.get_ylim()
    assert low < -0.005
    assert high > 0.035
    star = next(each for each in ax.lines if each.get_marker() == "*")
    assert star.get_xdata()[0] == 0.1


@pytest.mark.parametrize(
    ("values", "scale"),
    [([0, 0.1, 0.5], "linear"), ([0.1, 0.2, 0.5], "linear"), ([8, 16, 32, 64], "log")],
)
def test_only_several_magnitudes_are_logarithmic(values, scale, ax):
    SearchDisplay.from_cv_results(table({"x": values}), ax=ax)
    assert ax.get_xscale() == scale


def test_lines_by_the_second_parameter_are_told_apart_without_colour(ax):
    grid = {"lr": RATES, "optimizer": ["adam", "sgd"]}
    results = table(grid)
    results.loc[0, "mean_test_score"] = np.nan  # lr=0.0001 with adam failed
    SearchDisplay.from_cv_results(results, ax=ax)
    assert ax.get_legend().get_title().get_text() == "optimizer"
    adam, sgd = line_with(ax, "adam"), line_with(ax, "sgd")
    np.testing.assert_allclose(sgd.get_ydata(), [0.01, 0.03, 0.05, 0.07])
    assert np.isnan(float(adam.get_ydata()[0]))
    assert adam.get_marker() != sgd.get_marker()
    assert adam.get_linestyle() != sgd.get_linestyle()
    assert [text.get_text() for text in ax.texts] == ["failed"]


def test_two_parameters_with_many_values_are_a_heat_map(ax):
    numbers = list(range(7))
    SearchDisplay.from_cv_results(table({"a": numbers, "b": numbers}), ax=ax)
    (image,) = ax.images
    np.testing.assert_allclose(image.get_array(), np.arange(49).reshape(7, 7) / 100)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("b", "a")
    assert ax.texts[0].get_text() == "0.000\n± 0.004"
    dark, light = to_rgba(image.cmap(1.0)), to_rgba(image.cmap(0.0))
    assert sum(dark[:3]) < sum(light[:3])
    (frame,) = ax.patches
    assert frame.get_xy() == (5.5, 5.5)


def test_more_parameters_are_parallel_coordinates(ax):
    results = table({"a": [1, 2], "s__b": ["x", "y"], "t__b": [None, True], "c": [1]})
    display = SearchDisplay.from_cv_results(results, ax=ax)
    assert display.params == ["a", "s__b", "t__b"]  # c has one value
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "s__b", "t__b"]
    lines = [line for line in ax.lines if len(line.get_xdata()) == 4]
    ends = {tuple(line.get_ydata()) for line in lines}
    assert (0, 0, 0, 0) in ends
    assert (1, 1, 1, 1) in ends
    assert len(ends) == 8
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["1", "2", "x", "y", "None", "True"]


def test_the_best_of_equal_candidates_is_shown(ax):
    results = table({"a": [1, 2], "b": [1, 2, 3]})
    display = SearchDisplay.from_cv_results(results, params=["a"], ax=ax)
    np.testing.assert_allclose(display.shown_["mean"], [0.02, 0.05])


def test_random_candidates_and_missing_values(ax):
    results = table([{"a": [1, 2]}, {"a": [1], "b": ["x"]}])
    display = SearchDisplay.from_cv_results(results, ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["(not set)", "x"]
    assert len(display.shown_) == 3
    rng = np.random.default_rng(0)
    columns = {"param_a": rng.random(20), "param_b": rng.random(20), "mean_test_score": range(20)}
    SearchDisplay.from_cv_results(pd.DataFrame(columns))
    assert not plt.gca().images
    plt.close("all")


def test_searches_of_scikit_learn(ax):
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    grid = {
        "logisticregression__C": [0.01, 1, 100],
        "standardscaler": [MinMaxScaler(), "passthrough"],
    }
    search = GridSearchCV(
        model, grid, cv=3, scoring=["accuracy", "f1_macro"], refit="f1_macro"
    ).fit(X, y)
    display = SearchDisplay.from_estimator(search, ax=ax)
    np.testing.assert_allclose(display.shown_["mean"], search.cv_results_["mean_test_f1_macro"])
    assert ax.get_ylabel() == "F1 macro"
    assert line_with(ax, "MinMaxScaler()").get_xdata().tolist() == [0.01, 1, 100]
    read = pd.DataFrame(search.cv_results_)
    display = SearchDisplay.from_cv_results(read, score="accuracy", ax=Figure().subplots())
    np.testing.assert_allclose(display.shown_["mean"], search.cv_results_["mean_test_accuracy"])
    with pytest.raises(ValueError, match=r"got score=None, expected one of accuracy, f1_macro"):
        SearchDisplay.from_cv_results(search.cv_results_)


def test_the_last_score_of_a_halving_search(ax):
    X, y = load_iris(return_X_y=True)
    search = HalvingGridSearchCV(
        LogisticRegression(max_iter=1000),
        {"C": [0.01, 1, 100]},
        resource="n_samples",
        min_resources=50,
        factor=3,
        cv=3,
    ).fit(X, y)
    display = SearchDisplay.from_estimator(search, ax=ax)
    assert len(display.shown_) == 3
    best = display.shown_[~display.shown_["stopped"]]
    assert best["C"].tolist() == [search.best_params_["C"]]
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert len(hollow[0].get_xdata()) == 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["stopped early"]


def test_candidates_that_were_stopped_are_explained_in_every_plot(ax):
    three = table({"a": [1, 2], "b": ["x", "y"], "c": [0, 1]})
    SearchDisplay.from_cv_results(three, ax=ax)
    assert ax.get_legend() is None
    three["iter"], three["n_resources"] = [0] * 7 + [1], [1] * 7 + [3]
    three.loc[0, "mean_test_score"] = np.nan
    SearchDisplay.from_cv_results(three, ax=ax)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["stopped early", "failed"]
    numbers = list(range(7))
    many = table({"a": numbers, "b": numbers})
    many["iter"], many["n_resources"] = [0] * 48 + [1], [1] * 48 + [3]
    cells = SearchDisplay.from_cv_results(many, ax=Figure().subplots()).ax_.texts
    assert cells[0].get_text() == "0.000\n± 0.004\nstopped early"
    assert cells[-1].get_text() == "0.480\n± 0.004"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"params": ["b"]}, ValueError, r"got params=\['b'\], expected a list of some of a"),
        ({"params": "a"}, ValueError, r"got params='a', expected a list of some of a"),
        ({"score": "loss"}, ValueError, "got score='loss', expected one of score"),
        ({"ax": 3}, TypeError, "got ax=3, expected matplotlib Axes"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        SearchDisplay.from_cv_results(table({"a": [1, 2]}), **arguments)


def test_estimators_without_results():
    with pytest.raises(NotFittedError):
        SearchDisplay.from_estimator(GridSearchCV(LogisticRegression(), {"C": [1]}))
    with pytest.raises(TypeError, match="LogisticRegression has no cv_results_"):
        SearchDisplay.from_estimator(LogisticRegression().fit([[0], [1]], [0, 1]))
