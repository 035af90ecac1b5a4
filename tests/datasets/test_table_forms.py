"""Tables in many forms: each is read to the same images and labels, or is an error."""

import bz2
import gzip
import lzma

import numpy as np
import pandas as pd
import pytest

from sk_fer.datasets import load_ckplus, load_fer2013

from .archives import tarred, zipped

NAMES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt"]


def csv(rows, header="emotion,pixels,Usage", *, pixels=str, label=str, usage=str):
    lines = [f"{label(code)},{pixels(string)},{usage(split)}" for code, string, split in rows]
    return "\n".join([*([header] if header else []), *lines]) + "\n"


def wide(rows, header=True):
    names = ",".join(["emotion", *(f"pixel{i}" for i in range(2304)), "Usage"])
    lines = [",".join([code, *string.split(), usage]) for code, string, usage in rows]
    return "\n".join([names, *lines] if header else lines)


FORMS = {
    "semicolons": lambda rows: csv(rows).replace(",", ";"),
    "tabs": lambda rows: csv(rows).replace(",", "\t"),
    "bars": lambda rows: csv(rows).replace(",", "|"),
    "UTF-8 with BOM": lambda rows: csv(rows).encode("utf-8-sig"),
    "UTF-16": lambda rows: csv(rows).encode("utf-16"),
    "UTF-16, big-endian": lambda rows: b"\xfe\xff" + csv(rows).encode("utf-16-be"),
    "UTF-16 without BOM": lambda rows: csv(rows).encode("utf-16-le"),
    "bzip2": lambda rows: bz2.compress(csv(rows).encode()),
    "xz": lambda rows: lzma.compress(csv(rows).encode()),
    "gzip": lambda rows: gzip.compress(csv(rows).encode()),
    "gzip twice": lambda rows: gzip.compress(gzip.compress(csv(rows).encode())),
    "zip": lambda rows: zipped({"fer2013/FER2013.CSV": csv(rows)}),
    "tar": lambda rows: tarred({"fer2013/fer2013.csv": csv(rows).encode()}, ""),
    "tar.bz2": lambda rows: tarred({"fer2013/fer2013.csv": csv(rows).encode()}, "bz2"),
    "tar.xz": lambda rows: tarred({"fer2013/fer2013.csv": csv(rows).encode()}, "xz"),
    "[1, 2]": lambda rows: csv(rows, pixels=lambda p: f'"[{p.replace(" ", ", ")}]"'),
    "[1 2]": lambda rows: csv(rows, pixels=lambda p: f"[{p}]"),
    "(1, 2)": lambda rows: csv(rows, pixels=lambda p: f'"({p.replace(" ", ", ")})"'),
    "1,2 in quotes": lambda rows: csv(rows, pixels=lambda p: f'"{p.replace(" ", ",")}"'),
    "1,2 with semicolons": lambda rows: (
        csv(rows).replace(",", ";").replace(" ", ",").replace("Public,Test", "Public Test")
    ),
    "lines in quotes": lambda rows: csv(
        rows, pixels=lambda p: '"' + p.replace(" 7 ", " 7\n ") + '"'
    ),
    "pixels 7.0": lambda rows: csv(rows, pixels=lambda p: p.replace(" ", ".0 ") + ".0"),
    "pixels 7.": lambda rows: csv(rows, pixels=lambda p: p.replace(" ", ". ") + "."),
    "pixels 7e0": lambda rows: csv(rows, pixels=lambda p: p.replace(" ", "e0 ")),
    "labels 3.0": lambda rows: csv(rows, label=lambda code: f"{code}.0"),
    "named labels": lambda rows: csv(rows, label=lambda code: NAMES[int(code)].title()),
    "labels in quotes": lambda rows: csv(rows, label=lambda code: f'"{code}"'),
    "a column a pixel": wide,
    "a column a pixel, 1x1": lambda rows: (
        ",".join(["emotion", *(f"{i}x{j}" for i in range(48) for j in range(48)), "Usage"])
        + "\n"
        + wide(rows).partition("\n")[2]
    ),
    "an index column": lambda rows: (
        ",emotion,pixels,Usage\n" + "".join(f"{i},{','.join(r)}\n" for i, r in enumerate(rows))
    ),
    "single quotes": lambda rows: csv(rows, pixels=lambda p: f"'{p}'"),
    "Mac lines": lambda rows: csv(rows).replace("\n", "\r"),
    "column label": lambda rows: csv(rows, "label,pixels,split"),
    "other names": lambda rows: csv(rows, "Emotion Label, Pixel Values, Set"),
    "no names": lambda rows: csv(rows, None),
    "no names, UTF-16, semicolons": lambda rows: csv(rows, None).replace(",", ";").encode("utf-16"),
    "Usage 'Public Test'": lambda rows: csv(rows, usage=lambda s: s.replace("Test", " Test")),
    "Usage 'val'": lambda rows: csv(
        rows, usage={"Training": "TRAIN", "PublicTest": "val", "PrivateTest": "Test set"}.get
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_form(tmp_path, rows, table, form):
    content = FORMS[form](rows)
    path = tmp_path / "fer2013.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    images, codes, _ = table
    for _ in range(2):  # read, and from the cache
        faces = load_fer2013(path, subset="all")
        np.testing.assert_array_equal(faces.images, images)
        assert faces.target.tolist() == [NAMES[code] for code in codes]
        assert faces.usage.tolist() == ["train"] * 3 + ["validation"] * 2 + ["test"]


@pytest.mark.parametrize(
    "name",
    [
        *("FER2013.CSV", "fer2013/fer2013.csv", "fer2013/FER2013/Fer2013.csv", "fer2013.tar"),
        *("fer2013.csv.bz2", "fer2013.csv.xz", "fer2013.tgz", "ICML_face_data.csv", "mine.csv"),
    ],
)
def test_a_table_in_a_folder_is_found_under_any_of_its_names(tmp_path, rows, name):
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    path.write_text(csv(rows))
    assert len(load_fer2013(tmp_path / "data", subset="all").images) == 6


@pytest.mark.parametrize("side", [8, 64, 150])
def test_other_square_sizes(tmp_path, side):
    images = np.random.default_rng(0).integers(0, 256, (3, side, side), dtype=np.uint8)
    rows = [
        (str(i), " ".join(map(str, image.ravel())), "Training") for i, image in enumerate(images)
    ]
    (tmp_path / "a.csv").write_text(csv(rows))
    faces = load_fer2013(tmp_path / "a.csv")
    np.testing.assert_array_equal(faces.images, images)
    assert faces.data.shape == (3, side * side)


def test_file_names_determine_the_split_without_a_column(tmp_path, rows):
    content = "\n".join(["emotion,pixels", *(f"{code},{pixels}" for code, pixels, _ in rows)])
    for name, split in (("test", "test"), ("val_data", "validation"), ("mine", "train")):
        (tmp_path / f"{name}.csv").write_text(content)
        faces = load_fer2013(tmp_path / f"{name}.csv", subset="all")
        assert set(faces.usage) == {split}


def test_a_missing_label_in_a_table_of_names_is_contempt_only_in_ckextended(tmp_path, rows):
    path = tmp_path / "ckextended.csv"
    path.write_text(csv(rows[:2], label=lambda code: "Contempt"))
    assert load_ckplus(path).target.tolist() == ["contempt"] * 2
    with pytest.raises(
        ValueError, match=r"row 1: emotion 'Contempt' is not an integer from 0 to 6"
    ):
        load_fer2013(path)
    path.write_text(csv(rows[:2], label=lambda code: "7"))
    with pytest.raises(ValueError, match=r"emotion '7' .*; load_ckplus reads ckextended.csv"):
        load_fer2013(path)


NPZ = {
    "FER2013's names": lambda X, y: {
        "pixels": X, "emotion": y, "usage": np.array([0, 0, 0, 1, 1, 2])
    },
    "X and y": lambda X, y: {"X": X, "y": y},
    "flat": lambda X, y: {"X": X.reshape(6, -1), "y": y},
    "one channel": lambda X, y: {"images": X[..., None], "labels": y[:, None]},
    "floats": lambda X, y: {"data": X.astype(float), "target": y.astype(float)},
    "names": lambda X, y: {"images": X, "labels": np.array(NAMES)[y]},
    "splits": lambda X, y: {
        "x_train": X[:3], "y_train": y[:3], "X_val": X[3:5], "y_val": y[3:5],
        "x_test": X[5:], "y_test": y[5:],
    },
}  # fmt: skip


@pytest.mark.parametrize("form", NPZ)
def test_npz(tmp_path, table, form):
    images, codes, _ = table
    np.savez_compressed(tmp_path / "faces.npz", **NPZ[form](images, np.array(codes)))
    faces = load_fer2013(tmp_path / "faces.npz", subset="all")
    np.testing.assert_array_equal(faces.images, images)
    assert faces.images.dtype == np.uint8
    assert faces.target.tolist() == [NAMES[code] for code in codes]
    has_splits = form in ("FER2013's names", "splits")
    usage = ["train"] * 3 + ["validation"] * 2 + ["test"] if has_splits else ["train"] * 6
    assert faces.usage.tolist() == usage


def test_npz_without_labels(tmp_path, table):
    np.savez(tmp_path / "faces.npz", X=table[0])
    faces = load_fer2013(tmp_path / "faces.npz", subset="all")
    assert faces.target is None
    assert faces.images.shape == (6, 48, 48)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, r"contains the arrays a \(3,\); expected X and y"),
        ({"X": np.zeros((3, 48, 48, 3)), "y": [1, 2, 3]}, "expected square gray images"),
        ({"X": np.full((3, 48, 48), 0.5), "y": [1, 2, 3]}, "multiply values from 0 to 1 by 255"),
        ({"X": np.zeros((3, 48, 48)), "y": [1, 2]}, "expected one label per image"),
        ({"X": np.zeros((3, 48, 48)), "y": [1, 2, 9]}, "row 3: emotion '9' is not an integer"),
        ({"X": np.array([None, 3])}, "not a readable NumPy archive"),
    ],
    ids=str,
)
def test_npz_that_is_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "faces.npz", **arrays)
    with pytest.raises(ValueError, match=rf"faces.npz.*{message}"):
        load_fer2013(tmp_path / "faces.npz")


