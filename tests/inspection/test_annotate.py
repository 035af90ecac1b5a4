"""`annotate_faces`: boxes and bars where the table says, in a picture of a suitable size."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from sk_fer.inspection import annotate_faces

YELLOW = (255, 196, 0)
BLUE = (0, 120, 190)
GRAY = np.full((500, 600), 128, np.uint8)


def table(*boxes, shares=(0.75, 0.25)):
    columns = ["face", "left", "top", "width", "height", "score", "detector", "label"]
    rows = [(i, *box, 0.9, "yunet", "b", *shares, None) for i, box in enumerate(boxes)]
    return pd.DataFrame(rows, columns=[*columns, "b", "a", "problem"])


def is_color(picture, color):
    return (np.abs(np.asarray(picture).astype(int) - color) < 2).all(axis=-1)


def test_draws_the_box_at_its_place():
    yellow = is_color(annotate_faces(GRAY, table((100, 150, 80, 120))), YELLOW)
    rows, columns = np.flatnonzero(yellow.any(axis=1)), np.flatnonzero(yellow.any(axis=0))
    assert (columns[0], columns[-1], rows[0]) == (100, 180, 150)
    assert 268 <= rows[-1] <= 270


def test_bars_are_as_long_as_the_probabilities():
    picture = annotate_faces(GRAY, table((100, 150, 80, 120), shares=(0.8, 0.4)))
    blue = is_color(picture, BLUE)
    rows = np.flatnonzero(blue.any(axis=1))
    first, second = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    lengths = [np.ptp(np.flatnonzero(blue[bar].any(axis=0))) for bar in (first, second)]
    assert lengths[0] / lengths[1] == pytest.approx(2, rel=0.05)


def test_many_faces_have_no_bars():
    boxes = [(10 + 100 * i, 100, 60, 60) for i in range(5)]
    picture = annotate_faces(GRAY, table(*boxes))
    assert not is_color(picture, BLUE).any()
    assert is_color(picture, YELLOW)[130].sum() > 10


def test_each_of_several_faces_has_its_number(monkeypatch):
    written, write = [], ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        ImageDraw.ImageDraw,
        "text",
        lambda self, place, text, **more: written.append(text) or write(self, place, text, **more),
    )
    boxes = [(10 + 100 * i, 100, 60, 60) for i in range(5)]
    annotate_faces(GRAY, table(boxes[0]))
    assert written == ["b 75%", "a 25%"]
    for n_faces in (2, 5):
        written.clear()
        annotate_faces(GRAY, table(*boxes[:n_faces]))
        numbered = [text for text in written if ": b" in text]
        assert [text[:4] for text in numbered] == [f"{i}: b" for i in range(n_faces)]
    written.clear()
    annotate_faces(GRAY, table(*boxes[:2])[1:])  # the second face of a video
    assert written[0] == "1: b 75%"


@pytest.mark.parametrize(
    ("side", "expected", "left"), [(48, 480, 100), (600, 600, 10), (3200, 1600, 5)]
)
def test_sizes(side, expected, left):
    photo = np.full((side, side), 128, np.uint8)
    picture = annotate_faces(photo, table((10, 10, 20, 20)))
    assert picture.size == (expected, expected)
    assert np.flatnonzero(is_color(picture, YELLOW).any(axis=0))[0] == left


def test_a_box_that_extends_past_the_picture_is_drawn_inside():
    for box in ((-50, -50, 100, 100), (550, 450, 100, 100), (-9, -9, 700, 700)):
        assert is_color(annotate_faces(GRAY, table(box)), YELLOW).sum() > 100


def test_a_photograph_without_a_face_says_so():
    nothing = table((0, 0, 1, 1))
    nothing["face"] = pd.array([None], "Int64")
    picture = np.asarray(annotate_faces(Image.fromarray(GRAY), nothing))
    assert (picture[:12, :60] < 30).any()
    assert (picture[100:] == 128).all()


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"text")
    with pytest.raises(ValueError, match=r"a\.png: not a readable image"):
        annotate_faces(tmp_path / "a.png", table())


@pytest.mark.parametrize("name", ["two\nlines", "face", "left", "score", ""])
def test_a_class_can_have_any_name(name):
    faces = table((100, 150, 80, 120)).rename(columns={"b": name})
    picture = annotate_faces(GRAY, faces)
    assert is_color(picture, YELLOW).any()
    assert is_color(picture, BLUE).any()


@pytest.mark.parametrize("place", [(599.5, 100), (-79.5, 100), (100, 499.5), (700, 100)])
def test_a_box_outside_of_the_picture_is_at_its_edge(place):
    assert is_color(annotate_faces(GRAY, table((*place, 80, 120))), YELLOW).any()
