"""The files that a command leaves: there whole or not at all, and in a folder of their own."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sk_fer._utils._write_aside import write_aside


@contextmanager
def output_folder(folder: Path) -> Iterator[Path]:
    """Make the folder, and take away whatever was made of it if nothing comes of it."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"{folder} cannot be made, {error.strerror}; --out names another") from error
    try:
        yield folder
    finally:
        for place in made:
            if any(place.iterdir()):
                break
            place.rmdir()


def check_output(folder: Path, names: Sequence[str], *, force: bool) -> None:
    """Raise an OSError unless files can be written into a folder, which need not be there.

    Parameters
    ----------
    folder : Path
        Where to write.
    names : sequence of str
        Files to be written, which must not be there yet.
    force : bool
        Whether they may.
    """
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(f"{folder}: {nearest} is a file; wanted a folder to write into")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder}: {nearest} cannot be written into; --out names another")
    there = [name for name in names if (folder / name).exists()]
    if there and not force:
        raise FileExistsError(
            f"{folder} holds {', '.join(there)} already; --force overwrites, --out names another"
        )


def write_file(path: Path, write: Callable[[Path], Any]) -> None:
    """Have `write` fill a file of another name beside `path`, and move it into place."""
    with write_aside(path) as aside:
        write(aside)


def write_json(path: Path, content: Any) -> None:
    """Write JSON; what JSON does not know goes in as its text."""
    text = json.dumps(content, indent=2, default=str)
    write_file(path, lambda aside: aside.write_text(text + "\n", encoding="utf-8"))


def write_figure(path: Path, figure: Any) -> None:
    """Write a matplotlib figure as a PNG."""
    write_file(path, lambda aside: figure.savefig(aside, format="png", dpi=150))
