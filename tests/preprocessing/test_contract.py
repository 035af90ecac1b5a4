"""The common behaviour of the transformers, and the checks for those of strings and photos."""

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import estimator_checks

from sk_fer.faces import FaceCropper, FaceDetector
from sk_fer.preprocessing import (
    HistogramEqualizer,
    ImageReader,
    ImageResizer,
    ImageStandardizer,
    PixelParser,
)

OF_ARRAYS = [ImageResizer((4, 4)), HistogramEqualizer(), ImageStandardizer()]
X = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
each_of_arrays = pytest.mark.parametrize("transformer", OF_ARRAYS, ids=lambda t: type(t).__name__)


@each_of_arrays
def test_shape_is_learned_in_fit(transformer):
    images = X.reshape(20, 6, 5)
    fitted = clone(transformer).fit(images)
    assert fitted.image_shape_ == (6, 5, 1)
    assert fitted.n_features_in_ == 30
    assert_array_equal(fitted.transform(X), fitted.transform(images).reshape(20, -1))
    assert_array_equal(fitted.transform(list(images)), fitted.transform(images))


@each_of_arrays
@pytest.mark.parametrize(
    ("image_shape", "fit_shape", "shape", "message"),
    [
        (None, (20, 30), (24, 25), "X has 25 features, but .* is expecting 30 features"),
        (None, (20, 6, 5), (20, 5, 6), r"got images of shape \(5, 6, 1\), expected \(6, 5, 1\)"),
        (None, (20, 6, 5), (10, 6, 5, 2), r"got images of shape \(6, 5, 2\)"),
        (
            (6, 4),
            (20, 30),
            None,
            r"image_shape=\(6, 4\), which has 24 values, but X has 30 features",
        ),
        ((5, 6), (20, 6, 5), None, r"got images of shape \(6, 5, 1\), expected \(5, 6, 1\)"),
        ((30,), (20, 30), None, r"got image_shape=\(30,\), expected \(height, width\)"),
        (6, (20, 30), None, r"got image_shape=6, which has 36 values, but X has 30 features"),
        (0, (20, 30), None, "'image_shape' parameter of"),
        (None, (2, 5, 2, 3, 1, 10), None, "expected flat rows"),
        (None, (0, 6, 5), None, "0 sample"),
    ],
)
def test_refuses(transformer, image_shape, fit_shape, shape, message):
    transformer = clone(transformer).set_params(image_shape=image_shape)
    if shape is None:
        with pytest.raises(ValueError, match=message):
            transformer.fit(np.zeros(fit_shape, dtype=np.uint8))
    else:
        transformer.fit(np.zeros(fit_shape, dtype=np.uint8))
        with pytest.raises(ValueError, match=message):
            transformer.transform(np.zeros(shape, dtype=np.uint8))


@each_of_arrays
@pytest.mark.parametrize("bad", [np.nan, np.inf, "angry"])
def test_refuses_values_that_are_not_numbers(transformer, bad):
    with pytest.raises(ValueError, match=r"NaN|infinity|expected images as numbers"):
        clone(transformer).fit([[bad, 1.0], [2.0, 3.0]])


@each_of_arrays
def test_memory_map_and_read_only_input(transformer, tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_array_equal(
        clone(transformer).fit_transform(mapped), clone(transformer).fit_transform(X)
    )


@each_of_arrays
def test_pandas_output_keeps_names_and_index(transformer):
    frame = pd.DataFrame(X, columns=[f"p{i}" for i in range(30)], index=range(5, 25))
    transformer = clone(transformer).set_output(transform="pandas")
    out = transformer.fit_transform(frame)
    resized = isinstance(transformer, ImageResizer)
    assert list(out.columns[:2]) == (["pixel_0", "pixel_1"] if resized else ["p0", "p1"])
    assert_array_equal(out.index, frame.index)
    assert_array_equal(transformer.feature_names_in_, frame.columns)


@each_of_arrays
def test_a_pickled_model_predicts_the_same(transformer):
    fitted = clone(transformer).fit(X)
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).transform(X), fitted.transform(X))


@pytest.mark.parametrize(
    "transformer", [*OF_ARRAYS, ImageStandardizer("minmax")], ids=lambda t: type(t).__name__
)
def test_without_a_fit_it_does_the_same(transformer):
    for given in (X, X.reshape(20, 6, 5), pd.DataFrame(X)):
        fitted = clone(transformer).fit(given)
        assert_array_equal(clone(transformer).transform(given), fitted.transform(given))
    unfitted = clone(transformer)
    unfitted.transform(X)
    assert unfitted.transform(X[:, :25]).shape[0] == 20  # nothing was kept
    with pytest.raises(NotFittedError):
        unfitted.get_feature_names_out()
    with pytest.raises(ValueError, match="'image_shape' parameter of"):
        unfitted.set_params(image_shape="flat").transform(X)


def test_what_learns_needs_a_fit():
    with pytest.raises(NotFittedError):
        ImageStandardizer("dataset").transform(X)


