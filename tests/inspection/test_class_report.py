"""Scores of each class."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from sk_fer.inspection import class_report

Y_TRUE = ["happy", "happy", "happy", "sad", "sad", "fear"]
Y_PRED = ["happy", "sad", "angry", "sad", "happy", "sad"]


def test_means_are_over_the_classes_that_have_images():
    report = class_report(Y_TRUE, Y_PRED, classes=["angry", "happy", "sad"])
    assert report.table.index.tolist() == ["angry", "fear", "happy", "sad"]
    present = ["fear", "happy", "sad"]
    expected = precision_recall_fscore_support(Y_TRUE, Y_PRED, labels=present, zero_division=0)
    np.testing.assert_allclose(report.table.loc[present].to_numpy().T, expected)
    means = [np.mean(values) for values in expected[:3]]
    assert list(report.means.values()) == pytest.approx(means)
    assert report.table.loc["angry", ["precision", "recall", "f1-score"]].isna().all()
    assert report.table["support"].tolist() == [0, 1, 3, 2]
    assert report.accuracy == report.scores["accuracy"] == pytest.approx(2 / 6)
    assert (report.absent, report.unknown) == (["angry"], ["fear"])


def test_labels_set_the_order_and_leave_no_class_out():
    report = class_report(Y_TRUE, Y_PRED, labels=["sad", "contempt", "happy"])
    assert report.table.index.tolist() == ["sad", "happy", "angry", "fear"]
    assert (report.absent, report.unknown) == (["angry"], [])


def test_labels_can_be_numbers():
    report = class_report([0, 0, 2], [0, 2, 2], classes=[0, 1, 2])
    assert report.table.loc[0, "recall"] == 0.5
    assert report.absent == [1]


def test_no_images_and_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="got no images"):
        class_report([], [])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        class_report(["happy"], ["happy", "sad"])
