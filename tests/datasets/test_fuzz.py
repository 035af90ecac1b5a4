"""A short run of fuzz_loaders.py, and the faults that long runs found."""

import gzip
import tarfile

import pytest

from sk_fer.datasets import load_fer2013

from .archives import zipped
from .fuzz_loaders import fuzz


@pytest.mark.parametrize("kind", ["image", "table"])
def test_altered_files_load_or_are_refused(kind, tmp_path):
    judge = fuzz(60, 0, tmp_path, kind)
    assert judge.outcomes["loaded"] > 10
    assert judge.outcomes["refused"] > 10


def packed(name, content):
    return gzip.compress(content) if name.endswith(".gz") else zipped({"fer2013.csv": content})


def tar_of(member, size):
    """A tar with a member of zeros, and no CSV file; `member` may be a header's type."""
    info = tarfile.TarInfo("a.bin")
    info.type = member
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT) + bytes(size)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv.gz", b"emotion,pixels\n" + b"\n" * (6 << 20)),
        ("a.csv.gz", b"emotion,pixels\n" + b"0 " * (6 << 20)),
        ("a.zip", b"emotion,pixels\n" + b"\n" * (6 << 20)),
        ("a.tar.gz", tar_of(tarfile.REGTYPE, 6 << 20)),
        ("a.tar.gz", tar_of(tarfile.XHDTYPE, 6 << 20)),
    ],
    ids=["lines", "a line", "zip", "another member", "a header"],
)
def test_bombs_are_not_unpacked(name, content, tmp_path):
    (tmp_path / name).write_bytes(packed(name, content))
    with pytest.raises(ValueError, match=r": unpacks to more than 200 times its size"):
        load_fer2013(tmp_path / name, cache=False)


def test_what_compresses_well_is_read(tmp_path):
    row = b"3," + b"128 " * 2304 + b",Training\n"
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"emotion,pixels,Usage\n" + row * 300))
    assert len(load_fer2013(tmp_path / "a.csv.gz", cache=False).images) == 300


def test_a_table_of_bad_rows_is_given_up(tmp_path):
    (tmp_path / "a.csv").write_text("emotion,pixels,Usage\n" + "a\n" * 30_000)
    words = r"10240 of the first 10240 rows are bad, the first: .*a\.csv, row 1: got 1 fields"
    with pytest.raises(ValueError, match=words):
        load_fer2013(tmp_path / "a.csv", cache=False, on_error="skip")


def test_the_error_of_a_damaged_archive_is_short(tmp_path):
    content = packed("a.zip", b"emotion,pixels\n3,0\n")
    for damaged in (content[1:], content[:30] + b"x" + content[31:]):
        (tmp_path / "a.zip").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a\.zip: truncated or damaged") as raised:
            load_fer2013(tmp_path / "a.zip", cache=False)
        assert len(str(raised.value)) < 500
