import json

import pytest
from sklearn.naive_bayes import GaussianNB

from sk_fer.datasets import make_faces

pytest.importorskip("jinja2", reason="the report needs sk_fer[report]")


@pytest.fixture(scope="module")
def model(trained):
    return trained[0] / "model.skfer"


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    from sk_fer.inspection import report

    write = report.write_report
    monkeypatch.setattr(
        "sk_fer.inspection.write_report",
        lambda *args, **options: write(*args, n_resamples=5, **options),
    )


def test_report_on_what_train_set_aside(run, trained, model, tmp_path):
    out = tmp_path / "new" / "report.html"
    result = run("report", model, "--subset", "test", "--out", out)
    assert result.exit_code == 0, result.output
    page = out.read_text("utf-8")
    facts = json.loads((trained[0] / "report.json").read_text())
    accuracy = facts["accuracy"]["test"]
    assert f"<dd>{accuracy:.1%}</dd>" in page
    assert f"Accuracy: {accuracy:.3f}, 95 % interval" in result.output
    assert "None of 21 test images is a copy of a training image." in result.output
    assert f"sk-fer report {model} --subset test --out {out}" in page
    assert f"Wrote {out}" in result.output.replace("\n", "")


def test_without_a_model_it_is_on_the_model_of_sk_fer(run, shipped, class_folder, tmp_path):
    out = tmp_path / "report.html"
    result = run("report", class_folder, "--out", out)
    assert result.exit_code == 0, result.output
    page = out.read_text("utf-8")
    assert "FERCNNClassifier on" in page
    assert "30 images of 48 x 48 pixels" in page
    assert "It was not checked whether the images are copies of training images." in page


def test_classes_that_the_model_does_not_know_are_left_out(
    run, model, class_folder, save_images, tmp_path
):
    X, _ = make_faces(3, random_state=0)
    folder = tmp_path / "<b>faces"
    for name in ("happy", "contempt"):
        save_images(X, [folder / name / f"<b>{i}.png" for i in range(3)])
    with pytest.warns(UserWarning, match="All images have the label happy"):
        result = run("report", model, folder, "--out", tmp_path / "report.html")
    assert result.exit_code == 0, result.output
    assert "are left out: contempt (3)." in result.output
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "3 images of 48 x 48 pixels" in page
    assert "<b>" not in page
    assert "&lt;b&gt;faces" in page


def test_a_part_that_fails_is_named(run, tmp_path, class_folder):
    import joblib

    X, y = make_faces(70, random_state=0)
    joblib.dump(Twice().fit(X, y), tmp_path / "model.joblib")
    out = tmp_path / "report.html"
    result = run("report", tmp_path / "model.joblib", class_folder, "--out", out)
    assert result.exit_code == 0, result.output
    words = "warning: the part 'Probabilities' of the report could not be made: ValueError: row 0"
    assert words in result.stderr
    assert "Parts that could not be made" in out.read_text("utf-8")


class Twice(GaussianNB):
    def predict_proba(self, X):
        return 2 * super().predict_proba(X)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "got no arguments, expected a file or folder of labelled images such as"),
        (["{model}", "{faces}", "{faces}"], 2, "got 3 arguments, expected [MODEL] [DATA]"),
        (["none.skfer"], 1, "none.skfer: no such file; expected a model.skfer"),
        (["{model}", "{faces}", "--out", "{faces}/happy/0.png/r.html"], 1, "is a file; expected"),
        (["{model}", "{faces}", "--out", "{faces}/happy/0.png"], 1, "already contains 0.png; use"),
    ],
)
def test_bad_calls(run, model, class_folder, arguments, code, message):
    given = [each.format(model=model, faces=class_folder) for each in arguments]
    result = run("report", *given)
    assert result.exit_code == code
    assert message in " ".join(result.output.replace("│", "").split())
