"""Images with a list of labels."""

import re
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sk_fer.datasets import load_labelled_images

ROWS = [
    ("a.png", "0", "train", "p1"),
    ("b/c.png", "1", "val", "p2"),
    ("b/d.png", "2", "test", "p1"),
]
NAMES = {0: "angry", "1": "happy", 2.0: "sad"}
HEADER = ("file", "label", "split", "person")
COLUMNS = {"path_column": "file", "label_column": "label", "split_column": "split"}


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "images"
    for tone, (name, *_) in enumerate(ROWS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (12, 12), 50 * tone).save(folder / name)
    return folder


def check(faces):
    assert faces.target.tolist() == ["angry", "happy", "sad"]
    assert faces.images[:, 0, 0].tolist() == [0, 50, 100]
    assert faces.usage.tolist() == ["train", "validation", "test"]
    assert faces.missing == faces.extra == faces.duplicates == []


@pytest.mark.parametrize(
    ("name", "separator"),
    [("l.csv", ","), ("l.tsv", "\t"), ("l.csv", ";"), ("l.txt", " "), ("l.lst", "   ")],
)
@pytest.mark.parametrize("has_header", [True, False])
def test_lists_of_text_with_and_without_names_of_columns(
    root, tmp_path, name, separator, has_header
):
    lines = [separator.join(row) for row in (HEADER, *ROWS)[not has_header :]]
    (tmp_path / name).write_text("\n".join(lines))
    by_number = {"path_column": 0, "label_column": 1, "split_column": 2, "group_column": 3}
    faces = load_labelled_images(root, tmp_path / name, names=NAMES, **by_number)
    check(faces)
    assert faces.groups.tolist() == ["p1", "p2", "p1"]
    assert faces.groups_kind == "group"
    if has_header:
        check(load_labelled_images(root, tmp_path / name, names=NAMES, **COLUMNS))


def test_a_parquet_file(root, tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(ROWS, columns=HEADER).astype({"label": int})
    frame.to_parquet(tmp_path / "l.parquet")
    check(load_labelled_images(root, tmp_path / "l.parquet", names=NAMES, **COLUMNS))


def test_an_excel_file(root, tmp_path):
    pytest.importorskip("openpyxl")
    pd.DataFrame(ROWS, columns=HEADER).to_excel(tmp_path / "l.xlsx", index=False)
    check(load_labelled_images(root, tmp_path / "l.xlsx", names=NAMES, **COLUMNS))


def write(root, text, name="l.csv"):
    (root / name).write_text(text)
    return root / name


def load(root, text, **options):
    return load_labelled_images(
        root, write(root, text), **{"path_column": 0, "label_column": 1, **options}
    )


def test_a_list_in_the_folder_is_found_and_not_counted_as_unread(root):
    write(root, "a.png,joy\nb/c.png,ANGER\nb/d.png,3_afraid\n")
    faces = load_labelled_images(root, "l.csv", path_column=0, label_column=1)
    assert faces.target.tolist() == ["happy", "angry", "fear"]
    assert faces.not_read == {}


@pytest.mark.parametrize(
    "first", ["B\\C.PNG", "./b/c.png", "b/c", "b//c.png", "{root}/b/c.png"], ids=str
)
def test_a_file_may_be_named_in_other_ways(root, first):
    text = f"a.png,sad\nb/d.png,sad\n{first.format(root=root)},happy\n"
    assert load(root, text).filenames.tolist()[2] == str(root / "b" / "c.png")


def test_paths_are_also_looked_up_beside_the_list(root):
    table = write(root, "c.png,happy\nd.png,sad\n", "b/l.csv")
    with pytest.warns(UserWarning, match=r"1 image\(s\) .* are not in the list, the first: a.png"):
        faces = load_labelled_images(root, table, path_column=0, label_column=1)
    assert faces.extra == ["a.png"]
    assert faces.target.tolist() == ["happy", "sad"]


def test_names_with_spaces_in_a_list_with_spaces(root):
    (root / "a.png").rename(root / "my face.png")
    faces = load(root, "b/c.png 0\nmy face.png 1\nb/d.png 0\n", names=["sad", "happy"])
    assert faces.target.tolist() == ["sad", "happy", "sad"]


def test_an_archive(root, tmp_path):
    with zipfile.ZipFile(tmp_path / "i.zip", "w") as archive:
        for name, *_ in ROWS:
            archive.write(root / name, name)
    table = write(root, "a.png,0\nb/c.png,1\nb/d.png,2\n")
    faces = load_labelled_images(
        tmp_path / "i.zip", table, path_column=0, label_column=1, names=NAMES
    )
    assert faces.images[:, 0, 0].tolist() == [0, 50, 100]


def test_boxes_are_cropped_from_one_image_several_times(tmp_path):
    picture = np.zeros((20, 40), dtype=np.uint8)
    picture[2:12, 4:14], picture[5:15, 25:35] = 100, 200
    Image.fromarray(picture).save(tmp_path / "two.png")
    table = write(
        tmp_path,
        "image,left,top,right,bottom,w,h,label\n"
        "two.png,4,2,14,12,10,10,happy\ntwo.png,25.0,5,35,15,10,10,sad\n",
    )
    edges = ("left", "top", "right", "bottom")
    columns = {"path_column": "image", "label_column": "label"}
    faces = load_labelled_images(tmp_path, table, box_columns=edges, **columns)
    assert faces.images.shape == (2, 10, 10)
    assert [set(image.ravel().tolist()) for image in faces.images] == [{100}, {200}]
    sides = {"left": "left", "top": "top", "width": "w", "height": "h"}
    again = load_labelled_images(tmp_path, table, box_columns=sides, **columns)
    np.testing.assert_array_equal(again.images, faces.images)
    assert again.boxes.tolist() == faces.boxes.tolist() == [[4, 2, 14, 12], [25, 5, 35, 15]]


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ("4,2,4,12", "row 2: the box left=4, .* is empty"),
        ("4,x,14,12", "row 2: top is 'x', expected a number"),
        ("4,nan,14,12", "row 2: top is 'nan', expected a number"),
        ("40,20,50,30", r"two.png: the box .* = \(40, 20, 50, 30\) contains no pixel of the image"),
    ],
)
def test_bad_boxes(tmp_path, box, message):
    Image.new("L", (20, 20)).save(tmp_path / "two.png")
    text = f"two.png,happy,0,0,10,10\ntwo.png,sad,{box}\n"
    options = {"box_columns": (2, 3, 4, 5)}
    with pytest.raises(ValueError, match=message):
        load(tmp_path, text, **options)
    faces = load(tmp_path, text, on_error="skip", **options)
    assert len(faces.images) == len(faces.skipped) == 1


