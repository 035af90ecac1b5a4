import unicodedata

import numpy as np
import pytest
from PIL import Image

from sk_fer import FERDenseClassifier
from sk_fer._utils._image_heif import reads_heif
from sk_fer.datasets import load_fer2013, load_image_folder


def test_classes_without_splits(tmp_path, write_image):
    write_image("Sadness/b.png", 20)
    write_image("Sadness/a.JPEG", 10)
    write_image("happy/c.bmp", 30)
    write_image("happy/d.webp", 40)
    faces = load_image_folder(tmp_path)
    assert faces.target.tolist() == ["sad", "sad", "happy", "happy"]
    assert faces.target_names == ["happy", "sad"]
    np.testing.assert_allclose(faces.images[:, 0, 0], [10, 20, 30, 40], atol=1)
    assert faces.images.shape == (4, 48, 48)
    assert faces.images.dtype == np.uint8
    assert np.shares_memory(faces.data, faces.images)
    assert faces.filenames[0] == str(tmp_path / "Sadness" / "a.JPEG")
    assert faces.usage is None
    with pytest.raises(ValueError, match=r"got subset='train', but it has no splits"):
        load_image_folder(tmp_path, subset="train")


@pytest.mark.parametrize("above", ["", "images/"])
def test_splits_and_prefixes(tmp_path, write_image, above):
    write_image(f"{above}Training/happy/1.png", 1)
    write_image(f"{above}val/happy/2.png", 2)
    write_image(f"{above}test/happy/3.png", 3)
    write_image(f"{above}test/happy/PublicTest_4.png", 4)
    write_image(f"{above}test/happy/Training_5.png", 5)
    with pytest.warns(UserWarning, match=r"2 file\(s\) begin with another split .*PublicTest_4"):
        faces = load_image_folder(tmp_path)
    usage = dict(zip(faces.images[:, 0, 0].tolist(), faces.usage.tolist(), strict=True))
    assert usage == {1: "train", 2: "validation", 3: "test", 4: "test", 5: "test"}


def test_prefixes_distinguish_the_two_splits_in_test(tmp_path, write_image):
    write_image("train/happy/Training_1.png", 1)
    write_image("train/happy/PublicTest_2.png", 2)
    write_image("test/happy/PublicTest_3.png", 3)
    write_image("test/happy/PrivateTest_4.png", 4)
    with pytest.warns(UserWarning, match=r"1 file\(s\) begin with another split .*PublicTest_2"):
        faces = load_image_folder(tmp_path)
    usage = dict(zip(faces.images[:, 0, 0].tolist(), faces.usage.tolist(), strict=True))
    assert usage == {1: "train", 2: "train", 3: "validation", 4: "test"}


def test_prefixes_without_split_folders(tmp_path, write_image):
    write_image("happy/Training_1.png", 1)
    write_image("happy/PrivateTest_2.png", 2)
    assert load_image_folder(tmp_path, subset="test").images[0, 0, 0] == 2


def test_an_image_in_no_split_among_splits(tmp_path, write_image):
    write_image("train/happy/1.png")
    write_image("happy/2.png")
    with pytest.raises(ValueError, match=r"2.png is in no split, but .*1.png is"):
        load_image_folder(tmp_path)


def test_own_classes(tmp_path, write_image):
    write_image("train/bored/1.png", 1)
    write_image("train/Happiness/2.png", 2)
    faces = load_image_folder(tmp_path, classes=["happy", "bored"])
    assert faces.target.tolist() == ["happy", "bored"]
    assert faces.target_names == ["bored", "happy"]
    with pytest.raises(ValueError, match=r"'bored' is not a class; expected happy, sad; "):
        load_image_folder(tmp_path, classes=["happy", "sad"])
    with pytest.raises(
        ValueError, match=r"'bored' is not a class; expected angry.*contempt; classes= "
    ):
        load_image_folder(tmp_path)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_class_name_with_an_accent_is_one_name_on_every_system(tmp_path, write_image, form):
    write_image(unicodedata.normalize(form, "fâché/1.png"))
    other = unicodedata.normalize({"NFC": "NFD", "NFD": "NFC"}[form], "fâché")
    faces = load_image_folder(tmp_path, classes=[other, "gai"])
    assert faces.target.tolist() == [other]


def test_class_names_are_found_in_any_case(tmp_path, write_image):
    for name in ("Smile/1.png", "OTHER/2.png"):
        write_image(name, 1)
    faces = load_image_folder(tmp_path, classes=["smile", "Other"])
    assert faces.target.tolist() == ["Other", "smile"]
    write_image("smile/3.png", 1)
    faces = load_image_folder(tmp_path, classes=["smile", "Smile", "Other"])
    assert faces.target.tolist() == ["Other", "Smile", "smile"]


