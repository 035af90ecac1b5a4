"""The names of expressions and of splits, and what else they are called."""

import reprlib

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt")
"""The class names of every loader; their order is FER2013's code."""

FER2013_EXPRESSIONS = EXPRESSIONS[:7]

SUBSETS = ("train", "validation", "test")

USAGES = ("Training", "PublicTest", "PrivateTest")
"""FER2013's words for `SUBSETS`, in the same order."""

_EXPRESSION_ALIASES = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "neutrality": "neutral",
    "sadness": "sad",
    "surprised": "surprise",
}
_SUBSET_ALIASES = {
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "publictest": "validation",
    "testing": "test",
    "privatetest": "test",
}


def expression_of(name: str) -> str | None:
    """Return the expression that a name stands for, None if it stands for none."""
    name = name.strip().lower()
    name = _EXPRESSION_ALIASES.get(name, name)
    return name if name in EXPRESSIONS else None


def subset_of(name: str) -> str | None:
    """Return the subset that a name stands for, None if it stands for none."""
    name = name.strip().lower()
    name = _SUBSET_ALIASES.get(name, name)
    return name if name in SUBSETS else None


def usage_code(usage: str) -> int:
    """Return the position in `USAGES` of one of them."""
    subset = subset_of(usage)
    if subset is None:
        raise ValueError(f"Usage {reprlib.repr(usage)} is not one of {', '.join(USAGES)}")
    return SUBSETS.index(subset)
