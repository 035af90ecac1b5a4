import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sk_fer import FERDenseClassifier
from sk_fer.inspection import HistoryDisplay

HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "train_loss": [2.0, 1.5, 1.2],
        "train_accuracy": [0.2, 0.4, 0.5],
        "valid_loss": [1.9, 1.6, 1.4],
        "valid_accuracy": [0.25, 0.35, 0.45],
    }
)


@pytest.fixture
def axes():
    return Figure().subplots(1, 2)


def curves(ax):
    return [line for line in ax.lines if line.get_marker() != "*"]


def stars(ax):
    return [(*line.get_xdata(), *line.get_ydata()) for line in ax.lines if line.get_marker() == "*"]


def test_curves_are_the_columns_of_the_history(axes):
    display = HistoryDisplay(HISTORY).plot(ax=axes)
    assert display.figure_ is axes[0].figure
    for ax, measure in zip(display.axes_, ["loss", "accuracy"], strict=True):
        assert [line.get_label() for line in curves(ax)] == ["Training", "Validation"]
        for line, prefix in zip(curves(ax), ["train", "valid"], strict=True):
            np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
            np.testing.assert_array_equal(line.get_ydata(), HISTORY[f"{prefix}_{measure}"])


def test_the_best_epoch_has_the_lowest_loss_on_validation_images(axes):
    history = HISTORY.assign(valid_loss=[1.9, 1.4, 1.5], valid_accuracy=[0.3, 0.4, 0.5])
    assert HistoryDisplay(history).plot(ax=axes).best_epochs_ == [2]
    assert [stars(ax) for ax in axes] == [[(2, 1.4)], [(2, 0.4)]]


def test_several_histories_differ_in_colour_and_marker(axes):
    other = HISTORY.assign(valid_loss=[1.8, 1.9, 2.0])
    display = HistoryDisplay(
        {"a": HISTORY, "b": other, "c": HISTORY.iloc[:, :3], "d": other.assign(valid_loss=np.nan)}
    ).plot(ax=axes)
    assert display.best_epochs_ == [3, 1, None, None]
    lines = curves(axes[0])
    assert [line.get_label() for line in lines[:5]] == [
        "a, training",
        "a, validation",
        "b, training",
        "b, validation",
        "c, training",
    ]
    assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines}) == 7
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 7
    legend = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert legend.count("Best epoch") == 1


def test_from_estimators_plots_each_by_its_name(axes, faces):
    X, y = faces
    model = FERDenseClassifier((8,), max_epochs=1, random_state=0).fit(X[:40], y[:40])
    display = HistoryDisplay.from_estimators({"a": model, "b": make_pipeline(model)}, ax=axes)
    assert list(display.history) == ["a", "b"]
    pd.testing.assert_frame_equal(display.history["b"], model.history_)


def test_without_validation_there_is_one_curve(axes):
    HistoryDisplay(HISTORY.iloc[:, :3]).plot(ax=axes)
    assert [line.get_label() for ax in axes for line in ax.lines] == ["Training", "Training"]


def test_from_estimator_plots_each_epoch(axes, faces):
    X, y = faces
    model = FERDenseClassifier((8,), max_epochs=2, random_state=0).fit(X[:40], y[:40])
    display = HistoryDisplay.from_estimator(model, ax=axes)
    assert len(display.axes_[0].lines[0].get_xdata()) == 2


def test_new_figure_has_two_axes():
    plt.switch_backend("agg")
    display = HistoryDisplay(HISTORY).plot()
    try:
        assert display.figure_.axes == display.axes_.tolist()
    finally:
        plt.close(display.figure_)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: HistoryDisplay.from_estimator(FERDenseClassifier()),
            NotFittedError,
            "not fitted yet",
        ),
        (
            lambda: HistoryDisplay.from_estimator(LogisticRegression().fit([[0], [1]], [0, 1])),
            TypeError,
            "LogisticRegression has no history_",
        ),
        (lambda: HistoryDisplay.from_estimators([]), TypeError, "of type list, expected a dict"),
        (lambda: HistoryDisplay.from_estimators({}), ValueError, "got no histories"),
        (
            lambda: HistoryDisplay.from_estimators({"a": FERDenseClassifier()}),
            NotFittedError,
            "not fitted yet",
        ),
        (
            lambda: HistoryDisplay(HISTORY).plot(ax=Figure().subplots(1, 3)),
            ValueError,
            "ax has 3 axes; expected two",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
