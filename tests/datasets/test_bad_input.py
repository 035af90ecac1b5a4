"""The error of each loader for bad input, in the table `BAD_INPUTS`.

``list(describe())`` returns each bad input with its error.
"""

import gzip
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from sk_fer.datasets import load_ckplus, load_fer2013, load_ferplus, load_image_folder

from .archives import tarred, zipped

PIXELS = " ".join(map(str, np.random.default_rng(0).integers(0, 256, 2304)))
GOOD_ROW = f"3,{PIXELS},Training"
GOOD_TABLE = f"emotion,pixels,Usage\n{GOOD_ROW}\n".encode()
VOTES_HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)
GOOD_VOTES = f"{VOTES_HEADER}\nTraining,fer0000000.png,0,10,0,0,0,0,0,0,0,0\n".encode()


class BadInput(NamedTuple):
    """A bad input, the error it gets, and the words in its message."""

    what: str
    load: Callable[..., Any]
    files: dict[str, bytes]
    kind: type[Exception]
    message: str
    paths: tuple[str, ...]  # what the loader is given
    skippable: bool = False

    def attempt(self, folder: Path, **parameters: Any) -> Any:
        """Write the files and load them."""
        folder.mkdir(exist_ok=True)
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return self.load(*(folder / name for name in self.paths), **parameters)


def table(
    what: str,
    content: bytes | str | None,
    message: str,
    *,
    name: str = "fer2013.csv",
    kind: type[Exception] = ValueError,
    load: Callable[..., Any] = load_fer2013,
) -> BadInput:
    content = content.encode() if isinstance(content, str) else content
    files = {} if content is None else {name: content}
    return BadInput(what, load, files, kind, f"{name}{message}", (name,))


def row(
    what: str, bad_row: str, message: str, *, load: Callable[..., Any] = load_fer2013
) -> BadInput:
    content = f"emotion,pixels,Usage\n{GOOD_ROW}\n{bad_row}\n"
    case = table(what, content, rf", row 2: {message}", load=load)
    return case._replace(skippable=True)


def image(what: str, content: bytes, message: str, *, name: str = "happy/bad.png") -> BadInput:
    files = {"happy/0.png": picture(), name: content}
    load = load_image_folder
    return BadInput(what, load, files, ValueError, f"{name}: {message}", ("",), skippable=True)


def folder(what: str, files: dict[str, bytes], message: str, **more: Any) -> BadInput:
    case = BadInput(what, load_image_folder, files, ValueError, message, ("",))
    return case._replace(**more)


def votes(what: str, content: bytes | str, message: str) -> BadInput:
    content = content.encode() if isinstance(content, str) else content
    files = {"fer2013.csv": GOOD_TABLE, "fer2013new.csv": content}
    names = ("fer2013.csv", "fer2013new.csv")
    return BadInput(what, load_ferplus, files, ValueError, f"fer2013new.csv{message}", names)


def picture(form: str = "PNG", size: tuple[int, int] = (48, 48)) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, form)
    return buffer.getvalue()


