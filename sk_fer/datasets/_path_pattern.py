"""Images whose paths say their labels, splits and groups."""

import re
from collections import Counter
from collections.abc import Callable, Mapping

from sk_fer.datasets._checks import HOW_TO_SKIP
from sk_fer.datasets._entries import Entries, Entry
from sk_fer.datasets._image_tree import ImageTree
from sk_fer.datasets._names import subset_of

LeftOut = Callable[[re.Match[str]], str | None]


def pattern_entries(
    tree: ImageTree,
    pattern: re.Pattern[str],
    names: Mapping[str, str],
    *,
    example: str,
    on_error: str,
    left_out: LeftOut = lambda found: None,
    groups_kind: str | None = None,
    group_of: Callable[[str], str] = str,
) -> Entries:
    """Find the images whose paths have a pattern.

    Parameters
    ----------
    tree : ImageTree
        The images.
    pattern : re.Pattern
        A pattern that is searched in the path below the root. Its groups may be named label,
        usage and group; other named groups become fields.
    names : mapping of str to str
        The class name of each label, in lower case.
    example : str
        A path that has the pattern, for messages.
    on_error : {"raise", "skip"}
        Whether an image with another path is an error, or is left out.
    left_out : callable, default=None
        A function from a match to the reason why the image is left out, or to None.
    groups_kind : str, default=None
        What a group is.
    group_of : callable, default=str
        A function from what the pattern has for the group to the group.

    Returns
    -------
    entries : Entries
        With the field `left_out`, the number of images by the reason.

    Raises
    ------
    ValueError
        If no image has such a path, or one has not and `on_error` is "raise".
    """
    columns = [name for name in pattern.groupindex if name not in ("label", "usage", "group")]
    rows: list[Entry] = []
    skipped: list[tuple[str, str]] = []
    reasons: Counter[str] = Counter()
    for file in tree.images:
        found = pattern.search(file.place)
        label = names.get(found["label"].lower()) if found else None
        if found is None or label is None:
            skipped.append((file.path, f"{file.path}: not named as {example}"))
            continue
        reason = left_out(found)
        if reason is not None:
            reasons[reason] += 1
            continue
        parts = found.groupdict()
        rows.append(
            Entry(
                file,
                label,
                usage=subset_of(parts["usage"]) if parts.get("usage") else None,
                group=group_of(parts["group"]) if parts.get("group") else None,
                more=tuple(parts[name] for name in columns),
            )
        )
    if skipped and (on_error == "raise" or not (rows or reasons)):
        few = HOW_TO_SKIP if rows else "expected the folder of the data set"
        raise ValueError(f"{skipped[0][1]}, as {len(skipped)} of {len(tree.images)} images; {few}")
    if not rows:
        raise ValueError(f"{tree.root}: no image is used, left out: {dict(reasons)}")
    return Entries(
        tree.root,
        rows,
        tuple(dict.fromkeys(names.values())),
        columns=tuple(columns),
        groups_kind=groups_kind,
        skipped=list(skipped),
        not_read=dict(tree.not_read),
        fields={"left_out": dict(reasons)},
    )
