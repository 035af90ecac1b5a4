"""The page of a report: its content, names with HTML, and parts that fail."""

import re
import sys

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import Bunch

from sk_fer.inspection import write_report
from sk_fer.metrics import expected_calibration_error, top_k_accuracy

from ...helpers import dense

pytest.importorskip("jinja2", reason="the report needs sk_fer[report]")

PARTS = [
    "Images",
    "Copies of training images",
    "Model",
    "Training",
    "Scores",
    "Confusion",
    "Probabilities",
    "What predictions depend on",
    "Most confident errors",
    "Suspicious labels",
    "Limits",
    "How to repeat this report",
]


class Rows(GaussianNB):
    """A classifier whose rows of probabilities do not sum to one."""

    def predict_proba(self, X):
        return 2 * super().predict_proba(X)


def flat(bunch, **fields):
    return Bunch(**{**bunch, **fields})


@pytest.fixture
def bayes(train):
    return GaussianNB().fit(train.data, train.target)


def test_all_parts_are_in_the_page(report, read_page):
    page = read_page(report.path)
    assert report.failed == {}
    titles = [heading["text"] for heading in page.all("h2")]
    assert titles == ["What to know about these scores", *PARTS]
    assert [link["text"] for link in page.all("a")[1:]] == PARTS
    targets = {element.get("id") for element in page.elements}
    assert all(link["href"][1:] in targets for link in page.all("a"))
    assert "sk-fer report model.skfer" in page.text
    assert "An expression is not an emotion." in page.text


def test_the_scores_are_right(report, model, test_faces, read_page):
    y_true, y_proba = test_faces.target, model.predict_proba(test_faces.images)
    y_pred = model.predict(test_faces.images)
    expected = {
        "Accuracy": np.mean(y_true == y_pred),
        "Macro F1": f1_score(y_true, y_pred, average="macro"),
        "Balanced accuracy": balanced_accuracy_score(y_true, y_pred),
        "Top-2 accuracy": top_k_accuracy(y_true, y_proba, classes=model.classes_),
        "Log loss": log_loss(y_true, y_proba),
        "Calibration error": expected_calibration_error(y_true, y_proba, classes=model.classes_),
    }
    for name, score in expected.items():
        assert report.scores.loc[name, "score"] == pytest.approx(score, abs=1e-6)
        assert report.scores.loc[name, "low"] <= report.scores.loc[name, "high"]
    page = read_page(report.path)
    assert f"{expected['Accuracy']:.1%}" in page.all("dd")[0]["text"]
    assert report.n_images == 70
    assert report.per_class.loc["sad", "recall"] == np.mean(y_pred[y_true == "sad"] == "sad")


def test_copies_are_counted(report, model, test_faces):
    assert report.notes[0] == (
        "2 of 70 test images are copies of a training image: 2 exact and 0 near. 1 of them has "
        "another label than a training image."
    )
    rest = model.score(test_faces.images[2:], test_faces.target[2:])
    assert report.notes[1] == f"The accuracy without them is {rest:.1%} on 68 images."


def test_the_page_needs_no_other_file(report, read_page):
    page = read_page(report.path)
    sources = [img["src"] for img in page.all("img")]
    assert len(sources) > 30
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert page.all("script") == page.all("link") == []
    style = page.all("style")[0]["text"]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in page.all("meta")[1]["content"]


def test_a_screen_reader_finds_its_way(report, read_page):
    page = read_page(report.path)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("main")) == len(page.all("h1")) == len(page.all("header")) == 1
    assert page.all("nav")[0]["aria-label"]
    assert page.all("a")[0]["href"] == "#content"
    assert all(img["alt"].strip() for img in page.all("img"))
    tables = page.all("table")
    assert len(page.all("caption")) == len(tables) > 8
    assert all(th["scope"] in ("col", "row") for th in page.all("th"))
    assert len({element["id"] for element in page.elements if "id" in element}) == len(PARTS) + 2


def test_the_log_loss_of_probabilities_of_zero_is_that_of_scikit_learn(train, test_faces, tmp_path):
    model = KNeighborsClassifier(1).fit(train.data, train.target)
    report = write_report(model, test_faces, tmp_path / "r.html", n_resamples=2)
    y_proba = model.predict_proba(test_faces.data)
    expected = log_loss(test_faces.target, y_proba)
    assert report.scores.loc["Log loss", "score"] == pytest.approx(expected)


