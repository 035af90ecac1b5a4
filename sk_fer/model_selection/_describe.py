"""The description of a data set: counts, sizes, copies, groups, and what looks wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer._utils._image_file import read_header
from sk_fer.datasets._names import EXPRESSIONS, SUBSETS
from sk_fer.model_selection._duplicates import find_duplicates

_MOST_FILES = 2_000
_FEW_IMAGES = 10
_RARE = 20  # times fewer images than the most frequent class
_SHOWN = 5


@validate_params({"bunch": [Bunch]})
def describe_faces(bunch: Bunch) -> Bunch:
    """Describe a data set, and say what looks wrong in it.

    Parameters
    ----------
    bunch : :class:`~sklearn.utils.Bunch`
        The data set, as the loaders return it.

    Returns
    -------
    description : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        counts : DataFrame
            The number of images of each class (row) in each split (column), and in all.
        image_shape : tuple
            The shape of the images in memory.
        file_sizes : dict of (int, int) to int
            The number of files by height and width, most frequent first. If there are more than
            2,000 files, it is that of 2,000 of them. Empty if the images are not files.
        file_kinds : dict of str to int
            The number of the same files by format and depth, such as "JPEG RGB" or "PNG I;16".
        groups : dict or None
            The kind of the groups, their number, and the smallest, median and largest number of
            images in one. None if there are no groups.
        duplicates : :class:`~sklearn.utils.Bunch`
            The copies in the data set, see :func:`find_duplicates`.
        suspicious : list of str
            What looks wrong, a sentence each: classes that are rare, or absent from a split; copies
            across splits or with different labels; groups in several splits; images of one colour;
            files that do not look like cropped faces; files that were left out or are missing.

    Raises
    ------
    ValueError
        If the data set has no images.

    See Also
    --------
    sk_fer.inspection.ContactSheetDisplay : Plot some images of each class.
    find_duplicates : Find copies, also in two data sets.

    Examples
    --------
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.model_selection import describe_faces
    >>> description = describe_faces(make_faces(140, return_X_y=False))
    >>> description.counts.loc["happy"].to_dict()
    {'all': 20}
    >>> description.image_shape, description.suspicious
    ((48, 48), [])
    """
    images = np.asanyarray(bunch["images"])
    if not len(images):
        raise ValueError("the data set has no images")
    target, usage = _labels(bunch), bunch.get("usage")
    filenames = bunch.get("filenames")
    sizes, kinds = _file_headers(None if filenames is None else np.asarray(filenames))
    description = Bunch(
        counts=_count(target, usage),
        image_shape=images.shape[1:],
        file_sizes=sizes,
        file_kinds=kinds,
        groups=_describe_groups(bunch),
        duplicates=find_duplicates(images, target, usage=usage),
    )
    description.suspicious = list(_find_suspicious(bunch, images, description))
    return description


def _labels(bunch: Bunch) -> NDArray | None:
    target = bunch.get("target")
    if target is None:
        return None
    target = np.asarray(target)
    if target.ndim == 2:  # shares
        return np.asarray(bunch["target_names"])[target.argmax(axis=1)]
    return target


def _count(target: NDArray | None, usage: NDArray | None) -> Any:
    import pandas as pd

    labels = pd.Series(["no label"] if target is None else target, name="class")
    if target is None:
        return pd.DataFrame({"all": [0]}, index=["no label"])
    table = pd.DataFrame(index=np.unique(target))
    if usage is not None:
        found = pd.crosstab(labels, usage)
        table = found[[name for name in SUBSETS if name in found.columns]]
        table.columns.name = table.index.name = None
    return table.assign(all=labels.value_counts())


def _file_headers(
    filenames: NDArray | None,
) -> tuple[dict[tuple[int, int], int], dict[str, int]]:
    sizes: Counter[tuple[int, int]] = Counter()
    kinds: Counter[str] = Counter()
    if filenames is not None:
        step = -(-len(filenames) // _MOST_FILES)
        for name in filenames[::step].tolist():
            header = read_header(name)
            if header is not None:
                sizes[header.height, header.width] += 1
                kinds[f"{header.format} {header.mode}"] += 1
    return dict(sizes.most_common()), dict(kinds.most_common())


def _describe_groups(bunch: Bunch) -> dict[str, Any] | None:
    groups = bunch.get("groups")
    if groups is None:
        return None
    counts = np.unique(np.asarray(groups), return_counts=True)[1]
    return {
        "kind": bunch.get("groups_kind") or "group",
        "n_groups": len(counts),
        "smallest": int(counts.min()),
        "median": float(np.median(counts)),
        "largest": int(counts.max()),
    }


def _find_suspicious(bunch: Bunch, images: NDArray, description: Bunch) -> Iterator[str]:
    yield from _of_classes(description.counts)
    yield from _of_copies(description.duplicates)
    yield from _of_groups(bunch)
    blank = [i for i, image in enumerate(images) if (image == image[0, 0]).all()]
    if blank:
        have = "image has" if len(blank) == 1 else "images have"
        yield f"{len(blank):,} {have} one colour only, {_named(bunch, blank)}."
    sizes = description.file_sizes
    n_files = sum(sizes.values())
    long = sum(n for (height, width), n in sizes.items() if not 0.75 < height / width < 1.34)
    if 2 * long > n_files and bunch.get("boxes") is None:
        yield (
            f"{long:,} of {n_files:,} files are far from square; they may not be cropped to the "
            "face."
        )
    skipped = bunch.get("skipped") or []
    if skipped:
        yield f"{len(skipped):,} rows or files are left out because they are bad: {skipped[0][1]}."
    for field, what in (
        ("missing", "files that the list names are missing"),
        ("extra", "images are not in the list"),
        ("duplicates", "rows name an image that another row names"),
    ):
        names = bunch.get(field)
        if isinstance(names, list) and names:
            yield f"{len(names):,} {what}, the first: {names[0]}."


def _of_classes(counts: Any) -> Iterator[str]:
    totals = counts["all"]
    most = int(totals.max())
    few = totals[totals < _FEW_IMAGES]
    rare = totals[(totals >= _FEW_IMAGES) & (totals * _RARE < most)]
    for what, found in (
        (f"fewer than {_FEW_IMAGES} images", few),
        (f"fewer than 1/{_RARE} of the images of the largest class", rare),
    ):
        if len(found):
            described = ", ".join(f"{name} ({n:,})" for name, n in found.items())
            yield f"Classes with {what}: {described}."
    for split in counts.columns:
        absent = [str(name) for name in counts.index if totals[name] and not counts[split][name]]
        if absent:
            yield f"Classes without images in the {split} split: {', '.join(absent)}."
    strange = [str(name) for name in counts.index if name not in EXPRESSIONS]
    if strange and len(strange) < len(counts):
        yield f"Classes that are not expressions, among others that are: {', '.join(strange)}."


def _of_copies(duplicates: Bunch) -> Iterator[str]:
    if duplicates.groups:
        yield duplicates.summary


def _of_groups(bunch: Bunch) -> Iterator[str]:
    groups, usage = bunch.get("groups"), bunch.get("usage")
    if groups is None:
        return
    kind = bunch.get("groups_kind") or "group"
    if usage is not None:
        pairs = set(zip(np.asarray(groups).tolist(), np.asarray(usage).tolist(), strict=True))
        n_shared = sum(n > 1 for n in Counter(group for group, _ in pairs).values())
        if n_shared:
            yield f"{n_shared:,} groups ({kind}) have images in several splits."
    if len(set(np.asarray(groups).tolist())) < 3:
        yield f"There are fewer than three groups ({kind}), too few for training and tests."


def _named(bunch: Bunch, rows: list[int]) -> str:
    filenames = bunch.get("filenames")
    shown = [str(i) if filenames is None else str(filenames[i]) for i in rows[:_SHOWN]]
    more = ", ..." if len(rows) > _SHOWN else ""
    what = "rows" if filenames is None else "files"
    return f"{what} {', '.join(shown)}{more}"
