"""A small classifier, drawn faces, and the page of a report on it."""

from html.parser import HTMLParser

import numpy as np
import pytest

from sk_fer.datasets import make_faces
from sk_fer.inspection import write_report

from ...helpers import cnn


class Page(HTMLParser):
    """The elements of a page with their attributes and texts."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text = [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "text": "", **dict(attributes)}
        self.elements.append(element)
        if tag not in self.VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        self.text += data
        for element in self.open:
            element["text"] += data

    def all(self, tag):
        return [element for element in self.elements if element["tag"] == tag]


@pytest.fixture(scope="session")
def read_page():
    """A function that reads a page, and checks that its elements are closed in order."""
    return lambda path: Page(path.read_text("utf-8"))


@pytest.fixture(scope="session")
def train():
    return make_faces(140, image_size=24, return_X_y=False, random_state=0)


@pytest.fixture(scope="session")
def test_faces(train):
    """Seventy faces, the first two of which are copies of training images."""
    faces = make_faces(70, image_size=24, return_X_y=False, random_state=1)
    faces.images[:2] = train.images[:2]
    faces.target[0], faces.target[1] = train.target[0], "sad"
    return faces


@pytest.fixture(scope="session")
def model(train):
    return cnn().fit(train.images, train.target)


@pytest.fixture(scope="session")
def report(model, train, test_faces, tmp_path_factory):
    """The results of a report, with all its parts."""
    for package in ("jinja2", "captum", "cleanlab"):
        pytest.importorskip(package, reason="the report needs sk_fer[report]")
    path = tmp_path_factory.mktemp("report") / "report.html"
    before = model.predict_proba(test_faces.images)
    results = write_report(
        model,
        test_faces,
        path,
        train=train,
        data_name="drawn faces",
        commands=["sk-fer report model.skfer"],
        n_resamples=50,
    )
    np.testing.assert_array_equal(model.predict_proba(test_faces.images), before)
    assert not any(layer.training for layer in model.net_.module_.modules())
    return results
