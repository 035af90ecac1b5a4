"""Faces are recognized from frame to frame by their boxes."""

import math

import numpy as np
import pytest

from sk_fer.faces._overlap import intersection_over_union
from sk_fer.faces._same_face import FacesOverTime

LEFT, RIGHT = [0.0, 0, 10, 10], [50.0, 0, 10, 10]


def test_numbers_follow_faces_that_move():
    faces = FacesOverTime(smooth=0.0, forget_after=1.0)
    numbers = [
        faces.update(0.1 * i, np.array([[50.0 - i, 0, 10, 10], [2.0 * i, 0, 10, 10]]), np.eye(2))[0]
        for i in range(5)
    ]
    assert numbers == [[0, 1]] * 5


def test_each_face_has_its_own_number_where_boxes_overlap():
    faces = FacesOverTime(smooth=0.0, forget_after=1.0)
    faces.update(0.0, np.array([LEFT]), np.ones((1, 1)))
    numbers, _ = faces.update(0.1, np.array([[3.0, 0, 10, 10], LEFT]), np.ones((2, 1)))
    assert numbers == [1, 0]


@pytest.mark.parametrize(("gap", "number"), [(1.0, 0), (1.1, 1)])
def test_face_is_forgotten_after_some_time(gap, number):
    faces = FacesOverTime(smooth=0.0, forget_after=1.0)
    faces.update(0.0, np.array([LEFT]), np.ones((1, 1)))
    assert faces.update(gap, np.array([LEFT]), np.ones((1, 1)))[0] == [number]


def test_weight_of_a_frame_falls_to_37_percent_after_the_time_constant():
    faces = FacesOverTime(smooth=2.0, forget_after=5.0)
    faces.update(0.0, np.array([LEFT]), np.array([[1.0, 0.0]]))
    _, smoothed = faces.update(2.0, np.array([LEFT]), np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(smoothed, [[math.exp(-1), 1 - math.exp(-1)]])


def test_new_face_has_its_own_probabilities():
    faces = FacesOverTime(smooth=2.0, forget_after=5.0)
    faces.update(0.0, np.array([LEFT]), np.array([[1.0, 0.0]]))
    _, smoothed = faces.update(0.5, np.array([RIGHT]), np.array([[0.25, 0.75]]))
    np.testing.assert_array_equal(smoothed, [[0.25, 0.75]])


def test_intersection_over_union():
    assert intersection_over_union(np.array(LEFT), np.array([5.0, 0, 10, 10])) == pytest.approx(
        1 / 3
    )
    assert intersection_over_union(np.array(LEFT), np.array(RIGHT)) == 0
