"""What the page shows about a photograph: faces, saliency, limits and errors."""

import sys
from html import escape
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, coffee

from sk_fer import load_pretrained, predict_faces
from sk_fer.app import _analyze
from sk_fer.app._analyze import MAX_BYTES, Analyzer, read_upload
from sk_fer.app._html import limits_html, problem_html, result_html
from sk_fer.app._page import drawn_samples
from sk_fer.persistence._model_facts import LIMITS


def file_of(pixels, kind="PNG"):
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def analyzer():
    return Analyzer(load_pretrained())


def test_the_probabilities_are_those_of_predict_faces(analyzer):
    result = analyzer("astronaut.png", file_of(astronaut()))
    (row,) = predict_faces(load_pretrained(), [astronaut()]).to_dict("records")
    (face,) = result.faces
    assert face.label == row["label"]
    assert face.shares == {name: row[name] for name in face.shares}
    assert sum(face.shares.values()) == pytest.approx(1)
    with Image.open(BytesIO(result.picture)) as picture:
        assert picture.size == (512, 512)
    page = result_html("astronaut.png", result)
    assert "1 face" in page
    assert f"{row[face.label]:.0%}" in page


def test_saliency_is_a_picture_of_the_crop(analyzer):
    pytest.importorskip("captum", reason="needs captum, of the extra saliency")
    (face,) = analyzer("drawn", drawn_samples()["happy"]).faces
    with Image.open(BytesIO(face.saliency)) as picture:
        assert picture.size == (192, 192)


def test_without_captum_the_page_says_so(analyzer, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    result = analyzer("drawn", drawn_samples()["happy"])
    assert result.faces[0].saliency is None
    assert "[saliency]" in result_html("drawn", result)


def test_a_photograph_without_a_face(analyzer):
    result = analyzer("coffee.jpg", file_of(coffee(), "JPEG"))
    assert result.faces == []
    assert "No face found" in result_html("coffee.jpg", result)


def test_only_the_largest_faces_are_shown_in_detail(analyzer, monkeypatch):
    monkeypatch.setattr(_analyze, "MOST_FACES", 1)
    result = analyzer("two.png", file_of(np.hstack([astronaut()] * 2)))
    assert result.n_faces == 2
    assert len(result.faces) == 1
    assert "Only the 1 largest" in result.notes[-1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.png: .*the file is empty"),
        (b"<svg/>" * 9, "a.png: not a readable image"),
        (bytes(MAX_BYTES + 1), r"a.png: the file has 20.0 MB, expected at most 20 MB"),
        (file_of(astronaut())[:5000], "a.png: not a readable image"),
    ],
)
def test_files_that_are_refused(content, message):
    with pytest.raises(ValueError, match=message):
        read_upload("a.png", content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_with_too_many_pixels_is_not_decoded(kind, monkeypatch):
    monkeypatch.setattr(_analyze, "MAX_PIXELS", 100)
    monkeypatch.setattr(_analyze, "decode_image", None)
    with pytest.raises(ValueError, match=r"a.png: the picture has 30 x 20 pixels, expected at"):
        read_upload("a.png", file_of(np.zeros((20, 30, 3), np.uint8), kind))


def test_texts_are_escaped():
    assert "<script>" not in problem_html("<script>")


def test_all_limits_are_shown():
    shown = limits_html()
    for words in LIMITS.values():
        assert escape(words) in shown