def test_sizes(tmp_path, write_image):
    write_image("happy/a.png", 50, size=(30, 40))
    write_image("happy/b.png", 60, size=(48, 48))
    with pytest.raises(ValueError, match=r"a.png has 30 x 40 .*b.png has 48 x 48; image_size="):
        load_image_folder(tmp_path)
    faces = load_image_folder(tmp_path, image_size=(20, 24))
    assert faces.images.shape == (2, 20, 24)
    assert (faces.images == np.array([50, 60])[:, None, None]).all()
    assert load_image_folder(tmp_path, image_size=(8, 9), color=True).images.shape == (2, 8, 9, 3)


def test_color_and_gray(tmp_path, write_image):
    write_image("happy/a.png", (255, 0, 0), mode="RGB")
    faces = load_image_folder(tmp_path, color=True)
    assert faces.images.shape == (1, 48, 48, 3)
    assert faces.data.shape == (1, 48, 48, 3)
    assert faces.images[0, 0, 0].tolist() == [255, 0, 0]
    assert load_image_folder(tmp_path).images[0, 0, 0] == 76


def test_exif_orientation(tmp_path):
    pixels = np.zeros((48, 48), dtype=np.uint8)
    pixels[:24] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    (tmp_path / "happy").mkdir()
    Image.fromarray(pixels).save(tmp_path / "happy" / "a.png", exif=exif)
    image = load_image_folder(tmp_path).images[0]
    assert image[0, 0] == 0
    assert image[-1, 0] == 255


def test_hidden_and_other_files_are_not_read(tmp_path, write_image):
    write_image("happy/a.png")
    for name in (".DS_Store", "happy/Thumbs.db", "happy/._a.png", "happy/notes.txt", "README.md"):
        (tmp_path / name).write_text("no image")
    write_image(".ipynb_checkpoints/b.png")
    with pytest.warns(UserWarning, match=r"2 file\(s\) were not read.*: 1 .md, 1 .txt"):
        faces = load_image_folder(tmp_path)
    assert len(faces.images) == 1
    assert faces.not_read == {"hidden": 4, ".txt": 1, ".md": 1}


def test_skip(tmp_path, write_image):
    write_image("happy/a.png", 1)
    write_image("happy/c.png", 3)
    write_image("bored/d.png", 4)
    write_image("e.png", 5)
    (tmp_path / "happy" / "b.png").write_text("no image")
    faces = load_image_folder(tmp_path, on_error="skip")
    assert faces.images[:, 0, 0].tolist() == [1, 3]
    found = {path.removeprefix(str(tmp_path)).replace("\\", "/") for path, _ in faces.skipped}
    assert found == {"/happy/b.png", "/bored/d.png", "/e.png"}
    assert all(path in reason for path, reason in faces.skipped)


def test_as_frame(tmp_path, write_image):
    write_image("happy/a.png", 7)
    data, target = load_image_folder(tmp_path, return_X_y=True, as_frame=True)
    assert data.shape == (1, 2304)
    assert target.tolist() == ["happy"]


