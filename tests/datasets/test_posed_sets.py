"""KDEF and JAFFE, whose labels are in the file names."""

import numpy as np
import pytest
from PIL import Image

from sk_fer.datasets import load_jaffe, load_kdef

from . import layouts


def test_kdef(tmp_path):
    truth = layouts.kdef(tmp_path / "KDEF")
    faces = load_kdef(tmp_path, image_size=24, angles="all")
    assert faces.images.shape == (len(truth), 24, 24)
    found = {
        str(name)[-12:].split("/")[-1].split(".")[0]: (target, group, angle)
        for name, target, group, angle in zip(
            faces.filenames, faces.target, faces.groups, faces.angle, strict=True
        )
    }
    assert found == truth
    assert faces.groups_kind == "person"
    assert set(faces.session) == {"A", "B"}
    straight = load_kdef(tmp_path / "KDEF")
    assert set(straight.angle) == {"S"}
    assert straight.left_out == {"other angles": len(truth) // 2}
    assert straight.images.shape == (len(truth) // 2, 32, 24)


def test_files_of_kdef_that_are_known_to_be_broken_are_named(tmp_path):
    layouts.kdef(tmp_path)
    for name in ("AF10/AF10AFFR.JPG", "AF31/AF31V.JPG", "AKDEF/FAFS.JPG"):
        layouts.draw(tmp_path / name, "fear")
    faces = load_kdef(tmp_path, angles="all", image_size=8)
    assert len(faces.images) == 56
    assert [reason.rpartition(": ")[2] for _, reason in faces.skipped] == [
        "known to be broken, the image is black",
        "known to be broken, the name is cut off",
    ]
    assert faces.left_out == {"averaged faces": 1}


def test_angles_of_kdef(tmp_path):
    layouts.kdef(tmp_path)
    with pytest.raises(ValueError, match=r"no image of angles=\['full left'\] among 56"):
        load_kdef(tmp_path, angles=["full left"])
    with pytest.raises(ValueError, match=r"angles=\['up'\], expected some of full left"):
        load_kdef(tmp_path, angles=["up"])


def test_jaffe(tmp_path):
    truth = layouts.jaffe(tmp_path)
    faces = load_jaffe(tmp_path)
    found = zip(faces.groups.tolist(), faces.target.tolist(), strict=True)
    assert sorted(found) == sorted(truth)
    assert faces.groups_kind == "person"
    assert faces.images.shape == (21, 24, 24)
    drawn = np.array(Image.open(faces.filenames[0]))
    np.testing.assert_array_equal(faces.images[0], drawn)


@pytest.mark.parametrize(
    ("load", "write", "example"),
    [(load_kdef, layouts.kdef, "AF01ANS.JPG"), (load_jaffe, layouts.jaffe, "KA.AN1.39.tiff")],
)
class TestBadInput:
    def test_another_folder(self, load, write, example, tmp_path):
        layouts.draw(tmp_path / "happy" / "1.png", "happy")
        with pytest.raises(
            ValueError, match=f"1.png: not named as {example}, as 1 of 1 images; expe"
        ):
            load(tmp_path, on_error="skip")

    def test_a_strange_file(self, load, write, example, tmp_path):
        write(tmp_path)
        layouts.draw(tmp_path / "me.png", "happy")
        with pytest.raises(
            ValueError, match=f"me.png: not named as {example}, as 1 of .* on_error="
        ):
            load(tmp_path)
        assert load(tmp_path, on_error="skip").skipped[0][0].endswith("me.png")

    def test_a_class_that_is_missing(self, load, write, example, tmp_path):
        write(tmp_path)
        for path in [*tmp_path.rglob("*HAS.JPG"), *tmp_path.rglob("*HAHL.JPG")]:
            path.unlink()
        for path in tmp_path.rglob("*.HA1.*"):
            path.unlink()
        with pytest.raises(ValueError, match=r"no image of happy among .* on_error="):
            load(tmp_path)
        with pytest.warns(UserWarning, match="no image of happy among"):
            assert "happy" not in load(tmp_path, on_error="skip").target_names

    def test_a_broken_image(self, load, write, example, tmp_path):
        write(tmp_path)
        first = sorted(p for p in tmp_path.rglob("*") if "AN" in p.name and "HL" not in p.name)[0]
        first.write_bytes(first.read_bytes()[:40])
        with pytest.raises(ValueError, match=f"{first.name}: not a readable image"):
            load(tmp_path)
        assert [name for name, _ in load(tmp_path, on_error="skip").skipped] == [str(first)]

    def test_no_images(self, load, write, example, tmp_path):
        with pytest.raises(ValueError, match="found no images"):
            load(tmp_path)
