import struct
import zlib

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from sk_fer._utils._image_file import IMAGE_SUFFIXES, MAX_PIXELS, read_image, resize_image

GRAY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
RGB = np.stack([GRAY, GRAY[::-1], 255 - GRAY], axis=-1)


def png_header(height, width):
    """Write a PNG that claims a size and holds almost no pixels."""
    content = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    for name, data in [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0\0"))]:
        content += struct.pack(">I", len(data)) + name + data
        content += struct.pack(">I", zlib.crc32(name + data))
    return content


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_reads_gray_and_color_of_each_format(tmp_path, suffix):
    flat = np.full((8, 6, 3), (200, 100, 50), dtype=np.uint8)
    Image.fromarray(flat).save(tmp_path / f"a{suffix}")
    gray, color = (
        read_image(tmp_path / f"a{suffix}"),
        read_image(tmp_path / f"a{suffix}", color=True),
    )
    assert gray.dtype == color.dtype == np.uint8
    assert gray.shape == (8, 6)
    assert_allclose(gray, 124, atol=3)
    assert_allclose(color.astype(int), flat, atol=6)


@pytest.mark.parametrize(
    "mode", ["L", "1", "P", "RGB", "CMYK", "LA", "RGBA", "I;16"], ids=lambda mode: mode
)
def test_any_mode_gives_the_same_gray(tmp_path, mode):
    gray = np.array([[0, 255], [255, 0]], dtype=np.uint8)
    if mode == "I;16":
        image = Image.fromarray(gray.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(gray).convert("RGB").convert(mode)
    image.save(tmp_path / "a.tiff")
    assert_array_equal(read_image(tmp_path / "a.tiff"), gray)
    assert_array_equal(read_image(tmp_path / "a.tiff", color=True), np.stack([gray] * 3, axis=-1))


def test_sixteen_bit_png_is_scaled_not_cut(tmp_path):
    Image.fromarray(np.array([[0, 128 * 256, 65535]], dtype=np.uint16)).save(tmp_path / "a.png")
    assert_array_equal(read_image(tmp_path / "a.png"), [[0, 128, 255]])


def test_transparent_parts_become_white(tmp_path):
    image = Image.fromarray(GRAY).convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    image.save(tmp_path / "rgba.png")
    palette = Image.new("P", (2, 1))
    palette.putpalette([0, 0, 0, 40, 40, 40])
    palette.putdata([0, 1])
    palette.save(tmp_path / "palette.png", transparency=b"\x00\xff")
    assert read_image(tmp_path / "rgba.png")[0].tolist() == [255, 20, 40, 60]
    assert read_image(tmp_path / "palette.png").tolist() == [[255, 40]]


def test_exif_orientation_is_honoured(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    Image.fromarray(GRAY).save(tmp_path / "a.png", exif=exif)
    assert_array_equal(read_image(tmp_path / "a.png"), np.rot90(GRAY, -1))


def test_animation_gives_its_first_frame(tmp_path):
    frames = [Image.fromarray(np.full((4, 4), value, dtype=np.uint8)) for value in (10, 200)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert_array_equal(read_image(tmp_path / "a.webp"), np.full((4, 4), 10))


def test_result_is_writable_and_its_own(tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    image[0, 0] = 77
    assert read_image(tmp_path / "a.png")[0, 0] == 0


def encoded(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    return (tmp_path / name).read_bytes()


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_truncated_file_is_refused(tmp_path, suffix):
    content = encoded(tmp_path, f"whole{suffix}")
    path = tmp_path / f"bad{suffix}"
    for share in (0.01, 0.1, 0.5, 0.9):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match=r"bad\.\w+: not a readable image") as caught:
            read_image(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"emotion,pixels\n0,1 2 3\n", "none of BMP, .*PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "none of BMP, .*PNG"),
        (png_header(8001, 8000), f"8001 x 8000 pixels, at most {MAX_PIXELS}"),
        (png_header(10_000, 10_000), f"10000 x 10000 pixels, at most {MAX_PIXELS}"),
        (png_header(60_000, 60_000), "3600000000 pixels"),
        (png_header(4, 4), "truncated"),
    ],
    ids=[
        "empty",
        "text",
        "postscript",
        "bomb",
        "bomb Pillow warns of",
        "bomb Pillow refuses",
        "head",
    ],
)
def test_bad_content_names_path_and_reason(tmp_path, content, reason):
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder_are_os_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(OSError, match=tmp_path.name):
        read_image(tmp_path)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(12, 8), (12, 8, 1), (12, 8, 3), (12, 8, 5)])
def test_resize_keeps_dtype_channels_and_level(dtype, shape):
    resized = resize_image(np.full(shape, 90, dtype=dtype), (5, 7))
    assert resized.dtype == dtype
    assert resized.shape == (5, 7, *shape[2:])
    assert_allclose(resized, 90, rtol=1e-6)


def test_resize_is_antialiased():
    stripes = np.zeros((48, 48), dtype=np.uint8)
    stripes[:, ::2] = 200
    assert_allclose(resize_image(stripes, (12, 12))[:, 2:-2], 100, atol=2)


def test_resize_takes_each_channel_alone():
    resized = resize_image(RGB, (6, 8))
    for channel in range(3):
        assert_array_equal(resized[..., channel], resize_image(RGB[..., channel], (6, 8)))