def test_integer_labels_of_a_classifier_with_float_classes(train, test_faces, tmp_path):
    numbers = np.unique(train.target, return_inverse=True)[1]
    model = GaussianNB().fit(train.data, numbers.astype(float))
    target = np.searchsorted(np.unique(train.target), test_faces.target)
    report = write_report(model, flat(test_faces, target=target), tmp_path / "r.html")
    accuracy = model.score(test_faces.data, target)
    assert accuracy > 0
    assert report.scores.loc["Accuracy", "score"] == pytest.approx(accuracy)
    assert report.per_class["support"].sum() == 70


def test_images_of_other_channels_than_those_of_the_classifier(bayes, test_faces, tmp_path):
    images = test_faces.images[..., np.newaxis]
    for n_channels, message in ((1, r"shape \(70, 24, 24, 1\), expected"), (3, "color=False")):
        data = flat(test_faces, images=np.repeat(images, n_channels, axis=3))
        with pytest.raises(ValueError, match=message):
            write_report(bayes, data, tmp_path / "r.html")


def test_names_of_files_that_are_not_unicode(bayes, test_faces, tmp_path):
    pytest.importorskip("cleanlab", reason="the report needs sk_fer[report]")
    data = flat(test_faces, filenames=["\udce9.png"] * 70)
    report = write_report(bayes, data, tmp_path / "r.html", n_resamples=2)
    assert "Images" not in report.failed
    assert r"\udce9.png" in (tmp_path / "r.html").read_text("utf-8")


def test_a_classifier_without_errors_has_no_table_of_them(train, tmp_path):
    model = KNeighborsClassifier(1).fit(train.data, train.target)
    write_report(model, train, tmp_path / "r.html", n_resamples=2)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "There are no errors." in page
    assert "Most frequent errors" not in page


def test_names_with_html_are_text(train, test_faces, tmp_path, read_page):
    names = {"happy": "<script>alert(1)</script>", "sad": "$\\frac{$ & 'x'\"", "fear": "<b>"}

    def renamed(faces):
        return np.array([names.get(label, label) for label in faces.target.tolist()])

    model = dense(hidden_layer_sizes=(32,), max_epochs=6).fit(train.images, renamed(train))
    files = np.array([f"<img src=x onerror=alert(1)>{i}.png" for i in range(70)])
    results = write_report(
        model,
        flat(test_faces, target=renamed(test_faces), filenames=files),
        tmp_path / "<i>report.html",
        train=flat(train, target=renamed(train)),
        data_name="<h1>faces</h1>",
        commands=["<script>alert(2)</script>"],
        n_resamples=10,
    )
    assert set(results.failed) <= {"What predictions depend on", "Suspicious labels"}
    page = read_page(results.path)
    assert page.all("script") == page.all("b") == page.all("i") == []
    assert len(page.all("h1")) == 1
    assert "<h1>faces</h1>" in page.text
    for name in (*names.values(), "<script>alert(2)</script>", "<img src=x onerror=alert(1)>"):
        assert name in page.text


def test_a_missing_package_fails_its_part_only(bayes, test_faces, tmp_path, monkeypatch, read_page):
    for package in ("captum", "cleanlab"):
        monkeypatch.setitem(sys.modules, package, None)
    results = write_report(bayes, test_faces, tmp_path / "r.html", n_resamples=5)
    assert list(results.failed) == ["What predictions depend on", "Suspicious labels"]
    assert 'pip install ".[saliency]"' in results.failed["What predictions depend on"]
    page = read_page(results.path)
    assert "This part could not be made. ImportError: Occlusion requires captum" in page.text
    assert "Suspicious labels (failed)" in page.all("nav")[0]["text"]
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError, match=r'requires jinja2: run pip install "\.\[report\]" in'):
        write_report(bayes, test_faces, tmp_path / "r.html")


def test_probabilities_that_do_not_sum_to_one(train, test_faces, tmp_path):
    model = Rows().fit(train.data, train.target)
    results = write_report(model, test_faces, tmp_path / "r.html", n_resamples=5)
    assert list(results.failed) == [
        "Probabilities",
        "What predictions depend on",
        "Most confident errors",
        "Suspicious labels",
    ]
    for reason in results.failed.values():
        assert re.search(r"ValueError: row 0 of y_proba .* with the sum 2, expected prob", reason)
    assert results.scores.index.tolist() == ["Accuracy", "Macro F1", "Balanced accuracy"]


def test_a_classifier_without_probabilities_or_history(train, test_faces, tmp_path, read_page):
    model = RidgeClassifier().fit(train.data, train.target)
    results = write_report(model, test_faces, tmp_path / "r.html", n_resamples=5)
    assert results.failed["Probabilities"] == "TypeError: RidgeClassifier has no predict_proba"
    assert "RidgeClassifier has no history of its training." in read_page(results.path).text
    assert "It was not checked whether the images are copies" in results.notes[0]


