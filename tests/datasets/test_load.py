"""`load_faces` recognizes the format of a file or folder."""

import os
from functools import partial

import pytest

from sk_fer.datasets import load_ckplus, load_faces, load_fer2013, load_image_folder
from sk_fer.datasets._declared import DATA_SETS
from sk_fer.datasets._load import find_format

from . import layouts

FRAMES = ("anger/S010_004_00000017", "happy/S011_006_00000013", "happy/S011_006_00000014")
HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)


@pytest.fixture
def ckplus(tmp_path, write_image):
    for name in FRAMES:
        write_image(f"CK+48/{name}.png")
    return tmp_path / "CK+48"


@pytest.mark.parametrize("name", ["fer2013.csv", "train.csv", "anything.csv", "ckextended.csv"])
def test_tables(fer2013_csv, name):
    path = fer2013_csv.rename(fer2013_csv.with_name(name))
    faces = load_faces(path)
    assert faces.format == ("ckextended" if name == "ckextended.csv" else "fer2013")
    assert len(faces.images) == 6
    assert load_faces(path, subset="Public Test").usage.tolist() == ["validation"] * 2


def test_a_folder_with_a_table(fer2013_csv):
    assert load_faces(fer2013_csv.parent).format == "fer2013"


def test_votes(fer2013_csv, tmp_path, table):
    votes = tmp_path / "fer2013new.csv"
    lines = [f"{usage},any,0,8,2,0,0,0,0,0,0,0" for usage in table[2]]
    votes.write_text("\n".join([HEADER, *lines]))
    faces = load_faces(fer2013_csv, ferplus=votes)
    assert faces.format == "ferplus"
    assert set(faces.target) == {"happy"}


@pytest.mark.parametrize(
    "junk",
    [
        *("happy/._S011_006_00000013.png", "._x.png", "happy/.DS_Store", "happy/Thumbs.db"),
        *("__MACOSX/happy/._S011_006_00000013.png", "__MACOSX/happy/x.png", "desktop.ini"),
        ".ipynb_checkpoints/S011_006_00000013-checkpoint.png",
        "happy/.ipynb_checkpoints/x.png",
    ],
)
def test_ckplus_with_junk_beside_it_keeps_its_subjects(ckplus, write_image, junk):
    write_image("x.png").rename(ckplus.parent / "y.png")
    (ckplus / junk).parent.mkdir(parents=True, exist_ok=True)
    (ckplus.parent / "y.png").rename(ckplus / junk)
    faces = load_faces(ckplus)
    assert faces.format == "ckplus"
    assert faces.groups.tolist() == ["S010", "S011", "S011"]
    assert faces.not_read == {"hidden": 1}


@pytest.mark.parametrize("suffix", [".PNG", " copy.png", "_1.Png", ".jpg"])
def test_ckplus_with_other_suffixes_keeps_its_subjects(tmp_path, write_image, suffix):
    for name in FRAMES:
        write_image(f"CK+48/{name}{suffix}")
    faces = load_faces(tmp_path / "CK+48")
    assert faces.format == "ckplus"
    assert faces.groups.tolist() == ["S010", "S011", "S011"]


def test_an_image_that_is_not_a_frame_among_frames_is_an_error(ckplus, write_image):
    write_image("CK+48/happy/me.png")
    with pytest.raises(ValueError, match=r"me.png: not named <subject>_<sequence>_<frame>"):
        load_faces(ckplus)
    faces = load_faces(ckplus, on_error="skip")
    assert faces.groups.tolist() == ["S010", "S011", "S011"]
    assert [name.rpartition("/")[2] for name, _ in faces.skipped] == ["me.png"]


def test_a_few_frames_among_other_images_are_warned_of(ckplus, write_image):
    for number in range(4):
        write_image(f"CK+48/happy/{number}.png")
    with pytest.warns(UserWarning, match=r"3 of 7 images are named as frames of CK\+"):
        faces = load_faces(ckplus)
    assert faces.format == "image_folder"
    assert faces.groups is None


def test_class_folders(tmp_path, write_image):
    write_image("d/good/1.png", (1, 2, 3), mode="RGB")
    write_image("d/bad/2.png", (4, 5, 6), mode="RGB", size=(30, 40))
    faces = load_faces(tmp_path / "d", classes=["good", "bad"], image_size=(8, 10), color=True)
    assert faces.format == "image_folder"
    assert faces.images.shape == (2, 8, 10, 3)
    X, y = load_faces(tmp_path / "d", classes=["good", "bad"], image_size=(8, 8), return_X_y=True)
    assert X.shape == (2, 64)
    assert y.tolist() == ["bad", "good"]


@pytest.mark.parametrize(
    "option", [{"classes": ["a"]}, {"image_size": (9, 9)}, {"color": True}], ids=str
)
def test_options_of_images_are_refused_for_tables(fer2013_csv, option):
    with pytest.raises(ValueError, match=r"is for .*load_image_folder.*, but .* format 'fer2013'"):
        load_faces(fer2013_csv, **option)


def test_options_that_no_loader_has_are_refused(fer2013_csv):
    with pytest.raises(TypeError, match="unexpected keyword argument 'subsets'"):
        load_faces(fer2013_csv, subsets="test")


