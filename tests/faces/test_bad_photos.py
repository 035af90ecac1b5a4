"""Files that are no photographs, and photographs of unusual kinds."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image
from skimage import data

from sk_fer import load_pretrained, predict_faces
from sk_fer._utils._image_file import read_photo
from sk_fer.faces import FaceDetector

ASTRONAUT = data.astronaut()[:240, 100:340]


def encoded(image, kind="JPEG", **options):
    file = BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def png_header(side):
    """Return the beginning of a PNG file with this height and width."""
    size = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    start = (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + size + struct.pack(">I", zlib.crc32(size))
    )
    return start + struct.pack(">I", 9) + b"IDAT"


def jpeg_header(side, **options):
    """Return a small JPEG file whose header has this height and width."""
    small = encoded(Image.new("RGB", (16, 16)), **options)
    marker = b"\xff\xc2" if options.get("progressive") else b"\xff\xc0"
    place = small.index(marker) + 5
    return small[:place] + struct.pack(">HH", side, side) + small[place + 4 :]


BAD = {
    "empty.jpg": (b"", "the file is empty"),
    "text.png": (b"text", "its format is none of BMP, GIF, JPEG"),
    "truncated.jpg": (encoded(Image.fromarray(ASTRONAUT))[:3000], "truncated"),
    "head.jpg": (b"\xff\xd8\xff\xe0", "not a readable image"),
    "truncated.png": (encoded(Image.fromarray(ASTRONAUT), "PNG")[:3000], "not a readable image"),
    "large.png": (png_header(20_000), "400000000 pixels"),
    "large.jpg": (jpeg_header(65_000), r"8125 x 8125 pixels, expected at most 64000000"),
    "progressive.jpg": (jpeg_header(20_000, progressive=True), "a progressive JPEG file of 20000"),
}


def test_bad_files_are_named_with_the_reason_and_the_others_are_predicted(tmp_path):
    for name, (content, _) in BAD.items():
        (tmp_path / name).write_bytes(content)
    Image.fromarray(ASTRONAUT).save(tmp_path / "good.png")
    (tmp_path / "folder.png").mkdir()
    paths = [tmp_path / name for name in (*BAD, "missing.png", "good.png", "folder.png")]
    table = predict_faces(load_pretrained(), paths, detector="lbp", on_error="skip")
    assert table["label"].notna().tolist() == [path.name == "good.png" for path in paths]
    problems = dict(zip((path.name for path in paths), table["problem"], strict=True))
    for name, (_, reason) in BAD.items():
        assert str(tmp_path / name) in problems[name]
        assert reason in problems[name]
    assert problems["missing.png"].endswith("missing.png: no such file or folder")
    assert problems["folder.png"].endswith("this folder contains no images")


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("cmyk.jpg", Image.fromarray(ASTRONAUT).convert("CMYK")),
        ("gray.jpg", Image.fromarray(ASTRONAUT).convert("L")),
        ("alpha.png", Image.fromarray(ASTRONAUT).convert("RGBA")),
        ("palette.gif", Image.fromarray(ASTRONAUT).quantize(256)),
        (
            "16bit.png",
            Image.fromarray(np.asarray(Image.fromarray(ASTRONAUT).convert("L")) * np.uint16(257)),
        ),
    ],
)
def test_photographs_of_unusual_kinds(tmp_path, name, image):
    image.save(tmp_path / name)
    (faces,) = FaceDetector("lbp", search_side=192).transform([tmp_path / name])
    assert len(faces) == 1
    left, top, width, height = faces.boxes[0]
    assert_allclose((left + width / 2, top + height / 2), (123, 118), atol=15)


def test_only_the_first_frame_of_an_animation_is_searched(tmp_path):
    frames = [Image.fromarray(ASTRONAUT), Image.new("RGB", (240, 240))]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match=r"1 image file\(s\) have several frames .*a\.gif"):
        (faces,) = FaceDetector("lbp", search_side=192).transform([tmp_path / "a.gif"])
    assert len(faces) == 1


def test_a_transparent_photograph_is_white_where_it_is_transparent(tmp_path):
    Image.new("RGBA", (80, 80), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert (read_photo(tmp_path / "a.png")[0] == 255).all()
