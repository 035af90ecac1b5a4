"""The error of each public function and parameter for a bad call, in tables.

``list(describe())`` returns each call with its error.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

import sk_fer
from sk_fer import (
    FERCNNClassifier,
    FERDenseClassifier,
    FEREfficientNetB2Classifier,
    FERFeatures,
    FERPretrainedClassifier,
    FERResNet50Classifier,
    make_classifier,
)
from sk_fer import datasets as ds
from sk_fer.inspection import HistoryDisplay
from sk_fer.model_selection import find_duplicates
from sk_fer.preprocessing import (
    HistogramEqualizer,
    ImageReader,
    ImageResizer,
    ImageStandardizer,
    PixelParser,
)

from ..helpers import dense

NAN, INF = float("nan"), float("inf")
X = np.random.default_rng(0).integers(0, 256, (14, 64), dtype=np.uint8)
Y = np.array(["angry", "happy"] * 7)
STRINGS = ["0 10 20 30", "255 128 64 0"]
HISTORY = pd.DataFrame({"epoch": [1], "train_loss": [1.0], "train_accuracy": [0.5]})


class BadCall(NamedTuple):
    """A call, the error it gets, and words that must be in its message."""

    what: str
    call: Callable[[], Any]
    kind: type[Exception]
    words: tuple[str, ...]


def features(**parameters: Any) -> FERFeatures:
    small = {"weights": None, "input_size": 16, "device": "cpu", "random_state": 0}
    return FERFeatures(**{"backbone": "fast", **small, **parameters})


@cache
def fitted(kind: Any = None) -> Any:
    """A fitted estimator for all calls. No call may change it."""
    return dense().fit(X, Y) if kind is None else kind().fit(X)


def with_value(value: float) -> np.ndarray:
    images = X.astype(np.float64)
    images[3, 5] = value
    return images


def blank(*sides: Any) -> np.ndarray:
    return np.zeros((14, *sides), dtype=np.uint8)


# -- images: what no estimator and no transformer of images takes ----------------------------

IMAGES: dict[str, tuple[Any, type[Exception], str]] = {
    "None": (None, ValueError, "got X of type NoneType and shape ()"),
    "a number": (5, ValueError, "got X of type int and shape ()"),
    "0-d array": (np.array(5), ValueError, "got X of type ndarray and shape ()"),
    "a path": ("face.png", ValueError, "PixelParser reads strings of pixels and ImageReader files"),
    "paths": (["a.png", "b.png"], ValueError, "ImageReader files"),
    "strings of pixels": (np.array([STRINGS] * 7), ValueError, "PixelParser reads strings"),
    "dates": (X.astype("datetime64[s]"), ValueError, "got X of dtype datetime64"),
    "a dict": ({"a": X}, ValueError, "got X of type dict"),
    "a generator": ((row for row in X), ValueError, "got X of type generator"),
    "a Series of arrays": (pd.Series(list(X)), ValueError, "got X of type Series and shape (14,)"),
    "images of two sizes": ([X[0].reshape(8, 8), X[0].reshape(4, 16)], ValueError, "rows differ"),
    "one flat image": (X[0], ValueError, "Expected 2D array, got 1D array"),
    "5-d": (np.zeros((2, 1, 8, 8, 1)), ValueError, "got X of shape (2, 1, 8, 8, 1)"),
    "no rows": (X[:0], ValueError, "Found array with 0 sample(s)"),
    "no columns": (X[:, :0], ValueError, "Found array with 0 feature(s)"),
    "NaN": (with_value(NAN), ValueError, "X contains NaN"),
    "NaN in images": (np.full((14, 8, 8), NAN), ValueError, "X contains NaN"),
    "infinite": (with_value(INF), ValueError, "X contains infinity"),
    "minus infinite": (with_value(-INF), ValueError, "X contains infinity"),
    "over float32": (with_value(1e300), ValueError, "too large for dtype('float32')"),
    "complex": (X.astype(complex), ValueError, "Complex data not supported"),
    "sparse matrix": (sparse.csr_matrix(X), TypeError, "Sparse data was passed"),
    "sparse array": (sparse.coo_array(X), TypeError, "Sparse data was passed"),
    "objects": (np.full((14, 64), object()), TypeError, "a real number, not 'object'"),
    "missing objects": (np.full((14, 64), None), ValueError, "X contains NaN"),
}
OTHER_IMAGES: dict[str, tuple[Any, str]] = {
    "more features": (np.hstack([X, X]), "X has 128 features, but"),
    "fewer features": (X[:, :16], "X has 16 features, but"),
    "another shape": (blank(4, 16), "got images of shape (4, 16, 1), expected (8, 8, 1)"),
    "more channels": (blank(8, 8, 3), "got images of shape (8, 8, 3), expected (8, 8, 1)"),
}


def image_calls() -> Iterator[BadCall]:
    """Bad images in every method that takes images."""
    methods = {
        "fit": lambda images: dense().fit(images, Y),
        "predict": lambda images: fitted().predict(images),
        "FERFeatures.fit": lambda images: features().fit(images),
        "ImageResizer.fit": lambda images: ImageResizer().fit(images),
        "HistogramEqualizer.fit": lambda images: HistogramEqualizer().fit(images),
        "ImageStandardizer.transform": lambda images: fitted(ImageStandardizer).transform(images),
    }
    for method, call in methods.items():
        for what, (images, kind, words) in IMAGES.items():
            yield BadCall(f"{method}: {what}", lambda c=call, x=images: c(x), kind, (words,))
    later = {
        "predict": lambda images: fitted().predict(images),
        "predict_proba": lambda images: fitted().predict_proba(images),
        "score": lambda images: fitted().score(images, Y),
        "partial_fit": lambda images: fitted().partial_fit(images, Y),
        "X_val": lambda images: dense().fit(X, Y, X_val=images, y_val=Y),
        "FERFeatures.transform": lambda images: fitted(features).transform(images),
        "ImageResizer.transform": lambda images: fitted(ImageResizer).transform(images),
        "HistogramEqualizer.transform": lambda images: fitted(HistogramEqualizer).transform(images),
        "ImageStandardizer.transform": lambda images: fitted(ImageStandardizer).transform(images),
    }
    for method, call in later.items():
        for what, (images, words) in OTHER_IMAGES.items():
            name = "X_val: " if method == "X_val" else ""
            yield BadCall(
                f"{method}: {what}", lambda c=call, x=images: c(x), ValueError, (name + words,)
            )


# -- targets and weights ---------------------------------------------------------------------

TARGETS: dict[str, tuple[Any, str]] = {
    "None": (None, "{name} is None"),
    "a number": (3, "got {name} of type int, expected an array of labels"),
    "a string": ("happy", "got {name} of type str, expected an array of labels"),
    "a set": ({"angry", "happy"}, "got {name} of type set"),
    "sparse": (sparse.csr_matrix(np.eye(14)), "got {name} of type csr_matrix"),
    "too short": (Y[:5], "and {name} has 5"),
    "empty": ([], "and {name} has 0"),
    "all NaN": (np.full(14, NAN), "{name} has a missing label in row 0"),
    "a missing label": ([*Y[:13], None], "{name} has a missing label in row 13"),
    "a missing number": ([1.0] * 13 + [NAN], "{name} has a missing label in row 13"),
    "a missing integer": (pd.Series([0, pd.NA] * 7, dtype="Int64"), "{name} has a missing label"),
    "infinite": ([INF, 1.0] * 7, "contains infinity"),
    "continuous": (np.linspace(0, 1, 14), "Unknown label type: continuous"),
    "complex": (np.arange(14) * 1j, "Complex data not supported"),
    "unequal rows": ([[1], [1, 2]] * 7, "got {name} of type list whose rows differ"),
    "3-d": (np.zeros((14, 2, 2)), "Found array with dim 3"),
    "rows that sum to two": (np.ones((14, 2)), "row 0 sums to 2"),
    "negative shares": (np.array([[2.0, -1.0]] * 14), "smallest share of -1"),
    "NaN shares": (np.full((14, 2), NAN), "row 0 sums to nan"),
    "shares of text": (np.full((14, 2), "a"), "{name} is 2-D, which means soft targets, but"),
    "two columns of one name": (
        pd.DataFrame(np.eye(2)[[0, 1] * 7], columns=list("aa")),
        "several columns with the same name",
    ),
}
UNKNOWN: dict[str, tuple[Any, str]] = {
    "unknown label": (["sad", *Y[1:]], "got ['sad']; the classes are ['angry', 'happy']"),
    "unknown labels only": (["sad", "fear"] * 7, "got ['fear', 'sad']"),
    "codes for names": ([0, 1] * 7, "got [0, 1]; the classes are ['angry', 'happy']"),
    "more shares than classes": (np.full((14, 4), 0.25), "4 columns for 2 classes"),
    "shares of other classes": (
        pd.DataFrame(np.eye(2)[[0, 1] * 7], columns=["fear", "sad"]),
        "the columns ['fear', 'sad']; the classes are ['angry', 'happy']",
    ),
}
WEIGHTS: dict[str, tuple[Any, str]] = {
    "negative": (-np.ones(14), "Negative values in data passed to `sample_weight`"),
    "NaN": (np.full(14, NAN), "sample_weight contains NaN"),
    "infinite": (np.full(14, INF), "sample_weight contains infinity"),
    "over float32": (np.full(14, 1e300), "sample_weight contains infinity"),
    "too short": (np.ones(5), "sample_weight.shape == (5,), expected (14,)"),
    "2-d": (np.ones((14, 2)), "Sample weights must be 1D"),
    "all zero": (np.zeros(14), "at least one non-zero"),
    "text": (["heavy"] * 14, "could not convert string to float: 'heavy'"),
    "complex": (np.ones(14) * 1j, "Complex data not supported"),
    "one negative number": (-1.0, "Negative values"),
}


def target_calls() -> Iterator[BadCall]:
    """Bad targets and weights in every method that takes them."""
    methods = {
        "fit": lambda y: dense().fit(X, y),
        "y_val": lambda y: dense().fit(X, Y, X_val=X, y_val=y),
        "score": lambda y: fitted().score(X, y),
    }
    known_classes = {
        "partial_fit": lambda y: fitted().partial_fit(X, y),
        "first partial_fit": lambda y: dense().partial_fit(X, y, classes=["angry", "happy"]),
    }
    compared = {name: methods[name] for name in ("y_val", "score")}
    incomparable = {name: UNKNOWN[name] for name in ("codes for names", "more shares than classes")}
    tables = ((TARGETS, methods), (UNKNOWN, known_classes), (incomparable, compared))
    for table, calls in tables:
        for method, call in calls.items():
            name = "y_val" if method == "y_val" else "y"
            for what, (y, words) in table.items():
                if method == "y_val" and y is None:
                    words = "X_val and y_val go together"
                text = words.replace("{name}", name)
                yield BadCall(f"{method}: {what}", lambda c=call, y=y: c(y), ValueError, (text,))
    weighted = {
        "fit": lambda weight: dense().fit(X, Y, sample_weight=weight),
        "partial_fit": lambda weight: fitted().partial_fit(X, Y, sample_weight=weight),
        "score": lambda weight: fitted().score(X, Y, sample_weight=weight),
    }
    for method, call in weighted.items():
        for what, (weight, words) in WEIGHTS.items():
            yield BadCall(
                f"{method}, sample_weight: {what}",
                lambda c=call, w=weight: c(w),
                ValueError,
                (words,),
            )


# -- parameters: what each refuses -----------------------------------------------------------

NO_NUMBER = ["10", None, NAN, INF, 1j, [1], True]
NO_COUNT = [0, -1, 1.5, *NO_NUMBER]
NO_BOOL = ["yes", 1, None]
NO_CHOICE = ["other", 5, None, True]

CLASSIFIER_PARAMETERS: dict[str, list[Any]] = {
    "max_epochs": NO_COUNT,
    "batch_size": NO_COUNT,
    "optimizer": ["lion", "SGD", None],
    "lr": [0, -0.1, *NO_NUMBER],
    "momentum": [1, -0.1, *NO_NUMBER],
    "weight_decay": [-1e-4, *NO_NUMBER],
    "lr_schedule": ["linear", 5],
    "criterion": NO_CHOICE,
    "label_smoothing": [1, -0.1, *NO_NUMBER],
    "class_weight": ["even", 5, [1, 2]],
    "normalize": NO_CHOICE,
    "augment": ["all", 5, [0.5]],
    "tta": ["sometimes", 1, None],
    "validation_fraction": [0, 1, -0.1, 5, "10", NAN, True],
    "early_stopping": NO_BOOL,
    "n_iter_no_change": NO_COUNT,
    "tol": [-1, *NO_NUMBER],
    "image_shape": [0, "8x8", 8.0],
    "warm_start": NO_BOOL,
    "checkpoint": [5, True, b"runs", ["runs"]],
    "device": [0, None],
    "precision": ["float64", "int8", None],
    "compile": NO_BOOL,
    "callbacks": [5, "print", print],
    "random_state": ["zero", -1, 1.5],
    "verbose": [-1, "yes", None],
}
BACKBONE_PARAMETERS: dict[str, list[Any]] = {
    "backbone": [50, None, b"resnet50", ["resnet50"]],
    "weights": [5, True, b"weights.pth", ["weights.pth"]],
    "input_size": [0, -1, 1.5, "small", NAN, True],
    "stem": NO_CHOICE,
}
IMAGE_PARAMETERS: dict[str, list[Any]] = {
    "path": [5, None],
    "image_size": [0, "48"],
    "color": NO_BOOL,
    "return_X_y": NO_BOOL,
    "as_frame": NO_BOOL,
    "on_error": ["ignore", None],
    "cache": NO_BOOL,
    "data_home": [5, True],
}
COLUMN = [-1, 1.5, None, True]
OPTIONAL_COLUMN = [-1, 1.5, True]
PARAMETERS: dict[Any, dict[str, list[Any]]] = {
    FERDenseClassifier: {
        "hidden_layer_sizes": [0, "64", None],
        "activation": NO_CHOICE,
        "dropout": [1, -0.1, *NO_NUMBER],
    },
    FERCNNClassifier: {
        "architecture": ["resnet", "cnn", None, 5],
        "progressive_resizing": NO_BOOL,
        "dropout": [1, -0.1, "10", NAN, True],
    },
    FERPretrainedClassifier: {
        **BACKBONE_PARAMETERS,
        "head": NO_CHOICE,
        "trainable": ["tail", 5, None, True, ["head"]],
        "backbone_lr_factor": [0, -0.1, *NO_NUMBER],
        "freeze_batch_norm": NO_BOOL,
        "dropout": [1, -0.1, *NO_NUMBER],
    },
    FERFeatures: {
        **BACKBONE_PARAMETERS,
        **{
            name: CLASSIFIER_PARAMETERS[name]
            for name in ("normalize", "image_shape", "device", "precision", "random_state")
        },
    },
    make_classifier: {"preset": NO_CHOICE},
    ImageResizer: {"image_size": [0, "48", None], "image_shape": [0, "8x8"]},
    HistogramEqualizer: {
        "method": NO_CHOICE,
        "clip_limit": [0, 1.1, *NO_NUMBER],
        "kernel_size": [0, "4"],
        "image_shape": [0, "8x8"],
    },
    ImageStandardizer: {"method": NO_CHOICE, "image_shape": [0, "8x8"]},
    PixelParser: {"column": [5, None, ["pixels"]]},
    ImageReader: {
        "image_size": [0, "48"],
        "color": NO_BOOL,
        "root": [5, b"faces"],
        "flatten": NO_BOOL,
    },
    ds.make_faces: {
        "n_samples": NO_COUNT,
        "image_size": [15, 1025, 48.0, *NO_NUMBER],
        "noise": [-0.1, 1.1, *NO_NUMBER],
        "occlusion": [-0.1, 1.1, *NO_NUMBER],
        "return_X_y": NO_BOOL,
        "random_state": ["zero", -1, 1.5],
    },
    ds.load_fer2013: {
        "path": [5, None, b"fer2013.csv", ["fer2013.csv"]],
        "subset": ["happy", None],
        "ferplus": [5, True],
        "return_X_y": NO_BOOL,
        "as_frame": NO_BOOL,
        "cache": NO_BOOL,
        "data_home": [5, True],
        "on_error": ["ignore", None],
    },
    ds.load_ferplus: {
        "path_fer2013": [5, None],
        "path_votes": [5, True],
        "target": ["soft", None],
        "subset": ["happy", None],
        "return_X_y": NO_BOOL,
        "as_frame": NO_BOOL,
        "cache": NO_BOOL,
        "data_home": [5],
        "on_error": ["ignore", None],
    },
    ds.load_ckplus: {
        "path": [5, None],
        "frames": NO_CHOICE,
        "first_as_neutral": NO_BOOL,
        "image_size": [0, "48"],
        "color": NO_BOOL,
        "subset": ["happy", None],
        "return_X_y": NO_BOOL,
        "as_frame": NO_BOOL,
        "on_error": ["ignore", None],
    },
    ds.load_faces: {
        "path": [5, None],
        "format": NO_CHOICE,
        "subset": ["happy", None],
        "ferplus": [5, True],
    },
    ds.load_image_folder: {
        "classes": ["happy", 5],
        "names": ["happy", ["happy"], 5],
        "subset": ["folder", None],
        **IMAGE_PARAMETERS,
    },
    ds.load_labelled_images: {
        "root": [5, None],
        "table": [5, None],
        "path_column": COLUMN,
        "label_column": COLUMN,
        "split_column": OPTIONAL_COLUMN,
        "group_column": OPTIONAL_COLUMN,
        "box_columns": ["left", 5],
        "names": ["happy", 5],
        "subset": ["happy", None],
        **{name: values for name, values in IMAGE_PARAMETERS.items() if name != "path"},
    },
    ds.load_rafdb: {
        "labels": NO_CHOICE,
        "images": NO_CHOICE,
        "subset": ["happy", None],
        **IMAGE_PARAMETERS,
    },
    ds.load_affectnet: {
        "leave_out": ["none", 5, None],
        "crop": NO_BOOL,
        "subset": ["happy", None],
        **IMAGE_PARAMETERS,
    },
    ds.load_expw: {"min_confidence": [-1, *NO_NUMBER], **IMAGE_PARAMETERS},
    ds.load_sfew: {"subset": ["happy", None], **IMAGE_PARAMETERS},
    ds.load_kdef: {"angles": NO_CHOICE, **IMAGE_PARAMETERS},
    ds.load_jaffe: IMAGE_PARAMETERS,
    ds.load_huggingface: {
        "image_column": [0, None],
        "label_column": [0, None],
        "names": ["happy", 5],
        "subset": ["happy", None],
        **IMAGE_PARAMETERS,
    },
    ds.merge_classes: {"bunch": [5, None, ["happy"]], "classes": [5, None, ["happy"]]},
    ds.match_classes: {"target": [5, "happy"], "classes": [5, "happy"]},
    ds.fetch_fer2013: {
        "data_home": [5, True],
        "subset": ["happy", None],
        "ferplus": [5],
        "download_if_missing": NO_BOOL,
        "return_X_y": NO_BOOL,
        "as_frame": NO_BOOL,
    },
    find_duplicates: {
        "X": [None, 5, "a"],
        "y": [5, "a"],
        "usage": [5, "train"],
        "near": [0, 1.0, "a"],
    },
}
NEEDED = {  # besides the parameter that is tried
    ds.load_fer2013: {"path": "fer2013.csv"},
    ds.load_ferplus: {"path_fer2013": "fer2013.csv", "path_votes": "fer2013new.csv"},
    ds.load_ckplus: {"path": "CK+48"},
    ds.load_faces: {"path": "faces"},
    ds.load_image_folder: {"path": "faces"},
    ds.load_labelled_images: {
        "root": "faces",
        "table": "labels.csv",
        "path_column": 0,
        "label_column": 1,
    },
    ds.load_rafdb: {"path": "basic"},
    ds.load_affectnet: {"path": "AffectNet"},
    ds.load_expw: {"path": "ExpW"},
    ds.load_sfew: {"path": "SFEW"},
    ds.load_kdef: {"path": "KDEF"},
    ds.load_jaffe: {"path": "JAFFE"},
    ds.load_huggingface: {"path": "data"},
    ds.merge_classes: {"bunch": {}, "classes": {}},
    ds.match_classes: {"target": ["happy"], "classes": ["happy"]},
    find_duplicates: {"X": X},
}


def use(target: Any, parameters: dict[str, Any]) -> Any:
    """Call a function, or fit an estimator, with these parameters."""
    parameters = {**NEEDED.get(target, {}), **parameters}
    if not inspect.isclass(target):
        return target(**parameters)
    if hasattr(target, "predict"):
        return target(**{"max_epochs": 1, **parameters}).fit(X, Y)
    return target(**parameters).fit(STRINGS if target in (PixelParser, ImageReader) else X)


def parameter_calls() -> Iterator[BadCall]:
    """Each parameter, with values that its constraints refuse."""
    for target, table in PARAMETERS.items():
        if hasattr(target, "predict"):
            table = {**CLASSIFIER_PARAMETERS, **table}
        for name, values in table.items():
            for value in values:
                words = f"The {name!r} parameter of {target.__name__} must be", f"Got {value!r} ins"
                yield BadCall(
                    f"{target.__name__}({name}={value!r})",
                    lambda t=target, n=name, v=value: use(t, {n: v}),
                    InvalidParameterError,
                    words,
                )


# -- the rest, call by call ------------------------------------------------------------------

HW = "expected (height, width), each a whole number >= 1"


def wrong(call: Callable[[], Any], *words: str, kind: type[Exception] = ValueError) -> BadCall:
    return BadCall(words[0], call, kind, words)


OTHER_CALLS = [
    # classifiers: values within a parameter
    wrong(lambda: dense(augment={"flop": 1}).fit(X, Y), "augment has 'flop'", "'flip'"),
    wrong(lambda: dense(augment={"flip": 2}).fit(X, Y), "augment['flip'] is 2", "[0, 1.0]"),
    wrong(lambda: dense(augment={"flip": "a"}).fit(X, Y), "augment['flip'] is 'a'"),
    wrong(lambda: dense(augment={"flip": True}).fit(X, Y), "augment['flip'] is True"),
    wrong(lambda: dense(augment={"rotation": NAN}).fit(X, Y), "augment['rotation'] is nan"),
    wrong(lambda: dense(augment={"shift": -1}).fit(X, Y), "augment['shift'] is -1"),
    wrong(
        lambda: dense(checkpoint={"minutes": 5}).fit(X, Y),
        "checkpoint={'minutes': 5} has no key 'folder', which is required",
    ),
    wrong(
        lambda: dense(checkpoint={"folder": "runs", "n": 1}).fit(X, Y),
        "checkpoint has the unknown key 'n'; expected some of ['folder', 'minutes', 'keep', "
        "'resume']",
    ),
    *[
        wrong(
            lambda n=name, v=value: dense(checkpoint={"folder": "runs", n: v}).partial_fit(X, Y),
            f"The {name!r} parameter of checkpoint must be",
            f"Got {value!r} instead",
        )
        for name, values in {
            "folder": [5, None, b"runs"],
            "minutes": [-1, *NO_NUMBER],
            "keep": NO_COUNT,
            "resume": NO_BOOL,
        }.items()
        for value in values
    ],
    wrong(lambda: dense(class_weight={"sad": 1}).fit(X, Y), "class_weight names 'sad'", "['an"),
    wrong(lambda: dense(class_weight={"happy": -1}).fit(X, Y), "class_weight['happy'] is -1"),
    wrong(lambda: dense(class_weight={"happy": NAN}).fit(X, Y), "class_weight['happy'] is nan"),
    wrong(lambda: dense(class_weight={"happy": "2"}).fit(X, Y), "class_weight['happy'] is '2'"),
    wrong(lambda: dense(class_weight={"happy": 0, "angry": 0}).fit(X, Y), "all images have"),
    wrong(lambda: dense(random_state=np.random.default_rng()).fit(X, Y), "'random_state' par"),
    wrong(lambda: dense(callbacks=[5]).fit(X, Y), "callbacks contains 5", kind=TypeError),
    wrong(lambda: dense(hidden_layer_sizes=(0,)).fit(X, Y), "hidden_layer_sizes=(0,)"),
    wrong(lambda: dense(hidden_layer_sizes=(8, 2.5)).fit(X, Y), "hidden_layer_sizes=(8, 2.5)"),
    wrong(lambda: dense(hidden_layer_sizes=("8",)).fit(X, Y), "hidden_layer_sizes=('8',)"),
    wrong(lambda: dense(hidden_layer_sizes=(True,)).fit(X, Y), "hidden_layer_sizes=(True,)"),
    wrong(lambda: dense(image_shape=(8, 9)).fit(X, Y), "image_shape=(8, 9), which has 72", "64"),
    wrong(lambda: dense(image_shape=(8,)).fit(X, Y), "got image_shape=(8,)"),
    wrong(lambda: dense(image_shape=(8.0, 8.0)).fit(X, Y), "got image_shape=(8.0, 8.0)"),
    wrong(lambda: dense(image_shape=(True, 64)).fit(X, Y), "got image_shape=(True, 64)"),
    wrong(lambda: dense(image_shape=(-8, -8)).fit(X, Y), "got image_shape=(-8, -8)"),
    wrong(lambda: dense(image_shape=(4, 16)).fit(blank(8, 8), Y), "got images of shape (8"),
    wrong(lambda: dense(device="quantum").fit(X, Y), "device='quantum'", "'cuda:<n>'"),
    wrong(lambda: dense(device="").fit(X, Y), "device=''"),
    wrong(lambda: dense(device="cuda:99").fit(X, Y), "device='cuda:99'", "CUDA devices here"),
    wrong(lambda: dense(device="meta").fit(X, Y), "device='meta' cannot be used here"),
    wrong(lambda: dense(precision="float16").fit(X, Y), "precision='float16' needs a CUDA device"),
    wrong(lambda: dense(lr=1e30, optimizer="sgd", max_epochs=4).fit(X, Y), "the training diverged"),
    # classifiers: arguments that do not go together
    wrong(lambda: dense().fit(blank(0, 8), Y), "Found array with 0 feature(s)"),
    wrong(lambda: dense().fit(X, ["happy"] * 14), "needs at least two classes", "'happy'"),
    wrong(lambda: dense().fit(X, np.ones((14, 1))[:, 0]), "needs at least two classes", "1.0"),
    wrong(lambda: dense().fit(X, Y, X_val=X), "X_val and y_val go together"),
    wrong(lambda: dense().fit(X, Y, y_val=Y), "got one without the other"),
    wrong(lambda: dense().fit(X, Y, X_val=X, y_val=Y[:3]), "X_val has 14 and y_val has 3"),
    wrong(lambda: dense().fit(X, Y, X_val=X[:0], y_val=Y[:0]), "X_val: Found array with 0 sample"),
    wrong(lambda: dense().fit(X, Y, X_val=with_value(NAN), y_val=Y), "X_val: Input X contains NaN"),
    wrong(lambda: dense(validation_fraction=0.99).fit(X, Y), "validation_fraction=0.99 of n"),
    wrong(lambda: dense(validation_fraction=0.01).fit(X, Y), "validation_fraction=0.01 of n"),
    wrong(lambda: dense().partial_fit(X, Y), "classes must be passed on the first call"),
    wrong(lambda: dense().partial_fit(X, Y, ["happy"]), "got classes=['happy'], expected a list"),
    wrong(lambda: dense().partial_fit(X, Y, []), "got classes=[], expected a list of two or more"),
    wrong(lambda: dense().partial_fit(X, Y, ["a", "a"]), "got classes=['a', 'a']"),
    wrong(lambda: dense().partial_fit(X, Y, [["a", "b"]]), "got classes=[['a', 'b']]", "a list of"),
    wrong(lambda: dense().partial_fit(X, Y, [NAN, 1.0]), "got classes=[nan, 1.0]"),
    wrong(lambda: dense().partial_fit(X, Y, "happy"), "got classes of type str"),
    wrong(lambda: dense().partial_fit(X, Y, 5), "got classes of type int"),
    wrong(lambda: fitted().partial_fit(X, Y, ["happy", "sad"]), "not the same as in the first"),
    # backbones; tests/estimators/test_pretrained*.py have more tests
    wrong(lambda: features(weights="imagenet1k").fit(X), "weights='imagenet1k'; expected "),
    wrong(lambda: features(weights="no.pth").fit(X), "no.pth: no such", kind=FileNotFoundError),
    wrong(lambda: features(weights=dense()).fit(X), "not fitted yet; fit", kind=NotFittedError),
    wrong(lambda: features(input_size=(16,)).fit(X), "got input_size=(16,), expected (height"),
    wrong(lambda: features(backbone="fastest").fit(X), "backbone='fastest'", "'fast'"),
    wrong(lambda: features().transform(X), "not fitted yet", kind=NotFittedError),
    wrong(lambda: features(weights=None, input_size=4).fit(X), "cannot process images of 4 x 4"),
    # classifiers: not fitted, and changed since
    wrong(lambda: dense().predict(X), "FERDenseClassifier instance", kind=NotFittedError),
    wrong(lambda: dense().predict_proba(X), "instance is not fitted yet", kind=NotFittedError),
    wrong(lambda: dense().score(X, Y), "is not fitted yet", kind=NotFittedError),
    wrong(lambda: dense().history_, "no attribute 'history_'; fit it first", kind=AttributeError),
    wrong(lambda: dense().n_epochs_, "no attribute 'n_epochs_'; fit it first", kind=AttributeError),
    wrong(lambda: dense().set_params(speed=3), "Invalid parameter 'speed'", "'lr'"),
    wrong(lambda: dense().set_callbacks(5), "FitCallback protocol", kind=TypeError),
    wrong(lambda: go_on(lr=-1), "'lr' parameter of FERDenseClassifier must be", "Got -1"),
    wrong(lambda: go_on(batch_size=0), "'batch_size' parameter of FERDenseClassifier", "Got 0"),
    wrong(lambda: go_on(optimizer="lion"), "'optimizer' parameter of FERDense", "Got 'lion'"),
    wrong(lambda: go_on(hidden_layer_sizes=(4,)), "cannot continue", "hidden_layer_sizes", "[4]"),
    wrong(lambda: go_on(normalize="none"), "cannot continue the fitted network, because normalize"),
    # the preset
    wrong(lambda: make_classifier(speed=3), "no parameter 'speed'", "max_epochs", kind=TypeError),
    wrong(lambda: make_classifier("fast", lr=-1).fit(X, Y), "The 'lr' parameter", "Got -1"),
    # transformers
    wrong(lambda: ImageResizer((0, 4)).fit(X), "got image_size=(0, 4)", HW),
    wrong(lambda: ImageResizer((4,)).fit(X), "got image_size=(4,)", HW),
    wrong(lambda: ImageResizer((4, NAN)).fit(X), "got image_size=(4, nan)", HW),
    wrong(lambda: ImageResizer((4, "4")).fit(X), "got image_size=(4, '4')", HW),
    wrong(lambda: ImageResizer((True, True)).fit(X), "got image_size=(True, True)", HW),
    wrong(lambda: ImageResizer(image_shape=(8, 9)).fit(X), "got image_shape=(8, 9), which"),
    wrong(lambda: HistogramEqualizer(kernel_size=(0, 2)).fit(X), "got kernel_size=(0, 2)", HW),
    wrong(lambda: HistogramEqualizer(kernel_size=(2,)).fit(X), "got kernel_size=(2,)", HW),
    wrong(lambda: ImageStandardizer(image_shape=(9, 8)).fit(X), "got image_shape=(9, 8), which"),
    wrong(
        lambda: ImageStandardizer("dataset").transform(X),
        "This ImageStandardizer instance",
        kind=NotFittedError,
    ),
    wrong(lambda: ImageReader().transform(["a.png"]), "This ImageReader", kind=NotFittedError),
    wrong(lambda: PixelParser().fit("0 1"), "got X of type str, expected a list"),
    wrong(lambda: PixelParser().fit(None), "got X of type NoneType"),
    wrong(lambda: PixelParser().fit({"pixels": STRINGS}), "got X of type dict"),
    wrong(lambda: PixelParser().fit({"0 1"}), "got X of type set"),
    wrong(lambda: PixelParser().fit([]), "got X with 0 rows"),
    wrong(lambda: PixelParser().fit(X), "got X of shape (14, 64), expected one column"),
    wrong(lambda: PixelParser().fit(pd.DataFrame({"a": ["1"], "b": ["2"]})), "columns ['a', 'b']"),
    wrong(lambda: PixelParser().fit([""]), "X, row 0: got an empty string"),
    wrong(lambda: PixelParser().fit([NAN]), "X, row 0: got nan, expected"),
    wrong(lambda: PixelParser().fit([b"0 1"]), "X, row 0: got b'0 1', expected"),
    wrong(lambda: PixelParser().fit_transform(["0 1", "-1 5"]), "X, row 1: pixel value -1 is outs"),
    wrong(lambda: PixelParser().fit_transform(["256 1"]), "pixel value 256 is outside 0 to 255"),
    wrong(lambda: PixelParser().fit_transform(["1.5 1"]), "'1.5' is not a whole number"),
    wrong(lambda: PixelParser().fit_transform(["nan 1"]), "'nan' is not a number from 0 to 255"),
    wrong(lambda: PixelParser().fit_transform(["1 2", "1"]), "X, row 1: got 1 pixels, expected 2"),
    wrong(lambda: ImageReader().fit("a.png"), "got X of type str, expected a list or column"),
    wrong(lambda: ImageReader().fit([5]), "X, row 0: got 5, expected a path"),
    wrong(lambda: ImageReader().fit([]), "got X with 0 rows, expected at least one of paths"),
    wrong(lambda: ImageReader().fit(X), "expected one column of paths"),
    wrong(lambda: ImageReader((0, 4)).fit(["a.png"]), "got image_size=(0, 4)", HW),
    wrong(lambda: ImageReader((True, True)).fit(["a.png"]), "got image_size=(True, True)", HW),
    wrong(lambda: ImageReader().fit(["no.png"]), "No such file", "no.png", kind=OSError),
    # loaders; what they say of files is in tests/datasets/test_bad_input.py
    wrong(lambda: ds.load_fer2013(""), "got '', expected the path of a file or folder"),
    wrong(lambda: ds.load_ckplus(""), "got '', expected the path of a file"),
    wrong(lambda: ds.load_image_folder(""), "got '', expected the path of"),
    wrong(lambda: ds.load_ferplus("", ""), "got '', expected the path"),
    wrong(lambda: ds.load_fer2013("no.csv"), "no.csv: no such file", kind=FileNotFoundError),
    wrong(lambda: ds.load_ckplus("no-ck"), "no-ck: no such file", kind=FileNotFoundError),
    wrong(lambda: ds.load_image_folder("no-dir"), "no-dir: no such", kind=FileNotFoundError),
    wrong(lambda: ds.load_ferplus("no.csv", "no.csv"), "no.csv: no such", kind=FileNotFoundError),
    wrong(lambda: ds.load_image_folder(".", image_size=(48,)), "got image_size=(48,)", HW),
    wrong(lambda: ds.load_image_folder(".", image_size=(48.0, 48)), "got image_size=(48.0", HW),
    wrong(lambda: ds.load_image_folder(".", image_size=(0, 48)), "got image_size=(0, 48)", HW),
    wrong(lambda: ds.load_image_folder(".", image_size=(1, 2, 3)), "got image_size=(1, 2, 3)", HW),
    wrong(lambda: ds.load_image_folder(".", classes=[]), "got classes=[], expected the names"),
    wrong(lambda: ds.load_image_folder(".", classes=["a", ""]), "got classes=['a', '']"),
    wrong(lambda: ds.load_image_folder(".", classes=[1, 2]), "got classes=[1, 2], expected the"),
    wrong(lambda: ds.load_image_folder(".", classes=["a", "a"]), "expected each name once"),
    # reports
    wrong(lambda: find_duplicates([1, 2]), "got X of shape (2,)", "expected images as numbers"),
    wrong(lambda: find_duplicates(X[:0]), "got X of shape (0, 64)"),
    wrong(lambda: find_duplicates([["a", "b"]]), "got X of dtype <U1"),
    wrong(lambda: find_duplicates(np.full((2, 2), object())), "and dtype object"),
    wrong(lambda: find_duplicates(X.astype(complex)), "and dtype complex128"),
    wrong(lambda: find_duplicates([[1], [1, 2]]), "got X of type list whose rows differ"),
    wrong(lambda: find_duplicates(X, [1]), "inconsistent numbers of samples: [14, 1]"),
    wrong(lambda: find_duplicates(X, usage=["a"]), "numbers of samples: [14, 1]"),
    wrong(lambda: find_duplicates(X, usage=["a", None] * 7), "usage has a missing value in row 1"),
    wrong(lambda: find_duplicates(X, usage=np.full((14, 2), "a")), "y should be a 1d array"),
    wrong(lambda: HistoryDisplay("x").plot(), "got a history of type str", "epoch, train_accuracy"),
    wrong(lambda: HistoryDisplay(pd.DataFrame()).plot(), "got a history of type DataFrame"),
    wrong(lambda: HistoryDisplay(HISTORY).plot(ax=[1]), "ax has 1 axes; expected two"),
    wrong(lambda: HistoryDisplay(HISTORY).plot(ax=[1, 2]), "got ax=[1, 2]", kind=TypeError),
    wrong(lambda: HistoryDisplay.from_estimator(dense()), "FERDense", kind=NotFittedError),
    wrong(lambda: HistoryDisplay.from_estimator(5), "5 is not an estimator", kind=TypeError),
    wrong(
        lambda: HistoryDisplay.from_estimator(ImageStandardizer().fit(X)),
        "ImageStandardizer has no history_",
        kind=TypeError,
    ),
]  # fmt: skip


def go_on(**parameters: Any) -> Any:
    model = dense().fit(X, Y)
    return model.set_params(**parameters).partial_fit(X, Y)


# -- the tests -------------------------------------------------------------------------------

BAD_CALLS = [*image_calls(), *target_calls(), *parameter_calls(), *OTHER_CALLS]


def describe() -> Iterator[tuple[str, str]]:
    """Yield each call with the error that it gets."""
    for bad in BAD_CALLS:
        try:
            bad.call()
        except Exception as error:
            yield bad.what, f"{type(error).__name__}: {' '.join(str(error).split())}"


@pytest.fixture(scope="module")
def empty_folder(tmp_path_factory):
    """Where all calls are made: nothing may be left there."""
    folder = tmp_path_factory.mktemp("empty")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("SCIKIT_LEARN_DATA", str(folder / "data_home"))
        yield folder


@pytest.mark.parametrize("bad", BAD_CALLS, ids=lambda bad: bad.what)
def test_bad_call(bad, empty_folder):
    with pytest.raises(bad.kind) as raised:
        bad.call()
    message = " ".join(str(raised.value).split())
    assert all(words in message for words in bad.words), message
    assert list(empty_folder.iterdir()) == []


def test_every_public_parameter_has_constraints_and_a_bad_call():
    functions = [make_classifier, find_duplicates, *(getattr(ds, name) for name in ds.__all__)]
    kinds = [kind for kind in PARAMETERS if inspect.isclass(kind)]
    assert {*functions, *kinds} == set(PARAMETERS)
    assert {kind.__name__ for kind in kinds if kind.__module__.startswith("sk_fer.prep")} == set(
        sk_fer.preprocessing.__all__
    )
    thin = {FEREfficientNetB2Classifier, FERResNet50Classifier}
    for kind in thin:
        assert kind._parameter_constraints is FERPretrainedClassifier._parameter_constraints
    names = {name for name in sk_fer.__all__ if name.startswith("FER")}
    assert {kind.__name__ for kind in {*kinds, *thin}} >= names
    for target, table in PARAMETERS.items():
        is_class = inspect.isclass(target)
        tried = {**CLASSIFIER_PARAMETERS, **table} if hasattr(target, "predict") else table
        parameters = inspect.signature(target).parameters.values()
        names = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
        declared = target._parameter_constraints if is_class else target._skl_parameter_constraints
        assert set(declared) == names, target
        assert set(tried) == names, target


def test_a_failed_call_does_not_change_a_fitted_estimator():
    model = dense().fit(X, Y)
    before = model.predict_proba(X)
    state = {name: id(value) for name, value in vars(model).items()}
    for bad_fit in (
        lambda: model.fit(with_value(NAN), Y),
        lambda: model.fit(X[:, :16], Y[:3]),
        lambda: model.fit(X, Y, sample_weight=-np.ones(14)),
        lambda: model.partial_fit(X, ["sad"] * 14),
    ):
        with pytest.raises(ValueError, match=r"."):
            bad_fit()
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert {name: id(value) for name, value in vars(model).items()} == state


def test_negative_pixels_are_fine_where_a_scaler_made_them():
    scaled = X.astype(np.float32) - 128
    assert isinstance(dense().fit(scaled, Y).predict(scaled)[0], str)