def test_options_are_those_of_the_loader(fer2013_csv, tmp_path):
    options = {"as_frame": True, "return_X_y": True, "cache": True, "data_home": tmp_path / "home"}
    X, y = load_faces(fer2013_csv, **options)
    wanted_X, wanted_y = load_fer2013(fer2013_csv, subset="all", **options)
    assert X.equals(wanted_X)
    assert y.equals(wanted_y)
    with pytest.raises(ValueError, match="The 'on_error' parameter"):
        load_faces(fer2013_csv, on_error="ignore")


def test_real_ckplus_with_junk(data_folder, tmp_path):
    folder = tmp_path / "CK+48"
    folder.symlink_to(data_folder / "CK+48", target_is_directory=True)
    (tmp_path / "._x.png").write_bytes(b"")
    faces = load_faces(tmp_path)
    assert faces.format == "ckplus"
    assert len(set(faces.groups)) == 118


@pytest.mark.parametrize("name", ["labels.csv", "train.csv"])
@pytest.mark.parametrize("header", ["image,label", "emotion,images", "face,expression"])
def test_a_list_of_files_next_to_class_folders_is_not_a_table(tmp_path, write_image, name, header):
    write_image("d/happy/1.png")
    (tmp_path / "d" / name).write_text(f"{header}\nhappy/1.png,happy\n")
    with pytest.warns(
        UserWarning, match=r"1 file\(s\) were not read, since they are not images.*: 1 .csv"
    ):
        assert load_faces(tmp_path / "d").format == "image_folder"


def test_split_folders_of_ckplus_that_share_subjects_are_warned_of(tmp_path, write_image):
    write_image("CK/train/anger/S010_004_00000017.png")
    write_image("CK/test/happy/S011_006_00000013.png")
    assert load_faces(tmp_path / "CK").usage.tolist() == ["test", "train"]
    write_image("CK/test/happy/S010_006_00000013.png")
    with pytest.warns(UserWarning, match="its split folders share subjects"):
        assert load_faces(tmp_path / "CK").groups.tolist() == ["S010", "S011", "S010"]


@pytest.mark.parametrize("load", [load_faces, load_fer2013, load_ckplus, load_image_folder])
def test_the_device_is_not_part_of_the_data(load):
    with pytest.raises(ValueError, match=f"{os.devnull} is a device, socket or pipe; expected"):
        load(os.devnull)


LAYOUTS = {
    "rafdb": layouts.rafdb,
    "rafdb_compound": partial(layouts.rafdb, labels="compound"),
    "affectnet": layouts.affectnet_lists,
    "expw": layouts.expw,
    "sfew": layouts.sfew,
    "kdef": layouts.kdef,
    "jaffe": layouts.jaffe,
    "ckplus": layouts.ckplus_original,
    "ferplus": layouts.ferplus_folder,
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.filterwarnings("error")
def test_each_data_set_is_recognized_and_loaded(tmp_path, name):
    LAYOUTS[name](tmp_path / "d")
    assert find_format(tmp_path / "d") == name
    options = {} if name == "ferplus" else {"image_size": 16}
    faces = load_faces(tmp_path / "d", **options)
    assert faces.format == name
    side = 48 if name == "ferplus" else 16
    assert faces.images.shape[1:] == (side, side)
    assert (faces.groups is None) == (faces.groups_kind is None)
    assert DATA_SETS[name].title.split(",")[0].replace("+", "") in faces.DESCR.replace("+", "")


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (layouts.rafdb_kaggle, "rafdb"),
        (layouts.affectnet_annotations, "affectnet"),
        (layouts.affectnet_kaggle, "affectnet"),
    ],
)
def test_other_forms_of_data_sets_are_recognized(tmp_path, write, name):
    write(tmp_path)
    assert find_format(tmp_path) == name


def test_folders_with_numbers_are_not_taken_for_rafdb(tmp_path, write_image):
    write_image("d/train/1/me.jpg")
    assert find_format(tmp_path / "d") == "image_folder"


def test_own_labels_are_not_taken_for_those_of_affectnet(tmp_path, write_image):
    write_image("d/happy/1.jpg")
    (tmp_path / "d" / "labels.csv").write_text("file,label\nhappy/1.jpg,happy\n")
    assert find_format(tmp_path / "d") == "image_folder"


def test_a_format_can_be_given(tmp_path, write_image):
    layouts.kdef(tmp_path / "k")
    with pytest.raises(ValueError, match=r"is not a class; expected angry"):
        load_faces(tmp_path / "k", format="image_folder")
    with pytest.raises(ValueError, match=r"not named as KA.AN1.39.tiff"):
        load_faces(tmp_path / "k", format="jaffe")
    with pytest.raises(ValueError, match=r"got subset='test', but KDEF has no splits"):
        load_faces(tmp_path / "k", subset="test")
    with pytest.raises(ValueError, match="The 'format' parameter of load_faces must be a str"):
        load_faces(tmp_path / "k", format="fer")


def test_parquet_files_are_told_apart_by_their_content(tmp_path, rows):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pixels = pa.table({"emotion": [3], "pixels": [rows[0][1]]})
    pq.write_table(pixels, tmp_path / "a.parquet")
    assert find_format(tmp_path / "a.parquet") == "fer2013"
    images = pa.table({"label": [3], "image": [{"bytes": b"", "path": ""}]})
    pq.write_table(images, tmp_path / "a.parquet")
    assert find_format(tmp_path / "a.parquet") == "huggingface"
    assert find_format(tmp_path) == "huggingface"