def test_links_back_are_not_followed_forever(tmp_path, write_image):
    write_image("happy/1.png", 1)
    (tmp_path / "happy" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert len(load_image_folder(tmp_path).target) == 1


def test_class_folders_beside_a_list_of_files(tmp_path, write_image):
    write_image("happy/1.png", 1)
    write_image("sad/2.png", 2)
    (tmp_path / "train.csv").write_text("file,label\nhappy/1.png,happy\n")
    with pytest.warns(UserWarning, match=r"1 file\(s\) were not read.*: 1 .csv"):
        faces = load_fer2013(tmp_path, subset="all")
    assert faces.target.tolist() == ["happy", "sad"]


@pytest.mark.parametrize(
    "names",
    [
        ("training_set", "dev", "test_set"),
        ("Train Data", "eval", "TestData"),
        ("FER2013Train", "FER2013Valid", "FER2013Test"),
        ("training", "Public_Test", "Private-Test"),
        ("images/train", "images/val", "images/testing"),
    ],
    ids=str,
)
def test_split_folders_under_any_of_their_names(tmp_path, write_image, names):
    for tone, name in enumerate(names):
        write_image(f"{name}/happy/1.png", tone)
    faces = load_image_folder(tmp_path)
    usage = dict(zip(faces.images[:, 0, 0].tolist(), faces.usage.tolist(), strict=True))
    assert usage == {0: "train", 1: "validation", 2: "test"}
    last = names[2].rpartition("/")[2]
    assert load_image_folder(tmp_path, subset=last).images[0, 0, 0] == 2


def test_the_error_names_an_unknown_folder_next_to_splits(tmp_path, write_image):
    write_image("train/happy/1.png")
    write_image("extra/happy/2.png")
    with pytest.raises(
        ValueError, match=r"2.png is in no split, its folder 'extra' is named after"
    ):
        load_image_folder(tmp_path)


def test_several_folders_that_are_not_splits_warn(tmp_path, write_image):
    write_image("part_a/happy/1.png")
    write_image("part_b/happy/2.png")
    with pytest.warns(UserWarning, match=r"several folders \('part_a', 'part_b'\).*as one set"):
        faces = load_image_folder(tmp_path)
    assert faces.usage is None


def test_images_are_read_by_content_and_others_counted_by_suffix(tmp_path):
    (tmp_path / "happy").mkdir()
    image = Image.new("L", (8, 8), 50)
    for name, form in [
        *(("a.tif", "TIFF"), ("b.tiff", "TIFF"), ("c.gif", "GIF"), ("d.jfif", "JPEG")),
        *(("e.pgm", "PPM"), ("f.JPG", "JPEG"), ("subject01.happy", "PNG"), ("g", "BMP")),
    ]:
        image.save(tmp_path / "happy" / name, form)
    for name in ("h.psd", "i.PSD", "j.eps", "k.mp4"):
        (tmp_path / "happy" / name).write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0")
    with pytest.warns(UserWarning, match=r"4 file\(s\) were not read.*: 1 .eps, 1 .mp4, 2 .psd"):
        faces = load_image_folder(tmp_path)
    assert len(faces.images) == 8
    assert (faces.images == 50).all()
    assert faces.not_read == {".psd": 2, ".eps": 1, ".mp4": 1}


@pytest.mark.skipif(reads_heif(), reason="pillow-heif is installed, which reads these files")
def test_heic_files_that_are_not_read_are_counted(tmp_path, write_image):
    write_image("happy/1.png")
    (tmp_path / "happy" / "2.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.warns(
        UserWarning, match=r'1 .heic; HEIC files require pip install "\.\[heic\]" in'
    ):
        assert load_image_folder(tmp_path).not_read == {".heic": 1}


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"image_size": (8, 8)}, (64,)),
        ({"image_size": (8, 10)}, (8, 10)),
        ({"image_size": (8, 8), "color": True}, (8, 8, 3)),
    ],
    ids=str,
)
def test_our_estimators_understand_the_data_that_is_returned(tmp_path, write_image, options, shape):
    for number in range(8):
        write_image(f"{('happy', 'sad')[number % 2]}/{number}.png", (number, 9, 9), mode="RGB")
    X, y = load_image_folder(tmp_path, return_X_y=True, **options)
    assert X.shape == (8, *shape)
    np.testing.assert_array_equal(load_image_folder(tmp_path, **options).data, X)
    model = FERDenseClassifier((4,), max_epochs=1, random_state=0).fit(X, y)
    assert model.image_shape_ == (*load_image_folder(tmp_path, **options).images.shape[1:], 1)[:3]
    if len(shape) > 1:
        with pytest.raises(ValueError, match="got as_frame=True for images of shape"):
            load_image_folder(tmp_path, as_frame=True, **options)


def test_target_names_are_in_the_order_of_the_columns_of_predict_proba(tmp_path, write_image):
    for number, name in enumerate(("surprise", "neutral", "sad", "happy") * 2):
        write_image(f"{name}/{number}.png", 30 * number)
    faces = load_image_folder(tmp_path)
    model = FERDenseClassifier((4,), max_epochs=1, random_state=0).fit(faces.data, faces.target)
    assert faces.target_names == model.classes_.tolist()


def test_numbered_folders_have_the_classes_of_names(tmp_path, write_image):
    for place in ("train/0/1.png", "train/1/2.png", "train/9/3.png", "test/01/4.png"):
        write_image(place)
    faces = load_image_folder(tmp_path, names={0: "sad", 1: "happy", "9": None})
    assert faces.target.tolist() == ["happy", "sad", "happy"]
    assert faces.left_out == {"9": 1}
    with pytest.raises(ValueError, match=r"3.png: its folder is not a class: the label is '9'"):
        load_image_folder(tmp_path, names={0: "sad", 1: "happy"})
    with pytest.raises(ValueError, match="got both classes= and names="):
        load_image_folder(tmp_path, names={0: "sad"}, classes=["0"])


def test_folders_of_one_class_are_joined_with_a_note(tmp_path, write_image):
    for place in ("Joy/1.png", "3_happy/2.png", "SADNESS/3.png"):
        write_image(place)
    with pytest.warns(UserWarning, match="are joined: '3_happy' and 'Joy' are 'happy'$"):
        assert load_image_folder(tmp_path).target.tolist() == ["happy", "happy", "sad"]


def test_other_spellings_in_other_splits_are_not_worth_a_note(tmp_path, write_image):
    for place in ("train/happy/1.png", "test/Happiness/2.png"):
        write_image(place)
    assert load_image_folder(tmp_path).target.tolist() == ["happy", "happy"]


def test_a_folder_can_be_a_memory_map(tmp_path, write_image):
    for number in range(3):
        write_image(f"happy/{number}.png", number)
    images = load_image_folder(tmp_path, cache=True, data_home=tmp_path / "home").images
    assert isinstance(images, np.memmap)
    assert images[:, 0, 0].tolist() == [0, 1, 2]
