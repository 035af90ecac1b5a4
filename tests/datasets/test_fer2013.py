import gzip

import numpy as np
import pytest

from sk_fer.datasets import load_fer2013

from .archives import tarred, zipped

SPLITS = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
NAMES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def write_icml(path, rows):
    lines = [f"{code}, {usage}, {pixels}" for code, pixels, usage in rows]
    path.write_text("\n".join(["emotion, Usage, pixels", *lines]))


def test_bunch(fer2013_csv, table):
    images, codes, usages = table
    faces = load_fer2013(fer2013_csv, subset="all")
    np.testing.assert_array_equal(faces.images, images)
    assert faces.images.dtype == np.uint8
    assert faces.data.shape == (6, 2304)
    assert np.shares_memory(faces.data, faces.images)
    assert faces.data.flags.writeable
    assert faces.target_names == ["angry", "disgust", "happy", "neutral", "sad", "surprise"]
    assert faces.target.dtype.kind == "U"
    assert faces.target.tolist() == [NAMES[code] for code in codes]
    assert faces.usage.tolist() == [SPLITS[usage] for usage in usages]
    assert faces.groups is faces.filenames is faces.frame is None
    assert faces.skipped == []
    assert faces.DESCR.startswith("FER2013")


@pytest.mark.parametrize(
    ("subset", "part"),
    [("train", slice(3)), ("validation", slice(3, 5)), ("test", slice(5, 6)), ("all", slice(6))],
)
def test_subset(fer2013_csv, table, subset, part):
    images, codes, usages = table
    faces = load_fer2013(fer2013_csv, subset=subset)
    np.testing.assert_array_equal(faces.images, images[part])
    assert faces.target.tolist() == [NAMES[code] for code in codes[part]]
    assert faces.usage.tolist() == [SPLITS[usage] for usage in usages[part]]


def test_subset_of_rows_in_any_order(tmp_path, rows, table):
    path = tmp_path / "fer2013.csv"
    path.write_text("\n".join(["emotion,pixels,Usage", *map(",".join, rows[::-1])]))
    faces = load_fer2013(path, subset="train")
    np.testing.assert_array_equal(faces.images, table[0][:3][::-1])
    mixed = [rows[i] for i in (0, 3, 1, 4, 2, 5)]
    path.write_text("\n".join(["emotion,pixels,Usage", *map(",".join, mixed)]))
    faces = load_fer2013(path, subset="train")
    np.testing.assert_array_equal(faces.images, table[0][:3])
    assert faces.target.tolist() == ["angry", "happy", "neutral"]


def test_subset_the_file_lacks(tmp_path, rows):
    path = tmp_path / "fer2013.csv"
    path.write_text("\n".join(["emotion,pixels,Usage", *map(",".join, rows[:5])]))
    with pytest.raises(ValueError, match=r"no images for subset='test', .* train, validation"):
        load_fer2013(path, subset="test")


def test_return_X_y_and_as_frame(fer2013_csv, table):
    X, y = load_fer2013(fer2013_csv, return_X_y=True)
    np.testing.assert_array_equal(X, table[0][:3].reshape(3, -1))
    assert y.tolist() == ["angry", "happy", "neutral"]

    faces = load_fer2013(fer2013_csv, as_frame=True)
    assert faces.data.columns[[0, -1]].tolist() == ["pixel_0", "pixel_2303"]
    assert (faces.data.dtypes == np.uint8).all()
    assert faces.frame.columns[-1] == "target"
    assert faces.frame.shape == (3, 2305)
    data, target = load_fer2013(fer2013_csv, return_X_y=True, as_frame=True)
    np.testing.assert_array_equal(data, X)
    assert target.name == "target"
    assert target.tolist() == y.tolist()


@pytest.mark.parametrize("form", ["icml", "gz", "zip", "kaggle_zip", "tar.gz", "quoted", "crlf"])
def test_forms_of_the_table(tmp_path, fer2013_csv, rows, table, form):
    content = fer2013_csv.read_bytes()
    path = tmp_path / "other" / f"fer2013.csv.{form}"
    path.parent.mkdir()
    if form == "icml":
        write_icml(path := path.with_name("icml_face_data.csv"), rows)
    elif form == "gz":
        path.write_bytes(gzip.compress(content))
    elif form == "zip":
        path.write_bytes(zipped({"fer2013.csv": content}))
    elif form == "kaggle_zip":
        files = {
            "example_submission.csv": "emotion",
            "__MACOSX/._icml_face_data.csv": "junk",
            "icml_face_data.csv": content,
            "train.csv": "emotion,pixels",
        }
        (path := path.with_name("challenges.zip")).write_bytes(zipped(files))
    elif form == "tar.gz":
        files = {"fer2013/README": b"hello", "fer2013/fer2013.csv": content}
        (path := path.with_name("fer2013.tar.gz")).write_bytes(tarred(files))
    elif form == "quoted":
        lines = [f'"{code}","{pixels}","{usage}"' for code, pixels, usage in rows]
        path = path.with_name("fer2013.csv")
        path.write_text("\n".join(['"emotion","pixels","Usage"', *lines]))
    else:
        path = path.with_name("fer2013.csv")
        path.write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n") + b"\r\n")
    for source in (path, path.parent) if form != "kaggle_zip" else (path,):
        faces = load_fer2013(source, subset="all")
        np.testing.assert_array_equal(faces.images, table[0])
        assert faces.usage.tolist() == [SPLITS[usage] for usage in table[2]]


