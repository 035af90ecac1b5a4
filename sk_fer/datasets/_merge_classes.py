"""Several classes of a data set made one."""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._names import expression_of


@validate_params({"bunch": [Mapping], "classes": [Mapping]})
def merge_classes(bunch: Bunch, classes: Mapping[str, Sequence[str]]) -> Bunch:
    """Make several classes one, for example all negative expressions.

    Parameters
    ----------
    bunch : :class:`~sklearn.utils.Bunch`
        A data set, as the loaders return it.
    classes : mapping of str to sequence of str
        The classes that become one, by the name of the new class. A class that is in none of them
        keeps its name. Expressions may have other names, such as sadness.

    Returns
    -------
    merged : :class:`~sklearn.utils.Bunch`
        The data set with other `target` and `target_names`, and `frame` if there is one. The other
        fields are those of `bunch`, in the same memory. Shares of merged classes are added.

    Raises
    ------
    ValueError
        If the data set has no labels; if one of the classes does not occur in it or is given twice;
        or if a new name is that of another class, which is not merged into it.

    See Also
    --------
    load_faces : Load a data set.

    Examples
    --------
    >>> from sk_fer.datasets import make_faces, merge_classes
    >>> faces = make_faces(14, return_X_y=False)
    >>> negative = ["angry", "disgust", "fear", "sad"]
    >>> merge_classes(faces, {"negative": negative, "positive": ["happy"]}).target_names
    ['negative', 'neutral', 'positive', 'surprise']
    """
    if bunch.get("target") is None:
        raise ValueError("the data set has no labels, expected a Bunch with a target")
    old = list(bunch["target_names"])
    new_of = _new_names(old, classes)
    target = np.asarray(bunch["target"])
    if target.ndim == 2:
        names = sorted({new_of.get(name, name) for name in old})
        merged = np.zeros((len(target), len(names)), dtype=target.dtype)
        for column, name in enumerate(old):
            merged[:, names.index(new_of.get(name, name))] += target[:, column]
    else:
        merged = np.array([new_of.get(name, name) for name in target.tolist()])
        names = np.unique(merged).tolist()
    fields = {**bunch, "target": merged, "target_names": names}
    if bunch.get("frame") is not None:
        import pandas as pd

        given = bunch["target"]
        if isinstance(given, pd.DataFrame):
            fields["target"] = pd.DataFrame(merged, columns=names, index=given.index)
        else:
            fields["target"] = pd.Series(merged, name="target", index=given.index)
        fields["frame"] = pd.concat([bunch["data"], fields["target"]], axis="columns")
    return Bunch(**fields)


def _new_names(old: list[str], classes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the new name of each class that is merged."""
    new_of: dict[str, str] = {}
    for new, members in classes.items():
        if not (isinstance(new, str) and new.strip()) or isinstance(members, str) or not members:
            raise ValueError(
                f"got classes={classes!r:.200}, expected lists of classes by the names of new ones"
            )
        for member in members:
            name = member if member in old else expression_of(str(member))
            if name not in old:
                raise ValueError(f"{member!r} is none of the classes {', '.join(old)}")
            if name in new_of:
                raise ValueError(f"{name!r} is to become {new_of[name]!r} and {new!r}")
            new_of[name] = new
    for new in set(new_of.values()):
        if new in old and new_of.get(new) != new:
            raise ValueError(
                f"{new!r} is a class of the data set; add it to the classes that become {new!r}, "
                "or choose another name"
            )
    return new_of
