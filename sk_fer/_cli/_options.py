"""The options that several verbs share, each written once."""

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from sklearn.frozen import FrozenEstimator

from sk_fer import load_model
from sk_fer.datasets._names import canonical_subset
from sk_fer.estimators import PRESETS
from sk_fer.estimators._runnable import check_runnable


def split_of(known: Iterable[str]) -> Callable[[str | None], str | None]:
    """Return a callback that turns any name of a split into the one that the package uses."""

    def check(value: str | None) -> str | None:
        split = canonical_subset(value) if value else None
        if value is not None and (split is None or split not in known):
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(known)}")
        return split

    return check


def one_of(known: Iterable[str]) -> Callable[[str | None], str | None]:
    """Return a check that raises a usage error unless a value, where there is one, is known."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in known:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(known)}")
        return value

    return check


def is_url(text: str) -> bool:
    """Whether a text is a URL and no path."""
    return re.match(r"[a-z][a-z0-9+.-]+://", text, re.IGNORECASE) is not None


def local_path(text: str | Path) -> Path:
    """Return a path, or raise a usage error about an empty one or a URL."""
    if text == "":
        raise typer.BadParameter("got an empty path")
    if isinstance(text, str) and is_url(text):
        raise typer.BadParameter(f"{text} is a URL; wanted a file or folder of this machine")
    return Path(text)


def check_share(option: str, share: float, *, most: float, may_be_all: bool = False) -> None:
    """Raise a usage error unless a share is above 0, and below `most` or, if it may, equal."""
    if not (0 < share < most or (may_be_all and share == most)):
        limit = "at most" if may_be_all else "below"
        raise typer.BadParameter(
            f"got {share:g}, wanted a number above 0, {limit} {most:g}", param_hint=option
        )


def check_parameters(classifier: Any) -> None:
    """Raise a usage error if no data could be fitted with the parameters of a classifier."""
    try:
        check_runnable(classifier)
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


Data = Annotated[
    Path | None,
    typer.Argument(
        metavar="DATA",
        parser=local_path,
        help="A table such as fer2013.csv, icml_face_data.csv or Kaggle's train.csv, also "
        "compressed; images in folders class/image or split/class/image; CK+48 or "
        "ckextended.csv. Any file or folder that sk_fer.datasets.load_faces reads can be given. "
        "Without DATA, the command draws faces.",
        show_default=False,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar=f"[{'|'.join(PRESETS)}]",
        callback=one_of(PRESETS),
        help="Network. resnet50 and efficientnet_b2 need timm, and fetch ImageNet weights unless "
        "their parameter weights is None or a file.",
    ),
]
ModelFile = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        parser=local_path,
        help="model.skfer, as train and search write it. Such a file is safe to load, whoever made "
        "it. A .joblib file can be given, too, but loading it can run any code: only use those "
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
        help="Passes over the training images. The default depends on the model.",
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
        help="Any other parameter of the model, as a Python literal. Repeatable.",
    ),
]
Ferplus = Annotated[
    Path | None,
    typer.Option(
        "--ferplus",
        metavar="VOTES.csv",
        parser=local_path,
        help="fer2013new.csv: eight classes by the majority of ten votes, for a DATA of FER2013.",
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        "--classes",
        metavar="NAME,NAME,...",
        help="Names of the class folders, if they are not named after expressions. Upper case and "
        "spaces around a name do not matter.",
    ),
]
ImageSize = Annotated[
    int | None,
    typer.Option(
        "--image-size",
        min=1,
        metavar="N",
        help="Resize the images of class folders to N x N pixels. Without it, all images must "
        "have the same size.",
    ),
]
SkipBad = Annotated[
    bool,
    typer.Option(
        "--skip-bad",
        help="Leave out rows and images that cannot be read. Without it, the first "
        "of them is an error.",
    ),
]
TestSize = Annotated[
    float,
    typer.Option(
        "--test-size",
        metavar="F",
        help="If DATA has no splits: the share of images to set aside for validation, and the same "
        "share again for test.",
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", "-s", min=0, help="Seed of the splits, the weights and the rest.")
]
Device = Annotated[
    str, typer.Option("--device", help="auto (CUDA, then MPS, then the CPU), cpu, cuda, cuda:1...")
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
        help="Keep the colours of the images in class folders. Without it, they become gray.",
    ),
]
Force = Annotated[
    bool, typer.Option("--force", "-f", help="Overwrite what an earlier run left in DIR.")
]


def parse_settings(settings: Sequence[str], option: str) -> dict[str, str]:
    """Split each ``NAME=VALUE``; `option` they were given to goes into the message."""
    parsed = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not (name and equals and value):
            raise typer.BadParameter(f"got {setting!r}, wanted NAME=VALUE", param_hint=option)
        parsed[name.strip()] = value.strip()
    return parsed


def check_names(names: Sequence[str] | dict[str, Any], classifier: Any, option: str) -> None:
    """Raise a usage error unless all are parameters of the classifier."""
    known = classifier.get_params()
    for name in names:
        if name not in known:
            raise typer.BadParameter(
                f"{type(classifier).__name__} has no parameter {name!r}; it has "
                f"{', '.join(sorted(known))}",
                param_hint=option,
            )


def parse_value(text: str) -> Any:
    """Read a Python literal or a model file; anything else is taken as text.

    Examples
    --------
    >>> parse_value("0.1"), parse_value("{'flip': 0.5}"), parse_value("adam"), parse_value("None")
    (0.1, {'flip': 0.5}, 'adam', None)
    """
    if text.endswith(".skfer"):  # for `weights`; a search clones what is not frozen
        return FrozenEstimator(load_model(text))
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def parse_values(text: str) -> list[Any]:
    """Read values apart by commas, Python literals or text.

    Examples
    --------
    >>> parse_values("0.1,0.2"), parse_values("adam,sgd"), parse_values("(64,),(128,64)")
    ([0.1, 0.2], ['adam', 'sgd'], [(64,), (128, 64)])
    """
    try:
        return list(ast.literal_eval(f"({text},)"))
    except (ValueError, SyntaxError):
        return [parse_value(part.strip()) for part in text.split(",")]
