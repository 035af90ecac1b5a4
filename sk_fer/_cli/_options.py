"""The options that several subcommands share."""

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from sklearn.frozen import FrozenEstimator

from sk_fer import load_model
from sk_fer.datasets._load import FORMATS
from sk_fer.datasets._names import canonical_subset
from sk_fer.estimators import NETWORKS
from sk_fer.estimators._runnable import check_runnable


def split_of(known: Iterable[str]) -> Callable[[str | None], str | None]:
    """Return a callback that converts any name of a split to the name in this package."""

    def check(value: str | None) -> str | None:
        split = canonical_subset(value) if value else None
        if value is not None and (split is None or split not in known):
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(known)}")
        return split

    return check


def one_of(known: Iterable[str]) -> Callable[[str | None], str | None]:
    """Return a callback that raises a usage error if a value is given and not known."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in known:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(known)}")
        return value

    return check


def is_url(text: str) -> bool:
    """Whether a text is a URL."""
    return re.match(r"[a-z][a-z0-9+.-]+://", text, re.IGNORECASE) is not None


def local_path(text: str | Path) -> Path:
    """Return a path, or raise a usage error if it is empty or a URL."""
    if text == "":
        raise typer.BadParameter("got an empty path; expected a file or folder")
    if isinstance(text, str) and is_url(text):
        raise typer.BadParameter(f"{text} is a URL; expected a file or folder on this machine")
    return Path(text)


def check_share(option: str, share: float, *, most: float, may_be_all: bool = False) -> None:
    """Raise a usage error unless ``0 < share < most``; `may_be_all` also accepts `most`."""
    if not (0 < share < most or (may_be_all and share == most)):
        limit = "at most" if may_be_all else "below"
        raise typer.BadParameter(
            f"got {share:g}, expected a number above 0, {limit} {most:g}", param_hint=option
        )


def check_parameters(classifier: Any) -> None:
    """Raise a usage error if the parameters of a classifier are invalid for all data."""
    try:
        check_runnable(classifier)
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


Data = Annotated[
    Path | None,
    typer.Argument(
        metavar="DATA",
        parser=local_path,
        help="File or folder of images with labels, in any format that sk_fer.datasets.load_faces "
        "reads: a table such as fer2013.csv, icml_face_data.csv or Kaggle's train.csv, also "
        "compressed; images in folders class/image or split/class/image; CK+48 or "
        "ckextended.csv. [default: drawn faces]",
        show_default=False,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="NETWORK",
        callback=one_of(NETWORKS),
        help=f"{'; '.join(f'{name}: {row.description}' for name, row in NETWORKS.items())}. The "
        "pretrained networks require timm, and download ImageNet weights unless their parameter "
        "weights is None or a file, as in --set weights=None (in search, --param weights=None).",
    ),
]
ModelFile = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        parser=local_path,
        help="Model file that train or search wrote (.skfer), which is safe to load from any "
        "source. A .joblib file is accepted, too, but loading it can run any code: use only files "
        "of people you trust.",
        show_default=False,
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        "-e",
        min=1,
        metavar="N",
        help="Passes over the training images. [default: depends on the model]",
    ),
]
Fraction = Annotated[
    float,
    typer.Option(
        "--fraction", help="Share of the training images of each class to use.", metavar="F"
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other parameter of the model, such as dropout=0.3. The value is a Python "
        "literal. Can be given several times.",
    ),
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar=f"[auto|{'|'.join(FORMATS)}]",
        callback=one_of(("auto", *FORMATS)),
        help="Data set or format of DATA. By default, it is recognized.",
    ),
]
Ferplus = Annotated[
    Path | None,
    typer.Option(
        "--ferplus",
        metavar="VOTES.csv",
        parser=local_path,
        help="fer2013new.csv: label the images of FER2013 by the majority of ten votes, in eight "
        "classes.",
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        "--classes",
        metavar="NAME,NAME,...",
        help="Names of the class folders, if they are not named after expressions. Upper case and "
        "spaces around a name do not matter. FOLDER=NAME,... gives other names to folders, such as "
        "0=angry,1=happy.",
    ),
]
ImageSize = Annotated[
    int | None,
    typer.Option(
        "--image-size",
        min=1,
        metavar="N",
        help="Resize the images of class folders to N x N pixels. Required if image sizes differ.",
    ),
]
SkipBad = Annotated[
    bool,
    typer.Option(
        "--skip-bad",
        help="Skip rows and images that cannot be read, and report how many, instead of ending "
        "with an error.",
    ),
]
TestSize = Annotated[
    float,
    typer.Option(
        "--test-size",
        metavar="F",
        help="Share of the images for validation, and the same share for test, if DATA has no "
        "splits.",
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", "-s", min=0, help="Random seed of the splits and the model.")
]
Device = Annotated[
    str, typer.Option("--device", help="auto (CUDA or MPS if available), cpu, cuda, cuda:1, mps.")
]
Precision = Annotated[str, typer.Option("--precision", help="auto, float32, bfloat16 or float16.")]
Out = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="DIR", parser=local_path, help="Folder to write into."),
]
Color = Annotated[
    bool,
    typer.Option(
        "--color",
        help="Read the images of class folders as RGB instead of gray.",
    ),
]
Force = Annotated[
    bool, typer.Option("--force", "-f", help="Overwrite the files of an earlier run in DIR.")
]


def parse_settings(settings: Sequence[str], option: str) -> dict[str, str]:
    """Split each ``NAME=VALUE``. The error message names `option`."""
    parsed = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not (name and equals and value):
            raise typer.BadParameter(f"got {setting!r}, expected NAME=VALUE", param_hint=option)
        if name.strip() in parsed:
            raise typer.BadParameter(f"got {name.strip()} twice, expected once", param_hint=option)
        parsed[name.strip()] = value.strip()
    return parsed


def check_names(names: Sequence[str] | dict[str, Any], classifier: Any, option: str) -> None:
    """Raise a usage error unless all names are parameters of the classifier."""
    known = classifier.get_params()
    for name in names:
        if name not in known:
            raise typer.BadParameter(
                f"{type(classifier).__name__} has no parameter {name!r}; it has "
                f"{', '.join(sorted(known))}",
                param_hint=option,
            )


def parse_value(text: str) -> Any:
    """Read a Python literal or a model file (.skfer). Any other text is returned as it is.

    Examples
    --------
    >>> parse_value("0.1"), parse_value("{'flip': 0.5}"), parse_value("adam"), parse_value("None")
    (0.1, {'flip': 0.5}, 'adam', None)
    """
    if text.endswith(
        ".skfer"
    ):  # for `weights`; a search would clone, and so reset, a model that is not frozen
        return FrozenEstimator(load_model(text))
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def parse_values(text: str) -> list[Any]:
    """Read values that are separated by commas, as Python literals or text.

    Examples
    --------
    >>> parse_values("0.1,0.2"), parse_values("adam,sgd"), parse_values("(64,),(128,64)")
    ([0.1, 0.2], ['adam', 'sgd'], [(64,), (128, 64)])
    """
    try:
        return list(ast.literal_eval(f"({text},)"))
    except (ValueError, SyntaxError):
        return [parse_value(part.strip()) for part in text.split(",")]
