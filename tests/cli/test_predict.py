"""``sk-fer predict``: faces, predictions, and messages about files that cannot be read."""

import json
import os
import re
import shutil

import joblib
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_fer import FERDenseClassifier, load_model, predict_faces, save_model
from sk_fer._cli import _predict
from sk_fer.datasets import make_faces
from sk_fer.inspection import annotate_faces
from sk_fer.preprocessing import ImageReader, ImageResizer, PixelParser


@pytest.fixture(scope="module")
def model(trained):
    return trained[0] / "model.skfer"


@pytest.fixture
def folder(tmp_path):
    """Two images below a folder, and files beside them that are none."""
    for name in ("a.png", "b/c.JPG"):
        path = tmp_path / "faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.linear_gradient("L").resize((48, 48)).save(path)
    (tmp_path / "faces" / "._a.png").write_bytes(b"Mac OS X")
    (tmp_path / "faces" / "notes.txt").write_text("notes")
    (tmp_path / "faces" / "b" / "labels.csv").write_text("notes")
    return tmp_path / "faces"


def _named(result):
    return [face["image"] for face in json.loads(result.stdout)]


def test_shows_label_and_probabilities(run, model, class_folder):
    images = sorted(class_folder.glob("*/0.png"))
    result = run("predict", model, *images, "--json", "--top", 7)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert [face["image"] for face in found] == [str(path) for path in images]
    classifier = load_model(model)
    X = np.stack([np.asarray(Image.open(path)) for path in images])
    assert [face["label"] for face in found] == classifier.predict(X).tolist()
    for face, row in zip(found, classifier.predict_proba(X), strict=True):
        assert next(iter(face["probabilities"])) == face["label"]
        expected = dict(zip(classifier.classes_, row, strict=True))
        assert face["probabilities"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("option", "message"),
    [("--csv", "there is no folder"), ("--annotate", "is a file, expected a folder")],
)
def test_results_that_cannot_be_written_are_found_before_the_work(
    run, tmp_path, monkeypatch, option, message
):
    monkeypatch.setattr(_predict, "predict_faces", None)
    (tmp_path / "file").touch()
    place = tmp_path / "none" / "faces.csv" if option == "--csv" else tmp_path / "file"
    result = run("predict", "photo.png", option, place)
    assert result.exit_code == 1
    assert message in result.stderr


@pytest.mark.parametrize("name", ["image", "face", "time", "detector"])
def test_a_column_can_have_the_name_of_a_class(name, class_folder):
    X, y = make_faces(14, random_state=0)
    classifier = FERDenseClassifier((4,), max_epochs=1, random_state=0)
    classifier.fit(X, np.where(y == "happy", "other", name))
    path = str(class_folder / "happy" / "0.png")
    table = predict_faces(classifier, [path], detector="whole")
    assert table.index.tolist() == [path]
    assert table.columns[8:-1].tolist() == classifier.classes_.tolist()
    assert annotate_faces(path, table).size == (480, 480)


@pytest.mark.parametrize("names", [("label", "error"), (False, True), (0, 1)])
def test_classes_can_have_any_name(run, class_folder, tmp_path, names):
    X, y = make_faces(28, random_state=0)
    classifier = FERDenseClassifier((4,), max_epochs=1, random_state=0)
    classifier.fit(X, np.where(y == "happy", *names))
    save_model(classifier, tmp_path / "model.skfer")
    image = class_folder / "happy" / "0.png"
    result = run("predict", tmp_path / "model.skfer", image, "--json")
    assert result.exit_code == 0, result.output
    (face,) = json.loads(result.stdout)
    (row,) = classifier.predict_proba(np.asarray(Image.open(image))[None])
    shares = dict(zip(map(str, classifier.classes_), row, strict=True))
    assert face["probabilities"] == pytest.approx(shares, abs=1e-4)
    assert face["label"] == classifier.classes_[row.argmax()]


def test_accepts_any_size_and_colour(run, model, tmp_path):
    Image.linear_gradient("L").resize((90, 80)).convert("RGB").save(tmp_path / "face.jpg")
    result = run("predict", model, tmp_path / "face.jpg", "--top", 2, "--faces", "whole")
    assert result.exit_code == 0, result.output
    assert result.output.count("%") == 2


