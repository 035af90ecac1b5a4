"""RAF-DB: its two lists with the same name, and the folders of Kaggle."""

import zipfile

import pytest

from sk_fer.datasets import load_rafdb

from . import layouts


@pytest.mark.parametrize("labels", ["basic", "compound"])
def test_the_list(tmp_path, labels):
    truth = layouts.rafdb(tmp_path / labels, labels=labels)
    faces = load_rafdb(tmp_path, labels=labels)
    assert list(zip(faces.usage.tolist(), faces.target.tolist(), strict=True)) == truth
    assert faces.images.shape == (len(truth), 24, 24)
    assert faces.extra == faces.missing == []
    assert faces.groups is None
    original = load_rafdb(tmp_path / labels, labels=labels, images="original", subset="test")
    assert original.images.shape[1:] == (40, 30)
    assert set(original.usage) == {"test"}


def test_the_two_lists_are_told_apart(tmp_path):
    layouts.rafdb(tmp_path / "compound", labels="compound")
    with pytest.raises(
        ValueError,
        match=r"list of the compound expressions .* labels='compound'.*--format rafdb_compound",
    ):
        load_rafdb(tmp_path)
    layouts.rafdb(tmp_path / "basic")
    with pytest.raises(ValueError, match=r"list of the basic expressions .* labels='basic'"):
        load_rafdb(tmp_path / "basic", labels="compound")
    with pytest.raises(
        ValueError, match=r"several files list_patition_label.txt .* the folder of one"
    ):
        load_rafdb(tmp_path)


@pytest.mark.parametrize("archived", [False, True])
def test_the_folders_of_kaggle(tmp_path, archived):
    truth = layouts.rafdb_kaggle(tmp_path / "raf")
    path = tmp_path / "raf"
    if archived:
        path = tmp_path / "raf.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted((tmp_path / "raf").rglob("*.jpg")):
                archive.write(file, file.relative_to(tmp_path / "raf"))
    faces = load_rafdb(path)
    assert list(zip(faces.usage.tolist(), faces.target.tolist(), strict=True)) == truth


def list_of(root):
    return root / "EmoLabel" / "list_patition_label.txt"


def test_a_list_of_another_set(tmp_path):
    layouts.rafdb(tmp_path)
    list_of(tmp_path).write_text("a.jpg 0 10 20 30 40 9.5 6\n")
    with pytest.raises(ValueError, match=r"list_patition_label.txt, row 1: the label is '0'"):
        load_rafdb(tmp_path)


def test_a_missing_list_or_folder_of_images(tmp_path):
    layouts.rafdb(tmp_path)
    for path in (tmp_path / "Image" / "aligned").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"no images in a folder 'aligned'"):
        load_rafdb(tmp_path)
    list_of(tmp_path).unlink()
    with pytest.raises(ValueError, match=r"and there is no list_patition_label.txt"):
        load_rafdb(tmp_path)


def test_a_code_out_of_range_and_a_missing_file(tmp_path):
    layouts.rafdb(tmp_path)
    text = list_of(tmp_path).read_text()
    list_of(tmp_path).write_text(f"{text}test_00001.jpg 12\n")
    with pytest.raises(ValueError, match=r"row 22: the label is '12', expected one of 1, 2, "):
        load_rafdb(tmp_path)
    list_of(tmp_path).write_text(f"{text}test_00099.jpg 2\n")
    with pytest.raises(ValueError, match=r"1 of the 22 files .* row 22, test_00099.jpg"):
        load_rafdb(tmp_path)
