"""The versions of the libraries on which results depend."""

import importlib.metadata

from sk_fer import _version

LIBRARIES = ("sk_fer", "scikit-learn", "skorch", "torch", "numpy")


def library_versions() -> dict[str, str]:
    """Return the version of each library that models and scores depend on.

    Examples
    --------
    >>> sorted(library_versions())
    ['numpy', 'scikit-learn', 'sk_fer', 'skorch', 'torch']
    """
    return {
        name: _version.__version__ if name == "sk_fer" else importlib.metadata.version(name)
        for name in LIBRARIES
    }
