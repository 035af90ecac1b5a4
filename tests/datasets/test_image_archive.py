"""Archives of image folders are read like the folder, and are not extracted to the disk."""

import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from sk_fer.datasets import load_ckplus, load_faces, load_fer2013, load_image_folder

from .archives import zipped

FORMS = ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"]


def pack(folder, path):
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(folder.parent))
    else:
        mode = "w:" + path.name.partition(".tar")[2].removeprefix(".")
        with tarfile.open(path, mode) as archive:
            archive.add(folder, folder.name)
    return path


@pytest.fixture
def folder(tmp_path, write_image):
    for number, name in enumerate(
        ("train/happy/Training_1", "train/sad/Training_2", "test/happy/PublicTest_3"), 1
    ):
        write_image(f"archive/{name}.png", number)
    write_image("archive/test/happy/PrivateTest_4.png", 4)
    (tmp_path / "archive" / ".DS_Store").write_text("junk")
    return tmp_path / "archive"


@pytest.mark.parametrize("form", FORMS)
def test_an_archive_is_read_as_its_folder(tmp_path, folder, form):
    path = pack(folder, tmp_path / f"faces.{form}")
    expected = load_image_folder(folder)
    for faces in (load_image_folder(path), load_faces(path), load_fer2013(path, subset="all")):
        np.testing.assert_array_equal(faces.images, expected.images)
        assert faces.target.tolist() == expected.target.tolist()
        assert faces.usage.tolist() == expected.usage.tolist()
        assert faces.not_read == {"hidden": 1}
    assert load_faces(path).format == "image_folder"
    assert faces.filenames[0] == f"{path}/archive/test/happy/PrivateTest_4.png"
    assert load_faces(path, subset="PublicTest").images[0, 0, 0] == 3


@pytest.mark.parametrize("form", FORMS[:2])
def test_an_archive_of_ckplus_has_its_subjects(tmp_path, write_image, form):
    for name in ("anger/S010_004_00000017.png", "happy/S011_006_00000013.png"):
        write_image(f"CK+48/{name}")
    path = pack(tmp_path / "CK+48", tmp_path / f"ck.{form}")
    faces = load_faces(path)
    assert faces.format == "ckplus"
    assert faces.groups.tolist() == load_ckplus(path).groups.tolist() == ["S010", "S011"]


def test_names_that_lead_out_of_the_folder_write_nothing(tmp_path, write_image):
    image = write_image("a.png", 7).read_bytes()
    path = tmp_path / "inner" / "faces.zip"
    path.parent.mkdir()
    path.write_bytes(zipped({"../../evil/happy/1.png": image, "evil\\happy\\2.png": image}))
    before = sorted(tmp_path.rglob("*"))
    assert load_image_folder(path).target.tolist() == ["happy", "happy"]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("form", FORMS)
def test_damaged_archives(tmp_path, folder, form):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)).save(
        folder / "train" / "happy" / "large.png"
    )
    path = pack(folder, tmp_path / f"faces.{form}")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=rf"faces.{form}.*(damaged|not a readable image)"):
        load_image_folder(path, image_size=(8, 8))


def test_a_damaged_member_can_be_skipped(tmp_path, folder):
    path = pack(folder, tmp_path / "faces.zip")
    content = bytearray(path.read_bytes())
    start = content.index(b"IDAT")
    content[start : start + 8] = bytes(8)
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"PrivateTest_4.png: truncated or damaged, Bad CRC-32"):
        load_image_folder(path)
    faces = load_image_folder(path, on_error="skip")
    assert len(faces.images) == 3
    assert [name.rpartition("/")[2] for name, _ in faces.skipped] == ["PrivateTest_4.png"]


def test_an_archive_without_images_or_table_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.md").write_text("no image")
    path = pack(tmp_path / "a", tmp_path / "a.zip")
    with pytest.raises(
        ValueError, match=r"a.zip: expected one CSV file in this archive, found none"
    ):
        load_faces(path)
    (tmp_path / "b.txt").write_text("text")
    with pytest.raises(
        NotADirectoryError, match=r"b.txt: not a folder, and not a zip or tar archive"
    ):
        load_image_folder(tmp_path / "b.txt")


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_doubled_folder_is_read_once(tmp_path, write_image, form):
    for above in ("images", "images/images"):
        write_image(f"data/{above}/train/happy/1.png", 1)
        write_image(f"data/{above}/validation/sad/2.png", 2)
    path = tmp_path / "data" / "images" if form == "folder" else tmp_path / "data.zip"
    if form == "zip":
        pack(tmp_path / "data", path)
    with pytest.warns(
        UserWarning, match=r"2 image\(s\) were left out, since they lie a second time"
    ):
        faces = load_image_folder(path)
    assert faces.images[:, 0, 0].tolist() == [1, 2]
    assert faces.usage.tolist() == ["train", "validation"]
    assert faces.not_read == {"copy": 2}


def test_nested_folders_and_other_images_are_read(tmp_path, write_image):
    write_image("images/images/train/happy/1.png", 1)
    assert load_image_folder(tmp_path / "images").usage.tolist() == ["train"]
    write_image("images/train/happy/1.png", 2)
    assert len(load_image_folder(tmp_path / "images").images) == 2


def test_an_archive_of_an_unknown_version_is_an_error(tmp_path, folder):
    path = pack(folder, tmp_path / "faces.zip")
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02") + 6  # the version that is needed, in the directory
    content[place] = 147
    path.write_bytes(bytes(content))
    for load in (load_faces, load_image_folder, load_fer2013):
        with pytest.raises(ValueError, match=r"faces.zip: truncated or damaged, zip file version"):
            load(path)
