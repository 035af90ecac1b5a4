"""Data sets of the Hugging Face hub, as files on this machine."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._bunch import make_bunch
from sk_fer.datasets._checks import HOW_TO_SKIP, IMAGES, PATH, SUBSET, check_path
from sk_fer.datasets._documentation import document_loader
from sk_fer.datasets._entries import Entries, Entry, read_entries
from sk_fer.datasets._image_tree import ImageFile, is_junk_folder
from sk_fer.datasets._label_names import LabelNames, Names
from sk_fer.datasets._names import expression_of, subset_of

_SUFFIXES = (".parquet", ".arrow")
_SPLIT = re.compile(r"[A-Za-z_]+")


@document_loader
@validate_params(
    {
        "path": PATH,
        "image_column": [str],
        "label_column": [str],
        "names": [Mapping, "array-like", None],
        **SUBSET,
        **IMAGES,
    }
)
def load_huggingface(
    path: str | os.PathLike[str],
    *,
    image_column: str = "image",
    label_column: str = "label",
    names: Mapping[Any, str | None] | Sequence[str] | None = None,
    subset: str = "all",
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
    cache: bool | str = "auto",
    data_home: str | os.PathLike[str] | None = None,
) -> Bunch | tuple:
    """Load images from Parquet or Arrow files in the form of the Hugging Face hub.

    It needs PyArrow (``pip install ".[tables]"``), and not the package datasets. Nothing is
    downloaded.

    Parameters
    ----------
    path : str or path-like
        A Parquet or Arrow file, or a folder of them, such as a clone of a data set of the hub, or
        what ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk`` wrote.
    image_column : str, default="image"
        The column of the encoded images.
    label_column : str, default="label"
        The column of the labels, codes or names.
    names : mapping of label to str or None, or sequence of str, default=None
        The class name of each label, as in `load_labelled_images`. If None, the names in the
        features of the data set are used. If all of them are expressions under other names, such
        as happiness, they become the names of this package.
    {subset}
    {parameters}

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        {fields}
    {data_target}

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ImportError
        If PyArrow is not installed.
    ValueError
        If a file is damaged or has no such column; if a label is unknown; if an image is bad; or
        if the sizes differ and `image_size` is None.

    See Also
    --------
    load_labelled_images : Load image files with a list of labels.

    Notes
    -----
    The split of a file follows from its name, such as ``train-00000-of-00001.parquet``, or from
    its folder. The features are in the metadata of each file. Data sets of the hub are often
    copies of other ones, in another order of the codes and with other splits than the official
    ones; `sk_fer.model_selection.find_duplicates` finds the images that they share.

    Examples
    --------
    >>> from sk_fer.datasets import load_huggingface
    >>> faces = load_huggingface("my-data-set", subset="train")  # doctest: +SKIP
    >>> faces.target_names  # doctest: +SKIP
    ['angry', 'happy', 'sad']
    """
    path = check_path(path)
    files = find_arrow_files(path)
    if not files:
        raise ValueError(f"{path}: found no .parquet or .arrow files in this folder")
    rows: list[Entry] = []
    skipped: list[tuple[str, str]] = []
    target_names: tuple[str, ...] = ()
    for file in files:
        usage = _split_of(file, path)
        table = _Table(file, image_column, label_column)
        label_of = LabelNames(names if names is not None else table.names)
        target_names = label_of.target_names
        for number, value in enumerate(table.labels, 1):
            place = f"{file}, row {number}"
            try:
                label = label_of("" if value is None else str(value))
            except ValueError as error:
                if on_error == "raise":
                    raise ValueError(f"{place}: {error}; {HOW_TO_SKIP}") from None
                skipped.append((place, f"{place}: {error}"))
                continue
            if label is not None:
                image = ImageFile(place, (), partial(table.open, number - 1), str(file))
                rows.append(Entry(image, label, usage))
    if not rows:
        raise ValueError(f"{path}: no image is used; {skipped[0][1] if skipped else 'no rows'}")
    faces = read_entries(
        Entries(str(path), rows, target_names, skipped=list(skipped)),
        image_size=image_size,
        color=color,
        on_error=on_error,
        cache=cache,
        data_home=data_home,
    )
    return make_bunch(
        faces.select(subset, path), "huggingface", return_X_y=return_X_y, as_frame=as_frame
    )


def find_arrow_files(path: Path) -> list[Path]:
    """Return the Parquet and Arrow files of a data set, without those of its cache."""
    if path.is_file():
        return [path]
    found = []
    for folder, below, names in os.walk(path):
        below[:] = sorted(name for name in below if not is_junk_folder(name))
        found += [
            Path(folder, name)
            for name in sorted(names)
            if name.lower().endswith(_SUFFIXES) and not name.startswith(("cache-", "."))
        ]
    return found


def has_encoded_images(path: Path) -> bool:
    """Return whether a Parquet or Arrow file has a column of encoded images, and not of pixels.

    Without PyArrow, it is taken to have one, and its loader says what to install.
    """
    try:
        import pyarrow.types as types
    except ImportError:
        return True
    try:
        with _reading(path):
            parquet, arrow = _open(path)
    except (OSError, ValueError):
        return False  # its loader will say that it is damaged
    fields = arrow.schema if parquet is None else parquet.schema_arrow
    return any(
        types.is_binary(field.type)
        or types.is_large_binary(field.type)
        or (types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0)
        for field in fields
    )


def _split_of(file: Path, root: Path) -> str | None:
    """Return the split that a file or the folders above it are named after."""
    word = _SPLIT.match(file.name)
    above = file.relative_to(root).parts[:-1] if root.is_dir() else ()
    candidates = [word[0].rstrip("_")] if word else []
    return next(filter(None, map(subset_of, [*candidates, *reversed(above)])), None)


class _Table:
    """A Parquet or Arrow file with images. One group of rows of a Parquet file is in memory."""

    def __init__(self, path: Path, image_column: str, label_column: str) -> None:
        self.path, self.column = path, image_column
        with _reading(path):
            self._parquet, self._arrow = _open(path)
        self.schema = self._arrow.schema if self._parquet is None else self._parquet.schema_arrow
        for column in (image_column, label_column):
            if column not in self.schema.names:
                raise ValueError(
                    f"{path}: no column {column!r}, it has {', '.join(self.schema.names)}"
                )
        sizes = [0]
        if self._parquet is not None:
            metadata = self._parquet.metadata
            sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        self._starts = [sum(sizes[:i]) for i in range(len(sizes))]
        with _reading(path):
            self.labels = self._labels(label_column)
        self.names = self._names(label_column)
        self._group: tuple[int, Any] = (-1, None)

    def _labels(self, column: str) -> list[Any]:
        if self._parquet is not None:
            return self._parquet.read(columns=[column]).column(column).to_pylist()
        assert self._arrow is not None
        return self._arrow.column(column).to_pylist()

    def _names(self, column: str) -> Names | None:
        """Return the names in the features, None if the labels are names themselves."""
        try:
            features = json.loads(self.schema.metadata[b"huggingface"])["info"]["features"]
            names = [str(name) for name in features[column]["names"]]
        except (KeyError, TypeError, ValueError):
            return None
        known = [expression_of(name) for name in names]
        return names if None in known else [name for name in known if name]

    def open(self, row: int) -> BinaryIO:
        """Open the image in a row."""
        with _reading(self.path):
            group = max(i for i, start in enumerate(self._starts) if start <= row)
            if self._group[0] != group:
                self._group = (group, self._images(group))
            value = self._group[1][row - self._starts[group]].as_py()
        content = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(content, bytes):
            raise ValueError(
                f"{self.path}, row {row + 1}: the column {self.column!r} has no encoded image"
            )
        return io.BytesIO(content)

    def _images(self, group: int) -> Any:
        if self._parquet is not None:
            return self._parquet.read_row_group(group, columns=[self.column]).column(self.column)
        assert self._arrow is not None
        return self._arrow.column(self.column)


def _open(path: Path) -> tuple[Any, Any]:
    """Return a Parquet file or an Arrow table, and None in place of the other."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    if is_parquet:
        return pq.ParquetFile(path), None
    source = pa.memory_map(str(path))
    try:
        return None, pa.ipc.open_stream(source).read_all()
    except pa.ArrowInvalid:
        return None, pa.ipc.open_file(source).read_all()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f'{path}: it requires PyArrow: run pip install ".[tables]" in the clone of sk_fer'
        ) from error
    except OSError:
        raise
    except Exception as error:  # on damaged files PyArrow raises nearly anything
        raise ValueError(f"{path}: not a readable Parquet or Arrow file, {error!s:.200}") from error
