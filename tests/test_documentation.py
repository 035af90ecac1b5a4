"""Each fragment of README.md and docs/ runs alone, in a folder with small data."""

import re
import shlex
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from sk_fer import export_onnx, save_model
from sk_fer._cli import _data, _serve
from sk_fer._cli._app import app
from sk_fer._utils._shipped import FOLDER
from sk_fer.datasets import make_faces

from .helpers import dense

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CODES = {"angry": 0, "disgust": 1, "fear": 2, "happy": 3, "sad": 4, "surprise": 5, "neutral": 6}


def fragments(language, page):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)


PYTHON = [
    pytest.param(code, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, code in enumerate(fragments("python", page), 1)
]
COMMANDS = [
    pytest.param(commands, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(fragments("bash", page), 1)
    if (commands := [line for line in block.splitlines() if line.startswith("sk-fer ")])
]


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A folder with the files that the fragments name, all of drawn faces."""
    folder = tmp_path_factory.mktemp("documentation")
    X, y = make_faces(154, image_size=24, random_state=0)
    usage = ["Training"] * 112 + ["PublicTest"] * 21 + ["PrivateTest"] * 21
    pixels = [" ".join(map(str, row)) for row in X]
    codes = [CODES[name] for name in y]
    table = pd.DataFrame({"emotion": codes, "pixels": pixels, "Usage": usage})
    table.to_csv(folder / "fer2013.csv", index=False)
    for number, (row, name) in enumerate(zip(X[:70], y[:70], strict=True)):
        subject = f"S{number // 7:03d}_{number % 7:03d}_{number:08d}.png"
        path = folder / "CK+48" / {"angry": "anger", "sad": "sadness"}.get(name, name) / subject
        if name != "neutral":
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(row.reshape(24, 24)).save(path)
    X, y = make_faces(14, random_state=0)
    (folder / "faces").mkdir()
    for path in (folder / "face.png", folder / "faces" / "1.png"):
        Image.fromarray(X[0].reshape(48, 48)).save(path)
    model = dense(max_epochs=1).fit(X, y)
    (folder / "sk-fer-out").mkdir()
    save_model(model, folder / "sk-fer-out" / "model.skfer")
    return folder


@pytest.fixture
def folder(small_data, tmp_path, monkeypatch, request):
    """A copy of the small data as the current folder."""
    if not (FOLDER / "fer2013.skfer").exists():
        request.getfixturevalue("shipped")
    shutil.copytree(small_data, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_serve, "serve_page", lambda models, **_: None)  # it would not end
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "data_home"))
    monkeypatch.setattr(_data, "N_FACES", 70)
    yield tmp_path
    plt.close("all")


@pytest.mark.parametrize("code", PYTHON)
def test_python_fragment_runs_alone(folder, code):
    if "onnx" in code:
        for package in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(package, reason="ONNX files need sk_fer[onnx]")
        X, y = make_faces(14, random_state=0)
        model = dense(max_epochs=1).fit(X, y)
        export_onnx(model, "model.onnx")
    if "find_label_issues" in code:
        pytest.importorskip("cleanlab", reason="needs sk_fer[cleanlab]")
    exec(compile(code, "fragment", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("commands", COMMANDS)
def test_commands_run_one_after_the_other(folder, commands):
    shutil.rmtree("sk-fer-out")
    if any("export" in command for command in commands):
        for package in ("onnx", "onnxscript"):
            pytest.importorskip(package, reason="ONNX files need sk_fer[onnx]")
    for command in commands:
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        assert result.exit_code == 0, f"{command}\n{result.output}"


def test_the_first_commands_need_no_files(folder):
    first, second = fragments("bash", PAGES[0])[:2]
    install, predict = first.splitlines()
    assert install.startswith("pip install ")
    for command in (predict, second.strip()):
        shutil.rmtree("sk-fer-out", ignore_errors=True)
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
    assert Path("annotated", "astronaut_faces.jpg").exists()
    assert Path("sk-fer-out", "model.skfer").exists()


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"])
def test_links_lead_to_files(page):
    text = page.read_text("utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in t]
    assert all((page.parent / target).exists() for target in targets)


def test_each_page_is_in_a_list_of_the_site():
    lists = [ROOT / "docs" / f"{name}.md" for name in ("index", "user_guide", "more")]
    listed = {
        name
        for page in lists
        for block in re.findall(
            r"^```\{toctree\}\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S
        )
        for name in block.split()
    }
    assert {page.stem for page in (ROOT / "docs").glob("*.md")} - listed == {"index"}


def test_fragments_are_found():
    assert len(PYTHON) >= 8
    assert len(COMMANDS) >= 2
