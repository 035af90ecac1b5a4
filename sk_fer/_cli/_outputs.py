"""Output folders and files. A file is written completely or not at all."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sk_fer._utils._write_aside import write_aside


@contextmanager
def output_folder(folder: Path) -> Iterator[Path]:
    """Create the folder, and remove it at the end if it is empty and was created here."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"{folder} cannot be created: {error.strerror}; choose another folder with --out"
        ) from error
    try:
        yield folder
    finally:
        for place in made:
            if any(place.iterdir()):
                break
            place.rmdir()


def check_output(folder: Path, names: Sequence[str], *, force: bool) -> None:
    """Raise an OSError unless files can be written to a folder, which need not exist.

    Parameters
    ----------
    folder : Path
        Where to write.
    names : sequence of str
        Names of the files to be written.
    force : bool
        Whether existing files may be overwritten.
    """
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(f"{folder}: {nearest} is a file; expected a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise PermissionError(
            f"{folder}: {nearest} is not writable; choose another folder with --out"
        )
    there = [name for name in names if (folder / name).exists()]
    if there and not force:
        raise FileExistsError(
            f"{folder} already contains {', '.join(there)}; use --force to overwrite, or --out to "
            "choose another folder"
        )


def write_file(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a temporary file beside `path` with `write`, and move it to `path`."""
    with write_aside(path) as aside:
        write(aside)


def write_json(path: Path, content: Any) -> None:
    """Write JSON. Objects that JSON cannot represent are written as strings."""
    text = json.dumps(content, indent=2, default=str)
    write_file(path, lambda aside: aside.write_text(text + "\n", encoding="utf-8"))


def write_figure(path: Path, figure: Any) -> None:
    """Write a matplotlib figure as a PNG."""
    write_file(path, lambda aside: figure.savefig(aside, format="png", dpi=150))
