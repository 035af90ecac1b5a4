import struct
import zlib

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from sk_fer._utils import _image_heif
from sk_fer._utils._image_file import (
    IMAGE_SUFFIXES,
    MAX_PIXELS,
    is_image,
    read_image,
    resize_image,
)

GRAY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
RGB = np.stack([GRAY, GRAY[::-1], 255 - GRAY], axis=-1)
SUFFIXES = sorted(IMAGE_SUFFIXES - set(_image_heif.HEIF_SUFFIXES))  # Pillow writes these


def png_header(height, width):
    """Write a PNG with a large size in its header and almost no pixels."""
    content = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    for name, data in [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0\0"))]:
        content += struct.pack(">I", len(data)) + name + data
        content += struct.pack(">I", zlib.crc32(name + data))
    return content


@pytest.mark.parametrize("suffix", SUFFIXES)
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


DEPTHS = [
    # what the file has: values, how they are stored, what is read
    ("16 bits", [0, 32768, 65535], np.uint16, [0, 128, 255]),
    ("16 bits, dark", [0, 2048, 4096], np.uint16, [0, 8, 16]),
    ("14 bits in 16", [0, 8192, 16383], np.uint16, [0, 32, 63]),
    ("16 bits, black", [0, 0, 0], np.uint16, [0, 0, 0]),
    ("16 bits in 32", [0, 32768, 65535], np.int32, [0, 128, 255]),
    ("16 bits in 32, dark", [0, 2048, 4096], np.int32, [0, 8, 16]),
    ("31 bits", [0, 2**30, 2**31 - 1], np.int32, [0, 128, 255]),
    ("floats to 1", [0, 0.5, 1], np.float32, [0, 128, 255]),
    ("floats a little above 1", [0, 0.5, 1.0005], np.float32, [0, 128, 255]),
    ("floats to 255", [0, 127.6, 255], np.float32, [0, 128, 255]),
    ("floats to 65535", [0, 32768, 65535], np.float32, [0, 128, 255]),
    ("black floats", [0, 0, 0], np.float32, [0, 0, 0]),
]


@pytest.mark.parametrize(
    ("values", "dtype", "expected"), [case[1:] for case in DEPTHS], ids=[case[0] for case in DEPTHS]
)
def test_deep_images_have_one_scale_per_type(tmp_path, values, dtype, expected):
    Image.fromarray(np.array([values], dtype=dtype)).save(tmp_path / "a.tiff")
    assert read_image(tmp_path / "a.tiff").tolist() == [expected]
    color = read_image(tmp_path / "a.tiff", color=True)
    assert color.tolist() == [[[value] * 3 for value in expected]]


@pytest.mark.parametrize(
    ("values", "dtype", "reason"),
    [
        ([-1, 5, 9], np.int32, "values from -1 to 9, expected no negative values"),
        ([-0.5, 0, 1], np.float32, "values from -0.5 to 1, expected 0 to 1 or 0 to 255"),
        ([0, 1, 3], np.float32, "values from 0 to 3, expected 0 to 1 or 0 to 255"),
        ([0, 1, np.nan], np.float32, "values that are not finite"),
        ([0, 1, 1e9], np.float32, "values from 0 to 1e\\+09, expected 0 to 1"),
        ([0, 127, 255], np.uint16, "largest value is 255, .*8 bits, save .* times 256, or"),
        ([0, 512, 1023], np.uint16, "largest value is 1023, .*10 bits, save .* times 64, or"),
        ([0, 2048, 4095], np.uint16, "largest value is 4095, .*12 bits, save .* times 16, or"),
        ([0, 2048, 4095], np.int32, "largest value is 4095, .*12 bits, save .* times 16, or"),
        ([0, 512, 1023], np.float32, "largest value is 1023, .*10 bits, save .* times 64, or"),
        ([0, 1, 70000], np.int32, "largest value is 70000, expected at most 65535"),
    ],
    ids=str,
)
def test_images_of_an_unknown_scale_are_refused(tmp_path, values, dtype, reason):
    Image.fromarray(np.array([values], dtype=dtype)).save(tmp_path / "a.tiff")
    with pytest.raises(ValueError, match=rf"a.tiff: not a readable image, (it has|its) {reason}"):
        read_image(tmp_path / "a.tiff")


def test_two_pictures_of_one_camera_keep_their_brightness(tmp_path):
    for name, most in (("light", 60_000), ("dim", 15_000), ("dark", 4_200)):
        values = np.array([[0, most // 2, most]], dtype=np.uint16)
        Image.fromarray(values).save(tmp_path / f"{name}.png")
        assert_array_equal(read_image(tmp_path / f"{name}.png"), values // 256)


def deep_png(values, color_type):
    """Write a PNG of one row of channels with 16 bits each."""
    n_channels = {2: 3, 4: 2, 6: 4}[color_type]
    rows = b"\0" + np.asarray(values, dtype=">u2").tobytes()
    header = struct.pack(">IIBBBBB", len(values) // n_channels, 1, 16, color_type, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]:
        content += struct.pack(">I", len(data)) + name + data
        content += struct.pack(">I", zlib.crc32(name + data))
    return content


@pytest.mark.parametrize(
    ("color_type", "white"), [(2, [65535] * 3), (4, [65535] * 2), (6, [65535] * 4)]
)
def test_colours_of_sixteen_bits_are_scaled_or_refused(tmp_path, color_type, white):
    black = [0] * len(white) if color_type == 2 else [0] * (len(white) - 1) + [65535]
    (tmp_path / "a.png").write_bytes(deep_png([*white, *black], color_type))
    assert read_image(tmp_path / "a.png").tolist() == [[255, 0]]
    alpha = [] if color_type == 2 else [65535]
    low = [4095] * (len(white) - len(alpha))
    (tmp_path / "a.png").write_bytes(deep_png([*low, *alpha, *black], color_type))
    with pytest.raises(ValueError, match=r"a.png.*16 bits and use only the lower 12 or fewer"):
        read_image(tmp_path / "a.png")


def test_maxval_of_a_pgm_is_its_white(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P2 3 1 1000\n0 500 1000\n")
    assert read_image(tmp_path / "a.pgm").tolist() == [[0, 128, 255]]
    (tmp_path / "a.pgm").write_bytes(b"P2 3 1 1000\n0 30 60\n")
    assert read_image(tmp_path / "a.pgm").tolist() == [[0, 7, 15]]


def test_a_dark_jpeg_2000_of_16_bits_is_dark(tmp_path):
    values = np.full((8, 8), 3000, dtype=np.uint16)
    values[0] = 0
    Image.fromarray(values).save(tmp_path / "a.jp2", irreversible=False)
    assert read_image(tmp_path / "a.jp2").max() == 3000 // 256


def test_files_of_several_frames_are_named(tmp_path):
    frames = [Image.new("L", (4, 4), tone) for tone in (10, 20)]
    for suffix in ("gif", "tiff", "png", "webp"):
        frames[0].save(
            tmp_path / f"two.{suffix}", save_all=True, append_images=frames[1:], lossless=True
        )
        frames[0].save(tmp_path / f"one.{suffix}")
        named = []
        for number in ("one", "two"):
            read_image(tmp_path / f"{number}.{suffix}", several_frames=named)
        assert named == [str(tmp_path / f"two.{suffix}")]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_image_without_suffix_is_recognized_by_its_content(tmp_path, suffix):
    head = encoded(tmp_path, f"whole{suffix}")[:16] if suffix != ".pfm" else b""
    assert is_image(head) or suffix == ".pfm"
    assert not is_image(b"emotion,pixels,Us")
    assert not is_image(b"%!PS-Adobe-3.0 E")


def test_a_heic_file_without_its_reader_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(_image_heif, "reads_heif", lambda: False)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    with pytest.raises(ValueError, match=r'pip install "\.\[heic\]" in'):
        read_image(tmp_path / "a.heic")


def test_heic(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    gray = np.full((16, 24), 90, dtype=np.uint8)
    pillow_heif.from_pillow(Image.fromarray(gray).convert("RGB")).save(tmp_path / "a.heic")
    assert_allclose(read_image(tmp_path / "a.heic").astype(int), gray, atol=3)


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


def test_the_first_frame_of_an_animation_is_read(tmp_path):
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


@pytest.mark.parametrize("suffix", SUFFIXES)
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
        (png_header(8001, 8000), f"8001 x 8000 pixels, expected at most {MAX_PIXELS}"),
        (png_header(10_000, 10_000), f"10000 x 10000 pixels, expected at most {MAX_PIXELS}"),
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


def test_resize_processes_each_channel_separately():
    resized = resize_image(RGB, (6, 8))
    for channel in range(3):
        assert_array_equal(resized[..., channel], resize_image(RGB[..., channel], (6, 8)))
