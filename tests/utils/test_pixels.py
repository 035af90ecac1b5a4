import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sk_fer._utils._pixels import parse_pixels

WANTED = np.random.default_rng(0).integers(0, 256, (100, 9), dtype=np.uint8)
STRINGS = [" ".join(map(str, row)) for row in WANTED]


@pytest.mark.parametrize(
    "container",
    [
        list,
        np.array,
        lambda strings: np.array(strings, dtype=object),
        pd.Series,
        lambda strings: pd.Series(strings, index=range(1000, 1000 - len(strings), -1)),
        lambda strings: pd.Series(strings, dtype=object),
    ],
    ids=["list", "str array", "object array", "Series", "Series, odd index", "object Series"],
)
def test_reads_any_container(container):
    pixels, kept, problems = parse_pixels(container(STRINGS))
    assert pixels.dtype == np.uint8
    assert_array_equal(pixels, WANTED)
    assert_array_equal(kept, np.arange(100))
    assert problems == []


@pytest.mark.parametrize(
    "string", ["1 20 255", " 1  20 255 ", "1\t20\n255", "001 0020 00255", "+1 20 255"]
)
def test_spaces_zeros_and_signs_do_not_matter(string):
    assert parse_pixels([string])[0].tolist() == [[1, 20, 255]]


@pytest.mark.parametrize(
    "cell",
    ["[1, 2, 30]", "1,2,30", "(1 2 30)", "1.0 2. 30.00", "1e0 2 3e1", "1;2;30", " 1\n2\t30 "],
)
@pytest.mark.parametrize("beside", ["", "x"])
def test_other_ways_to_write_the_same_numbers(cell, beside):
    pixels, _, _ = parse_pixels(["1 2 30", cell, *beside], 3, on_error="skip")
    assert pixels.tolist() == [[1, 2, 30]] * 2


BAD_CELLS = [
    ("1 2", "got 2 pixels, expected 3"),
    ("1 2 3 4", "got 4 pixels, expected 3"),
    ("", "got an empty string, expected pixels"),
    ("   ", "got an empty string, expected pixels"),
    (None, "got None, expected a string of pixels"),
    (float("nan"), "got nan, expected a string of pixels"),
    (pd.NA, "got <NA>, expected a string of pixels"),
    (7, "got 7, expected a string of pixels"),
    ("1 256 3", "pixel value 256 is outside 0 to 255"),
    ("1 1000 3", "pixel value 1000 is outside 0 to 255"),
    ("1 -1 3", "pixel value -1 is outside 0 to 255"),
    ("1 abc 3", "'abc' is not a number from 0 to 255"),
    ("1 1.5 3", "'1.5' is not a whole number from 0 to 255"),
    ("[1 ... 3]", "the pixels are shortened with '...', as NumPy prints long arrays"),
    ("1 nan 3", "'nan' is not a number from 0 to 255"),
    ("1-2-3", "'1-2-3' is not a number from 0 to 255"),
    ("1 ٢ 3", "'٢' is not a number from 0 to 255"),
    ("9" * 5000, "is not a number from 0 to 255"),
]


@pytest.mark.parametrize(("cell", "reason"), BAD_CELLS)
def test_bad_cell_is_raised_with_its_place(cell, reason):
    strings = ["1 2 3"] * 70 + [cell, "also bad"]
    with pytest.raises(ValueError, match=reason) as caught:
        parse_pixels(strings, where="a{b}.csv, row {row}", first_row=2)
    assert str(caught.value).startswith("a{b}.csv, row 72: ")
    assert len(str(caught.value)) < 180


def test_bad_cells_are_skipped_and_reported():
    strings = ["7 8 9"]
    for cell, _ in BAD_CELLS:
        strings += [cell, "1 2 3"]
    pixels, kept, problems = parse_pixels(strings, 3, on_error="skip", first_row=1)
    assert pixels.tolist() == [[7, 8, 9]] + [[1, 2, 3]] * len(BAD_CELLS)
    assert_array_equal(kept, range(0, len(strings), 2))
    assert [row for row, _ in problems] == list(range(2, len(strings), 2))
    for (row, message), (_, reason) in zip(problems, BAD_CELLS, strict=True):
        assert message.startswith(f"row {row}: ")
        assert reason in message


def test_number_of_pixels_comes_from_the_first_good_row():
    pixels, kept, problems = parse_pixels(["x", "1 2", "3", "4 5"], on_error="skip")
    assert pixels.tolist() == [[1, 2], [4, 5]]
    assert kept.tolist() == [1, 3]
    assert [row for row, _ in problems] == [0, 2]


@pytest.mark.parametrize("strings", [[], ["bad"], [""]])
@pytest.mark.parametrize(("n_pixels", "width"), [(4, 4), (None, 0)])
def test_nothing_kept(strings, n_pixels, width):
    pixels, kept, problems = parse_pixels(strings, n_pixels, on_error="skip")
    assert pixels.shape == (0, width)
    assert len(kept) == 0
    assert len(problems) == len(strings)


@pytest.mark.skipif("SK_FER_DATA" not in os.environ, reason="SK_FER_DATA names no data folder")
def test_real_rows_equal_a_plain_split():
    table = pd.read_csv(Path(os.environ["SK_FER_DATA"], "fer2013.csv"), nrows=200)
    pixels, _, _ = parse_pixels(table["pixels"], 2304)
    assert_array_equal(pixels, [list(map(int, row.split())) for row in table["pixels"]])