def test_labels_that_fit_did_not_see(train, test_faces, tmp_path, read_page):
    seen = train.target != "sad"
    model = GaussianNB().fit(train.data[seen], train.target[seen])
    n_sad = int((test_faces.target == "sad").sum())
    words = rf"did not see sad in fit; images of these classes count as wrong \({n_sad}\)"
    with pytest.warns(UserWarning, match=words):
        results = write_report(model, test_faces, tmp_path / "r.html", n_resamples=5)
    assert set(results.failed) <= {"What predictions depend on", "Suspicious labels"}
    assert results.scores.loc["Accuracy", "score"] == pytest.approx(
        (model.predict(test_faces.images.reshape(70, -1)) == test_faces.target).mean()
    )
    assert "did not see sad in fit" in read_page(results.path).text


def test_images_of_one_class(bayes, test_faces, tmp_path):
    rows = test_faces.target == "happy"
    happy = Bunch(images=test_faces.images[rows], target=test_faces.target[rows])
    with pytest.warns(UserWarning, match="All images have the label happy; their scores say"):
        results = write_report(bayes, happy, tmp_path / "r.html", n_resamples=5)
    assert results.scores.loc["Accuracy", "score"] == np.mean(
        bayes.predict(happy.images.reshape(rows.sum(), -1)) == "happy"
    )
    assert set(results.failed) <= {"What predictions depend on", "Suspicious labels"}


def test_names_of_another_data_set_are_matched(bayes, test_faces, tmp_path):
    named = np.where(test_faces.target == "happy", "Happiness", test_faces.target)
    results = write_report(
        bayes, flat(test_faces, target=named), tmp_path / "r.html", n_resamples=5
    )
    assert "happy" in results.per_class.index
    shares = np.eye(7)[np.searchsorted(bayes.classes_, test_faces.target)]
    soft = flat(test_faces, target=shares, target_names=bayes.classes_.tolist())
    same = write_report(bayes, soft, tmp_path / "r.html", n_resamples=5)
    assert same.scores.equals(results.scores)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"path": "{}/none/r.html"}, FileNotFoundError, "cannot be written: there is no folder"),
        ({"path": "{}"}, IsADirectoryError, "is a folder, expected a file such as report.html"),
        ({"data": Bunch(images=np.zeros((0, 8, 8)), target=[])}, ValueError, "data has no images"),
        ({"data": Bunch(images=np.zeros((2, 8, 8)), target=[0, 1])}, ValueError, "of float64 and"),
        ({"data": Bunch(images=np.zeros((2, 8, 8)))}, ValueError, "data has no .* or no labels"),
        ({"train": Bunch()}, ValueError, "train has no images or no labels"),
        ({"estimator": GaussianNB()}, Exception, "not fitted"),
        ({"estimator": 5}, ValueError, "'estimator' parameter .* must be an object implementing"),
        ({"n_resamples": 0}, ValueError, "'n_resamples' parameter"),
    ],
)
def test_bad_input(bayes, test_faces, tmp_path, change, kind, message):
    arguments = {"estimator": bayes, "data": test_faces, "path": "{}/r.html", **change}
    arguments["path"] = arguments["path"].format(tmp_path)
    with pytest.raises(kind, match=message):
        write_report(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(bayes, test_faces, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(PermissionError, match=r"r\.html cannot be written: the folder .* is not"):
        write_report(bayes, test_faces, tmp_path / "r.html")


def test_no_class_in_common(bayes, test_faces, tmp_path):
    other = flat(test_faces, target=np.array(["cat", "dog"] * 35))
    with pytest.raises(ValueError, match=r"it has angry, .* and the data has cat, dog"):
        write_report(bayes, other, tmp_path / "r.html")


def test_a_regressor_or_a_cluster_is_refused(test_faces, tmp_path):
    model = LinearRegression().fit(test_faces.data[:9], np.arange(9))
    with pytest.raises(TypeError, match="got a LinearRegression, expected a fitted classifier"):
        write_report(model, test_faces, tmp_path / "r.html")


def test_integer_labels_of_color_images(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    data = Bunch(images=images, target=np.arange(20) % 2)
    model = dense(max_epochs=1, image_shape=(8, 8, 3)).fit(images, data.target)
    results = write_report(model, data, tmp_path / "r.html", n_resamples=5)
    assert set(results.failed) <= {"What predictions depend on", "Suspicious labels"}
    assert "Top-2 accuracy" not in results.scores.index