def test_walks_through_folders_and_counts_other_files(run, model, folder):
    (folder / "b" / "talk.MP4").touch()
    message = r"3 file\(s\) were not read.*1 \.csv, 1 \.mp4, 1 \.txt; to predict videos, give"
    with pytest.warns(UserWarning, match=message):
        result = run("predict", model, folder, "--json")
    assert result.exit_code == 0, result.output
    assert _named(result) == [str(folder / "a.png"), str(folder / "b" / "c.JPG")]


@pytest.mark.filterwarnings("ignore:.* were not read")
@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("faces/*.png", ["faces/a.png"]),
        ("faces/**/*.[jJ][pP][gG]", ["faces/b/c.JPG"]),
        ("fac?s/b", ["faces/b/c.JPG"]),
        ("odd[1].png", ["odd[1].png"]),
    ],
)
def test_expands_patterns_that_the_shell_did_not(run, model, folder, monkeypatch, pattern, names):
    monkeypatch.chdir(folder.parent)
    Image.linear_gradient("L").resize((48, 48)).save("odd[1].png")
    result = run("predict", model, pattern, "--json")
    assert result.exit_code == 0, result.output
    assert _named(result) == names


@pytest.mark.parametrize(("options", "code"), [([], 1), (["--skip-bad"], 0)])
def test_bad_files_print_a_line_each_and_the_others_are_predicted(
    run, model, folder, options, code
):
    (folder / "bad.png").write_text("text")
    good = folder / "a.png"
    missing = folder / "x.png"
    url = "https://example.org/face.jpg"
    nothing = folder / "*.webp"
    arguments = [folder / "bad.png", good, missing, url, nothing, "--json", *options]
    result = run("predict", model, *arguments)
    assert result.exit_code == code
    assert _named(result) == [str(good)]
    lines = result.stderr.splitlines()
    assert len(lines) == 4
    for words in (
        f"{folder / 'bad.png'}: not a readable image",
        f"{missing}: no such file or folder",
        f"{url} is a URL; expected a file on this machine: download the image",
        f"{nothing}: no file matches this pattern",
    ):
        assert sum(line.startswith(f"sk-fer: error: {words}") for line in lines) == 1


@pytest.mark.parametrize("options", [[], ["--skip-bad"]])
def test_without_a_good_image_it_fails(run, model, tmp_path, options):
    (tmp_path / "empty").mkdir()
    (tmp_path / "face.png").write_text("text")
    result = run("predict", model, tmp_path / "face.png", tmp_path / "empty", *options)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"{tmp_path / 'face.png'}: not a readable image" in result.stderr
    assert f"{tmp_path / 'empty'}: this folder contains no images" in result.stderr
    assert run("predict", model).exit_code == 2


def test_warns_of_a_picture_of_one_colour(run, model, tmp_path):
    Image.new("RGB", (48, 48), "blue").save(tmp_path / "blue.png")
    with pytest.warns(UserWarning, match=r"blue.png: the picture has only one colour"):
        result = run("predict", model, tmp_path / "blue.png", "--faces", "whole")
    assert result.exit_code == 0, result.output


def _pixel_strings(paths):
    return [" ".join(map(str, np.asarray(Image.open(path)).ravel())) for path in paths]


def _gray(paths):
    return np.stack([np.asarray(Image.open(path)) for path in paths])


def _flat(paths):
    return _gray(paths).reshape(len(paths), -1)


def _paths(paths):
    return pd.Series(list(map(str, paths)))


DENSE = FERDenseClassifier((8,), max_epochs=1, random_state=0)


