import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sk_fer.preprocessing import PixelParser

WANTED = np.random.default_rng(0).integers(0, 256, (40, 16), dtype=np.uint8)
STRINGS = [" ".join(map(str, row)) for row in WANTED]
TABLE = pd.DataFrame({"emotion": 3, " Usage": "Training", " pixels": STRINGS})


@pytest.mark.parametrize(
    "X",
    [
        STRINGS,
        tuple(STRINGS),
        np.array(STRINGS),
        np.array(STRINGS)[:, np.newaxis],
        pd.Series(STRINGS),
        pd.Series(STRINGS, index=np.linspace(9, 1, 40)),
        pd.DataFrame({"anything": STRINGS}),
        pd.DataFrame({"emotion": 3, "pixels": STRINGS, "Usage": "Training"}),
        TABLE,
    ],
    ids=[
        *("list", "tuple", "array", "column", "Series", "Series, float index"),
        *("DataFrame of one column", "fer2013.csv", "icml_face_data.csv"),
    ],
)
def test_reads_containers_of_strings(X):
    pixels = PixelParser().fit_transform(X)
    assert pixels.dtype == np.uint8
    assert_array_equal(pixels, WANTED)


def test_other_column():
    table = TABLE.rename(columns={" pixels": "face"})
    assert_array_equal(PixelParser(column="face").fit_transform(table), WANTED)


def test_train_and_test_tables_may_have_other_columns():
    parser = PixelParser().fit(TABLE)
    assert_array_equal(parser.transform(TABLE[[" pixels"]]), WANTED)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (
            TABLE[["emotion", " Usage"]],
            r"columns \['emotion', ' Usage'\], expected one named 'pixels'",
        ),
        ("1 2 3", "got X of type str, expected a list or column of pixel strings"),
        ((s for s in STRINGS), "got X of type generator, expected a list"),
        (np.array([STRINGS, STRINGS]), r"got X of shape \(2, 40\), expected one column"),
        (np.array(["1"])[0:1].reshape(1, 1, 1), r"got X of shape \(1, 1, 1\)"),
        ([], "got X with 0 rows"),
        (TABLE[:0], "got X with 0 rows"),
        ([None], "X, row 0: got None, expected"),
        ([""], "X, row 0: got an empty string"),
        ([*STRINGS, "1 2"], "X, row 40: got 2 pixels, expected 16"),
        ([*STRINGS, "256 " * 16], "X, row 40: pixel value 256 is outside 0 to 255"),
        (WANTED[:, 0], "X, row 0: got .*, expected a string of pixels"),
    ],
)
def test_refuses(X, message):
    with pytest.raises(ValueError, match=message):
        PixelParser().fit_transform(X)


def test_number_of_pixels_is_fixed_in_fit():
    parser = PixelParser().fit(STRINGS)
    with pytest.raises(ValueError, match="X, row 0: got 9 pixels, expected 16"):
        parser.transform(["0 " * 9])


def test_unfitted_and_wrong_parameter():
    assert_array_equal(PixelParser().transform(STRINGS), WANTED)
    with pytest.raises(NotFittedError):
        PixelParser().get_feature_names_out()
    with pytest.raises(ValueError, match="'column' parameter of PixelParser"):
        PixelParser(column=3).transform(STRINGS)
    with pytest.raises(ValueError, match="'column' parameter of PixelParser"):
        PixelParser(column=3).fit(STRINGS)


def test_single_images_give_the_same():
    parser = pickle.loads(pickle.dumps(PixelParser().fit(STRINGS)))
    assert_array_equal(np.vstack([parser.transform([s]) for s in STRINGS]), WANTED)


def test_names_and_pandas_output():
    parser = PixelParser().set_output(transform="pandas")
    frame = parser.fit_transform(TABLE[10:])
    assert list(frame.columns) == list(parser.get_feature_names_out())
    assert list(frame.columns[:2]) == ["pixel_0", "pixel_1"]
    assert_array_equal(frame.index, TABLE.index[10:])
    assert (frame.dtypes == np.uint8).all()


def test_in_pipeline_and_column_transformer():
    y = np.arange(40) % 2
    model = make_pipeline(PixelParser(), LogisticRegression(tol=0.1)).fit(TABLE, y)
    assert model.predict(TABLE).shape == (40,)
    assert model[:-1].get_feature_names_out()[-1] == "pixel_15"
    both = make_column_transformer((PixelParser(), [" pixels"]), ("passthrough", ["emotion"]))
    assert both.fit_transform(TABLE).shape == (40, 17)
