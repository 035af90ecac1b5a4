import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

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


def test_curves_are_the_columns_of_the_history(axes):
    display = HistoryDisplay(HISTORY).plot(ax=axes)
    assert display.figure_ is axes[0].figure
    for ax, measure in zip(display.axes_, ["loss", "accuracy"], strict=True):
        assert [line.get_label() for line in ax.lines] == ["Training", "Validation"]
        for line, prefix in zip(ax.lines, ["train", "valid"], strict=True):
            np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
            np.testing.assert_array_equal(line.get_ydata(), HISTORY[f"{prefix}_{measure}"])


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