@pytest.mark.parametrize(
    ("pipeline", "read"),
    [
        (make_pipeline(ImageReader(), DENSE), _paths),
        (make_pipeline(ImageReader((24, 20), color=True), DENSE), _paths),
        (make_pipeline(ImageReader((24, 20), color=True, flatten=False), DENSE), _paths),
        (make_pipeline(ImageReader((24, 24), flatten=False), ImageResizer((12, 9)), DENSE), _paths),
        (make_pipeline("passthrough", ImageReader((12, 12)), StandardScaler(), DENSE), _paths),
        (make_pipeline(PixelParser(), DENSE), _pixel_strings),
        (make_pipeline(ImageResizer((16, 12)), DENSE), _gray),
        (make_pipeline(StandardScaler(), DENSE), _flat),
    ],
)
def test_pipelines_answer_and_are_scored_as_in_python(run, class_folder, tmp_path, pipeline, read):
    paths = sorted(class_folder.glob("*/*.png"))
    y = [path.parent.name for path in paths]
    pipeline.fit(read(paths), y)
    save_model(pipeline, tmp_path / "model.skfer")
    result = run("predict", tmp_path / "model.skfer", class_folder, "--json")
    assert result.exit_code == 0, result.output
    expected = pipeline.predict_proba(read(paths))
    for face, path, row in zip(json.loads(result.stdout), paths, expected, strict=True):
        assert face["image"] == str(path)
        shares = dict(zip(pipeline.classes_, row.round(4), strict=True))
        assert face["probabilities"] == pytest.approx(shares, abs=1e-6)
    scored = run("evaluate", tmp_path / "model.skfer", class_folder)
    assert scored.exit_code == 0, scored.output
    assert f"accuracy {pipeline.score(read(paths), y):.1%} on 30 images" in scored.output


def test_the_best_pipeline_of_a_search_answers_for_paths(run, class_folder, tmp_path):
    paths = sorted(class_folder.glob("*/*.png"))
    y = [path.parent.name for path in paths]
    pipeline = make_pipeline(ImageReader(root=class_folder, flatten=True), GaussianNB())
    search = GridSearchCV(pipeline, {"imagereader__image_size": [(8, 8), (6, 6)]}, cv=2)
    search.fit([str(path.relative_to(class_folder)) for path in paths], y)
    joblib.dump(search, tmp_path / "model.joblib")
    result = run("predict", tmp_path / "model.joblib", *paths, "--json")
    assert result.exit_code == 0, result.output
    assert [face["label"] for face in json.loads(result.stdout)] == search.predict(paths).tolist()


def test_a_model_of_other_channels_is_refused(run, class_folder, tmp_path):
    X, y = make_faces(14, random_state=0)
    X = np.repeat(X.reshape(14, 48, 48, 1), 4, axis=-1)
    save_model(FERDenseClassifier((4,), max_epochs=1).fit(X, y), tmp_path / "model.skfer")
    result = run("predict", tmp_path / "model.skfer", class_folder)
    assert result.exit_code == 1
    assert re.search(
        r"error: FERDenseClassifier takes images of 4 channels; expected", result.stderr
    )


def test_without_a_model_the_one_of_sk_fer_answers_and_is_named(run, shipped, class_folder):
    images = sorted(class_folder.glob("*/0.png"))
    result = run("predict", *images, "--json")
    assert result.exit_code == 0, result.output
    assert re.search(
        "no MODEL is given; .* model of sk_fer, which was trained on FER2013", result.stderr
    )
    expected = load_model(shipped / "fer2013.skfer").predict(_flat(images))
    assert [face["label"] for face in json.loads(result.stdout)] == expected.tolist()