REFUSED = {
    "a row of colours": (f"3,{'7 ' * 6912},Training", r"6912 pixels, 3 x 48 x 48; expected gray"),
    "NumPy's printed form": (
        '3,"[70 80 82 ... 106 109]",Training',
        r"shortened with '...', as NumPy",
    ),
    "pixels from 0 to 1": (f"3,{'0.5 ' * 2304},Training", "'0.5' is not a whole number from 0 to"),
    "names of files": ("3,a.png,Training", "'a.png' is not a number from 0 to 255"),
    "an unknown label": (f"bored,{'7 ' * 2304},Training", "emotion 'bored' is not an integer from"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_rows(tmp_path, case):
    row, message = REFUSED[case]
    (tmp_path / "a.csv").write_text(f"emotion,pixels,Usage\n{row}\n")
    with pytest.raises(ValueError, match=message):
        load_fer2013(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"\x89HDF\r\n\x1a\n",
            r"an HDF5 file; write a CSV file with pandas.read_hdf\(path\).to_csv",
        ),
        (b"\x93NUMPY\x01\x00", r"a NumPy array; .*numpy.savez\(path, X=..., y=...\)"),
        (b"\x80\x04\x95\x00\x00", "a pickle, whose loading could run code; write a CSV file"),
        (b'{"emotion": [3]}', r"a JSON file; write a CSV file with pandas.read_json"),
        (b"SQLite format 3\x00", "a SQLite database"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel file; .*.xlsx"),
        (b'[{"emotion": 3}]', "a JSON file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "an image; expected a table, or a folder with"),
        (b"emotion,pixels\nf\xe2ch\xe9,1 2", "expected text in UTF-8, UTF-16 or UTF-32.*iconv"),
        (b"Rar!\x1a\x07\x00", "a RAR archive; unpack it with unrar"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"emotion,label,class\n1,2,3\n", "no column 'pixels'"),
        (
            b"label,target,pixels\n1,2,3\n",
            "the columns 'label' and 'target' could both be 'emotion'",
        ),
        (b"emotion,p0,p1\n1,2,3\n", "no column 'pixels'"),
    ],
)
def test_other_contents_are_named(tmp_path, content, message):
    (tmp_path / "fer2013.csv").write_bytes(content)
    with pytest.raises(ValueError, match=rf"fer2013.csv: .*{message}"):
        load_fer2013(tmp_path / "fer2013.csv")


def test_a_column_a_pixel_without_names_is_refused(tmp_path, rows):
    (tmp_path / "a.csv").write_text(wide(rows, header=False))
    with pytest.raises(
        ValueError, match=r"a column for each pixel, but no names of columns; expected"
    ):
        load_fer2013(tmp_path / "a.csv")


def test_columns_of_pixels_are_taken_by_their_numbers(tmp_path, rows, table):
    header, *lines = wide(rows).split("\n")
    shuffled = np.random.default_rng(0).permutation(2306)
    columns = np.array([line.split(",") for line in [header, *lines]])[:, shuffled]
    (tmp_path / "a.csv").write_text("\n".join(map(",".join, columns)))
    np.testing.assert_array_equal(load_fer2013(tmp_path / "a.csv", subset="all").images, table[0])


def test_votes_alone_are_told_from_faces(tmp_path):
    path = tmp_path / "fer2013new.csv"
    path.write_text("Usage,Image name,neutral,unknown,NF\nTraining,a.png,9,1,0\n")
    with pytest.raises(
        ValueError, match=r"has FER\+'s votes and no pixels; expected .* as ferplus="
    ):
        load_fer2013(path)


def frame(rows, pixels=str):
    return pd.DataFrame(
        [(int(c), pixels(p), u) for c, p, u in rows], columns=["emotion", "pixels", "Usage"]
    )


@pytest.mark.parametrize("form", ["strings", "lists", "images", "a column a pixel"])
def test_parquet(tmp_path, rows, table, form):
    pytest.importorskip("pyarrow")
    as_list = {"strings": str, "lists": lambda p: [int(n) for n in p.split()]}
    content = frame(
        rows, as_list.get(form, lambda p: np.array(p.split(), int).reshape(48, 48).tolist())
    )
    if form == "a column a pixel":
        content = pd.DataFrame(table[0].reshape(6, -1), columns=[f"pixel{i}" for i in range(2304)])
        content.insert(0, "label", table[1])
        content["split"] = [usage for *_, usage in rows]
    content.to_parquet(tmp_path / "faces.parquet")
    faces = load_fer2013(tmp_path / "faces.parquet", subset="all")
    np.testing.assert_array_equal(faces.images, table[0])
    assert faces.target.tolist() == [NAMES[code] for code in table[1]]
    assert faces.usage.tolist() == ["train"] * 3 + ["validation"] * 2 + ["test"]


def test_parquet_of_encoded_images_is_named(tmp_path):
    pytest.importorskip("pyarrow")
    content = pd.DataFrame({"image": [{"bytes": b"\x89PNG", "path": "a.png"}], "label": [3]})
    content.to_parquet(tmp_path / "faces.parquet")
    with pytest.raises(
        ValueError, match=r"'image' has encoded image files, as the data sets of Hug"
    ):
        load_fer2013(tmp_path / "faces.parquet")


def test_excel(tmp_path, rows, table):
    pytest.importorskip("openpyxl")
    frame(rows).to_excel(tmp_path / "faces.xlsx", index=False)
    faces = load_fer2013(tmp_path / "faces.xlsx", subset="all")
    np.testing.assert_array_equal(faces.images, table[0])
    assert faces.target.tolist() == [NAMES[code] for code in table[1]]


@pytest.mark.parametrize("kind", ["parquet", "excel"])
def test_a_missing_package_is_named(tmp_path, monkeypatch, kind):
    def missing(*args, **kwargs):
        raise ImportError("no such package")

    monkeypatch.setattr(pd, f"read_{kind}", missing)
    path = tmp_path / "faces"
    if kind == "parquet":
        path.write_bytes(b"PAR1" + bytes(100))
    else:
        path.write_bytes(zipped({"xl/workbook.xml": "<x/>"}))
    with pytest.raises(ImportError, match=r'pip install "\.\[tables\]" in'):
        load_fer2013(path)


def test_a_second_table_in_a_folder_is_warned_of(tmp_path, rows):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "train.csv").write_text(csv(rows[:3]))
    assert len(load_fer2013(folder).images) == 3
    (folder / "test.csv").write_text(csv(rows[3:]))
    with pytest.warns(UserWarning, match=r"train.csv is read, and test.csv is not. Give the path"):
        load_fer2013(folder)


def test_utf_32(tmp_path, rows, table):
    text = "\n".join(["emotion,pixels,Usage", *(f"{c},{p},{u}" for c, p, u in rows)])
    (tmp_path / "a.csv").write_bytes(text.encode("utf-32"))
    np.testing.assert_array_equal(load_fer2013(tmp_path / "a.csv", subset="all").images, table[0])


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_another_table_in_an_archive_is_warned_of(tmp_path, rows, table, kind):
    path = tmp_path / f"a.{kind}"
    members = {
        "faces/test.csv": "pixels\n" + rows[0][1],
        "faces/train.csv": "emotion,pixels\n" + "\n".join(f"{c},{p}" for c, p, _ in rows),
    }
    if kind == "zip":
        path.write_bytes(zipped(members))
    else:
        path.write_bytes(tarred({name: text.encode() for name, text in members.items()}, ""))
    with pytest.warns(UserWarning, match=r"faces/train.csv is read, and faces/test.csv is not"):
        faces = load_fer2013(path, subset="all")
    np.testing.assert_array_equal(faces.images, table[0])
