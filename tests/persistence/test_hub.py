"""push_to_hub and from_hub, with a hub that is a folder."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from sk_fer import FERFeatures
from sk_fer.inspection import write_report
from sk_fer.persistence import ModelFormatError, from_hub, model_card, push_to_hub
from sk_fer.persistence._model_facts import named_network

hub = pytest.importorskip("huggingface_hub", reason="needs sk_fer[hub]")


@pytest.fixture
def repositories(tmp_path, monkeypatch):
    """Take a folder for the hub; what was asked of it is in the list returned."""
    calls = []

    class FakeApi:
        def __init__(self, token=None):
            calls.append(("token", token))

        def create_repo(self, repo_id, *, private, exist_ok):
            calls.append(("create", repo_id, private, exist_ok))
            (tmp_path / repo_id).mkdir(parents=True, exist_ok=True)
            return f"https://hub.example/{repo_id}"

        def file_exists(self, repo_id, filename):
            return (tmp_path / repo_id / filename).exists()

        def upload_folder(self, *, repo_id, folder_path, commit_message):
            calls.append(("upload", sorted(p.name for p in Path(folder_path).iterdir())))
            shutil.copytree(folder_path, tmp_path / repo_id, dirs_exist_ok=True)

    def download(repo_id, filename, *, revision, token):
        calls.append(("download", repo_id, filename, revision, token))
        path = tmp_path / repo_id / filename
        if not path.exists():
            raise hub.errors.EntryNotFoundError(f"404: no {filename}")
        return str(path)

    monkeypatch.setattr(hub, "HfApi", FakeApi)
    monkeypatch.setattr(hub, "hf_hub_download", download)
    return tmp_path, calls


@pytest.mark.parametrize("name", ["dense", "pipeline"])
def test_pushed_and_loaded_from_the_hub(name, models, small_faces, repositories):
    folder, calls = repositories
    assert push_to_hub(models[name], "me/faces", private=True) == "https://hub.example/me/faces"
    assert ("create", "me/faces", True, True) in calls
    assert calls[-1] == ("upload", ["README.md", "model.skfer"])
    loaded = from_hub("me/faces", revision="abc", token="secret")
    assert calls[-1] == ("download", "me/faces", "model.skfer", "abc", "secret")
    X = small_faces[0]
    assert_array_equal(loaded.predict_proba(X), models[name].predict_proba(X))
    card = (folder / "me/faces/README.md").read_text("utf-8")
    classifier = models[name][-1] if name == "pipeline" else models[name]
    for words in (
        "library_name: sk_fer",
        "FERDenseClassifier |",
        "| Classes | angry, disgust, fear, happy, neutral, sad, surprise |",
        'from_hub("me/faces")',
        "| Epochs | 2 |",
        "| Accuracy on the training images "
        f"| {classifier.history_['train_accuracy'].iloc[-1]:.1%} |",
        "An expression is not an emotion.",
        "- torch ",
    ):
        assert words in card
    assert ("| Model | ImageResizer → " in card) == (name == "pipeline")
    sizes = ", ".join(map(str, classifier.hidden_layer_sizes))
    assert f"| Network | dense, with hidden layers of {sizes} units |" in card


def test_cards_of_features(small_faces, repositories):
    folder, _ = repositories
    X, y = small_faces
    features = FERFeatures("fast", weights=None, random_state=0).fit(X)
    push_to_hub(features, "me/features")
    assert_array_equal(from_hub("me/features").transform(X), features.transform(X))
    card = (folder / "me/features/README.md").read_text("utf-8")
    assert "pipeline_tag: image-feature-extraction" in card
    assert "| Images | 16 x 16 pixels, 1 channel |" in card
    assert "| Network | fast |" in card
    assert "Classes" not in card
    model = make_pipeline(features, LogisticRegression(max_iter=1000)).fit(X, y)
    push_to_hub(model, "me/pipeline")
    card = (folder / "me/pipeline/README.md").read_text("utf-8")
    assert "| Model | FERFeatures → LogisticRegression |" in card
    assert "| Classes | angry, disgust, fear, happy, neutral, sad, surprise |" in card
    assert "poch" not in card


def test_the_scores_of_a_report_are_in_the_card(models, small_faces, repositories, tmp_path):
    pytest.importorskip("jinja2", reason="needs sk_fer[report]")
    folder, _ = repositories
    images, target = small_faces
    images = images.reshape(-1, 16, 16)
    data = Bunch(images=images, target=target)
    results = write_report(
        models["dense"], data, tmp_path / "r.html", data_name="<b>|faces|", n_resamples=20
    )
    push_to_hub(models["dense"], "me/scored", results=results)
    card = (folder / "me/scored/README.md").read_text("utf-8")
    score, low, high = results.scores.loc["Accuracy"]
    assert f"| Accuracy | {score:.3f} | {low:.3f} to {high:.3f} |" in card
    assert f"| happy | {results.per_class.loc['happy', 'precision']:.3f} |" in card
    assert f"{len(target):,} images: &lt;b&gt;&#124;faces&#124;." in card
    assert "It was not checked whether the images are copies" in card
    metadata = hub.ModelCard(card).data
    assert metadata.eval_results[0].metric_value == round(score, 4)
    assert metadata.eval_results[0].dataset_name == "<b>|faces|"
    assert metadata.pipeline_tag == "image-classification"


def test_notes_with_markup_are_text_in_the_card(models, small_faces, tmp_path):
    pytest.importorskip("jinja2", reason="needs sk_fer[report]")
    images, target = small_faces
    target = np.array(target, dtype=object)
    target[0] = "<i>*$x$*"
    data = Bunch(images=images.reshape(-1, 16, 16), target=target)
    with pytest.warns(UserWarning, match="did not see"):
        results = write_report(models["dense"], data, tmp_path / "r.html", n_resamples=2)
    card = model_card(models["dense"], "me/faces", results=results)
    assert "did not see &lt;i&gt;&#42;&#36;x&#36;&#42; in fit" in card
    assert "<i>" not in card


def test_a_card_without_a_repository(models):
    assert "eval" not in model_card(models["dense"], "me/faces").split("---")[1]


def test_an_existing_card_is_not_changed(models, repositories):
    folder, calls = repositories
    (folder / "me/faces").mkdir(parents=True)
    (folder / "me/faces/README.md").write_text("mine")
    push_to_hub(models["dense"], "me/faces")
    assert calls[-1] == ("upload", ["model.skfer"])
    assert (folder / "me/faces/README.md").read_text() == "mine"


def test_files_from_the_hub_are_checked(repositories):
    folder, _ = repositories
    (folder / "me/faces").mkdir(parents=True)
    (folder / "me/faces/model.skfer").write_bytes(b"\x80\x04.")
    with pytest.raises(ModelFormatError, match="a pickle"):
        from_hub("me/faces")


def test_errors_name_the_repository(models, repositories, monkeypatch):
    with pytest.raises(OSError, match=r"me/none on the Hugging Face Hub: 404: no model\.skfer"):
        from_hub("me/none")

    def offline(*_, **__):
        raise hub.errors.LocalEntryNotFoundError("not in the cache")

    monkeypatch.setattr(hub, "hf_hub_download", offline)
    with pytest.raises(ConnectionError, match=r"me/x on the .* is this machine online\?"):
        from_hub("me/x")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="got repo_id='a/b/c', expected 'owner/name'"):
        from_hub("a/b/c")
    with pytest.raises(ValueError, match="got repo_id='a/b/c', expected 'owner/name'"):
        push_to_hub(models["dense"], "a/b/c")


def test_a_missing_package_is_named(models, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for call in (lambda: from_hub("me/x"), lambda: push_to_hub(models["dense"], "me/x")):
        with pytest.raises(
            ImportError, match=r"requires huggingface_hub: run pip install \"\.\[hub\]\" in"
        ):
            call()


@pytest.mark.parametrize(
    ("network", "options", "words"),
    [
        ("vgg", {"dropout": 0.1}, "vgg"),
        ("pretrained", {"backbone": "resnet50", "head": "linear"}, "resnet50"),
        ("pretrained", {"backbone": "resnet50", "head": "conv"}, "resnet50_conv"),
        ("pretrained", {"backbone": "fast", "head": "conv"}, "fast, with a convolutional head"),
    ],
)
def test_cards_name_the_network_as_presets_do(network, options, words):
    assert named_network({"network": network, "options": options}) == words
