"""The files that a command leaves: there whole or not at all, and in a folder of their own."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sk_fer._utils._write_aside import write_aside


@contextmanager
def output_folder(folder: Path, names: Sequence[str], *, force: bool) -> Iterator[Path]:
    """Make the folder before the work begins, and take it away again if nothing came of it.

    Parameters
    ----------
    folder : Path
        Where to write.
    names : sequence of str
        Files to be written, which must not be there yet.
    force : bool
        Whether they may.
    """
    there = [name for name in names if (folder / name).exists()]
    if there and not force:
        raise FileExistsError(
            f"{folder} holds {', '.join(there)} already; --force overwrites, --out names another"
        )
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


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
