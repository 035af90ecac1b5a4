"""AffectNet, ExpW and SFEW: faces from the web and from films."""

import shutil

import numpy as np
import pytest
from PIL import Image

from sk_fer.datasets import load_affectnet, load_expw, load_sfew

from . import layouts


class TestAffectNet:
    def test_lists(self, tmp_path):
        truth = layouts.affectnet_lists(tmp_path)
        faces = load_affectnet(tmp_path)
        found = zip(faces.usage, faces.target, faces.valence, faces.filenames, strict=True)
        assert [tuple(map(str, row)) for row in found] == [tuple(map(str, row)) for row in truth]
        assert faces.images.shape == (16, 28, 30)
        np.testing.assert_array_equal(
            faces.images[0], np.array(Image.open(truth[0][3]).convert("L"))[6:34, 4:34]
        )
        assert faces.left_out == {"8": 2, "9": 2, "10": 2}
        assert faces.missing == faces.extra == []
        assert faces.groups is None

    def test_whole_images_seven_classes_and_a_memory_map(self, tmp_path):
        layouts.affectnet_lists(tmp_path)
        seven = (*("none", "uncertain", "no face"), "contempt")
        faces = load_affectnet(
            tmp_path, crop=False, leave_out=seven, color=True, image_size=16, cache=True
        )
        assert isinstance(faces.images, np.memmap)
        assert faces.images.shape == (14, 16, 16, 3)
        assert "contempt" not in faces.target_names
        valid = load_affectnet(tmp_path, subset="val", crop=False, cache=True, image_size=16)
        assert isinstance(valid.images, np.memmap)
        assert set(valid.usage) == {"validation"}

    def test_annotations(self, tmp_path):
        truth = layouts.affectnet_annotations(tmp_path)
        faces = load_affectnet(tmp_path)
        assert list(zip(faces.usage.tolist(), faces.target.tolist(), strict=True)) == truth
        assert faces.left_out == {"none": 2}

    def test_kaggle(self, tmp_path):
        truth = layouts.affectnet_kaggle(tmp_path)
        with pytest.warns(UserWarning, match="1 of 10 images are in the folder of another class"):
            faces = load_affectnet(tmp_path)
        assert faces.target.tolist() == truth
        assert faces.usage is None

    def test_images_without_annotation_and_annotations_without_image(self, tmp_path):
        layouts.affectnet_annotations(tmp_path)
        layouts.draw(tmp_path / "val_set" / "images" / "99.jpg", "happy")
        with pytest.warns(UserWarning, match=r"1 images have no annotation, .*99.jpg"):
            assert load_affectnet(tmp_path).extra == ["val_set/images/99.jpg"]
        (tmp_path / "val_set" / "images" / "99.jpg").unlink()
        (tmp_path / "val_set" / "images" / "8.jpg").unlink()
        with pytest.raises(ValueError, match=r"1 annotations have no image, .*8_exp.npy; on_error"):
            load_affectnet(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"junk", None])
    def test_a_bad_annotation_is_named(self, tmp_path, content):
        layouts.affectnet_annotations(tmp_path)
        path = tmp_path / "val_set" / "annotations" / "3_exp.npy"
        path.write_bytes(content) if content is not None else np.save(path, np.array("17"))
        with pytest.raises(ValueError, match=r"3_exp.npy: "):
            load_affectnet(tmp_path)
        faces = load_affectnet(tmp_path, on_error="skip")
        assert len(faces.images) == 15
        assert "3_exp.npy" in faces.skipped[0][1]

    def test_other_folders(self, tmp_path):
        layouts.draw(tmp_path / "happy" / "1.jpg", "happy")
        with pytest.raises(ValueError, match=r"found none of training.csv, validation.csv, labels"):
            load_affectnet(tmp_path)
        (tmp_path / "labels.csv").write_text("file,label\nhappy/1.jpg,happy\n")
        with pytest.raises(ValueError, match="of which AffectNet has one"):
            load_affectnet(tmp_path)
        with pytest.raises(ValueError, match=r"leave_out=\['joy'\], expected some of neutral"):
            load_affectnet(tmp_path, leave_out=["joy"])

    def test_one_list_of_two_in_another_form_is_an_error(self, tmp_path):
        layouts.affectnet_lists(tmp_path)
        table = tmp_path / "lists" / "training.csv"
        table.write_text(table.read_text().replace("subDirectory_filePath", "path"))
        with pytest.raises(ValueError, match=r"training.csv: no column 'subDirectory_filePath'"):
            load_affectnet(tmp_path)

    def test_a_code_out_of_range_a_bad_box_and_a_missing_class(self, tmp_path):
        layouts.affectnet_lists(tmp_path)
        table = tmp_path / "lists" / "training.csv"
        text = table.read_text()
        table.write_text(text.replace(",0,0.0,-2", ",11,0.0,-2"))
        with pytest.raises(ValueError, match=r"training.csv, row 1: the label is '11', ex"):
            load_affectnet(tmp_path)
        table.write_text(text.replace("4,6,30,28", "4,6,0,28", 1))
        with pytest.raises(ValueError, match=r"training.csv, row 1: the box .*width=0.* is empty"):
            load_affectnet(tmp_path)
        for name in ("training", "validation"):
            table = tmp_path / "lists" / f"{name}.csv"
            table.write_text(table.read_text().replace(",0,0.0,-2", ",9,0.0,-2"))
        table = tmp_path / "lists" / "training.csv"
        table.write_text(text.replace(",0,0.0,-2", ",9,0.0,-2"))
        with pytest.raises(ValueError, match="no image of neutral among 14"):
            load_affectnet(tmp_path)


