import shutil
from pathlib import Path

import numpy as np
import pytest

from sk_fer.datasets import load_ckplus

from . import layouts


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


class TestTheOriginal:
    @pytest.mark.parametrize(("frames", "n_each"), [("last3", 3), ("peak", 1)])
    @pytest.mark.parametrize("first_as_neutral", [False, True])
    def test_frames_labels_and_subjects(self, tmp_path, frames, n_each, first_as_neutral):
        truth = layouts.ckplus_original(tmp_path)
        faces = load_ckplus(tmp_path, frames=frames, first_as_neutral=first_as_neutral)
        assert faces.images.shape == (7 * (n_each + first_as_neutral), 24, 32)
        for name, target, group, sequence in zip(
            faces.filenames, faces.target, faces.groups, faces.sequences, strict=True
        ):
            number = int(name[-8:-4])
            assert group == truth[sequence][0]
            assert target == ("neutral" if number == 1 else truth[sequence][1])
            assert number in ({1} if number == 1 else set(range(6 - n_each, 6)))
        assert (faces.target == "neutral").sum() == 7 * first_as_neutral
        assert faces.groups_kind == "subject"
        assert faces.left_out == {"sequence without label": 5}

    def test_a_sequence_of_two_frames_has_its_first_one_once(self, tmp_path):
        layouts.ckplus_original(tmp_path)
        for number in (2, 3, 4):
            (tmp_path / f"cohn-kanade-images/S001/001/S001_001_{number:08}.png").unlink()
        faces = load_ckplus(tmp_path, first_as_neutral=True)
        assert faces.target[faces.sequences == "S001_001"].tolist() == ["neutral", "angry"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("9.0000000e+00", "the label is '9', expected one of 0"),
            ("", "the label is empty"),
            ("happy?", "the label is 'happy"),
        ],
    )
    def test_a_bad_label_is_named(self, tmp_path, content, message):
        layouts.ckplus_original(tmp_path)
        name = "S001_001_00000005_emotion.txt"
        (tmp_path / "Emotion" / "S001" / "001" / name).write_text(content)
        with pytest.raises(ValueError, match=f"{name}: {message}"):
            load_ckplus(tmp_path)
        faces = load_ckplus(tmp_path, on_error="skip")
        assert len(faces.images) == 18
        assert name in faces.skipped[0][0]

    def test_a_missing_last_frame_or_sequence_or_all_labels(self, tmp_path):
        layouts.ckplus_original(tmp_path)
        images = tmp_path / "cohn-kanade-images" / "S001" / "001"
        (images / "S001_001_00000005.png").unlink()
        with pytest.raises(ValueError, match=r"labels the last frame, but the last .*00000004.png"):
            load_ckplus(tmp_path)
        shutil.rmtree(images)
        with pytest.raises(ValueError, match="there are no images of this sequence; on_error="):
            load_ckplus(tmp_path)
        assert len(load_ckplus(tmp_path, on_error="skip").images) == 18
        shutil.rmtree(tmp_path / "Emotion")
        with pytest.raises(ValueError, match=r"but no labels, such as Emotion/S005/001"):
            load_ckplus(tmp_path)


def test_the_peak_of_ckplus_48(tmp_path, write_image):
    for number, label in ((17, "anger"), (16, "anger"), (18, "anger"), (5, "happy")):
        sequence = "S010_004" if label == "anger" else "S010_006"
        write_image(f"CK/{label}/{sequence}_{number:08}.png", number)
    faces = load_ckplus(tmp_path / "CK", frames="peak", image_size=16)
    assert faces.images[:, 0, 0].tolist() == [18, 5]
    assert faces.images.shape == (2, 16, 16)
    with pytest.raises(ValueError, match="is CK\\+48, which has no first frames"):
        load_ckplus(tmp_path / "CK", first_as_neutral=True)
