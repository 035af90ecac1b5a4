"""Writes annotated pictures into a folder."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sk_fer._utils._write_aside import write_aside

if TYPE_CHECKING:
    import pandas as pd

_LONGEST = 200  # bytes of a name; file systems allow 255, with the end of the name


def write_annotated(folder: Path, table: "pd.DataFrame", top: int) -> list[str]:
    """Write each photograph in a table of `predict_faces` with boxes and bars to a folder.

    The files are named ``<name>_faces.jpg``, with a number if several photographs have a name.
    Their names are returned.
    """
    from sk_fer.inspection import annotate_faces

    folder.mkdir(parents=True, exist_ok=True)
    used: set[str] = set()
    names = []
    for path in dict.fromkeys(table.index):
        names.append(f"{free_name(path, used)}.jpg")
        picture = annotate_faces(path, table[table.index == path], top=top)
        with write_aside(folder / names[-1]) as aside:
            picture.save(aside, format="JPEG", quality=92)
    return names


def free_name(path: str, used: set[str]) -> str:
    """Return the name of an annotated copy without its suffix, and add it to the used names.

    It has a number if another picture has this name. The names of files that are too long for it
    are shortened.
    """
    stem = Path(path).stem
    if len(os.fsencode(stem)) > _LONGEST:
        stem = os.fsencode(stem)[:_LONGEST].decode("utf-8", "ignore")
    stem = name = f"{stem}_faces"
    number = 1
    while name.casefold() in used:  # some file systems ignore the case
        number += 1
        name = f"{stem}_{number}"
    used.add(name.casefold())
    return name
