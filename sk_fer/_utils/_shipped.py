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
    """
    if name not in SHIPPED:
        raise ValueError(
            f"sk_fer has no trained model {name!r}; it has {', '.join(map(repr, SHIPPED))}"
        )
    return FOLDER / f"{name}.skfer"
