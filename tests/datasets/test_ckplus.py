from pathlib import Path

import numpy as np
import pytest

from sk_fer.datasets import load_ckplus


def test_folder(tmp_path, write_image):
    write_image("anger/S010_004_00000017.png", 1)
    write_image("anger/S010_004_00000018.png", 2)
    write_image("sadness/S011_002_00000020.png", 3, size=(96, 96))
    faces = load_ckplus(tmp_path)
    assert faces.target.tolist() == ["angry", "angry", "sad"]
    assert faces.groups.tolist() == ["S010", "S010", "S011"]
    assert faces.sequences.tolist() == ["S010_004", "S010_004", "S011_002"]
    assert faces.target_names == ["angry", "sad"]
    assert faces.images.shape == (3, 48, 48)
    assert faces.usage is None
    assert faces.DESCR.startswith("CK+")


def test_folder_with_a_file_of_another_name(tmp_path, write_image):
    write_image("anger/S010_004_00000017.png")
    write_image("anger/me.png")
    with pytest.raises(ValueError, match=r"me.png: not named <subject>_<sequence>_<frame>"):
        load_ckplus(tmp_path)


def test_ckextended(tmp_path, rows, table):
    path = tmp_path / "ckextended.csv"
    lines = [",".join(rows[0]), ",".join(["7", *rows[1][1:]]), ",".join(["6", *rows[2][1:]])]
    path.write_text("\n".join(["emotion,pixels,Usage", *lines]))
    faces = load_ckplus(path)
    assert faces.target.tolist() == ["angry", "contempt", "neutral"]
    np.testing.assert_array_equal(faces.images, table[0][:3])
    assert faces.target_names == ["angry", "contempt", "neutral"]
    assert faces.groups is None
    X, y = load_ckplus(path, return_X_y=True)
    assert X.shape == (3, 2304)
    assert y.tolist() == faces.target.tolist()


def test_files_of_other_names_can_be_skipped(tmp_path, write_image):
    write_image("happy/S010_004_00000017.png", 1)
    write_image("happy/mine.png", 2)
    with pytest.raises(ValueError, match=r"mine\.png: not named <subject>_<sequence>_<frame>"):
        load_ckplus(tmp_path)
    faces = load_ckplus(tmp_path, on_error="skip")
    assert faces.groups.tolist() == ["S010"]
    assert [Path(name).name for name, _ in faces.skipped] == ["mine.png"]