class TestExpW:
    def test_faces_are_cropped_and_grouped_by_image(self, tmp_path):
        truth = layouts.expw(tmp_path)
        faces = load_expw(tmp_path)
        assert faces.images.shape == (14, 24, 24)
        found = zip(faces.groups, faces.target, faces.confidence, strict=True)
        assert list(found) == [row[:3] for row in truth]
        assert faces.groups_kind == "image"
        for image, (*_, face) in zip(faces.images, truth, strict=True):
            assert abs(image.astype(int) - face).mean() < 6

    def test_confidence(self, tmp_path):
        layouts.expw(tmp_path)
        faces = load_expw(tmp_path, min_confidence=20)
        assert len(faces.images) == 7
        assert faces.left_out == {"not kept": 7}

    def test_no_list_or_another_list(self, tmp_path):
        layouts.expw(tmp_path)
        (tmp_path / "label" / "label.lst").write_text("train_00001.jpg 5\n")
        with pytest.raises(ValueError, match=r"label.lst: no column 7, its first row has 2 fields"):
            load_expw(tmp_path)
        shutil.rmtree(tmp_path / "label")
        with pytest.raises(ValueError, match=r"no file label.lst in this folder"):
            load_expw(tmp_path)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("36 50 0", "36 50 7", "row 1: the label is '7', expected one of 0"),
            ("36 50 0", "36 x 0", "row 1: confidence is 'x', expected a number"),
            ("12 10 34", "12 34 34", "row 1: the box .* is empty"),
            ("angry_0.jpg 0", "angry_9.jpg 0", "1 of the 14 files .* row 1, angry_9.jpg"),
        ],
    )
    def test_bad_rows(self, tmp_path, old, new, message):
        layouts.expw(tmp_path)
        table = tmp_path / "label" / "label.lst"
        table.write_text(table.read_text().replace(old, new, 1))
        with pytest.raises(ValueError, match=f"label.lst.*{message}"):
            load_expw(tmp_path)


class TestSFEW:
    def test_films(self, tmp_path):
        truth = layouts.sfew(tmp_path)
        faces = load_sfew(tmp_path)
        found = zip(faces.usage.tolist(), faces.target.tolist(), faces.groups.tolist(), strict=True)
        assert sorted(found) == sorted(truth)
        assert faces.groups_kind == "film"
        assert faces.left_out == {"no label": 1}

    def test_images_that_are_not_aligned_are_left_out(self, tmp_path):
        layouts.sfew(tmp_path, test=False)
        layouts.draw(tmp_path / "Train" / "Angry" / "Airheads_000519240_00000005.png", "angry")
        assert load_sfew(tmp_path).left_out == {"not aligned": 1}

    def test_another_folder(self, tmp_path):
        layouts.draw(tmp_path / "train" / "happy" / "1.png", "happy")
        with pytest.raises(ValueError, match=r"1.png: not named as Train/Train_Aligned"):
            load_sfew(tmp_path)

    def test_a_class_that_is_missing(self, tmp_path):
        layouts.sfew(tmp_path)
        for split in ("Train", "Val"):
            shutil.rmtree(tmp_path / split / f"{split}_Aligned_Faces" / "Fear")
        with pytest.raises(ValueError, match="no image of fear among 18"):
            load_sfew(tmp_path)
