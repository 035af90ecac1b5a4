"""The trained models that are files of this package."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "pretrained"

SHIPPED = ("fer2013",)


def shipped_file(name: str) -> Path:
    """Return the file of a trained model of this package.

    Parameters
    ----------
    name : str
        The name of the model.

    Raises
    ------
    ValueError
        If there is no such model.
    FileNotFoundError
        If this copy of the package does not contain the file.
    """
    if name not in SHIPPED:
        raise ValueError(
            f"sk_fer has no trained model {name!r}; it has {', '.join(map(repr, SHIPPED))}"
        )
    path = FOLDER / f"{name}.skfer"
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: this copy of sk_fer does not contain the trained model {name!r}; train one "
            "with sk-fer train, and give the file that it writes"
        )
    return path
