from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from sk_fer.inspection import ComparisonDisplay

TABLE = pd.DataFrame(
    {
        "accuracy": [0.4, 0.5, np.nan],
        "f1_macro": [0.3, 0.45, np.nan],
        "balanced_accuracy": [0.35, 0.42, np.nan],
        "log_loss": [1.5, 1.2, np.nan],
    },
    index=pd.Index(["dense", "fast", "broken"], name="estimator"),
)


@pytest.fixture
def ax():
    return Figure().subplots()


def test_bars_are_the_scores(ax):
    display = ComparisonDisplay.from_table(TABLE, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert [text.get_text() for text in ax.get_yticklabels()] == ["dense", "fast", "broken"]
    labels = [bars.get_label() for bars in ax.containers]
    assert labels == ["Accuracy", "Macro F1", "Balanced accuracy"]
    for bars, metric in zip(ax.containers, TABLE, strict=False):
        np.testing.assert_array_equal([bar.get_width() for bar in bars], TABLE[metric].fillna(0))
    assert [text.get_text() for text in ax.texts[:3]] == ["40.0%", "50.0%", "failed"]


def test_a_table_of_compare_with_classifiers_that_failed_or_were_interrupted(ax):
    errors = pd.array([pd.NA, "ValueError: too large", "interrupted"], dtype="string")
    table = TABLE.assign(error=errors).astype({"accuracy": object})
    table["accuracy"] = [0.4, None, None]
    ComparisonDisplay.from_table(table, metrics=["accuracy"], ax=ax)
    assert [text.get_text() for text in ax.texts] == ["40.0%", "failed", "interrupted"]
    assert [bar.get_width() for bar in ax.patches] == [0.4, 0, 0]


def test_bars_of_an_estimator_stand_at_its_name_and_do_not_overlap(ax):
    ComparisonDisplay(TABLE).plot(ax)
    spans = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert [round((start + end) / 2) for start, end in spans] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert ax.yaxis_inverted()


def test_metrics_are_chosen(ax):
    ComparisonDisplay(TABLE[["f1_macro"]]).plot(ax, metrics=["f1_macro"])
    assert [bars.get_label() for bars in ax.containers] == ["Macro F1"]


@pytest.fixture
def in_new_figure():
    """Plot into a new figure, with long names such as `compare` makes."""
    plt.switch_backend("agg")
    long = "FERPretrainedClassifier(backbone='test_resnet', weights=FERCNNClassifier)"
    display = ComparisonDisplay(TABLE.rename({"fast": long})).plot()
    yield display
    plt.close(display.figure_)


def test_new_figure(in_new_figure):
    assert in_new_figure.figure_.axes == [in_new_figure.ax_]


def test_long_names_leave_room(in_new_figure):
    figure, ax = in_new_figure.figure_, in_new_figure.ax_
    figure.canvas.draw()
    for artist in (ax.get_legend(), *ax.get_yticklabels(), *ax.texts):
        box = artist.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
    assert ax.bbox.width > 0.6 * figure.bbox.width


@pytest.mark.parametrize(
    ("table", "options", "kind", "words"),
    [
        ("scores", {}, ValueError, "got a table of type str, expected a DataFrame"),
        (TABLE[["accuracy"]], {}, ValueError, "with the columns accuracy, f1_macro"),
        (TABLE[:0], {}, ValueError, "of one row or more"),
        (TABLE, {"metrics": ["log_loss"]}, ValueError, r"got metrics=\['log_loss'\], expected"),
        (TABLE, {"metrics": "accuracy"}, ValueError, "got metrics='accuracy'"),
        (TABLE, {"metrics": []}, ValueError, "expected some of accuracy"),
        (TABLE, {"ax": 3}, TypeError, "got ax=3, expected matplotlib Axes"),
    ],
)
def test_bad_input(table, options, kind, words):
    with pytest.raises(kind, match=words):
        ComparisonDisplay.from_table(table, **options)