def test_a_pipeline_around_a_fitted_classifier_predicts():
    faces = np.random.default_rng(0).integers(0, 256, (20, 100), dtype=np.uint8)
    y = np.arange(20) % 2
    before = [HistogramEqualizer(), ImageResizer(6), ImageStandardizer()]
    prepared = make_pipeline(*before).fit_transform(faces)
    model = LogisticRegression().fit(prepared, y)
    unfitted = [clone(step) for step in before]
    assert_array_equal(make_pipeline(*unfitted, model).predict(faces), model.predict(prepared))
    strings = [" ".join(map(str, row)) for row in faces]
    of_strings = make_pipeline(PixelParser(), *unfitted, model)
    assert_array_equal(of_strings.predict(strings), model.predict(prepared))


@pytest.mark.parametrize(
    "transformer", [ImageResizer((2, 2)), HistogramEqualizer()], ids=lambda t: type(t).__name__
)
def test_rows_that_could_be_several_pictures_are_refused(transformer):
    rows = np.zeros((2, 6912), dtype=np.uint8)
    for method in (clone(transformer).fit, clone(transformer).transform):
        with pytest.raises(ValueError, match=r"X has 6912 features.* image_shape=\(48, 48, 3\)"):
            method(rows)
    strip = clone(transformer).set_params(image_shape=(1, 6912))
    assert strip.fit(rows).image_shape_ == (1, 6912, 1)
    assert ImageStandardizer().fit(rows).image_shape_ == (1, 6912, 1)  # the shape has no effect


@each_of_arrays
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_images_are_no_frame(transformer, container):
    transformer = clone(transformer).set_output(transform=container)
    message = rf"{container}.*images of shape \(20, 6, 5\); pass flat rows"
    with pytest.raises(ValueError, match=message):
        transformer.fit_transform(X.reshape(20, 6, 5))
    with config_context(transform_output=container):
        with pytest.raises(ValueError, match=message):
            clone(transformer).fit_transform(X.reshape(20, 6, 5))
        by_array = transformer.set_output(transform="default").fit_transform(X.reshape(20, 6, 5))
    assert isinstance(by_array, np.ndarray)


@each_of_arrays
def test_one_image_is_refused_with_the_way_out(transformer):
    fitted = clone(transformer).fit(X.reshape(20, 6, 5))
    for one in (X[0].reshape(6, 5), X[0].reshape(6, 5, 1)):
        with pytest.raises(ValueError, match=r"which is one image.* X\[None\]"):
            fitted.transform(one)
    assert fitted.transform(X[0].reshape(6, 5)[None]).shape[0] == 1


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_estimators_unfitted,
        estimator_checks.check_get_feature_names_out_error,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_mixin_order,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_param_validation,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_set_params,
        estimator_checks.check_valid_tag_types,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.parametrize(
    "transformer",
    [PixelParser(), ImageReader(), FaceDetector(), FaceCropper()],
    ids=lambda t: type(t).__name__,
)
def test_estimator_checks_that_make_no_data(check, transformer):
    if check is estimator_checks.check_get_feature_names_out_error and isinstance(
        transformer, FaceCropper | FaceDetector
    ):
        pytest.skip("FaceCropper has its number of features without a fit, FaceDetector has none")
    check(type(transformer).__name__, clone(transformer))


@pytest.mark.skipif("SK_FER_DATA" not in os.environ, reason="SK_FER_DATA names no data folder")
def test_pipeline_and_grid_search_on_real_strings():
    table = pd.read_csv(Path(os.environ["SK_FER_DATA"], "fer2013.csv"), nrows=400)
    table = table[table["emotion"].isin([3, 4])]
    model = Pipeline(
        [
            ("parse", PixelParser()),
            ("equalize", HistogramEqualizer()),
            ("resize", ImageResizer((12, 12))),
            ("standardize", ImageStandardizer()),
            ("classify", LogisticRegression(C=1e-3, tol=1e-2)),
        ]
    )
    grid = {
        "equalize": [HistogramEqualizer("adaptive"), "passthrough"],
        "resize__image_size": [(8, 8), (12, 12)],
    }
    search = GridSearchCV(model, grid, cv=2).fit(table, table["emotion"])
    assert search.best_score_ > 0.6
    assert search.predict(table[["pixels"]]).shape == (len(table),)


@pytest.mark.parametrize("method", ["image", "dataset", "minmax"])
def test_images_flattened_for_a_classifier(method):
    y = np.arange(20) % 2
    rows = np.where(y[:, np.newaxis] == np.arange(30) % 2, 200, 50).astype(np.uint8) + X // 8
    model = make_pipeline(
        HistogramEqualizer(image_shape=(6, 5)),
        ImageResizer((6, 5), image_shape=(6, 5)),
        ImageStandardizer(method, image_shape=(6, 5)),
        LogisticRegression(),
    )
    assert model.fit(rows, y).score(rows, y) == 1