def test_rows_with_the_name_none_are_left_out_and_counted(root):
    faces = load(root, "a.png,0\nb/c.png,1\nb/d.png,1\n", names={0: "sad", 1: None})
    assert faces.target.tolist() == ["sad"]
    assert faces.left_out == {"1": 2}
    assert faces.extra == []  # the list names them


def test_codes_need_names(root):
    with pytest.raises(
        ValueError, match=r"l.csv, row 1: the label is '3', expected an expression .*names="
    ):
        load(root, "a.png,3\n")


@pytest.mark.parametrize("label", ["7", "-1", "1.5", "", "bored"])
def test_labels_out_of_range_name_the_row(root, label):
    text = f"a.png,0\nb/c.png,{label}\nb/d.png,01\n"
    with pytest.raises(ValueError, match=r"l.csv, row 2: the label is .*, expected one of 0, 1, 2"):
        load(root, text, names=NAMES)
    with pytest.warns(UserWarning, match="no image of sad"):
        faces = load(root, text, names=NAMES, on_error="skip")
    assert faces.target.tolist() == ["angry", "happy"]
    assert faces.skipped[0][0] == 2


def test_missing_files_are_an_error_above_a_share(root):
    text = "a.png,sad\nb/c.png,sad\nb/d.png,sad\nx/y.png,happy\n"
    with pytest.raises(
        ValueError, match=r"l.csv: 1 of the 4 files .* the first: .*l.csv, row 4, x/y.png; on_e"
    ):
        load(root, text)
    with pytest.warns(UserWarning, match="1 of the 4 files that the list names are not in"):
        faces = load(root, text, on_error="skip")
    assert faces.missing == ["x/y.png"]
    assert len(faces.images) == 3


def test_few_missing_files_are_a_warning(root):
    text = "".join(f"b/c{n}.png,sad\n" for n in range(150)) + "x.png,sad\n"
    for n in range(150):
        Image.new("L", (4, 4)).save(root / "b" / f"c{n}.png")
    with pytest.warns(UserWarning, match="l.csv: ") as caught:
        faces = load(root, text)
    assert [str(each.message).partition(": ")[2][:14] for each in caught] == [
        "1 of the 151 f",
        "3 image(s) in ",
    ]
    assert faces.missing == ["x.png"]


def test_all_files_missing_says_where_one_is(root):
    with pytest.raises(ValueError, match=r"a file of this name is .*c.png"):
        load(root, "c.png,sad\nd.png,sad\n")


