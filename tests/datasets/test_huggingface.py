"""Data sets of the Hugging Face hub, as Parquet and Arrow files."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from sk_fer.datasets import load_huggingface, load_image_folder

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

NAMES = ["sadness", "anger", "happiness"]


def encoded(tone):
    file = io.BytesIO()
    Image.new("L", (12, 12), tone).save(file, "PNG")
    return file.getvalue()


def table(labels, names=NAMES, *, image="image", label="label"):
    rows = {
        image: [{"bytes": encoded(i), "path": f"{i}.png"} for i in range(len(labels))],
        label: labels,
    }
    features = {label: {"names": names, "_type": "ClassLabel"}, image: {"_type": "Image"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if names else {}
    return pa.table(rows).replace_schema_metadata(metadata)


def write_arrow(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, content.schema) as writer:
        writer.write_table(content)


def check(faces):
    assert faces.target.tolist() == ["happy", "sad", "angry", "happy"]
    assert faces.usage.tolist() == ["test", "train", "train", "train"]
    assert faces.images[:, 0, 0].tolist() == [0, 0, 1, 2]
    assert faces.target_names == ["angry", "happy", "sad"]


def test_parquet_files_of_the_hub(tmp_path):
    (tmp_path / "data").mkdir()
    for name, labels in (("train", [0, 1, 2]), ("test", [2])):
        path = tmp_path / "data" / f"{name}-00000-of-00001.parquet"
        pq.write_table(table(labels), path, row_group_size=2)
    check(load_huggingface(tmp_path))
    assert len(load_huggingface(tmp_path, subset="train", cache=True).images) == 3


def test_what_save_to_disk_writes(tmp_path):
    for name, labels in (("train", [0, 1, 2]), ("test", [2])):
        write_arrow(tmp_path / name / "data-00000-of-00001.arrow", table(labels))
        write_arrow(tmp_path / name / "cache-123.arrow", table(labels))
    check(load_huggingface(tmp_path))


def test_names_that_are_not_expressions_are_kept(tmp_path):
    pq.write_table(table([0, 1], ["bored", "happiness"]), tmp_path / "a.parquet")
    assert load_huggingface(tmp_path).target.tolist() == ["bored", "happiness"]


def test_labels_without_features(tmp_path):
    pq.write_table(table(["Joy", "anger"], None), tmp_path / "a.parquet")
    assert load_huggingface(tmp_path / "a.parquet").target.tolist() == ["happy", "angry"]
    pq.write_table(table([1, 0], None), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a.parquet, row 1: the label is '1', .* names="):
        load_huggingface(tmp_path)
    faces = load_huggingface(tmp_path, names=["bad", "good"])
    assert faces.target.tolist() == ["good", "bad"]


def test_bad_labels_and_images_are_named(tmp_path):
    content = table([0, -1, 1])
    rows = content.to_pylist()
    rows[2]["image"]["bytes"] = b"junk"
    bad = pa.Table.from_pylist(rows, schema=content.schema)
    pq.write_table(bad, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a.parquet, row 2: the label is '-1'"):
        load_huggingface(tmp_path)
    faces = load_huggingface(tmp_path, on_error="skip")
    assert faces.target.tolist() == ["sad"]
    assert ["row 2" in faces.skipped[0][0], "row 3" in faces.skipped[1][0]] == [True, True]


def test_other_columns_and_files(tmp_path):
    pq.write_table(table([0, 1], image="img", label="emotion"), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a.parquet: no column 'image', it has img, emotion"):
        load_huggingface(tmp_path)
    faces = load_huggingface(tmp_path, image_column="img", label_column="emotion")
    assert faces.target.tolist() == ["sad", "angry"]
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and more that is no such file")
    with pytest.raises(ValueError, match=r"a.parquet: not a readable Parquet or Arrow file"):
        load_huggingface(tmp_path)
    (tmp_path / "a.parquet").unlink()
    with pytest.raises(ValueError, match=r"found no .parquet or .arrow files"):
        load_huggingface(tmp_path)


def test_the_same_images_as_files(tmp_path):
    pq.write_table(table([0, 1, 2]), tmp_path / "a.parquet")
    for tone, name in enumerate(NAMES):
        (tmp_path / "f" / name).mkdir(parents=True)
        (tmp_path / "f" / name / "1.png").write_bytes(encoded(tone))
    folder = load_image_folder(tmp_path / "f")
    faces = load_huggingface(tmp_path)
    order = np.argsort(folder.target)
    np.testing.assert_array_equal(folder.images[order], faces.images[np.argsort(faces.target)])
