import numpy as np
import pytest

from sk_fer.datasets import match_classes


def test_names_are_matched_by_their_meaning():
    matched, known = match_classes(
        ["Happiness", "happy", "afraid", "contempt", "bored"], ["HAPPY", "fear", "bored", "sad"]
    )
    assert matched.tolist() == ["HAPPY", "HAPPY", "fear", "contempt", "bored"]
    assert known.tolist() == [True, True, True, False, True]


def test_a_label_of_two_classes_stays_unknown():
    matched, known = match_classes(["happy"], ["Joy", "Happiness"])
    assert matched.tolist() == ["happy"]
    assert not known.any()


@pytest.mark.parametrize("labels", [np.array([2, 0, 5]), np.array([], dtype="U5")])
def test_codes_and_empty_labels_are_themselves(labels):
    matched, known = match_classes(labels, [0, 1, 2])
    assert matched.tolist() == labels.tolist()
    assert known.tolist() == [label in (0, 1, 2) for label in labels.tolist()]