def test_a_repeated_row_is_used_once(root):
    with pytest.warns(UserWarning, match=r"1 row\(s\) name an image that another names, .*: a.png"):
        faces = load(root, "a.png,sad\nb/c.png,sad\nb/d.png,happy\na.png,sad\n")
    assert faces.duplicates == ["a.png"]
    assert len(faces.images) == 3


def test_two_labels_for_one_face_are_an_error(root):
    text = "a.png,sad\nb/c.png,sad\nb/d.png,happy\na.png,happy\n"
    with pytest.raises(
        ValueError, match=r"row 4: a.png has the label 'happy', and 'sad' in .*row 1"
    ):
        load(root, text)
    faces = load(root, text, on_error="skip")
    assert [name[-5:] for name in faces.filenames] == ["c.png", "d.png"]


def test_a_third_label_of_a_face_does_not_bring_it_back(root):
    text = "a.png,sad\nb/c.png,sad\na.png,happy\na.png,sad\n"
    with pytest.warns(UserWarning, match=r"1 image\(s\) .* not in the list, the first: b/d.png"):
        faces = load(root, text, on_error="skip")
    assert [name[-5:] for name in faces.filenames] == ["c.png"]
    assert len(faces.skipped) == 2


def test_the_first_row_of_names_without_suffix_is_not_taken_for_a_header(root):
    text = "x,sad\na,sad\nb/c,happy\nb/d,happy\n"
    with pytest.warns(UserWarning, match="1 of the 4 files .* row 1, x"):
        assert load(root, text, on_error="skip").missing == ["x"]


def test_bad_splits_groups_and_fields(root):
    text = "a.png,sad,train,p1\nb/c.png,sad,sometimes,p2\nb/d.png,happy,test,\n"
    with pytest.raises(ValueError, match="row 2: the split is 'sometimes', expected train"):
        load(root, text, split_column=2)
    with pytest.raises(ValueError, match="row 3: the group in column 3 is empty"):
        load(root, text, group_column=3)
    with pytest.raises(ValueError, match=r"row 2: got 3 fields, expected 2"):
        load(root, "a.png,sad\nb/c.png,sad,1\n")


def test_columns_that_are_not_there(root):
    table = write(root, "file,label\na.png,sad\n")
    with pytest.raises(
        ValueError, match=r"l.csv: no column 'path', it has 'file', 'label'; the col"
    ):
        load_labelled_images(root, table, path_column="path", label_column="label")
    with pytest.raises(ValueError, match=r"l.csv: no column 5, its first row has 2 fields"):
        load_labelled_images(root, table, path_column=0, label_column=5)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"names": {}}, "names={}, expected at least one class name"),
        ({"names": {0: 1}}, r"names={0: 1}, expected class names or None"),
        ({"box_columns": (1, 2, 3)}, r"box_columns=\(1, 2, 3\), expected the columns of left"),
        ({"box_columns": {"x": 1}}, "box_columns={'x': 1}, expected the columns of left"),
    ],
)
def test_bad_parameters(root, option, message):
    with pytest.raises(ValueError, match=message):
        load(root, "a.png,sad\n", **option)


def test_sizes_that_differ(root):
    Image.new("L", (9, 7)).save(root / "b" / "d.png")
    text = "a.png,sad\nb/c.png,sad\nb/d.png,happy\n"
    expected = re.escape(f"a.png has 12 x 12 pixels, {root / 'b' / 'd.png'} has 7 x 9; image_size=")
    with pytest.raises(ValueError, match=expected):
        load(root, text)
    faces = load(root, text, image_size=8, color=True)
    assert faces.images.shape == (3, 8, 8, 3)


def test_a_subset_and_a_frame(root):
    X, y = load_labelled_images(
        root,
        write(root, "\n".join(map(",".join, (HEADER, *ROWS)))),
        names=NAMES,
        subset="dev",
        return_X_y=True,
        as_frame=True,
        **COLUMNS,
    )
    assert X.shape == (1, 144)
    assert y.tolist() == ["happy"]


def test_a_name_without_images_is_warned_of(root):
    with pytest.warns(UserWarning, match=r"l.csv: no image of fear, which names= has"):
        load(root, "a.png,0\nb/c.png,1\nb/d.png,1\n", names=["sad", "happy", "fear"])


def test_no_list_and_no_folder(root, tmp_path):
    columns = {"path_column": 0, "label_column": 1}
    with pytest.raises(FileNotFoundError, match=r"nothing.csv: no such file"):
        load_labelled_images(root, tmp_path / "nothing.csv", **columns)
    with pytest.raises(ValueError, match="images is a folder, expected the file of a list"):
        load_labelled_images(root, root, **columns)
    with pytest.raises(FileNotFoundError, match="nowhere: no such file"):
        load_labelled_images(tmp_path / "nowhere", "l.csv", **columns)