def bomb(side: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


MANY_ROWS = GOOD_TABLE + f"{GOOD_ROW}\n".encode() * 20

BAD_INPUTS = [
    # the file
    table("missing file", None, ": no such file or folder", kind=FileNotFoundError),
    table("empty file", "", ": the file is empty"),
    table("blank lines only", "\n \n\n", ": the file is empty"),
    table("header only", "emotion,pixels,Usage\n", ": no rows below the header"),
    table("binary file", b"\x80\xff\x00\x01" * 100, ": not a CSV file, expected text in UTF-8"),
    table("one endless line", b"0 " * 200_000, ", row 1: got 200000 pixels, expected 2304"),
    table(
        "no column emotion",
        f"pixels,Usage\n{PIXELS},Training",
        ": no column 'emotion', the columns",
    ),
    table(
        "no column pixels",
        "emotion,Usage\n3,Training",
        ": no column 'pixels', the columns are 'emo",
    ),
    table("no header, two labels", f"3,4,{PIXELS}", ": no names of columns, and its first row"),
    table("no header, no label", "a,b,c", ": no column 'emotion' or 'pixels', the columns are 'a'"),
    table("truncated .gz", half(gzip.compress(MANY_ROWS)), ": truncated or d", name="a.csv.gz"),
    table("empty .gz", b"", ": the file is empty", name="a.csv.gz"),
    table("truncated .zip", half(zipped({"a.csv": MANY_ROWS})), ": truncated or", name="a.zip"),
    table("no CSV in .zip", zipped({"a.txt": b""}), ": expected one CSV file.*none", name="a.zip"),
    table(
        "two CSVs in .zip", zipped({"a.csv": b"", "b.csv": b""}), ".*found a.csv, b.", name="a.zip"
    ),
    table("truncated .tar.gz", half(tarred({"a.csv": MANY_ROWS})), ": trunc", name="a.tar.gz"),
    table("empty .tar.gz", b"", ": the file is empty", name="a.tar.gz"),
    table(
        "no CSV in .tar.gz",
        tarred({"a.txt": b""}),
        ": expected one CSV file.*none",
        name="a.tar.gz",
    ),
    # a row
    row("2,303 pixels", f"3,{PIXELS.rsplit(' ', 1)[0]},Training", "got 2303 pixels, expected 2304"),
    row("2,305 pixels", f"3,{PIXELS} 0,Training", "got 2305 pixels, expected 2304"),
    row("no pixels", "3,,Training", "got an empty string, expected pixels"),
    row("pixel over 255", f"3,256 {PIXELS[4:]},Training", "pixel value 256 is outside 0 to 255"),
    row("pixel below 0", f"3,-1 {PIXELS},Training", "pixel value -1 is outside 0 to 255"),
    row("pixel no number", f"3,abc {PIXELS},Training", "'abc' is not a number"),
    row("label 7", f"7,{PIXELS},Training", "emotion '7' is not an integer from 0 to 6"),
    row("label -1", f"-1,{PIXELS},Training", "emotion '-1' is not an integer from 0 to 6"),
    row("label 1.5", f"1.5,{PIXELS},Training", "emotion '1.5' is not an integer from 0 to 6"),
    row("no label", f",{PIXELS},Training", "emotion '' is not an integer from 0 to 6"),
    row("unknown Usage", f"3,{PIXELS},Holdout", "Usage 'Holdout' is not one of Training, Pu"),
    row("a field short", f"3,{PIXELS}", "got 2 fields, expected 3"),
    row("a field too many", f"{GOOD_ROW},1", "got 4 fields, expected 3"),
    row("ckextended label 8", f"8,{PIXELS},Training", ".*from 0 to 7", load=load_ckplus),
    # the votes
    votes("votes: empty file", "", ": the file is empty"),
    votes("votes: header only", VOTES_HEADER, ": no rows below the header"),
    votes("votes: no column NF", GOOD_VOTES.replace(b",NF", b",N"), ": no column 'NF'"),
    votes("votes: a field short", GOOD_VOTES[:-3], ", row 1: got 11 fields, expected 12"),
    votes("votes: no number", GOOD_VOTES.replace(b"10", b"x"), ", row 1: 'x' is not a number of"),
    votes("votes: unknown Usage", GOOD_VOTES.replace(b"Tr", b"D"), ", row 1: Usage 'Daining'"),
    votes("votes: other Usage", GOOD_VOTES.replace(b"Training", b"PublicTest"), ", row 1: Usage"),
    votes("votes: more rows", GOOD_VOTES + GOOD_VOTES[len(VOTES_HEADER) + 1 :], " has 2 rows, but"),
    # an image
    image("zero-byte image", b"", "not a readable image, the file is empty"),
    image("truncated PNG", half(picture()), "not a readable image"),
    image("truncated JPEG", half(picture("JPEG")), "not a readable image", name="happy/bad.jpg"),
    image("text file named .png", b"this is text", "not a readable image"),
    image(
        "image bomb, 20,000 pixels wide",
        bomb(20_000),
        "not a readable image, it has 400000000 pixels, expected at most 64000000",
    ),
    image("image bomb, 9,000 pixels wide", bomb(9_000), "not a readable image, it has 9000 x"),
    image("unknown class folder", picture(), "its folder 'bored' is not", name="bored/bad.png"),
    image("image in a split folder", picture(), "its folder 'train' is no", name="train/bad.png"),
    image("image in no folder", picture(), "its folder '' is not a class", name="bad.png"),
    # a folder
    folder("missing folder", {}, "none: no such", kind=FileNotFoundError, paths=("none",)),
    folder("a file for a folder", {"a": b""}, "a: not a", kind=NotADirectoryError, paths=("a",)),
    folder("no images in a folder", {"happy/.a.txt": b""}, "found no images"),
    folder("no table in a folder", {"a.txt": b""}, "found none of the files", load=load_fer2013),
    folder(
        "mixed sizes without image_size",
        {"happy/a.png": picture(), "happy/b.png": picture(size=(40, 30))},
        "a.png has 48 x 48 pixels, .*b.png has 40 x 30; image_size=",
    ),
    folder(
        "some images in splits, some not",
        {"train/happy/a.png": picture(), "happy/b.png": picture()},
        "b.png is in no split, but .*a.png is",
    ),
    folder("CK+ file of another name", {"happy/a.png": picture()}, "not named", load=load_ckplus),
    folder("CK+ missing", {}, "none: no such", kind=OSError, paths=("none",), load=load_ckplus),
]


def describe(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each bad input with its error, in a separate folder."""
    for number, case in enumerate(BAD_INPUTS):
        place = folder / str(number)
        try:
            case.attempt(place)
        except Exception as error:
            message = str(error).replace(f"{place}/", "").replace(str(place), ".")
            yield case.what, f"{type(error).__name__}: {message}"


@pytest.mark.parametrize("case", BAD_INPUTS, ids=lambda case: case.what)
def test_error(case, tmp_path):
    with pytest.raises(case.kind, match=case.message) as raised:
        case.attempt(tmp_path / "input")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize(
    "case", [case for case in BAD_INPUTS if case.skippable], ids=lambda case: case.what
)
def test_skip(case, tmp_path):
    faces = case.attempt(tmp_path, on_error="skip")
    assert faces.target.tolist() == ["happy"]
    [(place, reason)] = faces.skipped
    assert place == 2 or reason.startswith(place)
    with pytest.raises(case.kind) as raised:
        case.attempt(tmp_path)
    way_out = 'on_error="skip" (of sk-fer: --skip-bad) leaves such rows and images out'
    assert str(raised.value) == f"{reason}; {way_out}"


def test_skip_of_all_that_there_is(tmp_path):
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n3,1 2,Training\n")
    with pytest.raises(ValueError, match=r"none of 1 rows is good, the first: .*got 2 pixels"):
        load_fer2013(tmp_path / "fer2013.csv", on_error="skip")
    (tmp_path / "f" / "happy").mkdir(parents=True)
    (tmp_path / "f" / "happy" / "a.png").write_text("text")
    with pytest.raises(ValueError, match=r"none of 1 images is good, the first: .*a.png: not a"):
        load_image_folder(tmp_path / "f", on_error="skip")


def test_describe_has_an_error_for_each(tmp_path):
    assert [what for what, _ in describe(tmp_path)] == [case.what for case in BAD_INPUTS]
