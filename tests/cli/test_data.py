"""``sk-fer data`` on drawn faces, laid out as the data sets are."""

import importlib.util
import re
from pathlib import Path

import pytest
from PIL import Image

PATH = Path(__file__).parents[1] / "datasets" / "layouts.py"
SPEC = importlib.util.spec_from_file_location("layouts", PATH)
layouts = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(layouts)


@pytest.mark.parametrize(
    ("write", "title", "groups"),
    [
        (layouts.rafdb, "RAF-DB (rafdb)", "none"),
        (layouts.affectnet_lists, "AffectNet (affectnet)", "none"),
        (layouts.expw, "ExpW (expw)", "7 of the kind image"),
        (layouts.sfew, "SFEW (sfew)", "3 of the kind film"),
        (layouts.kdef, "KDEF (kdef)", "2 of the kind person"),
        (layouts.jaffe, "JAFFE (jaffe)", "3 of the kind person"),
        (layouts.ckplus_original, "CK+ (ckplus)", "4 of the kind subject"),
        (layouts.ferplus_folder, "FER+ (ferplus)", "none"),
    ],
)
def test_each_data_set_is_described(run, tmp_path, write, title, groups):
    write(tmp_path / "d")
    result = run("data", tmp_path / "d")
    assert result.exit_code == 0, result.output
    assert f"Format: {title}. Protocol: " in result.output
    assert f"Groups: {groups}" in result.output
    assert re.search(r"^! Classes with fewer than 10 images: ", result.output, re.MULTILINE)


def test_counts_and_a_contact_sheet(run, tmp_path):
    layouts.rafdb(tmp_path / "d")
    result = run("data", tmp_path / "d", "--out", tmp_path / "out")
    assert re.search(r"happy +2 +1 +3", result.output)
    assert re.search(r"all +14 +7 +21", result.output)
    assert "Files (height x width): 24 x 24 (21) pixels." in result.output
    with Image.open(tmp_path / "out" / "contact_sheet.png") as sheet:
        assert sheet.width > 640
    again = run("data", tmp_path / "d", "--out", tmp_path / "out")
    assert again.exit_code == 1
    assert "already contains contact_sheet.png" in again.output


def test_images_of_different_sizes_are_described(run, tmp_path):
    layouts.draw(tmp_path / "happy" / "1.png", "happy")
    layouts.draw(tmp_path / "sad" / "2.png", "sad", size=(30, 20), mode="RGB")
    result = run("data", tmp_path)
    assert result.exit_code == 0, result.output
    assert "2 images of 64 x 64 in memory" in result.output
    assert "Files (height x width): 24 x 24 (1), 30 x 20 (1) pixels." in result.output
    assert "Formats and depths: PNG L (1), PNG RGB (1)." in result.output


def test_numbered_folders_have_the_names_of_classes(run, tmp_path):
    layouts.draw(tmp_path / "0" / "1.png", "happy")
    layouts.draw(tmp_path / "1" / "2.png", "sad")
    result = run("data", tmp_path, "--classes", "0=happy, 1 = sad")
    assert result.exit_code == 0, result.output
    assert re.search(r"happy +1 .*\n +sad +1 ", result.output)
    result = run("data", tmp_path, "--classes", "0=happy,1")
    assert result.exit_code == 2
    assert "or FOLDER=NAME" in result.output


def test_a_format_overrides_what_is_recognized(run, tmp_path):
    layouts.kdef(tmp_path)
    result = run("data", tmp_path, "--format", "jaffe")
    assert result.exit_code == 1
    assert "not named as KA.AN1.39.tiff" in result.output


def test_train_says_which_data_set_and_protocol_it_follows(run, tmp_path):
    layouts.jaffe(tmp_path / "d")
    small = ["--model", "dense", "--set", "hidden_layer_sizes=(8,)", "--epochs", 1]
    result = run("train", tmp_path / "d", *small, "--test-size", 0.3, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "Format: JAFFE (jaffe). Protocol: there is no official split; images of one" in (
        result.output
    )
    assert "without a common person" in result.output


def test_without_data_drawn_faces_are_described(run):
    result = run("data")
    assert result.exit_code == 0, result.output
    assert "drawn faces, seed 0" in result.output