def test_a_model_is_recognized_under_any_name(run, model, shipped, class_folder, tmp_path):
    (tmp_path / "happy").write_bytes(model.read_bytes())
    result = run("predict", tmp_path / "happy", class_folder, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert run("predict", model).exit_code == 2


@pytest.fixture
def photos(tmp_path):
    """A photograph with a face, one without, and one whose name is that of the first."""
    astronaut = Image.fromarray(data.astronaut()[:240, 100:340])
    (tmp_path / "photos" / "b").mkdir(parents=True)
    astronaut.save(tmp_path / "photos" / "a.png")
    astronaut.convert("CMYK").save(tmp_path / "photos" / "b" / "a.jpg")
    Image.fromarray(data.coffee()[:200, :200]).save(tmp_path / "photos" / "b" / "c.png")
    return tmp_path / "photos"


def test_finds_faces_in_photographs_and_says_where_there_is_none(run, photos):
    result = run("predict", photos, "--json", "--faces", "lbp")
    assert result.exit_code == 0, result.output
    first, second, none = json.loads(result.stdout)
    assert none == {
        "image": str(photos / "b" / "c.png"),
        "face": None,
        "label": None,
        "problem": "no face found",
    }
    for row in (first, second):
        assert (row["face"], row["label"], row["detector"]) == (0, "happy", "lbp")
        left, top, width, height = row["box"]
        assert left < 123 < left + width
        assert top < 118 < top + height
    shown = run("predict", photos / "b" / "c.png", photos / "a.png", "--faces", "lbp")
    assert shown.exit_code == 0
    assert "no face found" in shown.stdout
    assert "happy" in shown.stdout


def test_without_arguments_it_predicts_a_photograph_of_scikit_image(run):
    result = run("predict", "--json", "--faces", "lbp")
    assert result.exit_code == 0, result.output
    (face,) = json.loads(result.stdout)
    assert face["label"] == "happy"
    assert "no IMAGE is given; this is a photograph of the astronaut" in result.stderr


def test_writes_a_table_with_the_images_that_have_no_label(run, photos, tmp_path):
    (photos / "bad.png").write_text("text")
    result = run("predict", photos, "--csv", tmp_path / "faces.csv", "--faces", "lbp")
    assert result.exit_code == 1
    table = pd.read_csv(tmp_path / "faces.csv")
    assert table["label"].fillna("").tolist() == ["happy", "", "happy", ""]
    problems = table["problem"].fillna("").tolist()
    assert "bad.png: not a readable image" in problems[1]
    assert problems[::2] + problems[3:] == ["", "", "no face found"]


def test_names_that_are_long_or_not_unicode(run, photos, tmp_path):
    folder = tmp_path / "names"
    folder.mkdir()
    for name in (251 * b"n", b"caf\xe9"):
        try:
            shutil.copy(photos / "a.png", folder / os.fsdecode(name + b".png"))
        except OSError:
            pytest.skip("the file system does not allow such names")
    options = ("--csv", tmp_path / "faces.csv", "--annotate", tmp_path / "out", "--faces", "lbp")
    result = run("predict", folder, *options)
    assert result.exit_code == 0, result.output
    names = pd.read_csv(tmp_path / "faces.csv")["image"].tolist()
    assert [name.rpartition("/")[2] for name in names] == [r"caf\udce9.png", 251 * "n" + ".png"]
    copies = sorted(map(os.fsencode, os.listdir(tmp_path / "out")))
    assert copies == [b"caf\xe9_faces.jpg", 200 * b"n" + b"_faces.jpg"]


def test_a_face_has_the_same_number_on_the_screen_and_in_the_table(run, photos, tmp_path):
    face = np.asarray(Image.open(photos / "a.png"))
    Image.fromarray(np.hstack([face, face])).save(tmp_path / "two.png")
    options = "--faces", "lbp", "--csv", tmp_path / "faces.csv"
    shown = run("predict", tmp_path / "two.png", *options)
    numbers = pd.read_csv(tmp_path / "faces.csv")["face"].tolist()
    assert numbers == [0, 1]
    assert re.findall(r"(\d) +happy ", shown.stdout) == ["0", "1"]
    assert f"sk-fer: wrote {tmp_path / 'faces.csv'}\n" in shown.stderr


def test_annotates_each_image_beside_its_namesakes(run, photos, tmp_path):
    result = run("predict", photos, "--annotate", tmp_path / "out", "--faces", "lbp")
    assert result.exit_code == 0, result.output
    assert f"sk-fer: wrote 3 annotated copies into {tmp_path / 'out'}\n" in result.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["a_faces.jpg", "a_faces_2.jpg", "c_faces.jpg"]
    with Image.open(tmp_path / "out" / "c_faces.jpg") as picture:
        assert picture.size == (480, 480)


def test_the_extra_is_named_if_auto_is_the_cascade(run, photos, class_folder, monkeypatch):
    monkeypatch.setattr("sk_fer.faces._yunet.yunet_file", lambda: None)
    result = run("predict", photos / "a.png")
    assert 'run pip install ".[faces]"' in result.stderr
    assert "[faces]" not in run("predict", class_folder / "happy").stderr
    assert run("predict", photos / "a.png", "--faces", "yunet").exit_code == 1
    assert run("predict", photos / "a.png", "--faces", "best").exit_code == 2
