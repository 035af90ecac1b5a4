"""Writes annotated pictures into a folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from sk_fer._utils._write_aside import write_aside

if TYPE_CHECKING:
    import pandas as pd


def write_annotated(folder: Path, table: "pd.DataFrame", top: int) -> None:
    """Write each photograph in a table of `predict_faces` with boxes and bars to a folder.

    The files are named ``<name>_faces.jpg``, with a number if several photographs have a name.
    """
    from sk_fer.inspection import annotate_faces

    folder.mkdir(parents=True, exist_ok=True)
    used: set[str] = set()
    for path in dict.fromkeys(table.index):
        stem = name = f"{Path(path).stem}_faces"
        number = 1
        while name.casefold() in used:  # some file systems ignore the case
            number += 1
            name = f"{stem}_{number}"
        used.add(name.casefold())
        picture = annotate_faces(path, table[table.index == path], top=top)
        with write_aside(folder / f"{name}.jpg") as aside:
            picture.save(aside, format="JPEG", quality=92)