def test_kaggle_train_and_test_tables(tmp_path, rows, table):
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("\n".join(["emotion,pixels", *(f'{c},"{p}"' for c, p, _ in rows)]))
    test.write_text("\n".join(["pixels", *(f'"{p}"' for _, p, _ in rows)]))

    faces = load_fer2013(train)
    np.testing.assert_array_equal(faces.images, table[0])
    assert set(faces.usage) == {"train"}

    for _ in range(2):  # read, and from the cache
        faces = load_fer2013(test, subset="test")
        np.testing.assert_array_equal(faces.images, table[0])
        assert faces.target is None
        assert set(faces.usage) == {"test"}
    X, y = load_fer2013(test, subset="test", return_X_y=True)
    assert X.shape == (6, 2304)
    assert y is None
    assert load_fer2013(test, subset="all", as_frame=True).frame.shape == (6, 2304)


def test_folder_release(tmp_path, write_image):
    write_image("fer/train/happy/Training_1.jpg", 10)
    write_image("fer/train/neutral/Training_2.jpg", 20)
    write_image("fer/test/happy/PublicTest_3.jpg", 30)
    write_image("fer/test/happy/PrivateTest_4.jpg", 40)
    folder = tmp_path / "fer"
    assert load_fer2013(folder).target.tolist() == ["happy", "neutral"]
    assert load_fer2013(folder, subset="validation").images[0, 0, 0] == 30
    assert load_fer2013(folder, subset="test").images[0, 0, 0] == 40
    faces = load_fer2013(folder, subset="all")
    assert sorted(set(faces.usage)) == ["test", "train", "validation"]
    assert faces.target_names == ["happy", "neutral"]
    assert faces.filenames.shape == (4,)


def test_skip_leaves_bad_rows_out_and_lists_them(tmp_path, rows, table):
    bad = [rows[0], ("9", *rows[1][1:]), rows[2], (rows[3][0], "1 2", rows[3][2]), *rows[4:]]
    path = tmp_path / "fer2013.csv"
    path.write_text("\n".join(["emotion,pixels,Usage", *map(",".join, bad)]))
    for _ in range(2):  # what was skipped is not lost in a cache
        faces = load_fer2013(path, subset="all", on_error="skip")
        np.testing.assert_array_equal(faces.images, table[0][[0, 2, 4, 5]])
        assert [row for row, _ in faces.skipped] == [2, 4]
        assert "row 2: emotion '9'" in faces.skipped[0][1]
        assert "row 4: got 2 pixels, expected 2304" in faces.skipped[1][1]
    with pytest.raises(ValueError, match=r"fer2013.csv, row 2: emotion '9'"):
        load_fer2013(path)


def test_rows_are_numbered_over_several_batches(tmp_path, rows):
    path = tmp_path / "fer2013.csv"
    lines = [",".join(rows[0])] * 600
    lines[549] = "0,1 2 3,Training"
    path.write_text("\n".join(["emotion,pixels,Usage", *lines]))
    faces = load_fer2013(path, on_error="skip")
    assert [row for row, _ in faces.skipped] == [550]
    assert len(faces.images) == 599
    assert (faces.images == faces.images[0]).all()


def test_ferplus_adds_the_votes(tmp_path, fer2013_csv, table):
    votes = np.random.default_rng(0).integers(0, 11, (6, 10))
    lines = [f"{u},,{','.join(map(str, v))}" for u, v in zip(table[2], votes, strict=True)]
    header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt"
    path = tmp_path / "fer2013new.csv"
    path.write_text("\n".join([f"{header},unknown,NF", *lines]))
    faces = load_fer2013(fer2013_csv, subset="validation", ferplus=path)
    np.testing.assert_array_equal(faces.ferplus, votes[3:5])
    assert faces.ferplus_names[:2] == ["neutral", "happy"]
    assert faces.target.tolist() == ["sad", "surprise"]


def test_a_row_of_any_length_is_one_row(tmp_path, rows):
    path = tmp_path / "fer2013.csv"
    endless = ("3", "7 " * 150_000, "Training")
    lines = ["emotion,pixels,Usage", *map(",".join, [rows[0], endless, rows[1]])]
    path.write_text("\n".join(lines) + "\n")
    faces = load_fer2013(path, on_error="skip")
    assert [row for row, _ in faces.skipped] == [2]
    assert len(faces.target) == 2
