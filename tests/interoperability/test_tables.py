"""Images and targets in the tables and columns of pandas, polars and pyarrow."""

import numpy as np
import pandas as pd
import pytest

from sk_fer import FERDenseClassifier
from sk_fer.preprocessing import ImageReader, PixelParser

pytestmark = pytest.mark.slow


def of_pyarrow(table):
    """Return a table or column of pandas whose values pyarrow keeps."""
    pytest.importorskip("pyarrow")
    return table.convert_dtypes(dtype_backend="pyarrow")


COLUMNS = {
    "NumPy strings of variable length": lambda y: y.astype(np.dtypes.StringDType()),
    "pandas categorical": lambda y: pd.Series(y, dtype="category"),
    "pandas categories without images": lambda y: pd.Categorical(
        y, categories=["sad", "surprise", "neutral", "happy"]
    ),
    "pandas string": lambda y: pd.Series(y, dtype="string"),
    "pandas string of pyarrow": lambda y: of_pyarrow(pd.Series(y, dtype="string")),
    "polars": lambda y: pytest.importorskip("polars").Series(y),
    "polars categorical": lambda y: (polars := pytest.importorskip("polars")).Series(
        y, dtype=polars.Categorical
    ),
    "polars enum": lambda y: (polars := pytest.importorskip("polars")).Series(
        y, dtype=polars.Enum(["surprise", "neutral", "happy"])
    ),
    "pyarrow": lambda y: pytest.importorskip("pyarrow").array(y),
    "pyarrow dictionary": lambda y: pytest.importorskip("pyarrow").array(y).dictionary_encode(),
    "pyarrow in chunks": lambda y: pytest.importorskip("pyarrow").chunked_array([y[:9], y[9:]]),
}

TABLES = {
    "pandas": pd.DataFrame,
    "pandas with missing values": lambda table: pd.DataFrame(table).convert_dtypes(),
    "pandas of pyarrow": lambda table: of_pyarrow(pd.DataFrame(table)),
    "polars": lambda table: pytest.importorskip("polars").DataFrame(table),
    "pyarrow": lambda table: pytest.importorskip("pyarrow").table(table),
}


@pytest.fixture
def dense():
    return FERDenseClassifier((8,), max_epochs=2, device="cpu", random_state=0)


@pytest.mark.parametrize("make", COLUMNS.values(), ids=COLUMNS)
def test_a_column_of_names_is_as_good_as_an_array(dense, three_expressions, make):
    X, y = three_expressions
    want = dense.fit(X, y).predict_proba(X)
    column = make(y)
    np.testing.assert_array_equal(dense.fit(X, column).predict_proba(X), want)
    assert dense.classes_.tolist() == ["happy", "neutral", "surprise"]
    assert dense.score(X, column) == dense.score(X, y) > 0.3


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
def test_columns_of_shares_go_by_their_names(dense, three_expressions, make):
    X, y = three_expressions
    names = ["surprise", "happy", "neutral"]  # not sorted
    shares = np.random.default_rng(0).dirichlet(np.ones(3), len(y)).astype(np.float32)
    dense.fit(X, make({name: shares[:, i] for i, name in enumerate(names)}))
    assert dense.classes_.tolist() == sorted(names)
    want = dense.predict_proba(X)
    dense.fit(X, shares[:, np.argsort(names)])
    np.testing.assert_array_equal(dense.predict_proba(X), want)


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
def test_a_column_of_a_table_has_pixels_or_files(three_expressions, save_images, make, tmp_path):
    X = three_expressions[0][:3]
    files = [str(tmp_path / f"{i}.png") for i in range(3)]
    save_images(X, files)
    strings = [" ".join(map(str, pixels)) for pixels in X]
    table = make({"pixels": strings, "path": files})
    parsed = PixelParser(column="pixels").fit_transform(table)
    np.testing.assert_array_equal(parsed, X)
    np.testing.assert_array_equal(PixelParser().fit_transform(make({"x": strings})["x"]), X)
    np.testing.assert_array_equal(
        ImageReader(image_size=(24, 24)).fit_transform(make({"x": files})), X
    )


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
def test_a_table_of_bytes_stays_bytes(dense, three_expressions, make):
    X, y = three_expressions
    want = dense.fit(X, y).predict_proba(X)
    table = make({f"pixel{i}": X[:, i] for i in range(X.shape[1])})
    np.testing.assert_array_equal(dense.fit(table, y).predict_proba(table), want)
    assert dense.image_shape_ == (24, 24, 1)
    assert dense._image_dtype == "uint8"
    assert dense.feature_names_in_[:2].tolist() == ["pixel0", "pixel1"]
